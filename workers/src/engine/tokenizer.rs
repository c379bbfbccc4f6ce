//! One token a character of the task's alphabet, and three marks.

use assay_core::task::TaskSpec;

pub const PAD: i64 = 0;
pub const BOS: i64 = 1;
pub const EOS: i64 = 2;
const FIRST: i64 = 3;

#[derive(Debug, Clone)]
pub struct Tokenizer {
    alphabet: Vec<char>,
}

impl Tokenizer {
    pub fn new(task: &TaskSpec) -> Self {
        Self {
            alphabet: task.alphabet().chars().collect(),
        }
    }

    /// Tokens of a text of the task; characters outside its alphabet cannot occur there.
    pub fn encode(&self, text: &str) -> Vec<i64> {
        text.chars()
            .map(|c| {
                let at = self.alphabet.iter().position(|a| *a == c);
                at.map_or(PAD, |at| at as i64 + FIRST)
            })
            .collect()
    }

    /// A prompt begins with the beginning mark.
    pub fn prompt(&self, text: &str) -> Vec<i64> {
        let mut tokens = vec![BOS];
        tokens.extend(self.encode(text));
        tokens
    }

    /// Text of a completion; the marks show nothing, padding that was sampled shows as `?`.
    pub fn decode(&self, tokens: &[i64]) -> String {
        tokens
            .iter()
            .filter(|&&t| t != EOS)
            .map(|&t| {
                let at = usize::try_from(t - FIRST).ok();
                at.and_then(|at| self.alphabet.get(at))
                    .copied()
                    .unwrap_or('?')
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::task::modchain::Modchain;

    #[test]
    fn texts_survive_a_round_trip_and_marks_vanish() {
        let task = TaskSpec::Modchain(Modchain::default());
        let tokenizer = Tokenizer::new(&task);
        let mut tokens = tokenizer.encode("7*3=1;A1");
        tokens.push(EOS);
        assert_eq!(tokenizer.decode(&tokens), "7*3=1;A1");
        assert_eq!(tokenizer.decode(&[PAD, BOS]), "??");
        assert!(tokens.iter().all(|&t| t < i64::from(task.vocab())));
    }
}
