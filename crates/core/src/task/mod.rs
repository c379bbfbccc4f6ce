//! Kinds of problem, each with its generator and its exact verifier of outcome
//! and of steps. `docs/tasks.md` shows each one's texts.

pub mod countdown;
pub mod dag;
mod expression;
pub mod graph;
mod language;
pub mod modchain;
pub mod mult;
pub mod parity;
mod pieces;
pub mod questions;
mod verdict;

pub use language::Language;
pub use pieces::Piece;
pub use verdict::{ANSWER, STEP, StepVerdict, Verdict};

use crate::rng::{Stream, Uniform};
use crate::spec::reader::{Reader, Sink, choice};
use countdown::Countdown;
use dag::Dag;
use graph::Graph;
use modchain::Modchain;
use mult::Mult;
use parity::Parity;
use questions::Questions;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Bumped whenever a generator would give other problems for the same seed.
pub const GENERATOR_VERSION: u32 = 1;

choice! {
    /// Where a problem may be used. Decided by the problem's own hash, so that no
    /// seed can move a problem from one split into another.
    pub enum Split {
        Train = "train",
        Validation = "validation",
        Test = "test",
        /// Out of distribution: longer chains, never trained on.
        Ood = "ood",
    }
}

/// A kind of problem and its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum TaskSpec {
    Modchain(Modchain),
    Parity(Parity),
    Mult(Mult),
    Countdown(Countdown),
    Dag(Dag),
    Graph(Graph),
    Questions(Questions),
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub prompt: String,
    /// The value that the answer must have: `Verdict::answer` of a right completion.
    pub gold: String,
    /// Number of steps that a solution needs.
    pub difficulty: u32,
}

impl Problem {
    /// Stable across machines and versions: the problem's name in the records.
    pub fn key(&self) -> u64 {
        key(&self.prompt)
    }
}

fn key(text: &str) -> u64 {
    crate::rng::derive_seed(&["problem", text])
}

/// By hash: 80 % train, 10 % validation, 10 % test.
fn bucket<K: Kind>(task: &K, problem: &Problem) -> Split {
    match key(&task.canonical(&problem.prompt)) % 100 {
        0..80 => Split::Train,
        80..90 => Split::Validation,
        _ => Split::Test,
    }
}

/// Which of a task's ranges of size a problem is drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    /// Train, validation and test.
    Usual,
    Pretrain,
    Ood,
}

impl Range {
    fn pick<T>(self, usual: T, pretrain: T, ood: T) -> T {
        match self {
            Self::Usual => usual,
            Self::Pretrain => pretrain,
            Self::Ood => ood,
        }
    }
}

/// What each kind of problem has to say; the rest is said once, below and in `verdict`.
pub(crate) trait Kind {
    /// What a chain has claimed so far.
    type State: Clone;

    fn alphabet(&self) -> &'static str;
    fn max_prompt_tokens(&self) -> u32;
    fn longest_chain(&self) -> u32;
    fn draw(&self, range: Range, stream: &mut Stream) -> Problem;

    fn problem(&self, split: Split, stream: &mut Stream) -> Problem
    where
        Self: Sized,
    {
        let (range, bucket) = match split {
            // Out of distribution by size, and held out by hash as well.
            Split::Ood => (Range::Ood, Split::Test),
            Split::Train | Split::Validation | Split::Test => (Range::Usual, split),
        };
        draw_until(self, range, bucket, stream)
    }
    fn split(&self, problem: &Problem) -> Split
    where
        Self: Sized,
    {
        bucket(self, problem)
    }

    /// May put a drawn problem into the second vocabulary, which leaves it in its split.
    fn dress(&self, problem: Problem, _range: Range, _stream: &mut Stream) -> Problem {
        problem
    }
    /// The prompt in the first vocabulary.
    fn plain(&self, prompt: &str) -> String {
        prompt.to_string()
    }
    /// The same for prompts that ask one question in other words: it decides the split.
    fn canonical(&self, prompt: &str) -> String {
        self.plain(prompt)
    }

