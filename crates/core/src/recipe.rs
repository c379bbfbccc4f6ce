//! From an experiment to its work: the stages with their hashes, and the runs
//! with the stages each of them needs. Pure: the same file gives the same plan.

use crate::rng::derive_seed;
use crate::spec::experiment::{ArmSpec, BaseSeeds, Experiment};
use crate::spec::job::JobSpec;
use crate::spec::references::{self, Node};
use crate::spec::stage::{Charge, Role, SEMANTICS_VERSION, StageBudget, StageSpec, Validation};
use crate::spec::training::EvalParams;
use crate::task::{GENERATOR_VERSION, Split};
use std::collections::{BTreeMap, HashMap};

/// One stage to compute, inputs before the stages that need them.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedStage {
    pub hash: String,
    pub spec: StageSpec,
    /// Position in the plan of each input.
    pub inputs: BTreeMap<Role, usize>,
}

/// A run's place for a stage.
#[derive(Debug, Clone, PartialEq)]
pub struct RunStage {
    /// Position in the plan.
    pub stage: usize,
    /// `stage`, `arm/stage` or `eval`.
    pub name: String,
    pub charge: Charge,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PlannedRun {
    /// Index of the arm in the file.
    pub arm: usize,
    pub seed: u64,
    /// In order of computation; the last is the final evaluation.
    pub stages: Vec<RunStage>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    pub stages: Vec<PlannedStage>,
    pub runs: Vec<PlannedRun>,
}

/// Name of every run's last stage.
pub const EVAL: &str = "eval";

/// Whether the arm pays for what is being planned: a teacher's training is listed apart.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Pays {
    Arm,
    Nobody,
}

struct Planner<'a> {
    experiment: &'a Experiment,
    nonce: &'a str,
    plan: Plan,
    by_hash: HashMap<String, usize>,
}

/// `nonce` goes into the hash of stages marked `fresh`.
pub fn plan(experiment: &Experiment, nonce: &str) -> Plan {
    let mut planner = Planner {
        experiment,
        nonce,
        plan: Plan::default(),
        by_hash: HashMap::new(),
    };
    for (index, arm) in experiment.arms.iter().enumerate() {
        for &seed in &experiment.seeds {
            planner.run(index, arm, seed);
        }
    }
    planner.plan
}

impl<'a> Planner<'a> {
    fn run(&mut self, index: usize, arm: &'a ArmSpec, seed: u64) {
        let mut stages = vec![];
        for entry in &arm.stages {
            self.stage(
                Node {
                    arm: Some(&arm.id),
                    entry,
                },
                seed,
                &arm.id,
                Pays::Arm,
                &mut stages,
            );
        }
        let policy = match (&arm.policy, arm.stages.last()) {
            (Some(name), _) => references::resolve(self.experiment, None, name),
            (None, last) => last.map(|entry| Node {
                arm: Some(arm.id.as_str()),
                entry,
            }),
        };
        // A checked experiment always has one.
        let Some(policy) = policy else { return };
        let position = self.stage(policy, seed, &arm.id, Pays::Arm, &mut stages);
        if policy.entry.job.is_decoder() {
            self.plan.runs.push(PlannedRun {
                arm: index,
                seed,
                stages,
            });
            return;
        }
        let eval = self.eval_stage(position, seed);
        let stage = self.add(eval, BTreeMap::from([(Role::Init, position)]));
        stages.push(RunStage {
            stage,
            name: EVAL.into(),
            charge: Charge::Never,
        });
        self.plan.runs.push(PlannedRun {
            arm: index,
            seed,
            stages,
        });
    }

