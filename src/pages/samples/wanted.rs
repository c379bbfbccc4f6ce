//! Which samples the address asks for, and the form that says so.

use crate::number;
use crate::pages::Choice;
use crate::pages::query::{Asked, link};
use assay_core::task::{Problem, TaskSpec};
use assay_store::{Place, Sample, SampleFilter};

#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::pages) struct Wanted {
    /// `None`: every stored step.
    pub step: Option<i64>,
    /// The stored step that stands for one that is not stored.
    pub instead_of: Option<i64>,
    /// A stored step whose completions of the same prompts are shown beside.
    pub with: Option<i64>,
    pub group: Option<i32>,
    pub result: Option<Answer>,
    pub truncated: Option<bool>,
    pub reflective: Option<bool>,
    pub mixed: Option<bool>,
    pub reward_min: Option<f64>,
    pub reward_max: Option<f64>,
    pub text: Option<String>,
    pub after: Option<Place>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pages) enum Answer {
    Correct,
    Wrong,
    /// Wrong, with a reward above 0.
    WrongRewarded,
}

const RESULTS: [(&str, Answer, &str); 3] = [
    ("correct", Answer::Correct, "correct"),
    ("wrong", Answer::Wrong, "wrong"),
    (
        "wrong_rewarded",
        Answer::WrongRewarded,
        "wrong, reward above 0",
    ),
];
const YES_NO: [(&str, bool); 2] = [("yes", true), ("no", false)];
const LONGEST_TEXT: usize = 200;
/// Steps in the selector.
const STEPS: usize = 400;

/// The page's controls, filled in.
pub(in crate::pages) struct Form {
    pub steps: Vec<Choice>,
    pub earlier: Option<String>,
    pub later: Option<String>,
    /// First, last and interval, where the stored steps are evenly spaced.
    pub slider: Option<(i64, i64, i64, i64)>,
    pub instead_of: Option<String>,
    /// Steps to show beside, none of them first.
    pub with: Vec<Choice>,
    pub group: String,
    pub result: Vec<Choice>,
    pub truncated: Vec<Choice>,
    pub reflective: Vec<Choice>,
    pub mixed: Vec<Choice>,
    pub reward_min: String,
    pub reward_max: String,
    pub text: String,
}

impl Wanted {
    pub fn read(asked: &mut Asked, steps: &[i64]) -> Self {
        let (step, instead_of) = step(asked, steps);
        let results = RESULTS.map(|(word, result, _)| (word, result));
        Self {
            step,
            instead_of,
            with: asked.number("with").and_then(|n| {
                let is_other = steps.contains(&n) && step != Some(n);
                if !is_other {
                    asked.refuse("with", &n.to_string());
                }
                is_other.then_some(n)
            }),
            // Groups are counted from 1 where people read them.
            group: asked.number("group").and_then(|n| {
                let group = i32::try_from(n).ok().filter(|g| *g > 0).map(|g| g - 1);
                if group.is_none() {
                    asked.refuse("group", &n.to_string());
                }
                group
            }),
            result: asked.choose("result", &results),
            truncated: asked.choose("truncated", &YES_NO),
            reflective: asked.choose("reflective", &YES_NO),
            mixed: asked.choose("mixed", &YES_NO),
            reward_min: decimal(asked, "reward_min"),
            reward_max: decimal(asked, "reward_max"),
            text: asked
                .text("text")
                // Postgres has no zero byte in text.
                .map(|t| t.replace('\0', "").chars().take(LONGEST_TEXT).collect()),
            after: after(asked),
        }
    }

    pub fn filter(&self) -> SampleFilter {
        SampleFilter {
            step: self.step,
            group: self.group,
            index: None,
            correct: match self.result {
                None => None,
                Some(Answer::Correct) => Some(true),
                Some(Answer::Wrong | Answer::WrongRewarded) => Some(false),
            },
            truncated: self.truncated,
            reward_min: self.reward_min,
            reward_max: self.reward_max,
            wrong_rewarded: self.result == Some(Answer::WrongRewarded),
            text: self.text.clone(),
        }
    }

    /// Asks for what only the task can tell.
    pub fn reads_texts(&self) -> bool {
        self.reflective.is_some() || self.mixed.is_some()
    }

