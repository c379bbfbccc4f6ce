//! A run of very many steps, shared with the server of the bench.

use crate::app::App;
use crate::seed::{Seeder, Until, spec};
use assay_core::ids::{AttemptRef, ExperimentId};
use assay_core::metric;
use assay_core::wire::{Cumulative, HostFacts, Record};
use assay_store as store;
use std::collections::BTreeMap;

/// Records of one transaction.
const BATCH: u64 = 50_000;

/// One arm on one seed, left running after so many steps.
pub fn lasting(app: &App, steps: u64) -> ExperimentId {
    let state = app.state();
    app.block_on(async {
        let mut seeder = Seeder::new(state.clone(), "w", 10).await;
        let id = seeder.submit(&spec(&[("grpo", "GRPO")], 1, 0)).await;
        while let Some(claim) = seeder.claim().await {
            if claim.spec.job.kind() != "grpo" {
                seeder.work(&claim, Until::End).await;
                continue;
            }
            let attempt = AttemptRef {
                stage: claim.stage,
                number: claim.attempt,
            };
            let mut last = 0;
            for from in (0..steps).step_by(BATCH as usize) {
                let mut records = vec![];
                if from == 0 {
                    records.push(Record::Started {
                        from_step: 0,
                        host: HostFacts::default(),
                    });
                }
                let to = steps.min(from + BATCH);
                records.extend((from..to).map(|at| step(at, steps)));
                let mut conn = state.conn().await.unwrap();
                store::heartbeat(&mut conn, seeder.worker, attempt, None)
                    .await
                    .unwrap();
                drop(conn);
                let mut tx = state.begin().await.unwrap();
                last = store::append_records(&mut tx, seeder.worker, attempt, last + 1, &records)
                    .await
                    .unwrap();
                tx.commit().await.unwrap();
            }
        }
        id
    })
}

fn step(at: u64, of: u64) -> Record {
    let share = at as f64 / of as f64;
    let wave = (at as f64 * 0.01).sin();
    let mut cum = Cumulative::default();
    cum.charged.flops = 4e11 * share;
    cum.charged.tokens = 1e9 * share;
    Record::Step {
        step: at,
        cum,
        metrics: BTreeMap::from([
            (metric::REWARD_MEAN.into(), 0.3 + 0.5 * share + 0.05 * wave),
            (metric::ENTROPY.into(), 0.9 - 0.5 * share),
            (metric::LOSS.into(), 1.0 + 0.1 * wave),
            (metric::KL.into(), 0.1 * share),
        ]),
    }
}
