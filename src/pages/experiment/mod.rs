//! `/experiments/{id}`: does it work, compared with what, at which cost?

pub(super) mod at_budget;
pub(super) mod axis;
mod beyond;
mod both_ways;
mod carried;
mod cite;
mod colours;
mod comparison;
mod contrasts;
mod controls;
mod costs;
mod curve_list;
mod curves;
mod data;
mod decisions;
pub(super) mod decoders;
mod denominator;
mod did_not_work;
mod excluded;
pub(super) mod export;
pub(super) mod figure;
pub(super) mod figures;
pub(super) mod files;
pub(super) mod forest;
pub(super) mod frontier;
mod kept;
pub(super) mod latex;
mod listed;
mod marked;
mod material;
mod matrix;
pub(super) mod milestones;
pub(super) mod numbers;
mod own_view;
pub(super) mod prices;
pub(super) mod published;
mod ruled;
mod runs;
mod settings;
mod sheets;
mod sort;
pub(super) mod standing;
mod supervision;
mod tables;
pub(super) mod training;
mod tries;
mod verdict_line;
mod verdict_words;
mod verdicts;
mod versions;
mod view;
mod whole;
mod why;

pub use curve_list::page as all_curves;
pub use files::{bib, get as file};
pub use whole::{csv, json};

use super::looks::{self, choice, scales};
use super::query::Asked;
use super::references::{self, Marks};
use super::{Choice, Shell, filters, freshness, html, words};
use crate::number;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use assay_core::beyond::Over;
use assay_core::ids::ExperimentId;
use assay_core::spec::BaseSeeds;
use beyond::BeyondTable;
use carried::Carried;
use colours::Colour;
use comparison::ArmRow;
use controls::{axes, bases};
use costs::{ByPurpose, CostRow};
pub(super) use decisions::{exclude, include};
use did_not_work::DidNotWork;
use excluded::Excluded;
use figure::Name;
use figures::{Controls, Figures};
pub(super) use kept::{export as snapshot, keep as cite};
use material::{Material, Needs};
use matrix::Matrix;
pub(super) use own_view::keep;
use runs::ArmRuns;
use sort::Sort;
use tries::{Tries, tries};
use verdicts::Verdicts;
use versions::Versions;
pub(super) use versions::amend;
use view::Wanted;

#[derive(Template)]
#[template(path = "experiment/page.html")]
struct ExperimentPage {
    shell: Shell,
    id: String,
    question: String,
    /// None of an experiment of decoders alone.
    trains: bool,
    basis: String,
    /// What differences are taken to.
    baseline: String,
    /// What it is called in the table.
    comparator: &'static str,
    /// Said where it is not the registered one.
    exploring: Option<String>,
    registered_baseline: String,
    baseline_key: String,
    /// What all seeds have in common, so that no interval covers it.
    fixed: String,
    /// The verdict in a sentence; nothing while it is withheld.
    verdict_line: Option<verdict_line::Line>,
    /// Required attempts without which nothing is said.
    lacking: Vec<verdict_line::Lacking>,
    /// Those that were not run, with the registered reason.
    not_run: Option<String>,
    none_registered: bool,
    did_not_work: DidNotWork,
    missing: Vec<String>,
    nothing_yet: bool,
    unit: &'static str,
    metric_title: &'static str,
    second_title: &'static str,
    metrics: Vec<Choice>,
    curves: Vec<Choice>,
    costs: Vec<Choice>,
    x_scales: Vec<Choice>,
    y_scales: Vec<Choice>,
    bands: Vec<Choice>,
    lines: Vec<Choice>,
    /// Arms that differences may be taken to.
    bases: Vec<Choice>,
    colours: Vec<Choice>,
    pins: Vec<Choice>,
    controls: Controls,
    /// Every arm of the figures: those that are drawn are chosen.
    shown_arms: Vec<Choice>,
    rows: Vec<ArmRow>,
    /// What the arm that looks best would lose on fresh seeds.
    selection: Option<beyond::Selected>,
    /// Other questions: read where `questions=1` asks for it, for it takes every answer.
    beyond: Option<BeyondTable>,
    /// Of the benchmark that the task names.
    references: Option<Marks>,
    /// As the link asks; nothing where it does not.
    sort: &'static str,
    /// The order that the table has.
    ordered: &'static str,
    /// Orders of the table, each with what its address asks for.
    sorts: Vec<Choice>,
    /// Where some work has a price.
    priced: bool,
    /// The arms were not tried equally hard.
    unequal: Option<String>,
    /// Nobody says how hard any of them was.
    untold: bool,
    verdicts: Verdicts,
    decoders: Vec<decoders::Group>,
    /// Questions and samples behind each figure.
    measured: String,
    figures: Figures,
    milestone_table: milestones::Table,
    tries: Tries,
    /// Of colours that are not the arm's own.
    legend: Vec<colours::Entry>,
    /// Why no axis is in dollars.
    no_price: Option<String>,
    /// Names every arm that the link leaves out of the figures.
    hidden: Option<String>,
    snapshot: String,
    /// The link cites another state of the data, which was not kept.
    past: Option<String>,
    kept: kept::Said,
    /// Asks for the kept state that is shown, and for nothing else of the view.
    of_state: String,
    runs: Vec<ArmRuns>,
    charged: Vec<CostRow>,
    by_purpose: ByPurpose,
    spent: Vec<CostRow>,
    /// What part of it went to what did not work.
    spent_on_unsuccessful: String,
    excluded: Excluded,
    /// How many runs the numbers are over.
    counted: String,
    matrix: Matrix,
    margin: String,
    min_gain: String,
    registered: String,
    version: i32,
    sha256: String,
    versions: Versions,
    spec: String,
    query: String,
    /// The same for files, in this page's own words.
    files: String,
    /// The reader's browser keeps a default view.
    own_view: bool,
}

