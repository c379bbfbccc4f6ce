//! The page's controls, filled in with what the address asks for.

use super::wanted::{RESULTS, Wanted, YES_NO, written};
use crate::number;
use crate::pages::Choice;

/// Steps in the selector.
const STEPS: usize = 400;

/// The page's controls, filled in.
pub(in crate::pages) struct Form {
    pub steps: Vec<Choice>,
    pub earlier: Option<String>,
    pub later: Option<String>,
    /// Where the stored steps are evenly spaced.
    pub slider: Option<Slider>,
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
    /// Of free text alone, with commas between them.
    pub phrases: String,
    pub typeset: bool,
    /// The same with formulas set, or as they are written.
    pub turned: String,
}

#[derive(Debug, PartialEq)]
pub(in crate::pages) struct Slider {
    pub first: i64,
    pub last: i64,
    /// Where the last step would be, did it not come early: the nearest stored one to it.
    pub end: i64,
    pub every: i64,
    pub value: i64,
}

impl Wanted {
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
            phrases: self.phrases.join(","),
            typeset: self.typeset,
            turned: Self {
                typeset: !self.typeset,
                ..self.clone()
            }
            .link(stage, self.after),
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

/// Of steps that are as far apart as a slider needs; the last may come early.
fn slider(steps: &[i64], value: i64) -> Option<Slider> {
    let [first, second, .., last] = steps[..] else {
        return None;
    };
    let every = second - first;
    let early = &steps[..steps.len() - 1];
    let even = early.windows(2).all(|pair| pair[1] - pair[0] == every);
    let end = early.last()? + every;
    (even && every > 0 && last <= end).then_some(Slider {
        first,
        last,
        end,
        every,
        value: if value == last { end } else { value },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: [i64; 4] = [1, 6, 11, 16];

    #[test]
    fn a_slider_needs_even_steps() {
        let found = slider(&STORED, 6).unwrap();
        assert_eq!(
            (found.first, found.last, found.end, found.every, found.value),
            (1, 16, 16, 5, 6)
        );
        assert_eq!(slider(&[1, 6, 12], 6), None);
        assert_eq!(slider(&[1, 6], 6), None);
    }
    #[test]
    fn a_last_step_that_comes_early_stands_at_the_end_of_the_slider() {
        let steps = [1, 6, 11, 14];
        let found = slider(&steps, 14).unwrap();
        assert_eq!((found.last, found.end, found.value), (14, 16, 16));
        assert_eq!(slider(&steps, 6).unwrap().value, 6);
        // The address of the slider's end leads to the last step.
        let mut asked = crate::pages::query::Asked::read("step=16");
        assert_eq!(Wanted::read(&mut asked, &steps).step, Some(14));
        // Neither an earlier gap nor a wide last one.
        assert_eq!(slider(&[1, 4, 11, 16], 4), None);
        assert_eq!(slider(&[1, 6, 11, 17], 6), None);
    }
}
