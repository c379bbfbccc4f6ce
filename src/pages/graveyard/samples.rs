//! What an attempt wrote: the last texts that its own training has stored, else those of its
//! final evaluation. Never those of another arm or of a stage that arms share, and never of a
//! run that does not count.

use super::Material;
use crate::number;
use crate::pages::stages;
use crate::problem::Problem;
use crate::state::AppState;
use assay_core::recipe::EVAL;
use assay_core::task::{self, Split};
use assay_core::wire::{EvaluationItem, role};
use assay_store::{self as store, CompletionView, RunStageView, RunView};
use serde::Deserialize;
use sqlx::PgConnection;

/// Texts on a card.
const SAMPLES: u8 = 6;
/// Characters of one; the whole text is with the run.
const LONG: usize = 600;

const NO_RUN: &str = "No text is shown: none of its runs has finished and counts.";
const OF_A_DECODER: &str = "No text is shown: of a decoder's answers the marks are stored, not the texts. The trees of a tree search are with its runs.";
const NOTHING: &str =
    "No text is shown: neither its training nor its final evaluation has stored any.";

#[derive(Debug, Clone)]
pub(super) struct Written {
    /// What they are; why there are none.
    pub said: String,
    pub texts: Vec<Sample>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    pub head: String,
    pub prompt: String,
    pub text: String,
}

impl Written {
    fn none(why: &str) -> Self {
        Self {
            said: why.into(),
            texts: vec![],
        }
    }
}

/// Of every arm with a card.
pub(super) async fn all(
    state: &AppState,
    of: &Material,
) -> Result<Vec<(String, Written)>, Problem> {
    let mut out = vec![];
    for arm in &of.view.arms {
        if of.has_card(&arm.key) {
            out.push((arm.key.clone(), written(state, of, &arm.key).await?));
        }
    }
    Ok(out)
}

async fn written(state: &AppState, of: &Material, arm: &str) -> Result<Written, Problem> {
    let Some(run) = of.counted(arm).next() else {
        return Ok(Written::none(NO_RUN));
    };
    let mut conn = state.conn().await?;
    let trained = trained(&mut conn, of, run).await?;
    drop(conn);
    match trained {
        Some(found) => Ok(found),
        None => evaluated(state, run).await,
    }
}

/// Of the last of the arm's own stages that has stored any. Only training that samples does.
async fn trained(
    conn: &mut PgConnection,
    of: &Material,
    run: &RunView,
) -> Result<Option<Written>, Problem> {
    let spec = of.view.spec.arm(&run.arm.key);
    let own: Vec<&str> = spec
        .into_iter()
        .flat_map(|arm| &arm.stages)
        .map(|stage| stage.id.as_str())
        .collect();
    let is_own = |stage: &&RunStageView| own.contains(&stage.name.as_str());
    for stage in run.stages.iter().rev().filter(is_own) {
        let most = i64::from(SAMPLES);
        let found = store::completions(&mut *conn, stage.stage, None, most).await?;
        if !found.is_empty() {
            return Ok(Some(Written {
                said: format!(
                    "What it wrote last ({} as stored, seed {}, stage {}, in the order of their batch)",
                    found.len(),
                    run.seed,
                    stage.name
                ),
                texts: found.iter().map(sample).collect(),
            }));
        }
    }
    Ok(None)
}

fn sample(of: &CompletionView) -> Sample {
    Sample {
        head: format!(
            "step {}, {}, reward {}",
            number::integer(of.step),
            right(of.correct),
            number::fixed(of.reward, 2)
        ),
        prompt: cut(&of.prompt),
        text: cut(&of.completion),
    }
}

/// Of the final evaluation on the test split; a decoder has none.
async fn evaluated(state: &AppState, run: &RunView) -> Result<Written, Problem> {
    let Some(stage) = run.stages.iter().find(|stage| stage.name == EVAL) else {
        return Ok(Written::none(OF_A_DECODER));
    };
    let mut conn = state.conn().await?;
    let measured = store::list_evaluations(&mut conn, stage.stage).await?;
    let files = store::list_stage_files(&mut conn, stage.stage, role::SAMPLES).await?;
    // One a split, at the step of its measurement.
    let mut tests = measured.iter().filter(|e| e.split == Split::Test);
    let found = tests.find_map(|e| Some((e.id, files.iter().find(|f| f.step == e.step)?)));
    let Some((id, file)) = found else {
        return Ok(Written::none(NOTHING));
    };
    let graded = store::evaluation_items(&mut conn, id).await?;
    drop(conn);
    let (lines, broken) = stages::lines(state, file, usize::from(SAMPLES)).await?;
    Ok(answers(run.seed, &lines, broken, &graded))
}

