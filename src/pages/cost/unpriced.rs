//! Devices that no price holds for, by the very names under which a price is found.

use super::Material;
use crate::pages::query::{Asked, link};
use crate::pages::text;
use assay_core::spending::StageSpend;
use assay_core::wire::{Host, LEASE_SECONDS};
use assay_store::{self as store, Price, StoreError, UNKNOWN_DEVICE, WorkerView};
use sqlx::PgConnection;
use std::collections::BTreeSet;
use time::OffsetDateTime;

/// Characters that a price's device may have.
const LONGEST: usize = 80;

/// One of them.
pub(super) struct Unpriced {
    pub device: String,
    /// The form for a price with the name in it; nothing where the name is none to enter.
    pub href: Option<String>,
}

impl Unpriced {
    /// No price is ever found for it.
    pub fn is_unnamed(&self) -> bool {
        self.device == UNKNOWN_DEVICE
    }
}

/// `query`: what the page is asked for, which the links keep.
pub(super) fn rows(devices: &[String], query: &str) -> Vec<Unpriced> {
    let href = |device: &str| {
        let own = link([("device", device)]);
        let own = match query.is_empty() {
            true => own,
            false => format!("{query}&{}", own.trim_start_matches('?')),
        };
        format!("/cost{own}#price-form")
    };
    let row = |device: &String| Unpriced {
        device: device.clone(),
        href: (device != UNKNOWN_DEVICE && is_enterable(device)).then(|| href(device)),
    };
    devices.iter().map(row).collect()
}

/// Short enough, and with nothing in it that could not be seen in the form.
fn is_enterable(device: &str) -> bool {
    device.chars().count() <= LONGEST && text::visible(device) == device
}

/// What the address fills in as the device.
pub(super) fn asked_device(asked: &mut Asked) -> String {
    let Some(device) = asked.text("device") else {
        return String::new();
    };
    if is_enterable(&device) {
        return device;
    }
    asked.refuse("device", &device);
    String::new()
}

/// Of work that had no price when it began, and of workers that have none now: those that are
/// here, and where some work has no price, all that are known.
pub(super) async fn read(
    conn: &mut PgConnection,
    of: &Material,
    now: OffsetDateTime,
) -> Result<Vec<String>, StoreError> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut is_unpriced = false;
    for (judged, stages) in of.chosen.iter().chain(&of.experiments) {
        let id = judged.view.id;
        if !has_unpriced(stages, &of.prices) || !seen.insert(id) {
            continue;
        }
        let own = store::charged_dollars(&mut *conn, id).await?;
        found.extend(own.unpriced().into_iter().map(String::from));
        is_unpriced = true;
        // Without any price all work is alike: the newest names its devices.
        if of.prices.is_empty() {
            break;
        }
    }
    let all = is_unpriced && !of.prices.is_empty();
    let workers = store::list_workers(conn).await?;
    let named = workers
        .iter()
        // One without threads stands for work that was imported.
        .filter(|w| w.threads > 0 && (all || is_here(w)))
        .filter(|w| !is_priced(&w.host, &of.prices, now))
        .map(|w| name(&w.host).to_string());
    found.extend(named);
    Ok(found.into_iter().collect())
}

/// The sums leave out what has no price only where there is some price.
fn has_unpriced(stages: &[StageSpend], prices: &[Price]) -> bool {
    let has = |of: &StageSpend| match prices.is_empty() {
        true => of.all.device_ms > 0.0,
        false => of.unpriced_ms > 0.0,
    };
    stages.iter().any(has)
}

fn is_here(of: &WorkerView) -> bool {
    of.seconds_since_seen <= LEASE_SECONDS as f64
}

/// As charges find one: by the kind of device or by its name, in capitals or not.
fn is_priced(host: &Host, prices: &[Price], now: OffsetDateTime) -> bool {
    let names = [&host.device, &host.device_name].map(|name| name.to_lowercase());
    let is_own = |price: &&Price| names.contains(&price.device.to_lowercase());
    let mut own = prices.iter().filter(is_own);
    own.any(|price| price.valid_from <= now)
}

/// As charges call it.
fn name(host: &Host) -> &str {
    match (host.device_name.as_str(), host.device.as_str()) {
        ("", "") => UNKNOWN_DEVICE,
        ("", device) => device,
        (name, _) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(device: &str, days: i64) -> Price {
        Price {
            id: 1,
            device: device.into(),
            dollars_per_hour: 2.0,
            valid_from: OffsetDateTime::UNIX_EPOCH + time::Duration::days(days),
            source: "list".into(),
            entered_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_gpu_has_the_price_of_its_own_name_or_kind_and_not_that_of_its_processor() {
        let host = Host {
            device: "cuda".into(),
            device_name: "NVIDIA H200".into(),
            ..Host::default()
        };
        let now = OffsetDateTime::UNIX_EPOCH + time::Duration::days(9);
        let is = |device: &str, days| is_priced(&host, &[price(device, days)], now);
        assert!(!is("AMD EPYC 9654 96-Core Processor", 1));
        assert!(is("nvidia h200", 1) && is("CUDA", 1));
        assert!(!is("NVIDIA H200", 10), "it begins tomorrow");
        assert_eq!(name(&host), "NVIDIA H200");
        let plain = Host {
            device: "cpu".into(),
            ..Host::default()
        };
        assert_eq!(
            (name(&plain), name(&Host::default())),
            ("cpu", UNKNOWN_DEVICE)
        );
        // A price of nothing in particular is nobody's.
        assert!(!is_priced(&Host::default(), &[price("cpu", 1)], now));
    }

    #[test]
    fn a_name_leads_to_the_form_with_it_and_what_cannot_be_entered_does_not() {
        let devices = ["NVIDIA H200", UNKNOWN_DEVICE, "a\u{202e}b"].map(String::from);
        let kept = rows(&devices, "?gpus=8&experiment=x");
        let href = kept.iter().find_map(|r| r.href.as_deref()).unwrap();
        assert!(
            href.starts_with("/cost?gpus=8&experiment=x&device="),
            "{href}"
        );
        let rows = rows(&devices, "");
        let href = rows[0].href.as_deref().unwrap();
        assert_eq!(href, "/cost?device=NVIDIA%20H200#price-form");
        assert!(rows[1].href.is_none() && rows[2].href.is_none());
        let mut asked = Asked::read("device=NVIDIA%20H200");
        assert_eq!(asked_device(&mut asked), "NVIDIA H200");
        for wrong in [
            "device=a%E2%80%AEb".to_string(),
            format!("device={}", "x".repeat(81)),
        ] {
            let mut asked = Asked::read(&wrong);
            assert_eq!(asked_device(&mut asked), "");
            assert_eq!(asked.ignored().len(), 1);
        }
    }
}
