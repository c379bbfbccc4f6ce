//! When jobs that wait would begin: the queue's line, laid over the threads that are there.

use crate::device::Threads;
use crate::estimate::past;
use crate::spending::KindSpeed;
use serde::Serialize;

/// A job of the line: those that run come first, then the others in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct InLine {
    pub kind: String,
    pub threads: u32,
    /// How long it has been at work; `None` where it waits.
    pub running_ms: Option<f64>,
    /// Of one at work, where that is known: the name of its device.
    pub device: Option<String>,
}

/// From now on: with every stage before it as long as half of its kind were at most, then as
/// nine in ten.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Start {
    pub half_ms: f64,
    pub most_ms: f64,
}

/// Threads that are thought of at most.
const MOST_THREADS: u32 = 4_096;

/// One for each job of the line; `None` of those that run, and where one of a kind that has
/// never been run on its device holds the threads. Nobody goes before the head, as with workers;
/// a job is taken by the device that has room for it first, and lasts as its kind does there.
pub fn starts(line: &[InLine], speeds: &[KindSpeed], threads: &[Threads]) -> Vec<Option<Start>> {
    let half = laid(line, threads, |kind, device| {
        past(speeds, kind, device).map(|s| s.half_ms)
    });
    let most = laid(line, threads, |kind, device| {
        past(speeds, kind, device).map(|s| s.most_ms)
    });
    let both = half.into_iter().zip(most);
    both.map(|(half, most)| {
        Some(Start {
            half_ms: half?,
            most_ms: most?,
        })
    })
    .collect()
}

/// A device, and when each of its threads is free again.
struct Free<'a> {
    device: &'a str,
    threads: Vec<f64>,
}

impl Free<'_> {
    fn has(&self, wide: usize) -> bool {
        wide <= self.threads.len()
    }

    /// Takes the threads that are free first.
    fn hold(&mut self, wide: usize, until: f64) {
        self.threads.sort_by(f64::total_cmp);
        self.threads[..wide].fill(until);
    }

    /// When so many of them are free together.
    fn room_at(&mut self, wide: usize) -> f64 {
        self.threads.sort_by(f64::total_cmp);
        self.threads[wide - 1]
    }
}

fn free(threads: &[Threads]) -> Vec<Free<'_>> {
    let mut left = MOST_THREADS;
    let mut all = vec![];
    for own in threads {
        let count = own.count.min(left);
        left -= count;
        all.push(Free {
            device: own.device.as_str(),
            threads: vec![0.0; count as usize],
        });
    }
    all
}

/// `length`: a stage's wall time multiplied by its threads, by its kind and device.
fn laid(
    line: &[InLine],
    threads: &[Threads],
    length: impl Fn(&str, &str) -> Option<f64>,
) -> Vec<Option<f64>> {
    let mut free = free(threads);
    let mut head = 0.0_f64;
    let mut place = |job: &InLine| {
        let wide = job.threads as usize;
        let lasts = |device: &str| {
            length(&job.kind, device).unwrap_or(f64::INFINITY) / f64::from(job.threads)
        };
        if wide == 0 {
            return None;
        }
        if let Some(past) = job.running_ms {
            let own = job.device.as_deref();
            let device = free
                .iter_mut()
                .find(|f| f.has(wide) && own.is_none_or(|name| name == f.device))?;
            let until = (lasts(device.device) - past).max(0.0);
            device.hold(wide, until);
            return None;
        }
        let mut first: Option<(usize, f64)> = None;
        for (at, device) in free.iter_mut().enumerate().filter(|(_, f)| f.has(wide)) {
            let start = device.room_at(wide).max(head);
            if first.is_none_or(|(_, before)| start < before) {
                first = Some((at, start));
            }
        }
        let (at, start) = first?;
        head = start;
        let until = start + lasts(free[at].device);
        free[at].hold(wide, until);
        start.is_finite().then_some(start)
    };
    line.iter().map(&mut place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Device;

    fn job(kind: &str, threads: u32, running_ms: Option<f64>) -> InLine {
        InLine {
            kind: kind.into(),
            threads,
            running_ms,
            device: None,
        }
    }

    fn on(device: &str, half_ms: f64, most_ms: f64) -> KindSpeed {
        KindSpeed {
            kind: "sft".into(),
            device: Device {
                name: device.into(),
                class: String::new(),
            },
            stages: 9,
            half_ms,
            most_ms,
            ..KindSpeed::default()
        }
    }

    fn threads(device: &str, count: u32) -> Threads {
        Threads {
            device: device.into(),
            count,
        }
    }

    #[test]
    fn jobs_begin_in_their_order_as_threads_become_free() {
        let speeds = [on("cpu", 100.0, 300.0)];
        let two = [threads("cpu", 2)];
        let line = [
            job("sft", 1, Some(50.0)),
            job("sft", 1, None),
            job("sft", 1, None),
            job("sft", 2, None),
            job("ppo", 1, None),
            job("sft", 1, None),
            // Only one thread is left beside the one whose end nobody knows.
            job("sft", 2, None),
            job("sft", 3, None),
        ];
        let at = |half_ms, most_ms| Some(Start { half_ms, most_ms });
        assert_eq!(
            starts(&line, &speeds, &two),
            [
                None,
                at(0.0, 0.0),
                at(50.0, 250.0),
                at(150.0, 550.0),
                at(200.0, 700.0),
                at(200.0, 700.0),
                None,
                None,
            ]
        );
        assert_eq!(starts(&line[..2], &speeds, &[]), [None, None]);
    }

    #[test]
    fn what_has_run_longer_than_its_kind_may_end_any_moment() {
        let speeds = [on("cpu", 100.0, 100.0)];
        let line = [job("sft", 1, Some(1e6)), job("sft", 1, None)];
        let found = starts(&line, &speeds, &[threads("cpu", 1)]);
        assert_eq!(found[1].map(|s| s.half_ms), Some(0.0));
    }

    #[test]
    fn a_job_lasts_as_its_kind_does_on_the_device_that_takes_it() {
        let speeds = [on("gpu", 10.0, 10.0), on("cpu", 1_000.0, 1_000.0)];
        let both = [threads("gpu", 1), threads("cpu", 1)];
        let half = |line: &[InLine], all: &[Threads]| -> Vec<Option<f64>> {
            let found = starts(line, &speeds, all);
            found.into_iter().map(|s| s.map(|s| s.half_ms)).collect()
        };
        let waits = || job("sft", 1, None);
        let line = [waits(), waits(), waits(), waits()];
        // The processor has its one; the GPU is free again every ten milliseconds.
        let expected = [Some(0.0), Some(0.0), Some(10.0), Some(20.0)];
        assert_eq!(half(&line, &both), expected);
        // One at work holds the threads of its own device, and no others.
        let at_work = InLine {
            device: Some("cpu".into()),
            ..job("sft", 1, Some(400.0))
        };
        let line = [at_work, waits(), waits()];
        assert_eq!(half(&line, &both), [None, Some(0.0), Some(10.0)]);
        // On a device without a past of the kind, nobody knows when it ends.
        let new = [threads("new", 1)];
        assert_eq!(half(&[waits(), waits()], &new), [Some(0.0), None]);
    }
}
