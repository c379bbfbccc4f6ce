//! What every export carries: of what it is, on which basis, with how much behind it, and
//! the hash of the data that it was made from.

use super::axis::Places;
use super::denominator::{Denominator, Within};
use super::figure::Figure;
use super::tables::{Sheet, Table};
use super::verdict_line::{self, NotRun};
use super::view::Wanted;
use super::{Material, export, versions};
use crate::pages::query::ignored_said;
use crate::pages::sheet::Carries;
use crate::pages::text;
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
    /// Whether its numbers are compared on that basis: else it is no caption's.
    pub compares: bool,
    pub version: i32,
    pub spec_sha256: String,
    /// Where the words were amended, how much was known by then.
    pub amended: Option<String>,
    pub denominator: Denominator,
    /// Required attempts that were not run: said wherever the rule's words are.
    pub not_run: Vec<NotRun>,
    /// What of the file's address was not understood.
    pub ignored: Vec<String>,
    pub snapshot: String,
}

/// What figures along steps have in place of one.
const NO_BASIS: &str = "none: at equal steps nothing is compared at equal compute";

/// The canonical form of the data of the comparison: figures, milestones, pass@k, charges and
/// verdicts, under the specification's own hash; and the prices that count, where there are any.
pub(super) fn state(of: &Material) -> String {
    let mut comparison = export::json(of);
    // How many runs are open is none of the data, and states keep the hash that they had.
    for key in ["outcome", "outcome_with_all_runs"] {
        let outcome = comparison.get_mut(key).and_then(Value::as_object_mut);
        outcome.map(|outcome| outcome.remove("open_runs"));
    }
    let mut state = json!({
        "comparison": comparison,
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
            compares: true,
            version: of.view.version,
            spec_sha256: of.view.sha256.clone(),
            amended: versions::said(of),
            denominator: Denominator::new(of, wanted),
            not_run: verdict_line::not_run(of),
            ignored: vec![],
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

    /// Names what of the file's address was not understood.
    pub fn ignoring(mut self, words: Vec<String>) -> Self {
        self.ignored = words;
        self
    }

    /// The same for a file of this figure: its own basis, and how many arms it draws.
    pub fn of_figure(mut self, of: &Material, figure: &Figure) -> Self {
        self.basis = match figure.places {
            Places::Steps => NO_BASIS.into(),
            Places::Cost => figure.name.basis(of).unwrap_or(self.basis),
        };
        self.denominator = self.denominator.within(of, Within::Figure, figure.arms());
        self
    }

    /// The same for a table's; how many arms it lists only where its rows are of arms.
    pub fn of_table(mut self, of: &Material, table: Table, sheet: &Sheet) -> Self {
        self.basis = table.basis(of).unwrap_or(self.basis);
        self.compares = table.compares();
        match table.lists_arms() {
            true => self.listing(of, sheet),
            false => self,
        }
    }

    /// Of a table with a row an arm.
    pub fn listing(mut self, of: &Material, sheet: &Sheet) -> Self {
        let arms = sheet.texts("arm");
        self.denominator = self.denominator.within(of, Within::Table, arms);
        self
    }

    pub fn lines(&self, title: &str) -> Vec<String> {
        let mut lines = vec![
            format!("{}: {title}", self.name),
            format!("Basis: {}", self.basis),
            self.denominator.line(),
        ];
        lines.extend(self.not_run.iter().map(ToString::to_string));
        lines.push(format!(
            "Experiment {}, version {}, specification {}",
            self.experiment, self.version, self.spec_sha256
        ));
        lines.extend(self.amended.clone());
        lines.extend(ignored_said(&self.ignored));
        lines.push(format!("Snapshot {}", self.snapshot));
        lines.iter().map(|line| text::visible(line)).collect()
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
            "not_run": self.not_run,
            "ignored": self.ignored,
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

    fn basis(&self) -> Option<&str> {
        self.compares.then_some(self.basis.as_str())
    }

    fn behind(&self) -> String {
        let not_run = self.not_run.iter().map(ToString::to_string);
        let said = std::iter::once(self.denominator.line()).chain(not_run);
        said.collect::<Vec<String>>().join(" ")
    }

    fn snapshot(&self) -> &str {
        &self.snapshot
    }
}
