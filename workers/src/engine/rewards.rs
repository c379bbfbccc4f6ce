//! What a completion is rewarded for: a weighted sum of components, each a pure
//! function of the text and its verdict.

use super::judge::{JudgeModel, Solution, credit};
use super::{Result, StageContext};
use assay_core::ledger::Cost;
use assay_core::spec::judge::AnswerStep;
use assay_core::spec::stage::Role;
use assay_core::spec::training::{Component, GrpoParams};
use assay_core::task::{Problem, TaskSpec, Verdict};

/// The judges that a stage's rewards ask.
#[derive(Debug, Default)]
pub struct Judges {
    prm: Option<JudgeModel>,
    orm: Option<JudgeModel>,
}

/// Rewards of a rollout, and what their judges said.
#[derive(Debug, Default)]
pub struct Rewarded {
    /// One a completion.
    pub total: Vec<f64>,
    /// One list a component, in the order of the spec's terms, before weights.
    pub parts: Vec<Vec<f64>>,
    /// What was taken off for length, one a completion, where the spec has such a penalty.
    pub overlong: Vec<f64>,
    /// The step judge's scores, where there is one.
    pub step_scores: Vec<Vec<f32>>,
    /// What the judges' passes cost.
    pub cost: Cost,
}

impl Judges {
    pub fn load(context: &StageContext, params: &GrpoParams) -> Result<Self> {
        let asked = params.judges();
        let load = |role: Role| {
            asked
                .contains(&role)
                .then(|| JudgeModel::load(context, role))
                .transpose()
        };
        Ok(Self {
            prm: load(Role::Prm)?,
            orm: load(Role::Orm)?,
        })
    }

    /// `solutions` and `verdicts` in the same order, each with its problem.
    pub fn reward(
        &mut self,
        task: &TaskSpec,
        params: &GrpoParams,
        problems: &[&Problem],
        solutions: &[Solution<'_>],
        verdicts: &[Verdict],
        lengths: &[usize],
    ) -> Result<Rewarded> {
        let mut out = Rewarded::default();
        if let Some(prm) = &mut self.prm {
            let (scores, cost) = prm.step_scores(solutions, AnswerStep::Scored)?;
            out.step_scores = scores;
            out.cost += cost;
        }
        let mut outcomes = vec![];
        if let Some(orm) = &mut self.orm {
            let (scores, cost) = orm.outcome_scores(solutions)?;
            outcomes = scores;
            out.cost += cost;
        }
        let limit = params.max_completion_length as usize;
        for term in &params.rewards {
            let part: Vec<f64> = (0..solutions.len())
                .map(|i| match term.component {
                    Component::Accuracy => f64::from(u8::from(verdicts[i].correct)),
                    Component::Format => f64::from(u8::from(verdicts[i].well_formed)),
                    Component::Language => language(task, problems[i], solutions[i].completion),
                    Component::Length => lengths[i] as f64 / limit as f64,
                    Component::Repetition => repetition(solutions[i].completion),
                    Component::Prm => term
                        .credit
                        .map_or(0.0, |how| credit(&out.step_scores[i], how)),
                    Component::Orm => outcomes.get(i).copied().map_or(0.0, f64::from),
                })
                .collect();
            out.parts.push(part);
        }
        if params.overlong_buffer > 0 {
            out.overlong = lengths.iter().map(|l| overlong(params, *l)).collect();
        }
        out.total = (0..solutions.len())
            .map(|i| {
                let weighted: f64 = params
                    .rewards
                    .iter()
                    .zip(&out.parts)
                    .map(|(term, part)| term.weight * part[i])
                    .sum();
                weighted - overlong(params, lengths[i])
            })
            .collect();
        Ok(out)
    }
}

/// Share of the chain in the prompt's own vocabulary (DeepSeek-R1, section 2.3.2).
fn language(task: &TaskSpec, problem: &Problem, completion: &str) -> f64 {
    match task.language(problem, completion) {
        Some(l) if l.target + l.other > 0 => f64::from(l.target) / f64::from(l.target + l.other),
        Some(_) | None => 1.0,
    }
}

/// Share of the 4-grams that have stood in the completion before.
fn repetition(completion: &str) -> f64 {
    let chars: Vec<char> = completion.chars().collect();
    let all = chars.windows(4).count();
    let distinct: std::collections::HashSet<&[char]> = chars.windows(4).collect();
    if all == 0 {
        0.0
    } else {
        1.0 - distinct.len() as f64 / all as f64
    }
}

/// Soft overlong punishment (DAPO, eq. 13): from 0 at the buffer's start to the whole
/// penalty at the limit.
fn overlong(params: &GrpoParams, length: usize) -> f64 {
    if params.overlong_buffer == 0 {
        return 0.0;
    }
    let buffer = f64::from(params.overlong_buffer);
    let start = f64::from(params.max_completion_length) - buffer;
    params.overlong_penalty * ((length as f64 - start) / buffer).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::spec::training::RewardTerm;
    use assay_core::task::modchain::Modchain;

    #[test]
    fn components_add_up_with_their_weights() {
        let task = TaskSpec::Modchain(Modchain::default());
        let problem = Problem {
            prompt: "7*3-8+5=".into(),
            gold: "8".into(),
            difficulty: 3,
        };
        let term = |component, weight| RewardTerm {
            component,
            weight,
            credit: None,
        };
        let params = GrpoParams {
            rewards: vec![
                term(Component::Accuracy, 1.0),
                term(Component::Format, 0.5),
                term(Component::Length, -0.1),
                term(Component::Repetition, -1.0),
            ],
            max_completion_length: 20,
            overlong_buffer: 4,
            overlong_penalty: 2.0,
            ..Default::default()
        };
        let texts = ["A8", "8+0=8;8+0=8;A1"];
        let solutions: Vec<Solution<'_>> = texts
            .iter()
            .map(|completion| Solution {
                prompt: &problem.prompt,
                completion,
                ended: true,
            })
            .collect();
        let verdicts: Vec<Verdict> = texts
            .iter()
            .map(|t| task.verify(&problem, t, true))
            .collect();
        let rewarded = Judges::default()
            .reward(
                &task,
                &params,
                &[&problem, &problem],
                &solutions,
                &verdicts,
                &[3, 18],
            )
            .unwrap();
        // Right, well formed, 3 of 20 tokens.
        assert!((rewarded.total[0] - (1.0 + 0.5 - 0.015)).abs() < 1e-12);
        // Wrong, well formed, 18 of 20 tokens, 11 4-grams of which 3 repeat; 2 of 4 into the buffer.
        let expected = 0.5 - 0.09 - 3.0 / 11.0 - 1.0;
        assert!(
            (rewarded.total[1] - expected).abs() < 1e-12,
            "{:?}",
            rewarded.parts
        );
    }

    #[test]
    fn the_overlong_penalty_grows_over_its_buffer() {
        let params = GrpoParams {
            max_completion_length: 100,
            overlong_buffer: 20,
            overlong_penalty: 1.0,
            ..Default::default()
        };
        let at = |length| overlong(&params, length);
        assert_eq!((at(80), at(90), at(100)), (0.0, 0.5, 1.0));
        let none = GrpoParams::default();
        assert_eq!(overlong(&none, 1_000), 0.0);
    }
}
