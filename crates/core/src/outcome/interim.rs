//! Words while runs are still open: they are those for the seeds so far.

use super::{ContrastOutcome, Outcome};
use crate::denominator::{Fate, RunFate};

/// An outcome without open runs is written as if nobody had counted them: what has ended keeps
/// the hash that it was cited by.
pub(super) fn are_none(open_runs: &usize) -> bool {
    *open_runs == 0
}

impl Outcome {
    /// With what is still open among the experiment's runs. Those that were left out change
    /// no word, however they end.
    pub fn with_open_runs<'a>(mut self, runs: impl IntoIterator<Item = RunFate<'a>>) -> Self {
        let named = |arm: &str| {
            let mut contrasts = self.contrasts.iter();
            contrasts.any(|c| c.arm == arm || c.against == arm)
        };
        let open = runs
            .into_iter()
            .filter(|run| run.fate == Fate::Open && !run.excluded && named(run.arm))
            .count();
        self.open_runs = open;
        self
    }

    /// How many runs are open though some contrast has its words already. All words are then
    /// those for the seeds so far: further seeds of one contrast may change another's, for they
    /// are one family.
    pub fn interim(&self) -> Option<usize> {
        Some(self.open_runs).filter(|open| *open > 0 && self.has_spoken())
    }

    /// The same in a sentence.
    pub fn interim_said(&self) -> Option<String> {
        let open = self.interim()?;
        Some(format!(
            "Runs are still open ({open}): these are the words for the seeds so far."
        ))
    }

    /// Some contrast has its words, and not every planned seed is in: only then does it matter
    /// whether runs are open.
    pub fn lacks_seeds(&self) -> bool {
        let lacks = |c: &ContrastOutcome| c.seeds.len() < c.planned_seeds;
        self.has_spoken() && self.contrasts.iter().any(lacks)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{FILE, arm, around, decoder};
    use super::super::{Verdict, outcome};
    use super::*;
    use crate::spec::Experiment;

    /// `sft` is worse than `zero` at the first so many of five seeds; six were planned.
    fn at(seeds: usize) -> Outcome {
        let experiment = Experiment::from_text(FILE).unwrap_or_else(|v| panic!("{v}"));
        let zero = around(0.5, 0.01);
        let sft = zero.map(|v| v - 0.2);
        let arms = [arm("zero", &zero[..seeds]), arm("sft", &sft[..seeds])];
        outcome(&experiment, &arms, &[decoder("rerank", 4, &zero)])
    }

    fn run(arm: &str, fate: Fate) -> RunFate<'_> {
        RunFate {
            arm,
            fate,
            excluded: false,
        }
    }

    #[test]
    fn words_are_for_the_seeds_so_far_while_a_run_of_a_contrast_is_open() {
        let left_out = RunFate {
            excluded: true,
            ..run("sft", Fate::Open)
        };
        let of = at(5).with_open_runs([
            run("sft", Fate::Open),
            run("zero", Fate::Open),
            run("sft", Fate::Crashed),
            left_out,
            // No contrast names it: whatever becomes of it, no word changes.
            run("base", Fate::Open),
        ]);
        assert!(of.lacks_seeds(), "five of six");
        assert_eq!(of.contrasts[0].verdict, Some(Verdict::Worse));
        assert_eq!((of.open_runs, of.interim()), (2, Some(2)));
        assert_eq!(
            of.interim_said().unwrap(),
            "Runs are still open (2): these are the words for the seeds so far."
        );
        let json = serde_json::to_value(&of).unwrap();
        assert_eq!(json["open_runs"], 2);
        let back = serde_json::from_value::<Outcome>(json).unwrap();
        assert_eq!(back.interim(), Some(2));
    }

    #[test]
    fn without_words_or_without_open_runs_nothing_is_interim() {
        let few = at(4).with_open_runs([run("sft", Fate::Open)]);
        assert_eq!((few.open_runs, few.interim()), (1, None));
        assert!(!few.lacks_seeds());
        let mut withheld = at(5).with_open_runs([run("sft", Fate::Open)]);
        withheld.withheld = true;
        for contrast in &mut withheld.contrasts {
            (contrast.verdict, contrast.mark) = (None, None);
        }
        assert_eq!(withheld.interim(), None);
        // A seed that crashed will not come: what is there is all that there will be.
        let ended = at(5).with_open_runs([run("sft", Fate::Crashed)]);
        assert!(ended.lacks_seeds() && ended.interim_said().is_none());
        let json = serde_json::to_value(&ended).unwrap();
        assert!(json.get("open_runs").is_none(), "{json}");
        let back = serde_json::from_value::<Outcome>(json).unwrap();
        assert_eq!(back.open_runs, 0);
    }
}
