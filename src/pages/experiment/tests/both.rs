//! What leaving a run out changes, beyond the arms' figures on the test split: other questions,
//! several answers, and decoders, whether or not a contrast names them.

use super::figures::asked;
use super::registered::{REGISTERED, TRAINED, made, section};
use super::*;
use crate::pages::experiment::both_ways::{BothDecoded, Figure, of_arms, of_decoders};
use crate::pages::experiment::material::leave_out;
use crate::pages::experiment::tables::{self, Table};
use assay_core::task::Split;
use assay_store::{ExclusionEvent, PassAtK};

/// As the store gives it: marked in the figures, unmarked in pass@k.
fn without(mut of: Material, arm: &str, seed: u64) -> Material {
    let mut runs = of.runs.iter();
    let run = runs
        .find(|run| run.arm.key == arm && run.seed == seed)
        .unwrap();
    of.exclusions.push(ExclusionEvent {
        run: run.id,
        arm: arm.into(),
        label: run.arm.label.clone(),
        seed,
        excluded: true,
        reason: "The disk was full.".into(),
        at: OffsetDateTime::UNIX_EPOCH,
        holds: true,
    });
    let arms = of.test.iter_mut().chain(&mut of.ood);
    let trained = arms
        .filter(|own| own.id == arm)
        .flat_map(|own| &mut own.runs);
    for run in trained.filter(|run| run.seed == seed) {
        run.excluded = true;
    }
    let decoders = of.decoders.iter_mut().chain(&mut of.decoders_ood);
    let decoded = decoders
        .filter(|own| own.id == arm)
        .flat_map(|own| &mut own.runs);
    for run in decoded.filter(|run| run.seed == seed) {
        run.excluded = true;
    }
    leave_out(&mut of);
    of.outcome = outcome(&of.view.spec, &of.test, &of.decoders);
    of
}

fn tried(of: &Material) -> Vec<PassAtK> {
    let trained = of.runs.iter().filter(|run| !of.is_decoder(&run.arm.key));
    trained
        .map(|run| PassAtK {
            arm_key: run.arm.key.clone(),
            seed: run.seed,
            samples: 8,
            values: vec![(1, 0.2), (4, 0.4 + 0.1 * run.seed as f64)],
        })
        .collect()
}

fn file(of: &Material, table: Table) -> serde_json::Value {
    let (wanted, _) = asked(of, "");
    let carried = Carried::new(of, &wanted);
    tables::sheet(of, &wanted, table).json(&carried)["rows"].clone()
}

#[test]
fn a_run_of_a_policy_with_decoders_is_recomputed_on_other_questions_and_in_several_answers() {
    let mut of = made(REGISTERED, TRAINED, 5, 5);
    of.pass_at_k = tried(&of);
    let of = without(of, "zero", 0);
    assert_eq!((of.pass_at_k.len(), of.pass_at_k_left_out.len()), (14, 1));
    let both = of_arms(&of, 0);
    let own = |figure: Figure| {
        let mut rows = both.iter().filter(|row| row.arm == "zero");
        rows.find(|row| row.figure == figure).unwrap()
    };
    for figure in [
        Figure::On(Split::Test),
        Figure::On(Split::Ood),
        Figure::PassAt(4),
    ] {
        let row = own(figure);
        let (without, with) = (row.without.unwrap(), row.with.unwrap());
        assert_eq!((without.n, with.n), (4, 5), "{figure}");
        assert_ne!(without.mean, with.mean, "{figure}");
    }
    // Seeds 1 to 4: .5 to .8; seed 0 has .4.
    let several = own(Figure::PassAt(4));
    assert!((several.without.unwrap().mean - 0.65).abs() < 1e-9);
    assert!((several.with.unwrap().mean - 0.6).abs() < 1e-9);
    // Other arms change in their differences alone, and those stand on the test split.
    let others = both.iter().filter(|row| row.arm != "zero");
    assert!(others.clone().count() == 2);
    assert!(
        others
            .clone()
            .all(|row| row.figure == Figure::On(Split::Test))
    );
    // Its decoders' own runs were not left out.
    assert!(of_decoders(&of).is_empty());
    let text = render(&of, 0, 0);
    let said = section(&text, "excluded");
    for words in [
        "R1-Zero, out of distribution",
        "R1-Zero, test pass@4",
        "0.650",
        "0.600",
    ] {
        assert!(said.contains(words), "{words} in {said}");
    }
    assert!(!said.contains("pass@1 of decoders both ways"));
    let rows = file(&of, Table::BothWays);
    let rows = rows.as_array().unwrap();
    let figures: Vec<&str> = rows
        .iter()
        .filter(|row| row["arm"] == "zero")
        .map(|row| row["figure"].as_str().unwrap())
        .collect();
    assert_eq!(figures, ["test", "out of distribution", "test pass@4"]);
}

