//! A completion cut into its steps, with what the task can say of each: for pages that
//! mark it in the text.

use super::{Kind, Problem, STEP, StepVerdict, verdict};

/// Completions that are longer are not judged step by step for a page.
pub(super) const LONGEST: usize = 16 << 10;

/// One step, or the part with the answer; of free text, a phrase or what lies between two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The text in runs; `true` for one in the vocabulary, or the script, that is not the prompt's.
    pub runs: Vec<(&'a str, bool)>,
    /// `None` of the part with the answer, and of free text.
    pub verdict: Option<StepVerdict>,
    /// It takes back the step before it, or tries to; in free text, says so.
    pub reflection: bool,
}

/// `None` where the task cannot read them: a prompt that is not one of its own, or a
/// text beyond all reason.
pub(super) fn cut<'a, K: Kind>(
    task: &K,
    problem: &Problem,
    completion: &'a str,
) -> Option<Vec<Piece<'a>>> {
    let prompt = || problem.prompt.chars();
    // The beginning mark is one of the tokens.
    let readable = prompt().count() < task.max_prompt_tokens() as usize
        && prompt().all(|c| task.alphabet().contains(c));
    if !readable || completion.len() > LONGEST {
        return None;
    }
    let body = verdict::parts(completion).0;
    let verdicts = verdict::walk(task, problem, body).verdicts;
    let foreign = task.foreign(problem).unwrap_or("");
    let mark = task.take_back();
    let is_mark = |text: &str| {
        let piece = text.strip_suffix(STEP).unwrap_or(text);
        mark.is_some_and(|mark| verdict::is_mark(piece, mark))
    };
    let mut out: Vec<Piece<'a>> = body
        .split_inclusive(STEP)
        .zip(verdicts)
        .map(|(text, verdict)| Piece {
            runs: runs(text, foreign),
            verdict: Some(verdict),
            reflection: is_mark(text),
        })
        .collect();
    let answer = &completion[body.len()..];
    if !answer.is_empty() {
        out.push(Piece {
            // Vocabularies are counted in the steps alone.
            runs: vec![(answer, false)],
            verdict: None,
            reflection: false,
        });
    }
    Some(out)
}

/// The text in runs of characters that are, or are not, in the set.
fn runs<'a>(text: &'a str, set: &str) -> Vec<(&'a str, bool)> {
    let mut out = vec![];
    let mut from = 0;
    let mut last = None;
    for (at, c) in text.char_indices() {
        let own = set.contains(c);
        if let Some(before) = last.filter(|before| *before != own) {
            out.push((&text[from..at], before));
            from = at;
        }
        last = Some(own);
    }
    if let Some(own) = last {
        out.push((&text[from..], own));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Uniform;
    use crate::task::countdown::Countdown;
    use crate::task::dag::Dag;
    use crate::task::graph::Graph;
    use crate::task::modchain::Modchain;
    use crate::task::mult::Mult;
    use crate::task::parity::Parity;
    use crate::task::{Split, TaskSpec};

    fn problem(prompt: &str, gold: &str) -> Problem {
        Problem {
            prompt: prompt.into(),
            gold: gold.into(),
            difficulty: 3,
        }
    }

    fn whole(pieces: &[Piece<'_>]) -> String {
        pieces.iter().flat_map(|p| &p.runs).map(|r| r.0).collect()
    }

    #[test]
    fn marks_of_reflection_and_words_of_the_other_vocabulary_are_found_in_their_steps() {
        let task = TaskSpec::Modchain(Modchain {
            p_reflect: 0.5,
            minority_share: 0.5,
            ..Default::default()
        });
        let text = "7*3=2;W;7*3=1;b-i=d;3+5=8;A8";
        let pieces = task.pieces(&problem("7*3-8+5=", "8"), text).unwrap();
        assert_eq!(whole(&pieces), text);
        let verdicts: Vec<_> = pieces.iter().map(|p| p.verdict).collect();
        assert_eq!(
            verdicts,
            [
                Some(StepVerdict::WrongResult),
                Some(StepVerdict::Reflection),
                Some(StepVerdict::Right),
                Some(StepVerdict::Right),
                Some(StepVerdict::Right),
                None
            ]
        );
        assert_eq!(pieces.iter().position(|p| p.reflection), Some(1));
        let mixed: Vec<&str> = pieces[3].runs.iter().filter(|r| r.1).map(|r| r.0).collect();
        assert_eq!(mixed, ["b", "i", "d"]);
        assert!(pieces[4].runs.iter().all(|r| !r.1));
    }

    #[test]
    fn pieces_are_as_many_as_the_verdicts_of_every_task() {
        for task in [
            TaskSpec::Modchain(Modchain::default()),
            TaskSpec::Parity(Parity::default()),
            TaskSpec::Mult(Mult::default()),
            TaskSpec::Countdown(Countdown::default()),
            TaskSpec::Dag(Dag::default()),
            TaskSpec::Graph(Graph::default()),
        ] {
            for split in [Split::Train, Split::Ood] {
                let mut stream = Uniform::new(1, "pieces").stream(0, 0);
                let problem = task.problem(split, &mut stream);
                let chain = task.long_chain(&problem, 0.0, &mut stream);
                let pieces = task.pieces(&problem, &chain).unwrap();
                let judged = pieces.iter().filter(|p| p.verdict.is_some()).count();
                let verdict = task.verify(&problem, &chain, true);
                assert_eq!(judged, verdict.steps.len(), "{chain}");
                assert_eq!(whole(&pieces), chain);
            }
        }
    }

    #[test]
    fn hostile_texts_are_cut_up_or_left_alone_and_nothing_breaks() {
        let tasks = [
            TaskSpec::Modchain(Modchain::default()),
            TaskSpec::Mult(Mult::default()),
            TaskSpec::Countdown(Countdown::default()),
            TaskSpec::Dag(Dag::default()),
            TaskSpec::Graph(Graph::default()),
        ];
        let long = "9".repeat(1 << 20);
        for task in &tasks {
            for prompt in ["", "=", "<script>", "a=b+1,b=a+1,?a", "9,9,9,9:1", &long] {
                for text in ["", ";;;", "A", "\u{202e};A\u{0}", "<b>;A;A", &long] {
                    if let Some(pieces) = task.pieces(&problem(prompt, "1"), text) {
                        assert_eq!(whole(&pieces), *text);
                    }
                }
            }
        }
        assert_eq!(tasks[0].pieces(&problem("1+1=", "2"), &long), None);
        assert_eq!(tasks[0].pieces(&problem("<script>", "2"), "A1"), None);
    }
}
