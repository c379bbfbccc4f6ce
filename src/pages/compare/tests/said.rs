//! What is said of the columns: how much is behind them, what is not drawn, and why there is
//! no verdict.

use super::*;
use assay_core::denominator::NoVerdict;
use assay_core::outcome::Verdict;

#[test]
fn a_value_that_is_no_number_is_said_under_the_differences() {
    let mut of = two(TASK);
    let said = "1 value not drawn: not a number, or off the axis.";
    let caption = |of: &Material| {
        let table = compared(of, metric::PASS_AT_1);
        figure::forest(&table, Kind::Share, "pass@1")
            .unwrap()
            .caption
    };
    assert!(!caption(&of).contains("not drawn"));
    of.entries[1].figures.runs[0].values = vec![(metric::PASS_AT_1.into(), f64::NAN)];
    assert!(caption(&of).contains(said), "{}", caption(&of));
    assert!(render(&of).contains(said));
}

#[test]
fn every_run_of_the_columns_is_in_the_denominator_once() {
    let mut of = two(TASK);
    of.entries[1].runs[0].state = RunState::Failed;
    // One run of an arm that is there as a whole.
    let mut one = entry(of.entries[0].experiment, "first, seed 1", 0.5, &[1]);
    one.runs.retain(|run| run.seed == 1);
    one.run = Some(one.runs[0].id);
    of.entries.push(one);
    of.collapsed = vec!["prm (prm-rl)".into()];
    let said = denominator::denominator(&of).to_string();
    assert_eq!(
        said,
        "6 runs planned: 5 done, 1 crashed, 0 cancelled, 0 open; 0 excluded, 5 counted. \
         2 arms: unsuccessful: no verdict yet, 1 hidden."
    );
    // Under each of the two figures, and under the table.
    assert_eq!(render(&of).matches(&said).count(), 3);
}

#[test]
fn unsuccessful_arms_are_a_number_only_where_every_experiment_has_a_verdict() {
    let mut of = two(TASK);
    let (first, second) = (of.entries[0].experiment, of.entries[1].experiment);
    let mut say = |id: ExperimentId, verdict: Option<Verdict>, mark: Option<Mark>| {
        let known: &mut Judged = of.experiments.get_mut(&id).unwrap();
        let own = known.outcome.contrasts.iter_mut();
        for contrast in own.filter(|c| c.arm == "grpo") {
            (contrast.verdict, contrast.mark) = (verdict, mark);
        }
        denominator::denominator(&of)
    };
    let sum = say(first, Some(Verdict::Worse), Some(Mark::Unsuccessful));
    assert_eq!(
        (sum.unsuccessful, sum.no_verdict),
        (None, Some(NoVerdict::NotYet))
    );
    let sum = say(second, Some(Verdict::Better), None);
    assert_eq!((sum.unsuccessful, sum.no_verdict), (Some(1), None));
    of.experiments.get_mut(&second).unwrap().outcome.withheld = true;
    let sum = denominator::denominator(&of);
    assert_eq!(sum.no_verdict, Some(NoVerdict::Withheld));
    // Of nothing at all there is no zero either.
    let sum = denominator::denominator(&Material::default());
    assert_eq!(sum.unsuccessful, None);
}

/// Both arms of one experiment, of which a contrast of the later one is registered.
fn registered(verdict: Option<Verdict>) -> Material {
    let (id, mut known) = experiment(1, TASK);
    assert_eq!(known.outcome.contrasts.len(), 1);
    known.outcome.withheld = verdict.is_none();
    known.outcome.contrasts[0].verdict = verdict;
    let mut base = entry(id, "Base", 0.5, &[1, 2, 3]);
    base.arm = "base".into();
    Material {
        entries: vec![base, entry(id, "GRPO", 0.7, &[1, 2, 3])],
        experiments: BTreeMap::from([(id, known)]),
        ..Material::default()
    }
}

#[test]
fn why_there_is_no_verdict_is_said_as_it_is_on_the_page_and_in_every_file() {
    let said = |of: &Material, name: &str, column: usize| {
        let table = compared(of, name);
        let line = &table.lines[column];
        let words = line.verdict_said();
        let tex = export::tex(&table, "t", &[], "");
        assert!(tex.contains(&format!("& {words} \\\\")), "{words} in {tex}");
        let json = serde_json::json!(table);
        let why = &json["lines"][column]["no_verdict"];
        let csv = lines(&table, &[], &[], &[]);
        match line.verdict {
            Some(_) => assert!(why.is_null()),
            None => {
                assert_eq!(*why, words.as_str());
                assert!(csv.contains(&format!(",\"{words}\",")), "{csv}");
            }
        }
        words
    };
    let of = registered(Some(Verdict::Better));
    assert_eq!(said(&of, metric::PASS_AT_1, 1), "better");
    let other = said(&of, metric::LENGTH, 1);
    assert!(other.starts_with("none: registered in "), "{other}");
    assert!(
        !other.contains(metric::PASS_AT_1),
        "a title, no key: {other}"
    );
    let withheld = "withheld: a required attempt is missing";
    let mut of = registered(None);
    assert_eq!(said(&of, metric::PASS_AT_1, 1), withheld);
    let text = render(&of);
    assert!(text.contains(&format!("<td>{withheld}</td>")), "{text}");
    assert!(!text.contains("not registered"));
    let known = of.experiments.values_mut().next().unwrap();
    known.outcome.required_attempts.clear();
    let none = "withheld: no unsuccessful-attempt baseline is registered";
    assert_eq!(said(&of, metric::PASS_AT_1, 1), none);
    of.base = 1;
    let reversed = "none: registered the other way round";
    assert_eq!(said(&of, metric::PASS_AT_1, 0), reversed);
    of.base = 0;
    of.entries[1].run = Some(run_id(of.entries[1].experiment, 1));
    let whole = "none: the registered contrast is of whole arms";
    assert_eq!(said(&of, metric::PASS_AT_1, 1), whole);
    // Nobody registered a contrast between two experiments.
    let of = two(TASK);
    assert_eq!(said(&of, metric::PASS_AT_1, 1), "none: not registered");
}