    pub fn takes(&self, task: &TaskSpec, sample: &Sample) -> bool {
        let view = &sample.view;
        let reflective = |wanted: bool| (task.reflections(&view.completion) > 0) == wanted;
        let mixed = |wanted: bool| {
            let problem = Problem {
                prompt: view.prompt.clone(),
                gold: view.gold.clone(),
                difficulty: 0,
            };
            let found = task.language(&problem, &view.completion);
            let found = found.or_else(|| task.scripts(&problem, &view.completion));
            found.is_some_and(|l| l.other > 0) == wanted
        };
        self.reflective.is_none_or(reflective) && self.mixed.is_none_or(mixed)
    }

    /// The same question, from another place on.
    pub fn link(&self, stage: &str, after: Option<Place>) -> String {
        let step = self.step.map_or("all".into(), |s| s.to_string());
        self.link_to(stage, &step, after)
    }

    fn link_to(&self, stage: &str, step: &str, after: Option<Place>) -> String {
        let word = |flag: Option<bool>| match flag {
            None => "",
            Some(true) => "yes",
            Some(false) => "no",
        };
        let result = RESULTS
            .iter()
            .find(|(_, r, _)| Some(*r) == self.result)
            .map_or("", |r| r.0);
        let from = after.map_or(String::new(), |a| {
            format!("{}.{}.{}", a.step, a.group, a.index)
        });
        link([
            ("stage", stage),
            ("step", step),
            (
                "with",
                &self
                    .with
                    .map(|with| with.to_string())
                    .filter(|with| with != step)
                    .unwrap_or_default(),
            ),
            (
                "group",
                &self.group.map_or(String::new(), |g| (g + 1).to_string()),
            ),
            ("result", result),
            ("truncated", word(self.truncated)),
            ("reflective", word(self.reflective)),
            ("mixed", word(self.mixed)),
            ("reward_min", &written(self.reward_min)),
            ("reward_max", &written(self.reward_max)),
            ("text", self.text.as_deref().unwrap_or("")),
            ("after", &from),
        ])
    }

    pub fn form(&self, steps: &[i64], stage: &str) -> Form {
        let at = self.step.and_then(|s| steps.iter().position(|x| *x == s));
        let neighbour = |at: Option<usize>| {
            let step = steps.get(at?)?;
            Some(self.link_to(stage, &step.to_string(), None))
        };
        let every = steps.len().div_ceil(STEPS).max(1);
        let beside = steps
            .iter()
            .enumerate()
            .filter(|(i, step)| {
                let is_offered = i.is_multiple_of(every) || Some(**step) == self.with;
                is_offered && Some(**step) != self.step
            })
            .map(|(_, step)| Choice {
                value: step.to_string(),
                label: number::integer(*step),
                chosen: Some(*step) == self.with,
            });
        let nothing = Choice {
            value: String::new(),
            label: "nothing".into(),
            chosen: self.with.is_none(),
        };
        let with = std::iter::once(nothing).chain(beside).collect();
        let mut offered: Vec<Choice> = steps
            .iter()
            .enumerate()
            .filter(|(i, _)| i.is_multiple_of(every) || Some(*i) == at)
            .map(|(i, step)| Choice {
                value: step.to_string(),
                label: number::integer(*step),
                chosen: Some(i) == at,
            })
            .collect();
        offered.push(Choice {
            value: "all".into(),
            label: "every stored step".into(),
            chosen: self.step.is_none(),
        });
        Form {
            steps: offered,
            earlier: neighbour(at.and_then(|at| at.checked_sub(1))),
            later: neighbour(at.map(|at| at + 1)),
            slider: self.step.and_then(|step| slider(steps, step)),
            instead_of: self.instead_of.map(number::integer),
            with,
            group: self.group.map_or(String::new(), |g| (g + 1).to_string()),
            result: std::iter::once(any(self.result.is_none()))
                .chain(RESULTS.map(|(word, result, label)| Choice {
                    value: word.into(),
                    label: label.into(),
                    chosen: self.result == Some(result),
                }))
                .collect(),
            truncated: yes_no(self.truncated),
            reflective: yes_no(self.reflective),
            mixed: yes_no(self.mixed),
            reward_min: written(self.reward_min),
            reward_max: written(self.reward_max),
            text: self.text.clone().unwrap_or_default(),
        }
    }
}

