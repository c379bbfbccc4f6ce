//! `assay task`: what problems look like, and what their verifiers say.

use super::{Done, Stop};
use assay_core::rng::{Stream, Uniform};
use assay_core::spec::reader::Sink;
use assay_core::task::{Problem, STEP, Split, TaskSpec};
use serde_json::{Map, Value};
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Task {
    /// List their names, with what a model needs for them
    Ls,
    /// Print problems, with a right and a wrong chain each, judged step by step
    Show(Show),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    name: String,
    /// Number of problems
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    n: u32,
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// train, validation, test or ood
    #[arg(long, default_value_t = Split::Test)]
    split: Split,
    /// A setting of the task; may be given more than once
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Folder of the files of questions
    #[arg(long, value_name = "DIR", default_value = ".")]
    data: PathBuf,
}

impl Task {
    pub(crate) fn run(self) -> Done {
        let text = match self {
            Self::Ls => list()?,
            Self::Show(show) => show.text()?,
        };
        // A closed pipe (`| head`) is no error of ours.
        let _ = std::io::stdout().write_all(text.as_bytes());
        Ok(())
    }
}

fn list() -> Result<String, Stop> {
    let mut out = format!(
        "{:<12}{:>10}{:>10}{:>10}\n",
        "task", "vocab", "prompt", "chain"
    );
    for name in TaskSpec::generated() {
        let task = read(name, &[])?;
        out += &format!(
            "{:<12}{:>10}{:>10}{:>10}\n",
            name,
            task.vocab(),
            task.max_prompt_tokens(),
            task.longest_chain()
        );
    }
    Ok(out
        + "questions   free text from files of yours, for checkpoints: docs/checkpoints.md\n"
        + "prompt and chain: longest, in tokens, with default settings\n")
}

fn read(name: &str, set: &[String]) -> Result<TaskSpec, Stop> {
    let mut fields = Map::from_iter([("name".to_string(), Value::from(name))]);
    for pair in set {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| Stop::usage(format!("--set wants KEY=VALUE, not {pair:?}")))?;
        // What is no JSON is a word.
        let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
        fields.insert(key.into(), value);
    }
    let sink = Sink::default();
    let task = TaskSpec::read(&Value::Object(fields), "", &sink);
    let faults: Vec<String> = sink
        .into_inner()
        .into_iter()
        .map(|violation| match violation.pointer.as_str() {
            "/name" => violation.message,
            pointer => format!("{}: {}", pointer.trim_start_matches('/'), violation.message),
        })
        .collect();
    match task {
        Some(task) if faults.is_empty() => Ok(task),
        _ => Err(Stop::usage(faults.join("\n"))),
    }
}

impl Show {
    fn text(&self) -> Result<String, Stop> {
        let mut task = read(&self.name, &self.set)?;
        task.attach(|file| std::fs::read(self.data.join(file)))
            .map_err(Stop::usage)?;
        let uniform = Uniform::new(self.seed, "task-show");
        let mut out = format!("{}, {}, seed {}\n", task.name(), self.split, self.seed);
        for i in 0..self.n {
            let stream = &mut uniform.stream(i, 0);
            let problem = task.problem(self.split, stream);
            out += &format!(
                "\n{}  {}\n   gold {}, difficulty {}, short form {}\n",
                i + 1,
                problem.prompt,
                problem.gold,
                problem.difficulty,
                task.short_answer(&problem)
            );
            let right = task.long_chain(&problem, 0.0, stream);
            out += &judged(&task, &problem, "right chain", &right);
            let wrong = wrong(&task, &problem, stream);
            out += &judged(&task, &problem, "wrong chain", &wrong);
        }
        Ok(out)
    }
}

/// A few tries for one whose answer is wrong too; some problems forgive a fault.
fn wrong(task: &TaskSpec, problem: &Problem, stream: &mut Stream) -> String {
    let mut text = task.wrong_chain(problem, stream);
    for _ in 0..10 {
        if !task.verify(problem, &text, true).correct {
            break;
        }
        text = task.wrong_chain(problem, stream);
    }
    text
}

/// One line for each step, and one for the answer.
fn judged(task: &TaskSpec, problem: &Problem, title: &str, text: &str) -> String {
    let verdict = task.verify(problem, text, true);
    let mut out = format!("   {title}\n");
    let answer = match verdict.correct {
        true => "the right answer",
        false => "not the answer",
    };
    // Free text has no steps.
    if task.is_text() {
        for line in text.lines().chain([answer]) {
            out += &format!("      {line}\n");
        }
        return out;
    }
    let words = verdict.steps.iter().map(|step| step.word());
    for (piece, word) in text.split(STEP).zip(words.chain([answer])) {
        out += &format!("      {piece:<28} {}\n", word.replace('_', " "));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(name: &str, split: Split) -> Result<String, Stop> {
        let show = Show {
            name: name.into(),
            n: 4,
            seed: 1,
            split,
            set: vec![],
            data: PathBuf::from("."),
        };
        show.text()
    }

    #[test]
    fn every_task_is_shown_in_a_hundred_columns() {
        for name in TaskSpec::generated() {
            for split in [Split::Test, Split::Ood] {
                let text = show(name, split).unwrap();
                assert!(text.lines().all(|line| line.len() <= 100), "{text}");
                assert_eq!(text.matches("the right answer").count(), 4, "{text}");
                assert_eq!(text.matches("not the answer").count(), 4, "{text}");
            }
        }
        assert_eq!(
            list().unwrap().lines().count(),
            TaskSpec::generated().len() + 3
        );
    }

    #[test]
    fn what_is_no_task_or_setting_gets_a_clear_line() {
        let stop = show("chess", Split::Test).unwrap_err();
        assert!(
            stop.message
                .contains("unknown task \"chess\"; known: modchain, parity")
        );
        assert_eq!((stop.code, stop.message.lines().count()), (2, 1));
        let stop = read("parity", &["max_bit=20".into()]).unwrap_err();
        assert!(stop.message.contains("did you mean `max_bits`?"));
        let task = read("mult", &["order=most_first".into(), "max_digits=2".into()]);
        assert_eq!(task.unwrap().name(), "mult");
    }

    #[test]
    fn questions_are_shown_from_their_files() {
        let folder = std::env::temp_dir().join(format!("assay-questions-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut set = vec![];
        for (name, from) in [("train", 0), ("test", 50), ("ood", 90)] {
            let text: String = (from..from + 30)
                .map(|i| {
                    format!(
                        "{{\"question\": \"{i}+1?\", \"answer\": \"Add.\\n#### {}\"}}\n",
                        i + 1
                    )
                })
                .collect();
            std::fs::write(folder.join(name), &text).unwrap();
            let sha = assay_core::canonical::sha256_of(text.as_bytes());
            set.push(format!(
                "{name}={{\"file\": \"{name}\", \"sha256\": \"{sha}\"}}"
            ));
        }
        let mut show = Show {
            name: "questions".into(),
            n: 2,
            seed: 1,
            split: Split::Ood,
            set,
            data: folder.clone(),
        };
        let text = show.text().unwrap();
        assert_eq!(text.matches("the right answer").count(), 2, "{text}");
        assert_eq!(text.matches("<think>Add.</think>").count(), 4, "{text}");
        show.data = folder.join("elsewhere");
        assert!(
            show.text()
                .unwrap_err()
                .message
                .contains("train: No such file")
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
