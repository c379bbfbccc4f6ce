//! How old a page's data are: the time of the last thing that was recorded of what it shows,
//! never the server's clock; and whether those who should work still say so.

use super::Shell;
use crate::number;
use crate::problem::Problem;
use assay_core::ids::StageId;
use assay_core::wire::LEASE_SECONDS;
use assay_store::{self as store, RunView, Sign};
use sqlx::PgConnection;
use time::OffsetDateTime;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fresh {
    /// The time and its age; nothing where nothing has been recorded, or the page shows no data.
    pub to: Option<(String, String)>,
    /// Said on the page where heartbeats have stopped.
    pub silent: Option<String>,
}

impl Fresh {
    pub(super) fn new(sign: &Sign, now: OffsetDateTime) -> Self {
        let silent = sign.silent_seconds.filter(|s| *s > LEASE_SECONDS as f64);
        Self {
            to: sign
                .at
                .map(|at| (number::moment(at), number::age(at, now))),
            silent: silent.map(|seconds| {
                format!(
                    "No heartbeat for {}: whoever worked here has fallen silent, and nobody has taken its work over yet.",
                    number::lasting(seconds as i64)
                )
            }),
        }
    }
}

impl Shell {
    /// Says how old the data are.
    pub(super) fn signed(mut self, sign: &Sign) -> Self {
        self.fresh = Fresh::new(sign, OffsetDateTime::now_utc());
        self
    }
}

/// Of the stages of some runs.
pub(super) async fn of_runs(conn: &mut PgConnection, runs: &[RunView]) -> Result<Sign, Problem> {
    let mut stages: Vec<StageId> = vec![];
    stages.extend(runs.iter().flat_map(|run| &run.stages).map(|s| s.stage));
    stages.sort();
    stages.dedup();
    Ok(store::last_sign(conn, &stages).await?)
}

/// What people have entered counts as news too.
pub(super) fn later(sign: Sign, entered: impl Iterator<Item = OffsetDateTime>) -> Sign {
    Sign {
        at: sign.at.max(entered.max()),
        ..sign
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::Duration;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + Duration::seconds(seconds)
    }

    #[test]
    fn data_are_as_old_as_the_last_record_and_silence_is_said_after_a_lease() {
        let sign = Sign {
            at: Some(at(60)),
            silent_seconds: Some(29.0),
        };
        let of = Fresh::new(&sign, at(63));
        let to = ("1970-01-01 00:01:00 UTC".to_string(), "3 s ago".to_string());
        assert_eq!((of.to, of.silent), (Some(to), None));
        let silent = Sign {
            silent_seconds: Some(241.0),
            ..sign
        };
        let said = Fresh::new(&silent, at(300)).silent.unwrap();
        assert!(said.starts_with("No heartbeat for 4 min: "), "{said}");
        assert_eq!(Fresh::new(&Sign::default(), at(0)), Fresh::default());
        assert_eq!(later(sign, [at(50), at(90)].into_iter()).at, Some(at(90)));
        assert_eq!(later(sign, [].into_iter()).at, Some(at(60)));
    }
}
