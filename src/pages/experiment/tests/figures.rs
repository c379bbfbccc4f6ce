//! Figures, exports and the words that stand under them, from made-up material.

use super::*;
use crate::charts::Theme;
use crate::pages::query::Asked;
use carried::Carried;
use figure::Name;
use tables::Table;

pub(super) fn asked(of: &Material, query: &str) -> (Wanted, Vec<String>) {
    let mut asked = Asked::read(query);
    let wanted = Wanted::read(&mut asked, &of.view);
    (wanted, asked.ignored())
}

/// Five seeds of three arms, the second of which the registered rule calls unsuccessful.
pub(super) fn with_a_failure() -> Material {
    let mut of = material(&LABELS, 5, &[5, 5, 5], 50);
    for figures in &mut of.test[1].runs {
        for (name, value) in &mut figures.values {
            if *name == metric::PASS_AT_1 {
                *value = 0.05 + 0.001 * figures.seed as f64;
            }
        }
    }
    of.outcome = outcome(&of.view.spec, &of.test, &of.decoders);
    assert_eq!(of.mark("arm-1"), Some(Mark::Unsuccessful));
    of
}

pub(super) fn page(of: &Material, query: &str) -> String {
    let (mut wanted, ignored) = asked(of, query);
    wanted.settle(of);
    let mut shell = Shell::plain("A test");
    shell.ignored = ignored;
    let text = ExperimentPage::new(
        shell,
        of,
        &wanted,
        crate::pages::experiment::figures::asked(query),
    )
    .render()
    .unwrap();
    crate::pages::tests::assert_is_clean(&text);
    text
}

#[test]
fn under_every_figure_and_in_every_export_stands_what_is_behind_it() {
    let mut of = with_a_failure();
    of.runs[14].state = RunState::Failed;
    let all = "3 arms, 15 runs planned: 14 done, 1 crashed, 0 cancelled, 0 excluded. Did not work: 1 of 3, all drawn.";
    let text = page(&of, "");
    assert_eq!(
        text.matches(&format!("{all} Hidden: none.")).count(),
        Name::ALL.len() - 2,
        "passk has no table here, and the base does not train"
    );
    let trained =
        format!("{all} In this figure: 2 of 3 arms, with 10 of 15 runs planned. Hidden: none.");
    assert_eq!(text.matches(&trained).count(), 1);
    let (wanted, _) = asked(&of, "");
    for name in Name::ALL {
        let figure = name.figure(&of, &wanted);
        let carried = Carried::new(&of, &wanted).of_figure(&of, &figure);
        // No pass@k was measured: no arm has a point in that figure.
        let drawn = match name == Name::Passk {
            true => "1 of 3, 0 drawn; not in this figure: SFT on clean chains",
            false => "1 of 3, all drawn",
        };
        let svg = files::drawing(&figure, &carried, Theme::Both);
        let csv = numbers::csv(&of, &wanted, &figure, &carried);
        let json = numbers::json(&of, &wanted, &figure, &carried).to_string();
        for part in [carried.basis.as_str(), carried.snapshot.as_str(), drawn] {
            assert!(
                csv.contains(part) && json.contains(part),
                "{part} of {}",
                name.word()
            );
        }
        assert!(svg.contains("Hidden: none.") && svg.contains(&carried.snapshot));
        for arm in ["arm-1", "arm-2"] {
            assert!(json.contains(arm), "{arm} in {}", name.word());
        }
    }
}