#[test]
fn a_decoder_that_no_contrast_names_stands_both_ways_at_each_of_its_levels() {
    let mut of = made(REGISTERED, TRAINED, 5, 5);
    let mut ood = of.decoders[0].clone();
    ood.runs.retain(|run| run.level == 4);
    of.decoders_ood = vec![ood];
    assert_eq!(of.decoders[2].id, "longest");
    assert!(of.outcome.contrasts.iter().all(|c| c.arm != "longest"));
    let of = without(without(of, "longest", 2), "majority", 4);
    let both = of_decoders(&of);
    let cells: Vec<(&str, u32, Split)> = both
        .iter()
        .map(|row| (row.arm.as_str(), row.level, row.split))
        .collect();
    assert_eq!(
        cells,
        [
            ("majority", 1, Split::Test),
            ("majority", 4, Split::Test),
            ("majority", 16, Split::Test),
            ("longest", 4, Split::Test),
            ("majority", 4, Split::Ood),
        ]
    );
    for row in &both {
        let (without, with) = (row.without.unwrap(), row.with.unwrap());
        assert_eq!((without.n, with.n), (4, 5), "{row:?}");
        assert_ne!(without.mean, with.mean, "{row:?}");
    }
    let text = render(&of, 0, 0);
    let said = section(&text, "excluded");
    let shares = |row: &BothDecoded| {
        [row.without, row.with].map(|e| number::value(number::Kind::Share, e.unwrap().mean))
    };
    for words in [
        "pass@1 of decoders both ways, at equal inference",
        "Longest of the base, 4 samples",
        "Majority, 16 samples",
        "Majority, 4 samples, out of distribution",
        "R1-Zero (zero/grpo)",
        "/decoders-both-ways.csv",
    ] {
        assert!(said.contains(words), "{words} in {said}");
    }
    for value in both.iter().flat_map(shares) {
        assert!(said.contains(&value), "{value} in {said}");
    }
    // Of a decoder that a contrast names, the contrast too.
    assert!(said.contains("PRM rerank against Majority"));
    let rows = file(&of, Table::DecodersBothWays);
    let last = rows.as_array().unwrap().last().unwrap();
    assert_eq!(last["split"], "ood");
    assert_eq!(last["without"]["n"], 4);
    assert_eq!(last["with"]["n"], 5);
    // Decoders stand in no table of equal compute.
    let arms = file(&of, Table::BothWays);
    let arms = arms.as_array().unwrap();
    assert!(
        arms.iter()
            .all(|row| row["arm"] != "majority" && row["arm"] != "longest")
    );
    // Nobody has left a run out: there is no such file.
    let whole = made(REGISTERED, TRAINED, 5, 5);
    let (wanted, _) = asked(&whole, "");
    let found = |of: &Material| Table::of_file(of, &wanted, "decoders-both-ways", "csv");
    assert_eq!(found(&whole), None);
    assert_eq!(found(&of), Some(Table::DecodersBothWays));
}
