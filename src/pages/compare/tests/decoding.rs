//! Decoders: in tables of their own, at equal inference.

use super::*;
use assay_core::compare::Basis;
use assay_core::decoders::{DecoderFigures, DecoderRun};

const DECODERS: &str = "  - { id: majority, stages: [{ id: d, kind: search, levels: [4, 16], inputs: { init: base } }] }
  - { id: longest, stages: [{ id: d, kind: search, method: longest, levels: [4, 16], inputs: { init: base } }] }
  - { id: zero, stages: [{ id: d, kind: search, levels: [4], inputs: { init: grpo/grpo } }] }
task: { name: modchain }";

fn decoder(
    experiment: ExperimentId,
    arm: &str,
    policy: &str,
    levels: &[u32],
    value: f64,
) -> decoders::Entry {
    let run = |seed: u64, level: u32| DecoderRun {
        seed,
        level,
        pass_at_1: value + 0.01 * seed as f64 + 0.001 * f64::from(level),
        tokens: 10.0 * f64::from(level),
        flops: 1e6,
        charged: 0.0,
        excluded: false,
    };
    let at = |level: &u32| -> Vec<DecoderRun> { (0..3).map(|seed| run(seed, *level)).collect() };
    decoders::Entry {
        experiment,
        arm: arm.into(),
        run: None,
        label: arm.into(),
        origin: Origin::Asked,
        policy: policy.into(),
        levels: levels.to_vec(),
        figures: DecoderFigures {
            id: arm.into(),
            label: arm.into(),
            planned_seeds: 3,
            runs: levels.iter().flat_map(at).collect(),
        },
        left_out: vec![],
        runs: vec![],
    }
}

pub(super) fn mixed() -> Material {
    let known = experiment(1, DECODERS);
    let id = known.0;
    Material {
        entries: vec![entry(id, "first", 0.5, &[1, 2, 3])],
        decoders: vec![
            decoder(id, "majority", "base", &[4, 16], 0.5),
            decoder(id, "longest", "base", &[4, 16], 0.3),
            decoder(id, "zero", "grpo/grpo", &[4], 0.9),
        ],
        experiments: BTreeMap::from([known]),
        ..Material::default()
    }
}

#[test]
fn decoders_are_compared_with_those_of_their_policy_alone_at_each_level() {
    let mut of = mixed();
    let groups = decoders::groups(&of);
    let sizes: Vec<(usize, usize)> = groups
        .iter()
        .map(|g| (g.lines.len(), g.levels.len()))
        .collect();
    assert_eq!(sizes, [(2, 2), (1, 1)]);
    let at = &groups[0].levels[1];
    let basis = Basis::EqualInference {
        policy: "base".into(),
        level: 16,
    };
    assert_eq!(at.basis(), &basis);
    let difference = at.rows[1].difference.unwrap();
    assert!((difference.mean + 0.2).abs() < 1e-9 && difference.n == 3);
    assert_eq!(at.rows[0].difference, None);
    // The best of all answers from another policy: it is compared with nothing here.
    assert_eq!(groups[1].levels[0].rows[0].difference, None);
    // To another one, as the link asks; those of the other policy keep theirs.
    of.decoder_base = Some(of.decoders[1].word());
    let groups = decoders::groups(&of);
    assert!(groups[0].lines[1].is_base && groups[1].lines[0].is_base);
    assert!((groups[0].levels[0].rows[0].difference.unwrap().mean - 0.2).abs() < 1e-9);
    let chosen = format!(
        "<option value=\"{}\" selected>longest",
        of.decoders[1].word()
    );
    assert!(render(&of).contains(&chosen));
}

#[test]
fn a_mixed_selection_makes_two_kinds_of_table_and_no_common_one() {
    let mut of = mixed();
    of.decoders[1].origin = Origin::Policy;
    let text = render(&of);
    for words in [
        "Decoders of base in",
        "(grpo/grpo)",
        "at equal inference tokens",
        "equal inference: the cost of 4 samples of base a question; equal inference: the cost of 16 samples of base a question",
        "No other decoder of this policy is here",
        "longest at 16 samples",
        "<small>added by policy</small>",
        "policy, because the first experiment must not leave them out: longest.",
        "/compare/decoders-0.svg?",
    ] {
        assert!(text.contains(words), "{words}");
    }
    assert_eq!(text.matches("class=\"plot forest\"").count(), 1);
    let from = text.find("<section id=\"values\">").unwrap();
    let values = &text[from..from + text[from..].find("</section>").unwrap()];
    assert!(!values.contains("majority") && !values.contains("longest"));
    let groups = decoders::groups(&of);
    let csv = lines(&compared(&of, metric::PASS_AT_1), &groups, &[], &[]);
    // The head, one trained arm, two decoders at two levels, one at one.
    assert_eq!(csv.lines().count(), 7);
    for line in csv.lines() {
        assert_eq!(line.split(',').count(), 37, "{line}");
    }
    let own = csv.lines().filter(|l| l.contains("\"equal inference: "));
    assert_eq!(own.count(), 5);
}

