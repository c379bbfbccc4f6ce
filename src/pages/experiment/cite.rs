//! How an experiment is cited: by its id and the state of its data.

use super::carried::Carried;
use super::latex;
use time::OffsetDateTime;

/// A link that shows what was cited where that was kept, and else says later whether the data
/// are still those.
pub(super) fn link(carried: &Carried, server: &str) -> String {
    format!(
        "{server}/experiments/{}?snap={}",
        carried.experiment,
        &carried.snapshot[..16]
    )
}

/// Said in an entry whose state nobody has kept.
const NOT_KEPT: &str = " This state was not kept: the link says whether the data are still those, and shows those of its day.";

/// `kept`: whether the link will show this state.
pub(super) fn bibtex(carried: &Carried, server: &str, now: OffsetDateTime, kept: bool) -> String {
    let date = now.date();
    // Braces of a URL would end the field.
    let url = link(carried, server).replace(['{', '}', '\\'], "");
    format!(
        "@misc{{assay-{},\n  title = {{{{{}}}}},\n  howpublished = {{Assay experiment {}, version {}}},\n  url = {{{url}}},\n  year = {{{}}},\n  date = {{{date}}},\n  note = {{{}. {} Snapshot sha256 {}, specification sha256 {}.{}}}\n}}\n",
        &carried.snapshot[..12],
        latex::escape(&carried.question),
        carried.experiment,
        carried.version,
        date.year(),
        latex::escape(&carried.basis),
        latex::escape(&carried.denominator.line()),
        carried.snapshot,
        carried.spec_sha256,
        if kept { "" } else { NOT_KEPT },
    )
}
