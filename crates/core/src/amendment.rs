//! Saying a registered experiment's question or hypothesis anew, after the fact: a version of
//! its own beside the first, which stays as it was registered. The rule is no part of it.

use crate::spec::refused_text;
use crate::violation::{Violation, Violations};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amendment {
    /// What is not given stays as it is.
    #[serde(default)]
    pub question: Option<String>,
    #[serde(default)]
    pub hypothesis: Option<String>,
    /// What else is to be known of it.
    #[serde(default)]
    pub note: String,
    #[serde(default)]
    pub reason: String,
}

/// Longest texts, in characters; question and hypothesis as in the experiment file.
const QUESTION: usize = 500;
const HYPOTHESIS: usize = 2_000;
const NOTE: usize = 2_000;
const REASON: usize = 500;

/// Lines are for files: white space of any kind is one space.
fn tidy(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Amendment {
    /// Without needless white space; empty fields of a form are not given.
    ///
    /// # Errors
    /// Every violation with its pointer.
    pub fn checked(&self) -> Result<Self, Violations> {
        let given = |text: &Option<String>| {
            let text = tidy(text.as_deref().unwrap_or_default());
            (!text.is_empty()).then_some(text)
        };
        let tidied = Self {
            question: given(&self.question),
            hypothesis: given(&self.hypothesis),
            note: tidy(&self.note),
            reason: tidy(&self.reason),
        };
        let note = (!tidied.note.is_empty()).then_some(tidied.note.as_str());
        let texts = [
            ("/question", tidied.question.as_deref(), QUESTION),
            ("/hypothesis", tidied.hypothesis.as_deref(), HYPOTHESIS),
            ("/note", note, NOTE),
            ("/reason", Some(tidied.reason.as_str()), REASON),
        ];
        let mut found: Vec<Violation> = texts
            .into_iter()
            .filter_map(|(pointer, text, max)| {
                Some(Violation::new(pointer, refused_text(text?, max)?))
            })
            .collect();
        if tidied.question.is_none() && tidied.hypothesis.is_none() && note.is_none() {
            let message = "names nothing to amend: give a hypothesis, a question or a note";
            found.push(Violation::new("", message));
        }
        match found.is_empty() {
            true => Ok(tidied),
            false => Err(Violations(found)),
        }
    }

    /// A specification with these words in it, and nothing else changed.
    pub fn applied(&self, spec: &Value) -> Value {
        let mut amended = spec.clone();
        for (key, text) in [
            ("question", &self.question),
            ("hypothesis", &self.hypothesis),
        ] {
            if let Some(text) = text {
                amended[key] = text.clone().into();
            }
        }
        amended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_violation_of_an_amendment_has_its_pointer() {
        let pointers = |of: &Amendment| -> Vec<String> {
            let found = of.checked().unwrap_err().0;
            found.into_iter().map(|v| v.pointer).collect()
        };
        assert_eq!(pointers(&Amendment::default()), ["/reason", ""]);
        let bad = Amendment {
            question: Some("x".repeat(QUESTION + 1)),
            hypothesis: Some("<b>".into()),
            note: "a\u{202e}b".into(),
            reason: " \n".into(),
        };
        assert_eq!(
            pointers(&bad),
            ["/question", "/hypothesis", "/note", "/reason"]
        );
    }

    #[test]
    fn what_a_form_sends_is_tidied_and_empty_fields_are_not_given() {
        let sent = Amendment {
            question: Some("  ".into()),
            hypothesis: Some(" It does\r\n not. ".into()),
            note: String::new(),
            reason: "The pilot\tsaid so.".into(),
        };
        let checked = sent.checked().unwrap();
        assert_eq!(checked.question, None);
        assert_eq!(checked.hypothesis.as_deref(), Some("It does not."));
        assert_eq!(checked.reason, "The pilot said so.");
    }

    #[test]
    fn an_amendment_changes_words_and_nothing_of_the_rule() {
        let spec = json!({
            "question": "Does it?", "hypothesis": null, "margin": 0.02, "arms": [{ "id": "a" }],
        });
        let amendment = Amendment {
            hypothesis: Some("It does.".into()),
            ..Amendment::default()
        };
        let mut amended = amendment.applied(&spec);
        assert_eq!(amended["hypothesis"], "It does.");
        amended["hypothesis"] = Value::Null;
        assert_eq!(amended, spec);
    }
}
