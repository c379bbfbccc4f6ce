//! The estimate that the address asks for.

use crate::number;
use crate::pages::query::Asked;

/// Numbers of the form; what is not a number above 0 is named and left out.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct WhatIf {
    pub gpus: Option<f64>,
    pub hours: Option<f64>,
    pub rate: Option<f64>,
    pub seeds: Option<f64>,
    pub arms: Option<f64>,
    pub steps: Option<f64>,
    /// Completions a step.
    pub rollouts: Option<f64>,
    /// Mean tokens of a completion with its prompt.
    pub tokens: Option<f64>,
    /// Tokens a second, of one GPU.
    pub speed: Option<f64>,
    /// Seconds that a step trains after its rollout.
    pub train: Option<f64>,
}

const LARGEST: f64 = 1e12;

impl WhatIf {
    pub fn read(asked: &mut Asked) -> Self {
        let mut positive = |key: &str| {
            let text = asked.text(key)?;
            let number = text.trim().parse::<f64>().ok();
            let found = number.filter(|n| *n > 0.0 && *n <= LARGEST);
            if found.is_none() {
                asked.refuse(key, &text);
            }
            found
        };
        Self {
            gpus: positive("gpus"),
            hours: positive("hours"),
            rate: positive("rate"),
            seeds: positive("seeds"),
            arms: positive("arms"),
            steps: positive("steps"),
            rollouts: positive("rollouts"),
            tokens: positive("tokens"),
            speed: positive("speed"),
            train: positive("train"),
        }
    }

    /// Hours by the formula: steps × (rollouts × tokens / (GPUs × tokens a second of one) +
    /// seconds) / 3600; of one GPU where their number is not given.
    pub fn reckoned(&self) -> Option<f64> {
        let together = self.gpus.unwrap_or(1.0) * self.speed?;
        let rollout = self.rollouts? * self.tokens? / together;
        Some(self.steps? * (rollout + self.train.unwrap_or(0.0)) / 3_600.0)
    }

    /// The steps of the reckoning, a line each. `past`: how much the time of a token differed
    /// between past stages, relative to its mean; it holds for hours that are reckoned.
    pub fn lines(&self, past: Option<f64>) -> Vec<String> {
        let mut lines = vec![];
        let reckoned = self.reckoned();
        if let (Some(hours), Some(steps), Some(rollouts), Some(tokens), Some(speed)) =
            (reckoned, self.steps, self.rollouts, self.tokens, self.speed)
        {
            lines.push(format!(
                "{} steps × ({} rollouts × {} tokens / ({} × {} tokens a second) + {} s) / 3600 = {} h{}",
                plain(steps),
                plain(rollouts),
                plain(tokens),
                devices(self.gpus.unwrap_or(1.0)),
                plain(speed),
                plain(self.train.unwrap_or(0.0)),
                plain(hours),
                past.map_or(String::new(), |share| format!(
                    " ± {} h",
                    plain(hours * share)
                ))
            ));
        }
        // Hours that are given count, not those that are reckoned.
        let spread = past.filter(|_| self.hours.is_none());
        let (Some(gpus), Some(hours)) = (self.gpus, self.hours.or(reckoned)) else {
            return lines;
        };
        let one = gpus * hours;
        lines.push(format!(
            "{} × {} h = {} GPU-hours{}",
            devices(gpus),
            plain(hours),
            plain(one),
            self.money(one, spread)
        ));
        if self.seeds.is_some() || self.arms.is_some() {
            let (seeds, arms) = (self.seeds.unwrap_or(1.0), self.arms.unwrap_or(1.0));
            let all = one * seeds * arms;
            lines.push(format!(
                "× {} seeds × {} arms = {} GPU-hours{}",
                plain(seeds),
                plain(arms),
                plain(all),
                self.money(all, spread)
            ));
        }
        lines
    }

    fn money(&self, hours: f64, spread: Option<f64>) -> String {
        let Some(rate) = self.rate else {
            return String::new();
        };
        let spread = spread.map(|share| format!(" ± {}", number::dollars(hours * rate * share)));
        format!(
            " = {}{} at {} an hour",
            number::dollars(hours * rate),
            spread.unwrap_or_default(),
            number::dollars(rate)
        )
    }

