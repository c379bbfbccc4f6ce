//! The tables of a run's page as files: what was measured, what it cost, what looked wrong,
//! what is stored, where it was made, and how it is set up.

use super::health;
use super::material::{Material, material};
use crate::number::Kind;
use crate::pages::filed::{self, About, Links, OF_TABLE};
use crate::pages::query::{Asked, link};
use crate::pages::sheet::{Cell, Sheet};
use crate::pages::text;
use crate::problem::Problem;
use crate::rules;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::health::{Finding, Rule};
use assay_core::ids::RunId;
use time::OffsetDateTime;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Evaluations,
    Ledger,
    /// Every rule over the shown stage.
    Alarms,
    /// Whatever was raised while the run went on.
    Found,
    Stored,
    Environment,
    Config,
    Difference,
}

impl Table {
    pub const ALL: [Self; 8] = [
        Self::Evaluations,
        Self::Ledger,
        Self::Alarms,
        Self::Found,
        Self::Stored,
        Self::Environment,
        Self::Config,
        Self::Difference,
    ];

    /// A file's name without its ending.
    fn word(self) -> &'static str {
        match self {
            Self::Evaluations => "evaluations",
            Self::Ledger => "ledger",
            Self::Alarms => "alarms",
            Self::Found => "found",
            Self::Stored => "files",
            Self::Environment => "environment",
            Self::Config => "config",
            Self::Difference => "difference",
        }
    }

    /// Whether it is of the stage that is asked for alone.
    fn is_of_stage(self) -> bool {
        match self {
            Self::Alarms | Self::Config | Self::Difference => true,
            Self::Evaluations | Self::Ledger | Self::Found | Self::Stored | Self::Environment => {
                false
            }
        }
    }

    /// `None` of a table that the run does not have.
    pub fn sheet(self, of: &Material) -> Option<Sheet> {
        match self {
            Self::Evaluations => Some(evaluations(of)),
            Self::Ledger => Some(ledger(of)),
            Self::Alarms => of.stage.as_ref().map(|_| alarms(of)),
            Self::Found => Some(found(of)),
            Self::Stored => Some(stored(of)),
            Self::Environment => Some(environment(of)),
            Self::Config => config(of),
            Self::Difference => difference(of),
        }
    }
}

/// Links to them, as they stand in captions.
pub(super) struct Files {
    pub evaluations: Links,
    pub ledger: Links,
    pub alarms: Links,
    pub found: Links,
    pub stored: Links,
    pub environment: Links,
    pub config: Links,
    pub difference: Links,
}

impl Files {
    pub fn new(of: &Material) -> Self {
        let stage = of.stage.as_deref().unwrap_or("");
        let other = of.against.as_ref();
        let other = other.map_or(String::new(), |a| a.run.to_string());
        let to = |table: Table| {
            let own = table == Table::Difference;
            let against = if own { other.as_str() } else { "" };
            let query = link([("stage", stage), ("against", against)]);
            let query = if query.len() > 1 { query.as_str() } else { "" };
            let at = format!("/runs/{}/{}", of.run.id, table.word());
            Links::new(&at, &OF_TABLE, query)
        };
        Self {
            evaluations: to(Table::Evaluations),
            ledger: to(Table::Ledger),
            alarms: to(Table::Alarms),
            found: to(Table::Found),
            stored: to(Table::Stored),
            environment: to(Table::Environment),
            config: to(Table::Config),
            difference: to(Table::Difference),
        }
    }
}

/// Of every stage, newest first.
fn evaluations(of: &Material) -> Sheet {
    let names = [
        "stage",
        "step",
        "split",
        "milestone_percent",
        "pass_at_1",
        "maj_at_k",
        "mean_length",
        "truncated",
        "questions",
        "samples",
        "temperature",
        "top_p",
        "longest_tokens",
    ];
    let title = "Evaluations of all stages, newest first";
    let mut sheet = Sheet::plain(Table::Evaluations.word(), title, &names);
    sheet.said = "pass@1 is the mean over questions and samples; lengths are in tokens.".into();
    sheet.kind = Kind::Share;
    for (stage, e) in of.evaluations.iter().rev() {
        sheet.push(vec![
            Cell::said(stage),
            Cell::count(e.step),
            Cell::Word(e.split.word().into()),
            Cell::Place(e.milestone.map(f64::from)),
            Cell::Value(Some(e.pass_at_1)),
            Cell::Value(Some(e.maj_at_k)),
            Cell::Place(Some(e.mean_length)),
            Cell::Value(Some(e.truncated_share)),
            Cell::count(e.problems),
            Cell::count(e.samples),
            Cell::Place(Some(e.temperature)),
            Cell::Place(Some(e.top_p)),
            Cell::count(e.max_completion_length),
        ]);
    }
    sheet
}

