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
const MOST: usize = 4_000;

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
}
