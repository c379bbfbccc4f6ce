//! The samples viewer's queries, what people say of the grader, and files by role.

use crate::support::*;
use assay_core::wire::{CompletionItem, Outcome, Record, role};
use assay_store::{
    Cut, GraderVerdict, Place, SampleFilter, StoreError, count_samples, insert_contest,
    list_contests, list_groups, list_prompt_steps, list_samples, list_stage_files,
};

const CUT: Cut = Cut {
    prompt: 4,
    completion: 10,
};

fn item(group: u32, index: u32, reward: f64, correct: bool, text: &str) -> CompletionItem {
    CompletionItem {
        group,
        index,
        prompt: "7*3-8+5=".into(),
        gold: "8".into(),
        completion: text.into(),
        reward,
        advantage: 0.0,
        length: 3,
        truncated: index == 1,
        correct,
        components: [("accuracy".to_string(), reward)].into(),
    }
}

/// Two groups of two at each step.
fn completions(step: u64) -> Record {
    Record::Completions {
        step,
        items: vec![
            item(0, 0, 1.0, true, "7*3=1;1-8=3;A8"),
            item(0, 1, 0.5, false, "A3"),
            item(1, 0, 0.0, false, "W;a;A3"),
            item(1, 1, -0.5, false, "100 % of _ \\"),
        ],
    }
}

fn place(step: i64, group: i32, index: i32) -> Place {
    Place { step, group, index }
}

#[tokio::test]
async fn samples_are_filtered_and_paged_in_the_order_of_sampling() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 8).await;
    let a = attempt(&claim(&mut conn, w).await);
    let records = [started(0), completions(5), completions(10)];
    append(&mut conn, w, a, 1, &records).await.unwrap();
    let all = SampleFilter::default();
    let found = list_samples(&mut conn, a.stage, &all, None, CUT, 99)
        .await
        .unwrap();
    assert_eq!(found.len(), 8);
    let first = &found[0];
    assert_eq!(
        (first.view.prompt.as_str(), first.prompt_characters),
        ("7*3-", 8)
    );
    assert_eq!(
        (first.view.completion.as_str(), first.characters),
        ("7*3=1;1-8=", 14)
    );
    assert_eq!(first.view.components["accuracy"], 1.0);
    // Page by page the same, nothing twice.
    let (mut after, mut places) = (None, vec![]);
    loop {
        let page = list_samples(&mut conn, a.stage, &all, after, CUT, 3)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.place());
        places.extend(page.iter().map(|s| s.place()));
    }
    let expected: Vec<Place> = found.iter().map(|s| s.place()).collect();
    assert_eq!(places, expected);
    assert_eq!(places[4], place(10, 0, 0));
    let text = |t: &str| SampleFilter {
        text: Some(t.into()),
        ..all.clone()
    };
    for (filter, count) in [
        (
            SampleFilter {
                step: Some(5),
                ..all.clone()
            },
            4,
        ),
        (
            SampleFilter {
                correct: Some(true),
                ..all.clone()
            },
            2,
        ),
        (
            SampleFilter {
                truncated: Some(true),
                ..all.clone()
            },
            4,
        ),
        (
            SampleFilter {
                reward_min: Some(0.0),
                reward_max: Some(0.5),
                ..all.clone()
            },
            4,
        ),
        (
            SampleFilter {
                wrong_rewarded: true,
                ..all.clone()
            },
            2,
        ),
        (
            SampleFilter {
                group: Some(1),
                index: Some(0),
                ..all.clone()
            },
            2,
        ),
        // What means something to patterns stands for itself; case does not matter.
        (text("%"), 2),
        (text("_"), 2),
        (text("\\"), 2),
        (text("w;A"), 2),
        (text("nowhere"), 0),
    ] {
        assert_eq!(
            count_samples(&mut conn, a.stage, &filter).await.unwrap(),
            count,
            "{filter:?}"
        );
        let found = list_samples(&mut conn, a.stage, &filter, None, CUT, 99)
            .await
            .unwrap();
        assert_eq!(found.len() as u64, count, "{filter:?}");
    }
    let groups = list_groups(&mut conn, a.stage, &[(10, 0), (5, 1)])
        .await
        .unwrap();
    assert_eq!(groups.len(), 2);
    assert_eq!((groups[0].step, groups[0].group), (5, 1));
    assert_eq!(groups[0].rewards, [0.0, -0.5]);
    assert_eq!(groups[1].correct, [true, false]);
}

