use super::*;
use crate::charts::UNSUCCESSFUL;
use assay_core::stats;

/// Class, place and content of a text.
type Text<'a> = (&'a str, f64, i32, &'a str);

fn texts(svg: &str) -> Vec<Text<'_>> {
    svg.split("<text class=\"")
        .skip(1)
        .map(|rest| {
            let (class, rest) = rest.split_once("\" x=\"").unwrap();
            let (x, rest) = rest.split_once("\" y=\"").unwrap();
            let (y, rest) = rest.split_once('"').unwrap();
            let (_, rest) = rest.split_once('>').unwrap();
            let (content, _) = rest.split_once("</text>").unwrap();
            (class, x.parse().unwrap(), y.parse().unwrap(), content)
        })
        .collect()
}

#[test]
fn a_margin_is_a_band_around_zero_behind_every_row_and_no_axis_cuts_it() {
    let row = |values: &[f64]| Row {
        estimate: stats::estimate(values),
        ..Row::default()
    };
    let mut of = Rows {
        title: "Difference".into(),
        x_title: "difference".into(),
        kind: Kind::Share,
        differences: true,
        margin: Some(0.02),
        rows: vec![row(&[0.001, 0.002, 0.003]), row(&[])],
    };
    let svg = of.draw().svg;
    let band = svg.split("class=\"margin\" d=\"M").nth(1).unwrap();
    let band = band.split('"').next().unwrap();
    assert_eq!(band.matches('z').count(), 2);
    let number = |text: &str| -> i32 {
        let end = text.find(|c: char| !c.is_ascii_digit());
        text[..end.unwrap_or(text.len())].parse().unwrap()
    };
    let (low, wide) = (number(band), number(band.split('h').nth(1).unwrap()));
    let zero = svg.split("class=\"zero\" d=\"M").nth(1).unwrap();
    // Zero lies in its middle, and the interval [-0.0005, 0.0045] within it.
    assert!((2 * number(zero) - 2 * low - wide).abs() <= 2, "{svg}");
    let line = svg.split("class=\"ln\" d=\"M").nth(1).unwrap();
    let (from, to) = (number(line), number(line.split('H').nth(1).unwrap()));
    assert!(low < from && to < low + wide, "{svg}");
    // It lies under the rows.
    assert!(svg.find("class=\"margin\"") < svg.find("data-arm"));
    of.margin = None;
    assert!(!of.draw().svg.contains("margin"));
}

/// From the first place to the last of every stroke of these paths, from top to foot.
fn strokes(svg: &str, class: &str) -> Vec<(i32, i32)> {
    let begins = format!("class=\"{class}\" d=\"M");
    let paths = svg.split(&begins).skip(1);
    paths
        .flat_map(|path| path.split('"').next().unwrap().split('M'))
        .map(|part| {
            let (_, rest) = part.split_once(' ').unwrap();
            let end = rest.find(|c: char| !c.is_ascii_digit());
            let (y, rest) = rest.split_at(end.unwrap_or(rest.len()));
            let y: i32 = y.parse().unwrap();
            let down: i32 = rest.strip_prefix('v').map_or(0, |v| v.parse().unwrap());
            (y, y + down)
        })
        .collect()
}