    /// Plans a stage and what it builds on; returns its position.
    fn stage(
        &mut self,
        node: Node<'a>,
        seed: u64,
        for_arm: &str,
        pays: Pays,
        into: &mut Vec<RunStage>,
    ) -> usize {
        let name = match node.arm {
            Some(arm) if arm == for_arm => node.entry.id.clone(),
            _ => node.key(),
        };
        let charge = match (pays, node.entry.charge) {
            _ if node.entry.job.is_decoder() => Charge::Never,
            (Pays::Nobody, Charge::Arm) => Charge::Apart,
            (Pays::Arm | Pays::Nobody, charge) => charge,
        };
        // A stage that was met as a teacher's first may be the arm's own as well.
        if let Some(known) = into.iter().find(|s| s.name == name)
            && (known.charge == charge || pays == Pays::Nobody)
        {
            return known.stage;
        }
        let mut inputs = BTreeMap::new();
        for (role, reference) in &node.entry.inputs {
            if let Some(to) = references::resolve(self.experiment, node.arm, reference) {
                let pays = if *role == Role::Teacher {
                    Pays::Nobody
                } else {
                    pays
                };
                inputs.insert(*role, self.stage(to, seed, for_arm, pays, into));
            }
        }
        let spec = self.spec(node, seed, &inputs);
        let stage = self.add(spec, inputs);
        match into.iter_mut().find(|s| s.name == name) {
            Some(known) => known.charge = charge,
            None => into.push(RunStage {
                stage,
                name,
                charge,
            }),
        }
        stage
    }

    fn add(&mut self, spec: StageSpec, inputs: BTreeMap<Role, usize>) -> usize {
        let hash = spec.hash();
        if let Some(&position) = self.by_hash.get(&hash) {
            return position;
        }
        let position = self.plan.stages.len();
        self.by_hash.insert(hash.clone(), position);
        self.plan.stages.push(PlannedStage { hash, spec, inputs });
        position
    }

    fn spec(&self, node: Node<'a>, seed: u64, inputs: &BTreeMap<Role, usize>) -> StageSpec {
        let e = self.experiment;
        let entry = node.entry;
        let shared_seed = node.arm.is_none() && e.base_seeds == BaseSeeds::Shared;
        let seed_word = if shared_seed {
            "shared".to_string()
        } else {
            seed.to_string()
        };
        StageSpec {
            job: entry.job.clone(),
            task: e.task.clone(),
            model: references::model(e, node).cloned().unwrap_or_default(),
            // Without the arm: arms of one seed see common random numbers.
            seed: derive_seed(&[&e.root_seed.to_string(), &seed_word, &entry.id]),
            threads: entry.threads,
            micro_batch: entry.micro_batch,
            budget: (entry.charge == Charge::Arm && !entry.job.is_decoder())
                .then(|| stage_budget(e, node)),
            validation: Some(Validation {
                problems: e.evaluation.validation_problems,
                samples: e.evaluation.validation_samples,
                max_completion_length: e.evaluation.max_completion_length,
                temperature: e.evaluation.temperature,
                top_p: e.evaluation.top_p,
            }),
            inputs: inputs
                .iter()
                .map(|(role, &p)| (*role, self.plan.stages[p].hash.clone()))
                .collect(),
            generator_version: GENERATOR_VERSION,
            semantics_version: SEMANTICS_VERSION,
            nonce: entry.fresh.then(|| self.nonce.to_string()),
        }
    }

    fn eval_stage(&self, policy: usize, seed: u64) -> StageSpec {
        let e = self.experiment;
        let policy = &self.plan.stages[policy];
        StageSpec {
            job: JobSpec::Eval {
                params: EvalParams {
                    problems: e.evaluation.problems,
                    samples: e.evaluation.samples,
                    max_completion_length: e.evaluation.max_completion_length,
                    temperature: e.evaluation.temperature,
                    top_p: e.evaluation.top_p,
                },
                split: vec![Split::Test, Split::Ood],
            },
            task: e.task.clone(),
            model: policy.spec.model.clone(),
            seed: derive_seed(&[&e.root_seed.to_string(), &seed.to_string(), EVAL]),
            threads: 1,
            micro_batch: policy.spec.micro_batch,
            budget: None,
            validation: None,
            inputs: BTreeMap::from([(Role::Init, policy.hash.clone())]),
            generator_version: GENERATOR_VERSION,
            semantics_version: SEMANTICS_VERSION,
            nonce: None,
        }
    }
}

