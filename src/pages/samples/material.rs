//! What the samples page is made from.

use super::contest::Unkept;
use super::wanted::Wanted;
use crate::pages::query::Asked;
use crate::pages::run::reflective::{self, Base};
use crate::pages::text;
use crate::problem::Problem;
use crate::state::AppState;
use assay_core::ids::{RunId, StageId};
use assay_core::spec::stage::StageSpec;
use assay_store::{
    self as store, Contest, Cut, GroupView, Place, RunView, Sample, SampleFilter, Series,
};
use sqlx::PgConnection;
use std::collections::BTreeSet;

/// Everything that the page is made from.
#[derive(Debug)]
pub(in crate::pages) struct Material {
    pub run: RunView,
    pub question: String,
    /// Stages that have stored completions, and the one that is shown.
    pub stages: Vec<String>,
    pub stage: Option<Shown>,
    pub contests: Vec<Contest>,
    /// A person's word that could not be kept.
    pub unkept: Option<Unkept>,
}

/// The stage that is shown.
#[derive(Debug)]
pub(in crate::pages) struct Shown {
    pub name: String,
    pub id: StageId,
    pub spec: StageSpec,
    /// Steps that it has made so far.
    pub trained: i64,
    pub steps: Vec<i64>,
    pub wanted: Wanted,
    /// Completions stored of the stage, and those that the filter of the address lets
    /// through before the texts are read.
    pub stored: u64,
    pub matching: u64,
    pub samples: Vec<Sample>,
    pub groups: Vec<GroupView>,
    pub next: Option<Place>,
    /// Texts read without finding a full page.
    pub scanned: Option<usize>,
    /// What is counted in texts, over the steps: words and curve.
    pub rates: Vec<(&'static str, Series)>,
    /// How reflective the base model was, where that is counted.
    pub base: Option<Base>,
    /// Completions at the step that is asked for beside: of the shown prompts, and of groups
    /// with the numbers of those that are shown.
    pub beside: Vec<Sample>,
    /// The shown prompts by their MD5, and each stored step at which they stand.
    pub prompt_steps: Vec<(String, i64)>,
}

/// Counts in texts whose rates stand beside the marks.
pub(super) const RATES: [(&str, &str); 2] = [
    (reflective::METRIC, "Reflective completions"),
    (
        "train/language_consistency",
        "Characters of steps in the prompt's vocabulary",
    ),
];

/// Completions a page.
const PAGE: usize = 50;
/// Texts read for one page where they are chosen by what stands in them.
const SCAN: usize = 2_000;
const BATCH: i64 = 200;
const POINTS: usize = 300;
/// Completions of another step that are looked through for the shown prompts.
const BESIDE: i64 = 512;
pub(super) const CUT: Cut = Cut {
    prompt: text::MOST as i32,
    completion: text::MOST as i32,
};

/// One page of completions, in the order of sampling.
async fn gather(
    conn: &mut PgConnection,
    of: &mut Shown,
    filter: &SampleFilter,
) -> Result<(), Problem> {
    let mut after = of.wanted.after;
    let mut scanned = 0;
    loop {
        let limit = if of.wanted.reads_texts() {
            BATCH
        } else {
            PAGE as i64 + 1
        };
        let rows = store::list_samples(&mut *conn, of.id, filter, after, CUT, limit).await?;
        let last = rows.len() < limit as usize;
        for row in rows {
            scanned += 1;
            if of.samples.len() == PAGE {
                of.next = of.samples.last().map(Sample::place);
                break;
            }
            after = Some(row.place());
            if of.wanted.takes(&of.spec.task, &row) {
                of.samples.push(row);
            }
        }
        if last || of.next.is_some() {
            break;
        }
        if scanned >= SCAN {
            of.next = after;
            of.scanned = Some(scanned);
            break;
        }
    }
    if of.next.is_some() && !filter.splits_groups() && !of.wanted.reads_texts() {
        whole_groups(of);
    }
    Ok(())
}

/// Leaves a group that does not end on this page to the next one, unless it is the only one.
pub(super) fn whole_groups(of: &mut Shown) {
    let key = |s: &Sample| (s.view.step, s.view.group);
    let Some(last) = of.samples.last().map(key) else {
        return;
    };
    if of.samples.first().map(key) != Some(last) {
        of.samples.retain(|s| key(s) != last);
        of.next = of.samples.last().map(Sample::place);
    }
}

/// The same prompts at other steps. Where a prompt is not drawn again, the group of the same
/// number stands beside it.
async fn find_beside(conn: &mut PgConnection, of: &mut Shown) -> Result<(), Problem> {
    let mut prompts: Vec<String> = of.samples.iter().map(|s| s.prompt_md5.clone()).collect();
    prompts.sort();
    prompts.dedup();
    of.prompt_steps = store::list_prompt_steps(&mut *conn, of.id, &prompts).await?;
    if let Some(step) = of.wanted.with {
        let filter = SampleFilter {
            step: Some(step),
            ..SampleFilter::default()
        };
        let rows = store::list_samples(conn, of.id, &filter, None, CUT, BESIDE).await?;
        let numbers: BTreeSet<i32> = of.samples.iter().map(|s| s.view.group).collect();
        let may_stand = |row: &Sample| {
            let is_same = prompts.binary_search(&row.prompt_md5).is_ok();
            is_same || numbers.contains(&row.view.group)
        };
        of.beside = rows.into_iter().filter(may_stand).collect();
    }
    Ok(())
}

pub(super) async fn material(
    state: &AppState,
    id: RunId,
    asked: &mut Asked,
) -> Result<Material, Problem> {
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, id).await?;
    let question = store::get_experiment(&mut conn, run.experiment).await?.name;
    let mut sampled = vec![];
    for stage in &run.stages {
        let steps = store::completion_steps(&mut conn, stage.stage).await?;
        if !steps.is_empty() {
            sampled.push((stage, steps));
        }
    }
    let wanted = asked.text("stage");
    let chosen = wanted.as_ref().and_then(|name| {
        let found = sampled.iter().position(|(s, _)| s.name == *name);
        if found.is_none() {
            asked.refuse("stage", name);
        }
        found
    });
    let at = chosen.or(sampled.len().checked_sub(1));
    let mut stage = None;
    if let Some((view, steps)) = at.map(|at| &sampled[at]) {
        let wanted = Wanted::read(asked, steps);
        let filter = wanted.filter();
        let mut shown = Shown {
            name: view.name.clone(),
            id: view.stage,
            spec: store::get_stage_spec(&mut conn, view.stage).await?,
            trained: view.step,
            steps: steps.clone(),
            stored: store::count_samples(&mut conn, view.stage, &SampleFilter::default()).await?,
            matching: store::count_samples(&mut conn, view.stage, &filter).await?,
            wanted,
            samples: vec![],
            groups: vec![],
            next: None,
            scanned: None,
            rates: vec![],
            base: None,
            beside: vec![],
            prompt_steps: vec![],
        };
        shown.wanted.keep_phrases(&shown.spec.task, asked);
        for (name, words) in RATES {
            let series = store::series(&mut conn, view.stage, name, POINTS).await?;
            if !series.points.is_empty() {
                shown.rates.push((words, series));
                if name == reflective::METRIC {
                    shown.base = reflective::base(&mut conn, &run).await?;
                }
            }
        }
        gather(&mut conn, &mut shown, &filter).await?;
        find_beside(&mut conn, &mut shown).await?;
        let mut places: Vec<(i64, i32)> = shown
            .samples
            .iter()
            .map(|s| (s.view.step, s.view.group))
            .collect();
        places.dedup();
        shown.groups = store::list_groups(&mut conn, view.stage, &places).await?;
        stage = Some(shown);
    }
    Ok(Material {
        question,
        stages: sampled.iter().map(|(s, _)| s.name.clone()).collect(),
        stage,
        contests: store::list_contests(&mut conn, id).await?,
        unkept: None,
        run,
    })
}
