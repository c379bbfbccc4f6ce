//! `/runs/{id}/samples`: what does it write, and is the grader right?

mod contest;
mod marks;
mod wanted;

use super::query::Asked;
use super::text::{self, Long};
use super::{Choice, Shell, html};
use crate::number;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use assay_core::ids::{RunId, StageId};
use assay_core::spec::JobSpec;
use assay_core::spec::stage::StageSpec;
use assay_core::stats::wilson;
use assay_core::task;
use assay_store::{
    self as store, Contest, Cut, GraderVerdict, GroupView, Place, RunView, Sample, SampleFilter,
    Series,
};
pub use contest::contest;
use marks::{Marked, marked};
use sqlx::PgConnection;
use wanted::Wanted;

/// Everything that the page is made from.
#[derive(Debug)]
pub(super) struct Material {
    pub run: RunView,
    pub question: String,
    /// Stages that have stored completions, and the one that is shown.
    pub stages: Vec<String>,
    pub stage: Option<Shown>,
    pub contests: Vec<Contest>,
}

/// The stage that is shown.
#[derive(Debug)]
pub(super) struct Shown {
    pub name: String,
    pub id: StageId,
    pub spec: StageSpec,
    /// Steps that it has made so far.
    pub trained: i64,
    pub steps: Vec<i64>,
    pub wanted: Wanted,
    /// Completions stored of the stage, and those that the filter of the address lets
    /// through before the texts are read.
    pub stored: u64,
    pub matching: u64,
    pub samples: Vec<Sample>,
    pub groups: Vec<GroupView>,
    pub next: Option<Place>,
    /// Texts read without finding a full page.
    pub scanned: Option<usize>,
    /// What is counted in texts, over the steps: words and curve.
    pub rates: Vec<(&'static str, Series)>,
}

/// Counts in texts whose rates stand beside the marks.
const RATES: [(&str, &str); 2] = [
    ("train/reflection_rate", "Reflective completions"),
    (
        "train/language_consistency",
        "Characters of steps in the prompt's vocabulary",
    ),
];

/// Completions a page.
const PAGE: usize = 50;
/// Texts read for one page where they are chosen by what stands in them.
const SCAN: usize = 2_000;
const BATCH: i64 = 200;
const POINTS: usize = 300;
const CUT: Cut = Cut {
    prompt: 4_096,
    completion: 20_000,
};

struct Group {
    id: String,
    title: String,
    rewards: String,
    prompt: Long,
    gold: String,
    completions: Vec<Completion>,
}

struct Completion {
    id: String,
    correct: bool,
    rewarded_wrong: bool,
    reward: String,
    advantage: String,
    components: Vec<String>,
    length: String,
    truncated: bool,
    marked: Marked,
    /// How much of it is not here.
    cut: Option<String>,
    place: Place,
    said: Vec<Said>,
}

/// A person's word on a completion.
struct Said {
    at: String,
    wrong: bool,
    reason: String,
    counts: bool,
    href: String,
    place: String,
}

struct Review {
    reviewed: u64,
    rate: String,
    basis: String,
}

#[derive(Template)]
#[template(path = "samples/page.html")]
struct SamplesPage {
    shell: Shell,
    run: RunId,
    arm: String,
    seed: u64,
    stages: Vec<Choice>,
    stage: Option<String>,
    form: Option<wanted::Form>,
    sampling: String,
    matches: String,
    reward: Option<String>,
    rates: Vec<String>,
    groups: Vec<Group>,
    legend: marks::Legend,
    first: Option<String>,
    next: Option<String>,
    review: Review,
    said: Vec<Said>,
}

impl SamplesPage {
    fn new(shell: Shell, of: &Material) -> Self {
        let shown = of.stage.as_ref();
        Self {
            run: of.run.id,
            arm: of.run.arm.label.clone(),
            seed: of.run.seed,
            stages: of
                .stages
                .iter()
                .map(|name| Choice {
                    value: name.clone(),
                    label: name.clone(),
                    chosen: shown.is_some_and(|s| s.name == *name),
                })
                .collect(),
            stage: shown.map(|s| s.name.clone()),
            form: shown.map(|s| s.wanted.form(&s.steps, &s.name)),
            sampling: shown.map_or(String::new(), sampling),
            matches: shown.map_or(String::new(), matches),
            reward: shown.and_then(formula),
            rates: shown.map_or(vec![], rates),
            groups: shown.map_or(vec![], |s| groups(s, &of.contests)),
            legend: shown.map_or_else(Default::default, |s| marks::legend(&s.spec.task)),
            first: shown.and_then(|s| s.wanted.after.map(|_| s.wanted.link(&s.name, None))),
            next: shown.and_then(|s| s.next.map(|at| s.wanted.link(&s.name, Some(at)))),
            review: review(&of.contests),
            said: of.contests.iter().rev().map(|c| said(c, &of.run)).collect(),
            shell,
        }
    }
}

/// How the stored completions were taken from all that was generated.
fn sampling(of: &Shown) -> String {
    let stored = number::integer(of.stored as i64);
    let rule = "whole groups in the order in which they were drawn; nothing is chosen by reward";
    let (JobSpec::Grpo { params, .. } | JobSpec::Ppo { params, .. }) = &of.spec.job else {
        return format!("{stored} completions are stored: {rule}.");
    };
    let group = i64::from(params.num_generations);
    let all = of.trained * i64::from(params.prompts_per_step) * group;
    let whole = of.steps.len() as u64 * group as u64;
    let each = match of.stored.checked_div(whole) {
        Some(n) if n * whole == of.stored && n > 0 => {
            let groups = number::counted(n as i64, "group");
            format!("the first {groups} of {group}")
        }
        Some(_) | None => "the first groups".into(),
    };
    let every = match params.sample_steps {
        1 => "of every step".to_string(),
        n => format!("of one step in {n}"),
    };
    format!(
        "{stored} of {} completions are stored: {each} {every}, {rule}.",
        number::integer(all)
    )
}

fn matches(of: &Shown) -> String {
    let shown = of.samples.len() as i64;
    let matching = number::counted(of.matching as i64, "stored completion");
    let mut text = match of.wanted.reads_texts() {
        false => format!("{} shown of {matching} that match", number::integer(shown)),
        true => format!(
            "{} shown; {matching} match before their texts are read",
            number::integer(shown)
        ),
    };
    if let Some(n) = of.scanned {
        let n = number::integer(n as i64);
        text.push_str(&format!("; {n} texts read for this page, go on for more"));
    }
    text
}

/// Rates of the step that is shown, beside those of the stage's first rollout: the policy
/// as it was before this stage, which may have done the same already.
fn rates(of: &Shown) -> Vec<String> {
    let said = |series: &Series, step: i64| {
        // A bin holds the steps up to its own; without one there was nothing to count.
        let found = series.points.iter().find(|p| p.step >= step);
        match found.filter(|p| series.level > 0 || p.step == step) {
            Some(p) => number::fixed(p.mean, 3),
            None => "none counted".into(),
        }
    };
    let line = |(words, series): &(&str, Series)| {
        let first = said(series, 1);
        let here = of.wanted.step.or(of.steps.last().copied()).unwrap_or(1);
        format!(
            "{words}, share of the whole rollout: {first} at step 1, with the policy as this stage \
             began; {} at step {}",
            said(series, here),
            number::integer(here)
        )
    };
    of.rates.iter().map(line).collect()
}

/// The reward as a sum, from the stage's resolved spec.
fn formula(of: &Shown) -> Option<String> {
    let (JobSpec::Grpo { params, .. } | JobSpec::Ppo { params, .. }) = &of.spec.job else {
        return None;
    };
    let terms: Vec<String> = params
        .rewards
        .iter()
        .map(|t| {
            let credit = t.credit.map_or(String::new(), |c| format!("_{c}"));
            format!(
                "{} × {}{credit}",
                number::significant(t.weight),
                t.component
            )
        })
        .collect();
    let off = match params.overlong_buffer {
        0 => "",
        _ => " − overlong_penalty",
    };
    Some(format!("reward = {}{off}", terms.join(" + ")))
}

fn groups(of: &Shown, contests: &[Contest]) -> Vec<Group> {
    let mut out: Vec<(i64, i32, Vec<&Sample>)> = vec![];
    for sample in &of.samples {
        let (step, group) = (sample.view.step, sample.view.group);
        match out.last_mut() {
            Some((s, g, members)) if (*s, *g) == (step, group) => members.push(sample),
            Some(_) | None => out.push((step, group, vec![sample])),
        }
    }
    out.into_iter()
        .map(|(step, group, members)| {
            let whole = of
                .groups
                .iter()
                .find(|g| (g.step, g.group) == (step, group));
            let first = members[0];
            Group {
                id: format!("s{step}-g{group}"),
                title: format!("Step {}, group {}", number::integer(step), group + 1),
                rewards: whole.map_or(String::new(), |g| rewards(g, members.len())),
                prompt: text::fold(&first.view.prompt),
                gold: text::line(&first.view.gold, 1_000),
                completions: members
                    .iter()
                    .map(|m| completion(m, of, contests))
                    .collect(),
            }
        })
        .collect()
}

/// The whole group in numbers, also where the filter shows a part of it.
fn rewards(of: &GroupView, shown: usize) -> String {
    let right = of.correct.iter().filter(|c| **c).count();
    let all: Vec<String> = of
        .rewards
        .iter()
        .take(64)
        .map(|r| number::fixed(*r, 2))
        .collect();
    let more = if of.rewards.len() > 64 { " …" } else { "" };
    let part = match of.rewards.len() - shown.min(of.rewards.len()) {
        0 => String::new(),
        n => format!("; {n} of them not shown here"),
    };
    format!(
        "{right} of {} correct, rewards {}{more}{part}",
        of.correct.len(),
        all.join(" ")
    )
}

fn completion(of: &Sample, shown: &Shown, contests: &[Contest]) -> Completion {
    let v = &of.view;
    let problem = task::Problem {
        prompt: v.prompt.clone(),
        gold: v.gold.clone(),
        difficulty: 0,
    };
    let here = v.completion.chars().count() as u64;
    let place = of.place();
    let components = v.components.as_object().into_iter().flatten();
    Completion {
        id: format!("s{}-g{}-i{}", v.step, v.group, v.index),
        correct: v.correct,
        rewarded_wrong: !v.correct && v.reward > 0.0,
        reward: number::fixed(v.reward, 3),
        advantage: number::signed(number::Kind::Share, v.advantage),
        components: components
            .take(16)
            .map(|(name, value)| {
                let value = value.as_f64().unwrap_or(f64::NAN);
                format!("{} {}", text::line(name, 40), number::fixed(value, 3))
            })
            .collect(),
        length: number::counted(i64::from(v.length), "token"),
        truncated: v.truncated,
        marked: marked(&shown.spec.task, &problem, &v.completion),
        cut: (here < of.characters).then(|| {
            format!(
                "cut: {} of {} characters",
                number::integer(here as i64),
                number::integer(of.characters as i64)
            )
        }),
        place,
        said: contests
            .iter()
            .filter(|c| c.stage == shown.id && c.place == place)
            .map(|c| said_of(c, String::new(), String::new()))
            .collect(),
    }
}

fn said(of: &Contest, run: &RunView) -> Said {
    let stage = run.stages.iter().find(|s| s.stage == of.stage);
    let name = stage.map_or("", |s| s.name.as_str());
    let Place { step, group, index } = of.place;
    let query = super::query::link([("stage", name), ("step", &step.to_string())]);
    let place = format!(
        "{name}, step {}, group {}, completion {}",
        number::integer(step),
        group + 1,
        index + 1
    );
    said_of(of, format!("{query}#s{step}-g{group}-i{index}"), place)
}

fn said_of(of: &Contest, href: String, place: String) -> Said {
    Said {
        at: number::moment(of.at),
        wrong: of.verdict == GraderVerdict::Wrong,
        reason: text::line(&of.reason, store::MAX_REASON),
        counts: of.counts,
        href,
        place,
    }
}

/// How often people found the grader wrong.
fn review(contests: &[Contest]) -> Review {
    let last = || contests.iter().filter(|c| c.counts);
    let reviewed = last().count() as u64;
    let wrong = last().filter(|c| c.verdict == GraderVerdict::Wrong).count() as u64;
    let share = wrong as f64 / reviewed.max(1) as f64;
    let rate = match wilson(wrong, reviewed) {
        None => String::new(),
        Some(interval) => format!(
            "{} {}, {wrong} of {reviewed}",
            number::fixed(share, 3),
            number::interval(number::Kind::Share, &interval)
        ),
    };
    Review {
        reviewed,
        rate,
        basis: format!(
            "n = {reviewed}: completions of this run that a person has judged, the last word on \
             each; 95 % interval by Wilson's formula. It speaks for what people chose to look at, \
             not for a random sample."
        ),
    }
}

/// One page of completions, in the order of sampling.
async fn gather(
    conn: &mut PgConnection,
    of: &mut Shown,
    filter: &SampleFilter,
) -> Result<(), Problem> {
    let mut after = of.wanted.after;
    let mut scanned = 0;
    loop {
        let limit = if of.wanted.reads_texts() {
            BATCH
        } else {
            PAGE as i64 + 1
        };
        let rows = store::list_samples(&mut *conn, of.id, filter, after, CUT, limit).await?;
        let last = rows.len() < limit as usize;
        for row in rows {
            scanned += 1;
            if of.samples.len() == PAGE {
                of.next = of.samples.last().map(Sample::place);
                break;
            }
            after = Some(row.place());
            if of.wanted.takes(&of.spec.task, &row) {
                of.samples.push(row);
            }
        }
        if last || of.next.is_some() {
            break;
        }
        if scanned >= SCAN {
            of.next = after;
            of.scanned = Some(scanned);
            break;
        }
    }
    if of.next.is_some() && !filter.splits_groups() && !of.wanted.reads_texts() {
        whole_groups(of);
    }
    Ok(())
}

/// Leaves a group that does not end on this page to the next one, unless it is the only one.
fn whole_groups(of: &mut Shown) {
    let key = |s: &Sample| (s.view.step, s.view.group);
    let Some(last) = of.samples.last().map(key) else {
        return;
    };
    if of.samples.first().map(key) != Some(last) {
        of.samples.retain(|s| key(s) != last);
        of.next = of.samples.last().map(Sample::place);
    }
}

async fn material(state: &AppState, id: RunId, asked: &mut Asked) -> Result<Material, Problem> {
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, id).await?;
    let question = store::get_experiment(&mut conn, run.experiment).await?.name;
    let mut sampled = vec![];
    for stage in &run.stages {
        let steps = store::completion_steps(&mut conn, stage.stage).await?;
        if !steps.is_empty() {
            sampled.push((stage, steps));
        }
    }
    let wanted = asked.text("stage");
    let chosen = wanted.as_ref().and_then(|name| {
        let found = sampled.iter().position(|(s, _)| s.name == *name);
        if found.is_none() {
            asked.refuse("stage", name);
        }
        found
    });
    let at = chosen.or(sampled.len().checked_sub(1));
    let mut stage = None;
    if let Some((view, steps)) = at.map(|at| &sampled[at]) {
        let wanted = Wanted::read(asked, steps);
        let filter = wanted.filter();
        let mut shown = Shown {
            name: view.name.clone(),
            id: view.stage,
            spec: store::get_stage_spec(&mut conn, view.stage).await?,
            trained: view.step,
            steps: steps.clone(),
            stored: store::count_samples(&mut conn, view.stage, &SampleFilter::default()).await?,
            matching: store::count_samples(&mut conn, view.stage, &filter).await?,
            wanted,
            samples: vec![],
            groups: vec![],
            next: None,
            scanned: None,
            rates: vec![],
        };
        for (name, words) in RATES {
            let series = store::series(&mut conn, view.stage, name, POINTS).await?;
            if !series.points.is_empty() {
                shown.rates.push((words, series));
            }
        }
        gather(&mut conn, &mut shown, &filter).await?;
        let mut places: Vec<(i64, i32)> = shown
            .samples
            .iter()
            .map(|s| (s.view.step, s.view.group))
            .collect();
        places.dedup();
        shown.groups = store::list_groups(&mut conn, view.stage, &places).await?;
        stage = Some(shown);
    }
    Ok(Material {
        question,
        stages: sampled.iter().map(|(s, _)| s.name.clone()).collect(),
        stage,
        contests: store::list_contests(&mut conn, id).await?,
        run,
    })
}

pub async fn page(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<RunId>,
) -> Result<HttpResponse, Problem> {
    let mut asked = Asked::read(request.query_string());
    let of = material(&state, *id, &mut asked).await?;
    let mut shell = Shell::new(&state, &request, "Samples").run(&of.run, &of.question);
    shell.ignored = asked.ignored();
    html(&SamplesPage::new(shell, &of))
}

#[cfg(test)]
mod tests;