fn ledger(of: &Material) -> Sheet {
    let names = ["stage", "purpose", "charged", "tokens", "flops", "device_s"];
    let title = "What the run's stages have spent, by purpose, and whether the arm is charged";
    let mut sheet = Sheet::plain(Table::Ledger.word(), title, &names);
    for row in &of.ledger {
        sheet.push(vec![
            Cell::said(&row.name),
            Cell::said(&row.purpose),
            Cell::yes_no(row.charged),
            Cell::Cost(Some(row.cost.tokens)),
            Cell::Cost(Some(row.cost.flops)),
            Cell::Cost(Some(row.cost.device_ms / 1e3)),
        ]);
    }
    sheet
}

fn alarms(of: &Material) -> Sheet {
    let names = [
        "rule",
        "words",
        "threshold",
        "set_by",
        "now",
        "step",
        "value",
    ];
    let title = "Rules over the curves of the stage, with their thresholds";
    let mut sheet = Sheet::plain(Table::Alarms.word(), title, &names);
    sheet.said = "Raised: with the first step at which it was broken, and the value there.".into();
    let curves = rules::curves(&of.series);
    for rule in Rule::ALL {
        let (now, step, value) = match rule.check(&curves, &of.limits) {
            Finding::NotMeasured => ("not measured", None, None),
            Finding::TooShort => ("too short to be measured", None, None),
            Finding::Quiet => ("not raised", None, None),
            Finding::Raised { step, value } => ("raised", Some(step as f64), Some(value)),
        };
        sheet.push(vec![
            Cell::Word(rule.word().into()),
            Cell::said(&rule.words(&of.limits)),
            Cell::Place(rule.threshold(&of.limits)),
            Cell::said(&health::limit(rule, &of.limits)),
            Cell::Word(now.into()),
            Cell::Place(step),
            Cell::Value(value),
        ]);
    }
    sheet
}

/// By the rules in the background and by the workers.
fn found(of: &Material) -> Sheet {
    let names = [
        "at",
        "stage",
        "by",
        "rule",
        "step",
        "value",
        "threshold",
        "words",
    ];
    let title = "Alarms raised while the run went on, in all of its stages, newest first";
    let mut sheet = Sheet::plain(Table::Found.word(), title, &names);
    sheet.said =
        "A rule of the experiment where it was first broken; a worker's own in its words.".into();
    let cut = of.cut_alarms();
    if !cut.is_empty() {
        sheet.said += &format!(" Not the oldest of {}, which has too many.", cut.join(", "));
    }
    let mut all: Vec<(OffsetDateTime, Vec<Cell>)> = vec![];
    for alarm in &of.found {
        let found = &alarm.found;
        all.push((
            alarm.at,
            vec![
                Cell::moment(alarm.at),
                Cell::said(&alarm.stage),
                Cell::Word("rule".into()),
                Cell::Word(found.rule.word().into()),
                Cell::Place(Some(found.step as f64)),
                Cell::Value(Some(found.value)),
                Cell::Place(found.threshold),
                Cell::said(&found.rule.words(&of.limits)),
            ],
        ));
    }
    for (stage, event) in of.alarms() {
        all.push((
            event.at,
            vec![
                Cell::moment(event.at),
                Cell::said(stage),
                Cell::Word("worker".into()),
                Cell::Word(String::new()),
                Cell::Place(event.step.map(|step| step as f64)),
                Cell::Value(None),
                Cell::Place(None),
                Cell::said(&event.text),
            ],
        ));
    }
    all.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    for (_, row) in all {
        sheet.push(row);
    }
    sheet
}

