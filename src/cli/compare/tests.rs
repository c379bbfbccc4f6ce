use super::*;
use assay_core::beyond::beyond;
use assay_core::compare::{ArmFigures, RunFigures, compare};
use assay_core::decoders::{DecoderFigures, DecoderRun, by_policy};
use assay_core::outcome::outcome;
use assay_core::questions::Shares;
use assay_core::selection::selection;
use assay_core::spec::Experiment;

fn arm(id: &str, trains: bool, values: &[f64]) -> ArmFigures {
    let runs = values
        .iter()
        .enumerate()
        .map(|(seed, v)| RunFigures {
            seed: seed as u64,
            charged: if trains { 4e11 } else { 0.0 },
            excluded: false,
            values: vec![
                (metric::PASS_AT_1.into(), *v),
                (metric::LENGTH.into(), 10.0 * v),
            ],
        })
        .collect();
    ArmFigures {
        id: id.into(),
        label: id.into(),
        trains,
        planned_seeds: 5,
        runs,
    }
}

const FILE: &str = "
name: A test
question: q?
task: { name: modchain }
seeds: 5
budget: { unit: flops, amount: 4.0e+11 }
baseline: base
required_attempts: { mcts: { not_run: Too dear. } }
contrasts: [{ arm: grpo, against: base }, { arm: late, against: base }, { arm: rerank, against: majority }]
stages: [{ id: base, kind: pretrain, model: {} }]
arms:
  - { id: base, policy: base }
  - { id: grpo, stages: [{ id: grpo, kind: grpo, inputs: { init: base } }] }
  - { id: late, stages: [{ id: grpo, kind: grpo, epsilon: 0.3, inputs: { init: base } }] }
  - { id: majority, stages: [{ id: d, kind: search, levels: [1, 4], inputs: { init: grpo/grpo } }] }
  - { id: rerank, stages: [{ id: d, kind: search, method: longest, levels: [4], inputs: { init: grpo/grpo } }] }";

fn answer() -> ComparisonAnswer {
    let spec = Experiment::from_text(FILE).unwrap_or_else(|v| panic!("{v}"));
    let arms = [
        arm("base", false, &[0.3, 0.31, 0.29, 0.3, 0.3]),
        arm("grpo", true, &[0.9, 0.92, 0.91, 0.9, 0.9]),
        arm("late", true, &[]),
    ];
    let decoder = |id: &str, levels: &[u32], value: f64| DecoderFigures {
        id: id.into(),
        label: id.into(),
        planned_seeds: 5,
        runs: (0..5)
            .flat_map(|seed| levels.iter().map(move |level| (seed, *level)))
            .map(|(seed, level)| DecoderRun {
                seed,
                level,
                pass_at_1: value + 0.01 * (seed as f64) * f64::from(level),
                tokens: 40.0 * f64::from(level),
                flops: 0.0,
                charged: 4e11,
                excluded: false,
            })
            .collect(),
    };
    let figures = [
        decoder("majority", &[1, 4], 0.5),
        decoder("rerank", &[4], 0.4),
    ];
    let split = |split, arms: &[ArmFigures], figures: &[DecoderFigures]| {
        let of_metric = |m: &&str| compare(&spec.budget, "base", m, arms);
        let comparisons: Vec<Comparison> = metric::FINAL.iter().map(of_metric).collect();
        let shares = |level: f64| -> Vec<(u64, Shares)> {
            let of = |seed: u64| (0..4).map(move |q| (q, level + 0.01 * (seed * (q + 1)) as f64));
            (0..5).map(|seed| (seed, of(seed).collect())).collect()
        };
        let shares = [
            ("base".to_string(), shares(0.3)),
            ("grpo".into(), shares(0.9)),
        ];
        crate::api::experiments::SplitComparison {
            split,
            pass_at_k: vec![],
            decoders: by_policy(&spec, figures),
            selection: comparisons.iter().filter_map(selection).collect(),
            beyond: beyond(&spec.budget, "base", &shares),
            comparisons,
        }
    };
    ComparisonAnswer {
        experiment: assay_core::ids::ExperimentId::new(),
        name: "n".into(),
        question: "q?".into(),
        metric: metric::PASS_AT_1.into(),
        baseline: "base".into(),
        margin: 0.02,
        outcome: outcome(&spec, &arms, &figures),
        outcome_with_all_runs: None,
        denominator: Default::default(),
        exclusions: vec![],
        supervision: vec![],
        splits: vec![
            split(Split::Test, &arms, &figures),
            split(Split::Ood, &arms, &[]),
        ],
    }
}

