//! Dollars of the columns: which have a price, and what is said of those that have none.

use super::entries::{Entry, Material};
use crate::pages::experiment::axis::Cost;
use crate::pages::experiment::prices;
use assay_core::ids::ExperimentId;
use assay_store::{self as store, Dollars, StoreError};
use sqlx::PgConnection;
use std::collections::BTreeSet;

/// Read only where the axis is to be in dollars; then it is settled whether it can be.
pub(super) async fn read(conn: &mut PgConnection, of: &mut Material) -> Result<(), StoreError> {
    if of.view.x != Some(Cost::Usd) {
        return Ok(());
    }
    let ids: BTreeSet<ExperimentId> = of.entries.iter().map(|e| e.experiment).collect();
    for id in ids {
        let own = store::charged_dollars(&mut *conn, id).await?;
        of.dollars.runs.extend(own.runs);
    }
    settle(of);
    Ok(())
}

/// Where some column has worked without a price and none with one, there is no such axis.
pub(super) fn settle(of: &mut Material) {
    if of.view.x != Some(Cost::Usd) {
        return;
    }
    let own: Vec<Dollars> = of.entries.iter().map(|e| of_column(of, e)).collect();
    let priced = |d: &Dollars| d.unpriced().is_empty() && !d.prices().is_empty();
    let mut devices: Vec<&str> = own.iter().flat_map(Dollars::unpriced).collect();
    devices.sort_unstable();
    devices.dedup();
    if devices.is_empty() || own.iter().any(priced) {
        return;
    }
    of.no_price = Some(prices::refused(&devices, instead(of).map(Cost::title)));
    let view = &mut of.view;
    view.x = None;
    of.unknown.push(format!("x={}", Cost::Usd.word()));
    // What was asked for in dollars has no place on another axis.
    for (key, value) in [
        ("budget", view.budget.take()),
        ("x0", view.low.take()),
        ("x1", view.high.take()),
    ] {
        let said = value.map(|value| format!("{key}={value}, which was in dollars"));
        of.unknown.extend(said);
    }
}

/// What all of the budgets count.
fn instead(of: &Material) -> Option<Cost> {
    let known = of.entries.iter();
    let known = known.filter_map(|e| of.experiments.get(&e.experiment));
    let mut units = known.map(|known| known.view.spec.budget.unit);
    let first = units.next()?;
    units.all(|unit| unit == first).then(|| first.into())
}

/// What the runs of a column that count were charged.
fn of_column(of: &Material, entry: &Entry) -> Dollars {
    let out: Vec<_> = of.exclusions.iter().filter(|e| e.is_in_force()).collect();
    let counted = entry.runs.iter().map(|run| run.id);
    let counted = counted.filter(|id| out.iter().all(|e| e.run != *id));
    let own = counted.filter_map(|id| Some((id, of.dollars.runs.get(&id)?.clone())));
    Dollars {
        runs: own.collect(),
    }
}

/// Why a column is not drawn along dollars.
pub(super) fn left_out(of: &Material, entry: &Entry, label: &str) -> Option<String> {
    if of.view.x != Some(Cost::Usd) {
        return None;
    }
    let own = of_column(of, entry);
    let devices = own.unpriced();
    (!devices.is_empty()).then(|| {
        format!(
            "{label} is not drawn: no price was in force for {} when it began to work here.",
            devices.join(", ")
        )
    })
}

/// On the page, with a link to where prices are entered: why there is no axis in dollars, or
/// every column that it is without.
pub(super) fn note(of: &Material) -> Option<String> {
    let without = of.entries.iter();
    let without = without.filter_map(|e| left_out(of, e, &e.label));
    let without: Vec<String> = without.collect();
    let said = (!without.is_empty()).then(|| without.join(" "));
    of.no_price.clone().or(said)
}

/// Under each figure: what a dollar stands on, or why there is none.
pub(super) fn caption(of: &Material) -> Option<String> {
    if of.view.x != Some(Cost::Usd) {
        return of.no_price.clone();
    }
    let mut all = Dollars::default();
    for entry in &of.entries {
        let own = of_column(of, entry);
        if own.unpriced().is_empty() {
            all.runs.extend(own.runs);
        }
    }
    Some(prices::said(&all))
}
