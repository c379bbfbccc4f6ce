//! The queue against its twin in memory: random operations, the same states after each.

use crate::support::*;
use crate::twin::Twin;
use assay_core::ids::{AttemptRef, ExperimentId, RunId, StageId, WorkerId};
use assay_core::rng::{Stream, Uniform};
use assay_core::spec::Experiment;
use assay_core::wire::{FailureClass, Outcome};
use assay_store::{JobState, StoreError};
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Every job as the database has it.
async fn compare(conn: &mut PgConnection, twin: &Twin, what: &str) {
    let rows: Vec<(Uuid, String, i32, i32, i32, bool)> = sqlx::query_as(
        "select j.stage_id, j.state, j.attempts, j.failures, j.waiting_on, s.reusable
         from job j join stage s on s.id = j.stage_id",
    )
    .fetch_all(&mut *conn)
    .await
    .unwrap();
    assert_eq!(rows.len(), twin.jobs.len(), "{what}");
    for (id, state, attempts, failures, waiting_on, reusable) in rows {
        let job = &twin.jobs[&StageId(id)];
        let expected = (job.state.word(), job.attempts, job.failures, job.reusable);
        assert_eq!(
            (state.as_str(), attempts, failures, reusable),
            expected,
            "{what}: {id}"
        );
        if job.state == JobState::Blocked {
            let unfinished = job.inputs.iter().filter(|i| !twin.is_done(i)).count();
            assert_eq!(waiting_on as usize, unfinished, "{what}: {id}");
        }
    }
    let odd = "select count(*) from job j where (state = 'running') <> exists (
        select from attempt a where a.stage_id = j.stage_id and a.number = j.attempts
            and a.state = 'running')";
    assert_eq!(number(conn, odd).await, 0, "{what}");
}

/// A run's stages with their inputs, in order.
async fn read_run(
    conn: &mut PgConnection,
    run: RunId,
) -> Vec<(StageId, String, u32, Vec<StageId>)> {
    let mut stages = vec![];
    for stage in crate::support::run(conn, run).await.stages {
        let inputs: Vec<(Uuid,)> =
            sqlx::query_as("select from_stage from stage_input where stage_id = $1")
                .bind(stage.stage.0)
                .fetch_all(&mut *conn)
                .await
                .unwrap();
        let spec = assay_store::get_stage_spec(conn, stage.stage)
            .await
            .unwrap();
        let inputs = inputs.into_iter().map(|(id,)| StageId(id)).collect();
        stages.push((stage.stage, stage.hash, spec.threads, inputs));
    }
    stages
}

fn some_experiment(random: &mut Stream) -> Experiment {
    let mut arms = vec![BASE_ARM.to_string()];
    for i in 0..=random.below(2) {
        let (a, b) = (random.between(1, 3), random.between(4, 6));
        let threads = random.between(1, 2);
        arms.push(format!(
            "{{ id: d{i}, stages: [{{ id: a, kind: sft, batch_size: {a}, inputs: {{ init: base }} }}, \
             {{ id: b, kind: sft, batch_size: {b}, threads: {threads}, inputs: {{ init: base }} }}, \
             {{ id: grpo, kind: grpo, beta: 0.1, inputs: {{ init: a, reference: b }} }}] }}"
        ));
    }
    let arms: Vec<&str> = arms.iter().map(String::as_str).collect();
    experiment(&random.between(1, 2).to_string(), &[BASE], &arms)
}

fn pick<T: Copy>(random: &mut Stream, items: &[T]) -> Option<T> {
    (!items.is_empty()).then(|| items[random.below(items.len() as u32) as usize])
}

