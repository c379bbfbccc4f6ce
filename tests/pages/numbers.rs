//! Plausible numbers of a stage, the same every time: curves, costs, evaluations.

use crate::seed::Until;
use assay_core::ledger::{Cost, purpose};
use assay_core::spec::JobSpec;
use assay_core::task::Split;
use assay_core::wire::{
    Claim, CompletionItem, Cumulative, EvaluationItem, EvaluationRecord, Level, Record,
};
use assay_core::{metric, rng};
use std::collections::BTreeMap;

/// What an evaluation finds in weights.
#[derive(Clone, Copy)]
pub struct Policy {
    pub pass: f64,
    pub length: f64,
}

/// Between -0.5 and 0.5, the same every time.
fn noise(of: u64, what: &str) -> f64 {
    (rng::derive_seed(&[&of.to_string(), what]) % 10_000) as f64 / 10_000.0 - 0.5
}

/// Where training has got to at a share of its steps.
pub fn policy(claim: &Claim, share: f64) -> Policy {
    let rate = claim.spec.job.optim().map_or(0.0, |o| o.learning_rate);
    let luck = 0.06 * noise(claim.spec.seed, "luck");
    match claim.spec.job.kind() {
        "pretrain" => Policy {
            pass: 0.31 * share + 0.02,
            length: 14.0,
        },
        "sft" => Policy {
            pass: 0.31 + 0.14 * share.sqrt() + luck,
            length: 14.0 + 9.0 * share,
        },
        _ => {
            let gain = 0.28 + 1e3 * rate * 0.3;
            let rise = (4.0 * share).tanh();
            Policy {
                pass: (0.31 + gain * rise + luck).min(0.97),
                length: 14.0 + 22.0 * rise,
            }
        }
    }
}

pub fn training(claim: &Claim, steps: u64, until: Until) -> Vec<Record> {
    let budget = claim.spec.budget.as_ref().map_or(2e12, |b| b.amount) * 0.995;
    let grpo = claim.spec.job.kind() == "grpo";
    let own = claim.spec.budget.as_ref();
    let mut milestones: Vec<(u32, f64)> = own.map_or(vec![(100, budget)], |b| b.milestones.clone());
    milestones.reverse();
    let last = match until {
        Until::End => steps,
        Until::Share(share) | Until::Nan(share) => (steps as f64 * share) as u64,
    };
    let mut records = vec![];
    for step in 1..=last {
        let share = step as f64 / steps as f64;
        let at = policy(claim, share);
        let cum = Cumulative {
            charged: cost(budget * share),
            active_ms: 140.0 * step as f64,
        };
        let n = |what: &str| noise(claim.spec.seed ^ step, what);
        let broken = matches!(until, Until::Nan(_)) && step == last;
        let mut metrics = BTreeMap::from([
            (
                metric::LOSS.to_string(),
                if broken {
                    f64::NAN
                } else {
                    1.2 * (-2.0 * share).exp() + 0.1 * n("loss")
                },
            ),
            (metric::GRAD_NORM.to_string(), 0.6 + 0.4 * n("grad").abs()),
            (
                metric::TOKENS_PER_SECOND.to_string(),
                9_100.0 + 900.0 * n("speed"),
            ),
            (
                metric::LEARNING_RATE.to_string(),
                claim.spec.job.optim().map_or(0.0, |o| o.learning_rate),
            ),
        ]);
        if grpo {
            let collapse = if step == steps / 2 { 0.05 } else { 1.0 };
            metrics.extend([
                (
                    metric::REWARD_MEAN.to_string(),
                    at.pass + 0.12 * n("reward"),
                ),
                (
                    metric::COMPLETION_LENGTH.to_string(),
                    at.length + 2.0 * n("length"),
                ),
                (
                    metric::TRUNCATED_SHARE.to_string(),
                    (0.02 + 0.05 * n("trunc")).max(0.0),
                ),
                (
                    metric::ENTROPY.to_string(),
                    collapse * (0.9 - 0.6 * share + 0.05 * n("entropy")),
                ),
                (metric::KL.to_string(), 0.08 * share + 0.01 * n("kl").abs()),
            ]);
        }
        signs(claim, share, &mut metrics);
        let due = milestones
            .last()
            .is_some_and(|(_, amount)| budget * share >= *amount - budget * 0.006);
        if due {
            metrics.insert(metric::VALIDATION_PASS_AT_1.into(), at.pass);
            metrics.insert(metric::VALIDATION_LENGTH.into(), at.length);
        }
        records.push(Record::Step { step, cum, metrics });
        if due && let Some((percent, _)) = milestones.pop() {
            records.push(evaluation(
                claim,
                step,
                own.map(|_| percent),
                cum,
                Split::Validation,
                at,
            ));
        }
        if step % 50 == 0 || step == last {
            records.push(ledger(
                claim.spec.job.kind(),
                budget * 50.0 / steps as f64,
                step,
            ));
        }
        if grpo && step % (steps / 5).max(1) == 0 {
            records.push(Record::Completions {
                step,
                items: completions(at, step),
            });
        }
    }
    if grpo {
        let text = "entropy fell below 0.05".to_string();
        records.push(Record::Event {
            step: last,
            level: Level::Alarm,
            text,
        });
    }
    records
}

