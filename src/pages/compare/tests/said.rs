//! What is said of the columns: how much is behind them, what is not drawn, and why there is
//! no verdict.

use super::*;
use assay_core::denominator::NoVerdict;
use assay_core::outcome::Verdict;
use std::collections::HashMap;

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

#[test]
fn names_of_people_have_nothing_unseen_in_files() {
    let mut of = two(TASK);
    of.entries[1].label = "se\u{202e}cond".into();
    of.entries[1].origin = Origin::Policy;
    let table = compared(&of, metric::PASS_AT_1);
    let trained = figure::training(&of, &table, 0).unwrap();
    let carried = files::carried(&of, &table, "t", &[]);
    for file in [
        numbers::forest(&table, "t", "").numbers().to_string(),
        numbers::curves(&trained, &table, of.view.lines)
            .numbers()
            .to_string(),
        lines(&table, &[], &carried, &[]),
        export::tex(&table, "t", &carried, &denominator::behind(&of)),
        carried.join("\n"),
    ] {
        assert!(!file.contains('\u{202e}'), "{file}");
        assert!(file.contains("U+202E"), "{file}");
    }
}

#[test]
fn words_for_a_part_of_the_seeds_are_called_that_on_the_page_and_in_every_file() {
    let mut of = registered(Some(Verdict::Worse));
    let plain = files::carried(&of, &compared(&of, metric::PASS_AT_1), "t", &[]);
    let known = of.experiments.values_mut().next().unwrap();
    known.outcome.contrasts[0].mark = Some(Mark::Unsuccessful);
    known.outcome.open_runs = 2;
    let table = compared(&of, metric::PASS_AT_1);
    let beside = "for the seeds so far (2 runs open)";
    let text = render(&of);
    for words in [
        format!("<td>worse, {beside}</td>"),
        format!("<small>unsuccessful, {beside}</small>"),
    ] {
        assert!(text.contains(&words), "{words} not in {text}");
    }
    let tex = export::tex(&table, "t", &[], "");
    assert!(tex.contains(&format!("& worse, {beside} \\\\")), "{tex}");
    assert_eq!(serde_json::json!(table)["lines"][1]["open_runs"], 2);
    let carried = files::carried(&of, &table, "t", &[]);
    let said = ": Runs are still open (2): these are the words for the seeds so far.";
    assert!(
        carried.iter().any(|line| line.ends_with(said)),
        "{carried:?}"
    );
    assert!(!plain.iter().any(|line| line.contains("so far")));
    // In another figure there is no word, and so none for a part; the mark keeps its own.
    let other = compared(&of, metric::LENGTH);
    assert!(!other.lines[1].verdict_said().contains("so far"));
}

#[test]
fn what_of_an_address_was_not_understood_is_named_in_the_files() {
    let of = two(TASK);
    let table = compared(&of, metric::PASS_AT_1);
    let carried = files::carried(&of, &table, "t", &["hdie".into(), "x=eur".into()]);
    let csv = lines(&table, &[], &carried, &[]);
    assert!(csv.contains("\r\n# ignored: hdie, x=eur\r\n"), "{csv}");
    let tex = export::tex(&table, "t", &carried, "");
    assert!(tex.contains("\n% ignored: hdie, x=eur\n"), "{tex}");
    let carried = files::carried(&of, &table, "t", &[]);
    assert!(carried.iter().all(|line| !line.contains("ignored")));
}

#[test]
fn columns_that_there_is_no_room_for_are_named_on_the_page_and_in_every_file() {
    let mut of = two(TASK);
    let id = of.entries[0].experiment;
    let runs_of = HashMap::from([(id, of.entries[0].runs.clone())]);
    let name = of.experiments[&id].view.name.clone();
    let base = of.experiments[&id].view.spec.arm("base").unwrap();
    let base = format!("{} ({name})", base.label);
    let runs = [run_id(id, 2).to_string(), "no\u{202e}body".to_string()];
    // One of them is here, and one is named twice.
    let arms = ["grpo", "base", "base"].map(|arm| format!("{id}/{arm}"));
    of.rest = rest::named(&of, &runs_of, (&runs[..], &arms[..]));
    let run = format!("GRPO, seed 2 ({name})");
    assert_eq!(of.rest, [run, "no⟨U+202E⟩body".to_string(), base]);
    let said = format!(
        "Beyond 24 columns, in no table and no figure here: {}.",
        of.rest.join("; ")
    );
    let table = compared(&of, metric::PASS_AT_1);
    let carried = files::carried(&of, &table, "t", &[]);
    assert!(carried.contains(&said), "{carried:?}");
    let behind = denominator::behind(&of);
    assert!(behind.contains(&said), "{behind}");
    let tex = export::tex(&table, "t", &carried, &behind);
    let note = tex.lines().find(|line| line.starts_with("\\caption"));
    assert!(note.unwrap().contains("Beyond 24 columns"), "{tex}");
    // Under each of the two figures, and under the table.
    assert_eq!(render(&of).matches("Beyond 24 columns").count(), 3);
    // A list without an end would be no sentence.
    let many: Vec<String> = (0..250).map(|n| format!("x{n}")).collect();
    let names = rest::named(&of, &runs_of, (&many[..], &[]));
    assert_eq!(names.len(), 201);
    assert_eq!(names[200], "and 50 more");
    assert!(rest::named(&of, &runs_of, (&[], &[])).is_empty());
}
