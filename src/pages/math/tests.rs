//! Formulas from text to page: what is set, what is left, and that nothing but known
//! elements ever comes out.

use super::allowed::{CELLS, HOLDERS, TOKENS};
use super::*;

fn set(of: &str) -> (String, (usize, usize)) {
    let (html, counts) = typeset(|mut by| (by.set(of).html(), by.counts())).unwrap();
    assert_only_known_elements(&html);
    (html, counts)
}

fn left(of: &str) -> String {
    let (html, counts) = set(of);
    assert_eq!(counts, (0, 1), "{of:.200}\n{html:.400}");
    html
}

/// Every tag, whatever the text was: elements of formulas with attributes that say nothing
/// but how they look, and those that `text::markup` and a formula left as written have.
fn assert_only_known_elements(html: &str) {
    const ATTRIBUTES: [&str; 17] = [
        "display",
        "mathvariant",
        "stretchy",
        "movablelimits",
        "symmetric",
        "largeop",
        "form",
        "lspace",
        "rspace",
        "minsize",
        "maxsize",
        "width",
        "linethickness",
        "scriptlevel",
        "accent",
        "accentunder",
        "class",
    ];
    let mut rest = html;
    let mut open = vec![];
    while let Some(at) = rest.find('<') {
        let end = at + rest[at..].find('>').unwrap();
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{html:.400}");
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let name = name.trim_end_matches('/');
        let known = HOLDERS.iter().chain(&CELLS).chain(&TOKENS);
        let known = known.chain(&["code", "span"]).any(|n| *n == name);
        assert!(known, "{name} in {html:.400}");
        for pair in attributes.split_whitespace() {
            let key = pair.split('=').next().unwrap().trim_end_matches('/');
            let known = !pair.contains('=') || ATTRIBUTES.contains(&key);
            assert!(known, "{key} in {html:.400}");
        }
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?} in {html:.400}");
    assert!(!html.contains("style="), "{html:.400}");
}

#[test]
fn formulas_become_elements_and_the_text_around_them_stays() {
    let (html, counts) = set(r"So $x^2$ is <b>, and \[\frac{1}{2}\] too.");
    assert_eq!(counts, (2, 0), "{html}");
    assert!(html.starts_with("So <math><msup>"), "{html}");
    assert!(html.contains("</math> is &#60;b&#62;, and <math display=\"block\">"));
    assert!(html.contains("<mfrac") && html.ends_with("</math> too."));
    for (text, element) in [
        (r"\(\sqrt{2}\)", "<msqrt>"),
        (r"$\sum_{i=1}^n i$", "∑"),
        (r"$a < b$", "&#60;</mo>"),
        (r"$\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}$", "<mtable"),
        (
            r"$$\begin{aligned} x &= 1 \\ y &= 2 \end{aligned}$$",
            "<mtd",
        ),
        (r"$\text{if } x$", "<mtext>"),
    ] {
        let (html, counts) = set(text);
        assert_eq!(counts, (1, 0), "{text}: {html}");
        assert!(html.contains(element), "{text}: {html}");
    }
}

#[test]
fn an_answer_stands_in_a_box() {
    for text in [
        r"$\boxed{42}$",
        r"\boxed{42}",
        r"\[x = \boxed{\frac{4}{2}}\]",
    ] {
        let (html, counts) = set(text);
        assert_eq!(counts, (1, 0), "{text}: {html}");
        assert!(html.contains("class=\"boxed\""), "{text}: {html}");
        assert!(!html.contains("menclose"), "{html}");
    }
}

#[test]
fn hostile_formulas_are_left_as_they_are_written() {
    for (text, shown) in [
        (r"$\href{javascript:alert(1)}{x}$", "javascript:alert(1)"),
        (r"$\url{javascript:alert(1)}$", "javascript:alert(1)"),
        (r"$\unicode{x202e}$", r"\unicode"),
        (r"$\def\a{\a\a}\a$", r"\def"),
        (r"$\newcommand{\a}{\a\a}\a$", r"\newcommand"),
        (r"$\require{html}\style{x}{y}$", r"\require"),
        (
            r"$\operatorname{<script>alert(1)</script>}$",
            "&#60;script&#62;",
        ),
        (r"$\operatorname{</mo></math><img>}$", "&#60;img&#62;"),
        (r"$\eqref{a}$", r"\eqref"),
        (r"$x \phantom{hidden}$", "hidden"),
        (r"$\cancel{x}$", r"\cancel"),
        (r"$x % hidden$", "% hidden"),
        (r"$\hspace{9999em}x$", "9999em"),
        (r"${x$", "{x"),
        (r"$x}$", "x}"),
        (r"$\frac{1}$", r"\frac"),
        (r"$\left( x$", r"\left("),
        (r"$\begin{matrix} x$", r"\begin"),
        (r"$x & y$", "x &#38; y"),
        (r"$\nosuchcommand$", r"\nosuchcommand"),
        ("$x\u{202e}y$", "<span class=\"ctl\">⟨U+202E⟩</span>"),
        ("$x\u{0}y$", "<span class=\"ctl\">␀</span>"),
    ] {
        let html = left(text);
        assert!(
            html.starts_with("<code>$") && html.ends_with("$</code>"),
            "{html}"
        );
        assert!(html.contains(shown), "{text}: {html}");
    }
    // Markup within a formula is text or nothing.
    let (html, _) = set(r"$\text{<script>alert(1)</script>}$");
    assert!(!html.contains("<script"), "{html}");
    // Letters of any direction stay in the formula.
    let (html, _) = set("$\\text{שלום} + x$ and $\u{5e9}$");
    assert!(!html.contains("bdo") && html.contains(" and "), "{html}");
}

