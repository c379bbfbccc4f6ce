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
        }
    }

    /// The steps of the reckoning, a line each.
    pub fn lines(&self) -> Vec<String> {
        let (Some(gpus), Some(hours)) = (self.gpus, self.hours) else {
            return vec![];
        };
        let plain = |n: f64| {
            if n.fract() == 0.0 && n < 9e15 {
                number::integer(n as i64)
            } else {
                number::significant(n)
            }
        };
        let money = |hours: f64| {
            self.rate.map_or(String::new(), |rate| {
                format!(
                    " = {} at {} an hour",
                    number::dollars(hours * rate),
                    number::dollars(rate)
                )
            })
        };
        let one = gpus * hours;
        let mut lines = vec![format!(
            "{} GPUs × {} h = {} GPU-hours{}",
            plain(gpus),
            plain(hours),
            plain(one),
            money(one)
        )];
        if self.seeds.is_some() || self.arms.is_some() {
            let (seeds, arms) = (self.seeds.unwrap_or(1.0), self.arms.unwrap_or(1.0));
            let all = one * seeds * arms;
            lines.push(format!(
                "× {} seeds × {} arms = {} GPU-hours{}",
                plain(seeds),
                plain(arms),
                plain(all),
                money(all)
            ));
        }
        lines
    }

    /// The address of this estimate.
    pub fn query(&self) -> String {
        let pairs = [
            ("gpus", self.gpus),
            ("hours", self.hours),
            ("rate", self.rate),
            ("seeds", self.seeds),
            ("arms", self.arms),
        ];
        let said = pairs
            .iter()
            .filter_map(|(key, n)| Some(format!("{key}={}", (*n)?)));
        said.collect::<Vec<_>>().join("&")
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
            of.lines(),
            [
                "8 GPUs × 12 h = 96 GPU-hours = $192 at $2.00 an hour",
                "× 5 seeds × 12 arms = 5,760 GPU-hours = $11,520 at $2.00 an hour"
            ]
        );
        assert_eq!(WhatIf::read(&mut Asked::read(&of.query())), of);
    }

    #[test]
    fn without_a_rate_there_is_no_money_and_nonsense_is_named() {
        let mut asked = Asked::read("gpus=8&hours=0.5&rate=-1&seeds=NaN&arms=inf");
        let of = WhatIf::read(&mut asked);
        assert!(!of.lines().concat().contains('$'));
        assert_eq!(asked.ignored(), ["rate=-1", "seeds=NaN", "arms=inf"]);
    }
}
