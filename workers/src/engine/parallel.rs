//! A stage's own threads, each with one OpenMP thread. The number is part of the
//! stage's spec, and so is the order in which results are put together.

use super::{EngineError, Result};

/// Runs one job a thread and returns the results in the order of the jobs. A
/// single job runs on the calling thread. A panic in a job becomes an error.
pub fn run<T: Send, J: FnOnce() -> Result<T> + Send>(jobs: Vec<J>) -> Result<Vec<T>> {
    if jobs.len() == 1 {
        return jobs.into_iter().map(|job| job()).collect();
    }
    std::thread::scope(|scope| {
        let handles: Vec<_> = jobs
            .into_iter()
            .map(|job| {
                scope.spawn(move || {
                    tch::set_num_threads(1);
                    job()
                })
            })
            .collect();
        handles
            .into_iter()
            .map(|handle| {
                handle
                    .join()
                    .unwrap_or_else(|panic| Err(EngineError::Other(panic_text(&*panic))))
            })
            .collect()
    })
}

/// What a panic said.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_else(|| "a panic without text".into())
}