fn any(chosen: bool) -> Choice {
    Choice {
        value: String::new(),
        label: "any".into(),
        chosen,
    }
}

fn yes_no(of: Option<bool>) -> Vec<Choice> {
    let choice = |(word, flag): (&str, bool)| Choice {
        value: word.into(),
        label: word.into(),
        chosen: of == Some(flag),
    };
    std::iter::once(any(of.is_none()))
        .chain(YES_NO.map(choice))
        .collect()
}

/// The step asked for, the nearest stored one where it is not stored, else the last.
fn step(asked: &mut Asked, steps: &[i64]) -> (Option<i64>, Option<i64>) {
    let last = steps.last().copied();
    let Some(text) = asked.text("step") else {
        return (last, None);
    };
    if text == "all" {
        return (None, None);
    }
    let Ok(step) = text.trim().parse::<i64>() else {
        asked.refuse("step", &text);
        return (last, None);
    };
    if steps.contains(&step) {
        return (Some(step), None);
    }
    let nearest = steps.iter().copied().min_by_key(|s| s.abs_diff(step));
    (nearest, Some(step))
}

/// A number with decimals; what is no finite number is refused.
fn decimal(asked: &mut Asked, key: &str) -> Option<f64> {
    let text = asked.text(key)?;
    let found = text.trim().parse().ok().filter(|v: &f64| v.is_finite());
    if found.is_none() {
        asked.refuse(key, &text);
    }
    found
}

fn written(of: Option<f64>) -> String {
    of.map_or(String::new(), |v| v.to_string())
}

fn after(asked: &mut Asked) -> Option<Place> {
    let text = asked.text("after")?;
    let mut parts = text.split('.');
    let mut next = || parts.next();
    let place = (|| {
        Some(Place {
            step: next()?.parse().ok()?,
            group: next()?.parse().ok()?,
            index: next()?.parse().ok()?,
        })
    })();
    if place.is_none() {
        asked.refuse("after", &text);
    }
    place
}

/// First, last, interval and value, where the steps are as far apart as a slider needs;
/// the last may come early.
fn slider(steps: &[i64], value: i64) -> Option<(i64, i64, i64, i64)> {
    let [first, second, .., last] = steps[..] else {
        return None;
    };
    let every = second - first;
    let even = steps.windows(2).all(|pair| pair[1] - pair[0] == every);
    (even && every > 0).then_some((first, last, every, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: [i64; 4] = [1, 6, 11, 16];

    fn read(query: &str) -> (Wanted, Vec<String>) {
        let mut asked = Asked::read(query);
        let wanted = Wanted::read(&mut asked, &STORED);
        (wanted, asked.ignored())
    }

    #[test]
    fn a_link_asks_for_the_same_again() {
        let place = Place {
            step: 6,
            group: 1,
            index: 3,
        };
        let (wanted, ignored) = read(
            "step=6&with=11&group=2&result=wrong_rewarded&truncated=no&reflective=yes&mixed=no\
             &reward_min=-0.5&reward_max=1e3&text=%26%3D;W&after=6.1.3",
        );
        assert_eq!((ignored.len(), wanted.after), (0, Some(place)));
        let again = read(&wanted.link("rl", Some(place))[1..]).0;
        assert_eq!(again, wanted);
    }

    #[test]
    fn a_step_that_is_not_stored_gives_the_nearest_and_says_so() {
        let (wanted, _) = read("step=9");
        assert_eq!((wanted.step, wanted.instead_of), (Some(11), Some(9)));
        assert_eq!(read("").0.step, Some(16));
        assert_eq!(read("step=all").0.step, None);
        assert_eq!(read("step=-9223372036854775808").0.step, Some(1));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for bad in [
            "step=x",
            "reward_min=NaN",
            "reward_max=x",
            "after=1.2",
            "after=a.b.c",
            "result=best",
            "mixed=perhaps",
            "smoth=1",
            // Nothing is stored there, or it is the step itself.
            "with=7",
            "step=6&with=6",
        ] {
            assert_eq!(read(bad).1.len(), 1, "{bad}");
        }
    }

    #[test]
    fn a_slider_needs_even_steps() {
        assert_eq!(slider(&STORED, 6), Some((1, 16, 5, 6)));
        assert_eq!(slider(&[1, 6, 12], 6), None);
        assert_eq!(slider(&[1, 6], 6), None);
    }
}
