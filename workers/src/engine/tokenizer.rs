//! Text to tokens. Of a task with characters of its own: one token a character, and
//! three marks. Of a checkpoint: its own vocabulary, which travels in the weights' file.

use super::{EngineError, Result};
use assay_core::spec::ModelSpec;
use assay_core::task::TaskSpec;
use std::sync::Arc;

pub const PAD: i64 = 0;
pub const BOS: i64 = 1;
const FIRST: i64 = 3;

#[derive(Debug, Clone)]
pub struct Tokenizer {
    words: Words,
    /// The token that ends a completion.
    pub end: i64,
}

#[derive(Debug, Clone)]
enum Words {
    Characters(Vec<char>),
    Subwords(Arc<Subwords>),
}

#[derive(Debug)]
struct Subwords {
    tokenizer: tokenizers::Tokenizer,
    /// The text of its `tokenizer.json`.
    source: String,
}

impl Tokenizer {
    /// One token a character of the task's alphabet.
    pub fn characters(task: &TaskSpec) -> Self {
        Self {
            words: Words::Characters(task.alphabet().chars().collect()),
            end: ModelSpec::default().end_of_text(),
        }
    }

    /// A checkpoint's own, from the text of its `tokenizer.json`.
    pub fn subwords(source: &str, end: i64) -> Result<Self> {
        let tokenizer: tokenizers::Tokenizer = source
            .parse()
            .map_err(|e| EngineError::BadConfig(format!("not a readable tokenizer: {e}")))?;
        Ok(Self {
            words: Words::Subwords(Arc::new(Subwords {
                tokenizer,
                source: source.to_string(),
            })),
            end,
        })
    }

    /// What has to be written beside weights that work with it.
    pub fn source(&self) -> Option<&str> {
        match &self.words {
            Words::Characters(_) => None,
            Words::Subwords(own) => Some(&own.source),
        }
    }

    /// Tokens that a text can become, the marks included.
    pub fn size(&self) -> usize {
        match &self.words {
            Words::Characters(alphabet) => alphabet.len() + FIRST as usize,
            Words::Subwords(own) => own.tokenizer.get_vocab_size(true),
        }
    }

    /// Tokens of a text of the task; characters outside its alphabet cannot occur there.
    ///
    /// # Panics
    /// Where a checkpoint's tokenizer cannot encode the text; that of its questions is
    /// tried before anything is trained.
    pub fn encode(&self, text: &str) -> Vec<i64> {
        match &self.words {
            Words::Characters(alphabet) => text
                .chars()
                .map(|c| {
                    let at = alphabet.iter().position(|a| *a == c);
                    at.map_or(PAD, |at| at as i64 + FIRST)
                })
                .collect(),
            Words::Subwords(_) => self.try_encode(text, false).expect("a text of the task"),
        }
    }

    /// A prompt begins with the beginning mark, where there is one.
    ///
    /// # Panics
    /// As `encode`.
    pub fn prompt(&self, text: &str) -> Vec<i64> {
        match &self.words {
            Words::Characters(_) => {
                let mut tokens = vec![BOS];
                tokens.extend(self.encode(text));
                tokens
            }
            Words::Subwords(_) => self.try_encode(text, true).expect("a text of the task"),
        }
    }

    /// `marks`: with what the vocabulary puts around a whole text.
    pub fn try_encode(&self, text: &str, marks: bool) -> Result<Vec<i64>> {
        match &self.words {
            Words::Characters(_) if marks => Ok(self.prompt(text)),
            Words::Characters(_) => Ok(self.encode(text)),
            Words::Subwords(own) => {
                let encoding = own.tokenizer.encode(text, marks);
                let encoding = encoding.map_err(|e| EngineError::BadConfig(e.to_string()))?;
                Ok(encoding.get_ids().iter().map(|&t| i64::from(t)).collect())
            }
        }
    }

    /// Text of a completion; the marks show nothing, padding that was sampled shows as `?`.
    pub fn decode(&self, tokens: &[i64]) -> String {
        match &self.words {
            Words::Characters(alphabet) => tokens
                .iter()
                .filter(|&&t| t != self.end)
                .map(|&t| {
                    let at = usize::try_from(t - FIRST).ok();
                    at.and_then(|at| alphabet.get(at)).copied().unwrap_or('?')
                })
                .collect(),
            Words::Subwords(own) => {
                let ids: Vec<u32> = tokens.iter().map(|&t| t as u32).collect();
                // What is no text of its own, half a character say, shows as a replacement mark.
                own.tokenizer.decode(&ids, true).unwrap_or_default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::task::modchain::Modchain;

    #[test]
    fn texts_survive_a_round_trip_and_marks_vanish() {
        let task = TaskSpec::Modchain(Modchain::default());
        let tokenizer = Tokenizer::characters(&task);
        let mut tokens = tokenizer.encode("7*3=1;A1");
        tokens.push(tokenizer.end);
        assert_eq!(tokenizer.decode(&tokens), "7*3=1;A1");
        assert_eq!(tokenizer.decode(&[PAD, BOS]), "??");
        assert!(tokens.iter().all(|&t| t < i64::from(task.vocab())));
        assert_eq!(tokenizer.size(), task.vocab() as usize);
    }
}
