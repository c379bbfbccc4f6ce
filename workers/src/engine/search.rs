//! Decoders over a fixed policy: one answer a problem, made of n samples (one sample,
//! majority, weighted majority, best of n, and the controls "longest" and "random with
//! steps"), or of n candidates a step (beam: Snell et al. 2024; DVTS: Beeching et al.
//! 2024).
//!
//! All decoders of one stage seed see the same samples; a level uses the first n.

use super::answers::{self, Choice, Level};
use super::collect::{Sampler, options};
use super::dataset::has_answer;
use super::generate::GenerateOptions;
use super::judge::{JudgeModel, Solution, credit};
use super::progress::Progress;
use super::{EngineError, Recorder, Result, StageContext};
use assay_core::ledger::{Cost, forward_flops, purpose};
use assay_core::rng::Uniform;
use assay_core::spec::judge::AnswerStep;
use assay_core::spec::search::{Judge, Method, SearchParams};
use assay_core::spec::stage::Role;
use assay_core::task::{Problem, STEP, Split, TaskSpec};
use assay_core::wire::Record;

/// Problems decoded at a time.
const CHUNK: usize = 64;

/// A finished or unfinished solution with what it has cost and how it was judged.
#[derive(Debug, Clone)]
struct Candidate {
    text: String,
    tokens: usize,
    ended: bool,
    choice: Choice,
    steps: usize,
    score: f64,
    cost: Cost,
}

struct Decoder<'a> {
    context: &'a StageContext,
    params: &'a SearchParams,
    sampler: Sampler,
    judge: Option<JudgeModel>,
}

pub fn run(
    context: &StageContext,
    params: &SearchParams,
    recorder: &mut dyn Recorder,
) -> Result<()> {
    recorder.record(Record::Started {
        from_step: 0,
        host: context.host.clone(),
    })?;
    let judge = match (params.method.judged(), params.judge) {
        (true, Judge::Prm) => Some(JudgeModel::load(context, Role::Prm)?),
        (true, Judge::Orm) => Some(JudgeModel::load(context, Role::Orm)?),
        (true, Judge::Oracle) | (false, _) => None,
    };
    let mut decoder = Decoder {
        context,
        params,
        sampler: Sampler::load(context, Role::Init)?,
        judge,
    };
    let problems = context
        .spec
        .task
        .fixed_problems(Split::Test, params.problems);
    let mut progress = Progress::new(Default::default(), context.device);
    let mut found: Vec<Level> = params.levels.iter().map(|_| Level::default()).collect();
    for (chunk, part) in problems.chunks(CHUNK).enumerate() {
        match params.method {
            Method::Beam | Method::Dvts => {
                for (level, found) in params.levels.iter().zip(&mut found) {
                    decoder.beams(part, chunk as u32, *level, found)?;
                }
            }
            Method::OneSample
            | Method::Majority
            | Method::WeightedMajority
            | Method::BestOfN
            | Method::Longest
            | Method::RandomWithSteps => decoder.samples(part, chunk as u32, &mut found)?,
        }
        if recorder.should_stop() {
            return Err(EngineError::Preempted { step: 0 });
        }
    }
    for (level, found) in params.levels.iter().zip(&found) {
        progress.book(purpose::SEARCH, found.cost.tokens, found.cost.flops);
        let sampled = answers::Sampled {
            temperature: params.temperature,
            top_p: params.top_p,
            max_completion_length: params.max_completion_length,
        };
        answers::record(recorder, *level, &problems, found, sampled)?;
    }
    recorder.record(Record::Ledger {
        step: u64::from(*params.levels.last().unwrap_or(&1)),
        costs: std::mem::take(&mut progress.pending),
        supervision: Default::default(),
    })
}

