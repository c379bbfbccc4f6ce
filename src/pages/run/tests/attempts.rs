//! What the page says of attempts at work, and of queueing them again.

use super::*;
use assay_store::RequeueView;

#[test]
fn a_running_attempts_last_lines_stand_open_with_their_time_before_other_logs() {
    let mut of = material();
    let mut running = of.attempts[0].1.clone();
    running.number = 2;
    running.state = AttemptState::Running;
    running.finished_at = None;
    running.failure = None;
    running.log = (0..30).map(|n| format!("line {n}")).collect();
    running.log.push("<img src=x>\u{202e}gnp.exe".into());
    running.log_at = Some(at(51));
    of.attempts.push(("rl".into(), running));
    let text = render(&of);
    let logs = &text[text.find("<h3>Logs</h3>").unwrap()..];
    let first = logs.find("rl, attempt 2, last lines, as of").unwrap();
    assert!(first < logs.find("rl, attempt 1, last lines<").unwrap());
    for words in [
        "open><summary>rl, attempt 2",
        &number::moment(at(51)),
        ">line 0\nline 1\n",
        "&#60;img src=x&#62;<span class=\"ctl\">⟨U+202E⟩</span>gnp.exe</pre>",
    ] {
        assert!(logs.contains(words), "{words}\n{logs}");
    }
    // What a lost attempt had said is kept, and no longer said to go on.
    of.attempts[1].1.state = AttemptState::Lost;
    let text = render(&of);
    assert!(text.contains("rl, attempt 2, last lines, as of") && !text.contains("(it runs)"));
    of.attempts.clear();
    assert!(render(&of).contains("No attempt of this run has left a log"));
}

fn requeue(state: JobState, is_held: bool) -> RequeueView {
    RequeueView {
        run: RunId(uuid::Uuid::from_u128(1)),
        arm_key: "rl".into(),
        seed: 3,
        stage: StageId(uuid::Uuid::nil()),
        name: "rl".into(),
        state,
        attempt: 2,
        failures: 3,
        worker_name: Some("w <b>".into()),
        silent_seconds: (state == JobState::Running).then_some(400.0),
        is_held,
        from_step: 400,
        reached: 450,
        is_cancelled: false,
    }
}

#[test]
fn what_a_requeue_discards_is_said_before_it_and_force_is_named() {
    let mut of = material();
    let form = |of: &Material| {
        let text = render(of);
        let from = text.find("<div id=\"requeue\"").unwrap();
        text[from..text.find("<section id=\"counts\"").unwrap()].to_string()
    };
    assert!(!form(&of).contains("<form"));
    of.standing.requeue = vec![requeue(JobState::Running, false)];
    let silent = form(&of);
    for words in [
        "its worker is silent",
        "rl, attempt 2 (on w &#60;b&#62;, heard of 6 min ago): goes on from step 400; \
         steps 401 to 450 are discarded",
        "<button>Requeue from step 400</button>",
    ] {
        assert!(silent.contains(words), "{words}\n{silent}");
    }
    assert!(!silent.contains("required") && !silent.contains("force"));
    of.standing.requeue = vec![requeue(JobState::Running, true)];
    let held = form(&of);
    assert!(held.contains("Take it away") && held.contains("name=\"force\" value=\"yes\""));
    of.standing.requeue = vec![requeue(JobState::Failed, false)];
    of.not_requeued = Some(Refused {
        reason: "a \"b\"".into(),
        why: "no <i>reason</i>".into(),
    });
    let failed = form(&of);
    for words in [
        "one more attempt",
        "(failed 3 times)",
        " required aria-invalid",
        "value=\"a &#34;b&#34;\"",
        "Not queued again: <bdi>no &#60;i&#62;reason&#60;/i&#62;</bdi>.",
    ] {
        assert!(failed.contains(words), "{words}\n{failed}");
    }
}