#[test]
fn bombs_are_left_and_neither_time_nor_stack_is_lost() {
    let nested = |command: &str, n: usize| command.repeat(n) + "x" + &"}".repeat(n);
    let bombs = [
        nested(r"\frac{1}{", 10_000),
        nested(r"\sqrt{", 300),
        nested("{", 1_500),
        r"\sqrt".repeat(700) + " x",
        r"\frac1".repeat(600) + "x",
        r"\left(".repeat(300) + "x" + &r"\right)".repeat(300),
        nested("x^{", 150),
        r"\hat".repeat(900) + " x",
        "x".repeat(1 << 20),
        r"\a".repeat(500_000),
    ];
    for bomb in &bombs {
        left(&format!("${bomb}$"));
    }
    // Many of them together.
    let text = "$x$ ".repeat(IN_TEXT + 50);
    let (html, counts) = set(&text);
    assert_eq!(counts, (IN_TEXT, 50));
    assert_eq!(html.matches("<math>").count(), IN_TEXT);
    let text = "$\\frac{a+b}{c+d}$ ".repeat(IN_TEXT);
    let (bytes, counts) = typeset(|mut by| {
        let bytes: usize = (0..60).map(|_| by.set(&text).html().len()).sum();
        (bytes, by.counts())
    })
    .unwrap();
    assert!(counts.0 <= ON_PAGE && counts.1 >= 60 * IN_TEXT - ON_PAGE);
    assert!(bytes < BYTES + 60 * IN_TEXT * 40, "{bytes}");
}

#[test]
fn whatever_is_thrown_together_only_known_elements_come_out() {
    const BITS: [&str; 48] = [
        "$",
        "$$",
        r"\(",
        r"\)",
        r"\[",
        r"\]",
        "{",
        "}",
        "^",
        "_",
        "&",
        r"\\",
        " ",
        "x",
        "12",
        "<",
        ">",
        "\"",
        "'",
        "%",
        "#",
        "~",
        "é",
        "\u{202e}",
        r"\frac",
        r"\sqrt",
        r"\boxed{",
        r"\text{",
        r"\operatorname{",
        "<script>",
        "</math>",
        r"\left(",
        r"\right)",
        r"\begin{aligned}",
        r"\end{aligned}",
        r"\begin{array}{c|c}",
        r"\end{array}",
        r"\sum",
        r"\limits",
        r"\mathbb{R}",
        r"\color{red}",
        r"\tag{1}",
        r"\label{a}",
        r"\hspace{1em}",
        r"\!",
        r"\not",
        r"\bigl",
        "&lt;",
    ];
    // A linear congruence: the same texts every time.
    let mut state = 20_240_229_u64;
    let mut next = |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % n
    };
    for _ in 0..1_500 {
        let mut text = String::from("$");
        for _ in 0..next(14) {
            text.push_str(BITS[next(BITS.len())]);
        }
        text.push('$');
        set(&text);
    }
}

#[test]
fn long_texts_are_folded_between_formulas_and_raw_ones_as_ever() {
    let raw = "é".repeat(text::LONG + 3);
    let long = text::fold(&raw);
    let (shown, rest) = Words::from(raw.as_str()).fold();
    assert_eq!(shown, Words::from(long.shown.as_str()));
    assert_eq!(rest, long.rest.as_deref().map(Words::from));
    assert_eq!(Words::from("").fold(), (Words::default(), None));

    let before = "a".repeat(text::LONG - 2);
    let whole = format!("{before}$x^2$ b");
    let (shown, rest) = typeset(|mut by| by.set(&whole)).unwrap().fold();
    assert_eq!(shown, Words::from(before.as_str()));
    let rest = rest.unwrap();
    assert!(rest.is_set() && rest.html().ends_with(" b") && !shown.is_set());
    // Without one, what is left over is the same text.
    let text = "$5 and $6";
    assert_eq!(typeset(|mut by| by.set(text)).unwrap(), Words::from(text));
}

#[test]
fn a_page_has_one_stack_for_all_its_formulas() {
    let id = || std::thread::current().id();
    let here = id();
    let (first, second) = typeset(|mut by| {
        let first = (by.set("$x$").is_set(), id());
        (first, (by.set("$y$").is_set(), id()))
    })
    .unwrap();
    assert_eq!(first, second);
    assert!(first.0 && first.1 != here);
    assert!(typeset::<()>(|_| panic!("a text that nobody thought of")).is_none());
}
