//! The colour slots of static/app.css: legible, and apart from each other also
//! for people who do not see all colours. A change of a colour reruns this.

use super::SLOTS;

const CSS: &str = include_str!("../../static/app.css");

/// Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
const VISIONS: [(&str, [[f64; 3]; 3]); 4] = [
    (
        "normal",
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    ),
    (
        "protan",
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
    ),
    (
        "deutan",
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
    ),
    (
        "tritan",
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ],
    ),
];

type Rgb = [f64; 3];

/// Where colours have their values.
const THEMES: [&str; 3] = [":root", "html.light", "html.dark"];

/// The values of one variable in order of appearance: light, then dark.
fn variable(name: &str) -> Vec<Rgb> {
    CSS.match_indices(&format!("{name}:#"))
        .map(|(at, found)| {
            let hex = &CSS[at + found.len()..];
            let part = |i: usize| {
                let v = u8::from_str_radix(&hex[i..i + 2], 16).unwrap();
                let c = f64::from(v) / 255.0;
                if c <= 0.04045 {
                    c / 12.92
                } else {
                    ((c + 0.055) / 1.055).powf(2.4)
                }
            };
            [part(0), part(2), part(4)]
        })
        .collect()
}

fn luminance([r, g, b]: Rgb) -> f64 {
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn seen(matrix: &[[f64; 3]; 3], rgb: Rgb) -> Rgb {
    let row = |r: &[f64; 3]| (r[0] * rgb[0] + r[1] * rgb[1] + r[2] * rgb[2]).clamp(0.0, 1.0);
    [row(&matrix[0]), row(&matrix[1]), row(&matrix[2])]
}

fn oklab([r, g, b]: Rgb) -> Rgb {
    let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
    let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
    let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
    [
        0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
        1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
        0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
    ]
}

fn distance(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (oklab(a), oklab(b));
    (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt() * 100.0
}

#[test]
fn colour_slots_are_legible_and_apart_in_both_themes() {
    // Light and dark by the system, then both as a reader chooses them.
    let backgrounds = variable("--bg");
    assert_eq!(backgrounds.len(), 4);
    for (theme, background) in backgrounds.iter().enumerate() {
        let slots: Vec<Rgb> = (1..=SLOTS)
            .map(|i| variable(&format!("--c{i}"))[theme])
            .collect();
        for (i, slot) in slots.iter().enumerate() {
            let ratio = contrast(*slot, *background);
            assert!(ratio >= 4.5, "slot {} in theme {theme}: {ratio:.2}", i + 1);
            for (j, other) in slots.iter().enumerate().skip(i + 1) {
                for (vision, matrix) in &VISIONS {
                    let d = distance(seen(matrix, *slot), seen(matrix, *other));
                    assert!(
                        d >= 7.5,
                        "{} and {} in theme {theme}, {vision}: {d:.1}",
                        i + 1,
                        j + 1
                    );
                }
            }
        }
    }
}

#[test]
fn text_is_legible_in_both_themes() {
    for (theme, background) in variable("--bg").iter().enumerate() {
        for name in ["--fg", "--mut", "--link", "--bad"] {
            let ratio = contrast(variable(name)[theme], *background);
            assert!(ratio >= 4.5, "{name} in theme {theme}: {ratio:.2}");
            let card = contrast(variable(name)[theme], variable("--card")[theme]);
            assert!(card >= 4.5, "{name} on a card in theme {theme}: {card:.2}");
        }
        // Borders that carry meaning, and those of fields: WCAG 1.4.11.
        for name in ["--warn", "--bad", "--mut"] {
            let ratio = contrast(variable(name)[theme], *background);
            assert!(ratio >= 3.0, "{name} in theme {theme}: {ratio:.2}");
        }
    }
}

/// Selector and declarations of every rule, those within `@media` among them.
fn rules() -> Vec<(&'static str, &'static str)> {
    let rule = |text: &'static str| {
        let (before, declarations) = text.rsplit_once('{')?;
        let selector = before.rsplit(['{', '/']).next()?;
        Some((selector.trim(), declarations))
    };
    CSS.split('}').filter_map(rule).collect()
}

#[test]
fn an_unsuccessful_arm_is_dashed_and_crossed_at_full_strength() {
    let rule = |selector: &str| {
        let at = CSS.find(&format!("{selector}{{")).expect(selector);
        let rest = &CSS[at..];
        &rest[rest.find('{').unwrap() + 1..rest.find('}').unwrap()]
    };
    assert_eq!(rule("svg .fail .ln"), "stroke-dasharray:90 50");
    let width = |rule: &str| -> f64 {
        let after = rule.split("stroke-width:").nth(1).unwrap();
        after.split(';').next().unwrap().parse().unwrap()
    };
    assert!(width(rule("svg .mk.x")) > width(rule("svg .mk")));
    // The dash of a repeated colour does not win over it.
    let repeated = ["svg .alt .ln", "svg .alt2 .ln", "svg .alt3 .ln"];
    for (i, selector) in repeated.iter().enumerate() {
        assert!(CSS.find("svg .fail .ln{") > CSS.find(&format!("{selector}{{")));
        assert_ne!(rule(selector), rule("svg .fail .ln"));
        for other in &repeated[..i] {
            assert_ne!(rule(selector), rule(other));
        }
    }
}

#[test]
fn no_rule_fades_or_hides_one_kind_of_arm() {
    let kinds = [
        ".fail",
        ".alt",
        ".unsuccessful",
        "[data-arm",
        ".held",
        ".part",
    ];
    let mut seen = 0;
    for (selector, declarations) in rules() {
        if !kinds.iter().any(|kind| selector.contains(kind)) {
            continue;
        }
        seen += 1;
        for word in [
            "display:none",
            "opacity",
            "filter",
            "visibility",
            "font-size",
        ] {
            assert!(!declarations.contains(word), "{selector}: {declarations}");
        }
    }
    assert!(seen > 0);
}

#[test]
fn what_did_not_work_is_dashed_and_not_thinner() {
    let width = |of: &str| {
        let declared = rules().into_iter().filter(|(s, _)| *s == of);
        declared
            .filter_map(|(_, d)| d.split("stroke-width:").nth(1))
            .map(|d| d.split(';').next().unwrap().parse::<u32>().unwrap())
            .next_back()
    };
    let line = width("svg .ln").expect("lines have a width");
    let of_kind = |kind: &'static str| {
        rules()
            .into_iter()
            .filter(move |(s, _)| s.contains(kind) && s.contains(".ln") && !s.contains(".ln."))
    };
    for kind in [".fail", ".alt"] {
        for (selector, declarations) in of_kind(kind) {
            assert!(
                !declarations.contains("stroke-dasharray:none"),
                "{selector}"
            );
            if let Some(own) = width(selector) {
                assert!(own >= line, "{selector}: {own} under {line}");
            }
        }
    }
    assert!(of_kind(".alt").any(|(_, d)| d.contains("stroke-dasharray")));
}

