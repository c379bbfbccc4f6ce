//! What stands out in a completion, marked in its text.

use crate::number;
use crate::pages::math::{Typesetter, Words};
use crate::pages::text;
use assay_core::task::{Piece, Problem, StepVerdict, TaskSpec};

/// Longer texts are shown without marks.
const LONGEST: usize = text::LONG;

/// Above this share of another script or vocabulary than the question's a completion is
/// called mixed.
const MIXED: f64 = 0.05;

/// A completion's text, marked where the task can read it.
#[derive(Debug, Default)]
pub(super) struct Marked {
    pub pieces: Vec<MarkedPiece>,
    /// The text as it is, where it is not marked.
    pub plain: Option<Plain>,
}

#[derive(Debug)]
pub(super) struct Plain {
    pub shown: Words,
    pub rest: Option<Words>,
}

impl Marked {
    /// A formula is set in what is shown at once.
    pub fn is_set(&self) -> bool {
        let mut runs = self.pieces.iter().flat_map(|p| &p.runs);
        self.plain.as_ref().is_some_and(|p| p.shown.is_set()) || runs.any(|(w, _)| w.is_set())
    }
}

#[derive(Debug, PartialEq)]
pub(super) struct MarkedPiece {
    /// Class and words, where the step is worth a mark.
    pub mark: Option<(&'static str, &'static str)>,
    /// `true`: characters of the vocabulary, or the script, that is not the prompt's.
    pub runs: Vec<(Words, bool)>,
}

#[derive(Debug, Default)]
pub(super) struct Legend {
    pub reflective: bool,
    pub mixed: bool,
    /// Free text: phrases and scripts, where others have steps and vocabularies.
    pub text: bool,
    /// The share above which a completion is called mixed.
    pub over: String,
    /// Characters that are shown at once.
    pub longest: String,
}

/// What a task's texts can be marked with, whatever they are.
pub(super) fn legend(task: &TaskSpec) -> Legend {
    let probe = Problem {
        prompt: String::new(),
        gold: String::new(),
        difficulty: 0,
    };
    let text = task.is_text();
    Legend {
        reflective: task.reflects(),
        mixed: text || task.language(&probe, "").is_some(),
        text,
        over: number::percent(MIXED),
        longest: number::integer(LONGEST as i64),
    }
}

/// `phrases`: what is marked in free text instead of the usual ones, where any are named.
/// `by`: what sets the formulas, where that is asked for.
pub(super) fn marked(
    task: &TaskSpec,
    phrases: &[String],
    problem: &Problem,
    completion: &str,
    by: &mut Option<Typesetter>,
) -> Marked {
    if completion.len() > LONGEST {
        return plain(completion, by);
    }
    // A prompt that is not the task's own may be anything: the page has to stand.
    let read = std::panic::AssertUnwindSafe(|| task.pieces_at(problem, completion, phrases));
    match std::panic::catch_unwind(read) {
        Ok(Some(pieces)) => Marked {
            pieces: pieces.iter().map(|p| piece(p, by)).collect(),
            plain: None,
        },
        Ok(None) | Err(_) => plain(completion, by),
    }
}

fn words(of: &str, by: &mut Option<Typesetter>) -> Words {
    match by {
        Some(by) => by.set(of),
        None => Words::from(of),
    }
}

fn plain(completion: &str, by: &mut Option<Typesetter>) -> Marked {
    let (shown, rest) = words(completion, by).fold();
    Marked {
        pieces: vec![],
        plain: Some(Plain { shown, rest }),
    }
}

/// How many of a free text's letters are of another script than its question's, if any.
pub(super) fn other_script(task: &TaskSpec, problem: &Problem, completion: &str) -> Option<String> {
    let found = task.scripts(problem, completion)?;
    let all = f64::from(found.target) + f64::from(found.other);
    (found.other > 0).then(|| {
        format!(
            "{} of its letters in another script than the question's",
            number::percent(f64::from(found.other) / all)
        )
    })
}

/// Of letters by script, or of the steps' characters by vocabulary.
pub(super) fn is_mixed(task: &TaskSpec, problem: &Problem, completion: &str) -> bool {
    let found = task.language(problem, completion);
    let found = found.or_else(|| task.scripts(problem, completion));
    found.is_some_and(|l| {
        let all = f64::from(l.target) + f64::from(l.other);
        f64::from(l.other) > MIXED * all
    })
}