#[test]
fn decoders_alone_are_something_to_compare() {
    let mut of = mixed();
    of.entries.clear();
    let text = render(&of);
    assert!(text.contains("Decoders alone") && text.contains("compared with"));
    for words in ["Nothing to compare yet", "id=\"values\"", "id=\"training\""] {
        assert!(!text.contains(words), "{words}");
    }
}

#[test]
fn why_decoders_have_no_verdict_is_said_as_of_other_columns() {
    let registered = DECODERS.replace(
        "task:",
        "contrasts: [{ arm: longest, against: majority, level: 4 }]\ntask:",
    );
    let mut of = mixed();
    let (id, known) = experiment(1, &registered);
    of.experiments.insert(id, known);
    let said = |of: &Material, line: usize| {
        let groups = decoders::groups(of);
        let csv = lines(&compared(of, metric::PASS_AT_1), &groups, &[], &[]);
        let shown = decoders::shown(0, &groups[0]);
        let verdict = shown.rows[line].verdict.clone();
        assert!(
            csv.contains(&format!(",\"{verdict}\",")),
            "{verdict}: {csv}"
        );
        verdict
    };
    // Nothing has been measured by the rule: the contrast at 4 samples decides what is said.
    let contrasts = |of: &mut Material, verdict| {
        let known: &mut Judged = of.experiments.get_mut(&id).unwrap();
        let mut all = known.outcome.contrasts.iter_mut();
        let own = all.find(|c| c.arm == "longest" && c.against == "majority");
        own.unwrap().verdict = verdict;
    };
    contrasts(&mut of, None);
    assert_eq!(said(&of, 1), table::WITHHELD);
    contrasts(&mut of, Some(assay_core::outcome::Verdict::Worse));
    let shown = decoders::shown(0, &decoders::groups(&of)[0]);
    assert_eq!(shown.rows[1].verdict, "worse at 4 samples");
    of.decoder_base = Some(of.decoders[1].word());
    assert_eq!(said(&of, 0), "none: registered the other way round");
    of.decoder_base = None;
    of.decoders[1].run = Some(run_id(id, 1));
    let whole = "none: the registered contrast is of whole arms";
    assert_eq!(said(&of, 1), whole);
    assert_eq!(said(&mixed(), 1), "none: not registered");
}

#[test]
fn whom_a_table_for_papers_is_without_is_named_in_its_note_and_under_every_figure() {
    let mut of = mixed();
    let mut base = entry(of.entries[0].experiment, "second", 0.7, &[1, 2, 3]);
    base.arm = "base".into();
    base.origin = Origin::Policy;
    of.entries.push(base);
    of.decoders[1].origin = Origin::Policy;
    of.collapsed = vec!["prm (prm-rl)".into()];
    of.not_run = vec!["mcts: not run, because: Too dear".into()];
    let table = compared(&of, metric::PASS_AT_1);
    let carried = files::carried(&of, &table, "pass@1", &[]);
    let tex = export::tex(&table, "pass@1", &carried, &denominator::behind(&of));
    let note = tex.lines().find(|line| line.starts_with("\\caption"));
    let note = note.unwrap();
    let text = render(&of);
    let captions: Vec<&str> = text
        .split("<figcaption>")
        .skip(1)
        .map(|rest| rest.split("</figcaption>").next().unwrap())
        .collect();
    assert!(captions.len() >= 3, "forest, decoders, training");
    for words in [
        "Added by policy: second; longest.",
        "Decoders, at equal inference in tables and figures of their own: majority; longest; zero.",
        "Collapsed by the link: prm (prm-rl).",
    ] {
        assert!(carried.iter().any(|line| line == words), "{carried:?}");
        assert!(note.contains(words), "{words} in {note}");
        assert!(captions.iter().all(|c| c.contains(words)), "{captions:?}");
    }
    let not_run = "mcts: not run, because: Too dear.";
    assert!(note.contains(not_run) && captions.iter().all(|c| c.contains(not_run)));
    // Nobody is named where nobody is left out.
    of.decoders.clear();
    of.collapsed.clear();
    of.entries.truncate(1);
    assert!(denominator::named(&of).is_empty());
}

#[test]
fn what_is_not_given_of_decoders_is_said_on_the_page_and_in_every_file() {
    let mut of = mixed();
    let questions = "No wins and losses by question for decoders: ";
    let experiments = "Decoders of two experiments have no difference: ";
    let said = |of: &Material, words: &str| {
        let table = compared(of, metric::PASS_AT_1);
        let carried = files::carried(of, &table, "t", &[]);
        let in_files = carried.iter().any(|line| line.starts_with(words));
        assert_eq!(in_files, render(of).contains(words), "{words}");
        in_files
    };
    assert!(said(&of, questions) && !said(&of, experiments));
    let (id, known) = experiment(2, DECODERS);
    of.experiments.insert(id, known);
    of.decoders
        .push(decoder(id, "majority", "base", &[4, 16], 0.6));
    assert!(said(&of, questions) && said(&of, experiments));
    let groups = decoders::groups(&of);
    assert_eq!(groups.len(), 3, "of one policy's name, and apart");
    let other = &groups[2];
    assert!(
        other
            .levels
            .iter()
            .all(|at| at.rows[0].difference.is_none())
    );
    of.decoders.clear();
    assert!(!said(&of, questions) && !said(&of, experiments));
}
