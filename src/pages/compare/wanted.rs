//! What the address of the comparison asks for.

use super::entries::Material;
use crate::charts::{Band, Scale};
use crate::pages::experiment::axis::Cost;
use crate::pages::looks::{self, BANDS, LINES, SCALES, SeedLines};
use crate::pages::query::Asked;
use crate::pages::words;

/// How the figures are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct View {
    /// The budgets' unit where nothing was asked for.
    pub x: Option<Cost>,
    /// As each figure has it where nothing was asked for.
    pub x_scale: Option<Scale>,
    pub y_scale: Scale,
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub band: Band,
    pub lines: SeedLines,
    /// Where the line stands, in the unit of the axis; else at the registered budget.
    pub budget: Option<f64>,
}

impl View {
    fn read(asked: &mut Asked) -> Self {
        let costs = Cost::ALL.map(|x| (x.word(), x));
        let mut view = Self {
            x: asked.choose("x", &costs),
            x_scale: asked.choose("xs", &SCALES),
            y_scale: asked.choose("ys", &SCALES).unwrap_or_default(),
            low: asked.float("x0"),
            high: asked.float("x1"),
            band: asked.choose("band", &BANDS).unwrap_or_default(),
            lines: asked.choose("seeds", &LINES).unwrap_or_default(),
            budget: asked.float("budget"),
        };
        let word = view.axis_word();
        let places = [
            ("x0", &mut view.low),
            ("x1", &mut view.high),
            ("budget", &mut view.budget),
        ];
        looks::leave(asked, word, places);
        (view.low, view.high) = looks::part(asked, (view.low, view.high));
        view.budget = looks::budget(asked, view.budget);
        view
    }

    /// What a form calls the axis; `own` is what the budgets count.
    pub fn axis_word(&self) -> &'static str {
        self.x.map_or("own", Cost::word)
    }

    fn words(&self) -> Vec<(&'static str, String)> {
        let number = |key, of: Option<f64>| of.map(|v| (key, v.to_string()));
        let plain = Self::default();
        let word = |key, differs: bool, word: &str| differs.then(|| (key, word.to_string()));
        [
            self.x.map(|x| ("x", x.word().to_string())),
            self.x_scale
                .map(|of| ("xs", looks::scale_word(of).to_string())),
            word(
                "ys",
                self.y_scale != plain.y_scale,
                looks::scale_word(self.y_scale),
            ),
            number("x0", self.low),
            number("x1", self.high),
            word("band", self.band != plain.band, looks::band_word(self.band)),
            word("seeds", self.lines == SeedLines::Every, "1"),
            number("budget", self.budget),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The part of the axis that was asked for, of data from `first` to `last`.
    pub fn range(&self, first: f64, last: f64) -> Option<(f64, f64)> {
        if self.low.is_none() && self.high.is_none() {
            return None;
        }
        let range = (self.low.unwrap_or(first), self.high.unwrap_or(last));
        (range.0 < range.1).then_some(range)
    }
}

/// What the address asks for.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub runs: Vec<String>,
    pub arms: Vec<String>,
    /// Index into `words::FINAL`; the first experiment's primary figure otherwise.
    pub metric: Option<usize>,
    /// The column that differences are taken to; the first one otherwise.
    pub base: Option<String>,
    /// Index into `words::TRAINING`.
    pub curve: usize,
    pub view: View,
    /// Columns of the figures, by what the address calls them; the tables keep every one.
    pub only: Vec<String>,
    pub hide: Vec<String>,
    pub all: bool,
    pub collapse: bool,
}

impl Wanted {
    pub fn read(asked: &mut Asked) -> Self {
        let list = |text: Option<String>| -> Vec<String> {
            let text = text.unwrap_or_default();
            let parts = text.split(',').map(str::trim).filter(|p| !p.is_empty());
            parts.map(String::from).collect()
        };
        let finals: Vec<(&str, usize)> = (0..).zip(words::FINAL).map(|(i, f)| (f.0, i)).collect();
        let curves: Vec<(&str, usize)> =
            (0..).zip(words::TRAINING).map(|(i, f)| (f.0, i)).collect();
        let yes = [("1", true), ("0", false)];
        Self {
            runs: list(asked.text("runs")),
            arms: list(asked.text("arms")),
            metric: asked.choose("metric", &finals),
            base: asked.text("base"),
            curve: asked.choose("curve", &curves).unwrap_or(0),
            view: View::read(asked),
            only: asked.list("only"),
            hide: asked.list("hide"),
            all: asked.choose("all", &yes).unwrap_or(false),
            collapse: asked.choose("collapse", &yes).unwrap_or(false),
        }
    }

    /// Whether the figures leave a column out.
    pub fn hides(&self, word: &str) -> bool {
        let named = |list: &[String]| list.iter().any(|own| own == word);
        (!self.only.is_empty() && !named(&self.only)) || named(&self.hide)
    }

    /// Links repeat nothing that was not understood.
    pub fn settle(&mut self, of: &Material) {
        let is_here = |word: &String| of.entries.iter().any(|e| e.word() == *word);
        self.only.retain(is_here);
        self.hide.retain(is_here);
        self.view = of.view;
    }

    /// The address with some of it changed.
    pub fn query(&self, arms: &[String], all: bool, collapse: bool) -> String {
        self.said(arms, (&self.only, &self.hide), all, collapse)
    }

    /// The address of all columns in the figures.
    pub fn whole(&self) -> String {
        self.said(&self.arms, (&[], &[]), self.all, self.collapse)
    }

    fn said(
        &self,
        arms: &[String],
        (only, hide): (&[String], &[String]),
        all: bool,
        collapse: bool,
    ) -> String {
        let mut parts = vec![];
        let named = |key: &str, list: &[String]| {
            (!list.is_empty()).then(|| format!("{key}={}", encoded(&list.join(","))))
        };
        parts.extend(named("runs", &self.runs));
        parts.extend(named("arms", arms));
        if let Some(metric) = self.metric {
            parts.push(format!("metric={}", words::FINAL[metric].0));
        }
        if let Some(base) = &self.base {
            parts.push(format!("base={}", encoded(base)));
        }
        if self.curve > 0 {
            parts.push(format!("curve={}", words::TRAINING[self.curve].0));
        }
        let view = self.view.words().into_iter();
        parts.extend(view.map(|(key, word)| format!("{key}={word}")));
        parts.extend(named("only", only));
        parts.extend(named("hide", hide));
        if all {
            parts.push("all=1".into());
        }
        if collapse {
            parts.push("collapse=1".into());
        }
        format!("?{}", parts.join("&"))
    }
}

/// Slashes and commas may stand in a query as they are.
fn encoded(text: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || b"-_./,~".contains(&b);
    let byte = |b: u8| {
        if keep(b) {
            char::from(b).to_string()
        } else {
            format!("%{b:02X}")
        }
    };
    text.bytes().map(byte).collect()
}
