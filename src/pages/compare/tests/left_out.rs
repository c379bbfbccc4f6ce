//! Columns with a run that somebody has left out: their values stand both ways.

use super::decoding::mixed;
use super::*;

/// The last run of a column no longer counts.
fn leaving_out(mut of: Material) -> Material {
    let own = &mut of.entries[0];
    let mut out = own.figures.runs.pop().unwrap();
    out.excluded = true;
    own.left_out = vec![out];
    of
}

/// Cells of a line by their column, of a basis without a comma.
fn cells<'a>(csv: &'a str, line: usize, names: &[&str]) -> Vec<&'a str> {
    let head: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let own: Vec<&str> = csv.lines().nth(line).unwrap().split(',').collect();
    assert_eq!(own.len(), head.len(), "{csv}");
    let at = |name: &&str| own[head.iter().position(|h| h == name).unwrap()];
    names.iter().map(at).collect()
}

const BOTH: [&str; 4] = ["n", "mean", "every_run_n", "every_run"];

#[test]
fn a_column_with_a_run_that_was_left_out_prints_its_value_both_ways() {
    let of = leaving_out(two(TASK));
    let table = compared(&of, metric::PASS_AT_1);
    let line = &table.lines[0];
    let (without, with) = (line.value.unwrap(), line.with_every_run.unwrap());
    // Seeds 0 to 2 have .50, .51 and .52.
    assert!((without.mean - 0.505).abs() < 1e-9 && without.n == 2);
    assert!((with.mean - 0.51).abs() < 1e-9 && with.n == 3);
    assert_eq!(table.lines[1].with_every_run, None);
    let text = render(&of);
    let said = format!(
        "<strong>0.505</strong><small>2 seeds, no interval; with every run {}, n = 3</small>",
        number::estimate(Kind::Share, &with)
    );
    assert!(text.contains(&said), "{said} in {text}");
    assert_eq!(text.matches("with every run").count(), 1);
    let csv = lines(&table, &[], &[], &[]);
    let own = cells(&csv, 1, &BOTH);
    let numbers = [
        "2".into(),
        without.mean.to_string(),
        "3".into(),
        with.mean.to_string(),
    ];
    assert_eq!(own, numbers);
    assert_eq!(cells(&csv, 2, &BOTH)[2..], ["", ""]);
    let tex = export::tex(&table, "pass@1", &[], "");
    assert_eq!(tex.matches("(with every run $0.510$ $\\pm$").count(), 1);
    let json = serde_json::json!(table);
    assert_eq!(json["lines"][0]["with_every_run"]["n"], 3);
    assert!(json["lines"][1].get("with_every_run").is_none());
    // Without one, a comparison keeps the hash that it had.
    let whole = serde_json::json!(compared(&two(TASK), metric::PASS_AT_1));
    assert!(!whole.to_string().contains("every_run"));
}

#[test]
fn a_run_that_was_left_out_keeps_its_value_in_its_own_column() {
    let mut of = leaving_out(two(TASK));
    of.entries[0].figures.runs.clear();
    let table = compared(&of, metric::PASS_AT_1);
    assert_eq!(table.lines[0].value, None);
    let said = "<strong>–</strong><small>with every run 0.520 (1 seed, no interval), n = 1</small>";
    let text = render(&of);
    assert!(text.contains(said), "{text}");
    let tex = export::tex(&table, "pass@1", &[], "");
    assert!(
        tex.contains("& -- (with every run $0.520$, n = 1) &"),
        "{tex}"
    );
}

#[test]
fn a_decoder_with_a_run_that_was_left_out_prints_both_values_at_each_level() {
    let mut of = mixed();
    let own = &mut of.decoders[1];
    let runs = std::mem::take(&mut own.figures.runs).into_iter();
    let (left_out, counted): (Vec<_>, Vec<_>) = runs.partition(|run| run.seed == 2);
    own.figures.runs = counted;
    own.left_out = left_out;
    for out in &mut own.left_out {
        out.excluded = true;
    }
    let groups = decoders::groups(&of);
    let line = &groups[0].lines[1];
    assert_eq!(line.with_every_run.len(), 2);
    for (at, with) in groups[0].levels.iter().zip(&line.with_every_run) {
        let without = at.rows[1].value.unwrap();
        assert_eq!((at.level, without.n, with.1.n), (with.0, 2, 3));
        // .30, .31 and .32, and a thousandth a sample.
        assert!((with.1.mean - without.mean - 0.005).abs() < 1e-9);
    }
    assert!(groups[0].lines[0].with_every_run.is_empty());
    let shown = decoders::shown(0, &groups[0]);
    for cell in &shown.rows[1].cells {
        let said = "2 seeds, no interval; with every run ";
        assert!(cell.value.1.starts_with(said), "{}", cell.value.1);
        assert!(cell.value.1.ends_with(", n = 3"), "{}", cell.value.1);
    }
    let csv = lines(&compared(&of, metric::PASS_AT_1), &groups, &[], &[]);
    let with: Vec<Vec<&str>> = (2..6).map(|line| cells(&csv, line, &BOTH)).collect();
    let counts: Vec<[&str; 2]> = with.iter().map(|own| [own[0], own[2]]).collect();
    // By level, then by decoder.
    assert_eq!(counts, [["3", ""], ["2", "3"], ["3", ""], ["2", "3"]]);
}