/// The stage's part of its arm's budget, and the arm's milestones that fall into it.
/// A shared stage that arms pay for has no milestones: it stands in several arms.
fn stage_budget(experiment: &Experiment, node: Node<'_>) -> StageBudget {
    let own = references::amount(experiment, node);
    let unit = experiment.budget.unit;
    let Some(arm) = node.arm.and_then(|id| experiment.arm(id)) else {
        return StageBudget {
            unit,
            amount: own,
            before: 0.0,
            whole: experiment.budget.amount,
            milestones: vec![],
        };
    };
    let total = experiment.budget.amount;
    // An empty sum is -0.0, which a database gives back as 0.0.
    let before: f64 = 0.0
        + references::reserved(experiment, &arm.id)
        + arm
            .stages
            .iter()
            .take_while(|s| s.id != node.entry.id)
            .map(|entry| {
                references::amount(
                    experiment,
                    Node {
                        arm: node.arm,
                        entry,
                    },
                )
            })
            .sum::<f64>();
    let last = arm.stages.last().is_some_and(|s| s.id == node.entry.id);
    let near = 1e-9 * total;
    let milestones = experiment
        .evaluation
        .milestones
        .iter()
        .map(|&percent| (percent, f64::from(percent) / 100.0 * total))
        .filter(|&(_, at)| at > before + near && (last || at <= before + own + near))
        .map(|(percent, at)| (percent, (at - before).min(own)))
        .collect();
    StageBudget {
        unit,
        amount: own,
        before,
        whole: total,
        milestones,
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
task: {{ name: modchain }}
seeds: 2
budget: {{ unit: tokens, amount: 10000 }}
baseline: base
stages:
  - {{ id: base, kind: pretrain, model: {{}} }}
arms:
  - {{ id: base, policy: base }}
  - id: two
    stages:
      - {{ id: sft, kind: sft, share: 0.25, inputs: {{ init: base }} }}
      - {{ id: grpo, kind: grpo, share: 0.75, inputs: {{ init: sft, reference: base }} }}
  - id: three
    stages:
      - {{ id: grpo, kind: grpo, inputs: {{ init: two/sft }} }}
{change}"
        );
        Experiment::from_text(&text).unwrap_or_else(|v| panic!("{v}"))
    }

    #[test]
    fn shared_work_is_planned_once_and_runs_name_what_they_need() {
        let plan = plan(&experiment(""), "n");
        let names: Vec<Vec<&str>> = plan
            .runs
            .iter()
            .map(|r| r.stages.iter().map(|s| s.name.as_str()).collect())
            .collect();
        assert_eq!(names[0], ["base", "eval"]);
        assert_eq!(names[2], ["base", "sft", "grpo", "eval"]);
        assert_eq!(names[4], ["base", "two/sft", "grpo", "eval"]);
        // Per seed: base, sft, two different grpo, three evals.
        assert_eq!(plan.stages.len(), 2 * 7);
        for (position, stage) in plan.stages.iter().enumerate() {
            assert!(stage.inputs.values().all(|&input| input < position));
        }
    }

    #[test]
    fn an_experiment_is_written_as_it_is_read() {
        let experiment = experiment("hypothesis: It does.");
        let text = serde_json::to_string(&experiment).unwrap();
        assert_eq!(Experiment::from_text(&text).unwrap(), experiment);
        assert_eq!(
            serde_json::from_str::<Experiment>(&text).unwrap(),
            experiment
        );
    }

    #[test]
    fn a_base_shared_by_all_seeds_is_one_stage() {
        let plan = plan(&experiment("base_seeds: shared"), "n");
        assert_eq!(
            plan.stages
                .iter()
                .filter(|s| s.spec.job.kind() == "pretrain")
                .count(),
            1
        );
    }

    #[test]
    fn milestones_are_shares_of_the_whole_arm() {
        let plan = plan(&experiment(""), "n");
        let budget = |position: usize| plan.stages[position].spec.budget.clone().unwrap();
        let run = &plan.runs[2].stages;
        assert_eq!(budget(run[1].stage).amount, 2500.0);
        assert_eq!(
            budget(run[1].stage).milestones,
            [(10, 1000.0), (20, 2000.0)]
        );
        let second = budget(run[2].stage);
        assert_eq!(second.milestones.first(), Some(&(30, 500.0)));
        assert_eq!(second.milestones.last(), Some(&(100, 7500.0)));
    }

    #[test]
    fn what_another_arm_or_a_shared_stage_has_used_is_taken_off_the_budget() {
        let text = "
name: t
question: q?
task: { name: modchain }
seeds: 1
budget: { unit: tokens, amount: 10000 }
baseline: zero
stages:
  - { id: base, kind: pretrain, model: {} }
  - { id: labels, kind: prm_label, charge: arm, share: 0.2, inputs: { init: base } }
  - { id: prm, kind: prm_train, charge: arm, share: 0.1, inputs: { init: base, data: labels } }
arms:
  - { id: zero, stages: [{ id: grpo, kind: grpo, inputs: { init: base } }] }
  - id: prm-rl
    stages:
      - { id: grpo, kind: grpo, rewards: [{ component: prm, credit: min }], inputs: { init: base, prm: prm } }
  - id: student
    stages:
      - { id: distill, kind: distill, inputs: { init: base, teacher: zero/grpo } }
  - id: rerank
    stages:
      - { id: search, kind: search, method: best_of_n, inputs: { init: zero/grpo, prm: prm } }
";
        let plan = plan(
            &Experiment::from_text(text).unwrap_or_else(|v| panic!("{v}")),
            "n",
        );
        let charged = |run: usize| -> Vec<(&str, Charge, Option<f64>)> {
            plan.runs[run]
                .stages
                .iter()
                .map(|s| {
                    let budget = plan.stages[s.stage].spec.budget.as_ref();
                    (s.name.as_str(), s.charge, budget.map(|b| b.amount))
                })
                .collect()
        };
        assert_eq!(
            charged(1),
            [
                ("base", Charge::Apart, None),
                ("labels", Charge::Arm, Some(2000.0)),
                ("prm", Charge::Arm, Some(1000.0)),
                ("grpo", Charge::Arm, Some(7000.0)),
                ("eval", Charge::Never, None),
            ]
        );
        // A teacher is listed apart, and a student has the whole budget.
        assert_eq!(charged(2)[1], ("zero/grpo", Charge::Apart, Some(10000.0)));
        assert_eq!(charged(2)[2], ("distill", Charge::Arm, Some(10000.0)));
        // A decoder ends its run itself.
        assert_eq!(charged(3).last(), Some(&("search", Charge::Never, None)));
        let wrong = text.replace("prm: prm }", "prm: labels }");
        let violations = Experiment::from_text(&wrong).unwrap_err().to_string();
        assert!(
            violations.contains("/arms/1/stages/0/inputs/prm"),
            "{violations}"
        );
    }

    #[test]
    fn fresh_and_nothing_else_changes_the_hash_of_an_equal_stage() {
        let same = plan(&experiment(""), "a");
        assert_eq!(same, plan(&experiment(""), "b"));
        let arms = "
name: t
question: q?
task: { name: modchain }
seeds: 1
budget: { unit: tokens, amount: 1000 }
baseline: base
stages:
  - { id: base, kind: pretrain, model: {}, fresh: true }
arms:
  - { id: base, policy: base }";
        let fresh = Experiment::from_text(arms).unwrap();
        assert_ne!(
            plan(&fresh, "a").stages[0].hash,
            plan(&fresh, "b").stages[0].hash
        );
    }

    #[test]
    fn arms_of_one_seed_share_their_random_numbers() {
        let plan = plan(&experiment(""), "n");
        let seed = |run: usize| {
            let stages = &plan.runs[run].stages;
            let grpo = stages.iter().find(|s| s.name == "grpo").unwrap();
            plan.stages[grpo.stage].spec.seed
        };
        assert_eq!(seed(2), seed(4));
        assert_ne!(seed(2), seed(3));
    }
}
