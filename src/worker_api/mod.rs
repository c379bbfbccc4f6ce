//! What worker processes call, exactly as `assay_core::wire` describes it.

pub mod artifacts;
pub mod attempts;
pub mod claim;
