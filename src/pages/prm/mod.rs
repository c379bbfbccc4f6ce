//! `/runs/{id}/prm` and `/runs/{id}/prm/{text}`: does the judge's score follow what is
//! right, or is it being played?

mod files;
mod found;
mod numbers;

use super::calibrated::Calibrated;
use super::filed::Links;
use super::query::{Asked, link};
use super::run::curve;
use super::run::panels::{self, PanelView};
use super::stages::{self, Filed};
use super::text;
use super::{Choice, Shell, filters, freshness, html};
use crate::charts::tree::quintile;
use crate::number;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use assay_core::ids::RunId;
use assay_core::judged::{Judged, JudgedStep, MOST_JUDGED, credit};
use assay_core::metric;
use assay_core::spec::search::Credit;
use assay_core::wire::role;
use assay_store::{self as store, RunStageView};
use files::linked;
pub use files::{get as file, list as list_file, steps as steps_file};
use found::found;
use numbers::Numbers;
use sqlx::PgConnection;

/// Reductions that a reader may choose, with their words.
const REDUCTIONS: [(&str, Credit); 4] = [
    ("min", Credit::Min),
    ("product", Credit::Prod),
    ("last", Credit::Last),
    ("mean", Credit::Mean),
];

/// What is drawn over training: the judge's word beside what it should follow.
const CURVES: [(&str, &str); 5] = [
    (metric::JUDGE_MEAN, "Judge's mean score"),
    (metric::VALIDATION_PASS_AT_1, "Held-out pass@1 (validation)"),
    (
        metric::JUDGE_AUC_POLICY,
        "Judge's AUC on the policy's samples",
    ),
    (
        metric::JUDGE_WRONG_STEPS_POLICY,
        "Wrong steps behind that AUC",
    ),
    (metric::ACCURACY, "Accuracy of the samples"),
];
const POINTS: usize = 300;

pub(super) struct TextRow {
    pub href: String,
    pub name: String,
    pub prompt: String,
    pub steps: String,
    pub score: String,
    pub level: f64,
    pub class: &'static str,
    pub correct: bool,
    pub disagreements: String,
    /// The judge puts it first of several texts of its problem.
    pub picked: bool,
    pub error: Option<String>,
}

#[derive(Template)]
#[template(path = "prm/list.html")]
struct ListPage {
    shell: Shell,
    run: RunId,
    arm: String,
    seed: u64,
    stages: Vec<Choice>,
    stage: Option<String>,
    steps: Vec<Choice>,
    reductions: Vec<Choice>,
    broken: Option<String>,
    texts: Vec<TextRow>,
    /// They as files.
    files: Links,
    numbers: Option<Numbers>,
    panels: Vec<PanelView>,
    /// Address of a curve's points, up to the metric.
    series: String,
}

struct StepRow {
    number: usize,
    text: String,
    score: String,
    level: f64,
    class: &'static str,
    label: String,
    truth: &'static str,
    disagrees: bool,
}

#[derive(Template)]
#[template(path = "prm/page.html")]
struct TextPage {
    shell: Shell,
    run: RunId,
    name: String,
    stage: String,
    prompt: text::Long,
    gold: String,
    completion: text::Long,
    outcome: &'static str,
    ended: bool,
    reductions: Vec<Choice>,
    reduced: String,
    all: Vec<(&'static str, String)>,
    standing: Option<String>,
    steps: Vec<StepRow>,
    /// They as files.
    files: Links,
    more: usize,
    scores: Option<Calibrated>,
    earlier: Option<String>,
    later: Option<String>,
    error: Option<String>,
}

type Read = Result<Judged, String>;

fn read(line: &str) -> Read {
    serde_json::from_str(line).map_err(|e| format!("not a readable text: {e}"))
}

fn reduction(asked: &mut Asked) -> Credit {
    asked.choose("reduce", &REDUCTIONS).unwrap_or(Credit::Min)
}

fn word(of: Credit) -> &'static str {
    REDUCTIONS
        .iter()
        .find(|(_, how)| *how == of)
        .map_or("min", |r| r.0)
}

fn choices(chosen: Credit) -> Vec<Choice> {
    let choice = |(word, how): (&str, Credit)| Choice {
        value: word.into(),
        label: word.into(),
        chosen: how == chosen,
    };
    REDUCTIONS.map(choice).to_vec()
}