impl ExperimentPage {
    fn new(shell: Shell, of: &Material, wanted: &Wanted, query: String) -> Self {
        let carried = Carried::new(of, wanted);
        let spec = &of.view.spec;
        let (_, _, metric_title) = words::FINAL[wanted.metric];
        let second = comparison::second(wanted.metric);
        Self {
            shell,
            id: of.view.id.to_string(),
            question: of.view.question.clone(),
            trains: !of.test.is_empty(),
            basis: of.basis().to_string(),
            baseline: of.name(wanted.baseline(of)),
            comparator: forest::comparator(wanted),
            exploring: forest::exploring(of, wanted),
            registered_baseline: of.name(&spec.baseline),
            baseline_key: spec.baseline.clone(),
            fixed: fixed(of),
            verdict_line: verdict_line::line(of),
            lacking: verdict_line::lacking(of),
            not_run: verdict_line::not_run_said(of),
            none_registered: verdict_line::none_registered(of),
            did_not_work: did_not_work::did_not_work(of, carried.denominator.hidden.len()),
            missing: runs::missing(of),
            unit: words::unit(spec.budget.unit),
            nothing_yet: of.test.iter().all(|arm| arm.runs.is_empty())
                && of.decoders.iter().all(|arm| arm.runs.is_empty()),
            metric_title,
            second_title: words::FINAL[second].2,
            metrics: words::FINAL
                .iter()
                .enumerate()
                .map(|(i, f)| choice(f.0, f.2, i == wanted.metric))
                .collect(),
            curves: controls::curves(wanted),
            costs: axes(wanted),
            x_scales: scales(wanted.x_scale, "as each figure has it"),
            y_scales: scales(Some(wanted.y_scale), ""),
            bands: looks::bands(wanted.band),
            lines: looks::lines(wanted.lines),
            bases: bases(of, wanted),
            colours: Colour::ALL
                .map(|c| choice(c.word(), c.title(), c == wanted.colour))
                .into(),
            pins: Name::ALL
                .map(|name| {
                    let chosen = wanted.pinned.contains(&name);
                    choice(&name.word(), name.title(), chosen)
                })
                .into(),
            controls: Controls::new(wanted),
            shown_arms: of
                .view
                .arms
                .iter()
                .map(|arm| choice(&arm.key, &of.label(&arm.key), !wanted.hides(of, &arm.key)))
                .collect(),
            rows: comparison::rows(of, wanted),
            selection: beyond::selection(of, wanted),
            beyond: None,
            references: references::marks(&spec.task),
            sort: wanted.sort.map_or("", Sort::word),
            ordered: wanted.table_sort().word(),
            sorts: Sort::ALL
                .map(|sort| {
                    let query = wanted.sorted(sort).query(&of.view);
                    choice(&query, sort.title(), sort == wanted.table_sort())
                })
                .into(),
            priced: comparison::is_priced(of),
            unequal: settings::said(of),
            untold: settings::are_untold(of),
            verdicts: verdicts::verdicts(of, wanted),
            decoders: decoders::groups(of, wanted),
            measured: format!(
                "{} test questions and as many out of distribution, {} each, at temperature {}, up to {} tokens.",
                number::integer(i64::from(spec.evaluation.problems)),
                number::counted(i64::from(spec.evaluation.samples), "sample"),
                spec.evaluation.temperature,
                spec.evaluation.max_completion_length,
            ),
            figures: Figures::new(of, wanted),
            milestone_table: milestones::table(of, wanted),
            tries: tries(of, wanted),
            legend: colours::legend(of, wanted),
            no_price: of.no_price.clone(),
            hidden: (!carried.denominator.hidden.is_empty())
                .then(|| carried.denominator.hidden_line()),
            past: wanted
                .snap
                .clone()
                .filter(|_| wanted.is_past(&carried.snapshot)),
            snapshot: carried.snapshot,
            kept: kept::Said::default(),
            of_state: wanted.state(),
            runs: runs::by_arm(of),
            charged: costs::charged(of),
            by_purpose: costs::by_purpose(of),
            spent: costs::spent(of),
            spent_on_unsuccessful: costs::on_unsuccessful(of),
            excluded: excluded::excluded(of, wanted.metric),
            counted: of.denominator(carried.denominator.hidden.len()).to_string(),
            matrix: matrix::matrix(of),
            margin: number::significant(spec.margin),
            min_gain: number::significant(spec.min_gain),
            registered: words::FINAL
                .iter()
                .find(|f| f.1 == spec.metric)
                .map_or(spec.metric.clone(), |f| f.2.to_string()),
            version: of.view.version,
            sha256: of.view.sha256.clone(),
            versions: versions::versions(of),
            spec: serde_json::to_string_pretty(spec).unwrap_or_default(),
            query,
            files: wanted.query(&of.view),
            own_view: false,
        }
    }
}

