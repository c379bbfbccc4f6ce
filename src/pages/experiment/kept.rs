//! States of an experiment that were kept for a citation: everything that its page and files are
//! made from, as it was read, so that one code computes both what was and what is.

use super::axis::Cost;
use super::carried;
use super::curves::Curves;
use super::material::{Axis, Material, Needs, Rest, assembled, gather, rest};
use super::view::Wanted;
use crate::number;
use crate::pages::freshness;
use crate::pages::query::Asked;
use crate::pages::words;
use crate::problem::Problem;
use crate::snapshots;
use crate::state::AppState;
use actix_web::http::header;
use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::canonical;
use assay_core::failure::FailureTable;
use assay_core::ids::{ExperimentId, RunId};
use assay_store::{
    self as store, Dollars, ExperimentView, MilestonePoint, NewSnapshot, RunCurves, Sign, Snapshot,
};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Of inputs that are read back: another form is another number.
const FORM: u32 = 1;

/// Which state a page or file is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub id: String,
    pub at: OffsetDateTime,
    /// The last thing that had been recorded by then.
    pub heard: Option<OffsetDateTime>,
    /// The view in which it was kept, without its question mark.
    pub query: String,
    /// This program computes another hash than the one that kept it.
    pub otherwise: bool,
}

impl Kept {
    pub fn sign(&self) -> Sign {
        Sign {
            at: self.heard,
            silent_seconds: None,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Inputs {
    form: u32,
    view: ExperimentView,
    /// Somebody had entered a price.
    priced: bool,
    dollars: Dollars,
    rest: Rest,
    failures: Vec<FailureTable>,
    curves: Curves,
    #[serde(with = "time::serde::rfc3339::option")]
    heard: Option<OffsetDateTime>,
}

impl Inputs {
    async fn read(conn: &mut PgConnection, id: ExperimentId) -> Result<Self, Problem> {
        let view = store::get_experiment(conn, id).await?;
        let rest = rest(conn, id).await?;
        let is_out = |run: RunId| {
            let mut all = rest.exclusions.iter();
            all.any(|e| e.run == run && e.is_in_force())
        };
        let counted = rest.milestones.iter().filter(|p| !is_out(p.run));
        let measured: Vec<MilestonePoint> = counted.cloned().collect();
        let sign = freshness::of_runs(conn, &rest.runs).await?;
        let sign = freshness::later(sign, rest.exclusions.iter().map(|e| e.at));
        Ok(Self {
            form: FORM,
            priced: !store::list_prices(conn).await?.is_empty(),
            dollars: store::charged_dollars(conn, id).await?,
            failures: store::failure_tables(conn, id, &view.spec, &measured).await?,
            curves: Curves::read(conn, id).await?,
            heard: sign.at,
            rest,
            view,
        })
    }

    fn material(self, mut needs: Needs) -> Material {
        // Of curves only those that every page offers are kept.
        let unreported = needs
            .curve
            .as_deref()
            .is_some_and(|m| !words::is_well_known(m));
        if unreported {
            needs.curve = Some(words::TRAINING[0].1.into());
        }
        let unit: Cost = self.view.spec.budget.unit.into();
        let dollars = match self.priced || needs.x == Some(Cost::Usd) {
            true => self.dollars,
            false => Dollars::default(),
        };
        let axis = Axis::new(&needs, unit, &dollars);
        let along = axis.read.unwrap_or(unit.along());
        let series = needs.curve.as_deref();
        let series = series.map(|metric| self.curves.of(metric, along));
        let curves = RunCurves {
            whole: series.unwrap_or_default(),
            part: None,
        };
        let mut of = assembled(self.view, self.rest, dollars, axis, curves);
        of.unreported = unreported;
        if of.has_unsuccessful() {
            of.failures = self.failures;
        }
        // Nobody is heard of in the past.
        for sign in &mut of.signs {
            sign.silent_seconds = None;
        }
        of
    }

    /// Ready to be stored, once it has been read back to the same numbers.
    pub(super) fn packed(self, view: &str) -> Result<NewSnapshot, Problem> {
        let mut asked = Asked::read(view.trim_start_matches('?'));
        let query = Wanted::read(&mut asked, &self.view).query(&self.view);
        let text = serde_json::to_vec(&self).map_err(Problem::internal)?;
        let again: Self = serde_json::from_slice(&text).map_err(Problem::internal)?;
        let state = carried::state(&self.material(Needs::default()));
        if state != carried::state(&again.material(Needs::default())) {
            return Err(Problem::internal("a state that reads back as another"));
        }
        snapshots::packed(&state, &text, query.trim_start_matches('?'))
    }
}

/// What is stored, once its hashes have been found to be right.
fn read(of: &Snapshot) -> Result<Inputs, Problem> {
    let opened = snapshots::opened(of)?;
    let unreadable = |why: String| Problem {
        detail: format!(
            "this program cannot read the state kept as {}; its numbers stand in snapshot.json at the same address",
            of.id
        ),
        ..Problem::internal(why)
    };
    let inputs: Inputs =
        serde_json::from_slice(&opened.inputs).map_err(|e| unreadable(e.to_string()))?;
    if inputs.form != FORM || inputs.view.id != of.experiment {
        return Err(unreadable(format!("form {}", inputs.form)));
    }
    Ok(inputs)
}

/// As a page's material; `needs` as for the present data.
fn shown(of: &Snapshot, inputs: Inputs, needs: impl FnOnce(&ExperimentView) -> Needs) -> Material {
    let needs = needs(&inputs.view);
    let heard = inputs.heard;
    let mut material = inputs.material(needs);
    let computed = canonical::sha256_of(carried::state(&material).as_bytes());
    material.kept = Some(Kept {
        otherwise: computed != of.id,
        id: of.id.clone(),
        at: of.taken_at,
        heard,
        query: of.query.clone(),
    });
    material
}

/// What a link is about: the kept state that it cites, or the present data.
pub(super) async fn cited(
    state: &AppState,
    id: ExperimentId,
    snap: Option<&str>,
    needs: impl FnOnce(&ExperimentView) -> Needs,
) -> Result<Material, Problem> {
    let kept = match snap {
        Some(snap) => store::find_snapshot(&mut *state.conn().await?, id, snap).await?,
        None => None,
    };
    match kept {
        Some(row) => {
            // Some megabytes to unpack, hash and read.
            let read = tokio::task::spawn_blocking(move || read(&row).map(|inputs| (row, inputs)));
            let (row, inputs) = read.await.map_err(Problem::internal)??;
            Ok(shown(&row, inputs, needs))
        }
        None => gather(state, id, needs).await,
    }
}

/// What the page says of a kept state, and of those that were kept.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Nothing on the page of the present data.
    pub banner: Option<Banner>,
    /// When the state that is shown was kept; nothing where it was not.
    pub since: Option<String>,
    /// Of the others the newest: when, and the start of the hash.
    pub others: Vec<(String, String)>,
}

#[derive(Debug)]
pub(super) struct Banner {
    pub at: String,
    pub id: String,
    /// The present data have another hash.
    pub newer: bool,
    /// Where it was kept in a view of its own.
    pub view: Option<String>,
    pub otherwise: bool,
}

const MOST_OTHERS: usize = 3;

impl Said {
    /// `shown` is the hash of what the page shows.
    pub async fn read(state: &AppState, of: &Material, shown: &str) -> Result<Self, Problem> {
        let all = store::list_snapshots(&mut *state.conn().await?, of.view.id).await?;
        let since = all.iter().find(|s| s.id == shown);
        let others = all.iter().filter(|s| s.id != shown).take(MOST_OTHERS);
        let banner = match &of.kept {
            Some(kept) => {
                let now = gather(state, of.view.id, |_| Needs::default()).await?;
                Some(Banner::new(kept, carried::snapshot(&now) != kept.id))
            }
            None => None,
        };
        Ok(Self {
            banner,
            since: since.map(|s| number::moment(s.taken_at)),
            others: others
                .map(|s| (number::moment(s.taken_at), s.id[..16].to_string()))
                .collect(),
        })
    }
}

impl Banner {
    pub fn new(kept: &Kept, newer: bool) -> Self {
        Self {
            at: number::moment(kept.at),
            id: kept.id.clone(),
            newer,
            view: (!kept.query.is_empty()).then(|| kept.query.clone()),
            otherwise: kept.otherwise,
        }
    }
}

#[derive(Debug, Deserialize)]
pub struct Keep {
    /// The view that was looked at.
    #[serde(default)]
    view: String,
}

/// Keeps the present state. Twice is once.
pub async fn keep(
    state: Data<AppState>,
    id: Path<ExperimentId>,
    form: Form<Keep>,
) -> Result<HttpResponse, Problem> {
    let (id, view) = (*id, form.into_inner().view);
    let state = state.into_inner();
    let inner = state.clone();
    let hash = state
        .detached(async move {
            let mut tx = inner.begin().await?;
            store::see_one_state(&mut tx).await?;
            let inputs = Inputs::read(&mut tx, id).await?;
            tx.commit().await?;
            let packed = tokio::task::spawn_blocking(move || inputs.packed(&view));
            let new = packed.await.map_err(Problem::internal)??;
            let mut tx = inner.begin().await?;
            store::insert_snapshot(&mut tx, id, &new).await?;
            tx.commit().await?;
            Ok(new.id)
        })
        .await?;
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, format!("/experiments/{id}?snap={hash}")))
        .finish())
}

/// The kept state itself, for other programs.
pub async fn export(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<ExperimentId>,
) -> Result<HttpResponse, Problem> {
    let snap = super::view::cited(request.query_string()).ok_or_else(|| {
        Problem::bad_request("snap= is missing: the start of a kept state's hash")
    })?;
    let row = store::find_snapshot(&mut *state.conn().await?, *id, &snap).await?;
    let row = row.ok_or_else(|| Problem::not_found("kept state of this experiment"))?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .body(snapshots::exported(row).await?))
}
