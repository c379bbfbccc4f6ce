use super::*;
use assay_core::ids::{ExperimentId, StageId};
use assay_store::NeededBy;

fn sample(state: JobState, waiting: Option<Waiting>) -> JobView {
    JobView {
        stage: StageId(uuid::Uuid::nil()),
        kind: "grpo".into(),
        state,
        waiting,
        threads: 1,
        attempts: 2,
        failures: 1,
        step: 1_200,
        worker_name: Some("<b>w</b>".into()),
        queued_at: OffsetDateTime::UNIX_EPOCH,
        finished_at: None,
        needed_by: (0..5)
            .map(|seed| NeededBy {
                experiment: ExperimentId(uuid::Uuid::nil()),
                experiment_name: "e".into(),
                run: RunId(uuid::Uuid::nil()),
                arm_key: "grpo".into(),
                seed,
                name: "base".into(),
            })
            .collect(),
    }
}

#[test]
fn every_waiting_job_says_why() {
    let jobs = [
        sample(JobState::Running, None),
        sample(JobState::Queued, Some(Waiting::Turn { ahead: 0 })),
        sample(JobState::Queued, Some(Waiting::Worker { threads: 4 })),
        sample(JobState::Blocked, Some(Waiting::Inputs { unfinished: 2 })),
    ];
    let page = QueuePage::new(
        Shell::plain("Queue"),
        &jobs,
        &[],
        None,
        OffsetDateTime::UNIX_EPOCH,
    );
    let text = page.render().unwrap();
    for words in [
        "#1",
        "No estimate of when it is cleared",
        "action=\"/queue/cancel\"",
        "are lost",
        "step 1,200 on ",
        "next",
        "no worker with 4 threads",
        "waits for 2 inputs",
        "and 2 other runs",
        "1 running",
        "2 queued",
        "assay-worker",
    ] {
        assert!(text.contains(words), "{words}");
    }
    crate::pages::tests::assert_is_clean(&text);
}

#[test]
fn the_clearing_time_stands_with_its_basis_and_what_is_not_in_it() {
    let kind = |kind: &str, past| KindBasis {
        kind: kind.into(),
        to_come: 3,
        past,
    };
    let of = Clearing {
        half_ms: 60_000.0,
        most_ms: 180_000.0,
        basis: vec![kind("grpo", 9)],
        without: vec![kind("ppo", 0)],
    };
    let said = clearing_said(Some(&of));
    for words in ["1 min 0 s", "3 min 0 s", "3 grpo (9 past)", "3 ppo"] {
        assert!(said.contains(words), "{words} in {said}");
    }
    // Nothing waits: nothing is estimated.
    let page = QueuePage::new(
        Shell::plain("Queue"),
        &[],
        &[],
        None,
        OffsetDateTime::UNIX_EPOCH,
    );
    assert!(page.clearing.is_none() && page.cancel.is_empty());
}

#[test]
fn a_run_is_offered_once_whatever_the_number_of_its_jobs() {
    let jobs = [
        sample(JobState::Running, None),
        sample(JobState::Queued, Some(Waiting::Turn { ahead: 3 })),
        sample(JobState::Failed, None),
    ];
    let page = QueuePage::new(
        Shell::plain("Queue"),
        &jobs,
        &[],
        None,
        OffsetDateTime::UNIX_EPOCH,
    );
    // The sample's runs share one id.
    assert_eq!((page.cancel.len(), page.retry.len()), (1, 1));
    assert!(page.cancel[0].1.contains("at step 1,200"));
}
