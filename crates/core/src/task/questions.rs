//! `questions`: free text from files, for models with a vocabulary of their own.
//!
//! JSON lines: `question` (or `problem`) and `answer`, with or without `solution`. An
//! answer that ends in `#### 72` is a solution and its answer (GSM8K). The prompt is the
//! template with the question in it; an answer is read from the completion by `answer`,
//! and equal to the right one where both are the same number, or the same text without
//! white space and LaTeX's spacing. There are no steps to judge: what is marked in a completion
//! are phrases that turn back on themselves and letters of another script than the question's.
//!
//! The test and the out-of-distribution questions have files of their own; a tenth of
//! the first file, by each question's hash, is the validation split.

mod answer;
mod bank;
mod marks;
mod prose;
mod script;
#[cfg(test)]
mod tests;

pub use bank::Bank;

use super::{Kind, Language, Piece, Problem, Range, Split, StepVerdict, Verdict};
use crate::rng::Stream;
use crate::spec::checkpoint::{check_path, check_sha256};
use crate::spec::reader::{Reader, choice};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What R1-Zero's template asks for (DeepSeek-R1, table 1), in our words.
const TEMPLATE: &str = "A user asks a question. The assistant first works it out between <think> and </think>, then gives the answer alone between <answer> and </answer>.\nUser: {question}\nAssistant:";
const MARK: &str = "{question}";

choice! {
    /// Where a completion has its answer.
    pub enum AnswerForm {
        /// The first `<answer>...</answer>`.
        Tag = "tag",
        /// The last `\\boxed{...}`.
        Boxed = "boxed",
        /// The last number of a completion that has ended.
        LastNumber = "last_number",
    }
}

choice! {
    /// The published benchmark whose test questions these are, word for word as the library of
    /// published results calls it.
    pub enum Benchmark {
        Gsm8k = "gsm8k",
        Math500 = "math_500",
        Aime2024 = "aime_2024",
        GpqaDiamond = "gpqa_diamond",
        Mmlu = "mmlu",
    }
}

/// A file below the worker's `--data`, and what must be in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRef {
    pub file: String,
    pub sha256: String,
}

impl FileRef {
    fn read(r: &Reader<'_>, key: &'static str) -> Self {
        let empty = || Self {
            file: String::new(),
            sha256: String::new(),
        };
        let Some(value) = r.required_value(key) else {
            return empty();
        };
        let own = Reader::new(value, r.at(key), r.sink());
        let found = Self {
            file: own.required("file").unwrap_or_default(),
            sha256: own.required("sha256").unwrap_or_default(),
        };
        if own.has("file")
            && let Err(message) = check_path(&found.file)
        {
            own.report("file", message);
        }
        if own.has("sha256") {
            check_sha256(&own, "sha256", &found.sha256);
        }
        own.finish();
        found
    }
}

/// Settings, and the questions once their files are attached.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Questions {
    pub train: FileRef,
    pub test: FileRef,
    /// Questions of another kind, never trained on.
    pub ood: FileRef,
    /// The prompt, with `{question}` where the question goes.
    pub template: String,
    pub answer: AnswerForm,
    /// Longest prompt and longest solution in tokens of the checkpoint, which the worker
    /// checks before it starts.
    pub max_prompt_tokens: u32,
    pub max_solution_tokens: u32,
    /// What others have published on the test file's questions stands beside the results.
    /// Not written where it is absent, so that hashes stay what they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benchmark: Option<Benchmark>,
    #[serde(skip)]
    bank: Arc<Bank>,
}

impl std::fmt::Debug for Questions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Questions")
            .field("train", &self.train)
            .field("test", &self.test)
            .field("ood", &self.ood)
            .field("template", &self.template)
            .field("answer", &self.answer)
            .field("benchmark", &self.benchmark)
            .field("questions", &self.bank.len())
            .finish_non_exhaustive()
    }
}

impl Questions {
    pub fn read(r: &Reader<'_>) -> Self {
        Self {
            train: FileRef::read(r, "train"),
            test: FileRef::read(r, "test"),
            ood: FileRef::read(r, "ood"),
            template: r.field("template", TEMPLATE.to_string(), None),
            answer: r.field("answer", AnswerForm::Tag, None),
            max_prompt_tokens: r.field("max_prompt_tokens", 512, Some(1.0..=131_072.0)),
            max_solution_tokens: r.field("max_solution_tokens", 512, Some(1.0..=131_072.0)),
            benchmark: r.optional("benchmark"),
            bank: Arc::default(),
        }
    }

    pub fn check(&self, r: &Reader<'_>) {
        if self.template.matches(MARK).count() != 1 {
            r.report("template", format!("must have {MARK} in it, once"));
        }
        if self.template.len() > 16 << 10 {
            r.report("template", "must be at most 16 KiB");
        }
    }

