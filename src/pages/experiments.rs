//! `/`: every experiment, what it has shown, and what needs somebody.

mod files;

use super::filed::{Links, OF_TABLE};
use super::judged::{Judged, judged};
use super::query::{Asked, link};
use super::{Choice, Shell, filters, html, words};
use crate::number;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use assay_core::denominator::is_unsuccessful;
use assay_core::ids::ExperimentId;
use assay_core::outcome::{Outcome, Verdict};
use assay_core::spending::{Spending, StageSpend, spending};
use assay_core::stats::MIN_SEEDS_INTERVAL;
use assay_core::wire::LEASE_SECONDS;
use assay_store::{
    self as store, AlarmedRun, ExperimentSummary, Search, Sign, Standing, WorkerView,
};
pub use files::get as file;
use time::OffsetDateTime;

#[derive(Template)]
#[template(path = "experiments.html")]
struct ExperimentsPage {
    shell: Shell,
    rows: Vec<ExperimentRow>,
    /// They as files.
    files: Links,
    /// What somebody should look at, with where to.
    needs: Vec<(String, &'static str)>,
    text: String,
    statuses: Vec<Choice>,
    /// Something was searched for.
    searched: bool,
    /// Where the next page begins.
    more: Option<String>,
    /// Not the first page.
    later: bool,
    /// Runs with alarms, where these are asked for.
    alarmed: Vec<AlarmedRow>,
}

struct AlarmedRow {
    run: String,
    label: String,
    alarms: String,
    last: String,
}

struct ExperimentRow {
    id: String,
    name: String,
    question: String,
    arms: String,
    budget: String,
    /// `2 better`, the worse ones counted as well.
    verdicts: Vec<String>,
    spend: Vec<String>,
    on_unsuccessful: Option<String>,
    done: i64,
    running: i64,
    failed: i64,
    runs: i64,
    last: String,
}

const PAGE: i64 = 25;
/// Runs with alarms that are named at most.
const ALARMED: i64 = 50;
/// Workers that have been silent for longer are gone, not silent.
const FORGOTTEN_SECONDS: f64 = 600.0;

const STANDINGS: [(&str, &str, Standing); 4] = [
    ("open", "runs or waits", Standing::Open),
    ("failed", "a run has failed", Standing::Failed),
    ("done", "all runs done", Standing::Done),
    ("alarmed", "a run has an alarm", Standing::Alarmed),
];

/// One experiment with all that its line says.
struct Listed {
    summary: ExperimentSummary,
    judged: Judged,
    spent: Vec<StageSpend>,
}

#[derive(Default)]
struct Material {
    listed: Vec<Listed>,
    more: Option<String>,
    /// The experiment after which this page begins.
    before: Option<ExperimentId>,
    search: Search,
    silent: usize,
    alarmed: i64,
    alarmed_runs: Vec<AlarmedRun>,
    sign: Sign,
}

impl ExperimentsPage {
    fn new(shell: Shell, of: &Material, now: OffsetDateTime) -> Self {
        Self {
            needs: needs(of),
            text: of.search.text.clone().unwrap_or_default(),
            statuses: statuses(of.search.standing),
            searched: of.search.text.is_some() || of.search.standing.is_some(),
            rows: of.listed.iter().map(|l| row(l, now)).collect(),
            more: of.more.as_ref().map(|id| older(&of.search, id)),
            later: of.before.is_some(),
            files: Links::new("/experiments", &OF_TABLE, &query(of)),
            alarmed: of.alarmed_runs.iter().map(|r| alarmed(r, now)).collect(),
            shell,
        }
    }
}

fn statuses(chosen: Option<Standing>) -> Vec<Choice> {
    let mut all = vec![Choice {
        value: String::new(),
        label: "any".into(),
        chosen: chosen.is_none(),
    }];
    all.extend(STANDINGS.iter().map(|(word, label, standing)| Choice {
        value: (*word).into(),
        label: (*label).into(),
        chosen: chosen == Some(*standing),
    }));
    all
}

/// The next page of the same search.
fn older(of: &Search, before: &str) -> String {
    let mut query = format!("before={before}");
    if let Some(text) = &of.text {
        let bytes = text.bytes().map(|b| {
            if b.is_ascii_alphanumeric() {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        });
        query += &format!("&q={}", bytes.collect::<String>());
    }
    let word = STANDINGS.iter().find(|s| Some(s.2) == of.standing);
    if let Some((word, ..)) = word {
        query += &format!("&status={word}");
    }
    query
}

/// What asks for this page of this search again; nothing where it is the plain one.
fn query(of: &Material) -> String {
    let word = STANDINGS.iter().find(|s| Some(s.2) == of.search.standing);
    let before = of.before.map_or(String::new(), |id| id.to_string());
    let query = link([
        ("q", of.search.text.as_deref().unwrap_or("")),
        ("status", word.map_or("", |s| s.0)),
        ("before", before.as_str()),
    ]);
    if query.len() > 1 {
        query
    } else {
        String::new()
    }
}

impl Listed {
    fn spending(&self) -> Spending {
        let keys = self.judged.view.arms.iter().map(|arm| arm.key.as_str());
        let outcome = &self.judged.outcome;
        spending(keys, &self.spent, |arm| is_unsuccessful(outcome, arm))
    }
}

fn row(of: &Listed, now: OffsetDateTime) -> ExperimentRow {
    let e = &of.summary;
    let spec = &of.judged.view.spec;
    let sum = of.spending();
    let mut spend = vec![
        format!("{} FLOPs", number::prefixed(sum.total.cost.flops)),
        number::duration(sum.total.cost.device_ms),
    ];
    spend.extend(sum.total.dollars.map(number::dollars));
    ExperimentRow {
        id: e.id.to_string(),
        name: e.name.clone(),
        question: e.question.clone(),
        arms: number::counted(e.arms, "arm"),
        budget: format!(
            "{} {} a seed",
            number::prefixed(spec.budget.amount),
            words::unit(spec.budget.unit)
        ),
        verdicts: verdicts(&of.judged),
        spend,
        on_unsuccessful: on_unsuccessful(&of.judged.outcome, &sum),
        done: e.runs_done,
        running: e.runs_running,
        failed: e.runs_failed,
        runs: e.runs,
        last: number::age(e.last_event_at.unwrap_or(e.created_at), now),
    }
}

fn alarmed(of: &AlarmedRun, now: OffsetDateTime) -> AlarmedRow {
    AlarmedRow {
        run: of.run.to_string(),
        label: format!("{}, seed {}", of.arm, of.seed),
        alarms: number::counted(of.alarms, "alarm"),
        last: number::age(of.latest, now),
    }
}

/// The part of it that only arms which did not work needed: information, not a reproach.
/// Nothing where nothing was spent, or where the rule has not spoken.
fn on_unsuccessful(of: &Outcome, sum: &Spending) -> Option<String> {
    let share = sum.unsuccessful.share_of(&sum.total);
    let share = share.filter(|_| of.has_spoken())?;
    let dollars = sum.total.dollars.map(|_| {
        let spent = sum.unsuccessful.dollars.unwrap_or(0.0);
        format!(", {}", number::dollars(spent))
    });
    Some(format!(
        "{} of the time{} on what did not work",
        number::percent(share),
        dollars.unwrap_or_default()
    ))
}

/// Counts of the registered contrasts' words, none left out.
fn verdicts(of: &Judged) -> Vec<String> {
    let outcome: &Outcome = &of.outcome;
    if outcome.lacks_attempts() {
        return vec!["withheld: no unsuccessful-attempt baseline is registered".into()];
    }
    if outcome.withheld {
        return vec!["withheld: a required attempt is missing".into()];
    }
    let count = |wanted: &[Verdict]| {
        let own = outcome.contrasts.iter().filter_map(|c| c.verdict);
        own.filter(|v| wanted.contains(v)).count()
    };
    let mut said: Vec<String> = [
        (
            "better",
            &[Verdict::Better, Verdict::BetterWithinMargin][..],
        ),
        ("worse", &[Verdict::Worse, Verdict::WorseWithinMargin]),
        ("equivalent", &[Verdict::Equivalent]),
        ("unclear", &[Verdict::NoDifferenceShown]),
        ("without enough seeds", &[Verdict::NotEnoughSeeds]),
    ]
    .into_iter()
    .map(|(word, wanted)| (word, count(wanted)))
    .filter(|(_, n)| *n > 0)
    .map(|(word, n)| format!("{n} {word}"))
    .collect();
    let arms = of.view.arms.iter();
    let unsuccessful = arms.filter(|a| is_unsuccessful(outcome, &a.key)).count();
    if unsuccessful > 0 {
        said.push(format!("× {unsuccessful} unsuccessful"));
    }
    if let Some(open) = outcome.interim() {
        said.push(format!(
            "so far: {} open",
            number::counted(open as i64, "run")
        ));
    }
    said
}

/// What stands in the way of an answer, or of work.
fn needs(of: &Material) -> Vec<(String, &'static str)> {
    let mut needs = vec![];
    let mut say = |n: i64, word: &str, what: &str, href| {
        if n > 0 {
            needs.push((format!("{} {what}", number::counted(n, word)), href));
        }
    };
    say(of.silent as i64, "worker", "silent", "/queue");
    say(
        of.alarmed,
        "run",
        "with an alarm in the last 24 h",
        "/?status=alarmed",
    );
    let failed = of.listed.iter().map(|l| l.summary.runs_failed).sum();
    say(failed, "run", "failed", "/?status=failed");
    let settled = of.listed.iter().filter(|l| {
        let e = &l.summary;
        e.runs_running == 0 && e.runs_done + e.runs_failed > 0
    });
    let few: usize = settled.map(|l| too_few(&l.judged)).sum();
    say(
        few as i64,
        "arm",
        &format!("with fewer than {MIN_SEEDS_INTERVAL} seeds: no interval"),
        "/",
    );
    needs
}

/// Arms that have something to show and no interval to show it with.
fn too_few(of: &Judged) -> usize {
    let trained = of.arms.iter().map(|arm| arm.counted().count());
    let decoders = of.decoders.iter().map(|arm| arm.finished());
    trained
        .chain(decoders)
        .filter(|n| *n < MIN_SEEDS_INTERVAL)
        .count()
}

fn is_silent(of: &WorkerView) -> bool {
    let seconds = of.seconds_since_seen;
    seconds > LEASE_SECONDS as f64 && (seconds < FORGOTTEN_SECONDS || !of.running.is_empty())
}

async fn material(
    state: &AppState,
    search: Search,
    before: Option<ExperimentId>,
) -> Result<Material, Problem> {
    let mut conn = state.conn().await?;
    let mut list = store::search_experiments(&mut conn, PAGE + 1, before, &search).await?;
    let full = list.len() as i64 > PAGE;
    list.truncate(PAGE as usize);
    let ids: Vec<ExperimentId> = list.iter().map(|e| e.id).collect();
    let mut spent = store::list_spending(&mut conn, &ids).await?;
    let more = ids.last().filter(|_| full).map(ToString::to_string);
    let mut listed = vec![];
    for summary in list {
        listed.push(Listed {
            judged: judged(&mut conn, summary.id).await?,
            spent: spent.remove(&summary.id).unwrap_or_default(),
            summary,
        });
    }
    let alarmed_runs = match search.standing {
        Some(Standing::Alarmed) => store::list_alarmed_runs(&mut conn, &ids, ALARMED).await?,
        Some(Standing::Open | Standing::Failed | Standing::Done) | None => vec![],
    };
    let workers = store::list_workers(&mut conn).await?;
    Ok(Material {
        listed,
        more,
        before,
        search,
        silent: workers.iter().filter(|w| is_silent(w)).count(),
        alarmed: store::count_alarmed_runs(&mut conn).await?,
        alarmed_runs,
        sign: store::last_change(&mut conn).await?,
    })
}

/// What is searched for, and after which experiment.
fn wanted(asked: &mut Asked) -> (Search, Option<ExperimentId>) {
    let before = asked.text("before").and_then(|text| {
        let id = text.parse::<ExperimentId>();
        if id.is_err() {
            asked.refuse("before", &text);
        }
        id.ok()
    });
    let search = Search {
        // A zero byte is in no text that is stored.
        text: asked.text("q").filter(|text| !text.contains('\0')),
        standing: asked.choose("status", &STANDINGS.map(|(word, _, s)| (word, s))),
    };
    (search, before)
}

pub async fn page(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut asked = Asked::read(request.query_string());
    let (search, before) = wanted(&mut asked);
    let of = material(&state, search, before).await?;
    let mut shell = Shell::new(&state, &request, "Experiments").signed(&of.sign);
    shell.live = Some("/live".into());
    shell.ignored = asked.ignored();
    html(&ExperimentsPage::new(shell, &of, OffsetDateTime::now_utc()))
}

#[cfg(test)]
mod tests;