/// A number as a length between 0 and 1.
fn level(of: f64) -> f64 {
    if of.is_finite() {
        of.clamp(0.0, 1.0)
    } else {
        0.0
    }
}

/// Where a text stands among those of its problem: place from 1, and how many they are.
pub(super) fn standing(all: &[Read], at: usize, how: Credit) -> Option<(usize, usize)> {
    let own = all.get(at)?.as_ref().ok()?;
    let score = credit(&own.scores(), how);
    let others = all.iter().flatten().filter(|t| t.prompt == own.prompt);
    let above = others
        .clone()
        .filter(|t| credit(&t.scores(), how) > score)
        .count();
    Some((above + 1, others.count()))
}

fn row(all: &[Read], at: usize, stage: &str, step: i64, how: Credit) -> TextRow {
    let name = format!("{step}-{}", at + 1);
    let query = link([("stage", stage), ("reduce", word(how))]);
    let mut out = TextRow {
        href: format!("prm/{name}{query}"),
        name,
        prompt: String::new(),
        steps: String::new(),
        score: String::new(),
        level: 0.0,
        class: "",
        correct: false,
        disagreements: String::new(),
        picked: false,
        error: None,
    };
    match &all[at] {
        Err(error) => out.error = Some(text::start(error, 200)),
        Ok(judged) => {
            let score = credit(&judged.scores(), how);
            let apart = judged.steps.iter().filter(|s| s.disagrees()).count();
            out.prompt = text::start(&judged.prompt, 80);
            out.steps = number::integer(judged.steps.len() as i64);
            out.score = number::fixed(score, 3);
            out.level = level(score);
            out.class = quintile(Some(score));
            out.correct = judged.correct;
            out.disagreements = number::integer(apart as i64);
            out.picked = standing(all, at, how).is_some_and(|(place, n)| place == 1 && n > 1);
        }
    }
    out
}

/// The curves of a stage that trains with a judge, or trains one.
async fn curves(
    conn: &mut PgConnection,
    run: RunId,
    of: &RunStageView,
) -> Result<Vec<PanelView>, Problem> {
    let mut found = vec![];
    for (name, title) in CURVES {
        let series = store::series(&mut *conn, of.stage, name, POINTS).await?;
        if !series.points.is_empty() {
            found.push((name.to_string(), title.to_string(), series));
        }
    }
    Ok(found
        .iter()
        .map(|(n, t, s)| PanelView {
            files: curve::links(run, &of.name, n),
            ..panels::view(n, t, s)
        })
        .collect())
}

pub async fn list(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<RunId>,
) -> Result<HttpResponse, Problem> {
    let mut asked = Asked::read(request.query_string());
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, *id).await?;
    let question = store::get_experiment(&mut conn, run.experiment).await?.name;
    let filed = stages::filed(&mut conn, &run, role::JUDGED).await?;
    let chosen = stages::chosen(&filed, &mut asked);
    let how = reduction(&mut asked);
    let (mut texts, mut broken, mut steps, mut numbers) = (vec![], None, vec![], None);
    let (mut panels, mut links) = (vec![], Links::default());
    if let Some((Filed { stage, files }, file)) = chosen {
        let (lines, wrong) = stages::lines(&state, file, MOST_JUDGED).await?;
        broken = wrong;
        let all: Vec<Read> = lines.iter().map(|line| read(line)).collect();
        texts = (0..all.len())
            .map(|at| row(&all, at, &stage.name, file.step, how))
            .collect();
        numbers = Numbers::new(&all, how);
        if let Some(n) = &mut numbers {
            let scores = n.scores.take();
            n.scores = scores.map(|c| linked(c, run.id, &stage.name, file.step));
        }
        steps = stages::step_choices(files, file.step);
        links = files::listed(run.id, &stage.name, file.step, how);
        panels = curves(&mut conn, run.id, stage).await?;
    }
    let stage = chosen.map(|(f, _)| f.stage.name.clone());
    let most = POINTS.to_string();
    let query = link([
        ("stage", stage.as_deref().unwrap_or("")),
        ("max_points", most.as_str()),
    ]);
    let sign = freshness::of_runs(&mut conn, std::slice::from_ref(&run)).await?;
    let mut shell = Shell::new(&state, &request, "Judged texts")
        .run(&run, &question)
        .signed(&sign);
    shell.ignored = asked.ignored();
    html(&ListPage {
        shell,
        run: run.id,
        arm: run.arm.label.clone(),
        seed: run.seed,
        stages: stages::stage_choices(&filed, stage.as_deref()),
        stage,
        steps,
        reductions: choices(how),
        broken,
        texts,
        files: links,
        numbers,
        panels,
        series: format!("/api/v1/runs/{}/series{query}&metric=", run.id),
    })
}

