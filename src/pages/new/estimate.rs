//! What the experiment would take, said before it is submitted.

use crate::number;
use crate::pages::words;
use crate::problem::Problem;
use crate::state::AppState;
use assay_core::estimate::{KindBasis, MIN_PAST, WorkEstimate, estimate};
use assay_core::outcome::MIN_SEEDS_VERDICT;
use assay_core::recipe;
use assay_core::spec::Experiment;
use assay_core::stats::MIN_SEEDS_INTERVAL;
use assay_store::{self as store, Price};

/// What it would take, every figure with its basis.
pub(super) struct EstimateView {
    pub training: String,
    pub stages: String,
    pub device: String,
    /// What the ± of the device time stands for, or why there is none.
    pub spread: Option<String>,
    pub basis: String,
    pub without: Option<String>,
    pub dollars: Vec<String>,
    pub warning: Option<String>,
}

pub(super) fn estimate_view(of: &WorkEstimate, prices: &[Price]) -> EstimateView {
    let past = |k: &KindBasis| format!("{} ({} to come, {} past)", k.kind, k.to_come, k.past);
    let list = |kinds: &[KindBasis], say: &dyn Fn(&KindBasis) -> String| {
        let said: Vec<String> = kinds.iter().map(say).collect();
        said.join(", ")
    };
    let to_come = |k: &KindBasis| format!("{} ({} to come)", k.kind, k.to_come);
    let hours = of.device_ms.map(|ms| ms / 3.6e6);
    let more_or_less = |spread: String| format!(" ± {spread}");
    let spread_hours = of.spread_ms.map(|ms| ms / 3.6e6);
    let mut newest: Vec<&Price> = vec![];
    for price in prices {
        if !newest
            .iter()
            .any(|p| p.device.eq_ignore_ascii_case(&price.device))
        {
            newest.push(price);
        }
    }
    let seeds = of.seeds;
    EstimateView {
        training: format!(
            "{} × {} × {} = at most {} {} of training; base, evaluation and decoders come on top",
            number::prefixed(of.amount),
            number::counted(of.training_arms as i64, "training arm"),
            number::counted(seeds as i64, "seed"),
            number::prefixed(of.training),
            words::unit(of.unit),
        ),
        stages: format!(
            "{}, of which {} computed already and used again",
            number::counted(of.stages as i64, "stage"),
            number::integer(of.known as i64)
        ),
        device: match of.device_ms {
            Some(ms) => {
                let spread = of.spread_ms.map(number::duration).map(more_or_less);
                number::duration(ms) + &spread.unwrap_or_default()
            }
            None if of.without.is_empty() => "nothing is left to compute".into(),
            None => "no basis: none of these stages has been run here".into(),
        },
        spread: match (of.device_ms, of.spread_ms) {
            (None, _) => None,
            (Some(_), Some(_)) => Some(
                "±: one standard deviation, by how past stages of the same kinds differed".into(),
            ),
            (Some(_), None) => Some(format!(
                "no ±: it takes {MIN_PAST} past stages of each kind to know how much they differ"
            )),
        },
        basis: list(&of.basis, &past),
        without: (!of.without.is_empty()).then(|| list(&of.without, &to_come)),
        dollars: hours.map_or(vec![], |hours| {
            let at = |p: &&Price| {
                let spread = spread_hours.map(|hours| hours * p.dollars_per_hour);
                let spread = spread.map(number::dollars).map(more_or_less);
                format!(
                    "{}{} at {} an hour ({}, {})",
                    number::dollars(hours * p.dollars_per_hour),
                    spread.unwrap_or_default(),
                    number::dollars(p.dollars_per_hour),
                    p.device,
                    p.source
                )
            };
            newest.iter().map(at).collect()
        }),
        warning: if seeds < MIN_SEEDS_INTERVAL {
            Some(format!(
                "{}: no interval. From {MIN_SEEDS_INTERVAL} on there is one, from {MIN_SEEDS_VERDICT} on a verdict.",
                number::counted(seeds as i64, "seed")
            ))
        } else if seeds < MIN_SEEDS_VERDICT {
            Some(format!(
                "{seeds} seeds: intervals, but no verdict. From {MIN_SEEDS_VERDICT} on there is one."
            ))
        } else {
            None
        },
    }
}

/// Reads and plans off the event loop, then asks the database for what is known.
pub(super) async fn estimated(
    state: &AppState,
    experiment: Experiment,
) -> Result<EstimateView, Problem> {
    let (experiment, plan) = tokio::task::spawn_blocking(move || {
        let plan = recipe::plan(&experiment, "");
        (experiment, plan)
    })
    .await
    .map_err(Problem::internal)?;
    let hashes: Vec<String> = plan.stages.iter().map(|s| s.hash.clone()).collect();
    let mut conn = state.conn().await?;
    let known = store::find_succeeded(&mut conn, &hashes).await?;
    let speeds = store::list_speeds(&mut conn).await?;
    let prices = store::list_prices(&mut conn).await?;
    Ok(estimate_view(
        &estimate(&experiment, &plan, &known, &speeds),
        &prices,
    ))
}
