//! Which samples the address asks for.

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
    /// Marked and counted in free text instead of the usual ones, in small letters.
    pub phrases: Vec<String>,
    /// Formulas set; else every text as it is written.
    pub typeset: bool,
    pub after: Option<Place>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pages) enum Answer {
    Correct,
    Wrong,
    /// Wrong, with a reward above 0.
    WrongRewarded,
}

pub(super) const RESULTS: [(&str, Answer, &str); 3] = [
    ("correct", Answer::Correct, "correct"),
    ("wrong", Answer::Wrong, "wrong"),
    (
        "wrong_rewarded",
        Answer::WrongRewarded,
        "wrong, reward above 0",
    ),
];
pub(super) const YES_NO: [(&str, bool); 2] = [("yes", true), ("no", false)];
const RENDER: [(&str, bool); 2] = [("1", true), ("0", false)];
const LONGEST_TEXT: usize = 200;
/// Phrases that an address may name, and characters of one.
const PHRASES: usize = 20;
const LONGEST_PHRASE: usize = 40;

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
            phrases: phrases(asked),
            typeset: asked.choose("render", &RENDER).unwrap_or(false),
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
        let reflective = |wanted: bool| {
            let found = task.reflections_at(&view.completion, &self.phrases);
            (found > 0) == wanted
        };
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

    /// Only free text has phrases: elsewhere they are named as ignored.
    pub fn keep_phrases(&mut self, task: &TaskSpec, asked: &mut Asked) {
        if !self.phrases.is_empty() && !task.is_text() {
            asked.refuse("phrases", &self.phrases.join(","));
            self.phrases.clear();
        }
    }

    /// The word for it in an address.
    pub fn render(&self) -> &'static str {
        if self.typeset { "1" } else { "" }
    }

    /// The same question, from another place on.
    pub fn link(&self, stage: &str, after: Option<Place>) -> String {
        let step = self.step.map_or("all".into(), |s| s.to_string());
        self.link_to(stage, &step, after)
    }

    pub(super) fn link_to(&self, stage: &str, step: &str, after: Option<Place>) -> String {
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
            ("phrases", &self.phrases.join(",")),
            ("render", self.render()),
            ("after", &from),
        ])
    }
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

/// All of them or, where they are too many or one is too long, none.
fn phrases(asked: &mut Asked) -> Vec<String> {
    let given = asked.list("phrases");
    let mut found: Vec<String> = vec![];
    for phrase in &given {
        let phrase = phrase.trim().to_ascii_lowercase();
        if !phrase.is_empty() && !found.contains(&phrase) {
            found.push(phrase);
        }
    }
    let is_short = |phrase: &String| phrase.chars().count() <= LONGEST_PHRASE;
    let fits = (1..=PHRASES).contains(&found.len()) && found.iter().all(is_short);
    if !given.is_empty() && !fits {
        asked.refuse("phrases", &given.join(","));
        found.clear();
    }
    found
}

pub(super) fn written(of: Option<f64>) -> String {
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
             &reward_min=-0.5&reward_max=1e3&text=%26%3D;W&phrases=hold+on,%26%C3%A9&render=1&after=6.1.3",
        );
        assert_eq!((ignored.len(), wanted.after), (0, Some(place)));
        let again = read(&wanted.link("rl", Some(place))[1..]).0;
        assert_eq!(again, wanted);
        // And back: raw, at the same place.
        assert!(wanted.typeset);
        let turned = read(&wanted.form(&STORED, "rl").turned[1..]).0;
        assert_eq!((turned.typeset, turned.after), (false, Some(place)));
    }

    #[test]
    fn phrases_of_an_address_are_few_and_short_and_of_free_text_alone() {
        let (wanted, ignored) = read("phrases=+Hold+ON,hold+on,,so&phrases=hmm");
        assert_eq!(wanted.phrases, ["hold on", "so", "hmm"]);
        assert!(ignored.is_empty());
        let many = |n: usize| (0..n).map(|i| format!("p{i},")).collect::<String>();
        let long = |n: usize| "\u{e9}".repeat(n);
        for (phrases, is_kept) in [
            (many(20), true),
            (many(21), false),
            (long(40), true),
            (long(41), false),
            ("+,+".into(), false),
        ] {
            let (wanted, ignored) = read(&format!("phrases={phrases}"));
            assert_eq!(wanted.phrases.is_empty(), !is_kept, "{phrases}");
            assert_eq!(ignored.is_empty(), is_kept, "{phrases}");
            assert!(ignored.iter().all(|i| i.starts_with("phrases=")));
        }
        let mut asked = Asked::read("phrases=so");
        let mut wanted = Wanted::read(&mut asked, &STORED);
        wanted.keep_phrases(&TaskSpec::Parity(Default::default()), &mut asked);
        assert!(wanted.phrases.is_empty());
        assert_eq!(asked.ignored(), ["phrases=so"]);
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
            "render=yes",
            // Nothing is stored there, or it is the step itself.
            "with=7",
            "step=6&with=6",
        ] {
            assert_eq!(read(bad).1.len(), 1, "{bad}");
        }
    }
}
