//! Each arm's value at one budget, as shown: the rule is the core's.

use super::axis::Cost;
use super::material::Material;
use crate::charts::Seed;
use crate::number::{self, Kind};
use assay_core::at_budget::{Held, held};
use assay_core::stats::{self, Estimate};
use assay_store::ArmView;

#[derive(Debug)]
pub(in crate::pages) struct AtBudget {
    pub budget: f64,
    pub axis: Cost,
    pub kind: Kind,
    /// Whom differences are taken to: an arm, and its name.
    pub base: Option<(String, String)>,
    pub rows: Vec<AtRow>,
}

/// What is said of differences at a budget.
pub(in crate::pages) const DIFFERENCES: &str = "Differences are exploration on the validation split: paired by seed, over the seeds that both have there, with unadjusted 95 % t intervals from 3 seeds on.";

#[derive(Debug)]
pub(in crate::pages) struct AtRow {
    pub arm: String,
    pub label: String,
    /// Over the seeds that have got there.
    pub value: Option<Estimate>,
    /// Mean true cost of what was measured last within the budget.
    pub cost: Option<f64>,
    /// What the number does not cover; empty where it covers all.
    pub remark: String,
    /// To the base's, over the seeds that both have there.
    pub difference: Option<Estimate>,
    held: Held,
    /// It trains, and was measured last far below the budget.
    is_far: bool,
}

impl AtBudget {
    /// Arms with their seeds, whose points ascend along `axis`.
    pub(super) fn new<'a>(
        of: &Material,
        axis: Cost,
        budget: f64,
        kind: Kind,
        arms: impl Iterator<Item = (&'a ArmView, Vec<Seed>)>,
    ) -> Self {
        let mut at = Self::empty(axis, budget, kind);
        for (arm, seeds) in arms {
            at.push(arm.key.clone(), of.label(&arm.key), arm.trains, &seeds);
        }
        at
    }

    pub fn empty(axis: Cost, budget: f64, kind: Kind) -> Self {
        Self {
            budget,
            axis,
            kind,
            base: None,
            rows: vec![],
        }
    }

    pub fn push(&mut self, arm: String, label: String, trains: bool, seeds: &[Seed]) {
        let (axis, budget) = (self.axis, self.budget);
        let held = held(seeds, budget, trains);
        self.rows.push(AtRow {
            arm,
            label,
            value: stats::estimate(&held.values()),
            cost: (!held.costs.is_empty()).then(|| stats::mean(&held.costs)),
            remark: remark(&held, |cost| axis.amount(cost), budget, trains),
            difference: None,
            is_far: trains && held.is_far_below(budget),
            held,
        });
    }

    /// With every row's difference to one of them; none where either was measured last far
    /// below the budget.
    pub(super) fn compared_with(mut self, arm: &str, name: String) -> Self {
        let Some(base) = self.rows.iter().find(|row| row.arm == arm) else {
            return self;
        };
        let (held, is_far) = (base.held.clone(), base.is_far);
        for row in self.rows.iter_mut().filter(|row| row.arm != arm) {
            if !is_far && !row.is_far {
                row.difference = row.held.difference(&held);
            }
        }
        self.base = Some((arm.into(), name));
        self
    }

    /// One sentence, for files.
    pub fn said(&self) -> String {
        let rows: Vec<String> = self
            .rows
            .iter()
            .map(|row| {
                let remark = match row.remark.as_str() {
                    "" => String::new(),
                    remark => format!(" ({remark})"),
                };
                format!("{} {}{remark}", row.label, self.value(row))
            })
            .collect();
        format!(
            "At {}, the last measurement within it: {}.{}",
            self.axis.amount(self.budget),
            rows.join("; "),
            self.differences_said()
        )
    }

    fn differences_said(&self) -> String {
        let Some((_, name)) = &self.base else {
            return String::new();
        };
        let rows = self.rows.iter().filter(|row| row.difference.is_some());
        let rows = rows.map(|row| format!("{} {}", row.label, self.difference(row)));
        let rows: Vec<String> = rows.collect();
        match rows.is_empty() {
            true => String::new(),
            false => format!(" Difference to {name}: {}. {DIFFERENCES}", rows.join("; ")),
        }
    }

    /// `0.512 [0.480, 0.544], n = 3`
    pub fn value(&self, row: &AtRow) -> String {
        match &row.value {
            None => number::NONE.into(),
            Some(e) if e.interval.is_some() => {
                format!("{}, n = {}", number::estimate(self.kind, e), e.n)
            }
            Some(e) => number::estimate(self.kind, e),
        }
    }

    /// `+0.102 [+0.080, +0.124], n = 3`
    pub fn difference(&self, row: &AtRow) -> String {
        let is_base = |(arm, _): &(String, String)| *arm == row.arm;
        match &row.difference {
            None if self.base.as_ref().is_some_and(is_base) => "compared with".into(),
            None => number::NONE.into(),
            Some(e) if e.interval.is_some() => {
                format!("{}, n = {}", number::difference(self.kind, e), e.n)
            }
            Some(e) => number::difference(self.kind, e),
        }
    }

