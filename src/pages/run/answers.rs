//! What the policy wrote: whole groups, as it stands, never a chosen few.

use crate::number;
use crate::pages::{Choice, text};
use assay_store::CompletionView;

#[derive(Debug)]
pub(super) struct Answers {
    pub steps: Vec<Choice>,
    pub step: Option<String>,
    pub groups: Vec<Group>,
    /// Groups that are stored and not shown.
    pub hidden: usize,
}

#[derive(Debug)]
pub(super) struct Group {
    pub prompt: String,
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
    pub text: String,
    /// What did not fit above.
    pub rest: Option<String>,
}

const GROUPS: usize = 4;
/// Steps offered in the selector.
const STEPS: usize = 200;

impl Answers {
    pub fn new(steps: &[i64], completions: &[CompletionView]) -> Self {
        let shown = completions.first().map(|c| c.step);
        let mut groups: Vec<(i32, Vec<&CompletionView>)> = vec![];
        for c in completions {
            match groups.last_mut() {
                Some((group, members)) if *group == c.group => members.push(c),
                Some(_) | None => groups.push((c.group, vec![c])),
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
            hidden: groups.len().saturating_sub(GROUPS),
            groups: groups
                .into_iter()
                .take(GROUPS)
                .map(|(_, members)| group(&members))
                .collect(),
        }
    }
}

fn group(members: &[&CompletionView]) -> Group {
    let right = members.iter().filter(|c| c.correct).count();
    let first = members.first();
    Group {
        prompt: first.map_or(String::new(), |c| text::start(&c.prompt, text::LONG)),
        gold: first.map_or(String::new(), |c| text::start(&c.gold, text::LONG)),
        summary: format!("{right} of {} correct", members.len()),
        completions: members.iter().map(|c| completion(c)).collect(),
    }
}

fn completion(of: &CompletionView) -> Completion {
    let long = text::fold(&of.completion);
    Completion {
        correct: of.correct,
        reward: number::fixed(of.reward, 2),
        advantage: number::signed(number::Kind::Share, of.advantage),
        length: number::counted(i64::from(of.length), "token"),
        truncated: of.truncated,
        text: long.shown,
        rest: long.rest,
    }
}