/// One evaluation a level, whose cost is that of a question.
pub fn decoding_of(claim: &Claim, policy: Policy) -> Vec<Record> {
    let (levels, gain) = match &claim.spec.job {
        JobSpec::Search { params } => (
            &params.levels,
            if params.method.judged() { 0.05 } else { 0.03 },
        ),
        JobSpec::Mcts { params, .. } => (&params.levels, 0.01),
        other => panic!("{} is no decoder", other.kind()),
    };
    let mut records = vec![];
    for &level in levels {
        let at = Policy {
            pass: (policy.pass + gain * f64::from(level.ilog2())).min(0.99),
            length: policy.length,
        };
        let cum = Cumulative {
            charged: cost(3e7 * f64::from(level)),
            active_ms: 0.0,
        };
        let step = u64::from(level);
        records.push(evaluation(claim, step, None, cum, Split::Test, at));
        records.push(Record::Ledger {
            step,
            costs: BTreeMap::from([(purpose::SEARCH.into(), cost(64.0 * 3e7 * step as f64))]),
            supervision: BTreeMap::new(),
        });
    }
    records
}

fn cost(flops: f64) -> Cost {
    Cost {
        tokens: flops / 7e5,
        flops,
        device_ms: flops / 3e6,
    }
}

fn ledger(kind: &str, flops: f64, step: u64) -> Record {
    let mut costs = BTreeMap::from([(purpose::EVALUATION.to_string(), cost(flops * 0.05))]);
    let parts: &[(&str, f64)] = match kind {
        "grpo" => &[
            (purpose::ROLLOUT, 0.25),
            (purpose::REFERENCE, 0.15),
            (purpose::UPDATE, 0.6),
        ],
        "distill" => &[(purpose::TEACHER, 0.4), (purpose::UPDATE, 0.6)],
        "prm_label" => &[(purpose::LABELS, 1.0)],
        "prm_train" => &[(purpose::JUDGE_TRAINING, 1.0)],
        _ => &[(purpose::UPDATE, 1.0)],
    };
    for (purpose, part) in parts {
        costs.insert((*purpose).into(), cost(flops * part));
    }
    let supervision: &[(&str, u64)] = match kind {
        "grpo" => &[("verifier_calls", 800)],
        "sft" => &[("demonstrations", 64)],
        "prm_label" => &[("oracle_step_labels", 120)],
        _ => &[],
    };
    Record::Ledger {
        step,
        costs,
        supervision: supervision
            .iter()
            .map(|(kind, count)| ((*kind).into(), *count))
            .collect(),
    }
}

