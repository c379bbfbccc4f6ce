//! On what ground arms of different experiments can stand side by side: equal compute or
//! not, the same questions or not. What may be said follows from it.

use crate::at_budget::Held;
use crate::compare::Basis;
use crate::spec::experiment::EvaluationPlan;
use crate::spec::{Budget, BudgetUnit, Experiment};
use crate::stats::{Estimate, paired_difference};
use crate::task::TaskSpec;
use serde::Serialize;

/// Budgets that are this near, relative to the larger, count as equal.
pub const TOLERANCE: f64 = 0.05;

/// One column of the comparison.
#[derive(Debug, Clone, Copy)]
pub struct Entrant<'a> {
    pub label: &'a str,
    pub experiment: &'a Experiment,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "ground", rename_all = "snake_case")]
pub enum Ground {
    /// The budgets match; the largest stands for all.
    EqualCompute { basis: Basis },
    /// No verdict; final values are each at its own budget, and differences are of what each had
    /// reached within the shortest.
    Unequal {
        unit: BudgetUnit,
        least: f64,
        most: f64,
        /// Who had the least.
        shortest: String,
    },
    /// Budgets in different units: nothing can be said of them together.
    OtherUnits,
}

impl Ground {
    /// What differences are at. Captions are printed from it; there is none where budgets are
    /// counted in different units.
    pub fn basis(&self) -> Option<Basis> {
        match self {
            Self::EqualCompute { basis } => Some(basis.clone()),
            Self::Unequal { unit, least, .. } => Some(Basis::EqualCompute {
                unit: *unit,
                budget: *least,
            }),
            Self::OtherUnits => None,
        }
    }

    /// Of two arms' final values, paired by seed; none where their budgets are not equal.
    pub fn difference(&self, arm: &[(u64, f64)], base: &[(u64, f64)]) -> Option<Estimate> {
        match self {
            Self::EqualCompute { .. } => paired_difference(arm, base),
            Self::Unequal { .. } | Self::OtherUnits => None,
        }
    }

    /// The budget at which arms of unequal budgets are compared.
    pub fn shortest(&self) -> Option<f64> {
        match self {
            Self::Unequal { least, .. } => Some(*least),
            Self::EqualCompute { .. } | Self::OtherUnits => None,
        }
    }

    /// Of what two arms had reached within the shortest budget, paired by seed: both taken with
    /// [`held`](crate::at_budget::held) at [`shortest`](Self::shortest). None where budgets are
    /// equal, which compares final values, and of pairs in which either was measured last far
    /// below it.
    pub fn difference_at_shortest(&self, arm: &Held, base: &Held) -> Option<Estimate> {
        self.shortest()?;
        arm.difference(base)
    }
}

/// `None` of no entrants.
pub fn ground(entrants: &[Entrant<'_>]) -> Option<Ground> {
    let budget = |e: &Entrant<'_>| -> Budget { e.experiment.budget.clone() };
    let first = budget(entrants.first()?);
    if entrants
        .iter()
        .any(|e| e.experiment.budget.unit != first.unit)
    {
        return Some(Ground::OtherUnits);
    }
    let shortest = entrants.iter().min_by(|a, b| {
        a.experiment
            .budget
            .amount
            .total_cmp(&b.experiment.budget.amount)
    })?;
    let least = shortest.experiment.budget.amount;
    let most = entrants
        .iter()
        .map(|e| e.experiment.budget.amount)
        .fold(least, f64::max);
    Some(if most - least <= TOLERANCE * most {
        Ground::EqualCompute {
            basis: Basis::EqualCompute {
                unit: first.unit,
                budget: most,
            },
        }
    } else {
        Ground::Unequal {
            unit: first.unit,
            least,
            most,
            shortest: shortest.label.to_string(),
        }
    })
}

/// Why two entrants were not asked the same questions in the same way; `None` if they were.
pub fn other_questions(a: &Experiment, b: &Experiment) -> Option<&'static str> {
    let asked = |e: &Experiment| -> (TaskSpec, EvaluationPlan) {
        let mut plan = e.evaluation.clone();
        // What happens on the validation split is no part of the examination.
        plan.milestones = vec![];
        (plan.validation_problems, plan.validation_samples) = (0, 0);
        (e.task.clone(), plan)
    };
    let ((task_a, plan_a), (task_b, plan_b)) = (asked(a), asked(b));
    if task_a != task_b {
        Some("their tasks differ, so they answered other questions")
    } else if plan_a.problems != plan_b.problems {
        Some("they answered different numbers of questions")
    } else if plan_a != plan_b {
        Some("they answered with other samples, lengths or temperatures")
    } else {
        None
    }
}

/// Why validation figures of two entrants are of other questions, though their examinations
/// are alike; `None` if they are of the same.
pub fn other_validation(a: &Experiment, b: &Experiment) -> Option<&'static str> {
    let (a, b) = (&a.evaluation, &b.evaluation);
    if a.validation_problems != b.validation_problems {
        Some("they were measured on different numbers of validation questions")
    } else if a.validation_samples != b.validation_samples {
        Some("they answered validation questions with different numbers of samples")
    } else {
        None
    }
}

