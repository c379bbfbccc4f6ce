//! When jobs that wait would begin: the queue's line, laid over the threads that are there.

use crate::spending::KindSpeed;
use serde::Serialize;

/// A job of the line: those that run come first, then the others in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct InLine {
    pub kind: String,
    pub threads: u32,
    /// How long it has been at work; `None` where it waits.
    pub running_ms: Option<f64>,
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
/// never been run here holds the threads. Nobody goes before the head, as with workers.
pub fn starts(line: &[InLine], speeds: &[KindSpeed], threads: u32) -> Vec<Option<Start>> {
    let known = |kind: &str| speeds.iter().find(|s| s.kind == kind && s.stages > 0);
    let half = laid(line, threads, |kind| known(kind).map(|s| s.half_ms));
    let most = laid(line, threads, |kind| known(kind).map(|s| s.most_ms));
    let both = half.into_iter().zip(most);
    both.map(|(half, most)| {
        Some(Start {
            half_ms: half?,
            most_ms: most?,
        })
    })
    .collect()
}

/// `length`: a stage's wall time multiplied by its threads.
fn laid(line: &[InLine], threads: u32, length: impl Fn(&str) -> Option<f64>) -> Vec<Option<f64>> {
    // When each thread is free again.
    let mut free = vec![0.0_f64; threads.min(MOST_THREADS) as usize];
    let mut head = 0.0_f64;
    let mut place = |job: &InLine| {
        let wide = job.threads as usize;
        if wide == 0 || wide > free.len() {
            return None;
        }
        free.sort_by(f64::total_cmp);
        let lasts = length(&job.kind).unwrap_or(f64::INFINITY) / f64::from(job.threads);
        let start = match job.running_ms {
            Some(past) => {
                free[..wide].fill((lasts - past).max(0.0));
                return None;
            }
            None => free[wide - 1].max(head),
        };
        head = start;
        free[..wide].fill(start + lasts);
        start.is_finite().then_some(start)
    };
    line.iter().map(&mut place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Cost;

    fn job(kind: &str, threads: u32, running_ms: Option<f64>) -> InLine {
        InLine {
            kind: kind.into(),
            threads,
            running_ms,
        }
    }

    #[test]
    fn jobs_begin_in_their_order_as_threads_become_free() {
        let speeds = [KindSpeed {
            kind: "sft".into(),
            stages: 9,
            sum: Cost::default(),
            half_ms: 100.0,
            most_ms: 300.0,
            spread: Default::default(),
        }];
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
            starts(&line, &speeds, 2),
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
        assert_eq!(starts(&line[..2], &speeds, 0), [None, None]);
    }

    #[test]
    fn what_has_run_longer_than_its_kind_may_end_any_moment() {
        let speeds = [KindSpeed {
            kind: "sft".into(),
            stages: 1,
            sum: Cost::default(),
            half_ms: 100.0,
            most_ms: 100.0,
            spread: Default::default(),
        }];
        let line = [job("sft", 1, Some(1e6)), job("sft", 1, None)];
        assert_eq!(starts(&line, &speeds, 1)[1].map(|s| s.half_ms), Some(0.0));
    }
}
