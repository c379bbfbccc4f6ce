//! What the queue's page says of a queue that is longer than its list.

use crate::support::*;
use assay_core::wire::{FailureClass, Level, Record};
use assay_store::JobState;
use std::collections::HashSet;

const OPEN: [JobState; 3] = [JobState::Running, JobState::Queued, JobState::Blocked];
const ENDED: [JobState; 2] = [JobState::Failed, JobState::Cancelled];

#[tokio::test]
async fn counts_and_offered_runs_are_those_of_the_whole_queue() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    // Of each seed a base, a fine-tuning and two evaluations: 240 jobs.
    insert(&mut conn, &small("60")).await;
    let w = worker(&mut conn, 1).await;
    let broken = attempt(&claim(&mut conn, w).await);
    finish(&mut conn, w, broken, &failed(FailureClass::Nan))
        .await
        .unwrap();
    // Its list holds nothing of what has ended.
    let listed = assay_store::list_jobs(&mut conn, 200).await.unwrap();
    assert_eq!(listed.len(), 200);
    assert!(listed.iter().all(|job| OPEN.contains(&job.state)));
    let counted = assay_store::count_jobs(&mut conn).await.unwrap();
    assert_eq!(counted.iter().map(|(_, n)| n).sum::<i64>(), 236);
    let failed = assay_store::list_failed_stages(&mut conn, 10)
        .await
        .unwrap();
    assert_eq!(failed, [broken.stage]);
    let ended = assay_store::list_run_jobs(&mut conn, &ENDED, 200)
        .await
        .unwrap();
    // Both arms need the base; what was cancelled with it is not named before it.
    assert_eq!((ended.all, ended.runs.len()), (2, 2));
    for run in &ended.runs {
        assert_eq!((run.state, run.name.as_str()), (JobState::Failed, "base"));
    }
    assert_eq!(ended.runs[0].arm_key, "base");
    let begun = attempt(&claim(&mut conn, w).await);
    let record = Record::Event {
        step: 12,
        level: Level::Info,
        text: "it goes on".into(),
    };
    append(
        &mut conn,
        w,
        begun,
        1,
        &[started(0), record, step(12, "train/loss", 1.0)],
    )
    .await
    .unwrap();
    let open = assay_store::list_run_jobs(&mut conn, &OPEN, 300)
        .await
        .unwrap();
    assert_eq!((open.all, open.runs.len()), (118, 118));
    let distinct: HashSet<_> = open.runs.iter().map(|run| run.run).collect();
    assert_eq!(distinct.len(), 118, "each run once");
    // In the order of the queue: what runs comes first.
    assert_eq!(
        (open.runs[0].state, open.runs[0].step),
        (JobState::Running, 12)
    );
    assert_eq!(open.runs[2].state, JobState::Queued);
    let few = assay_store::list_run_jobs(&mut conn, &OPEN, 5)
        .await
        .unwrap();
    assert_eq!((few.all, few.runs.as_slice()), (118, &open.runs[..5]));
    let none = assay_store::list_run_jobs(&mut conn, &[], 5).await.unwrap();
    assert_eq!((none.all, none.runs.len()), (0, 0));
}

#[tokio::test]
async fn alarms_that_later_events_have_pushed_out_are_still_found() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    let a = attempt(&claim(&mut conn, w).await);
    let event = |step: u64, level: Level| Record::Event {
        step,
        level,
        text: format!("at {step}"),
    };
    let mut records = vec![started(0), event(1, Level::Alarm), event(2, Level::Alarm)];
    records.extend((3..63).map(|step| event(step, Level::Info)));
    append(&mut conn, w, a, 1, &records).await.unwrap();
    let newest = assay_store::events(&mut conn, a.stage, 50).await.unwrap();
    assert!(newest.iter().all(|e| e.level == Level::Info));
    let than = newest.last().unwrap().id;
    let older = assay_store::older_events(&mut conn, a.stage, than, 10)
        .await
        .unwrap();
    let told = number(&mut conn, "select count(*) from event").await;
    assert_eq!(older.count, told - 50);
    let steps: Vec<Option<i64>> = older.alarms.iter().map(|e| e.step).collect();
    assert_eq!(steps, [Some(2), Some(1)]);
    let one = assay_store::older_events(&mut conn, a.stage, than, 1)
        .await
        .unwrap();
    assert_eq!((one.alarms.len(), one.alarms[0].level), (1, Level::Alarm));
}