#[test]
fn an_unsuccessful_arm_is_in_every_figure_table_and_file() {
    let of = with_a_failure();
    let (wanted, _) = asked(&of, "");
    let carried = Carried::new(&of, &wanted);
    for name in [
        Name::Milestones,
        Name::Frontier,
        Name::Forest,
        Name::Seeds,
        Name::Training,
    ] {
        let svg = name.figure(&of, &wanted).draw().svg;
        assert!(
            svg.contains("c2 fail") && svg.contains("mk x"),
            "{}",
            name.word()
        );
        assert!(
            svg.contains("× S") && svg.contains("(unsuccessful)"),
            "{}",
            name.word()
        );
    }
    for table in [Table::Comparison, Table::Verdicts] {
        let sheet = tables::sheet(&of, &wanted, table);
        assert!(sheet.csv(&carried).contains("\"unsuccessful\""));
        assert!(sheet.json(&carried).to_string().contains("unsuccessful"));
        let tex = sheet.tex(&carried);
        assert!(tex.contains("$\\times$ SFT on clean chains"), "{tex}");
        for part in ["\\toprule", "\\bottomrule", "$\\pm$", "% Snapshot"] {
            assert!(tex.contains(part), "{part} in {tex}");
        }
        let caption = tex.lines().find(|line| line.starts_with("\\caption"));
        let basis = "equal compute: 4.000e11 training FLOPs per seed";
        assert_eq!(caption.unwrap().matches(basis).count(), 1, "{tex}");
        assert_eq!(tex.matches('{').count(), tex.matches('}').count());
    }
}

#[test]
fn who_is_hidden_is_named_on_the_page_and_in_every_export() {
    let of = with_a_failure();
    for query in ["hide=arm-1", "only=arm-0,arm-2", "only=arm-0&only=arm-2"] {
        let (wanted, ignored) = asked(&of, query);
        assert!(ignored.is_empty(), "{ignored:?}");
        let carried = Carried::new(&of, &wanted);
        let said = "Hidden by the link: SFT on clean chains.";
        let text = page(&of, query);
        assert!(text.matches(said).count() > 5 && text.contains("1 of 3, 0 drawn"));
        // The tables of the page keep it.
        let table = text.split("<section id=\"table\"").nth(1).unwrap();
        assert!(table.contains("data-arm=\"arm-1\""));
        for name in Name::ALL {
            let figure = name.figure(&of, &wanted);
            assert!(!figure.draw().svg.contains("data-arm=\"arm-1\""));
            assert!(files::drawing(&figure, &carried, Theme::Light).contains(said));
            assert!(numbers::csv(&of, &wanted, &figure, &carried).contains(said));
            let json = numbers::json(&of, &wanted, &figure, &carried);
            assert_eq!(json["denominator"]["hidden"][0]["arm"], "arm-1");
        }
        for table in [Table::Comparison, Table::Verdicts] {
            let sheet = tables::sheet(&of, &wanted, table);
            assert!(sheet.tex(&carried).contains(said) && sheet.csv(&carried).contains(said));
        }
        assert!(
            cite::bibtex(&carried, "http://h", OffsetDateTime::UNIX_EPOCH, true).contains(said)
        );
    }
}

#[test]
fn every_arm_stands_in_every_figure_in_the_order_of_the_file() {
    let of = with_a_failure();
    let (wanted, _) = asked(&of, "sort=file");
    for name in [Name::Forest, Name::Seeds] {
        let svg = name.figure(&of, &wanted).draw().svg;
        let places: Vec<usize> = (0..3)
            .map(|arm| svg.find(&format!("data-arm=\"arm-{arm}\"")).unwrap())
            .collect();
        assert!(places.is_sorted(), "{}: {places:?}", name.word());
    }
}

#[test]
fn every_word_of_the_address_is_honoured_and_every_other_named() {
    let of = material(&LABELS, 3, &[3, 3, 3], 50);
    let plain = page(&of, "");
    for (query, word) in [
        ("x=device_s", "device-seconds charged, per seed</text>"),
        ("x=wall", "seconds of work charged, per seed</text>"),
        ("x=tok", "training tokens charged, per seed</text>"),
        ("smooth=0.6", "EMA 0.6"),
        (
            "band=minmax",
            "from the smallest to the largest seed and is no interval",
        ),
        ("xs=log", "≤ 0 not drawn on the log axis"),
        ("snap=0123456789abcdef", "This link cites snapshot"),
    ] {
        let text = page(&of, query);
        assert!(text.contains(word), "{word} with {query}");
        assert!(!text.contains("ignored: "), "{query}");
        // The frontier stands on a log axis from the start.
        if query != "xs=log" {
            assert!(!plain.contains(word), "{word} without {query}");
        }
    }
    let seeds = page(&of, "seeds=1");
    assert!(seeds.matches("class=\"bh\"").count() > plain.matches("class=\"bh\"").count());
    let zoomed = page(&of, "x0=1e11&x1=2e11");
    assert!(zoomed.contains("data-x=\"100000000000 200000000000 linear\""));
    for (query, named) in [
        ("x=eur", "x=eur"),
        ("x0=5&x1=3", "x0=5"),
        ("smooth=1", "smooth=1"),
        ("smooth=NaN", "smooth=NaN"),
        ("only=nobody", "only=nobody"),
        ("snap=zz", "snap=zz"),
        ("band=se", "band=se"),
        ("smoth=0.5", "smoth"),
    ] {
        let text = page(&of, query);
        assert!(text.contains(named), "{query}");
        assert!(text.contains("data-arm=\"arm-2\""), "{query}");
    }
    let (wanted, _) = asked(&of, "snap=0123456789ABCDEF");
    assert!(!wanted.is_past("0123456789abcdef00") && wanted.is_past("1123456789abcdef00"));
}

