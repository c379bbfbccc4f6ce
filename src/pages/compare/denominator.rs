//! How much stands behind the comparison: the runs of its columns, each once, by what became
//! of them and by what each experiment's own rule says.

use super::entries::Material;
use assay_core::denominator::{Denominator, denominator as of_runs};
use assay_store::{self as store, RunView};

/// Over the experiments; what one of them withholds is withheld.
pub(super) fn denominator(of: &Material) -> Denominator {
    let mut sum = Denominator {
        unsuccessful: Some(0),
        hidden: of.collapsed.len(),
        ..Denominator::default()
    };
    for (id, known) in &of.experiments {
        let mut runs: Vec<RunView> = vec![];
        for (_, run) in of.runs().filter(|(own, _)| own == id) {
            if runs.iter().all(|r| r.id != run.id) {
                runs.push(run.clone());
            }
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
        sum.unsuccessful = sum.unsuccessful.zip(own.unsuccessful).map(|(a, b)| a + b);
    }
    sum
}
