//! Assay: the server and its pages.

pub mod charts;
pub mod number;
pub mod pages;
