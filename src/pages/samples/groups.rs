//! Groups of completions as the page shows them, and what people say of the grader.

use super::contest::Unkept;
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
    /// What another step wrote to the same prompt, or in the group of the same number.
    pub beside: Option<Beside>,
    /// The group alone, whole.
    pub alone: String,
    /// Other steps, each with where it is shown beside: those at which the prompt is stored.
    pub others: Vec<(String, String)>,
    /// It is stored at none: they are offered by the group's number, which this is.
    pub by_number: Option<i64>,
}

pub(super) struct Beside {
    pub step: String,
    pub completions: Vec<Completion>,
    /// The prompt is not stored there: what stands here instead, if anything.
    pub missing: Option<String>,
    /// The other prompt that was answered then, and its right answer.
    pub prompt: Option<(Long, String)>,
}

/// What people have said, and a word of theirs that could not be kept.
#[derive(Clone, Copy)]
pub(super) struct People<'a> {
    pub contests: &'a [Contest],
    pub unkept: Option<&'a Unkept>,
}

/// A form that is shown once more, with what was entered.
pub(super) struct Again {
    pub right: bool,
    pub reason: String,
    pub why: String,
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
    /// Step and group that it stands beside.
    pub beside: Option<String>,
    pub said: Vec<Said>,
    pub again: Option<Again>,
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

/// A completion's own name on the page; `beside`: the step and group that it stands beside.
pub(super) fn id(of: Place, beside: Option<(i64, i32)>) -> String {
    let at = beside.map_or(String::new(), |(step, group)| {
        format!("-at-s{step}-g{group}")
    });
    format!("s{}-g{}-i{}{at}", of.step, of.group, of.index)
}

/// `by`: what sets the formulas of completions, where that is asked for.
pub(super) fn groups(of: &Shown, people: People<'_>, by: &mut Option<Typesetter>) -> Vec<Group> {
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
            let (others, recurs) = others(of, first);
            Group {
                id: format!("s{step}-g{group}"),
                title: format!("Step {}, group {}", number::integer(step), group + 1),
                rewards: whole.map_or(String::new(), |g| rewards(g, members.len())),
                prompt: prompt(first),
                gold: gold(first),
                step: number::integer(step),
                beside: beside(of, first, recurs, people, by),
                alone: address(of, step, group, None),
                others,
                by_number: (!recurs).then(|| i64::from(group) + 1),
                completions: members
                    .iter()
                    .map(|m| completion(m, of, None, people, by))
                    .collect(),
            }
        })
        .collect()
}

fn prompt(of: &Sample) -> Long {
    text::fold_read(&of.view.prompt, of.prompt_characters)
}

fn gold(of: &Sample) -> String {
    text::start(&of.view.gold, 1_000)
}

/// `recurs`: the prompt is stored at some other step.
fn beside(
    of: &Shown,
    first: &Sample,
    recurs: bool,
    people: People<'_>,
    by: &mut Option<Typesetter>,
) -> Option<Beside> {
    let view = &first.view;
    let step = of.wanted.with.filter(|with| *with != view.step)?;
    let is_same = |s: &&Sample| s.prompt_md5 == first.prompt_md5;
    let has_number = |s: &&Sample| s.view.group == view.group;
    let mut found: Vec<&Sample> = of.beside.iter().filter(is_same).collect();
    let is_stored = !found.is_empty();
    if !is_stored {
        found = of.beside.iter().filter(has_number).collect();
    }
    let other = found.first().filter(|_| !is_stored);
    let missing = (!is_stored).then(|| {
        let place = number::integer(step);
        let nowhere = if recurs {
            ""
        } else {
            ", nor at any other step"
        };
        let instead = other.map_or(String::new(), |_| {
            format!(
                " Training draws its prompts anew at each step; groups stand beside each other by \
                 number: this is group {} of that step, with another prompt.",
                i64::from(view.group) + 1
            )
        });
        format!("No completion of this prompt is stored at step {place}{nowhere}.{instead}")
    });
    Some(Beside {
        step: number::integer(step),
        missing,
        prompt: other.map(|s| (prompt(s), gold(s))),
        completions: found
            .iter()
            // The same completion may stand beside several groups.
            .map(|s| completion(s, of, Some((view.step, view.group)), people, by))
            .collect(),
    })
}

/// Of many steps, some over the whole stage; and whether the prompt is stored at them.
fn others(of: &Shown, first: &Sample) -> (Vec<(String, String)>, bool) {
    let view = &first.view;
    let mut steps: Vec<i64> = of
        .prompt_steps
        .iter()
        .filter(|(prompt, step)| *prompt == first.prompt_md5 && *step != view.step)
        .map(|(_, step)| *step)
        .collect();
    let recurs = !steps.is_empty();
    if !recurs {
        steps = of.steps.clone();
        steps.retain(|step| *step != view.step);
    }
    let every = steps.len().div_ceil(OTHERS).max(1);
    let links = steps.into_iter().step_by(every).map(|with| {
        let href = address(of, view.step, view.group, Some(with));
        (number::integer(with), href)
    });
    (links.collect(), recurs)
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
    beside: Option<(i64, i32)>,
    people: People<'_>,
    by: &mut Option<Typesetter>,
) -> Completion {
    let v = &of.view;
    let problem = task::Problem {
        prompt: v.prompt.clone(),
        gold: v.gold.clone(),
        difficulty: 0,
    };
    let place = of.place();
    let id = id(place, beside);
    let components = v.components.as_object().into_iter().flatten();
    Completion {
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
        cut: text::cut(&v.completion, of.characters),
        place,
        beside: beside.map(|(step, group)| format!("{step}.{group}")),
        said: people
            .contests
            .iter()
            .filter(|c| c.stage == shown.id && c.place == place)
            .map(|c| said_of(c, String::new(), String::new()))
            .collect(),
        again: people.unkept.filter(|u| u.id == id).map(|u| Again {
            right: u.verdict == GraderVerdict::Right,
            reason: u.reason.clone(),
            why: u.why.clone(),
        }),
        id,
    }
}

pub(super) fn said(of: &Contest, run: &RunView) -> Said {
    let stage = run.stages.iter().find(|s| s.stage == of.stage);
    let name = stage.map_or("", |s| s.name.as_str());
    let Place { step, group, index } = of.place;
    // Of many groups a page holds some.
    let query = link([
        ("stage", name),
        ("step", &step.to_string()),
        ("group", &(i64::from(group) + 1).to_string()),
    ]);
    let place = format!(
        "{name}, step {}, group {}, completion {}",
        number::integer(step),
        group + 1,
        index + 1
    );
    said_of(of, format!("{query}#{}", id(of.place, None)), place)
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