/// A formula that steps or vocabularies cut up is left as it is written.
fn piece(of: &Piece<'_>, by: &mut Option<Typesetter>) -> MarkedPiece {
    let mark = match of.verdict {
        _ if of.reflection => Some(("aha", "aha")),
        None | Some(StepVerdict::Right | StepVerdict::Recheck | StepVerdict::Reflection) => None,
        Some(StepVerdict::Useless) => Some(("useless", "useless")),
        Some(StepVerdict::WrongResult) => Some(("fault", "wrong result")),
        Some(StepVerdict::WrongCopy) => Some(("fault", "wrong copy")),
        Some(StepVerdict::Malformed) => Some(("fault", "malformed")),
    };
    MarkedPiece {
        mark,
        runs: of
            .runs
            .iter()
            .map(|(text, other)| (words(text, by), *other))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::math::typeset;
    use assay_core::task::modchain::Modchain;
    use assay_core::task::parity::Parity;
    use serde_json::json;

    #[test]
    fn steps_are_marked_by_what_the_verifier_says() {
        let task = TaskSpec::Modchain(Modchain {
            p_reflect: 0.5,
            minority_share: 0.5,
            ..Default::default()
        });
        let problem = Problem {
            prompt: "7*3-8+5=".into(),
            gold: "8".into(),
            difficulty: 3,
        };
        let found = marked(&task, &[], &problem, "7*3=2;W;7*3=b;x;A8", &mut None);
        let marks: Vec<_> = found.pieces.iter().map(|p| p.mark).collect();
        assert_eq!(
            marks,
            [
                Some(("fault", "wrong result")),
                Some(("aha", "aha")),
                None,
                Some(("fault", "malformed")),
                None
            ]
        );
        assert!(found.pieces[2].runs.contains(&(Words::from("b"), true)));
        let l = legend(&task);
        assert!(l.reflective && l.mixed);
        let l = legend(&TaskSpec::Parity(Parity::default()));
        assert!(!l.reflective && !l.mixed);
    }

    #[test]
    fn free_text_is_marked_by_its_phrases_and_by_another_script() {
        let file = json!({"file": "a.jsonl", "sha256": "0".repeat(64)});
        let task: TaskSpec = serde_json::from_value(json!({
            "name": "questions", "train": file, "test": file, "ood": file,
            "template": "User: {question}\nAssistant:", "answer": "tag",
            "max_prompt_tokens": 64, "max_solution_tokens": 64,
        }))
        .unwrap();
        let problem = Problem {
            prompt: "User: How many?\nAssistant:".into(),
            gold: "4".into(),
            difficulty: 0,
        };
        let text = "It is \u{447}\u{435}\u{442}. Wait, <b>4</b>";
        let found = marked(&task, &[], &problem, text, &mut None);
        let marks: Vec<_> = found.pieces.iter().map(|p| p.mark).collect();
        assert_eq!(marks, [None, Some(("aha", "aha")), None]);
        assert!(
            found.pieces[0]
                .runs
                .contains(&(Words::from("\u{447}\u{435}\u{442}"), true))
        );
        assert!(found.plain.is_none());
        // 3 of 3 + 4 + 4; the b's stand alone.
        let said = other_script(&task, &problem, text).unwrap();
        assert!(said.starts_with("27 % of its letters"), "{said}");
        assert!(is_mixed(&task, &problem, text));
        let coded = "It is `\u{447}\u{435}\u{442}`.";
        assert!(!is_mixed(&task, &problem, coded));
        assert_eq!(other_script(&task, &problem, coded), None);
        assert_eq!(other_script(&task, &problem, "four"), None);
        let l = legend(&task);
        assert!(l.text && l.reflective && l.mixed);
        assert!(!legend(&TaskSpec::Parity(Parity::default())).text);
    }

    #[test]
    fn a_completion_is_mixed_above_the_share_that_is_printed() {
        let task = TaskSpec::Modchain(Modchain {
            minority_share: 0.5,
            ..Default::default()
        });
        let problem = Problem {
            prompt: "7*3-8+5=".into(),
            gold: "8".into(),
            difficulty: 3,
        };
        let chain =
            |foreign: usize| format!("{}{};", "b".repeat(foreign), "7".repeat(20 - foreign));
        // 1 of 20 is the threshold itself.
        assert!(!is_mixed(&task, &problem, &chain(0)));
        assert!(!is_mixed(&task, &problem, &chain(1)));
        assert!(is_mixed(&task, &problem, &chain(2)));
        assert!(!is_mixed(&task, &problem, ""));
        assert_eq!(legend(&task).over, "5 %");
        assert!(!is_mixed(
            &TaskSpec::Parity(Parity::default()),
            &problem,
            &chain(9)
        ));
    }

    #[test]
    fn what_the_task_cannot_read_is_shown_as_it_is() {
        let task = TaskSpec::Modchain(Modchain::default());
        let problem = Problem {
            prompt: "<script>".into(),
            gold: "8".into(),
            difficulty: 3,
        };
        let found = marked(&task, &[], &problem, "A\u{202e}8", &mut None);
        assert_eq!(found.plain.unwrap().shown, Words::from("A\u{202e}8"));
        let long = marked(&task, &[], &problem, &"9;".repeat(9_000), &mut None);
        assert!(long.pieces.is_empty() && long.plain.unwrap().rest.is_some());
    }

    #[test]
    fn marks_stay_around_formulas_that_are_set() {
        let task = TaskSpec::Modchain(Modchain {
            p_reflect: 0.5,
            ..Default::default()
        });
        let problem = Problem {
            prompt: "7*3-8+5=".into(),
            gold: "8".into(),
            difficulty: 3,
        };
        let text = "7*3=2;W;$x^2$;A8";
        let (found, counts) = typeset(|by| {
            let mut by = Some(by);
            let found = marked(&task, &[], &problem, text, &mut by);
            (found, by.unwrap().counts())
        })
        .unwrap();
        let marks: Vec<_> = found.pieces.iter().map(|p| p.mark).collect();
        let raw = marked(&task, &[], &problem, text, &mut None);
        assert_eq!(marks, raw.pieces.iter().map(|p| p.mark).collect::<Vec<_>>());
        assert_eq!(marks[1], Some(("aha", "aha")));
        assert!(found.is_set() && !raw.is_set());
        assert_eq!(counts, (1, 0));
    }
}
