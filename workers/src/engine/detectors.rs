//! What can be seen in texts: the long form's share, accuracy with and without it,
//! language, reflection. Counted from verdicts, the same in training and in
//! measuring, so that a trained policy's rates stand beside the base's own.

use assay_core::metric;
use assay_core::task::{Problem, TaskSpec, Verdict};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Detectors {
    completions: f64,
    long: f64,
    long_correct: f64,
    short_correct: f64,
    steps: f64,
    right_steps: f64,
    /// Words of the chains in the prompt's own vocabulary, and in the other one.
    target: f64,
    other: f64,
    two_languages: bool,
    /// The task has marks of reflection, whether or not a text has one.
    reflects: bool,
    reflecting: f64,
    reflecting_correct: f64,
    plain_correct: f64,
}

impl Detectors {
    pub fn observe(&mut self, task: &TaskSpec, problem: &Problem, text: &str, verdict: &Verdict) {
        let correct = f64::from(u8::from(verdict.correct));
        self.completions += 1.0;
        if verdict.steps.is_empty() {
            self.short_correct += correct;
        } else {
            self.long += 1.0;
            self.long_correct += correct;
        }
        self.steps += verdict.steps.len() as f64;
        self.right_steps += verdict.steps.iter().filter(|s| s.is_right()).count() as f64;
        if let Some(language) = task.language(problem, text) {
            self.two_languages = true;
            self.target += f64::from(language.target);
            self.other += f64::from(language.other);
        }
        self.reflects |= task.reflects();
        if task.reflections(text) > 0 {
            self.reflecting += 1.0;
            self.reflecting_correct += correct;
        } else {
            self.plain_correct += correct;
        }
    }

    /// Rates under `prefix/…`; a rate without cases is left out, one of 0 is not.
    pub fn metrics(&self, prefix: &str) -> BTreeMap<String, f64> {
        let mut out = BTreeMap::new();
        let mut put = |name: &str, part: f64, whole: f64| {
            if whole > 0.0 {
                out.insert(format!("{prefix}/{name}"), part / whole);
            }
        };
        put(metric::LONG_SHARE, self.long, self.completions);
        put(metric::ACCURACY_LONG, self.long_correct, self.long);
        put(
            metric::ACCURACY_SHORT,
            self.short_correct,
            self.completions - self.long,
        );
        put(metric::STEP_ACCURACY, self.right_steps, self.steps);
        if self.two_languages {
            put(
                metric::LANGUAGE_CONSISTENCY,
                self.target,
                self.target + self.other,
            );
        }
        if self.reflects {
            put(metric::REFLECTION_RATE, self.reflecting, self.completions);
            put(
                metric::ACCURACY_REFLECTING,
                self.reflecting_correct,
                self.reflecting,
            );
            put(
                metric::ACCURACY_NOT_REFLECTING,
                self.plain_correct,
                self.completions - self.reflecting,
            );
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::task::modchain::Modchain;

    #[test]
    fn rates_agree_with_a_count_by_hand() {
        let task = TaskSpec::Modchain(Modchain::default());
        let problem = Problem {
            prompt: "7*3-8+5=".into(),
            gold: "8".into(),
            difficulty: 3,
        };
        let mut d = Detectors::default();
        for text in ["A8", "A3", "7*3=1;1-8=3;3+5=8;A8", "7*3=2;2-8=4;4+5=9;A9"] {
            d.observe(&task, &problem, text, &task.verify(&problem, text, true));
        }
        let m = d.metrics("train");
        assert_eq!(m["train/long_share"], 0.5);
        assert_eq!(m["train/accuracy_given_long"], 0.5);
        assert_eq!(m["train/accuracy_given_short"], 0.5);
        // Five of six: after a wrong result the chain is judged by what it claimed.
        assert_eq!(m["train/step_accuracy"], 5.0 / 6.0);
        assert!(!m.contains_key("train/language_consistency"));
        // This task has no such mark.
        assert!(!m.contains_key("train/reflection_rate"));
    }

    #[test]
    fn texts_without_a_mark_are_counted_where_the_task_has_marks() {
        let task = TaskSpec::Modchain(Modchain {
            p_reflect: 0.5,
            minority_share: 0.5,
            ..Default::default()
        });
        let problem = Problem {
            prompt: "7*3-8+5=".into(),
            gold: "8".into(),
            difficulty: 3,
        };
        let mut d = Detectors::default();
        let mut observe = |text: &str| {
            d.observe(&task, &problem, text, &task.verify(&problem, text, true));
            d.metrics("train")
        };
        observe("A8");
        let m = observe("7*3=1;1-8=3;3+5=8;A3");
        assert_eq!(m["train/reflection_rate"], 0.0);
        assert_eq!(m["train/accuracy_without_reflection"], 0.5);
        assert!(!m.contains_key("train/accuracy_given_reflection"));
        let m = observe("7*3=2;W;7*3=1;1-8=3;3+5=8;A8");
        assert_eq!(m["train/reflection_rate"], 1.0 / 3.0);
        assert_eq!(m["train/accuracy_given_reflection"], 1.0);
        assert_eq!(m["train/accuracy_without_reflection"], 0.5);
        // The same of the vocabularies: a chain that is wholly in the other one is a 0.
        let mut other = Detectors::default();
        let chain = "b*b=b;Ab";
        other.observe(&task, &problem, chain, &task.verify(&problem, chain, true));
        assert_eq!(other.metrics("train")["train/language_consistency"], 0.0);
    }
}
