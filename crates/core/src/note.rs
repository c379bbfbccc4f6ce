//! What people make of an arm's outcome, after the fact: beside the registered text,
//! never in its place.

use crate::violation::{Violation, Violations};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    Strong,
    Weak,
    Guess,
}

impl Evidence {
    pub const ALL: [Self; 3] = [Self::Strong, Self::Weak, Self::Guess];

    pub fn word(self) -> &'static str {
        match self {
            Self::Strong => "strong",
            Self::Weak => "weak",
            Self::Guess => "guess",
        }
    }
}

impl std::str::FromStr for Evidence {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|e| e.word() == word);
        found.ok_or_else(|| format!("expected strong, weak or guess, found {word:?}"))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// Why we think it went so.
    pub why: String,
    pub evidence: Evidence,
    #[serde(default)]
    pub tried: String,
    #[serde(default)]
    pub not_tried: String,
    /// What would change our mind.
    #[serde(default)]
    pub would_change: String,
}

/// Longest of its texts, in characters.
pub const MOST: usize = 4_000;

impl Note {
    /// # Errors
    /// Every violation with its pointer.
    pub fn check(&self) -> Result<(), Violations> {
        let mut found = vec![];
        if self.why.trim().is_empty() {
            found.push(Violation::new("/why", "must not be empty"));
        }
        let texts = [
            ("/why", &self.why),
            ("/tried", &self.tried),
            ("/not_tried", &self.not_tried),
            ("/would_change", &self.would_change),
        ];
        for (pointer, text) in texts {
            if text.chars().count() > MOST {
                found.push(Violation::new(
                    pointer,
                    format!("longer than {MOST} characters"),
                ));
            }
            if text.contains('\0') {
                found.push(Violation::new(pointer, "must be plain text"));
            }
        }
        if found.is_empty() {
            Ok(())
        } else {
            Err(Violations(found))
        }
    }

    /// The reason, of a note by which the question was opened again.
    pub fn reopened(&self) -> Option<&str> {
        self.why.strip_prefix(REOPENED)
    }
}

/// What somebody says of a run: one text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunNote {
    pub text: String,
}

impl RunNote {
    /// As it is kept: without the space around it, and with one kind of line end.
    ///
    /// # Errors
    /// Every violation with its pointer.
    pub fn checked(&self) -> Result<Self, Violations> {
        let text = one_text("/text", &self.text, MOST)?;
        Ok(Self { text })
    }
}

/// Why the question that an arm was to answer is open again. It is kept as a note of that arm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reopening {
    pub reason: String,
}

/// What such a note begins with.
const REOPENED: &str = "Reopened: ";

impl Reopening {
    /// Longest of its reasons, in characters.
    pub const MOST: usize = MOST - REOPENED.len();

    /// As it is kept. It claims nothing of why the outcome was what it was: a guess.
    ///
    /// # Errors
    /// Every violation with its pointer.
    pub fn note(&self) -> Result<Note, Violations> {
        let reason = one_text("/reason", &self.reason, Self::MOST)?;
        Ok(Note {
            why: format!("{REOPENED}{reason}"),
            evidence: Evidence::Guess,
            tried: String::new(),
            not_tried: String::new(),
            would_change: String::new(),
        })
    }
}

/// Without the space around it, and with one kind of line end.
fn one_text(pointer: &str, text: &str, most: usize) -> Result<String, Violations> {
    let text = text.replace("\r\n", "\n");
    let text = text.trim();
    let mut found = vec![];
    if text.is_empty() {
        found.push(Violation::new(pointer, "must not be empty"));
    }
    if text.chars().count() > most {
        let message = format!("longer than {most} characters");
        found.push(Violation::new(pointer, message));
    }
    if text.contains('\0') {
        found.push(Violation::new(pointer, "must be plain text"));
    }
    if found.is_empty() {
        Ok(text.into())
    } else {
        Err(Violations(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_violation_of_a_note_has_its_pointer() {
        let mut note = Note {
            why: "  ".into(),
            evidence: Evidence::Guess,
            tried: "x".repeat(MOST + 1),
            not_tried: "a\0b".into(),
            would_change: String::new(),
        };
        let found: Vec<String> = note
            .check()
            .unwrap_err()
            .0
            .into_iter()
            .map(|v| v.pointer)
            .collect();
        assert_eq!(found, ["/why", "/tried", "/not_tried"]);
        note.why = "The judge was trained on other texts.".into();
        (note.tried, note.not_tried) = ("three rates".into(), String::new());
        assert_eq!(note.check(), Ok(()));
        assert_eq!("weak".parse::<Evidence>(), Ok(Evidence::Weak));
        assert!("sure".parse::<Evidence>().is_err());
    }

    #[test]
    fn a_note_on_a_run_is_one_text_of_bounded_length() {
        let note = |text: &str| RunNote { text: text.into() }.checked();
        assert_eq!(note(" a\r\nb \n").unwrap().text, "a\nb");
        assert!(note(&"é".repeat(MOST)).is_ok());
        for bad in ["", " \n\t", "a\0b", &"x".repeat(MOST + 1)] {
            let found = note(bad).unwrap_err().0;
            assert!(found.iter().all(|v| v.pointer == "/text"), "{found:?}");
        }
    }

    #[test]
    fn a_question_is_opened_again_with_a_reason_and_the_note_says_so() {
        let note = |reason: &str| {
            let of = Reopening {
                reason: reason.into(),
            };
            of.note()
        };
        let kept = note(" The judge\r\nis better now. ").unwrap();
        assert_eq!(kept.why, "Reopened: The judge\nis better now.");
        assert_eq!(kept.reopened(), Some("The judge\nis better now."));
        assert_eq!(kept.check(), Ok(()));
        let longest = note(&"\u{e9}".repeat(Reopening::MOST)).unwrap();
        assert_eq!(longest.check(), Ok(()));
        for bad in ["", " \n", "a\0b", &"x".repeat(Reopening::MOST + 1)] {
            let found = note(bad).unwrap_err().0;
            assert!(found.iter().all(|v| v.pointer == "/reason"), "{found:?}");
        }
        let other = Note {
            why: "It was reopened: twice.".into(),
            ..kept
        };
        assert_eq!(other.reopened(), None);
    }
}
