//! The run's page from made-up material.

mod attempts;

use super::counting::Refused;
use super::links::SAMPLED;
use super::material::Against;
use super::panels::Measured;
use super::*;
use crate::pages::tests::assert_is_clean;
use assay_core::ids::{ArmId, ExperimentId, StageId};
use assay_core::metric;
use assay_core::spec::Alarms;
use assay_core::spec::Charge;
use assay_core::wire::{HostFacts, Level, role};
use assay_store::{
    ArmView, ArtifactView, AttemptState, AttemptView, EventView, ExclusionEvent, Point, Series,
};
use serde_json::json;
use time::{Duration, OffsetDateTime};

mod filed;
mod said;
mod zoomed;

fn series(values: impl IntoIterator<Item = f64>) -> Series {
    let point = |(i, v): (usize, f64)| Point {
        step: i as i64 + 1,
        count: 1,
        mean: v,
        min: v,
        max: v,
        last: v,
        cum: Default::default(),
    };
    Series {
        points: values.into_iter().enumerate().map(point).collect(),
        level: 0,
    }
}

fn at(minutes: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::minutes(minutes)
}

fn material() -> Material {
    let six = panels::CARDS[..6].iter().flat_map(|(_, metrics)| *metrics);
    let mut of: Vec<Measured> = six
        .map(|name| {
            (
                name.to_string(),
                series((0..40).map(|i| 0.5 + 0.01 * f64::from(i % 3))),
            )
        })
        .collect();
    let rate = (0..40).map(|i| if i < 25 { 0.02 } else { 0.4 });
    of.push(("train/reflection_rate".into(), series(rate)));
    let file = |role: &str, step: i64, minutes| {
        let view = ArtifactView {
            attempt: 1,
            role: role.into(),
            step,
            sha256: format!("{step:064}"),
            bytes: 1_500_000,
            released: role == role::RESUME,
            stored_at: at(minutes),
        };
        ("rl".to_string(), view)
    };
    let attempt = AttemptView {
        number: 1,
        state: AttemptState::Failed,
        worker_name: Some("w-1".into()),
        started_at: at(0),
        finished_at: Some(at(50)),
        resumed_from_step: Some(0),
        step: 40,
        host: Some(HostFacts {
            device: "cpu".into(),
            libtorch: "2.11.0".into(),
            cpu_model: "A processor <b>".into(),
            code: "0.1.0, commit 3b2f67c0d1e2".into(),
        }),
        failure: Some(FailureView {
            class: "crash".into(),
            message: "gone".into(),
            step: None,
            metric: None,
            log: vec!["last\u{1b}[31m words </pre>".into()],
        }),
        log: vec![],
        log_at: None,
    };
    let event = EventView {
        id: 1,
        attempt: Some(1),
        step: Some(30),
        level: Level::Alarm,
        text: "entropy has collapsed".into(),
        at: at(40),
    };
    Material {
        run: RunView {
            id: RunId(uuid::Uuid::from_u128(1)),
            experiment: ExperimentId(uuid::Uuid::nil()),
            arm: ArmView {
                id: ArmId(uuid::Uuid::nil()),
                position: 1,
                key: "rl".into(),
                label: "GRPO".into(),
                trains: true,
            },
            seed: 3,
            state: RunState::Running,
            stages: vec![],
        },
        standing: Default::default(),
        question: "A test".into(),
        limits: Alarms::default(),
        stage: Some("rl".into()),
        series: of,
        view: Default::default(),
        part: None,
        base: None,
        further: 7,
        all: false,
        spec: Some(json!({"job": {"beta": 0.1}, "semantics_version": 2, "generator_version": 1})),
        against: None,
        siblings: vec![(RunId(uuid::Uuid::from_u128(2)), "GRPO, seed 4".into())],
        files: vec![
            file(role::RESUME, 20, 20),
            file(role::MILESTONE, 30, 30),
            file(role::TREES, 30, 31),
        ],
        steps: (0..100).map(|i| 1 + 5 * i).collect(),
        completions: vec![],
        evaluations: vec![],
        ledger: vec![],
        attempts: vec![("rl".into(), attempt)],
        events: vec![("rl".into(), event)],
        older: vec![],
        found: vec![],
        notes: vec![],
        unkept: None,
        decisions: vec![],
        refused: None,
        not_requeued: None,
    }
}

fn render(of: &Material) -> String {
    let text = RunPage::new(Shell::plain("GRPO, seed 3"), of)
        .render()
        .unwrap();
    assert_is_clean(&text);
    text
}