#[test]
fn colours_are_tokens_with_a_value_in_each_theme() {
    let themes: Vec<&str> = CSS
        .match_indices(":root{")
        .map(|(at, _)| &CSS[at..at + CSS[at..].find('}').unwrap()])
        .collect();
    let [light, dark] = themes[..] else {
        panic!("{} themes", themes.len())
    };
    let names = |block: &'static str| -> Vec<&'static str> {
        let pairs = block
            .split([';', '{', '\n'])
            .filter_map(|d| d.split_once(":#"));
        pairs.map(|(name, _)| name).collect()
    };
    assert_eq!(names(light), names(dark));
    assert!(names(light).len() >= 9 + SLOTS);
    // Chosen by a reader they are the same.
    let colours = |block: &'static str| -> Vec<&'static str> {
        let parts = block.split([';', '{', '\n']);
        parts.map(str::trim).filter(|d| d.contains(":#")).collect()
    };
    for (selector, theme) in [("html.light{", light), ("html.dark{", dark)] {
        let at = CSS.find(selector).unwrap();
        let block = &CSS[at..at + CSS[at..].find('}').unwrap()];
        assert_eq!(colours(block), colours(theme), "{selector}");
    }
    assert!(CSS.contains("@media screen{html.dark{"));
    // Paper is white: the dark values are a screen's.
    assert_eq!(CSS.matches("prefers-color-scheme:dark").count(), 1);
    assert!(CSS.contains("@media screen and (prefers-color-scheme:dark)"));
    for (selector, declarations) in rules().into_iter().filter(|(s, _)| !THEMES.contains(s)) {
        for literal in ["#", "rgb", "hsl", ":red", ":black", ":white"] {
            assert!(
                !declarations.contains(literal),
                "{selector}: {declarations}"
            );
        }
    }
}

#[test]
fn words_in_charts_are_text_coloured_and_twelve_pixels_high() {
    let text = rules().into_iter().find(|(s, _)| *s == "svg text").unwrap();
    // Drawings are laid out in tenths of a pixel.
    assert!(text.1.contains("font-size:120px") && text.1.contains("fill:var(--fg)"));
    for (selector, declarations) in rules() {
        if selector.starts_with("svg") && declarations.contains("font-size:") {
            assert_eq!(selector, "svg text", "{declarations}");
        }
    }
}