#[test]
fn links_to_files_ask_for_what_the_page_shows_and_repeat_nothing_else() {
    let of = material(&LABELS, 3, &[3, 3, 3], 10);
    let query = "metric=length&curve=kl&x=device_s&xs=log&ys=log&x0=1.5&x1=30&smooth=0.5&band=none&seeds=1&budget=7.5&base=arm-1&color=family&pin=forest,training&only=arm-1,arm-2&hide=arm-1";
    let (wanted, _) = asked(&of, query);
    let said = wanted.query(&of.view);
    assert_eq!(said, format!("?{query}"));
    let (again, ignored) = asked(&of, &said[1..]);
    assert!(ignored.is_empty());
    assert_eq!(again.query(&of.view), said);
    let hostile = format!(
        "a={}&x=eur&budget=-1&base=nobody&color=red&pin=all&only=%22%3E",
        "b".repeat(3_000)
    );
    let (wanted, _) = asked(&of, &hostile);
    assert_eq!(wanted.query(&of.view), "");
}

#[test]
fn the_snapshot_changes_with_the_data_and_with_nothing_else() {
    let mut of = material(&LABELS, 3, &[3, 3, 3], 50);
    let first = carried::snapshot(&of);
    assert_eq!(first, carried::snapshot(&of));
    of.series.clear();
    assert_eq!(
        first,
        carried::snapshot(&of),
        "curves of training are not the comparison"
    );
    of.test[2].runs[0].values[0].1 += 1e-9;
    assert_ne!(first, carried::snapshot(&of));
}

#[test]
fn no_two_tables_of_a_paper_have_one_label() {
    let of = material(&LABELS, 3, &[3, 3, 3], 10);
    let (wanted, _) = asked(&of, "");
    let carried = Carried::new(&of, &wanted);
    for table in Table::ALL {
        let tex = tables::sheet(&of, &wanted, table).tex(&carried);
        let label = format!(
            "\\label{{tab:assay-{}-{}}}\n",
            table.word(),
            &carried.snapshot[..8]
        );
        assert_eq!(tex.matches(&label).count(), 1, "{tex}");
    }
    // pass@k of a paper is the table of that name.
    for name in Name::ALL.into_iter().filter(|name| *name != Name::Passk) {
        let sheet = numbers::sheet(&of, &wanted, &name.figure(&of, &wanted));
        assert!(Table::ALL.iter().all(|table| table.word() != sheet.word));
        assert!(sheet.tex(&carried).contains("% Snapshot "));
    }
    let words: std::collections::BTreeSet<_> = Table::ALL.map(Table::word).into();
    assert_eq!(words.len(), Table::ALL.len());
}