#[test]
fn the_six_panels_come_first_in_their_order_and_share_their_axis() {
    let text = render(&material());
    let order: Vec<usize> = [
        metric::REWARD_MEAN,
        metric::VALIDATION_PASS_AT_1,
        metric::COMPLETION_LENGTH,
        metric::TRUNCATED_SHARE,
        metric::KL,
        metric::ENTROPY,
        metric::TOKENS_PER_SECOND,
    ]
    .iter()
    .map(|m| text.find(&format!("data-metric=\"{m}\"")).expect(m))
    .collect();
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(text.matches(" data-x=\"0 40 linear\"").count(), 8);
    assert_eq!(text.matches("data-plot=\"").count(), 8);
    // What the script asks for is what is drawn; the metric follows.
    assert!(text.contains("/series?stage=rl&#38;max_points=300&#38;metric=\""));
    assert_eq!(text.matches("data-kind=\"share\" data-title=\"").count(), 2);
    assert!(text.contains("7 further metrics") && text.contains("metrics=all"));
    let mut clipped = material();
    assert!(!text.contains("data-metric=\"train/clip_ratio_high\""));
    let low = series((0..40).map(|_| 0.01));
    clipped.series.push((metric::CLIP_HIGH.into(), low));
    let text = render(&clipped);
    assert!(text.contains("data-metric=\"train/clip_ratio_high\""));
    assert!(text.contains("Upper clip ratio, share of tokens"));
    let mut few = material();
    few.series.retain(|(name, _)| name != metric::KL);
    assert!(render(&few).contains("Not reported by this stage: KL to the reference"));
}

#[test]
fn samples_are_one_click_from_the_panels() {
    let text = render(&material());
    assert!(text.contains("/samples?stage=rl&#38;step=1\">1</a>"));
    assert!(
        text.contains("/samples?stage=rl&#38;step=496\">496</a>"),
        "the last one too"
    );
    assert!(text.contains("data-steps=\"1 6 11 ") && text.contains(" 491 496\""));
    let list = &text[text.find("Samples at step: ").unwrap()..];
    let list = &list[..list.find("</p>").unwrap()];
    let links = list.matches("/samples?stage=rl&#38;step=").count();
    assert!((10..=SAMPLED + 1).contains(&links), "{links}");
    assert!(text.contains("/trees\">Search trees</a>") && !text.contains("Judged texts"));
}

#[test]
fn every_curve_that_is_drawn_stands_in_a_bounded_table() {
    let of = material();
    let data = panels::data(&of.series).unwrap();
    assert_eq!(data.rows.len(), of.series.len());
    // 40 points: one in four, the last among them.
    let rate = data
        .rows
        .iter()
        .find(|(label, _)| label.starts_with("Reflective"));
    let cells = &rate.unwrap().1;
    assert_eq!(cells.split("; ").count(), 10);
    assert!(
        cells.starts_with("4: 0.02") && cells.contains("; 40: 0.4"),
        "{cells}"
    );
    assert!(render(&of).contains("<details id=\"data-panels\">"));
    assert!(panels::data(&[]).is_none());
}

