//! What others have published of their hours, at the reader's own rate.

use crate::number;
use assay_core::reference::{Hours, Library, library};

#[derive(Debug)]
pub(super) struct PublishedRow {
    pub what: String,
    pub hours: String,
    pub device: String,
    /// `512 x 198 h`, one a part.
    pub parts: Vec<String>,
    /// At the reader's rate, where there is one.
    pub dollars: Option<String>,
    pub title: String,
    pub place: String,
    pub version: String,
    pub date: String,
    pub url: String,
    pub notes: Vec<String>,
}

pub(super) fn rows(rate: Option<f64>) -> Vec<PublishedRow> {
    let library = library();
    library
        .hours
        .iter()
        .map(|hours| row(library, hours, rate))
        .collect()
}

fn row(library: &Library, of: &Hours, rate: Option<f64>) -> PublishedRow {
    let source = library.sources.get(&of.source).cloned();
    let of_source = |pick: fn(&assay_core::reference::Source) -> &String| {
        source.as_ref().map_or(String::new(), |s| pick(s).clone())
    };
    PublishedRow {
        what: of.what.clone(),
        hours: number::integer(of.total as i64),
        device: of.device.clone(),
        parts: of
            .parts
            .iter()
            .map(|part| {
                let hours = number::integer((part.devices * part.hours) as i64);
                if part.devices == 1.0 {
                    format!("{}: {hours}", part.what)
                } else {
                    format!(
                        "{}: {} × {} h = {hours}",
                        part.what,
                        number::integer(part.devices as i64),
                        number::integer(part.hours as i64)
                    )
                }
            })
            .collect(),
        dollars: rate.map(|rate| number::dollars(of.total * rate)),
        title: of_source(|s| &s.title),
        version: of_source(|s| &s.version),
        date: of_source(|s| &s.date),
        url: of_source(|s| &s.url),
        place: of.place.clone(),
        notes: of.notes.clone(),
    }
}

/// The figure that is often got wrong, worked out from the rows.
pub(super) fn correction() -> String {
    let library = library();
    let hours = |id: &str| library.hours(id).map_or(f64::NAN, |h| h.total);
    let (one, family, v3) = (
        hours("llama-3-1-405b"),
        hours("llama-3-1-family"),
        hours("v3"),
    );
    format!(
        "Llama 3.1 405B took {} times the hours of DeepSeek-V3 ({} M against {} M), not {} times: that is the {} M of the whole family. The two hours are not the same unit: H100 and H800 differ in their interconnect, and so do their prices. A ratio of hours is not a ratio of money or of efficiency.",
        number::fixed(one / v3, 1),
        number::fixed(one / 1e6, 2),
        number::fixed(v3 / 1e6, 3),
        number::fixed(family / v3, 1),
        number::fixed(family / 1e6, 1),
    )
}