fn completions(at: Policy, step: u64) -> Vec<CompletionItem> {
    let mut items = vec![];
    for group in 0..2_u32 {
        for index in 0..8_u32 {
            let correct = noise(step + u64::from(group * 8 + index), "right") + 0.5 < at.pass;
            let text = if correct {
                "3+4=7;7*2=4;4-9=5;#5"
            } else {
                "#7"
            };
            items.push(CompletionItem {
                group,
                index,
                prompt: "3+4*2-9 mod 10 =".into(),
                gold: "5".into(),
                completion: text.into(),
                reward: f64::from(u8::from(correct)),
                advantage: if correct { 0.93 } else { -1.07 },
                length: text.len() as u32 + 1,
                truncated: false,
                correct,
                components: [("accuracy".to_string(), f64::from(u8::from(correct)))].into(),
            });
        }
    }
    items
}

pub fn evaluation(
    claim: &Claim,
    step: u64,
    milestone: Option<u32>,
    cum: Cumulative,
    split: Split,
    at: Policy,
) -> Record {
    let (problems, samples, longest) = match (&claim.spec.job, &claim.spec.validation) {
        (JobSpec::Search { params }, _) => (params.problems, 1, params.max_completion_length),
        (JobSpec::Mcts { params, tree }, _) => (params.problems, 1, tree.max_completion_length),
        (JobSpec::Eval { params, .. }, _) => (
            params.problems,
            params.samples,
            params.max_completion_length,
        ),
        (_, Some(v)) => (v.problems, v.samples, v.max_completion_length),
        (_, None) => (16, 2, 48),
    };
    let items = (0..u64::from(problems))
        .map(|problem| {
            let right = |s: u32| {
                noise(claim.spec.seed ^ problem, &format!("{s} {step} {split}")) + 0.5 < at.pass
            };
            let correct: Vec<bool> = (0..samples).map(right).collect();
            EvaluationItem {
                problem,
                difficulty: 3,
                lengths: (0..samples)
                    .map(|s| (at.length + 4.0 * noise(problem, &s.to_string())) as u32)
                    .collect(),
                truncated: vec![false; samples as usize],
                answers: correct
                    .iter()
                    .map(|ok| Some(if *ok { "5" } else { "7" }.into()))
                    .collect(),
                gold: "5".into(),
                correct,
            }
        })
        .collect();
    Record::Evaluation(EvaluationRecord {
        step,
        split,
        milestone,
        cum,
        temperature: 1.0,
        top_p: 1.0,
        max_completion_length: longest,
        items,
    })
}

/// What tells how an attempt fails: a judge that is bought, labels that err with depth.
fn signs(claim: &Claim, share: f64, metrics: &mut BTreeMap<String, f64>) {
    let judged = claim.inputs.contains_key(&assay_core::spec::Role::Prm);
    let luck = 0.02 * noise(claim.spec.seed, "signs");
    let own: Vec<(String, f64)> = match claim.spec.job.kind() {
        "prm_label" => vec![
            (metric::LABEL_FALSE_POSITIVE.into(), 0.2 + luck),
            (metric::LABEL_FALSE_NEGATIVE.into(), 0.05 + luck),
            (
                format!("{}_depth_3", metric::LABEL_FALSE_POSITIVE),
                0.4 + luck,
            ),
            (metric::LABELLED_STEPS.into(), 4_000.0 * share),
        ],
        "prm_train" => vec![
            (metric::JUDGE_AUC.into(), 0.8 + luck),
            (metric::JUDGE_WRONG_STEPS.into(), 120.0),
        ],
        _ if judged => vec![
            (metric::JUDGE_MEAN.into(), 0.4 + 0.5 * share + luck),
            (metric::JUDGE_AUC_POLICY.into(), 0.75 - 0.3 * share + luck),
            (metric::JUDGE_WRONG_STEPS_POLICY.into(), 90.0),
        ],
        _ => vec![],
    };
    metrics.extend(own);
}