#[test]
fn verdicts_are_a_column_beside_the_numbers_and_nothing_lies_on_anything() {
    let word = |sign, word| Some(VerdictWord { sign, word });
    let row = |label: &str, verdict, step: f64| Row {
        label: label.into(),
        verdict,
        estimate: stats::estimate(&[0.0, 1.0, 2.0, 3.0, 4.0].map(|k| -1234.5 + step * k)),
        seeds: vec![-1234.5, -1230.0],
        ..Row::default()
    };
    let long = format!("× {}{UNSUCCESSFUL}", "Cold start on long chains ".repeat(4));
    let mut of = Rows {
        title: "Difference".into(),
        x_title: "difference".into(),
        kind: Kind::Tokens,
        differences: true,
        margin: Some(10.0),
        rows: vec![
            row("Short", word("+", "better*"), 1.0),
            row(&long, word("?", "no difference shown"), 900.0),
            row("No contrast", None, 2.0),
        ],
    };
    let svg = of.draw().svg;
    let all = texts(&svg);
    let own: Vec<&Text<'_>> = all.iter().filter(|t| t.0.ends_with(" hl")).collect();
    let (numbers, words): (Vec<&Text<'_>>, Vec<&Text<'_>>) =
        own.into_iter().partition(|t| t.0.contains("num"));
    let said: Vec<&str> = words.iter().map(|t| t.3).collect();
    assert_eq!(said.len(), 5, "three labels and two verdicts: {said:?}");
    assert_eq!(
        (said[1], said[3]),
        ("+\u{a0}better*", "?\u{a0}no difference shown")
    );
    // The label has the room that the numbers have left it.
    assert!(
        said[2].starts_with("× Cold start on long chains Cold") && said[2].ends_with(UNSUCCESSFUL)
    );
    assert!(svg.contains("n = 5; ?\u{a0}no difference shown</title>"));
    let unit = f64::from(UNIT);
    // One column: every verdict begins at one place, and ends before the numbers do begin.
    for (verdict, number) in [(words[1], numbers[0]), (words[3], numbers[1])] {
        assert_eq!((verdict.1, verdict.2), (words[0].1, number.2));
        let end = verdict.1 + width(verdict.3, TEXT) * unit;
        assert!(end < number.1 - width(number.3, TEXT) * unit, "{verdict:?}");
    }
    // No two lines of text, no stroke and no band share a height.
    let mut heights: Vec<i32> = words.iter().chain(&numbers).map(|t| t.2).collect();
    heights.sort_unstable();
    heights.dedup();
    assert_eq!(heights.len(), 6);
    assert!(heights.windows(2).all(|two| two[1] - two[0] >= 12 * UNIT));
    let drawn = [strokes(&svg, "zero"), strokes(&svg, "ln")].concat();
    assert!(drawn.len() >= 6, "{drawn:?}");
    for base in heights {
        let (top, foot) = (base - 9 * UNIT, base + 3 * UNIT);
        for (from, to) in &drawn {
            assert!(*to <= top || *from >= foot, "{base}: {from} to {to}");
        }
    }
    // No more elements than a row without a verdict had: its marks are one.
    assert_eq!(svg.matches("<path class=\"mk\"").count(), 3);
    for row in &mut of.rows {
        row.verdict = None;
    }
    let plain = of.draw().svg;
    let height = |svg: &str| -> i32 {
        let from = svg.split(" height=\"").nth(1).unwrap();
        from.split('"').next().unwrap().parse().unwrap()
    };
    assert_eq!(height(&svg) - height(&plain), 3 * SECOND);
    assert!(!plain.contains("better"));
}

#[test]
fn a_long_label_crosses_neither_the_numbers_nor_the_zero_line() {
    let long: String = "Cold start on long chains, then GRPO with a process reward "
        .chars()
        .cycle()
        .take(60)
        .collect();
    let failed = format!("× {long}{UNSUCCESSFUL}");
    let row = |label: &str| Row {
        label: label.into(),
        estimate: stats::estimate(&[-0.11, -0.12, 0.13]),
        ..Row::default()
    };
    let svg = Rows {
        title: "Difference".into(),
        x_title: "difference".into(),
        kind: Kind::Share,
        differences: true,
        margin: None,
        rows: vec![row(&long), row(&failed), row("Short")],
    }
    .draw()
    .svg;
    let all = texts(&svg);
    let of = |class: &str| -> Vec<(f64, i32, &str)> {
        let own = all.iter().filter(|t| t.0 == class);
        own.map(|t| (t.1, t.2, t.3)).collect()
    };
    let (labels, numbers) = (of("tx hl"), of("tx num hl"));
    assert_eq!((labels.len(), numbers.len()), (3, 3));
    let unit = f64::from(UNIT);
    for (label, number) in labels.iter().zip(&numbers) {
        assert_eq!(label.1, number.1);
        let end = label.0 + width(label.2, TEXT) * unit;
        let start = number.0 - width(number.2, TEXT) * unit;
        assert!(end < start, "{label:?} and {number:?}");
    }
    assert!(labels[0].2.starts_with("Cold start") && labels[0].2.ends_with('…'));
    assert!(labels[1].2.ends_with("… (unsuccessful)"));
    assert_eq!(labels[2].2, "Short");
    for whole in [&long, &failed] {
        assert!(svg.contains(&format!("<title>{whole}: ")), "{whole}");
    }
    let zero = svg.split("class=\"zero\" d=\"M").nth(1).unwrap();
    let zero = zero.split('"').next().unwrap();
    let parts: Vec<(i32, i32)> = zero
        .split('M')
        .map(|part| {
            let (_, rest) = part.split_once(' ').unwrap();
            let (from, length) = rest.split_once('v').unwrap();
            let from: i32 = from.parse().unwrap();
            (from, from + length.parse::<i32>().unwrap())
        })
        .collect();
    assert_eq!(parts.len(), 3);
    for (_, base, text) in &labels {
        // From the top of its capitals to the foot of its descenders.
        let (top, foot) = (base - 9 * UNIT, base + 3 * UNIT);
        for (from, to) in &parts {
            assert!(*to <= top || *from >= foot, "{text}: {from} to {to}");
        }
    }
}
