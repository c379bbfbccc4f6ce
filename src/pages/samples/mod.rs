//! `/runs/{id}/samples`: what does it write, and is the grader right?

mod contest;
mod contests;
mod form;
mod groups;
mod marks;
mod material;
mod wanted;

use super::filed::{Links, OF_TABLE};
use super::math::{Typesetter, typeset};
use super::query::Asked;
use super::run::{curve, panels};
use super::{Choice, Shell, filters, freshness, html, words};
use crate::number;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use assay_core::ids::RunId;
use assay_core::spec::JobSpec;
use assay_store::Series;
pub use contest::contest;
pub use contests::get as contests_file;
use groups::{Group, People, Review, Said, groups, review, said};
use material::{Material, RATES, Shown, material};

#[derive(Template)]
#[template(path = "samples/page.html")]
struct SamplesPage {
    shell: Shell,
    run: RunId,
    arm: String,
    seed: u64,
    stages: Vec<Choice>,
    stage: Option<String>,
    form: Option<form::Form>,
    sampling: String,
    matches: String,
    reward: Option<String>,
    rates: Vec<String>,
    /// Of reflective completions, over the steps.
    curve: Option<RateCurve>,
    groups: Vec<Group>,
    /// How many formulas are set, where that was asked for.
    typeset: Option<String>,
    legend: marks::Legend,
    /// Marked and counted instead of the usual ones.
    phrases: Option<String>,
    first: Option<String>,
    next: Option<String>,
    /// What the address asks for, in the words of this page: forms keep it.
    back: String,
    review: Review,
    said: Vec<Said>,
    /// They as files.
    files: Links,
}

struct RateCurve {
    svg: String,
    title: String,
    /// Of which completions it is a share.
    over: &'static str,
    /// The base model's own rate.
    base: String,
    /// The rate of the policy as the stage began.
    began: String,
    files: Links,
}

impl SamplesPage {
    fn new(shell: Shell, of: &Material) -> Self {
        let shown = of.stage.as_ref();
        let people = People {
            contests: &of.contests,
            unkept: of.unkept.as_ref(),
        };
        let asked = shown.filter(|s| s.wanted.typeset);
        let set = asked.and_then(|s| {
            typeset(|by| {
                let mut by = Some(by);
                let groups = groups(s, people, &mut by);
                (groups, by.map(|by| formulas(&by)))
            })
        });
        // Without formulas where these cannot be set.
        let raw = || shown.map_or(vec![], |s| groups(s, people, &mut None));
        let (groups, typeset) = set.unwrap_or_else(|| (raw(), None));
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
            curve: shown.and_then(|s| rate_curve(s, of.run.id)),
            groups,
            typeset,
            legend: shown.map_or_else(Default::default, |s| marks::legend(&s.spec.task)),
            phrases: shown.and_then(phrases),
            first: shown.and_then(|s| s.wanted.after.map(|_| s.wanted.link(&s.name, None))),
            next: shown.and_then(|s| s.next.map(|at| s.wanted.link(&s.name, Some(at)))),
            back: shown.map_or(String::new(), |s| s.wanted.link(&s.name, s.wanted.after)),
            review: review(&of.contests),
            said: of.contests.iter().rev().map(|c| said(c, &of.run)).collect(),
            files: Links::new(&format!("/runs/{}/contests", of.run.id), &OF_TABLE, ""),
            shell,
        }
    }
}

/// How the stored completions were taken from all that was generated.
fn sampling(of: &Shown) -> String {
    let stored = number::integer(of.stored as i64);
    let dynamic = is_dynamic(of);
    let rule = words::sampled(dynamic);
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
    let trained_on = if dynamic { "that were trained on " } else { "" };
    format!(
        "{stored} of {} completions {trained_on}are stored: {each} {every}, {rule}.",
        number::integer(all)
    )
}

