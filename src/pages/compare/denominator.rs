//! How much stands behind the comparison: the runs of its columns, each once, by what became
//! of them and by what each experiment's own rule says.

use super::entries::Material;
use assay_core::denominator::{Denominator, NoVerdict, denominator as of_runs};
use assay_store::{self as store, RunView};

/// Over the experiments of the columns; where one of them has no verdict, there is no sum.
pub(super) fn denominator(of: &Material) -> Denominator {
    let mut sum = Denominator {
        hidden: of.collapsed.len() + of.hidden.len(),
        ..Denominator::default()
    };
    let mut unsuccessful = vec![];
    for (id, known) in &of.experiments {
        let mut runs: Vec<RunView> = vec![];
        for (_, run) in of.runs().filter(|(own, _)| own == id) {
            if runs.iter().all(|r| r.id != run.id) {
                runs.push(run.clone());
            }
        }
        if runs.is_empty() {
            continue;
        }
        let own = of_runs(store::fates(&runs, &of.exclusions), &known.outcome, 0);
        sum.planned += own.planned;
        sum.done += own.done;
        sum.crashed += own.crashed;
        sum.cancelled += own.cancelled;
        sum.open += own.open;
        sum.excluded += own.excluded;
        sum.counted += own.counted;
        sum.arms += own.arms;
        unsuccessful.push(own.unsuccessful);
        // What is withheld will be said first.
        sum.no_verdict = match (sum.no_verdict, own.no_verdict) {
            (Some(NoVerdict::Withheld), _) => Some(NoVerdict::Withheld),
            (known, own) => own.or(known),
        };
    }
    match unsuccessful.is_empty() {
        true => sum.no_verdict = Some(NoVerdict::NotYet),
        false => sum.unsuccessful = unsuccessful.into_iter().sum(),
    }
    sum
}