#[test]
fn files_with_hostile_names_are_whole_and_run_nothing() {
    let mut of = material(&LABELS, 3, &[3, 3, 1], 10);
    let long = "x".repeat(200);
    for bad in [
        "</style><script>alert(1)</script>",
        "\"\u{202e}]]>&\u{0}",
        "🦀\n=1+1",
        "[2cm]{",
        "\u{202e}* \\end{document}",
        &long,
        "",
    ] {
        for arm in &mut of.view.arms {
            arm.label = bad.into();
        }
        of.view.name = bad.into();
        of.view.question = bad.into();
        let (wanted, _) = asked(&of, "hide=arm-1&seeds=1");
        let carried = Carried::new(&of, &wanted);
        for name in Name::ALL {
            let figure = name.figure(&of, &wanted);
            let svg = files::drawing(&figure, &carried, Theme::Both);
            assert!(!svg.contains("<script"));
            #[cfg(feature = "png")]
            resvg::usvg::roxmltree::Document::parse(&svg).unwrap_or_else(|e| panic!("{e}"));
            let csv = numbers::csv(&of, &wanted, &figure, &carried);
            assert!(csv.lines().all(|l| !l.starts_with('=')), "{csv}");
            assert!(!csv.contains(['\u{202e}', '\u{0}']), "{csv}");
            let tex = numbers::sheet(&of, &wanted, &figure).tex(&carried);
            assert_eq!(tex.matches('{').count(), tex.matches('}').count(), "{tex}");
            assert!(tex.lines().all(|l| !l.starts_with(['[', '*'])), "{tex}");
        }
        for table in Table::ALL {
            let sheet = tables::sheet(&of, &wanted, table);
            let csv = sheet.csv(&carried);
            assert!(!csv.contains(['\u{202e}', '\u{0}']), "{csv}");
            let tex = sheet.tex(&carried);
            assert_eq!(tex.matches('{').count(), tex.matches('}').count(), "{tex}");
            assert_eq!(tex.matches("\\end{").count(), 2, "{tex}");
            assert!(tex.lines().all(|l| !l.starts_with(['[', '*'])), "{tex}");
            assert!(tex.lines().all(|l| !l.contains(char::is_control)), "{tex}");
        }
        let entry = cite::bibtex(&carried, "http://h", OffsetDateTime::UNIX_EPOCH, true);
        assert_eq!(
            entry.matches('{').count(),
            entry.matches('}').count(),
            "{entry}"
        );
    }
}

#[test]
fn numbers_that_are_none_leave_every_figure_standing() {
    let mut of = material(&LABELS, 3, &[3, 3, 3], 50);
    for p in &mut of.milestones {
        if p.milestone == 50 {
            (p.pass_at_1, p.flops) = (f64::NAN, f64::INFINITY);
        }
    }
    for run in &mut of.series {
        run.points[3].mean = f64::NAN;
        run.points[4].mean = f64::NEG_INFINITY;
    }
    for query in [
        "",
        "ys=log",
        "xs=log&ys=log&seeds=1",
        "x=flops&smooth=0.9",
        "x0=1e30&x1=1e31",
    ] {
        let text = page(&of, query);
        assert!(text.contains("not drawn: not a number"), "{query}");
    }
    // Each figure says it of its own, not one for all.
    for (query, names) in [
        ("", [Name::Milestones, Name::Frontier, Name::Training]),
        (
            "seeds=1",
            [Name::Milestones, Name::Frontier, Name::Training],
        ),
    ] {
        let (wanted, _) = asked(&of, query);
        for name in names {
            let (_, said) = name.figure(&of, &wanted).shown();
            assert!(said.contains("not drawn: not a number"), "{query} {said}");
        }
    }
}

#[test]
fn more_than_sixty_runs_are_left_to_the_canvas_and_none_to_chance() {
    let labels: Vec<String> = (0..13).map(|i| format!("Recipe number {i}")).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let of = material(&labels, 5, &[5; 13], 40);
    let text = page(&of, "seeds=1");
    assert!(text.contains("data-every") && text.contains("Too many runs for one line each"));
    let (wanted, _) = asked(&of, "seeds=1");
    let carried = Carried::new(&of, &wanted);
    let figure = Name::Training.figure(&of, &wanted);
    let json = numbers::json(&of, &wanted, &figure, &carried);
    let series = json["series"].as_array().unwrap();
    assert_eq!(series.len(), 12);
    assert!(
        series
            .iter()
            .all(|s| s["seeds"].as_array().unwrap().len() == 5)
    );
}