#[tokio::test]
async fn prompts_are_told_apart_by_the_whole_of_them() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 8).await;
    let a = attempt(&claim(&mut conn, w).await);
    let start = "Q: 1+1? A: 2. ".repeat(400);
    let asks = |ending: &str, step: u64| Record::Completions {
        step,
        items: vec![CompletionItem {
            prompt: format!("{start}{ending}"),
            gold: "8".repeat(2_000),
            ..item(0, 0, 1.0, true, "A8")
        }],
    };
    let records = [
        started(0),
        asks("one", 5),
        asks("other", 10),
        asks("one", 15),
    ];
    append(&mut conn, w, a, 1, &records).await.unwrap();
    let all = SampleFilter::default();
    let found = list_samples(&mut conn, a.stage, &all, None, CUT, 99)
        .await
        .unwrap();
    let named: Vec<String> = found.iter().map(|s| s.prompt_md5.clone()).collect();
    // Alike as far as they are read.
    assert_eq!(found[0].view.prompt, found[1].view.prompt);
    assert!(named[0] == named[2] && named[0] != named[1]);
    // One more than a page shows, so that it can say that there is more.
    assert_eq!(found[0].view.gold.len(), 1_001);
    let own = |step: i64| (named[0].clone(), step);
    let steps = list_prompt_steps(&mut conn, a.stage, &named[..1])
        .await
        .unwrap();
    assert_eq!(steps, [own(5), own(15)]);
    assert!(
        list_prompt_steps(&mut conn, a.stage, &[])
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn what_a_resumed_attempt_repeats_is_shown_once() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 8).await;
    let a = attempt(&claim(&mut conn, w).await);
    for name in [1, 2, 3] {
        assay_store::insert_artifact(&mut conn, &sha(name), 10)
            .await
            .unwrap();
    }
    let records = [
        started(0),
        completions(5),
        file(role::TREES, 5, 1),
        completions(10),
        file(role::TREES, 10, 2),
    ];
    append(&mut conn, w, a, 1, &records).await.unwrap();
    insert_contest(
        &mut conn,
        a.stage,
        place(10, 0, 1),
        GraderVerdict::Wrong,
        "left behind",
    )
    .await
    .unwrap();
    finish(&mut conn, w, a, &Outcome::Preempted).await.unwrap();
    no_pauses(&mut conn).await;
    let b = attempt(&claim(&mut conn, w).await);
    assert_eq!(b.stage, a.stage);
    let again = [started(5), completions(10), file(role::TREES, 10, 3)];
    append(&mut conn, w, b, 1, &again).await.unwrap();
    let all = SampleFilter::default();
    let found = list_samples(&mut conn, a.stage, &all, None, CUT, 99)
        .await
        .unwrap();
    let attempts: Vec<(i64, i32)> = found.iter().map(|s| (s.view.step, s.attempt)).collect();
    assert_eq!(attempts.len(), 8);
    assert_eq!((attempts[0], attempts[7]), ((5, 1), (10, 2)));
    let files = list_stage_files(&mut conn, a.stage, role::TREES)
        .await
        .unwrap();
    let names: Vec<&str> = files.iter().map(|f| f.sha256.as_str()).collect();
    assert_eq!(names, [sha(1), sha(3)]);
    assert!(
        list_stage_files(&mut conn, a.stage, role::JUDGED)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn the_last_word_on_a_completion_counts_and_none_is_lost() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 8).await;
    let a = attempt(&claim(&mut conn, w).await);
    append(&mut conn, w, a, 1, &[started(0), completions(5)])
        .await
        .unwrap();
    for (at, verdict, reason) in [
        (
            place(5, 0, 1),
            GraderVerdict::Wrong,
            "3 is right modulo 5 <b>",
        ),
        (place(5, 0, 1), GraderVerdict::Right, ""),
        (place(5, 1, 0), GraderVerdict::Wrong, "  also\0 right  "),
    ] {
        insert_contest(&mut conn, a.stage, at, verdict, reason)
            .await
            .unwrap();
    }
    let refused = insert_contest(
        &mut conn,
        a.stage,
        place(5, 0, 0),
        GraderVerdict::Wrong,
        " ",
    )
    .await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))));
    let long = "x".repeat(1_001);
    let refused = insert_contest(
        &mut conn,
        a.stage,
        place(5, 0, 0),
        GraderVerdict::Right,
        &long,
    )
    .await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))));
    let nowhere =
        insert_contest(&mut conn, a.stage, place(6, 0, 0), GraderVerdict::Right, "").await;
    assert!(matches!(nowhere, Err(StoreError::NotFound(_))));
    let run = runs(&mut conn, id).await.remove(0);
    let found = list_contests(&mut conn, run.id).await.unwrap();
    let counts: Vec<bool> = found.iter().map(|c| c.counts).collect();
    assert_eq!(counts, [false, true, true]);
    assert_eq!(
        (found[0].graded_correct, found[0].place),
        (false, place(5, 0, 1))
    );
    assert_eq!(found[2].reason, "also\u{fffd} right");
}
