//! `/compare?runs=a,b&arms=EXPERIMENT/arm`: what differs between any runs or arms, and did
//! it matter?

mod denominator;
mod entries;
mod export;
mod figure;
mod files;
mod numbers;
mod table;
mod wanted;

pub use files::{csv, get as file, json, tex};

use super::query::Asked;
use super::{Choice, Shell, filters, freshness, html, words};
use crate::charts;
use crate::number::{self, Kind};
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use assay_core::config::Differs;
use assay_core::ground::Ground;
use assay_core::stats::Estimate;
use assay_store::{self as store, RunView};
use entries::Material;
use figure::Picture;
use table::{Compared, Line, compared};
use wanted::Wanted;

#[derive(Template)]
#[template(path = "compare/page.html")]
struct ComparePage {
    shell: Shell,
    runs: String,
    arms: String,
    metric_title: &'static str,
    metrics: Vec<Choice>,
    curves: Vec<Choice>,
    /// Columns that differences can be taken to.
    bases: Vec<Choice>,
    base: String,
    basis: String,
    /// Why no verdict is given, with the shortest named.
    bar: Option<String>,
    columns: Vec<ColumnHead>,
    rows: Vec<LineRow>,
    shortest: Option<String>,
    config: Vec<ConfigRow>,
    changed: usize,
    /// Keys of stages that not every column has.
    elsewhere: usize,
    keys: usize,
    all: bool,
    toggle_all: String,
    collapse: Option<(String, String)>,
    apart: Vec<String>,
    forest: Option<Picture>,
    training: Option<Picture>,
    /// Why the training curve lacks some of the columns.
    no_training: Option<String>,
    /// Printed under every figure.
    denominator: String,
    add: Vec<(String, String)>,
    export: String,
}

struct ColumnHead {
    label: String,
    experiment: String,
    href: String,
}

struct ConfigRow {
    key: String,
    cells: Vec<String>,
}

struct LineRow {
    key: String,
    label: String,
    class: String,
    experiment: String,
    href: String,
    by_policy: bool,
    mark: Option<String>,
    n: String,
    value: (String, String),
    at_shortest: String,
    difference: (String, String),
    verdict: String,
    questions: String,
    budget: String,
    charged: String,
}

/// Values longer than this are cut; JSON has them whole.
const CUT: usize = 80;

