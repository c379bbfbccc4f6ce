//! Between the protocol's unsigned numbers and Postgres' signed ones, and text
//! that Postgres can hold.

use crate::{Result, StoreError};
use assay_core::ledger::Cost;
use assay_core::wire::Cumulative;

pub(crate) fn bigint(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| StoreError::Conflict(format!("{value} is out of range")))
}

pub(crate) fn int(value: u32) -> Result<i32> {
    i32::try_from(value).map_err(|_| StoreError::Conflict(format!("{value} is out of range")))
}

/// What a CHECK or a conversion on the way in has kept from being negative.
pub(crate) fn unsigned(value: i64) -> u64 {
    value.unsigned_abs()
}

/// Postgres has no zero byte in text; what a dying process prints can have one.
pub(crate) fn text(value: &str) -> String {
    value.replace('\0', "\u{fffd}")
}

pub(crate) fn cumulative(tokens: f64, flops: f64, device_ms: f64, active_ms: f64) -> Cumulative {
    Cumulative {
        charged: Cost {
            tokens,
            flops,
            device_ms,
        },
        active_ms,
    }
}
