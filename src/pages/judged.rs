//! An experiment with what its registered rule says: what several pages count by.

use crate::problem::Problem;
use assay_core::compare::ArmFigures;
use assay_core::decoders::DecoderFigures;
use assay_core::ids::ExperimentId;
use assay_core::outcome::{Outcome, outcome};
use assay_store::{self as store, ExperimentView};
use sqlx::PgConnection;

#[derive(Debug)]
pub(super) struct Judged {
    pub view: ExperimentView,
    pub arms: Vec<ArmFigures>,
    pub decoders: Vec<DecoderFigures>,
    pub outcome: Outcome,
}

pub(super) async fn judged(conn: &mut PgConnection, id: ExperimentId) -> Result<Judged, Problem> {
    let view = store::get_experiment(&mut *conn, id).await?;
    let arms = store::run_figures(&mut *conn, id).await?;
    let decoders = store::decoder_figures(&mut *conn, id).await?;
    let mut rule = outcome(&view.spec, &arms, &decoders);
    // Read only where it matters: lists have many experiments, and most of them have ended.
    if rule.lacks_seeds() {
        let runs = store::list_runs(&mut *conn, id).await?;
        let exclusions = store::list_exclusions(conn, id).await?;
        rule = rule.with_open_runs(store::fates(&runs, &exclusions));
    }
    Ok(Judged {
        outcome: rule,
        view,
        arms,
        decoders,
    })
}