impl ComparePage {
    fn new(shell: Shell, wanted: &Wanted, of: &Material, metric: usize) -> Self {
        let (_, name, metric_title) = words::FINAL[metric];
        let table = compared(of, name);
        let kind = Kind::of(name);
        let options = words::FINAL.iter().enumerate().map(|(i, f)| Choice {
            value: f.0.into(),
            label: f.2.into(),
            chosen: i == metric,
        });
        let policy: Vec<String> = table
            .lines
            .iter()
            .filter(|l| l.added_by_policy)
            .map(|l| l.label.clone())
            .collect();
        let collapse = if !of.collapsed.is_empty() {
            Some((
                format!(
                    "{} collapsed by you: {}.",
                    number::counted(of.collapsed.len() as i64, "required attempt"),
                    of.collapsed.join(", ")
                ),
                wanted.query(&wanted.arms, wanted.all, false),
            ))
        } else if !policy.is_empty() {
            Some((
                format!(
                    "Added by policy, because the first experiment must not leave them out: {}.",
                    policy.join(", ")
                ),
                wanted.query(&wanted.arms, wanted.all, true),
            ))
        } else {
            None
        };
        Self {
            shell,
            runs: wanted.runs.join(","),
            arms: wanted.arms.join(","),
            metric_title,
            metrics: options.collect(),
            curves: words::TRAINING
                .iter()
                .enumerate()
                .map(|(i, f)| Choice {
                    value: f.0.into(),
                    label: words::panel_title(f.1).into(),
                    chosen: i == wanted.curve,
                })
                .collect(),
            bases: table
                .lines
                .iter()
                .map(|l| Choice {
                    value: l.word.clone(),
                    label: format!("{} ({})", l.label, l.experiment_name),
                    chosen: l.is_base,
                })
                .collect(),
            base: table.base().map_or(String::new(), |l| l.label.clone()),
            basis: table.basis_text.clone(),
            bar: bar(&table),
            columns: table
                .lines
                .iter()
                .map(|l| ColumnHead {
                    label: l.label.clone(),
                    experiment: l.experiment_name.clone(),
                    href: href(l),
                })
                .collect(),
            shortest: match &table.ground {
                Some(Ground::Unequal { least, .. }) => Some(format!("{least:.3e}")),
                Some(Ground::EqualCompute { .. } | Ground::OtherUnits) | None => None,
            },
            changed: table.count(Differs::InValue),
            elsewhere: table.count(Differs::InPresence),
            keys: table.config.len(),
            config: table
                .config
                .iter()
                .filter(|r| wanted.all || r.differs == Differs::InValue)
                .map(|r| ConfigRow {
                    key: r.key.clone(),
                    cells: r.values.iter().map(|v| cut(v.as_deref())).collect(),
                })
                .collect(),
            all: wanted.all,
            toggle_all: wanted.query(&wanted.arms, !wanted.all, wanted.collapse),
            collapse,
            apart: of.apart.clone(),
            forest: figure::forest(&table, kind, metric_title),
            training: figure::training(of, &table, wanted.curve).map(|t| t.picture()),
            no_training: figure::no_training(of, &table),
            denominator: denominator::denominator(of).to_string(),
            add: add(of, wanted),
            export: wanted.query(&wanted.arms, true, wanted.collapse),
            rows: (0..)
                .zip(&table.lines)
                .map(|(slot, line)| row(slot, line, kind))
                .collect(),
        }
    }
}

fn cut(value: Option<&str>) -> String {
    let value = value.unwrap_or_default();
    if value.chars().count() <= CUT {
        return value.into();
    }
    value.chars().take(CUT).chain(['…']).collect()
}

fn href(of: &Line) -> String {
    match &of.run {
        Some(run) => format!("/runs/{run}"),
        None => format!("/experiments/{}", of.experiment),
    }
}

fn bar(of: &Compared) -> Option<String> {
    match of.ground.as_ref()? {
        Ground::EqualCompute { .. } => None,
        Ground::Unequal { shortest, .. } => Some(format!(
            "Budgets differ by more than 5 %; the shortest is {shortest}. Final values are each at its own budget, so no verdict is given; beside them stands what each had reached within the shortest."
        )),
        Ground::OtherUnits => Some(
            "Budgets are counted in different units, so nothing can be said at equal compute and no verdict is given.".into(),
        ),
    }
}

fn pair(kind: Kind, of: Option<&Estimate>, signed: bool) -> (String, String) {
    let Some(e) = of else {
        return (number::NONE.into(), String::new());
    };
    let (mean, interval) = if signed {
        (
            number::signed(kind, e.mean),
            e.interval.map(|i| number::signed_interval(kind, &i)),
        )
    } else {
        (
            number::value(kind, e.mean),
            e.interval.map(|i| number::interval(kind, &i)),
        )
    };
    (mean, interval.unwrap_or_else(|| number::no_interval(e.n)))
}