    fn long_chain(&self, problem: &Problem, p_recheck: f64, stream: &mut Stream) -> String;
    fn clean_chain(&self, problem: &Problem, stream: &mut Stream) -> String {
        self.long_chain(problem, 0.0, stream)
    }
    fn wrong_chain(&self, problem: &Problem, stream: &mut Stream) -> String;
    fn short_answer(&self, problem: &Problem) -> String {
        format!("{ANSWER}{}", problem.gold)
    }

    fn start(&self, problem: &Problem) -> Self::State;
    fn step(&self, state: &mut Self::State, piece: &str) -> StepVerdict;
    /// The mark that takes back a step, if this task has one.
    fn take_back(&self) -> Option<char> {
        None
    }
    /// From a state without a fault: can right steps still reach the answer?
    fn promising(&self, _state: &Self::State) -> bool {
        true
    }
    /// The value of an answer, if it parses.
    fn answer(&self, problem: &Problem, text: &str) -> Option<String>;
    fn language(&self, _problem: &Problem, _completion: &str) -> Option<Language> {
        None
    }
    /// Characters of the vocabulary that is not the prompt's, where there are two.
    fn foreign(&self, _problem: &Problem) -> Option<&'static str> {
        None
    }

    fn verify(&self, problem: &Problem, completion: &str, ended: bool) -> Verdict
    where
        Self: Sized,
    {
        verdict::verify(self, problem, completion, ended)
    }
    fn reachable(&self, problem: &Problem, prefix: &str) -> bool
    where
        Self: Sized,
    {
        verdict::reachable(self, problem, prefix)
    }
    fn pieces<'a>(&self, problem: &Problem, completion: &'a str) -> Option<Vec<Piece<'a>>>
    where
        Self: Sized,
    {
        pieces::cut(self, problem, completion)
    }
    /// Whether a text of this task can turn back on itself at all.
    fn reflects(&self) -> bool {
        self.take_back().is_some()
    }
    fn reflections(&self, completion: &str) -> u32 {
        let Some(mark) = self.take_back() else {
            return 0;
        };
        let (body, _) = verdict::parts(completion);
        verdict::pieces(body)
            .into_iter()
            .filter(|piece| verdict::is_mark(piece, mark))
            .count() as u32
    }
}

/// One arm for each kind, all alike.
macro_rules! each {
    ($self:expr, $task:ident => $body:expr) => {
        match $self {
            TaskSpec::Modchain($task) => $body,
            TaskSpec::Parity($task) => $body,
            TaskSpec::Mult($task) => $body,
            TaskSpec::Countdown($task) => $body,
            TaskSpec::Dag($task) => $body,
            TaskSpec::Graph($task) => $body,
            TaskSpec::Questions($task) => $body,
        }
    };
}

/// Draws until a problem belongs to the bucket.
fn draw_until<K: Kind>(task: &K, range: Range, bucket: Split, stream: &mut Stream) -> Problem {
    loop {
        let problem = task.draw(range, stream);
        if self::bucket(task, &problem) == bucket {
            return task.dress(problem, range, stream);
        }
    }
}