/// Every one, whatever the page lists.
fn stored(of: &Material) -> Sheet {
    let names = [
        "stage", "role", "step", "attempt", "bytes", "released", "stored", "sha256",
    ];
    let title = "Checkpoints and other files that are stored of the run, newest first";
    let mut sheet = Sheet::plain(Table::Stored.word(), title, &names);
    sheet.said = "A released file may be deleted.".into();
    let mut sorted: Vec<_> = of.files.iter().collect();
    sorted.sort_by_key(|(_, f)| std::cmp::Reverse(f.stored_at));
    for (stage, f) in sorted {
        sheet.push(vec![
            Cell::said(stage),
            Cell::said(&f.role),
            Cell::count(f.step),
            Cell::count(f.attempt),
            Cell::Count(f.bytes as usize),
            Cell::yes_no(f.released),
            Cell::moment(f.stored_at),
            Cell::Word(f.sha256.clone()),
        ]);
    }
    sheet
}

fn environment(of: &Material) -> Sheet {
    let names = [
        "stage",
        "attempt",
        "state",
        "worker",
        "device",
        "libtorch",
        "processor",
        "built_from",
        "started",
        "seconds",
    ];
    let title = "Where and with what each attempt was made";
    let mut sheet = Sheet::plain(Table::Environment.word(), title, &names);
    for (stage, a) in &of.attempts {
        let host = a.host.clone().unwrap_or_default();
        let ran = a.finished_at.map(|end| end - a.started_at);
        sheet.push(vec![
            Cell::said(stage),
            Cell::count(a.number),
            Cell::Word(a.state.word().into()),
            Cell::said(a.worker_name.as_deref().unwrap_or("")),
            Cell::said(&host.device),
            Cell::said(&host.libtorch),
            Cell::said(&host.cpu_model),
            Cell::said(&host.code),
            Cell::moment(a.started_at),
            Cell::Place(ran.map(|t| t.as_seconds_f64())),
        ]);
    }
    sheet
}

/// Every key of the stage's resolved spec.
fn config(of: &Material) -> Option<Sheet> {
    let spec = of.spec.as_ref()?;
    let title = "Resolved specification of the stage";
    let mut sheet = Sheet::plain(Table::Config.word(), title, &["key", "value"]);
    for (key, value) in super::config::whole(spec) {
        sheet.push(vec![Cell::said(&key), Cell::said(&value)]);
    }
    Some(sheet)
}

/// From the same stage of the run that is asked for; empty where every key is the same.
fn difference(of: &Material) -> Option<Sheet> {
    let found = of.difference().filter(|d| d.known)?;
    let title = format!("Changed keys, against {}", found.name);
    let names = ["key", "here", "there"];
    let mut sheet = Sheet::plain(Table::Difference.word(), text::visible(&title), &names);
    for row in &found.changed {
        sheet.push(vec![
            Cell::said(&row.key),
            Cell::said(&row.here),
            Cell::said(&row.there),
        ]);
    }
    Some(sheet)
}

/// `/runs/{id}/evaluations.csv` and its kind, with the words of the page's address.
pub async fn get(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(RunId, String, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, word, ending) = path.into_inner();
    let missing = || Problem::not_found("table");
    let mut asked = Asked::read(request.query_string());
    let table = Table::ALL.into_iter().find(|table| table.word() == word);
    let table = table.ok_or_else(missing)?;
    let of = material(&state, id, &mut asked).await?;
    // A file is of no other stage, and against no other run, than its address says.
    if asked.has_refused(&["stage", "against"]) {
        return Err(missing());
    }
    let sheet = table.sheet(&of).ok_or_else(missing)?;
    let behind = filed::behind(&mut *state.conn().await?, of.run.experiment).await?;
    let stage = of.stage.as_deref().filter(|_| table.is_of_stage());
    let about = About::of_run(&of.run, &of.question, stage, behind, &[], &sheet);
    let about = about.ignoring(asked.ignored());
    let name = format!("{id}-{}", table.word());
    filed::answer(&sheet, None, &about, &name, &ending).await
}