/// The first answer to each question of these lines; what cannot be read is said.
fn answers(
    seed: u64,
    lines: &[String],
    broken: Option<String>,
    graded: &[EvaluationItem],
) -> Written {
    let read = (1..).zip(lines).map(|(n, line)| answer(n, line, graded));
    let read: Vec<Option<Sample>> = read.collect();
    let lost = read.iter().filter(|sample| sample.is_none()).count();
    let texts: Vec<Sample> = read.into_iter().flatten().collect();
    let mut wrong: Vec<String> = broken.into_iter().collect();
    if lost > 0 {
        let lines = number::counted(lost as i64, "line");
        wrong.push(format!("{lines} of the file cannot be read"));
    }
    if texts.is_empty() {
        return match wrong.is_empty() {
            true => Written::none(NOTHING),
            false => Written::none(&format!("No text is shown: {}.", wrong.join("; "))),
        };
    }
    let wrong: String = wrong.iter().map(|why| format!("; {why}")).collect();
    Written {
        said: format!(
            "What it wrote in its final evaluation ({} as stored, seed {seed}, test split, the first answer to each of the first questions{wrong})",
            texts.len()
        ),
        texts,
    }
}

/// A question with its answers, as an evaluation's file has them.
#[derive(Deserialize)]
struct Line {
    prompt: String,
    completions: Vec<String>,
}

/// `n`: the question's number, from 1.
fn answer(n: usize, line: &str, graded: &[EvaluationItem]) -> Option<Sample> {
    let line: Line = serde_json::from_str(line).ok()?;
    let text = cut(line.completions.first()?);
    let prompt = cut(&line.prompt);
    let question = task::Problem {
        prompt: line.prompt,
        gold: String::new(),
        difficulty: 0,
    };
    let key = question.key();
    let item = graded.iter().find(|item| item.problem == key);
    let grade = item.and_then(|item| item.correct.first().zip(item.lengths.first()));
    let grade = grade.map_or(String::new(), |(correct, length)| {
        let length = number::counted(i64::from(*length), "token");
        format!(", {}, {length}", right(*correct))
    });
    Some(Sample {
        head: format!("question {n}{grade}"),
        prompt,
        text,
    })
}

fn right(correct: bool) -> &'static str {
    match correct {
        true => "correct",
        false => "wrong",
    }
}

/// What fits on a card.
fn cut(text: &str) -> String {
    match text.char_indices().nth(LONG) {
        Some((at, _)) => format!("{}… (cut)", &text[..at]),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(prompt: &str, completions: &[&str]) -> String {
        serde_json::json!({ "prompt": prompt, "gold": "5", "completions": completions }).to_string()
    }

    fn graded(prompt: &str, correct: bool) -> EvaluationItem {
        let question = task::Problem {
            prompt: prompt.into(),
            gold: "5".into(),
            difficulty: 3,
        };
        EvaluationItem {
            problem: question.key(),
            difficulty: 3,
            correct: vec![correct, !correct],
            lengths: vec![1, 9],
            truncated: vec![false; 2],
            answers: vec![None, None],
            gold: "5".into(),
        }
    }

    #[test]
    fn an_evaluations_texts_are_the_first_answers_with_their_grades() {
        let lines = [
            line("2+3=", &["#5", "#6"]),
            line("9-4=", &["é".repeat(LONG + 1).as_str(), "#5"]),
            line("1+1=", &["#2"]),
        ];
        let grades = [graded("9-4=", false), graded("2+3=", true)];
        let of = answers(4, &lines, None, &grades);
        assert_eq!(
            of.said,
            "What it wrote in its final evaluation (3 as stored, seed 4, test split, the first answer to each of the first questions)"
        );
        let heads: Vec<&str> = of.texts.iter().map(|s| s.head.as_str()).collect();
        let wanted = [
            "question 1, correct, 1 token",
            "question 2, wrong, 1 token",
            // What was graded is not this question.
            "question 3",
        ];
        assert_eq!(heads, wanted);
        assert_eq!(
            (of.texts[0].prompt.as_str(), of.texts[0].text.as_str()),
            ("2+3=", "#5")
        );
        assert_eq!(of.texts[1].text, "é".repeat(LONG) + "… (cut)");
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let lines = [line("2+3=", &["#5"]), "no line".into(), line("9-4=", &[])];
        let gone = Some("the file is no longer there".to_string());
        let of = answers(0, &lines, None, &[]);
        assert_eq!(of.texts.len(), 1);
        assert!(
            of.said
                .ends_with("questions; 2 lines of the file cannot be read)"),
            "{}",
            of.said
        );
        let of = answers(0, &lines[1..2], gone.clone(), &[]);
        let words =
            "No text is shown: the file is no longer there; 1 line of the file cannot be read.";
        assert_eq!((of.said.as_str(), of.texts.len()), (words, 0));
        let of = answers(0, &[], gone, &[]);
        assert_eq!(of.said, "No text is shown: the file is no longer there.");
        assert_eq!(answers(0, &[], None, &[]).said, NOTHING);
    }
}