/// Why seeds of two experiments are no pairs; `None` if they are.
pub fn unpaired(a: &Experiment, b: &Experiment) -> Option<&'static str> {
    if a.root_seed != b.root_seed {
        Some("another root seed: seeds of the same number share nothing")
    } else if a.base_seeds != b.base_seeds {
        Some("one has a base for each seed, the other one for all")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn experiment(change: &str) -> Experiment {
        let text = format!(
            "
name: t
question: q?
seeds: 2
baseline: base
stages: [{{ id: base, kind: pretrain, model: {{}} }}]
arms: [{{ id: base, policy: base }}]
{change}"
        );
        Experiment::from_text(&text).unwrap_or_else(|v| panic!("{v}"))
    }

    const TASK: &str = "task: { name: modchain }\n";

    fn with_budget(unit: &str, amount: f64) -> Experiment {
        experiment(&format!(
            "{TASK}budget: {{ unit: {unit}, amount: {amount} }}"
        ))
    }

    #[test]
    fn budgets_within_five_per_cent_are_equal_and_else_the_shortest_is_named() {
        let of = |all: &[Experiment]| {
            let entrants: Vec<Entrant<'_>> = all
                .iter()
                .map(|experiment| Entrant {
                    label: if experiment.budget.amount < 100.0 {
                        "short"
                    } else {
                        "long"
                    },
                    experiment,
                })
                .collect();
            ground(&entrants)
        };
        let near = [with_budget("tokens", 100.0), with_budget("tokens", 95.0)];
        let expected = Basis::EqualCompute {
            unit: BudgetUnit::Tokens,
            budget: 100.0,
        };
        assert_eq!(of(&near), Some(Ground::EqualCompute { basis: expected }));
        let far = [with_budget("tokens", 100.0), with_budget("tokens", 94.0)];
        assert_eq!(
            of(&far),
            Some(Ground::Unequal {
                unit: BudgetUnit::Tokens,
                least: 94.0,
                most: 100.0,
                shortest: "short".into()
            })
        );
        let units = [with_budget("tokens", 100.0), with_budget("flops", 1e9)];
        assert_eq!(of(&units), Some(Ground::OtherUnits));
        // Final values are compared at equal budgets, others at the shortest, units not at all.
        let seeds = |values: [f64; 2]| vec![(0, values[0]), (1, values[1])];
        let (own, base) = (seeds([0.5, 0.6]), seeds([0.4, 0.3]));
        let at = |seeds: &[(u64, f64)]| Held {
            seeds: seeds.to_vec(),
            ..Held::default()
        };
        for (entrants, budget, at_end, at_shortest) in [
            (&near, Some(100.0), true, false),
            (&far, Some(94.0), false, true),
            (&units, None, false, false),
        ] {
            let ground = of(entrants).unwrap();
            let basis = budget.map(|budget| Basis::EqualCompute {
                unit: BudgetUnit::Tokens,
                budget,
            });
            assert_eq!(ground.basis(), basis);
            assert_eq!(ground.difference(&own, &base).is_some(), at_end);
            let shortest = ground.difference_at_shortest(&at(&own), &at(&base));
            assert_eq!(shortest.is_some(), at_shortest);
            assert!(shortest.is_none_or(|d| (d.mean - 0.2).abs() < 1e-12));
        }
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn the_same_questions_are_the_same_task_asked_in_the_same_way() {
        let budget = "budget: { unit: tokens, amount: 100 }\n";
        let of = |change: &str| experiment(&format!("{budget}{change}"));
        let plain = of(TASK);
        assert_eq!(other_questions(&plain, &plain), None);
        let looks = of(&format!("{TASK}evaluation: {{ validation_problems: 7 }}"));
        assert_eq!(other_questions(&plain, &looks), None);
        assert!(
            other_validation(&plain, &looks)
                .unwrap()
                .contains("validation questions")
        );
        let oftener = of(&format!("{TASK}evaluation: {{ validation_samples: 7 }}"));
        assert!(
            other_validation(&plain, &oftener)
                .unwrap()
                .contains("samples")
        );
        assert_eq!(other_validation(&plain, &plain), None);
        let fewer = of(&format!("{TASK}evaluation: {{ problems: 7 }}"));
        assert!(other_questions(&plain, &fewer).unwrap().contains("numbers"));
        let hotter = of(&format!("{TASK}evaluation: {{ temperature: 0.5 }}"));
        assert!(other_questions(&plain, &hotter).is_some());
        let task = of("task: { name: parity }\n");
        assert!(other_questions(&plain, &task).unwrap().contains("tasks"));
        let seed = of(&format!("{TASK}root_seed: 9\n"));
        assert!(unpaired(&plain, &seed).is_some() && unpaired(&plain, &plain).is_none());
    }
}
