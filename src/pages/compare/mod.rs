//! `/compare?runs=a,b&arms=EXPERIMENT/arm`: what differs between any runs or arms, and did
//! it matter?

mod axis;
mod columns;
mod controls;
mod decoders;
mod denominator;
mod entries;
mod export;
mod figure;
mod files;
mod look;
mod numbers;
mod prices;
mod rest;
mod series;
mod standing;
mod table;
mod validation;
mod wanted;

pub(super) use entries::MOST;
pub use files::{csv, get as file, json, tex};

use super::experiment::milestones::measured;
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
use controls::Controls;
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
    controls: Controls,
    collapsed: bool,
    /// Names every column that the link leaves out of the figures, and shows them again.
    hidden: Option<(String, String)>,
    base: String,
    basis: String,
    /// Why no verdict is given, with the shortest named.
    bar: Option<String>,
    columns: Vec<ColumnHead>,
    rows: Vec<LineRow>,
    shortest: Option<String>,
    /// What is measured within it.
    validated: &'static str,
    config: Vec<ConfigRow>,
    changed: usize,
    /// Keys of stages that not every column has.
    elsewhere: usize,
    keys: usize,
    all: bool,
    toggle_all: String,
    collapse: Option<(String, String)>,
    apart: Vec<String>,
    /// At equal inference, a table a policy.
    decoders: Vec<decoders::Shown>,
    forest: Option<Picture>,
    /// Validation along the way, and its frontier.
    milestones: Option<Picture>,
    frontier: Option<Picture>,
    training: Option<Picture>,
    /// Of columns that were asked other questions than the base, a figure a group.
    groups: Vec<Picture>,
    /// Why there is no axis in dollars, or which columns it is without.
    no_price: Option<String>,
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
    /// With its n, and what it does not cover.
    at_shortest: (String, String),
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
        let groups = decoders::groups(of);
        let added = table.lines.iter().filter(|l| l.added_by_policy);
        let decoding = groups.iter().flat_map(|g| &g.lines);
        let decoding = decoding.filter(|l| l.added_by_policy);
        let policy: Vec<String> = added
            .map(|l| l.label.clone())
            .chain(decoding.map(|l| l.label.clone()))
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
            bases: bases(&table, &groups, of),
            controls: Controls::new(&table, of),
            collapsed: wanted.collapse,
            hidden: of.hidden_line().map(|line| (line, wanted.whole())),
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
            shortest: table
                .ground
                .as_ref()
                .and_then(Ground::shortest)
                .map(|least| format!("{least:.3e}")),
            validated: measured(metric).title,
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
            apart: denominator::apart(of, &groups),
            decoders: (0..)
                .zip(&groups)
                .map(|(place, group)| decoders::shown(place, group))
                .collect(),
            forest: figure::forest(&table, kind, metric_title),
            milestones: validation::milestones(of, &table).map(|t| t.picture()),
            frontier: validation::frontier(of, &table).map(|t| t.picture()),
            training: figure::training(of, &table, wanted.curve).map(|t| t.picture()),
            groups: validation::groups(of, &table, wanted.curve)
                .iter()
                .map(|t| t.picture())
                .collect(),
            no_price: prices::note(of),
            no_training: figure::no_training(of, &table),
            denominator: denominator::behind(of),
            add: add(of, wanted),
            export: wanted.query(&wanted.arms, true, wanted.collapse),
            rows: (0..)
                .zip(&table.lines)
                .map(|(slot, line)| row(slot, line, kind, measured(metric).kind))
                .collect(),
        }
    }
}