    pub fn cost(&self, row: &AtRow) -> String {
        row.cost
            .map_or(number::NONE.into(), |cost| self.axis.amount(cost))
    }
}

/// What a number at a budget does not cover; empty where it covers all. `amount` says a cost.
pub(in crate::pages) fn remark(
    of: &Held,
    amount: impl Fn(f64) -> String,
    budget: f64,
    trains: bool,
) -> String {
    let counted = |n: usize| number::counted(n as i64, "seed");
    let mut said = vec![];
    if !trains {
        said.push("spends nothing by design".to_string());
    }
    if of.short > 0 {
        said.push(format!(
            "beyond the data of {}, the furthest of which reached {} of {}",
            counted(of.short),
            amount(of.furthest),
            amount(budget)
        ));
    }
    if of.later > 0 {
        said.push(format!("{} first measured beyond it", counted(of.later)));
    }
    if trains && of.is_far_below(budget) {
        said.push("measured last under 95 % of it".into());
    }
    if trains && of.seeds.is_empty() && said.is_empty() {
        said.push("no data yet".into());
    }
    said.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(seed: u64, points: &[(f64, f64)]) -> Seed {
        Seed {
            seed,
            points: points.to_vec(),
        }
    }

    #[test]
    fn what_a_number_does_not_cover_is_said_beside_it() {
        let seeds = [
            seed(0, &[(10.0, 0.1), (99.0, 0.5)]),
            seed(1, &[(10.0, 0.2), (50.0, 0.9)]),
            seed(3, &[(120.0, 0.7)]),
        ];
        let at = held(&seeds, 100.0, true);
        let said = remark(&at, |cost| Cost::Tokens.amount(cost), 100.0, true);
        assert_eq!(
            said,
            "beyond the data of 1 seed, the furthest of which reached 50 tokens of 100 tokens; 1 seed first measured beyond it"
        );
        assert_eq!(
            remark(&Held::default(), |cost| Cost::Flops.amount(cost), 1.0, true),
            "no data yet"
        );
    }

    #[test]
    fn differences_are_of_pairs_that_have_got_there() {
        let values = |own: [f64; 3], end: f64| -> Vec<Seed> {
            let all = (0..).zip(own);
            all.map(|(n, value)| seed(n, &[(end, value)])).collect()
        };
        let at = |end: f64| {
            let mut at = AtBudget::empty(Cost::Tokens, 100.0, Kind::Share);
            at.push("a".into(), "A".into(), true, &values([0.4; 3], 100.0));
            at.push("b".into(), "B".into(), true, &values([0.5, 0.7, 0.9], end));
            at.push("c".into(), "C".into(), true, &values([0.5; 3], 100.0)[..2]);
            at
        };
        let plain = at(100.0);
        assert!(!plain.said().contains("Difference"));
        assert_eq!(at(100.0).compared_with("nobody", String::new()).base, None);
        let of = at(100.0).compared_with("a", "A".into());
        let said = |of: &AtBudget, row: usize| of.difference(&of.rows[row]);
        // 0.1, 0.3 and 0.5: 4.3027 * 0.2 / sqrt(3) = 0.497 on both sides.
        assert_eq!(said(&of, 0), "compared with");
        assert_eq!(said(&of, 1), "+0.300 [−0.197, +0.797], n = 3");
        assert_eq!(said(&of, 2), "+0.100 (2 seeds, no interval)");
        assert!(
            of.said()
                .contains(" Difference to A: B +0.300 [−0.197, +0.797], n = 3; C")
        );
        // Its data end before the budget.
        let of = at(50.0).compared_with("a", "A".into());
        assert_eq!(said(&of, 1), number::NONE);
        // Of a base that was measured last far below it nothing is known there.
        let mut far = AtBudget::empty(Cost::Tokens, 100.0, Kind::Share);
        let early = |n: u64| seed(n, &[(50.0, 0.4), (120.0, 0.6)]);
        far.push("a".into(), "A".into(), true, &[0, 1, 2].map(early));
        far.push("b".into(), "B".into(), true, &values([0.5; 3], 100.0));
        let far = far.compared_with("a", "A".into());
        assert_eq!(
            (far.rows[1].difference, far.rows[1].value.unwrap().n),
            (None, 3)
        );
    }

    #[test]
    fn a_measurement_far_below_the_budget_is_flagged() {
        let at = held(&[seed(0, &[(50.0, 0.1), (150.0, 0.2)])], 100.0, true);
        assert_eq!(at.values(), [0.1]);
        assert!(remark(&at, |cost| Cost::Flops.amount(cost), 100.0, true).contains("under 95 %"));
    }
}