impl TaskSpec {
    pub fn names() -> &'static [&'static str] {
        &[
            "modchain",
            "parity",
            "mult",
            "countdown",
            "dag",
            "graph",
            "questions",
        ]
    }

    /// Those whose problems come from a generator, and which settings alone describe.
    pub fn generated() -> &'static [&'static str] {
        let names = Self::names();
        &names[..names.len() - 1]
    }

    /// Reads a task; what is wrong with it goes to the sink.
    pub fn read(value: &Value, pointer: &str, sink: &Sink) -> Option<Self> {
        let r = Reader::new(value, pointer, sink);
        let name = r.required::<String>("name")?;
        macro_rules! kind {
            ($kind:ident) => {{
                let task = $kind::read(&r);
                task.check(&r);
                r.finish();
                Some(Self::$kind(task))
            }};
        }
        match name.as_str() {
            "modchain" => kind!(Modchain),
            "parity" => kind!(Parity),
            "mult" => kind!(Mult),
            "countdown" => kind!(Countdown),
            "dag" => kind!(Dag),
            "graph" => kind!(Graph),
            "questions" => kind!(Questions),
            other => {
                let known = Self::names().join(", ");
                r.report("name", format!("unknown task {other:?}; known: {known}"));
                None
            }
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Modchain(_) => "modchain",
            Self::Parity(_) => "parity",
            Self::Mult(_) => "mult",
            Self::Countdown(_) => "countdown",
            Self::Dag(_) => "dag",
            Self::Graph(_) => "graph",
            Self::Questions(_) => "questions",
        }
    }

    /// Every character that prompts and completions are made of, in token order.
    pub fn alphabet(&self) -> &'static str {
        each!(self, task => task.alphabet())
    }

    /// Characters plus padding, beginning and end of text.
    pub fn vocab(&self) -> u32 {
        self.alphabet().chars().count() as u32 + 3
    }

    /// The longest prompt of any split, in tokens, with the beginning mark.
    pub fn max_prompt_tokens(&self) -> u32 {
        each!(self, task => task.max_prompt_tokens())
    }

    /// The longest chain of any split without re-checks, in tokens, with answer and end mark.
    pub fn longest_chain(&self) -> u32 {
        each!(self, task => task.longest_chain())
    }

    /// Reads the files of a task that has some, whose bytes `open` returns.
    ///
    /// # Errors
    /// Says what is wrong with which file.
    pub fn attach(
        &mut self,
        open: impl FnMut(&str) -> std::io::Result<Vec<u8>>,
    ) -> Result<(), String> {
        match self {
            Self::Questions(task) => task.attach(open),
            Self::Modchain(_)
            | Self::Parity(_)
            | Self::Mult(_)
            | Self::Countdown(_)
            | Self::Dag(_)
            | Self::Graph(_) => Ok(()),
        }
    }

    /// Free text for a checkpoint's own vocabulary, without steps.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Questions(_))
    }

    /// A problem of the split.
    pub fn problem(&self, split: Split, stream: &mut Stream) -> Problem {
        each!(self, task => task.problem(split, stream))
    }

    /// A pretraining problem: its own range of sizes, training buckets only.
    pub fn pretraining_problem(&self, stream: &mut Stream) -> Problem {
        each!(self, task => draw_until(task, Range::Pretrain, Split::Train, stream))
    }

    /// The bucket that a problem was drawn from. All forms of one question, in either
    /// vocabulary or in another order of its parts, stand on the same side.
    pub fn split(&self, problem: &Problem) -> Split {
        each!(self, task => task.split(problem))
    }

    /// The first `n` distinct problems of a split: the same in every run of every experiment.
    pub fn fixed_problems(&self, split: Split, n: u32) -> Vec<Problem> {
        let mut stream = Uniform::new(0, "fixed-problems").stream(split as u32, 0);
        let mut seen = std::collections::HashSet::new();
        let mut problems = Vec::with_capacity(n as usize);
        // Small settings may have fewer problems than asked for; give up after many repeats.
        let mut repeats = 0;
        while problems.len() < n as usize && repeats < 10_000 {
            let problem = self.problem(split, &mut stream);
            if seen.insert(problem.prompt.clone()) {
                problems.push(problem);
                repeats = 0;
            } else {
                repeats += 1;
            }
        }
        problems
    }

    /// The long form as pretraining sees it: every step, then the answer, with the
    /// settings' shares of reflection, dead ends and mixed vocabularies.
    /// `p_recheck` inserts harmless re-checks, in tasks that have them.
    pub fn long_chain(&self, problem: &Problem, p_recheck: f64, stream: &mut Stream) -> String {
        each!(self, task => task.long_chain(problem, p_recheck, stream))
    }

    /// The long form as a demonstration: right steps only, in the prompt's vocabulary.
    pub fn clean_chain(&self, problem: &Problem, stream: &mut Stream) -> String {
        each!(self, task => task.clean_chain(problem, stream))
    }

    /// A chain with one deliberate fault; what follows works on with what it claimed.
    /// Its answer may be right by luck.
    pub fn wrong_chain(&self, problem: &Problem, stream: &mut Stream) -> String {
        each!(self, task => task.wrong_chain(problem, stream))
    }

    /// The short form: the answer at once.
    pub fn short_answer(&self, problem: &Problem) -> String {
        each!(self, task => task.short_answer(problem))
    }

    /// `ended` says that the completion closed with the end mark rather than being cut off.
    pub fn verify(&self, problem: &Problem, completion: &str, ended: bool) -> Verdict {
        each!(self, task => task.verify(problem, completion, ended))
    }

    /// Whether the right answer can still be reached from a partial completion that
    /// ends at a step's end, by right steps alone: no fault so far that has not been
    /// taken back, and (in `countdown` and `graph`) no dead end or detour.
    /// With an answer in it: whether that is the right one.
    pub fn reachable(&self, problem: &Problem, prefix: &str) -> bool {
        each!(self, task => task.reachable(problem, prefix))
    }

    /// `None` where the settings have one vocabulary only.
    pub fn language(&self, problem: &Problem, completion: &str) -> Option<Language> {
        each!(self, task => task.language(problem, completion))
    }

    /// Letters of free text in the question's script, and in others; `None` of a question
    /// without letters, and of every task that has vocabularies instead.
    pub fn scripts(&self, problem: &Problem, completion: &str) -> Option<Language> {
        match self {
            Self::Questions(task) => task.scripts(problem, completion),
            Self::Modchain(_)
            | Self::Parity(_)
            | Self::Mult(_)
            | Self::Countdown(_)
            | Self::Dag(_)
            | Self::Graph(_) => None,
        }
    }

    /// The completion cut into its steps, each judged, with what stands out in them.
    /// Free text is cut at its phrases. `None` where the task cannot read the prompt or the
    /// text is beyond all reason.
    pub fn pieces<'a>(&self, problem: &Problem, completion: &'a str) -> Option<Vec<Piece<'a>>> {
        each!(self, task => task.pieces(problem, completion))
    }

    /// Whether the task has such marks: without them there is nothing to count, with them
    /// a text that has none counts too.
    pub fn reflects(&self) -> bool {
        each!(self, task => task.reflects())
    }

    /// Number of marks that take back a step; in free text, of phrases that do.
    pub fn reflections(&self, completion: &str) -> u32 {
        each!(self, task => task.reflections(completion))
    }

    /// As `pieces`, free text at these phrases, in small letters, instead of the usual ones.
    pub fn pieces_at<'a>(
        &self,
        problem: &Problem,
        completion: &'a str,
        phrases: &[String],
    ) -> Option<Vec<Piece<'a>>> {
        if let Self::Questions(task) = self {
            return task.pieces_at(problem, completion, phrases);
        }
        self.pieces(problem, completion)
    }

    /// As `reflections`, in free text of these phrases, in small letters, instead of the usual ones.
    pub fn reflections_at(&self, completion: &str, phrases: &[String]) -> u32 {
        if let Self::Questions(_) = self {
            return questions::count_phrases(completion, phrases);
        }
        self.reflections(completion)
    }
}

/// Reports ranges that are upside down, and an out-of-distribution range that
/// begins within the usual one.
fn check_ranges(reader: &Reader<'_>, ranges: [(u32, u32, &'static str); 3], ood_min: &'static str) {
    for (low, high, key) in ranges {
        if high < low {
            reader.report(key, format!("must be at least {low}"));
        }
    }
    let [(_, max, key), _, (ood, _, _)] = ranges;
    if ood <= max {
        reader.report(ood_min, format!("must be above {key} ({max})"));
    }
}

/// One operation modulo `m`.
fn modular(left: u32, op: char, right: u32, m: u32) -> u32 {
    match op {
        '+' => (left + right) % m,
        '-' => (left + m - right % m) % m,
        _ => (left * right) % m,
    }
}

#[cfg(test)]
mod tests;