#[test]
fn the_table_is_aligned_and_names_its_basis() {
    let text = table(&answer());
    assert!(
        text.contains("eval/pass_at_1 on test; equal compute: 4.000e11 training FLOPs per seed")
    );
    assert!(text.contains("+0.606 [+0.595, +0.617]"), "{text}");
    assert!(text.contains("0 of 5"), "{text}");
    let lines: Vec<&str> = text
        .lines()
        .filter(|l| l.starts_with("base") || l.starts_with("grpo"))
        .collect();
    assert_eq!(lines[0].find('['), lines[1].find('['), "{text}");
}

#[test]
fn what_other_questions_and_a_second_look_would_change_stands_below_each_table() {
    let text = table(&answer());
    for words in [
        "eval/pass_at_1 beyond these 4 questions; equal compute: 4.000e11",
        "over seeds and questions",
        // The two arms of this test differ by a constant.
        "+0.600      no interval: the estimated variance is 0",
        "Best of 2: expect it to shrink.",
    ] {
        assert_eq!(text.matches(words).count(), 2, "{words} in {text}");
    }
    assert!(text.contains("+-0."), "{text}");
    // Beside each arm's interval over them, on both splits.
    assert_eq!(text.matches("; 4 questions").count(), 4, "{text}");
}

#[test]
fn decoders_and_verdicts_have_tables_of_their_own() {
    let text = table(&answer());
    for line in [
        "decoders of grpo/grpo on test; equal inference, in samples a question",
        "registered contrasts, m = 3: paired t over seeds, Holm; margin 0.02, minimum gain 0",
        "adjusted 98.3 % interval",
        "required attempt mcts: not run, because: Too dear.",
    ] {
        assert!(text.contains(line), "{line} not in {text}");
    }
    let line = |start: &str| text.lines().find(|l| l.starts_with(start)).unwrap();
    assert!(line("majority  1").contains("0.520"), "{text}");
    assert!(line("majority  4").contains("160.0"), "{text}");
    assert!(line("grpo    base").ends_with("better"), "{text}");
    assert!(line("late    base").ends_with("not enough seeds"), "{text}");
    assert!(
        line("rerank  majority").contains("4 of grpo/grpo"),
        "{text}"
    );
    assert!(
        line("rerank  majority").ends_with("worse (x unsuccessful)"),
        "{text}"
    );
    // The other split has no decoder that answered.
    assert_eq!(text.matches("decoders of").count(), 1);
}

#[test]
fn words_for_a_part_of_the_seeds_are_called_that_below_the_contrasts() {
    let mut of = answer();
    assert!(!table(&of).contains("still open"));
    of.outcome.open_runs = 3;
    let said = "Runs are still open (3): these are the words for the seeds so far.\n";
    assert!(table(&of).contains(said), "{}", table(&of));
}

#[test]
fn a_comparison_that_registered_no_attempt_says_so_beside_its_contrasts() {
    let said = "This comparison registered no unsuccessful-attempt baselines";
    let mut of = answer();
    assert!(!table(&of).contains(said));
    of.outcome.required_attempts.clear();
    of.outcome.withheld = true;
    for contrast in &mut of.outcome.contrasts {
        (contrast.verdict, contrast.mark) = (None, None);
    }
    let text = table(&of);
    assert!(text.contains(said), "{text}");
    assert!(!text.contains("while a required attempt is missing"));
    let line = text.lines().find(|l| l.starts_with("grpo    base"));
    assert!(
        line.is_some_and(|l| l.ends_with("withheld") && l.contains("+0.606")),
        "{text}"
    );
}
