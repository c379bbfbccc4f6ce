//! What every export carries: of what it is, on which basis, with how much behind it, and
//! the hash of the data that it was made from.

use super::denominator::Denominator;
use super::view::Wanted;
use super::{Material, export, versions};
use crate::pages::sheet::Carries;
use crate::problem::Problem;
use assay_core::canonical;
use serde_json::{Value, json};

/// Of decoders, whatever their policy.
pub(super) const EQUAL_INFERENCE: &str =
    "equal inference: decoders of one policy, a question at the cost of so many of its samples";

#[derive(Debug)]
pub(super) struct Carried {
    pub experiment: String,
    pub name: String,
    pub question: String,
    pub basis: String,
    pub version: i32,
    pub spec_sha256: String,
    /// Where the words were amended, how much was known by then.
    pub amended: Option<String>,
    pub denominator: Denominator,
    pub snapshot: String,
}

/// The canonical form of the data of the comparison: figures, milestones, pass@k, charges and
/// verdicts, under the specification's own hash; and the prices that count, where there are any.
pub(super) fn state(of: &Material) -> String {
    let mut state = json!({
        "comparison": export::json(of),
        "milestones": of.milestones,
        "pass_at_k": of.pass_at_k,
    });
    let prices = of.dollars.prices();
    if !prices.is_empty() {
        state["prices"] = json!(prices);
    }
    canonical::to_string(&state)
}

/// sha256 over that; of a kept state the hash that it was kept under.
pub(super) fn snapshot(of: &Material) -> String {
    match &of.kept {
        Some(kept) => kept.id.clone(),
        None => canonical::sha256_of(state(of).as_bytes()),
    }
}

impl Carried {
    pub fn new(of: &Material, wanted: &Wanted) -> Self {
        Self {
            experiment: of.view.id.to_string(),
            name: of.view.name.clone(),
            question: of.view.question.clone(),
            // Where nothing trains, nothing is compared at equal training compute.
            basis: match of.test.is_empty() {
                true => EQUAL_INFERENCE.into(),
                false => of.basis().to_string(),
            },
            version: of.view.version,
            spec_sha256: of.view.sha256.clone(),
            amended: versions::said(of),
            denominator: Denominator::new(of, wanted),
            snapshot: snapshot(of),
        }
    }

    /// For a file: it says nothing of other data than the link cites.
    pub fn cited(of: &Material, wanted: &Wanted) -> Result<Self, Problem> {
        let carried = Self::new(of, wanted);
        match wanted.is_past(&carried.snapshot) {
            true => Err(Problem::not_found(
                "kept state of this experiment, and its present data have another hash: without snap= the link shows those",
            )),
            false => Ok(carried),
        }
    }

    pub fn lines(&self, title: &str) -> Vec<String> {
        let mut lines = vec![
            format!("{}: {title}", self.name),
            format!("Basis: {}", self.basis),
            self.denominator.line(),
            format!(
                "Experiment {}, version {}, specification {}",
                self.experiment, self.version, self.spec_sha256
            ),
        ];
        lines.extend(self.amended.clone());
        lines.push(format!("Snapshot {}", self.snapshot));
        lines
    }

    pub fn json(&self, title: &str) -> Value {
        json!({
            "experiment": self.experiment,
            "name": self.name,
            "title": title,
            "basis": self.basis,
            "version": self.version,
            "spec_sha256": self.spec_sha256,
            "amended": self.amended,
            "denominator": self.denominator,
            "denominator_text": self.denominator.line(),
            "snapshot": self.snapshot,
        })
    }
}

impl Carries for Carried {
    fn lines(&self, title: &str) -> Vec<String> {
        Carried::lines(self, title)
    }

    fn json(&self, title: &str) -> Value {
        Carried::json(self, title)
    }

    fn behind(&self) -> String {
        self.denominator.line()
    }

    fn snapshot(&self) -> &str {
        &self.snapshot
    }
}
