//! What the policy wrote: whole groups, as it stands, none of them chosen by this page.

use crate::number;
use crate::pages::text::{self, Long};
use crate::pages::{Choice, words};
use assay_store::Sample;

#[derive(Debug)]
pub(super) struct Answers {
    pub steps: Vec<Choice>,
    pub step: Option<String>,
    pub groups: Vec<Group>,
    /// Groups that are stored and not shown.
    pub hidden: usize,
    /// How they were taken from what the step has sampled.
    pub order: &'static str,
}

#[derive(Debug)]
pub(super) struct Group {
    pub prompt: Long,
    pub gold: String,
    pub summary: String,
    pub completions: Vec<Completion>,
}

#[derive(Debug)]
pub(super) struct Completion {
    pub correct: bool,
    pub reward: String,
    pub advantage: String,
    pub length: String,
    pub truncated: bool,
    pub text: Long,
}

const GROUPS: usize = 4;
/// Steps offered in the selector.
const STEPS: usize = 200;

impl Answers {
    /// `dynamic`: the stage draws groups anew where their rewards do not differ.
    pub fn new(steps: &[i64], samples: &[Sample], dynamic: bool) -> Self {
        let shown = samples.first().map(|s| s.view.step);
        let mut groups: Vec<(i32, Vec<&Sample>)> = vec![];
        for s in samples {
            match groups.last_mut() {
                Some((group, members)) if *group == s.view.group => members.push(s),
                Some(_) | None => groups.push((s.view.group, vec![s])),
            }
        }
        let every = steps.len().div_ceil(STEPS).max(1);
        let last = steps.len().saturating_sub(1);
        Self {
            steps: steps
                .iter()
                .enumerate()
                .rev()
                .filter(|(i, step)| (last - i).is_multiple_of(every) || Some(**step) == shown)
                .map(|(_, step)| Choice {
                    value: step.to_string(),
                    label: number::integer(*step),
                    chosen: Some(*step) == shown,
                })
                .collect(),
            step: shown.map(number::integer),
            order: words::sampled(dynamic),
            hidden: groups.len().saturating_sub(GROUPS),
            groups: groups
                .into_iter()
                .take(GROUPS)
                .map(|(_, members)| group(&members))
                .collect(),
        }
    }
}

fn group(members: &[&Sample]) -> Group {
    let right = members.iter().filter(|s| s.view.correct).count();
    let first = members.first();
    Group {
        prompt: first.map_or_else(Long::default, |s| {
            text::fold_read(&s.view.prompt, s.prompt_characters)
        }),
        gold: first.map_or(String::new(), |s| text::start(&s.view.gold, 1_000)),
        summary: format!("{right} of {} correct", members.len()),
        completions: members.iter().map(|s| completion(s)).collect(),
    }
}

fn completion(of: &Sample) -> Completion {
    let view = &of.view;
    Completion {
        correct: view.correct,
        reward: number::fixed(view.reward, 2),
        advantage: number::signed(number::Kind::Share, view.advantage),
        length: number::counted(i64::from(view.length), "token"),
        truncated: view.truncated,
        text: text::fold_read(&view.completion, of.characters),
    }
}