impl Decoder<'_> {
    fn flops(&self, length: usize, known: usize) -> f64 {
        let vocab = self.context.spec.vocab();
        forward_flops(&self.sampler.spec, vocab, length as u64)
            - forward_flops(&self.sampler.spec, vocab, known as u64)
    }

    /// Methods over n whole samples: every level uses the first of the same samples.
    fn samples(&mut self, problems: &[Problem], chunk: u32, found: &mut [Level]) -> Result<()> {
        let most = self.params.levels.last().copied().unwrap_or(1);
        let prompts: Vec<Vec<i64>> = problems
            .iter()
            .map(|p| self.sampler.tokenizer.prompt(&p.prompt))
            .collect();
        let options = options(
            most,
            self.params.max_completion_length,
            self.params.temperature,
            self.params.top_p,
        );
        let (groups, _) = self.sampler.sample(&prompts, options, "decode", chunk)?;
        let mut all: Vec<Vec<Candidate>> = vec![];
        for ((problem, prompt), group) in problems.iter().zip(&prompts).zip(groups) {
            let own = group.into_iter().map(|sample| {
                let text = self.sampler.tokenizer.decode(&sample.tokens);
                let length = prompt.len() + sample.tokens.len();
                let cost = Cost {
                    tokens: length as f64,
                    flops: self.flops(length, 0),
                    device_ms: 0.0,
                };
                candidate(
                    &self.context.spec.task,
                    problem,
                    text,
                    sample.tokens.len(),
                    sample.ended,
                    cost,
                )
            });
            all.push(own.collect());
        }
        if self.params.method.judged() {
            self.judge(problems, &mut all)?;
        }
        let picks = Uniform::new(self.context.spec.seed, "pick");
        for (level, found) in self.params.levels.iter().zip(found) {
            for (index, own) in all.iter().enumerate() {
                let first = &own[..(*level as usize).min(own.len())];
                let u = picks.at(chunk, index as u32, *level, 0);
                found.choices.push(choose(self.params.method, first, u));
                // One sample is what it costs, however many it is averaged over.
                let share = match self.params.method {
                    Method::OneSample => 1.0 / first.len() as f64,
                    _ => 1.0,
                };
                for candidate in first {
                    found.cost.tokens += candidate.cost.tokens * share;
                    found.cost.flops += candidate.cost.flops * share;
                }
            }
        }
        Ok(())
    }

    /// Scores candidates and adds what that cost.
    fn judge(&mut self, problems: &[Problem], all: &mut [Vec<Candidate>]) -> Result<()> {
        let Some(judge) = &mut self.judge else {
            for (problem, own) in problems.iter().zip(all) {
                for c in own {
                    c.score = oracle(&self.context.spec.task, problem, c, self.params);
                }
            }
            return Ok(());
        };
        let solutions: Vec<Solution<'_>> = problems
            .iter()
            .zip(all.iter())
            .flat_map(|(problem, own)| {
                own.iter().map(|c| Solution {
                    prompt: &problem.prompt,
                    completion: &c.text,
                    ended: c.ended,
                })
            })
            .collect();
        let scores: Vec<f64> = match self.params.judge {
            Judge::Orm => {
                let (scores, _) = judge.outcome_scores(&solutions)?;
                scores.into_iter().map(f64::from).collect()
            }
            Judge::Prm | Judge::Oracle => {
                let (scores, _) = judge.step_scores(&solutions, AnswerStep::Scored)?;
                scores
                    .iter()
                    .map(|s| credit(s, self.params.credit))
                    .collect()
            }
        };
        let mut scores = scores.into_iter();
        for (problem, own) in problems.iter().zip(all) {
            let prompt = problem.prompt.chars().count() + 1;
            for c in own {
                c.score = scores.next().unwrap_or(0.0);
                let length = prompt + c.tokens;
                c.cost.tokens += length as f64;
                c.cost.flops += judge.flops(length, 0);
            }
        }
        Ok(())
    }

    /// n candidates at every step. `beam` keeps the best of all, `dvts` the best of each
    /// subtree; the best finished one answers.
    fn beams(&mut self, problems: &[Problem], chunk: u32, n: u32, found: &mut Level) -> Result<()> {
        let branching = self.params.branching.min(n);
        let width = (n / branching).max(1) as usize;
        let task = self.context.spec.task.clone();
        let limit = self.params.max_completion_length as usize;
        let stop = self.sampler.tokenizer.encode(&STEP.to_string())[0];
        // Per problem: kept prefixes, and what has finished.
        let mut kept: Vec<Vec<Candidate>> = problems
            .iter()
            .map(|p| {
                let root = candidate(&task, p, String::new(), 0, false, Cost::default());
                vec![root; width]
            })
            .collect();
        let mut done: Vec<Vec<Candidate>> = vec![vec![]; problems.len()];
        for problem in problems {
            let prompt = problem.prompt.chars().count() + 1;
            found.cost.tokens += prompt as f64;
            found.cost.flops += self.flops(prompt, 0);
        }
        for round in 0..limit as u32 {
            let open: Vec<(usize, usize)> = kept
                .iter()
                .enumerate()
                .flat_map(|(p, own)| (0..own.len()).map(move |b| (p, b)))
                .collect();
            if open.is_empty() {
                break;
            }
            let prefixes: Vec<Vec<i64>> = open
                .iter()
                .map(|&(p, b)| {
                    let mut tokens = self.sampler.tokenizer.prompt(&problems[p].prompt);
                    tokens.extend(self.sampler.tokenizer.encode(&kept[p][b].text));
                    tokens
                })
                .collect();
            let room = open.iter().map(|&(p, b)| limit - kept[p][b].tokens).min();
            let options = GenerateOptions {
                stop: Some(stop),
                ..options(
                    branching,
                    room.unwrap_or(1) as u32,
                    self.params.temperature,
                    self.params.top_p,
                )
            };
            let purpose = format!("beam-{n}-{chunk}");
            let (groups, _) = self.sampler.sample(&prefixes, options, &purpose, round)?;
            let mut grown: Vec<Vec<(usize, Candidate)>> = vec![vec![]; problems.len()];
            for ((&(p, b), prefix), group) in open.iter().zip(&prefixes).zip(groups) {
                for sample in group {
                    let length = prefix.len() + sample.tokens.len();
                    found.cost.tokens += sample.tokens.len() as f64;
                    found.cost.flops += self.flops(length, prefix.len());
                    let text = format!(
                        "{}{}",
                        kept[p][b].text,
                        self.sampler.tokenizer.decode(&sample.tokens)
                    );
                    let tokens = kept[p][b].tokens + sample.tokens.len();
                    let c = candidate(
                        &task,
                        &problems[p],
                        text,
                        tokens,
                        sample.ended,
                        Cost::default(),
                    );
                    grown[p].push((b, c));
                }
            }
            let mut texts: Vec<Vec<Candidate>> = grown
                .iter()
                .map(|own| own.iter().map(|(_, c)| c.clone()).collect())
                .collect();
            self.judge(problems, &mut texts)?;
            for (p, own) in texts.into_iter().enumerate() {
                let from: Vec<usize> = grown[p].iter().map(|(b, _)| *b).collect();
                let mut next = vec![];
                let mut ranked: Vec<(usize, Candidate)> = from.into_iter().zip(own).collect();
                for (b, c) in &ranked {
                    if let Some(judge) = &self.judge {
                        // The judge reads the new tokens; the prefix it knows.
                        let prompt = problems[p].prompt.chars().count() + 1;
                        let known = prompt + kept[p][*b].tokens;
                        found.cost.tokens += (prompt + c.tokens - known) as f64;
                        found.cost.flops += judge.flops(prompt + c.tokens, known);
                    }
                }
                ranked.sort_by(|a, b| b.1.score.total_cmp(&a.1.score));
                let mut used = std::collections::BTreeMap::new();
                let most = match self.params.method {
                    Method::Dvts => 1,
                    _ => width,
                };
                for (b, c) in ranked {
                    let taken: &mut usize = used
                        .entry(if self.params.method == Method::Dvts {
                            b
                        } else {
                            0
                        })
                        .or_default();
                    if *taken >= most {
                        continue;
                    }
                    *taken += 1;
                    if c.ended || c.tokens >= limit {
                        done[p].push(c);
                    } else {
                        next.push(c);
                    }
                }
                kept[p] = next;
            }
        }
        for own in done {
            let best = own.iter().fold(None::<&Candidate>, |best, c| match best {
                Some(b) if b.score >= c.score => best,
                Some(_) | None => Some(c),
            });
            found
                .choices
                .push(best.map(|c| vec![c.choice.clone()]).unwrap_or_default());
        }
        Ok(())
    }
}