fn row(slot: usize, of: &Line, kind: Kind) -> LineRow {
    let first = of.is_base;
    let because = |why: &Option<String>| why.clone().unwrap_or_default();
    LineRow {
        key: of.word.clone(),
        label: of.label.clone(),
        mark: of.mark.map(|m| m.to_string()),
        class: charts::series_class(slot),
        experiment: of.experiment_name.clone(),
        href: href(of),
        by_policy: of.added_by_policy,
        n: format!("{} of {}", of.value.map_or(0, |v| v.n), of.planned_seeds),
        value: pair(kind, of.value.as_ref(), false),
        at_shortest: of
            .at_shortest
            .map_or(number::NONE.into(), |e| number::estimate(Kind::Share, &e)),
        difference: match (&of.difference, first) {
            (_, true) => ("compared with".into(), String::new()),
            (Some(d), false) => {
                let (mean, interval) = pair(kind, Some(d), true);
                (mean, format!("{interval}, n = {}", d.n))
            }
            (None, false) => (number::NONE.into(), because(&of.no_difference)),
        },
        verdict: match (of.verdict, first) {
            (_, true) => String::new(),
            (Some(verdict), false) => verdict.to_string(),
            (None, false) => "none: not registered".into(),
        },
        questions: match (&of.questions, first) {
            (_, true) => String::new(),
            (Some(t), false) => format!(
                "{} won, {} lost, {} tied",
                number::integer(t.wins as i64),
                number::integer(t.losses as i64),
                number::integer(t.ties as i64)
            ),
            (None, false) => because(&of.no_questions),
        },
        budget: format!("{} {}", number::prefixed(of.budget), of.unit),
        charged: of
            .charged_mean
            .map_or(number::NONE.into(), number::prefixed),
    }
}

/// Other arms of the experiments that are here.
fn add(of: &Material, wanted: &Wanted) -> Vec<(String, String)> {
    let mut links = vec![];
    for (id, known) in &of.experiments {
        for arm in &known.view.spec.arms {
            let word = format!("{id}/{}", arm.id);
            let is_there = |e: &entries::Entry| e.experiment == *id && e.arm == arm.id;
            if arm.decoder().is_some() || of.entries.iter().any(is_there) {
                continue;
            }
            let mut arms = wanted.arms.clone();
            arms.push(word);
            links.push((
                wanted.query(&arms, wanted.all, wanted.collapse),
                format!("{} ({})", arm.label, known.view.name),
            ));
        }
    }
    links
}

async fn read(
    state: &AppState,
    request: &HttpRequest,
) -> Result<(Wanted, Material, usize, Vec<String>), Problem> {
    let mut asked = Asked::read(request.query_string());
    let wanted = Wanted::read(&mut asked);
    let mut conn = state.conn().await?;
    let of = entries::material(&mut conn, &wanted).await?;
    for word in &of.unknown {
        let (key, value) = word.split_once('=').unwrap_or(("", word));
        asked.refuse(key, value);
    }
    let many = wanted.runs.len() + wanted.arms.len();
    if many > entries::MOST {
        asked.refuse(
            "columns",
            &format!("{many}, the first {} are shown", entries::MOST),
        );
    }
    let primary = of
        .entries
        .first()
        .and_then(|e| of.experiments.get(&e.experiment))
        .and_then(|known| {
            words::FINAL
                .iter()
                .position(|f| f.1 == known.view.spec.metric)
        });
    let metric = wanted.metric.or(primary).unwrap_or(0);
    Ok((wanted, of, metric, asked.ignored()))
}

pub async fn page(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let (wanted, of, metric, ignored) = read(&state, &request).await?;
    let runs: Vec<RunView> = of.entries.iter().flat_map(|e| e.runs.clone()).collect();
    let sign = freshness::of_runs(&mut *state.conn().await?, &runs).await?;
    let sign = freshness::later(sign, of.exclusions.iter().map(|e| e.at));
    let mut shell = Shell::new(&state, &request, "Compare")
        .crumb("/", "Experiments")
        .signed(&sign);
    shell.ignored = ignored;
    let mut page = ComparePage::new(shell, &wanted, &of, metric);
    if of.entries.is_empty() {
        let mut conn = state.conn().await?;
        let newest = store::list_experiments(&mut conn, 10, None).await?;
        for e in newest {
            let view = store::get_experiment(&mut conn, e.id).await?;
            let arms: Vec<String> = view
                .spec
                .arms
                .iter()
                .filter(|arm| arm.decoder().is_none())
                .map(|arm| format!("{}/{}", e.id, arm.id))
                .collect();
            page.add.push((wanted.query(&arms, false, false), e.name));
        }
    }
    html(&page)
}

#[cfg(test)]
mod tests;
