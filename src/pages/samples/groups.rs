//! Groups of completions as the page shows them, and what people say of the grader.

use super::marks::{Marked, is_mixed, marked, other_script};
use super::material::Shown;
use crate::number;
use crate::pages::math::Typesetter;
use crate::pages::query::link;
use crate::pages::text::{self, Long};
use assay_core::stats::wilson;
use assay_core::task;
use assay_store::{self as store, Contest, GraderVerdict, GroupView, Place, RunView, Sample};

pub(super) struct Group {
    pub id: String,
    pub title: String,
    pub rewards: String,
    pub prompt: Long,
    pub gold: String,
    pub step: String,
    pub completions: Vec<Completion>,
    /// What another step wrote to the same prompt.
    pub beside: Option<Beside>,
    /// The group alone, whole.
    pub alone: String,
    /// Other steps at which the prompt is stored, each with where it is shown beside.
    pub others: Vec<(String, String)>,
}

pub(super) struct Beside {
    pub step: String,
    pub completions: Vec<Completion>,
}

/// Other steps that are named at a group.
const OTHERS: usize = 12;

pub(super) struct Completion {
    pub id: String,
    pub correct: bool,
    pub rewarded_wrong: bool,
    pub reward: String,
    pub advantage: String,
    pub components: Vec<String>,
    pub length: String,
    pub truncated: bool,
    pub marked: Marked,
    /// More of it than a little is in another script or vocabulary than the question's.
    pub mixed: bool,
    /// How much of a free text is in another script.
    pub other: Option<String>,
    /// How much of it is not here.
    pub cut: Option<String>,
    pub place: Place,
    pub said: Vec<Said>,
}

/// A person's word on a completion.
pub(super) struct Said {
    pub at: String,
    pub wrong: bool,
    pub reason: String,
    pub counts: bool,
    pub href: String,
    pub place: String,
}

pub(super) struct Review {
    pub reviewed: u64,
    pub rate: String,
    pub basis: String,
}

/// `by`: what sets the formulas of completions, where that is asked for.
pub(super) fn groups(of: &Shown, contests: &[Contest], by: &mut Option<Typesetter>) -> Vec<Group> {
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
                gold: text::start(&first.view.gold, 1_000),
                step: number::integer(step),
                beside: beside(of, first, contests, by),
                alone: address(of, step, group, None),
                others: others(of, first),
                completions: members
                    .iter()
                    .map(|m| completion(m, of, contests, by))
                    .collect(),
            }
        })
        .collect()
}

fn beside(
    of: &Shown,
    first: &Sample,
    contests: &[Contest],
    by: &mut Option<Typesetter>,
) -> Option<Beside> {
    let step = of.wanted.with.filter(|with| *with != first.view.step)?;
    let same = |s: &&Sample| s.view.prompt == first.view.prompt;
    let found = of.beside.iter().filter(same);
    Some(Beside {
        step: number::integer(step),
        completions: found
            .map(|s| {
                let c = completion(s, of, contests, by);
                // The same completion may stand beside several groups.
                let id = format!("{}-at-s{}-g{}", c.id, first.view.step, first.view.group);
                Completion { id, ..c }
            })
            .collect(),
    })
}

/// Of many steps, some over the whole stage.
fn others(of: &Shown, first: &Sample) -> Vec<(String, String)> {
    let view = &first.view;
    let steps: Vec<i64> = of
        .prompt_steps
        .iter()
        .filter(|(prompt, step)| *prompt == view.prompt && *step != view.step)
        .map(|(_, step)| *step)
        .collect();
    let every = steps.len().div_ceil(OTHERS).max(1);
    steps
        .into_iter()
        .step_by(every)
        .map(|with| {
            let href = address(of, view.step, view.group, Some(with));
            (number::integer(with), href)
        })
        .collect()
}

/// One group, whatever else was asked for.
fn address(of: &Shown, step: i64, group: i32, with: Option<i64>) -> String {
    let with = with.map_or(String::new(), |with| with.to_string());
    let query = link([
        ("stage", of.name.as_str()),
        ("step", &step.to_string()),
        ("group", &(group + 1).to_string()),
        ("with", &with),
        ("phrases", &of.wanted.phrases.join(",")),
        ("render", of.wanted.render()),
    ]);
    format!("{query}#s{step}-g{group}")
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

fn completion(
    of: &Sample,
    shown: &Shown,
    contests: &[Contest],
    by: &mut Option<Typesetter>,
) -> Completion {
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
                format!("{} {}", text::start(name, 40), number::fixed(value, 3))
            })
            .collect(),
        length: number::counted(i64::from(v.length), "token"),
        truncated: v.truncated,
        marked: marked(
            &shown.spec.task,
            &shown.wanted.phrases,
            &problem,
            &v.completion,
            by,
        ),
        mixed: is_mixed(&shown.spec.task, &problem, &v.completion),
        other: other_script(&shown.spec.task, &problem, &v.completion),
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

pub(super) fn said(of: &Contest, run: &RunView) -> Said {
    let stage = run.stages.iter().find(|s| s.stage == of.stage);
    let name = stage.map_or("", |s| s.name.as_str());
    let Place { step, group, index } = of.place;
    let query = link([("stage", name), ("step", &step.to_string())]);
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
        reason: text::start(&of.reason, store::MAX_REASON),
        counts: of.counts,
        href,
        place,
    }
}

/// How often people found the grader wrong.
pub(super) fn review(contests: &[Contest]) -> Review {
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
