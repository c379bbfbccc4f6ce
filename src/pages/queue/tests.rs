//! The page from made-up queues; over HTTP it is in `tests/pages`.

use super::rows::start_said;
use super::*;
use crate::pages::filed::About;
use assay_core::ids::{ExperimentId, RunId, StageId, WorkerId};
use assay_core::load::Load;
use assay_core::starts::Start;
use assay_core::wire::{Host, PROTOCOL};
use assay_store::{NeededBy, RunJob, RunningAttempt, Waiting};

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn sample(state: JobState, waiting: Option<Waiting>) -> JobView {
    JobView {
        stage: StageId(uuid::Uuid::nil()),
        kind: "grpo".into(),
        state,
        waiting,
        threads: 1,
        attempts: 2,
        failures: 1,
        priority: 0,
        step: 1_200,
        started_at: (state == JobState::Running).then_some(NOW),
        worker_name: Some("<b>w</b>".into()),
        queued_at: NOW,
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

fn worker(threads: i32, seconds: f64, busy: &[i32]) -> WorkerView {
    WorkerView {
        id: WorkerId(uuid::Uuid::nil()),
        name: "w".into(),
        protocol: PROTOCOL as i32,
        threads,
        host: Host::default(),
        registered_at: NOW,
        seen_at: NOW,
        seconds_since_seen: seconds,
        load: None,
        seconds_since_load: None,
        running: busy
            .iter()
            .map(|threads| RunningAttempt {
                stage: StageId(uuid::Uuid::nil()),
                number: 1,
                kind: "grpo".into(),
                threads: *threads,
                step: 3,
            })
            .collect(),
    }
}

fn queue_of(jobs: &[JobView]) -> Material {
    let mut jobs = jobs.to_vec();
    for (i, job) in (0..).zip(&mut jobs) {
        job.stage = StageId(uuid::Uuid::from_u128(i));
    }
    let open = OPEN.map(|state| {
        let own = jobs.iter().filter(|j| j.state == state);
        (state, own.count() as i64)
    });
    Material {
        jobs,
        counts: open.to_vec(),
        cancel: runs(1, JobState::Running, 1),
        ..Material::default()
    }
}

/// So many runs, of how many in all.
fn runs(listed: u128, state: JobState, all: i64) -> RunJobs {
    let run = |i| RunJob {
        run: RunId(uuid::Uuid::from_u128(i)),
        experiment_name: "e".into(),
        arm_key: "grpo".into(),
        seed: 0,
        name: "base".into(),
        state,
        step: 1_200,
    };
    RunJobs {
        runs: (0..listed).map(run).collect(),
        all,
    }
}

fn page_of(of: &Material) -> QueuePage {
    QueuePage::new(Shell::plain("Queue"), of, NOW)
}

fn turn(ahead: i64) -> JobView {
    sample(JobState::Queued, Some(Waiting::Turn { ahead }))
}

#[test]
fn every_waiting_job_says_why() {
    let jobs = [
        sample(JobState::Running, None),
        turn(0),
        sample(JobState::Queued, Some(Waiting::Worker { threads: 4 })),
        sample(JobState::Blocked, Some(Waiting::Inputs { unfinished: 2 })),
    ];
    let text = page_of(&queue_of(&jobs)).render().unwrap();
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
        "Every job has the same priority",
    ] {
        assert!(text.contains(words), "{words}");
    }
    assert!(!text.contains("; start "), "no worker, no start");
    crate::pages::tests::assert_is_clean(&text);
}

#[test]
fn a_queued_job_has_an_estimated_start_and_buttons_that_need_no_script() {
    let mut of = queue_of(&[sample(JobState::Running, None), turn(0), turn(1), turn(2)]);
    of.workers = vec![worker(2, 1.0, &[1])];
    of.speeds = vec![speed(Device::of(&Host::default()))];
    let text = page_of(&of).render().unwrap();
    // A thread is free; then both are busy for one to two hours.
    for words in [
        "next; start within a minute",
        "1 job before it; start about 01:00 UTC to 02:00 UTC",
        "threads at work: 1 of 2 (50 %)",
        "<td class=\"n\">1 of 2 (50 %)</td>",
        "<form method=\"post\" action=\"/queue/move\">",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    // The first cannot go earlier, the last not later.
    assert_eq!(text.matches("name=\"up\"").count(), 2);
    assert_eq!(text.matches("name=\"down\"").count(), 2);
    // Three runs are named of each open job, each with its button.
    assert_eq!(text.matches("formaction=\"/queue/cancel\"").count(), 4 * 3);
    of.jobs[2].priority = 2;
    let moved = page_of(&of).render().unwrap();
    assert!(moved.contains("Somebody has changed the order") && moved.contains("priority 2"));
    crate::pages::tests::assert_is_clean(&moved);
}

fn speed(device: Device) -> KindSpeed {
    KindSpeed {
        kind: "grpo".into(),
        device,
        stages: 4,
        half_ms: 3.6e6,
        most_ms: 7.2e6,
        ..KindSpeed::default()
    }
}

#[test]
fn what_one_device_took_says_nothing_of_another() {
    let mut of = queue_of(&[turn(0), turn(1), turn(2)]);
    of.open = vec![("grpo".into(), 3)];
    of.workers = vec![worker(1, 1.0, &[])];
    of.workers[0].host.device_name = "NVIDIA <H200>".into();
    of.speeds = vec![speed(Device {
        name: "A processor".into(),
        class: "cpu".into(),
    })];
    let text = page_of(&of).render().unwrap();
    assert!(text.contains("No estimate of when it is cleared"), "{text}");
    // The first begins at once, whatever it is; when the next does nobody knows.
    assert_eq!(text.matches("; start ").count(), 1);
    of.workers.push(worker(1, 1.0, &[]));
    of.workers[1].host.device_name = "A processor".into();
    let text = page_of(&of).render().unwrap();
    for words in [
        "Estimated clearing time: 3 h 0 min",
        "by past stages on A processor: 3 grpo (4 past).",
        "The threads of NVIDIA &#60;H200&#62; are not counted",
        "1 job before it; start within a minute",
        "2 jobs before it; start about 01:00 UTC to 02:00 UTC",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    crate::pages::tests::assert_is_clean(&text);
}

#[test]
fn starts_are_said_with_their_day_and_never_beyond_the_calendar() {
    let said = |half_ms, most_ms| start_said(&Start { half_ms, most_ms }, NOW);
    assert_eq!(said(0.0, 59_999.0), "within a minute");
    assert_eq!(said(0.0, 60_000.0), "about 00:00 UTC to 00:01 UTC");
    assert_eq!(said(6e4, 6.1e4), "about 00:01 UTC");
    assert_eq!(said(3.6e6, 9e7), "about 01:00 UTC to 1970-01-02 01:00 UTC");
    assert!(said(1e6, 1e300).starts_with("further off"));
}

#[test]
fn times_on_the_page_are_those_that_hold() {
    let empty = page_of(&queue_of(&[turn(0)])).render().unwrap();
    let said = format!(
        "No worker has been seen in the last {}.",
        number::lasting(FORGOTTEN_SECONDS as i64)
    );
    assert!(empty.contains(&said), "{empty}");
    let lease = number::lasting(LEASE_SECONDS as i64);
    assert!(empty.contains(&format!("when its lease of {lease} runs out")));
    let of = |seconds| Material {
        workers: vec![worker(1, seconds, &[])],
        ..Material::default()
    };
    let listed = |seconds| page_of(&of(seconds)).workers.len();
    assert_eq!(
        (listed(FORGOTTEN_SECONDS - 1.0), listed(FORGOTTEN_SECONDS)),
        (1, 0)
    );
}

#[test]
fn a_silent_workers_threads_are_not_counted_as_there() {
    let of = Material {
        workers: vec![worker(4, 1.0, &[1, 2]), worker(8, 400.0, &[8])],
        ..Material::default()
    };
    let page = page_of(&of);
    assert_eq!(page.busy.as_deref(), Some("3 of 4 (75 %)"));
    assert_eq!(
        page.workers.iter().map(|w| w.silent).collect::<Vec<_>>(),
        [false, true]
    );
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
        devices: vec!["NVIDIA H200".into()],
        idle: vec![],
    };
    let said = clearing_said(Some(&of));
    for words in [
        "1 min 0 s",
        "3 min 0 s",
        "on NVIDIA H200: 3 grpo (9 past)",
        "3 ppo",
    ] {
        assert!(said.contains(words), "{words} in {said}");
    }
    assert!(!said.contains("are not counted"), "{said}");
    // Nothing waits: nothing is estimated.
    let page = page_of(&Material::default());
    assert!(page.clearing.is_none() && page.cancel.runs.is_empty());
}

#[test]
fn a_run_is_offered_with_where_it_stands() {
    let mut of = queue_of(&[sample(JobState::Running, None), turn(3)]);
    of.retry = runs(1, JobState::Failed, 1);
    let page = page_of(&of);
    assert_eq!((page.cancel.runs.len(), page.retry.runs.len()), (1, 1));
    assert!(page.cancel.runs[0].1.contains("at step 1,200"));
    assert!(page.retry.runs[0].1.contains("base failed (e)"));
    assert!(page.cancel.more.is_none() && page.unlisted.is_none());
}

#[test]
fn beyond_what_is_listed_everything_is_counted_and_what_is_left_out_is_said() {
    let open: Vec<JobView> = (0..JOBS).map(turn).collect();
    let mut of = queue_of(&open);
    of.counts = vec![
        (JobState::Running, 3),
        (JobState::Queued, 350),
        (JobState::Blocked, 1_200),
    ];
    of.cancel = runs(200, JobState::Queued, 412);
    of.retry = runs(2, JobState::Failed, 2);
    of.requeue = (0..203)
        .map(|run| requeue(JobState::Failed, run, 0))
        .collect();
    let text = page_of(&of).render().unwrap();
    for words in [
        "3 running · 350 queued · 1,200 blocked",
        "then the latest finished; 1,353 more of those that run or wait are not listed.",
        "Not in this list: 212 runs.",
        "<summary>Try a run again</summary>",
        "<summary>Requeue a crashed run</summary>",
        "Not in this list: 3 runs.",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert_eq!(text.matches("Not in this list").count(), 2);
    // The last that is listed is not the last of the line.
    assert_eq!(text.matches("name=\"down\"").count(), 200);
    crate::pages::tests::assert_is_clean(&text);
    let sheet = files::jobs(&of, NOW);
    assert!(sheet.said.contains("1,353 more of those"), "{}", sheet.said);
    of.failed = vec![StageId(uuid::Uuid::nil()); FAILED];
    let said = page_of(&of).requeue.more.unwrap();
    assert!(said.starts_with("Not in this list: 3 runs. Only"), "{said}");
}

fn requeue(state: JobState, run: u128, from_step: i64) -> RequeueView {
    RequeueView {
        run: RunId(uuid::Uuid::from_u128(run)),
        arm_key: "grpo".into(),
        seed: 3,
        stage: StageId(uuid::Uuid::nil()),
        name: "rl".into(),
        state,
        attempt: 3,
        failures: 3,
        worker_name: Some("w".into()),
        silent_seconds: (state == JobState::Running).then_some(360.0),
        is_held: false,
        from_step,
        reached: 1_450,
        is_cancelled: false,
    }
}

#[test]
fn a_silent_workers_stage_and_a_crashed_run_can_be_requeued_and_say_what_is_discarded() {
    let mut of = Material {
        jobs: vec![sample(JobState::Failed, None)],
        failed: vec![StageId(uuid::Uuid::nil())],
        workers: vec![worker(2, 360.0, &[1]), worker(2, 1.0, &[])],
        ..Material::default()
    };
    assert_eq!(of.doubtful().len(), 2);
    assert!(!page_of(&of).render().unwrap().contains("/queue/requeue"));
    of.requeue = vec![
        requeue(JobState::Running, 1, 1_400),
        requeue(JobState::Failed, 2, 0),
        requeue(JobState::Failed, 2, 1_450),
    ];
    let page = page_of(&of);
    // Of one run with two failed stages there is one choice.
    assert_eq!(page.requeue.runs.len(), 1);
    let text = page.render().unwrap();
    for words in [
        "requeue: <bdi>run grpo, seed 3 from step 1,400</bdi></button>",
        "<small>steps 1401 to 1450 are discarded and computed again</small>",
        "grpo, seed 3: rl from the start, steps 1 to 1450 are discarded and computed again; \
         rl from step 1,450, nothing is discarded</option>",
        "name=\"reason\"",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    crate::pages::tests::assert_is_clean(&text);
}

#[test]
fn the_files_have_every_run_that_needs_a_job_and_nothing_unseen() {
    let mut running = sample(JobState::Running, None);
    running.worker_name = Some("=x\u{202e}\"y".into());
    let waits = sample(JobState::Queued, Some(Waiting::Turn { ahead: 1 }));
    let mut of = queue_of(&[running, waits]);
    of.workers = vec![worker(4, 1.5, &[1, 2])];
    let jobs = files::jobs(&of, NOW);
    let about = About::new("Queue", &[], &jobs);
    let csv = jobs.csv(&about);
    assert!(csv.contains(",1200,\"'=x⟨U+202E⟩\"\"y\","), "{csv}");
    assert_eq!(csv.matches("grpo, seed 4: base (e)").count(), 2);
    assert!(csv.contains("\r\nqueued,\"grpo\",2,"), "{csv}");
    let tex = jobs.tex(&about);
    assert!(tex.contains("\\toprule") && !tex.contains('\u{202e}'));
    let workers = files::workers(&of);
    let csv = workers.csv(&About::new("Queue", &[], &workers));
    assert!(csv.contains(",3,4,1.5,no,yes,"), "{csv}");
}

#[test]
fn a_workers_load_is_shown_while_it_holds() {
    let gb = 1_000_000_000;
    let cpu = Load {
        cpu_percent: Some(92.4),
        memory_bytes: Some(3_100_000_000),
        memory_total_bytes: Some(24 * gb),
        ..Load::default()
    };
    let gpu = Load {
        gpu_percent: Some(7.0),
        gpu_memory_bytes: Some(61 * gb),
        gpu_memory_total_bytes: Some(141 * gb),
        ..cpu
    };
    let shown = |load, seen, told| {
        let mut of = Material {
            workers: vec![worker(1, seen, &[])],
            ..Material::default()
        };
        of.workers[0].load = load;
        of.workers[0].seconds_since_load = told;
        page_of(&of).render().unwrap()
    };
    let of_cpu = shown(Some(cpu), 1.0, Some(2.0));
    let said = "<td class=\"num\">CPU 92 %, 3.1 of 24 GB</td>";
    assert!(of_cpu.contains(said), "{of_cpu}");
    let of_gpu = shown(Some(gpu), 1.0, Some(2.0));
    let said = "<td class=\"num\">GPU 7 %, 61 of 141 GB; CPU 92 %, 3.1 of 24 GB</td>";
    assert!(of_gpu.contains(said), "{of_gpu}");
    let part = Load {
        memory_bytes: None,
        ..cpu
    };
    assert!(shown(Some(part), 1.0, Some(2.0)).contains(">CPU 92 %</td>"));
    let late = LEASE_SECONDS as f64 + 1.0;
    for (what, load, seen, told) in [
        ("told nothing", None, 1.0, None),
        ("silent", Some(gpu), late, Some(late)),
        ("has stopped telling", Some(gpu), 1.0, Some(late)),
    ] {
        let text = shown(load, seen, told);
        assert!(text.contains("<td class=\"num\"></td>"), "{what}\n{text}");
    }
    crate::pages::tests::assert_is_clean(&of_gpu);
    let mut of = Material {
        workers: vec![worker(1, 400.0, &[])],
        ..Material::default()
    };
    of.workers[0].load = Some(cpu);
    of.workers[0].seconds_since_load = Some(402.0);
    let sheet = files::workers(&of);
    let csv = sheet.csv(&About::new("Queue", &[], &sheet));
    // As it was last told, with its age.
    assert!(
        csv.contains(",92.4,3100000000,24000000000,,,,402,"),
        "{csv}"
    );
}
