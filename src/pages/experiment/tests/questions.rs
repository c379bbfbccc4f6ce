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
    assert_eq!((base.n, base.halves[0].as_str()), (3, "±0.025"));
    assert!(base.difference.is_none());
    let difference = sft.difference.as_ref().unwrap();
    assert_eq!(
        (difference.mean.as_str(), difference.interval.as_str()),
        ("+0.300", "[+0.300, +0.300]")
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
    let (width, said) = drawn("questions=1");
    // Twice 1.96 x 0.5 / 20.
    assert!((width - 0.098).abs() < 0.01, "{width}");
    assert!(said.contains("interval over questions: these trained models"));
    assert!(said.contains("(equal compute: 4.000e11") && !said.contains("from 3 seeds on"));
    // The smallest and largest seed are no interval over anything.
    let (_, said) = drawn("questions=1&band=minmax");
    assert!(!said.contains("over questions"), "{said}");
    // Files are asked for by the same words.
    let (wanted, _) = asked(&of, "questions=1");
    assert_eq!(wanted.query(&of.view), "?questions=1");
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