/// Steps shown of one text.
const STEPS: usize = 256;

fn step(number: usize, of: &JudgedStep) -> StepRow {
    let score = f64::from(of.score);
    StepRow {
        number,
        text: text::start(&of.text, 400),
        score: number::fixed(score, 3),
        level: level(score),
        class: quintile(Some(score)),
        label: of
            .label
            .map_or(number::NONE.into(), |l| number::fixed(l.into(), 2)),
        truth: match of.truth {
            Some(true) => "right",
            Some(false) => "wrong",
            None => number::NONE,
        },
        disagrees: of.disagrees(),
    }
}

impl TextPage {
    fn new(
        shell: Shell,
        run: RunId,
        at: (i64, usize),
        stage: &str,
        all: &[Read],
        how: Credit,
    ) -> Self {
        let (file, line) = at;
        let none = Judged {
            prompt: String::new(),
            gold: String::new(),
            completion: String::new(),
            ended: true,
            correct: false,
            steps: vec![],
        };
        let (of, error) = match all.get(line) {
            Some(Ok(judged)) => (judged, None),
            Some(Err(error)) => (&none, Some(text::start(error, 200))),
            None => (&none, Some("the file cannot be read up to it".into())),
        };
        let scores = of.scores();
        let to = |line: Option<usize>| {
            let line = line.filter(|l| *l < all.len())?;
            let query = link([("stage", stage), ("reduce", word(how))]);
            Some(format!("{file}-{}{query}", line + 1))
        };
        Self {
            run,
            name: format!("{file}-{}", line + 1),
            stage: stage.into(),
            prompt: text::fold_start(&of.prompt),
            gold: text::start(&of.gold, 1_000),
            completion: text::fold_start(&of.completion),
            outcome: if of.correct { "right" } else { "wrong" },
            ended: of.ended,
            reductions: choices(how),
            reduced: format!("{} {}", word(how), number::fixed(credit(&scores, how), 3)),
            all: REDUCTIONS
                .map(|(word, how)| (word, number::fixed(credit(&scores, how), 3)))
                .to_vec(),
            standing: standing(all, line, how)
                .filter(|(_, n)| *n > 1)
                .map(|(place, n)| {
                    format!(
                        "By {}, the judge puts it at place {place} of {n} texts of its problem{}.",
                        word(how),
                        match (place, of.correct) {
                            (1, false) => ": it would have picked this wrong one",
                            (1, true) => ": it would have picked this right one",
                            _ => "",
                        }
                    )
                }),
            steps: of
                .steps
                .iter()
                .take(STEPS)
                .enumerate()
                .map(|(i, s)| step(i + 1, s))
                .collect(),
            files: files::of_text(run, stage, &format!("{file}-{}", line + 1)),
            more: of.steps.len().saturating_sub(STEPS),
            scores: numbers::scores(all).map(|c| linked(c, run, stage, file)),
            earlier: to(line.checked_sub(1)),
            later: to(Some(line + 1)),
            error,
            shell,
        }
    }
}

pub async fn page(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(RunId, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, name) = path.into_inner();
    let mut asked = Asked::read(request.query_string());
    let of = found(&state, id, &name, &mut asked).await?;
    let how = reduction(&mut asked);
    let mut shell = Shell::new(&state, &request, format!("Judged text {name}"))
        .run(&of.run, &of.question)
        .crumb(
            format!("/runs/{id}/prm{}", link([("stage", of.stage.as_str())])),
            "Judged texts",
        )
        .signed(&of.sign);
    shell.ignored = asked.ignored();
    let page = TextPage::new(shell, id, of.at, &of.stage, &of.all, how);
    html(&page)
}

#[cfg(test)]
mod tests;
