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
pub(in crate::pages) const DIFFERENCES: &str = "Differences are exploration on the validation split: paired by seed, over the seeds that both have there, measured last at 95 % of it or more, with unadjusted 95 % t intervals from 3 seeds on.";

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
    /// To the base's, over the seeds that both have there, neither of them far below it.
    pub difference: Option<Estimate>,
    held: Held,
}

impl AtRow {
    /// Seeds of its value that were measured last far below the budget.
    pub fn far(&self) -> usize {
        self.held.far.len()
    }
}

/// A value or a difference as a row of a file.
pub(in crate::pages) struct Filed<'a> {
    pub arm: &'a str,
    pub cost: Option<f64>,
    pub value: Option<Estimate>,
    /// What it is, and what it does not cover.
    pub part: String,
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
            held,
        });
    }

    /// With every row's difference to one of them; none where their seeds of one number share
    /// nothing, or where in every pair either was measured last far below the budget.
    pub fn compared_with(mut self, arm: &str, name: String, pairs: impl Fn(&str) -> bool) -> Self {
        let Some(base) = self.rows.iter().find(|row| row.arm == arm) else {
            return self;
        };
        let held = base.held.clone();
        for row in self.rows.iter_mut().filter(|row| row.arm != arm) {
            if pairs(&row.arm) {
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

    /// Every value, at its own true cost, and then the differences that there are.
    pub fn filed(&self) -> Vec<Filed<'_>> {
        let budget = self.axis.amount(self.budget);
        let value = |row: &'_ AtRow| match row.remark.as_str() {
            "" => format!("at {budget}"),
            remark => format!("at {budget}: {remark}"),
        };
        let values = self.rows.iter().map(|row| Filed {
            arm: &row.arm,
            cost: row.cost,
            value: row.value,
            part: value(row),
        });
        let base = self.base.as_ref();
        let differences = self.rows.iter().filter_map(|row| {
            let (_, name) = base?;
            Some(Filed {
                arm: &row.arm,
                cost: None,
                value: Some(row.difference?),
                part: format!(
                    "at {budget}: difference to {name}, exploration on the validation split"
                ),
            })
        });
        values.chain(differences).collect()
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
    if of.is_far_below() {
        said.push("measured last under 95 % of it".into());
    } else if !of.far.is_empty() {
        said.push(format!(
            "{} measured last under 95 % of it",
            counted(of.far.len())
        ));
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
        let all = |_: &str| true;
        let nobody = at(100.0).compared_with("nobody", String::new(), all);
        assert_eq!(nobody.base, None);
        let of = at(100.0).compared_with("a", "A".into(), all);
        let said = |of: &AtBudget, row: usize| of.difference(&of.rows[row]);
        // 0.1, 0.3 and 0.5: 4.3027 * 0.2 / sqrt(3) = 0.497 on both sides.
        assert_eq!(said(&of, 0), "compared with");
        assert_eq!(said(&of, 1), "+0.300 [−0.197, +0.797], n = 3");
        assert_eq!(said(&of, 2), "+0.100 (2 seeds, no interval)");
        assert!(
            of.said()
                .contains(" Difference to A: B +0.300 [−0.197, +0.797], n = 3; C")
        );
        // As rows of a file: three values, two differences.
        let filed = of.filed();
        let parts: Vec<&str> = filed.iter().map(|f| f.part.as_str()).collect();
        let to_a = "at 100 tokens: difference to A, exploration on the validation split";
        assert_eq!(parts[..2], ["at 100 tokens"; 2]);
        assert_eq!((parts.len(), parts[3], filed[3].arm), (5, to_a, "b"));
        assert!((filed[3].value.unwrap().mean - 0.3).abs() < 1e-12);
        // Whose seeds share nothing with those of the base.
        let of = at(100.0).compared_with("a", "A".into(), |arm| arm != "b");
        assert_eq!((said(&of, 1), of.filed().len()), (number::NONE.into(), 4));
        // Its data end before the budget.
        let of = at(50.0).compared_with("a", "A".into(), all);
        assert_eq!(said(&of, 1), number::NONE);
        // Of a base that was measured last far below it nothing is known there.
        let mut far = AtBudget::empty(Cost::Tokens, 100.0, Kind::Share);
        let early = |n: u64| seed(n, &[(50.0, 0.4), (120.0, 0.6)]);
        far.push("a".into(), "A".into(), true, &[0, 1, 2].map(early));
        far.push("b".into(), "B".into(), true, &values([0.5; 3], 100.0));
        let far = far.compared_with("a", "A".into(), all);
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

    #[test]
    fn one_seed_of_five_far_below_the_budget_is_counted_and_is_in_no_difference() {
        let at = |n: u64, last: f64| seed(n, &[(last, 0.5 + 0.1 * n as f64), (120.0, 0.9)]);
        let mut of = AtBudget::empty(Cost::Tokens, 100.0, Kind::Share);
        let base: Vec<Seed> = (0..5).map(|n| seed(n, &[(100.0, 0.4)])).collect();
        let four = (0..4).map(|n| at(n, 100.0));
        let some: Vec<Seed> = four.chain([at(4, 80.0)]).collect();
        let all: Vec<Seed> = (0..5).map(|n| at(n, 80.0)).collect();
        of.push("a".into(), "A".into(), true, &base);
        of.push("b".into(), "B".into(), true, &some);
        of.push("c".into(), "C".into(), true, &all);
        let of = of.compared_with("a", "A".into(), |_| true);
        let remarks: Vec<&str> = of.rows.iter().map(|row| row.remark.as_str()).collect();
        let (one, every) = (
            "1 seed measured last under 95 % of it",
            "measured last under 95 % of it",
        );
        assert_eq!(remarks, ["", one, every]);
        let far: Vec<usize> = of.rows.iter().map(AtRow::far).collect();
        assert_eq!(far, [0, 1, 5]);
        // All five have a value; pairs are those of the four.
        assert_eq!(of.rows[1].value.unwrap().n, 5);
        let difference = of.rows[1].difference.unwrap();
        assert!(difference.n == 4 && (difference.mean - 0.25).abs() < 1e-9);
        assert_eq!(of.rows[2].difference, None);
        let words = format!("at 100 tokens: {one}");
        assert!(of.said().contains(one) && of.filed().iter().any(|f| f.part == words));
    }
}
