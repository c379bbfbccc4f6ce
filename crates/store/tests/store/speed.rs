//! How long the experiment page's queries take. Printed, with a generous limit:
//! `cargo test -p assay-store -- --ignored --nocapture queries_of`.

use crate::support::*;
use assay_core::task::Split;
use assay_core::wire::{Outcome, Record};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes about a minute"]
async fn queries_of_the_experiment_page_stay_under_their_limit() {
    let db = Database::with_connections(4).await;
    let mut conn = db.conn().await;
    let arms: Vec<String> = (0..12)
        .map(|i| {
            format!(
                "{{ id: a{i}, stages: [{{ id: sft, kind: sft, share: 0.2, batch_size: {}, inputs: {{ init: base }} }}, \
                 {{ id: grpo, kind: grpo, share: 0.8, inputs: {{ init: sft }} }}] }}",
                i + 1
            )
        })
        .collect();
    let mut lines = vec![BASE_ARM];
    lines.extend(arms.iter().map(String::as_str));
    let id = insert(&mut conn, &experiment("5", &[BASE], &lines)).await;
    let w = worker(&mut conn, 1).await;
    let begun = Instant::now();
    let (mut batches, mut slowest) = (0_u32, Duration::ZERO);
    while let Some(claim) = assay_store::claim(&mut conn, w, 1).await.unwrap() {
        let a = attempt(&claim);
        let steps = match claim.spec.job.kind() {
            "grpo" => 1000,
            "sft" | "pretrain" => 200,
            _ => 0,
        };
        append(&mut conn, w, a, 1, &[started(0)]).await.unwrap();
        let mut seq = 2;
        for batch in 0..steps / 50 {
            let mut records = vec![];
            for step in batch * 50 + 1..=batch * 50 + 50 {
                let metrics: BTreeMap<String, f64> = (0..15)
                    .map(|m| (format!("train/metric_{m}"), (step * m) as f64 / 3.0))
                    .collect();
                records.push(Record::Step {
                    step,
                    cum: cum(step as f64),
                    metrics,
                });
                records.push(spent(step, &[("rollout", 0.5), ("update", 0.5)]));
                if step % 100 == 0 {
                    let milestone = Some((step / 100) as u32 * 10 % 110);
                    let right: &[&[bool]] = &[&[true, false] as &[bool]; 128];
                    records.push(measured(
                        step,
                        Split::Validation,
                        milestone,
                        step as f64,
                        right,
                    ));
                }
            }
            let at = Instant::now();
            append(&mut conn, w, a, seq, &records).await.unwrap();
            slowest = slowest.max(at.elapsed());
            batches += 1;
            seq += records.len() as u64;
        }
        if steps == 0 {
            let right: &[&[bool]] =
                &[&[true, false, true, true, false, true, true, false] as &[bool]; 512];
            let records = [
                measured(0, Split::Test, None, 0.0, right),
                measured(0, Split::Ood, None, 0.0, right),
            ];
            append(&mut conn, w, a, 2, &records).await.unwrap();
        }
        finish(&mut conn, w, a, &Outcome::Succeeded).await.unwrap();
    }
    println!(
        "written in {:?}; {batches} batches of 50 steps x 15 metrics, slowest {slowest:?}",
        begun.elapsed()
    );
    sqlx::query("analyze").execute(&mut *conn).await.unwrap();

    let mut best = [Duration::MAX; 10];
    let names = [
        "list_runs",
        "run_figures",
        "milestones",
        "experiment_series",
        "experiment_ledger",
        "figures_for_split",
        "pass_at_k",
        "list_experiments",
        "list_jobs",
        "series",
    ];
    let grpo = stage(&runs(&mut conn, id).await[10], "grpo");
    for _ in 0..7 {
        for (i, best) in best.iter_mut().enumerate() {
            let at = Instant::now();
            match i {
                0 => assert_eq!(
                    assay_store::list_runs(&mut conn, id).await.unwrap().len(),
                    65
                ),
                1 => drop(assay_store::run_figures(&mut conn, id).await.unwrap()),
                2 => assert_eq!(
                    assay_store::milestones(&mut conn, id).await.unwrap().len(),
                    // 5 starts of the base; 60 x (start, 2 of sft, 10 of grpo).
                    5 + 60 * 13
                ),
                3 => {
                    let curves = assay_store::experiment_series(&mut conn, id, "train/metric_7");
                    let curves = curves.await.unwrap();
                    assert_eq!(curves.len(), 60);
                    // The short stage by its points, the other by tens.
                    assert_eq!(curves[0].points.len(), 200 + 101);
                }
                4 => drop(assay_store::experiment_ledger(&mut conn, id).await.unwrap()),
                5 => drop(
                    assay_store::figures_for_split(&mut conn, id, Split::Ood)
                        .await
                        .unwrap(),
                ),
                6 => drop(
                    assay_store::pass_at_k(&mut conn, id, Split::Test)
                        .await
                        .unwrap(),
                ),
                7 => drop(
                    assay_store::list_experiments(&mut conn, 50, None)
                        .await
                        .unwrap(),
                ),
                8 => drop(assay_store::list_jobs(&mut conn, 100).await.unwrap()),
                _ => {
                    let read = assay_store::series(&mut conn, grpo, "train/metric_3", 2000);
                    assert_eq!(read.await.unwrap().points.len(), 1000);
                }
            }
            *best = (*best).min(at.elapsed());
        }
    }
    for (name, best) in names.iter().zip(&best) {
        println!("{name:20} {:8.2} ms", best.as_secs_f64() * 1e3);
    }
    let page: Duration = best[..4].iter().sum();
    println!("list_runs + run_figures + milestones + experiment_series: {page:?}");
    assert!(page < Duration::from_millis(200), "{page:?}");
}