fn candidate(
    task: &TaskSpec,
    problem: &Problem,
    text: String,
    tokens: usize,
    ended: bool,
    cost: Cost,
) -> Candidate {
    let verdict = task.verify(problem, &text, ended);
    Candidate {
        choice: Choice {
            answer: verdict.answer,
            correct: verdict.correct,
            length: tokens as u32,
            ended,
        },
        steps: verdict.steps.len(),
        score: 0.0,
        tokens,
        ended,
        text,
        cost,
    }
}

/// The perfect judge: each step's own verdict, and the answer's.
fn oracle(task: &TaskSpec, problem: &Problem, c: &Candidate, params: &SearchParams) -> f64 {
    let verdict = task.verify(problem, &c.text, c.ended);
    let mut scores: Vec<f32> = verdict
        .steps
        .iter()
        .map(|s| f32::from(u8::from(s.is_right())))
        .collect();
    if has_answer(&c.text) {
        scores.push(f32::from(u8::from(verdict.correct)));
    }
    credit(&scores, params.credit)
}

/// The answers that share the top of a vote, or the one that is best. `u` picks at random.
fn choose(method: Method, samples: &[Candidate], u: f32) -> Vec<Choice> {
    let first_of_best = |score: &dyn Fn(&Candidate) -> f64| {
        samples
            .iter()
            .fold(None::<&Candidate>, |best, c| match best {
                Some(b) if score(b) >= score(c) => best,
                Some(_) | None => Some(c),
            })
            .map(|c| vec![c.choice.clone()])
            .unwrap_or_default()
    };
    match method {
        Method::OneSample => samples.iter().map(|c| c.choice.clone()).collect(),
        Method::Majority => vote(samples, |_| 1.0),
        Method::WeightedMajority => vote(samples, |c| c.score),
        Method::BestOfN => first_of_best(&|c| c.score),
        Method::Longest => first_of_best(&|c| {
            if c.ended {
                f64::from(c.choice.length)
            } else {
                -1.0
            }
        }),
        Method::RandomWithSteps => {
            let with: Vec<&Candidate> = samples.iter().filter(|c| c.steps > 0).collect();
            let pool: Vec<&Candidate> = if with.is_empty() {
                samples.iter().collect()
            } else {
                with
            };
            let at = (u * pool.len() as f32) as usize;
            vec![pool[at.min(pool.len() - 1)].choice.clone()]
        }
        Method::Beam | Method::Dvts => vec![],
    }
}

