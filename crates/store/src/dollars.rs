//! What runs were charged in money: device time at the price that was in force on the
//! attempt's device when the attempt began.

use crate::Result;
use crate::ledger::not_charged;
use assay_core::ids::{ExperimentId, RunId};
use assay_core::spec::Charge;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use std::collections::HashMap;
use time::OffsetDateTime;

/// The price of one attempt's device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptPrice {
    pub dollars_per_hour: f64,
    #[serde(with = "time::serde::rfc3339")]
    pub valid_from: OffsetDateTime,
    pub source: String,
}

/// What one attempt at a stage was charged, in the order of the run's work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChargedAttempt {
    pub device: String,
    pub device_ms: f64,
    /// `None` where no price was in force.
    pub price: Option<AttemptPrice>,
}

/// Of every run of an experiment: the attempts that were charged to it, in their order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Dollars {
    pub runs: HashMap<RunId, Vec<ChargedAttempt>>,
}

/// What a device is called whose worker has told no name, as the query below does: no price
/// is ever found for it.
pub const UNKNOWN_DEVICE: &str = "unknown device";

const MS_PER_HOUR: f64 = 3.6e6;

impl Dollars {
    /// What a run had been charged when it had been charged so much device time; `None`
    /// where some of that time has no price.
    pub fn at(&self, run: RunId, device_ms: f64) -> Option<f64> {
        let mut left = device_ms;
        let mut sum = 0.0;
        let none: &[ChargedAttempt] = &[];
        let attempts = self.runs.get(&run).map_or(none, Vec::as_slice);
        for (i, attempt) in attempts.iter().enumerate() {
            if left <= 0.0 {
                break;
            }
            // Records may be ahead of the sums by their last bits: the last attempt takes all.
            let own = match i + 1 == attempts.len() {
                true => left,
                false => left.min(attempt.device_ms),
            };
            if own > 0.0 {
                sum += own / MS_PER_HOUR * attempt.price.as_ref()?.dollars_per_hour;
            }
            left -= own;
        }
        (left <= 0.0).then_some(sum)
    }

