//! What the table cannot claim by itself.

use super::figures::asked;
use super::*;
use assay_core::questions::Shares;

/// Three seeds of four questions; the arms differ by a constant.
fn shares(level: f64) -> Vec<(u64, Shares)> {
    let of = |seed: u64| -> Shares {
        let easy = [0.0, 0.1, 0.2, 0.3].map(|q| level + q + 0.01 * seed as f64);
        (0..).zip(easy).collect()
    };
    (0..3).map(|seed| (seed, of(seed))).collect()
}

#[test]
fn seeds_and_questions_stand_apart_and_the_difference_has_its_interval_over_both() {
    let of = material(&LABELS, 3, &[3, 3, 3], 0);
    let arms = [
        ("arm-0".to_string(), shares(0.2)),
        ("arm-1".to_string(), shares(0.5)),
    ];
    let spec = &of.view.spec;
    let found = assay_core::beyond::beyond(&spec.budget, &spec.baseline, &arms).unwrap();
    let table = beyond::table(&of, &found);
    assert!(
        table
            .caption
            .contains("4 questions (equal compute: 4.000e11")
    );
    let [base, sft] = &table.rows[..] else {
        panic!("{table:?}")
    };
    // Seeds: 4.303 x 0.01 / sqrt(3).
    assert_eq!((base.n, base.widths[0].as_str()), (3, "±0.025"));
    assert!(base.widths[1].starts_with('±') && base.widths[1].ends_with("; 4 questions"));
    assert!(base.difference.is_none());
    let difference = sft.difference.as_ref().unwrap();
    // They differ alike in every cell: of other cells that says nothing.
    assert_eq!(
        (difference.mean.as_str(), difference.interval.as_str()),
        ("+0.300", "no interval: the estimated variance is 0")
    );
    let mut page = ExperimentPage::new(
        Shell::plain("A test"),
        &of,
        &Wanted::new(spec.budget.unit),
        String::new(),
    );
    page.beyond = Some(table);
    let text = page.render().unwrap();
    crate::pages::tests::assert_is_clean(&text);
    for words in ["<details id=\"beyond\"", "±0.025", "seeds and questions"] {
        assert!(text.contains(words), "{words}");
    }
}

#[test]
fn what_every_seed_solves_has_wilsons_interval_and_none_without_a_width_is_printed() {
    let of = material(&LABELS, 3, &[3, 3, 3], 0);
    let all = |value: f64| -> Vec<(u64, Shares)> {
        let shares: Shares = (0..30).map(|q| (q, value)).collect();
        (0..3).map(|seed| (seed, shares.clone())).collect()
    };
    let arms = [
        ("arm-0".to_string(), all(1.0)),
        ("arm-1".to_string(), all(0.5)),
    ];
    let spec = &of.view.spec;
    let found = assay_core::beyond::beyond(&spec.budget, &spec.baseline, &arms).unwrap();
    let table = beyond::table(&of, &found);
    assert!(table.caption.contains("over questions stands Wilson's"));
    let [right, even] = &table.rows[..] else {
        panic!("{table:?}")
    };
    // 30 / (30 + 1.96^2).
    assert_eq!(right.widths[1], "[0.886, 1.000] (Wilson); 30 questions");
    assert_eq!(
        even.widths[1],
        "no interval: all questions alike; 30 questions"
    );
    for row in [right, even] {
        assert_eq!(row.widths[2], "no interval: the estimated variance is 0");
    }
    let sheet = listed::beyond(&of, &found).numbers();
    assert_eq!(sheet[0]["questions"], 30);
    assert_eq!(sheet[0]["over_questions_by"], "wilson");
    assert_eq!(sheet[1]["over_questions_by"], "none: all questions alike");
    assert!(sheet[1]["over_questions"].is_null() && sheet[1]["over_both"].is_null());
    // A width that three decimals do not show: one answer of 10,000 questions is wrong.
    let one = |q: u64| f64::from(u8::from(q != 7));
    let shares: Shares = (0..10_000).map(|q| (q, one(q))).collect();
    let arms = [("arm-0".to_string(), vec![(0, shares)])];
    let found = assay_core::beyond::beyond(&spec.budget, &spec.baseline, &arms).unwrap();
    let said = &beyond::table(&of, &found).rows[0].widths[1];
    assert!(said.starts_with('±') && said.ends_with("; 10,000 questions"));
    assert!(!said.contains("0.000;") && said.contains("e-4"), "{said}");
}

#[test]
fn a_best_of_several_arms_carries_what_it_would_lose() {
    let text = render(&material(&LABELS, 3, &[3, 3, 3], 0), 0, 0);
    assert!(text.contains("Best of 3: expect it to shrink."), "{text}");
    let confirm =
        "&#38;only=arm-2%2Carm-0&#38;seeds=3%2C4%2C5%2C6%2C7\">Confirm with 5 fresh seeds";
    assert!(text.contains(confirm), "{text}");
    // Two seeds say nothing of their spread.
    let text = render(&material(&LABELS, 3, &[2, 2, 2], 0), 0, 0);
    assert!(!text.contains("expect it to shrink") && !text.contains("<details id=\"beyond\""));
}

