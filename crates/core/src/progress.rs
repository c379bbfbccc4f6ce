//! How far a stage is: by its steps where it says how many they will be, by its budget where
//! it has one.

use crate::spec::experiment::BudgetUnit;
use crate::spec::{JobSpec, StageSpec};
use crate::wire::Cumulative;

/// 0 to 1; 0 where nobody can know.
pub fn fraction(spec: &StageSpec, step: i64, latest: Option<Cumulative>) -> f64 {
    let of_steps = |total: u32| step as f64 / f64::from(total.max(1));
    let of_budget = match (&spec.budget, latest) {
        (Some(budget), Some(cum)) => {
            let used = match budget.unit {
                BudgetUnit::Flops => cum.charged.flops,
                BudgetUnit::Tokens => cum.charged.tokens,
            };
            used / budget.amount
        }
        (Some(_), None) | (None, _) => 0.0,
    };
    let share: f64 = match &spec.job {
        JobSpec::Pretrain { params, .. } => of_steps(params.total_steps()),
        // A step of these is a problem.
        JobSpec::RejectionSample { params } => of_steps(params.prompts).max(of_budget),
        JobSpec::PrmLabel { params } => of_steps(params.prompts).max(of_budget),
        JobSpec::Sft { .. }
        | JobSpec::Grpo { .. }
        | JobSpec::Ppo { .. }
        | JobSpec::Distill { .. }
        | JobSpec::MctsSelftrain { .. } => {
            spec.job.max_steps().map_or(0.0, of_steps).max(of_budget)
        }
        JobSpec::PrmTrain { .. } | JobSpec::OrmTrain { .. } => of_budget,
        JobSpec::Checkpoint { .. }
        | JobSpec::Search { .. }
        | JobSpec::Mcts { .. }
        | JobSpec::Eval { .. } => 0.0,
    };
    share.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::plan;
    use crate::spec::Experiment;

    #[test]
    fn steps_or_the_budget_whichever_is_further() {
        let text = "
name: t
question: q?
task: { name: modchain }
seeds: 1
budget: { unit: flops, amount: 4.0e+11 }
baseline: base
stages: [{ id: base, kind: pretrain, model: {} }]
arms:
  - { id: base, policy: base }
  - { id: rl, stages: [{ id: grpo, kind: grpo, inputs: { init: base } }] }";
        let experiment = Experiment::from_text(text).unwrap_or_else(|v| panic!("{v}"));
        let plan = plan(&experiment, "");
        let of = |kind: &str| {
            let mut all = plan.stages.iter().map(|s| &s.spec);
            all.find(|s| s.job.kind() == kind).unwrap()
        };
        let JobSpec::Pretrain { params, .. } = &of("pretrain").job else {
            unreachable!()
        };
        let steps = i64::from(params.total_steps());
        assert_eq!(fraction(of("pretrain"), steps, None), 1.0);
        assert!((fraction(of("pretrain"), steps / 2, None) - 0.5).abs() < 0.01);
        let mut spent = Cumulative::default();
        spent.charged.flops = of("grpo").budget.as_ref().unwrap().amount / 4.0;
        assert!((fraction(of("grpo"), 3, Some(spent)) - 0.25).abs() < 1e-9);
        spent.charged.flops *= 40.0;
        assert_eq!(fraction(of("grpo"), 3, Some(spent)), 1.0);
        assert_eq!(fraction(of("eval"), 3, None), 0.0);
    }
}