    /// Devices that have worked without a price, by name, once each.
    pub fn unpriced(&self) -> Vec<&str> {
        let all = self.runs.values().flatten();
        let without = all.filter(|a| a.price.is_none() && a.device_ms > 0.0);
        let mut names: Vec<&str> = without.map(|a| a.device.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The prices that count, each with its device, once each.
    pub fn prices(&self) -> Vec<(&str, &AttemptPrice)> {
        let all = self.runs.values().flatten();
        let with = all.filter(|a| a.device_ms > 0.0);
        let mut found: Vec<(&str, &AttemptPrice)> = with
            .filter_map(|a| Some((a.device.as_str(), a.price.as_ref()?)))
            .collect();
        found.sort_by(|a, b| (a.0, a.1.valid_from).cmp(&(b.0, b.1.valid_from)));
        found.dedup();
        found
    }
}

/// # Errors
/// `Database`; an unknown experiment has no runs.
pub async fn charged_dollars(conn: &mut PgConnection, experiment: ExperimentId) -> Result<Dollars> {
    let rows = sqlx::query!(
        r#"with staged as materialized (
             select r.id as run_id, rs.position, rs.stage_id
             from run r join run_stage rs on rs.run_id = r.id
             where r.experiment_id = $1 and rs.charge = $2
         ), used as (
             -- Of one attempt the sums are kept; of several the ledger knows which had what.
             select t.stage_id, 1 as attempt, sum(t.device_ms) as device_ms
             from ledger_total t join job j on j.stage_id = t.stage_id and j.attempts = 1
             where t.stage_id in (select stage_id from staged) and t.purpose <> all($3)
             group by t.stage_id
             union all
             select l.stage_id, l.attempt, sum(l.device_ms)
             from ledger l join job j on j.stage_id = l.stage_id and j.attempts > 1
             where l.stage_id in (select stage_id from staged) and l.purpose <> all($3)
             group by l.stage_id, l.attempt
         )
         select s.run_id as "run_id!", u.device_ms as "device_ms!",
             coalesce(nullif(w.host ->> 'device_name', ''), nullif(w.host ->> 'device', ''),
                 nullif(t.host ->> 'device', ''), 'unknown device') as "device!",
             p.dollars_per_hour as "dollars_per_hour?", p.valid_from as "valid_from?",
             p.source as "source?"
         from staged s
         join used u on u.stage_id = s.stage_id
         join attempt t on t.stage_id = u.stage_id and t.number = u.attempt
         left join worker w on w.id = t.worker_id
         left join lateral (
             -- Its own name's goes before its class's, however old.
             select dollars_per_hour, valid_from, source from price
             where lower(device) in (lower(t.host ->> 'device'), lower(w.host ->> 'device'),
                     lower(w.host ->> 'device_name'))
                 and valid_from <= t.started_at
             order by lower(device) is distinct from lower(w.host ->> 'device_name'),
                 valid_from desc, id desc limit 1) p on true
         order by s.run_id, s.position, u.attempt"#,
        experiment.0,
        Charge::Arm.word(),
        &not_charged()
    )
    .fetch_all(conn)
    .await?;
    let mut all = Dollars::default();
    for row in rows {
        let price = match (row.dollars_per_hour, row.valid_from, row.source) {
            (Some(dollars_per_hour), Some(valid_from), Some(source)) => Some(AttemptPrice {
                dollars_per_hour,
                valid_from,
                source,
            }),
            (_, _, _) => None,
        };
        all.runs
            .entry(RunId(row.run_id))
            .or_default()
            .push(ChargedAttempt {
                device: row.device,
                device_ms: row.device_ms,
                price,
            });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(device: &str, device_ms: f64, dollars: Option<f64>) -> ChargedAttempt {
        ChargedAttempt {
            device: device.into(),
            device_ms,
            price: dollars.map(|dollars_per_hour| AttemptPrice {
                dollars_per_hour,
                valid_from: OffsetDateTime::UNIX_EPOCH,
                source: "list".into(),
            }),
        }
    }

    #[test]
    fn each_part_of_a_run_costs_what_its_own_device_costs() {
        let run = RunId(uuid::Uuid::from_u128(1));
        let mut of = Dollars::default();
        of.runs.insert(
            run,
            vec![
                attempt("cpu", MS_PER_HOUR, Some(1.0)),
                attempt("cuda", MS_PER_HOUR, Some(4.0)),
            ],
        );
        assert_eq!(of.at(run, 0.0), Some(0.0));
        assert_eq!(of.at(run, MS_PER_HOUR / 2.0), Some(0.5));
        assert_eq!(of.at(run, MS_PER_HOUR * 1.5), Some(3.0));
        // A little ahead of the sums.
        assert_eq!(of.at(run, MS_PER_HOUR * 2.25), Some(6.0));
        assert_eq!(of.unpriced(), [""; 0]);
        assert_eq!(of.prices().len(), 2);
    }

    #[test]
    fn what_has_no_price_has_no_sum_and_is_named() {
        let run = RunId(uuid::Uuid::from_u128(1));
        let mut of = Dollars::default();
        of.runs.insert(
            run,
            vec![
                attempt("cpu", MS_PER_HOUR, Some(1.0)),
                attempt("H100", MS_PER_HOUR, None),
                attempt("H100", 1.0, None),
            ],
        );
        assert_eq!(of.at(run, MS_PER_HOUR), Some(1.0));
        assert_eq!(of.at(run, MS_PER_HOUR + 1.0), None);
        assert_eq!(of.unpriced(), ["H100"]);
        let nobody = RunId(uuid::Uuid::from_u128(2));
        assert_eq!((of.at(nobody, 0.0), of.at(nobody, 1.0)), (Some(0.0), None));
    }
}