/// The line that stands with every interval.
fn fixed(of: &Material) -> String {
    let spec = &of.view.spec;
    let names: Vec<&str> = spec.stages.iter().map(|s| s.id.as_str()).collect();
    match (spec.base_seeds, names.is_empty()) {
        (_, true) => "Nothing is shared between seeds.".into(),
        (BaseSeeds::Shared, false) => format!(
            "Fixed for all seeds: {} (computed once). The intervals hold for this one and do not cover how another would have turned out.",
            names.join(", ")
        ),
        (BaseSeeds::PerSeed, false) => format!(
            "Each seed has its own {}, shared by all arms of that seed; differences are paired by seed.",
            names.join(", ")
        ),
    }
}

pub async fn page(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<ExperimentId>,
) -> Result<HttpResponse, Problem> {
    if let Some(answer) = own_view::lead(&request, *id) {
        return Ok(answer);
    }
    let mut asked = Asked::read(request.query_string());
    asked.choose("plain", &[("1", ())]);
    let mut wanted = None;
    let snap = view::cited(request.query_string());
    let of = kept::cited(&state, *id, snap.as_deref(), |view| {
        let read = wanted.insert(Wanted::read(&mut asked, view));
        Needs {
            curve: Some(read.curve_metric().into()),
            x: Some(read.x),
            places: read.places,
            part: read.zoom(),
            over: read.over,
        }
    })
    .await?;
    let mut wanted = wanted.unwrap_or_else(|| Wanted::new(of.view.spec.budget.unit));
    wanted.drop_unreported(&of, &mut asked);
    wanted.settle(&of);
    if wanted.over != Over::Seeds && of.kept.is_some() {
        // Answers to single questions are not kept.
        asked.refuse("questions", "1 of a kept state");
        wanted.over = Over::Seeds;
    }
    let sign = match &of.kept {
        Some(kept) => kept.sign(),
        None => {
            let sign = freshness::of_runs(&mut *state.conn().await?, &of.runs).await?;
            freshness::later(sign, of.exclusions.iter().map(|e| e.at))
        }
    };
    let mut shell = Shell::new(&state, &request, of.view.name.clone())
        .crumb("/", "Experiments")
        .signed(&sign);
    shell.ignored = asked.ignored();
    let open = of.runs.iter().any(|run| words::is_open(run.state));
    // What was kept has no news.
    shell.live = (open && of.kept.is_none()).then(|| format!("/experiments/{id}/live"));
    let query = figures::asked(request.query_string());
    let mut page = ExperimentPage::new(shell, &of, &wanted, query);
    page.own_view = own_view::is_kept(&request);
    page.kept = kept::Said::read(&state, &of, &page.snapshot).await?;
    if wanted.over != Over::Seeds {
        let spec = &of.view.spec;
        page.beyond = assay_core::beyond::beyond(&spec.budget, &spec.baseline, &of.shares)
            .map(|found| beyond::table(&of, &found));
    }
    html(&page)
}

#[cfg(test)]
mod tests;