/// Groups whose rewards do not differ are drawn anew.
fn is_dynamic(of: &Shown) -> bool {
    let (JobSpec::Grpo { params, .. } | JobSpec::Ppo { params, .. }) = &of.spec.job else {
        return false;
    };
    params.max_num_gen_batches > 1
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

/// Those that the address names, and how many of them stand in what is shown.
fn phrases(of: &Shown) -> Option<String> {
    let own = &of.wanted.phrases;
    if own.is_empty() {
        return None;
    }
    let counts = of.samples.iter().map(|s| {
        let task = &of.spec.task;
        i64::from(task.reflections_at(&s.view.completion, own))
    });
    let counts: Vec<i64> = counts.collect();
    let having = counts.iter().filter(|n| **n > 0).count();
    let quoted: Vec<String> = own.iter().map(|p| format!("“{p}”")).collect();
    Some(format!(
        "phrases of this link: {}; {} in {} of the {} shown. Rates over the steps count the usual \
         phrases",
        quoted.join(", "),
        number::integer(counts.iter().sum()),
        number::integer(having as i64),
        number::counted(counts.len() as i64, "completion")
    ))
}

/// A bin holds the steps up to its own; without one there was nothing to count.
fn rate_at(series: &Series, step: i64) -> String {
    let found = series.points.iter().find(|p| p.step >= step);
    match found.filter(|p| series.level > 0 || p.step == step) {
        Some(p) => number::fixed(p.mean, 3),
        None => "none counted".into(),
    }
}

fn rate_curve(of: &Shown, run: RunId) -> Option<RateCurve> {
    let (metric, words) = RATES[0];
    let (_, series) = of.rates.iter().find(|(own, _)| *own == words)?;
    let base = of.base.as_ref().map(|b| b.rate);
    let drawn =
        (series.points.len() > 1).then(|| panels::view_beside(metric, words, series, base))?;
    let files = curve::links(run, &of.name, metric);
    Some(RateCurve {
        svg: drawn.svg,
        title: drawn.title,
        over: match is_dynamic(of) {
            true => "each step's batch, discarded draws left out",
            false => "each rollout",
        },
        base: match base_rate(of) {
            Some(text) => format!(
                "Dashed: the base model's own rate, {text}; it may have done the same already."
            ),
            None => "Nothing was measured of the base model to draw beside it.".into(),
        },
        began: rate_at(series, 1),
        files,
    })
}

/// What was last measured of the model that all of this began with.
fn base_rate(of: &Shown) -> Option<String> {
    of.base.as_ref().map(|b| {
        format!(
            "{} over the validation split at step {} of {}",
            number::fixed(b.rate, 3),
            number::integer(b.step),
            b.stage
        )
    })
}

/// Rates of the step that is shown, beside the base model's and those of the stage's first
/// rollout: the policy as it was before this stage, which may have been trained already.
fn rates(of: &Shown) -> Vec<String> {
    let over = match is_dynamic(of) {
        true => "all that was trained on",
        false => "the whole rollout",
    };
    let line = |(words, series): &(&str, Series)| {
        let first = rate_at(series, 1);
        let here = of.wanted.step.or(of.steps.last().copied()).unwrap_or(1);
        let base = base_rate(of).filter(|_| *words == RATES[0].1);
        let base = base.map_or(String::new(), |text| format!("the base model {text}; "));
        format!(
            "{words}, share of {over}: {base}{first} at step 1, with the policy as this stage \
             began; {} at step {}",
            rate_at(series, here),
            number::integer(here)
        )
    };
    of.rates.iter().map(line).collect()
}

/// What became of the formulas on this page.
fn formulas(by: &Typesetter) -> String {
    let (set, left) = by.counts();
    let count = |n: usize| number::counted(n as i64, "formula");
    match (set, left) {
        (0, 0) => "No formula was found in these texts".into(),
        (_, 0) => format!("{} typeset, none left as written", count(set)),
        (_, _) => format!(
            "{} typeset, {} left as written: unknown to the converter, too long, too deep, too \
             many, or with something that cannot be seen",
            count(set),
            number::integer(left as i64)
        ),
    }
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

pub async fn page(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<RunId>,
) -> Result<HttpResponse, Problem> {
    let mut asked = Asked::read(request.query_string());
    let of = material(&state, *id, &mut asked).await?;
    show(&state, &request, asked, of).await
}

async fn show(
    state: &AppState,
    request: &HttpRequest,
    asked: Asked,
    of: Material,
) -> Result<HttpResponse, Problem> {
    let runs = std::slice::from_ref(&of.run);
    let sign = freshness::of_runs(&mut *state.conn().await?, runs).await?;
    let mut shell = Shell::new(state, request, "Samples")
        .run(&of.run, &of.question)
        .signed(&sign);
    shell.ignored = asked.ignored();
    // Formulas take their time, and nobody else's.
    let page = match of.stage.as_ref().is_some_and(|s| s.wanted.typeset) {
        true => tokio::task::spawn_blocking(move || SamplesPage::new(shell, &of))
            .await
            .map_err(Problem::internal)?,
        false => SamplesPage::new(shell, &of),
    };
    html(&page)
}

#[cfg(test)]
mod tests;
