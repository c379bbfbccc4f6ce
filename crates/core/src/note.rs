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
        let text = self.text.replace("\r\n", "\n");
        let text = text.trim();
        let mut found = vec![];
        if text.is_empty() {
            found.push(Violation::new("/text", "must not be empty"));
        }
        if text.chars().count() > MOST {
            let message = format!("longer than {MOST} characters");
            found.push(Violation::new("/text", message));
        }
        if text.contains('\0') {
            found.push(Violation::new("/text", "must be plain text"));
        }
        if found.is_empty() {
            Ok(Self { text: text.into() })
        } else {
            Err(Violations(found))
        }
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
}
