//! Completions handed from stage to stage: gzipped JSON lines, one completion a line.

use super::{EngineError, Result, StageContext};
use assay_core::spec::stage::Role;
use assay_core::task::{ANSWER, Problem, STEP};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Write};

/// One completion with what is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    pub problem: Problem,
    pub completion: String,
    /// It closed with the end mark.
    pub ended: bool,
    pub correct: bool,
    /// A label in 0..=1 for every step, the answer's piece last if it was labelled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<f32>,
    /// The same by the step verifier: what the labels' error is measured against.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub oracle: Vec<bool>,
}

/// Where each step of a completion ends, as an index into its tokens (one a
/// character), the piece with the answer last if it is there. Its end is the end mark.
pub fn step_ends(completion: &str, ended: bool) -> Vec<usize> {
    let mut ends: Vec<usize> = completion
        .chars()
        .enumerate()
        .filter(|(_, c)| *c == STEP)
        .map(|(at, _)| at)
        .collect();
    let length = completion.chars().count();
    if has_answer(completion) {
        ends.push(if ended { length } else { length - 1 });
    }
    ends
}

/// The last piece of the completion gives an answer.
pub fn has_answer(completion: &str) -> bool {
    completion
        .rsplit(STEP)
        .next()
        .is_some_and(|piece| piece.contains(ANSWER))
}

/// The texts of the steps that end at `ends`.
pub fn pieces(completion: &str, ends: &[usize]) -> Vec<String> {
    let chars: Vec<char> = completion.chars().collect();
    let mut from = 0;
    ends.iter()
        .map(|end| {
            let to = (end + 1).clamp(from, chars.len());
            let piece = chars[from..to].iter().collect();
            from = to;
            piece
        })
        .collect()
}

/// Gzipped JSON lines.
pub fn lines<T: Serialize>(items: &[T]) -> Result<Vec<u8>> {
    let mut file = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
    for item in items {
        let line = serde_json::to_string(item).map_err(|e| EngineError::Other(e.to_string()))?;
        writeln!(file, "{line}")?;
    }
    Ok(file.finish()?)
}

pub fn to_bytes(examples: &[Example]) -> Result<Vec<u8>> {
    lines(examples)
}

pub fn from_bytes(bytes: &[u8]) -> Result<Vec<Example>> {
    std::io::BufReader::new(flate2::read::GzDecoder::new(bytes))
        .lines()
        .map(|line| {
            serde_json::from_str(&line?)
                .map_err(|e| EngineError::Other(format!("not a readable data file: {e}")))
        })
        .collect()
}

/// The stage's `data` input.
///
/// # Errors
/// `BadConfig` where there is none. One with nothing in it is a finding, not an accident.
pub fn load(context: &StageContext) -> Result<Vec<Example>> {
    let path = context
        .inputs
        .get(&Role::Data)
        .ok_or_else(|| EngineError::BadConfig("the stage needs the input `data`".into()))?;
    from_bytes(&std::fs::read(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_end_at_their_separators_and_the_answer_at_the_end_mark() {
        assert_eq!(step_ends("7*3=1;1-8=3;A3", true), [5, 11, 14]);
        assert_eq!(step_ends("7*3=1;1-8=3;A3", false), [5, 11, 13]);
        assert_eq!(step_ends("7*3=1;1-", false), [5]);
        assert_eq!(step_ends("A3", true), [2]);
        assert_eq!(step_ends("", true), [0_usize; 0]);
    }

    #[test]
    fn pieces_are_the_text_between_the_ends() {
        let cut = |text: &str, ended| pieces(text, &step_ends(text, ended));
        assert_eq!(cut("7*3=1;1-8=3;A3", true), ["7*3=1;", "1-8=3;", "A3"]);
        assert_eq!(cut("7*3=1;A3", false), ["7*3=1;", "A3"]);
        assert_eq!(cut("7*3=1;1-", true), ["7*3=1;"]);
        assert_eq!(pieces("A3", &[2]), ["A3"]);
        assert_eq!(pieces("", &[0]), [""]);
    }

    #[test]
    fn a_file_reads_back_as_it_was_written() {
        let example = Example {
            problem: Problem {
                prompt: "1+1=".into(),
                gold: "2".into(),
                difficulty: 1,
            },
            completion: "A2".into(),
            ended: true,
            correct: true,
            labels: vec![0.25],
            oracle: vec![true],
        };
        let all = vec![example.clone(), example];
        assert_eq!(from_bytes(&to_bytes(&all).unwrap()).unwrap(), all);
        assert!(from_bytes(b"no gzip").is_err());
    }
}