/// Every answer at the top of a weighted vote; what does not parse casts none.
fn vote(samples: &[Candidate], weight: impl Fn(&Candidate) -> f64) -> Vec<Choice> {
    let mut votes: Vec<(&Choice, f64)> = vec![];
    for c in samples.iter().filter(|c| c.choice.answer.is_some()) {
        match votes.iter_mut().find(|(v, _)| v.answer == c.choice.answer) {
            Some((_, sum)) => *sum += weight(c),
            None => votes.push((&c.choice, weight(c))),
        }
    }
    let top = votes.iter().map(|v| v.1).fold(f64::NEG_INFINITY, f64::max);
    votes
        .into_iter()
        .filter(|v| v.1 == top)
        .map(|v| v.0.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(answer: &str, correct: bool, score: f64, length: u32) -> Candidate {
        Candidate {
            text: String::new(),
            tokens: length as usize,
            ended: true,
            choice: Choice {
                answer: (!answer.is_empty()).then(|| answer.to_string()),
                correct,
                length,
                ended: true,
            },
            steps: usize::from(length > 3),
            score,
            cost: Cost::default(),
        }
    }

    #[test]
    fn each_method_picks_what_its_definition_says() {
        let samples = [
            sample("3", false, 0.3, 3),
            sample("3", false, 0.3, 3),
            sample("8", true, 0.9, 20),
            sample("", false, 0.95, 30),
        ];
        let picked = |method| -> Vec<Option<String>> {
            choose(method, &samples, 0.0)
                .into_iter()
                .map(|c| c.answer)
                .collect()
        };
        let some = |s: &str| Some(s.to_string());
        assert_eq!(picked(Method::Majority), [some("3")]);
        assert_eq!(picked(Method::WeightedMajority), [some("8")]);
        assert_eq!(picked(Method::BestOfN), [None]);
        assert_eq!(picked(Method::Longest), [None]);
        assert_eq!(picked(Method::RandomWithSteps), [some("8")]);
        assert_eq!(picked(Method::OneSample).len(), 4);
        // A tie is shared: both answers, one of them right.
        let tie = choose(Method::Majority, &samples[1..3], 0.0);
        assert_eq!(tie.iter().filter(|c| c.correct).count(), 1);
        assert_eq!(tie.len(), 2);
    }
}