async fn play(conn: &mut PgConnection, case: u32, operations: u32) -> BTreeMap<&'static str, u32> {
    let mut random = Uniform::new(5, "twin").stream(case, 0);
    let mut twin = Twin::default();
    let workers = [(worker(conn, 1).await, 1), (worker(conn, 2).await, 2)];
    let mut experiments: Vec<ExperimentId> = vec![];
    let mut stale: Vec<(WorkerId, AttemptRef)> = vec![];
    let mut counts = BTreeMap::new();
    for time in 1..=operations {
        twin.time = time;
        let held: Vec<(WorkerId, AttemptRef)> = twin
            .jobs
            .iter()
            .filter_map(|(stage, job)| {
                let number = job.attempts;
                Some((
                    job.holder?,
                    AttemptRef {
                        stage: *stage,
                        number,
                    },
                ))
            })
            .collect();
        let runs: Vec<RunId> = twin.runs.keys().copied().collect();
        let name = match random.below(100) {
            0..5 => {
                let id = insert(conn, &some_experiment(&mut random)).await;
                experiments.push(id);
                for view in crate::support::runs(conn, id).await {
                    let stages = read_run(conn, view.id).await;
                    twin.add(view.id, &stages);
                }
                "insert"
            }
            5..45 => {
                let (w, threads) = pick(&mut random, &workers).unwrap();
                let free = random.between(0, threads);
                let expected = twin.head(threads, free);
                let claimed = assay_store::claim(conn, w, free).await.unwrap();
                let got = claimed.as_ref().map(|claim| claim.stage);
                assert_eq!(got, expected, "case {case}, operation {time}: claim");
                if let Some(claim) = claimed {
                    let job = twin.jobs.get_mut(&claim.stage).unwrap();
                    job.state = JobState::Running;
                    job.attempts += 1;
                    job.holder = Some(w);
                    assert_eq!(claim.attempt, job.attempts);
                }
                "claim"
            }
            45..75 => {
                if let Some((w, attempt)) = pick(&mut random, &held) {
                    let outcome = match random.below(20) {
                        0..13 => Outcome::Succeeded,
                        13..15 => crash(),
                        15 => failed(FailureClass::Oom),
                        16 => failed(FailureClass::Nan),
                        17..19 => Outcome::Preempted,
                        _ => Outcome::Cancelled,
                    };
                    finish(conn, w, attempt, &outcome).await.unwrap();
                    twin.finish(attempt.stage, &outcome);
                    stale.push((w, attempt));
                }
                "finish"
            }
            75..82 => {
                if let Some((w, attempt)) = pick(&mut random, &held) {
                    let answer = assay_store::heartbeat(conn, w, attempt, Some(1))
                        .await
                        .unwrap();
                    assert_eq!(answer.cancel, twin.jobs[&attempt.stage].cancel);
                }
                "heartbeat"
            }
            82..86 => {
                let mut lost = lose_all(conn).await;
                lost.sort_by_key(|a| a.stage);
                assert_eq!(lost, held.iter().map(|(_, a)| *a).collect::<Vec<_>>());
                for (w, attempt) in held {
                    twin.back(attempt.stage);
                    stale.push((w, attempt));
                }
                "reap"
            }
            86..90 => {
                no_pauses(conn).await;
                twin.jobs.values_mut().for_each(|job| job.paused = false);
                "pause over"
            }
            90..94 => {
                if let Some((w, attempt)) = pick(&mut random, &stale) {
                    let beat = assay_store::heartbeat(conn, w, attempt, Some(99)).await;
                    assert!(matches!(beat, Err(StoreError::LeaseLost)));
                    let late = append(conn, w, attempt, 1, &[started(0)]).await;
                    assert!(matches!(late, Err(StoreError::LeaseLost)));
                }
                "zombie"
            }
            94..97 => {
                if let Some(run) = pick(&mut random, &runs) {
                    use sqlx::Connection;
                    let mut tx = conn.begin().await.unwrap();
                    assay_store::cancel_run(&mut tx, run).await.unwrap();
                    tx.commit().await.unwrap();
                    twin.cancel(run);
                }
                "cancel"
            }
            _ => {
                if let Some(run) = pick(&mut random, &runs) {
                    use sqlx::Connection;
                    let dead = twin.runs[&run].0.iter().filter(|s| {
                        twin.is_dead(s)
                            || (twin.jobs[*s].cancel && twin.jobs[*s].state == JobState::Running)
                    });
                    let expected = dead.count() as u64;
                    let mut tx = conn.begin().await.unwrap();
                    let n = assay_store::retry_failed(&mut tx, run).await.unwrap();
                    tx.commit().await.unwrap();
                    assert!(n >= expected && (n > 0) == (expected > 0));
                    let stages = read_run(conn, run).await;
                    let kept: BTreeSet<StageId> = twin.runs[&run].0.iter().copied().collect();
                    let new: Vec<_> = stages
                        .iter()
                        .filter(|s| !kept.contains(&s.0))
                        .cloned()
                        .collect();
                    twin.add(run, &new);
                    let all = stages.iter().map(|s| s.0).collect();
                    twin.runs.insert(run, (all, false));
                }
                "retry"
            }
        };
        *counts.entry(name).or_default() += 1;
        compare(
            conn,
            &twin,
            &format!("case {case}, operation {time}: {name}"),
        )
        .await;
    }
    // In the end every job comes to an end.
    lose_all(conn).await;
    no_pauses(conn).await;
    let w = worker(conn, 2).await;
    drain(conn, w).await;
    let open = "select count(*) from job where state in ('blocked', 'queued', 'running')";
    assert_eq!(number(conn, open).await, 0, "case {case}");
    counts
}

#[tokio::test]
async fn the_queue_does_what_its_twin_in_memory_does() {
    let mut all: BTreeMap<&str, u32> = BTreeMap::new();
    for case in 0..4 {
        let db = Database::new().await;
        let mut conn = db.conn().await;
        for (name, n) in play(&mut conn, case, 250).await {
            *all.entry(name).or_default() += n;
        }
    }
    println!("{all:?}");
    assert!(all.values().all(|n| *n > 10), "{all:?}");
}