/// One is chosen: the link's, among decoders or not, else the first column.
fn bases(table: &Compared, groups: &[decoders::Group], of: &Material) -> Vec<Choice> {
    let decodes = of.decoder_base.is_some() || table.lines.is_empty();
    let trained = table.lines.iter().map(|l| Choice {
        value: l.word.clone(),
        label: format!("{} ({})", l.label, l.experiment_name),
        chosen: l.is_base && !decodes,
    });
    let of_group = |g: &decoders::Group| -> Vec<Choice> {
        let own = g.lines.iter().map(|l| Choice {
            value: l.word.clone(),
            label: format!("{} ({})", l.label, g.experiment_name),
            chosen: decodes && of.decoder_base.as_ref() == Some(&l.word),
        });
        own.collect()
    };
    trained.chain(groups.iter().flat_map(of_group)).collect()
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
            "Budgets differ by more than 5 %; the shortest is {shortest}. Final values are each at its own budget, so no verdict is given; beside them stands what each had reached on the validation split within the shortest, and differences are of that."
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

/// A value, and where a run was left out of it what it is with every run.
fn both_ways(kind: Kind, of: Option<&Estimate>, every: Option<&Estimate>) -> (String, String) {
    let (mean, interval) = pair(kind, of, false);
    let every = every.map(|e| {
        let value = number::estimate(kind, e);
        format!("with every run {value}, n = {}", e.n)
    });
    let interval = Some(interval).filter(|text| !text.is_empty());
    let said: Vec<String> = interval.into_iter().chain(every).collect();
    (mean, said.join("; "))
}

fn at_shortest(of: &Line, kind: Kind) -> (String, String) {
    let value = of
        .at_shortest
        .map_or(number::NONE.into(), |e| number::estimate(kind, &e));
    let n = of.at_shortest.map(|e| format!("n = {}", e.n));
    let remark = Some(of.at_shortest_remark.clone()).filter(|r| !r.is_empty());
    let said: Vec<String> = n.into_iter().chain(remark).collect();
    (value, said.join("; "))
}

/// `validated` is the kind of what was measured within the shortest budget.
fn row(slot: usize, of: &Line, kind: Kind, validated: Kind) -> LineRow {
    let first = of.is_base;
    let because = |why: &Option<String>| why.clone().unwrap_or_default();
    LineRow {
        key: of.word.clone(),
        label: of.label.clone(),
        mark: of.mark_said(),
        class: charts::series_class(slot),
        experiment: of.experiment_name.clone(),
        href: href(of),
        by_policy: of.added_by_policy,
        n: format!("{} of {}", of.value.map_or(0, |v| v.n), of.planned_seeds),
        value: both_ways(kind, of.value.as_ref(), of.with_every_run.as_ref()),
        at_shortest: at_shortest(of, validated),
        difference: match (&of.difference, first) {
            (_, true) => ("compared with".into(), String::new()),
            (Some(d), false) => {
                let kind = of.at_shortest.map_or(kind, |_| validated);
                let (mean, interval) = pair(kind, Some(d), true);
                (mean, format!("{interval}, n = {}", d.n))
            }
            (None, false) => (number::NONE.into(), because(&of.no_difference)),
        },
        verdict: of.verdict_said(),
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
            if of.has(*id, &arm.id) {
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
    let mut wanted = Wanted::read(&mut asked);
    let mut conn = state.conn().await?;
    let of = entries::material(&mut conn, &wanted).await?;
    for word in &of.unknown {
        let (key, value) = word.split_once('=').unwrap_or(("", word));
        asked.refuse(key, value);
    }
    wanted.settle(&of);
    let many = wanted.runs.len() + wanted.arms.len();
    if many > entries::MOST {
        asked.refuse(
            "columns",
            &format!("{many}, the first {} are shown", entries::MOST),
        );
    }
    let primary = of
        .first()
        .and_then(|id| of.experiments.get(&id))
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
    let runs: Vec<RunView> = of.runs().map(|(_, run)| run.clone()).collect();
    let sign = freshness::of_runs(&mut *state.conn().await?, &runs).await?;
    let sign = freshness::later(sign, of.exclusions.iter().map(|e| e.at));
    let mut shell = Shell::new(&state, &request, "Compare")
        .crumb("/", "Experiments")
        .signed(&sign);
    shell.ignored = ignored;
    let mut page = ComparePage::new(shell, &wanted, &of, metric);
    if of.is_empty() {
        let mut conn = state.conn().await?;
        let newest = store::list_experiments(&mut conn, 10, None).await?;
        for e in newest {
            let view = store::get_experiment(&mut conn, e.id).await?;
            let arms: Vec<String> = view
                .spec
                .arms
                .iter()
                .map(|arm| format!("{}/{}", e.id, arm.id))
                .collect();
            page.add.push((wanted.query(&arms, false, false), e.name));
        }
    }
    html(&page)
}

#[cfg(test)]
mod tests;
