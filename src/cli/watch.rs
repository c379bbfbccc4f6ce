//! `assay watch`: one bar a run on a terminal, plain lines anywhere else.

use super::client::{Client, experiment_id, remote_of};
use super::{Done, Remote, Stop};
use crate::api::progress::{Progress, RunProgress};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

const PACE: Duration = Duration::from_secs(1);
/// A server that restarts is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
const BAR: u64 = 1_000;

#[derive(Debug, clap::Args)]
pub(crate) struct Watch {
    /// The experiment's id or address
    #[arg(value_name = "ID|URL")]
    experiment: String,
    /// End when every run has ended; exit 1 unless all succeeded
    #[arg(long)]
    exit: bool,
    #[command(flatten)]
    remote: Remote,
}

impl Watch {
    pub(crate) fn run(self) -> Done {
        let id = experiment_id(&self.experiment)?;
        let client = Client::new(&remote_of(&self.experiment, &self.remote))?;
        let path = format!("/api/v1/experiments/{id}/progress");
        let first: Progress = client.get(&path)?;
        let mut view = View::new(&first);
        let mut progress = first;
        let mut heard = Instant::now();
        loop {
            view.show(&progress);
            if self.exit && progress.runs.iter().all(has_ended) {
                view.end();
                return verdict(&progress);
            }
            std::thread::sleep(PACE);
            match client.get(&path) {
                Ok(now) => {
                    progress = now;
                    heard = Instant::now();
                }
                Err(stop) if heard.elapsed() > PATIENCE => return Err(stop),
                Err(_) => {}
            }
        }
    }
}

fn has_ended(run: &RunProgress) -> bool {
    matches!(run.state.as_str(), "succeeded" | "failed" | "cancelled")
}

fn verdict(progress: &Progress) -> Done {
    let failed: Vec<String> = progress
        .runs
        .iter()
        .filter(|run| run.state != "succeeded")
        .map(|run| {
            let why = run.current.as_ref().and_then(|c| c.failure.clone());
            format!(
                "{}: {}",
                name(run),
                why.unwrap_or_else(|| run.state.clone())
            )
        })
        .collect();
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Stop::new(failed.join("\n")))
    }
}

fn name(run: &RunProgress) -> String {
    format!("{} seed {}", run.arm, run.seed)
}

/// What is said of a run; of one that somebody has left out, that too.
fn message(run: &RunProgress) -> String {
    match run.excluded {
        true => format!("{} (left out)", doing(run)),
        false => doing(run),
    }
}

fn doing(run: &RunProgress) -> String {
    let Some(current) = &run.current else {
        return run.state.clone();
    };
    if let Some(failure) = &current.failure {
        return format!("failed in {}: {failure}", current.name);
    }
    let mut text = match current.state.as_str() {
        "running" => format!("{} step {}", current.name, current.step),
        state => format!("{} {state}", current.name),
    };
    for (metric, value) in &current.metrics {
        let short = match metric.rsplit('/').next().unwrap_or(metric) {
            "pass_at_1" => "pass@1",
            "reward_mean" => "reward",
            other => other,
        };
        text += &format!("  {short} {value:.3}");
    }
    text
}

enum View {
    Bars {
        all: MultiProgress,
        bars: HashMap<String, ProgressBar>,
    },
    /// What was said last of each run.
    Lines { said: HashMap<String, String> },
}

impl View {
    fn new(progress: &Progress) -> Self {
        println!("{}", progress.name);
        if !std::io::stdout().is_terminal() {
            return Self::Lines {
                said: HashMap::new(),
            };
        }
        let all = MultiProgress::with_draw_target(indicatif::ProgressDrawTarget::stdout());
        let width = progress
            .runs
            .iter()
            .map(|run| name(run).len())
            .max()
            .unwrap_or(0);
        let template = format!("{{prefix:{width}}} {{bar:24}} {{percent:>3}}% {{wide_msg}}");
        let style = ProgressStyle::with_template(&template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        let bars = progress
            .runs
            .iter()
            .map(|run| {
                let bar = all.add(ProgressBar::new(BAR).with_style(style.clone()));
                bar.set_prefix(name(run));
                (name(run), bar)
            })
            .collect();
        Self::Bars { all, bars }
    }

    fn show(&mut self, progress: &Progress) {
        for run in &progress.runs {
            let text = message(run);
            match self {
                Self::Bars { bars, .. } => {
                    let Some(bar) = bars.get(&name(run)).filter(|bar| !bar.is_finished()) else {
                        continue;
                    };
                    bar.set_position((run.fraction * BAR as f64) as u64);
                    bar.set_message(text.clone());
                    if has_ended(run) {
                        bar.abandon_with_message(text);
                    }
                }
                Self::Lines { said } => {
                    // Steps alone would fill a log: a line for each tenth of the way.
                    let mark = format!(
                        "{} {:?} {}",
                        run.state,
                        run.current.as_ref().map(|c| (&c.name, &c.state)),
                        (run.fraction * 10.0) as u32
                    );
                    if said.get(&name(run)) != Some(&mark) {
                        println!("{:>4.0}% {}: {text}", run.fraction * 100.0, name(run));
                        said.insert(name(run), mark);
                    }
                }
            }
        }
    }

    fn end(&self) {
        if let Self::Bars { all, .. } = self {
            all.set_move_cursor(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::ids::RunId;

    #[test]
    fn a_run_that_was_left_out_is_said_to_be() {
        let mut run = RunProgress {
            run: RunId(uuid::Uuid::nil()),
            arm: "grpo".into(),
            seed: 1,
            state: "succeeded".into(),
            excluded: false,
            done: 2,
            stages: 2,
            fraction: 1.0,
            current: None,
        };
        assert_eq!(message(&run), "succeeded");
        run.excluded = true;
        assert_eq!(message(&run), "succeeded (left out)");
    }
}