    /// The address of this estimate after its path, with the experiment that is looked at.
    pub fn query(&self, experiment: Option<&str>) -> String {
        let pairs = [
            ("gpus", self.gpus),
            ("hours", self.hours),
            ("rate", self.rate),
            ("seeds", self.seeds),
            ("arms", self.arms),
            ("steps", self.steps),
            ("rollouts", self.rollouts),
            ("tokens", self.tokens),
            ("speed", self.speed),
            ("train", self.train),
        ];
        let numbers = pairs.iter();
        let numbers = numbers.filter_map(|(key, n)| Some(format!("{key}={}", (*n)?)));
        let experiment = experiment.map(|id| format!("experiment={id}"));
        let said: Vec<String> = numbers.chain(experiment).collect();
        match said.is_empty() {
            true => String::new(),
            false => format!("?{}", said.join("&")),
        }
    }
}

fn devices(n: f64) -> String {
    let one = if n == 1.0 { "GPU" } else { "GPUs" };
    format!("{} {one}", plain(n))
}

fn plain(n: f64) -> String {
    if n.fract() == 0.0 && n < 9e15 {
        number::integer(n as i64)
    } else {
        number::significant(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_page_is_reckoned_right_and_comes_back_from_its_address() {
        let mut asked = Asked::read("gpus=8&hours=12&rate=2&seeds=5&arms=12");
        let of = WhatIf::read(&mut asked);
        assert_eq!(
            of.lines(None),
            [
                "8 GPUs × 12 h = 96 GPU-hours = $192 at $2.00 an hour",
                "× 5 seeds × 12 arms = 5,760 GPU-hours = $11,520 at $2.00 an hour"
            ]
        );
        let query = of.query(None);
        assert_eq!(query, "?gpus=8&hours=12&rate=2&seeds=5&arms=12");
        assert_eq!(WhatIf::read(&mut Asked::read(&query[1..])), of);
        assert_eq!(of.query(Some("x")), format!("{query}&experiment=x"));
        let nothing = WhatIf::default();
        assert_eq!(nothing.query(None), "");
        assert_eq!(nothing.query(Some("x")), "?experiment=x");
    }

    #[test]
    fn without_a_rate_there_is_no_money_and_nonsense_is_named() {
        let mut asked = Asked::read("gpus=8&hours=0.5&rate=-1&seeds=NaN&arms=inf");
        let of = WhatIf::read(&mut asked);
        assert!(!of.lines(None).concat().contains('$'));
        assert_eq!(asked.ignored(), ["rate=-1", "seeds=NaN", "arms=inf"]);
    }
    #[test]
    fn hours_follow_from_steps_rollouts_and_speed_with_the_spread_of_past_stages() {
        let query = "gpus=8&rate=2&steps=3600&rollouts=512&tokens=1000&speed=3200&train=5";
        let of = WhatIf::read(&mut Asked::read(query));
        // 20 s of rollout and 5 s of training, 3,600 times: 25 h.
        assert_eq!(
            of.lines(Some(0.1)),
            [
                "3,600 steps × (512 rollouts × 1,000 tokens / (8 GPUs × 3,200 tokens a second) + \
                 5 s) / 3600 = 25 h ± 2.500 h",
                "8 GPUs × 25 h = 200 GPU-hours = $400 ± $40.00 at $2.00 an hour"
            ]
        );
        assert_eq!(WhatIf::read(&mut Asked::read(&of.query(None)[1..])), of);
        // More of them take fewer hours, and as much time of all together but for the training.
        let one = WhatIf {
            gpus: None,
            train: None,
            ..of
        };
        assert_eq!(one.reckoned(), Some(160.0));
        let eight = WhatIf { train: None, ..of };
        assert_eq!(eight.reckoned(), Some(20.0));
        assert!(one.lines(None)[0].contains("/ (1 GPU × 3,200 tokens a second)"));
        // Hours that somebody gives are exact, and count.
        let given = WhatIf {
            hours: Some(3.0),
            ..of
        };
        let lines = given.lines(Some(0.1));
        assert_eq!(
            lines[1],
            "8 GPUs × 3 h = 24 GPU-hours = $48.00 at $2.00 an hour"
        );
        // Without one of its terms there is no formula.
        let without = WhatIf { tokens: None, ..of };
        assert!(without.lines(None).is_empty());
    }
}