#[test]
fn alarms_print_their_thresholds_and_what_was_found() {
    let mut of = material();
    let text = render(&of);
    for words in [
        "entropy under 0.05 nats a token",
        "held-out pass@1 down by more than 0.05 while the reward rose by more than 0.05, over 100 steps or more",
        "truncated share above 0.1",
        "! raised at step 1: 0.5000",
        "not measured by this stage",
        "not raised",
        "for 10 steps; more than 95 % truncated; entropy under 0.001",
        "entropy has collapsed at step 30",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert_eq!(text.matches("<td>default</td>").count(), 7);
    assert!(!text.contains("set by the experiment") && text.contains("<td>fixed</td>"));
    of.limits.entropy_below = 0.4;
    of.limits.truncated_above = 0.9;
    of.events.clear();
    let text = render(&of);
    for words in [
        "entropy under 0.4 nats a token",
        "set by the experiment; by default entropy under 0.05 nats a token",
        "truncated share above 0.9",
        "The worker has raised none",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert_eq!(text.matches("<td>default</td>").count(), 5);
}

#[test]
fn the_timeline_holds_checkpoints_and_changes_of_detectors_in_their_places() {
    let text = render(&material());
    let section = &text[text.find("What has happened?").unwrap()..];
    let place = |words: &str| {
        section
            .find(words)
            .unwrap_or_else(|| panic!("{words}\n{section}"))
    };
    // Newest first; the change at step 26 stands after the checkpoint at step 20 was stored.
    let order = [
        place("rl: entropy has collapsed at step 30"),
        place("milestone&#39;s weights stored at step 30"),
        place("Reflective completions, share changes its level from 0.0200 to 0.4000"),
        place("checkpoint stored at step 20"),
    ];
    assert!(order.is_sorted(), "{order:?}\n{section}");
    assert!(!section.contains("search trees stored at"), "no checkpoint");
    let told = format!(
        "told from {} of the variance on and with {CHANGE_POINTS} points on each side",
        number::percent(CHANGE_EXPLAINS)
    );
    assert!(section.contains(&told), "{told}");
}

#[test]
fn logs_environment_and_files_are_shown_and_escaped() {
    let text = render(&material());
    for words in [
        "last<span class=\"ctl\">␛</span>[31m words &#60;/pre&#62;",
        "/log.txt\" download",
        "A processor &#60;b&#62;",
        "engine semantics 2, task generator 1",
        "<td>0.1.0, commit 3b2f67c0d1e2</td>",
        "1.50 MB",
        "<td>released</td>",
        "<code>job.beta</code>",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

#[test]
fn another_runs_config_shows_changed_keys_only_or_that_there_is_none() {
    let mut of = material();
    of.against = Some(Against {
        run: of.siblings[0].0,
        name: "GRPO, seed 4: rl".into(),
        spec: Some(json!({"job": {"beta": 0.0}, "semantics_version": 2, "generator_version": 1})),
        code: "0.1.0, commit 3b2f67c0d1e2".into(),
    });
    let text = render(&of);
    let table = &text[text.find("Changed keys only").unwrap()..];
    let table = &table[..table.find("</table>").unwrap()];
    assert!(table.contains("job.beta") && !table.contains("semantics"));
    assert!(!table.contains("commit"), "the same code is no difference");
    of.against.as_mut().unwrap().code = "not recorded".into();
    let text = render(&of);
    assert!(text.contains(
        "<code>code</code></th><td><code>0.1.0, commit 3b2f67c0d1e2</code></td><td><code>not recorded</code>"
    ));
    of.against.as_mut().unwrap().spec = None;
    assert!(render(&of).contains("nothing to compare with"));
}

#[test]
fn values_that_are_not_finite_and_nothing_at_all_leave_the_page_standing() {
    let mut of = material();
    for (_, series) in &mut of.series {
        for (i, p) in series.points.iter_mut().enumerate() {
            let bad = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e308][i % 4];
            (p.mean, p.min, p.max, p.last) = (bad, bad, bad, bad);
        }
    }
    assert!(render(&of).contains("not finite"));
    // Within a bin of several steps, it takes them with it.
    for p in &mut of.series[0].1.points {
        p.count = 10;
    }
    assert!(render(&of).contains("of up to 10 steps not drawn: a value in it is not finite"));
    of.series.clear();
    of.steps.clear();
    of.files.clear();
    of.attempts.clear();
    of.events.clear();
    of.spec = None;
    let text = render(&of);
    for words in [
        "Nothing measured yet",
        "No file is stored yet",
        "No attempt has begun",
        "No stage to show",
    ] {
        assert!(text.contains(words), "{words}");
    }
}

fn decision(excluded: bool, reason: &str, minutes: i64, holds: bool) -> ExclusionEvent {
    ExclusionEvent {
        run: RunId(uuid::Uuid::from_u128(1)),
        arm: "rl".into(),
        label: "GRPO".into(),
        seed: 3,
        excluded,
        reason: reason.into(),
        at: at(minutes),
        holds,
    }
}

#[test]
fn the_form_offers_the_other_decision_and_shows_those_of_before() {
    let mut of = material();
    let text = render(&of);
    assert!(text.contains("It counts in every number") && text.contains("value=\"exclude\""));
    assert!(!text.contains("value=\"include\"") && !text.contains("Earlier decisions"));
    of.decisions = vec![
        decision(true, "wrong <b> seed", 1, false),
        decision(false, "", 2, false),
        decision(true, "The disk was full.", 3, true),
    ];
    let text = render(&of);
    for words in [
        "<strong>Left out of the comparison</strong>",
        "The disk was full.",
        "wrong &#60;b&#62; seed",
        "Earlier decisions (2)",
        "counted again</li>",
        "value=\"include\"",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(!text.contains("value=\"exclude\""));
}

#[test]
fn what_could_not_be_kept_is_said_beside_the_words_that_were_entered() {
    let mut of = material();
    of.refused = Some(Refused {
        reason: "x\" autofocus=\"".into(),
        why: "must be at most 500 characters".into(),
    });
    let text = render(&of);
    for words in [
        "Not kept: must be at most 500 characters.",
        "value=\"x&#34; autofocus=&#34;\"",
        "aria-invalid=\"true\"",
        "<details id=\"count-form\" open>",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

fn stage(name: &str, state: JobState) -> RunStageView {
    RunStageView {
        position: 0,
        name: name.into(),
        stage: StageId(uuid::Uuid::nil()),
        hash: String::new(),
        kind: "grpo".into(),
        charge: Charge::Arm,
        reused: false,
        state,
        attempts: 1,
        failures: 0,
        step: 62,
        started_at: None,
        finished_at: None,
        failure: None,
        worker_name: Some("w-1".into()),
        waits_for: vec![],
    }
}

/// The first section, above the panels.
fn head(of: &Material) -> String {
    let text = render(of);
    let from = text.find("<div id=\"state\"").unwrap();
    text[from..text.find("<section id=\"panels\"").unwrap()].to_string()
}

#[test]
fn the_head_says_how_far_how_alive_how_dear_and_can_stop_it() {
    let mut of = material();
    of.run.stages = vec![
        stage("sft", JobState::Succeeded),
        stage("rl", JobState::Running),
    ];
    of.standing.part = 0.24;
    of.standing.sign.silent_seconds = Some(2.4);
    of.standing.dollars = Some(18.4);
    let text = head(&of);
    for words in [
        "running 62 %</span>",
        "rl at step 62",
        "heartbeat 2 s ago",
        "$18.40 spent on its stages",
        "action=\"/queue/cancel\"",
        "name=\"run\" value=\"00000000-0000-0000-0000-000000000001\"",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    of.standing.whole = Some(40.0);
    assert!(head(&of).contains("$18.40 of ~$40.00 spent on its stages"));
    of.standing.whole = None;
    of.run.state = RunState::Succeeded;
    of.run.stages[1].state = JobState::Succeeded;
    let text = head(&of);
    for words in [" %</span>", "heartbeat", "/queue/cancel"] {
        assert!(!text.contains(words), "{words}\n{text}");
    }
}

#[test]
fn below_the_speed_stands_what_the_time_so_far_has_cost() {
    let mut of = material();
    let said = "of device time so far";
    assert!(!render(&of).contains(said));
    (of.standing.device_ms, of.standing.unpriced_ms) = (10.8e6, 3.6e6);
    of.standing.dollars = Some(5.0);
    let told = of.standing.device_time().unwrap();
    assert!(told.contains(", $5.00 at $2.50 an hour; of "), "{told}");
    of.standing.unpriced_ms = 10.8e6;
    of.standing.dollars = None;
    let told = of.standing.device_time().unwrap();
    assert!(
        !told.contains('$') && told.contains("no price is known"),
        "{told}"
    );
    assert_eq!(render(&of).matches(said).count(), 1, "below one panel");
}

#[test]
fn a_waiting_run_says_what_it_waits_for_and_in_which_place() {
    let mut of = material();
    of.run.state = RunState::Waiting;
    of.run.stages = vec![stage("rl", JobState::Queued)];
    of.standing.waiting = Some(Waiting::Turn { ahead: 2 });
    let text = head(&of);
    assert!(text.contains("rl waits for a worker, position 3"), "{text}");
    assert!(!text.contains("heartbeat") && !text.contains("spent on its stages"));
    of.standing.waiting = Some(Waiting::Worker { threads: 4 });
    assert!(head(&of).contains("rl: no worker with 4 threads"));
}

#[test]
fn alarms_stand_at_the_top_with_the_samples_nearest_to_them() {
    let mut of = material();
    let text = head(&of);
    // Stored steps are 1, 6, 11, …: the alarm at 30 has its nearest at 31.
    let rule = "! truncated share above 0.1 at step 1: samples at step 1";
    let worker = "! rl: entropy has collapsed at step 30: samples at step 31";
    let plain = |text: &str| {
        let parts = text
            .split('<')
            .map(|part| part.split_once('>').map_or(part, |p| p.1));
        parts.collect::<String>()
    };
    for words in [rule, worker] {
        assert!(plain(&text).contains(words), "{words}\n{}", plain(&text));
    }
    assert!(text.contains("/samples?stage=rl&#38;step=31\">samples at step 31</a>"));
    // Of another stage's event there are no samples here.
    of.events[0].0 = "sft".into();
    assert!(plain(&head(&of)).contains("! sft: entropy has collapsed at step 30\n"));
    of.events = vec![of.events[0].clone(); 9];
    assert!(head(&of).contains("6 more below"));
    of.events.clear();
    of.series.clear();
    assert!(!head(&of).contains("<strong>!</strong>"));
}