#[test]
fn no_arm_looks_best_where_more_is_not_better() {
    let of = material(&LABELS, 3, &[3, 3, 3], 0);
    for (place, figure) in words::FINAL.iter().enumerate() {
        let text = render(&of, place, 0);
        let best = [metric::PASS_AT_1, metric::MAJ_AT_K].contains(&figure.1);
        assert_eq!(text.contains("expect it to shrink"), best, "{}", figure.0);
        assert_eq!(text.contains("fresh seeds</a>"), best, "{}", figure.0);
    }
}

/// Three seeds that agree: half of the questions always right, half never.
fn agreed() -> Vec<(u64, Shares)> {
    let shares: Shares = (0..400).map(|q| (q, (q % 2) as f64)).collect();
    (0..3).map(|seed| (seed, shares.clone())).collect()
}

#[test]
fn the_band_of_more_tries_is_over_seeds_or_over_questions_and_says_which() {
    let mut of = material(&LABELS, 3, &[3, 3, 3], 0);
    let run = |seed| assay_store::PassAtK {
        arm_key: "arm-1".into(),
        seed,
        samples: 8,
        values: vec![(1, 0.5), (2, 0.5)],
    };
    of.pass_at_k = (0..3).map(run).collect();
    of.shares = vec![("arm-1".into(), agreed())];
    let drawn = |query: &str| {
        let (wanted, ignored) = asked(&of, query);
        assert!(ignored.is_empty(), "{ignored:?}");
        let figure = figure::Name::Passk.figure(&of, &wanted);
        let figure::Chart::Curves(chart) = &figure.chart else {
            panic!("{figure:?}")
        };
        let own = chart.curves.iter().find(|c| c.key == "arm-1").unwrap();
        let lines = if query.contains("seeds=1") { 3 } else { 0 };
        assert_eq!(own.behind.len(), lines);
        let band = own.bins[1].interval.unwrap();
        let said = format!("{} {}", chart.title, figure.caption.join(" "));
        (band.high - band.low, said)
    };
    let (width, said) = drawn("");
    assert_eq!(width, 0.0);
    assert!(!said.contains("over questions"), "{said}");
    // 0, 0.01 and 0.02 of them, in the order of the arms.
    assert!(
        said.contains("truncated answers count as wrong, by arm a share of 0.000 to 0.020, most of GRPO from the base."),
        "{said}"
    );
    let (_, every) = drawn("seeds=1");
    assert!(!every.contains("over questions"), "{every}");
    let (width, said) = drawn("questions=1");
    // Twice 1.96 x 0.5 / 20.
    assert!((width - 0.098).abs() < 0.01, "{width}");
    assert!(said.contains("interval over questions: these trained models"));
    assert!(said.contains("(equal compute: 4.000e11") && !said.contains("from 3 seeds on"));
    assert!(
        said.contains("; 400 questions.") && !said.contains("Wilson"),
        "{said}"
    );
    // The smallest and largest seed are no interval over anything.
    let (_, said) = drawn("questions=1&band=minmax");
    assert!(!said.contains("over questions"), "{said}");
    // Files are asked for by the same words.
    let (wanted, _) = asked(&of, "questions=1");
    assert_eq!(wanted.query(&of.view), "?questions=1");
    // Where every question is solved nothing can be drawn again.
    let solved: Shares = (0..30).map(|q| (q, 1.0)).collect();
    of.shares = vec![(
        "arm-1".into(),
        (0..3).map(|n| (n, solved.clone())).collect(),
    )];
    let figure = figure::Name::Passk.figure(&of, &wanted);
    let figure::Chart::Curves(chart) = &figure.chart else {
        panic!("{figure:?}")
    };
    let own = chart.curves.iter().find(|c| c.key == "arm-1").unwrap();
    let band = own.bins[1].interval.unwrap();
    assert!((band.low - 0.886_5).abs() < 1e-4 && band.high > 1.0 - 1e-9);
    let said = figure.caption.join(" ");
    assert!(
        said.contains("Wilson's interval for 30 questions"),
        "{said}"
    );
    // Without the answers there is no band rather than one over something else.
    of.shares.clear();
    let figure = figure::Name::Passk.figure(&of, &wanted);
    let figure::Chart::Curves(chart) = &figure.chart else {
        panic!("{figure:?}")
    };
    let bins = chart.curves.iter().flat_map(|c| &c.bins);
    assert!(bins.clone().next().is_some());
    assert!(bins.into_iter().all(|b| b.interval.is_none()));
}
