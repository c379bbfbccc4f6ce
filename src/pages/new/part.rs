//! A part of a preset or of an earlier experiment, as a link asks for it: some of its arms, on
//! seeds of the link's own.

use super::fields::Fields;
use crate::pages::query::Asked;
use serde_json::Value;

#[derive(Debug, Default)]
pub(super) struct Part {
    /// Ids of arms; all of them where none is named.
    only: Vec<String>,
    /// The seeds themselves, not how many.
    seeds: Vec<u64>,
}

impl Part {
    pub fn read(asked: &mut Asked) -> Self {
        let mut seeds = vec![];
        for word in asked.list("seeds") {
            match word.trim().parse() {
                Ok(seed) => seeds.push(seed),
                Err(_) => asked.refuse("seeds", &word),
            }
        }
        Self {
            only: asked.list("only"),
            seeds,
        }
    }

    pub fn is_asked(&self) -> bool {
        !self.only.is_empty() || !self.seeds.is_empty()
    }

    /// The form's answers for this part of `file`; `of` is what it is a part of. Where the
    /// baseline is not among the arms, the last that is named takes its place.
    pub fn choose(&self, file: &Value, of: &str, fields: &mut Fields, asked: &mut Asked) {
        let seeds: Vec<String> = self.seeds.iter().map(u64::to_string).collect();
        match &seeds[..] {
            [] => {}
            // With a comma it is a list, and no number of seeds.
            [one] => fields.seeds = format!("{one},"),
            all => fields.seeds = all.join(", "),
        }
        let is_there = |id: &String| fields.arms.iter().any(|arm| arm.id == *id);
        let (known, unknown): (Vec<String>, Vec<String>) =
            self.only.iter().cloned().partition(is_there);
        for id in &unknown {
            asked.refuse("only", id);
        }
        let Some(last) = known.last() else {
            return;
        };
        let kept = with_origins(file, &known);
        for arm in &mut fields.arms {
            arm.ticked = kept.contains(&arm.id);
        }
        if !kept.contains(&fields.baseline) {
            fields.baseline.clone_from(last);
        }
        for attempt in &mut fields.attempts {
            if let Some(arm) = attempt.arm.as_ref().filter(|arm| !kept.contains(*arm)) {
                attempt.reason = format!("{arm} is left out of this part of {of}");
            }
        }
    }
}

/// With the arms that they build on, and those that shared stages do.
fn with_origins(file: &Value, only: &[String]) -> Vec<String> {
    let mut kept = only.to_vec();
    let mut at = 0;
    let mut more = origins(file);
    loop {
        for id in more {
            if !kept.contains(&id) {
                kept.push(id);
            }
        }
        let Some(id) = kept.get(at) else {
            return kept;
        };
        let arms = file["arms"].as_array().into_iter().flatten();
        let own = arms.filter(|arm| arm["id"].as_str() == Some(id.as_str()));
        more = own.flat_map(origins).collect();
        at += 1;
    }
}

/// `zero/grpo` is a stage of the arm `zero`.
fn origins(of: &Value) -> Vec<String> {
    let stages = of["stages"].as_array().into_iter().flatten();
    let inputs = stages.filter_map(|stage| stage["inputs"].as_object());
    let names = inputs.flat_map(|inputs| inputs.values());
    let names = names.chain([&of["policy"]]).filter_map(Value::as_str);
    let arms = names.filter_map(|name| Some(name.split_once('/')?.0.to_string()));
    arms.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presets;
    use assay_core::spec::{Experiment, overlay};

    fn chosen(query: &str) -> (Value, Fields, Vec<String>) {
        let file = overlay::read(presets::find("r1-miniature").unwrap().text).unwrap();
        let mut fields = Fields::of(&file);
        let mut asked = Asked::read(query);
        let part = Part::read(&mut asked);
        part.choose(&file, "preset r1-miniature", &mut fields, &mut asked);
        (file, fields, asked.ignored())
    }

    fn ticked(fields: &Fields) -> Vec<&str> {
        let arms = fields.arms.iter().filter(|arm| arm.ticked);
        arms.map(|arm| arm.id.as_str()).collect()
    }

    #[test]
    fn an_arm_and_its_comparator_on_fresh_seeds_are_an_experiment_of_their_own() {
        let (file, fields, ignored) = chosen("only=r1,r1-zero&seeds=3,4,5,6,7");
        assert!(ignored.is_empty(), "{ignored:?}");
        assert_eq!(ticked(&fields), ["r1-zero", "r1"]);
        let of = Experiment::from_value(&fields.lay_over(&file)).unwrap_or_else(|v| panic!("{v}"));
        assert_eq!(of.seeds, [3, 4, 5, 6, 7]);
        assert_eq!((of.baseline.as_str(), of.contrasts.len()), ("r1-zero", 1));
        // Why the attempts are not there is said; they are not silently gone.
        let said = serde_json::to_value(&of.required_attempts).unwrap();
        assert_eq!(
            said["prm"]["not_run"],
            "prm-rl is left out of this part of preset r1-miniature"
        );
    }

    #[test]
    fn what_an_arm_builds_on_stays_and_the_last_named_is_the_baseline_without_the_old_one() {
        let (file, fields, _) = chosen("only=base-prm,base-majority");
        assert_eq!(ticked(&fields), ["prm-rl", "base-majority", "base-prm"]);
        assert_eq!(fields.baseline, "base-majority");
        assert!(
            fields
                .attempts
                .iter()
                .any(|a| a.role == "prm" && a.reason.is_empty())
        );
        let (_, fields, _) = chosen("only=distill,rl-small");
        assert_eq!(ticked(&fields), ["r1-zero", "distill", "rl-small"]);
        assert_eq!(fields.baseline, "r1-zero");
        let of = Experiment::from_value(&fields.lay_over(&file)).unwrap_or_else(|v| panic!("{v}"));
        assert_eq!(of.contrasts.len(), 1);
    }

    #[test]
    fn what_is_no_arm_and_no_seed_is_named_and_changes_nothing() {
        let (file, fields, ignored) = chosen("only=nobody&seeds=x,-1,1e3");
        assert_eq!(ignored, ["seeds=x", "seeds=-1", "seeds=1e3", "only=nobody"]);
        assert_eq!(fields, Fields::of(&file));
        let (_, fields, _) = chosen("seeds=7");
        assert_eq!(fields.seeds, "7,");
        assert!(fields.arms.iter().all(|arm| arm.ticked));
    }
}