    /// Takes in the files, whose bytes `open` returns.
    ///
    /// # Errors
    /// Says which file is not there, is another one than the settings name, or has which
    /// line that cannot be read.
    pub fn attach(
        &mut self,
        mut open: impl FnMut(&str) -> std::io::Result<Vec<u8>>,
    ) -> Result<(), String> {
        let mut bank = Bank::default();
        for (part, file) in [
            (bank::Part::Train, &self.train),
            (bank::Part::Test, &self.test),
            (bank::Part::Ood, &self.ood),
        ] {
            let bytes = open(&file.file).map_err(|e| format!("{}: {e}", file.file))?;
            let found = crate::canonical::sha256_of(&bytes);
            if found != file.sha256 {
                return Err(format!(
                    "{} has sha256 {found}, the experiment names {}",
                    file.file, file.sha256
                ));
            }
            bank.add(part, &bytes, &self.template)
                .map_err(|e| format!("{}: {e}", file.file))?;
        }
        self.bank = Arc::new(bank);
        Ok(())
    }

    pub fn bank(&self) -> &Bank {
        &self.bank
    }

    /// The prompt without the template around it. One that was cut may lack the template's end.
    fn question<'a>(&self, problem: &'a Problem) -> &'a str {
        let prompt = problem.prompt.as_str();
        let Some((before, after)) = self.template.split_once(MARK) else {
            return prompt;
        };
        let rest = prompt.strip_prefix(before).unwrap_or(prompt);
        rest.strip_suffix(after).unwrap_or(rest)
    }

    /// Letters of the completion in the question's script, and in others. A question without
    /// letters has no script.
    pub(super) fn scripts(&self, problem: &Problem, completion: &str) -> Option<Language> {
        marks::count(self.question(problem), completion)
    }

    pub(super) fn pieces_at<'a>(
        &self,
        problem: &Problem,
        completion: &'a str,
        phrases: &[String],
    ) -> Option<Vec<Piece<'a>>> {
        marks::cut_at(self.question(problem), completion, phrases)
    }

    /// The completion that a solution and its answer make, in the form that is read.
    fn chain(&self, solution: &str, answer: &str) -> String {
        match self.answer {
            AnswerForm::Tag => {
                format!("<think>{solution}</think>\n<answer>{answer}</answer>")
            }
            AnswerForm::Boxed => format!("{solution}\n\\boxed{{{answer}}}"),
            AnswerForm::LastNumber => format!("{solution}\n#### {answer}"),
        }
    }
}

/// How many of these phrases a text has; without any, of the usual ones.
pub(super) fn count_phrases(completion: &str, phrases: &[String]) -> u32 {
    marks::phrases_of(completion, phrases).len() as u32
}

impl Kind for Questions {
    type State = ();

    /// The checkpoint's vocabulary is used instead.
    fn alphabet(&self) -> &'static str {
        ""
    }
    fn max_prompt_tokens(&self) -> u32 {
        self.max_prompt_tokens
    }
    fn longest_chain(&self) -> u32 {
        self.max_solution_tokens
    }

    fn draw(&self, range: Range, stream: &mut Stream) -> Problem {
        match range {
            Range::Usual | Range::Pretrain => self.bank.draw(Split::Train, stream),
            Range::Ood => self.bank.draw(Split::Ood, stream),
        }
    }
    fn problem(&self, split: Split, stream: &mut Stream) -> Problem {
        self.bank.draw(split, stream)
    }
    fn split(&self, problem: &Problem) -> Split {
        self.bank.split(problem).unwrap_or(Split::Train)
    }

    fn long_chain(&self, problem: &Problem, _p_recheck: f64, _stream: &mut Stream) -> String {
        match self.bank.find(problem) {
            Some(item) => self.chain(item.solution.as_deref().unwrap_or(""), &item.answer),
            None => self.short_answer(problem),
        }
    }
    /// The solution with the answer of another question.
    fn wrong_chain(&self, problem: &Problem, stream: &mut Stream) -> String {
        let solution = self.bank.find(problem).and_then(|i| i.solution.clone());
        let other = self.bank.draw(Split::Train, stream);
        self.chain(solution.as_deref().unwrap_or(""), &other.gold)
    }
    fn short_answer(&self, problem: &Problem) -> String {
        self.chain("", &problem.gold)
    }

    fn start(&self, _problem: &Problem) -> Self::State {}
    fn step(&self, _state: &mut Self::State, _piece: &str) -> StepVerdict {
        StepVerdict::Useless
    }
    fn answer(&self, _problem: &Problem, text: &str) -> Option<String> {
        answer::canonical(text)
    }

    fn verify(&self, problem: &Problem, completion: &str, ended: bool) -> Verdict {
        let read = answer::read(self.answer, completion, ended);
        Verdict {
            correct: read.answer.as_deref() == Some(problem.gold.as_str()),
            well_formed: read.well_formed,
            answer: read.answer,
            steps: vec![],
        }
    }
    fn reachable(&self, problem: &Problem, prefix: &str) -> bool {
        let read = answer::read(self.answer, prefix, false);
        read.answer.is_none_or(|answer| answer == problem.gold)
    }
    fn pieces<'a>(&self, problem: &Problem, completion: &'a str) -> Option<Vec<Piece<'a>>> {
        marks::cut(self.question(problem), completion)
    }
    fn reflects(&self) -> bool {
        true
    }
    fn reflections(&self, completion: &str) -> u32 {
        marks::phrases(completion).len() as u32
    }
}
