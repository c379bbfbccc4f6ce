//! What the experiment would take, said before it is submitted: by device, for what one has
//! taken says nothing of another.

use crate::number;
use crate::pages::{text, words};
use crate::problem::Problem;
use crate::state::AppState;
use assay_core::device::Device;
use assay_core::estimate::{KindBasis, MIN_PAST, WorkEstimate, estimate};
use assay_core::outcome::MIN_SEEDS_VERDICT;
use assay_core::recipe;
use assay_core::spec::Experiment;
use assay_core::spending::{devices, on_device};
use assay_core::stats::MIN_SEEDS_INTERVAL;
use assay_core::wire::LEASE_SECONDS;
use assay_store::{self as store, Price};
use time::OffsetDateTime;

/// What an estimate is made from.
pub(super) struct Ground {
    /// The work to be done, whatever does it.
    pub work: WorkEstimate,
    /// The same by past stages on each device that has any.
    pub past: Vec<(Device, WorkEstimate)>,
    /// Devices of the workers that are there.
    pub live: Vec<Device>,
    pub prices: Vec<Price>,
    pub now: OffsetDateTime,
}

/// What it would take, every figure with its basis.
pub(super) struct EstimateView {
    pub training: String,
    pub stages: String,
    pub devices: Vec<OnDevice>,
    /// Why there is no time, where there is none.
    pub nothing: Option<&'static str>,
    /// Devices on which none of it has been run.
    pub unmeasured: Vec<String>,
    /// Some of the times are in dollars too.
    pub priced: bool,
    pub warning: Option<String>,
}

/// With all of it on one device.
pub(super) struct OnDevice {
    pub name: String,
    pub time: String,
    /// What the ± of the time stands for, or why there is none.
    pub spread: String,
    pub basis: String,
    pub without: Option<String>,
    /// At the price that holds for this device.
    pub dollars: Option<String>,
}

/// Characters of a device's name.
const NAME: usize = 80;

pub(super) fn estimate_view(of: &Ground) -> EstimateView {
    let work = &of.work;
    let past = of.past.iter();
    let devices: Vec<OnDevice> = past.filter_map(|(d, work)| on(of, d, work)).collect();
    let done = work.known == work.stages;
    EstimateView {
        training: format!(
            "{} × {} × {} = at most {} {} of training; base, evaluation and decoders come on top",
            number::prefixed(work.amount),
            number::counted(work.training_arms as i64, "training arm"),
            number::counted(work.seeds as i64, "seed"),
            number::prefixed(work.training),
            words::unit(work.unit),
        ),
        stages: format!(
            "{}, of which {} computed already and used again",
            number::counted(work.stages as i64, "stage"),
            number::integer(work.known as i64)
        ),
        nothing: match (devices.is_empty(), done) {
            (false, _) => None,
            (true, true) => Some("nothing is left to compute"),
            (true, false) => {
                Some("no basis: none of the latest stages of these kinds was run on one device")
            }
        },
        unmeasured: if done { vec![] } else { unmeasured(of) },
        priced: devices.iter().any(|d| d.dollars.is_some()),
        devices,
        warning: warning(work.seeds),
    }
}

/// `None` where none of the stages to come has been run on it.
fn on(of: &Ground, device: &Device, work: &WorkEstimate) -> Option<OnDevice> {
    let more_or_less = |spread: String| format!(" ± {spread}");
    let list = |kinds: &[KindBasis], say: &dyn Fn(&KindBasis) -> String| {
        let said: Vec<String> = kinds.iter().map(say).collect();
        said.join(", ")
    };
    let past = |k: &KindBasis| format!("{} ({} to come, {} past)", k.kind, k.to_come, k.past);
    let to_come = |k: &KindBasis| format!("{} ({} to come)", k.kind, k.to_come);
    let ms = work.device_ms?;
    let spread = work.spread_ms.map(number::duration).map(more_or_less);
    let at = |price: &Price| {
        let dollars = |ms: f64| number::dollars(ms / 3.6e6 * price.dollars_per_hour);
        let spread = work.spread_ms.map(dollars).map(more_or_less);
        format!(
            "{}{} at {} an hour ({}, {})",
            dollars(ms),
            spread.unwrap_or_default(),
            number::dollars(price.dollars_per_hour),
            price.device,
            price.source
        )
    };
    Some(OnDevice {
        name: text::start(&device.name, NAME),
        time: number::duration(ms) + &spread.unwrap_or_default(),
        spread: match work.spread_ms {
            Some(_) => {
                "±: one standard deviation, by how past stages of the same kinds differed".into()
            }
            None => format!(
                "no ±: it takes {MIN_PAST} past stages of each kind to know how much they differ"
            ),
        },
        basis: list(&work.basis, &past),
        without: (!work.without.is_empty()).then(|| list(&work.without, &to_come)),
        dollars: store::price_in_force(&of.prices, device, of.now).map(at),
    })
}

/// Of workers that are there and of prices that hold: what nothing can be said of.
fn unmeasured(of: &Ground) -> Vec<String> {
    let measured = of.past.iter().filter(|(_, work)| work.device_ms.is_some());
    let mut known: Vec<&Device> = measured.map(|(device, _)| device).collect();
    let mut names: Vec<String> = vec![];
    for device in &of.live {
        if known.iter().all(|own| own.name != device.name) {
            known.push(device);
            names.push(device.name.clone());
        }
    }
    for price in of.prices.iter().filter(|price| price.valid_from <= of.now) {
        let is_known = known.iter().any(|own| own.is_called(&price.device));
        let is_named = |name: &String| name.eq_ignore_ascii_case(&price.device);
        if !is_known && !names.iter().any(is_named) {
            names.push(price.device.clone());
        }
    }
    names.iter().map(|name| text::start(name, NAME)).collect()
}

fn warning(seeds: usize) -> Option<String> {
    if seeds < MIN_SEEDS_INTERVAL {
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
    let workers = store::list_workers(&mut conn).await?;
    let prices = store::list_prices(&mut conn).await?;
    let past = devices(&speeds).into_iter().map(|device| {
        let own = on_device(&speeds, &device.name);
        (device.clone(), estimate(&experiment, &plan, &known, &own))
    });
    let live = workers.iter();
    // One without threads stands for work that was imported.
    let live = live.filter(|w| w.threads > 0 && w.seconds_since_seen <= LEASE_SECONDS as f64);
    Ok(estimate_view(&Ground {
        work: estimate(&experiment, &plan, &known, &[]),
        past: past.collect(),
        live: live.map(|w| Device::of(&w.host)).collect(),
        prices,
        now: OffsetDateTime::now_utc(),
    }))
}
