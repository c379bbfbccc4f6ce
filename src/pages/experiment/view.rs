//! What the address asks for. Its words are the same on the page and in every export;
//! what is not understood is named and ignored.

use super::axis::{Cost, Places};
use super::colours::Colour;
use super::figure::Name;
use super::material::Material;
use super::sort::Sort;
use crate::charts::{Band, Scale};
pub(super) use crate::pages::looks::SeedLines;
use crate::pages::looks::{self, BANDS, LINES, SCALES};
use crate::pages::query::Asked;
use crate::pages::words;
use crate::snapshots;
use assay_core::beyond::Over;
use assay_core::spec::BudgetUnit;
use assay_store::ExperimentView;

/// Everything is in its place without being asked for: all arms, the table's by difference.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// Index into `words::FINAL`.
    pub metric: usize,
    /// Index into `words::TRAINING`.
    pub curve: usize,
    /// A metric of training that has no word there, in its place.
    pub other: Option<String>,
    /// The budget's where steps were asked for.
    pub x: Cost,
    /// Of the training curve alone.
    pub places: Places,
    /// As each figure has it where nothing was asked for.
    pub x_scale: Option<Scale>,
    pub y_scale: Scale,
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// Of the training curve alone.
    pub smooth: f64,
    pub band: Band,
    pub lines: SeedLines,
    /// Of pass@k: what its band is over. Other questions take every answer to read.
    pub over: Over,
    /// Where the equal-budget line stands, in the unit of `x`; else at the registered budget.
    pub budget: Option<f64>,
    /// An arm other than the registered baseline that differences are taken to.
    base: Option<String>,
    pub colour: Colour,
    /// Of the table, and of the forest, each in an order of its own where nothing was asked for.
    pub sort: Option<Sort>,
    /// Figures that are drawn first, in the order of the link.
    pub pinned: Vec<Name>,
    only: Vec<String>,
    hide: Vec<String>,
    pub snap: Option<String>,
    /// The start of the hash of the kept state that is shown.
    kept: Option<String>,
}

/// What a link cites, before anything else of it is read; lower-case.
pub(super) fn cited(query: &str) -> Option<String> {
    cited_in(&mut Asked::read(query))
}

/// The same for what reads nothing else of a link; what is no start of a hash is named.
pub(super) fn cited_in(asked: &mut Asked) -> Option<String> {
    let word = asked.text("snap")?;
    let start = snapshots::start(&word);
    if start.is_none() {
        asked.refuse("snap", &word);
    }
    start
}

const MAX_SMOOTH: f64 = 0.99;

impl Wanted {
    pub fn new(unit: BudgetUnit) -> Self {
        Self {
            metric: 0,
            curve: 0,
            other: None,
            x: unit.into(),
            places: Places::Cost,
            x_scale: None,
            y_scale: Scale::Linear,
            low: None,
            high: None,
            smooth: 0.0,
            band: Band::Ci95,
            lines: SeedLines::Mean,
            over: Over::Seeds,
            budget: None,
            base: None,
            colour: Colour::Arm,
            sort: None,
            pinned: vec![],
            only: vec![],
            hide: vec![],
            snap: None,
            kept: None,
        }
    }

    pub fn read(asked: &mut Asked, view: &ExperimentView) -> Self {
        let spec = &view.spec;
        let plain = Self::new(spec.budget.unit);
        let finals = places(words::FINAL.iter().map(|f| f.0));
        let primary = words::FINAL.iter().position(|f| f.1 == spec.metric);
        let mut costs = Cost::ALL.map(|x| (x.word(), (x, Places::Cost))).to_vec();
        costs.push((Places::STEPS, (plain.x, Places::Steps)));
        let sorts = Sort::ALL.map(|s| (s.word(), s));
        let overs = [("0", Over::Seeds), ("1", Over::Questions)];
        let colours = Colour::ALL.map(|c| (c.word(), c));
        let (curve, other) = curve(asked);
        let (x, places) = asked.choose("x", &costs).unwrap_or((plain.x, plain.places));
        let mut wanted = Self {
            metric: asked.choose("metric", &finals).or(primary).unwrap_or(0),
            curve,
            other,
            x,
            places,
            x_scale: asked.choose("xs", &SCALES),
            y_scale: asked.choose("ys", &SCALES).unwrap_or(plain.y_scale),
            low: asked.float("x0"),
            high: asked.float("x1"),
            smooth: asked.float("smooth").unwrap_or(0.0),
            band: asked.choose("band", &BANDS).unwrap_or(plain.band),
            lines: asked.choose("seeds", &LINES).unwrap_or(plain.lines),
            over: asked.choose("questions", &overs).unwrap_or(plain.over),
            budget: asked.float("budget"),
            base: base(asked, view),
            colour: asked.choose("color", &colours).unwrap_or(plain.colour),
            sort: asked.choose("sort", &sorts),
            pinned: figures(asked, "pin"),
            only: only(asked, view),
            hide: arms(asked, "hide", view),
            snap: asked.text("snap"),
            kept: None,
        };
        let word = wanted.axis_word();
        let ends = [
            ("x0", &mut wanted.low),
            ("x1", &mut wanted.high),
            ("budget", &mut wanted.budget),
        ];
        looks::leave(asked, word, ends);
        (wanted.low, wanted.high) = looks::part(asked, (wanted.low, wanted.high));
        if !(0.0..=MAX_SMOOTH).contains(&wanted.smooth) {
            asked.refuse("smooth", &wanted.smooth.to_string());
            wanted.smooth = 0.0;
        }
        wanted.budget = looks::budget(asked, wanted.budget);
        // A number of steps is no budget.
        if let Some(budget) = wanted.budget.take_if(|_| places == Places::Steps) {
            asked.refuse("budget", &format!("{budget} with x={}", Places::STEPS));
        }
        if let Some(bad) = wanted.snap.take_if(|s| snapshots::start(s).is_none()) {
            asked.refuse("snap", &bad);
        }
        wanted
    }

    /// What the address calls the axis.
    pub fn axis_word(&self) -> &'static str {
        match self.places {
            Places::Cost => self.x.word(),
            Places::Steps => Places::STEPS,
        }
    }

    /// The words that ask for this, after their question mark: for the links to files, which
    /// repeat nothing that was not understood.
    pub fn query(&self, view: &ExperimentView) -> String {
        let plain = Self::new(view.spec.budget.unit);
        let registered = words::FINAL.iter().position(|f| f.1 == view.spec.metric);
        let mut pairs: Vec<(&str, String)> = vec![];
        let mut say = |key, differs: bool, word: String| {
            if differs {
                pairs.push((key, word));
            }
        };
        let (metric, curve) = (self.metric, self.curve);
        say(
            "metric",
            metric != registered.unwrap_or(0),
            words::FINAL[metric].0.into(),
        );
        let word = self.other.as_deref().unwrap_or(words::TRAINING[curve].0);
        say("curve", curve != 0 || self.other.is_some(), word.into());
        let by_default = self.places == Places::Cost && self.x == plain.x;
        say("x", !by_default, self.axis_word().into());
        let x_scale = self.x_scale.map_or("", looks::scale_word);
        say("xs", self.x_scale.is_some(), x_scale.into());
        say(
            "ys",
            self.y_scale != plain.y_scale,
            looks::scale_word(self.y_scale).into(),
        );
        for (key, end) in [("x0", self.low), ("x1", self.high)] {
            say(
                key,
                end.is_some(),
                end.map_or(String::new(), |v| v.to_string()),
            );
        }
        say("smooth", self.smooth > 0.0, self.smooth.to_string());
        let band = looks::band_word(self.band);
        say("band", self.band != plain.band, band.into());
        say("seeds", self.lines == SeedLines::Every, "1".into());
        say("questions", self.over != plain.over, "1".into());
        let budget = self.budget.map_or(String::new(), |b| b.to_string());
        say("budget", self.budget.is_some(), budget);
        // Ids of arms are plain words.
        let base = self.base.clone().unwrap_or_default();
        say("base", self.base.is_some(), base);
        let colour = self.colour.word();
        say("color", self.colour != plain.colour, colour.into());
        let sort = self.sort.map_or("", Sort::word);
        say("sort", self.sort.is_some(), sort.into());
        let pinned: Vec<String> = self.pinned.iter().map(|name| name.word()).collect();
        say("pin", !pinned.is_empty(), pinned.join(","));
        say("only", !self.only.is_empty(), self.only.join(","));
        say("hide", !self.hide.is_empty(), self.hide.join(","));
        let kept = self.kept.clone().unwrap_or_default();
        say("snap", self.kept.is_some(), kept);
        let said: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}={v}")).collect();
        match said.is_empty() {
            true => String::new(),
            false => format!("?{}", said.join("&")),
        }
    }

    /// The metric of the training curve.
    pub fn curve_metric(&self) -> &str {
        let known = words::TRAINING[self.curve].1;
        self.other.as_deref().unwrap_or(known)
    }

    /// The same view with another curve of training, by its metric.
    pub fn drawing(&self, metric: &str) -> Self {
        let mut drawn = self.clone();
        (drawn.curve, drawn.other) = curve_of(metric).unwrap_or((0, None));
        drawn
    }

    /// A metric that no stage has reported is named, and the first curve drawn in its place.
    pub fn drop_unreported(&mut self, of: &Material, asked: &mut Asked) {
        if let Some(name) = self.other.take_if(|_| of.unreported) {
            let why = match of.kept {
                Some(_) => "which is not kept with this state",
                None => "which no stage has reported",
            };
            asked.refuse("curve", &format!("{name}, {why}"));
        }
    }

    /// Where there is no price, the axis counts what the budget does; what was asked for in
    /// dollars has no place on it. Links of a kept state stay with it.
    pub fn settle(&mut self, of: &Material) {
        self.kept = None;
        if let Some(kept) = &of.kept {
            self.stay(&kept.id);
        }
        if self.x == Cost::Usd && of.along != Cost::Usd {
            self.x = of.along;
            (self.low, self.high, self.budget) = (None, None, None);
        }
    }

    /// With the kept state of this hash.
    pub fn stay(&mut self, id: &str) {
        self.kept = id.get(..16).map(String::from);
    }

    /// The arm that differences are taken to.
    pub fn baseline<'a>(&'a self, of: &'a Material) -> &'a str {
        self.base.as_deref().unwrap_or(&of.view.spec.baseline)
    }

    /// Differences that nobody has registered: no verdict is given on them.
    pub fn is_exploratory(&self) -> bool {
        self.base.is_some()
    }

    /// Where the equal-budget line stands on an axis that counts this.
    pub fn budget_line(&self, of: &Material, axis: Cost) -> Option<f64> {
        let registered = &of.view.spec.budget;
        match self.budget {
            Some(asked) if axis == self.x => Some(asked),
            Some(_) | None => (axis == registered.unit.into()).then_some(registered.amount),
        }
    }

    /// Whether the figures leave an arm out. Trained arms and decoders stand in different
    /// figures: naming some of the ones does not take away the others.
    pub fn hides(&self, of: &Material, arm: &str) -> bool {
        let decodes = of.is_decoder(arm);
        let mut among = self.only.iter().filter(|a| of.is_decoder(a) == decodes);
        let others = among.clone().next().is_some() && !among.any(|a| a == arm);
        others || self.hide.iter().any(|a| a == arm)
    }

    /// The table's order.
    pub fn table_sort(&self) -> Sort {
        self.sort.unwrap_or(Sort::DEFAULT)
    }

    /// The same view with another order of its table.
    pub fn sorted(&self, sort: Sort) -> Self {
        let mut other = self.clone();
        other.sort = Some(sort);
        other
    }

    /// The word of a cost axis of which links may ask for a part.
    pub fn zooms(&self, axis: Cost) -> Option<Cost> {
        (self.places == Places::Cost && self.x == axis).then_some(axis)
    }

    /// The part of a cost axis that was asked for, of data from `first` to `last`.
    pub fn range(&self, first: f64, last: f64) -> Option<(f64, f64)> {
        match self.places {
            Places::Cost => self.part(first, last),
            Places::Steps => None,
        }
    }

    /// The same of steps.
    pub fn steps(&self, first: f64, last: f64) -> Option<(f64, f64)> {
        match self.places {
            Places::Cost => None,
            Places::Steps => self.part(first, last),
        }
    }

    fn part(&self, first: f64, last: f64) -> Option<(f64, f64)> {
        if self.low.is_none() && self.high.is_none() {
            return None;
        }
        let range = (self.low.unwrap_or(first), self.high.unwrap_or(last));
        (range.0 < range.1).then_some(range)
    }

    /// What a link asks to see of an axis, whatever the data; without an end as far as they go.
    pub fn zoom(&self) -> Option<(f64, f64)> {
        self.part(f64::NEG_INFINITY, f64::INFINITY)
    }

    /// The words that ask for the kept state alone; nothing of the present data.
    pub fn state(&self) -> String {
        let kept = self.kept.as_ref();
        kept.map_or(String::new(), |kept| format!("?snap={kept}"))
    }

    /// The cited state and the present one, where they differ.
    pub fn is_past(&self, snapshot: &str) -> bool {
        let cited = self.snap.as_ref().map(|s| s.to_ascii_lowercase());
        cited.is_some_and(|cited| !snapshot.starts_with(&cited))
    }
}

fn places<'a>(words: impl Iterator<Item = &'a str>) -> Vec<(&'a str, usize)> {
    words.enumerate().map(|(i, word)| (word, i)).collect()
}

/// By its word or its metric: its place among those with a word, or its name.
fn curve_of(word: &str) -> Option<(usize, Option<String>)> {
    let known = |f: &(&str, &str)| f.0 == word || f.1 == word;
    match words::TRAINING.iter().position(known) {
        Some(place) => Some((place, None)),
        None => words::is_metric(word).then(|| (0, Some(word.into()))),
    }
}

fn curve(asked: &mut Asked) -> (usize, Option<String>) {
    let Some(word) = asked.text("curve") else {
        return (0, None);
    };
    curve_of(&word).unwrap_or_else(|| {
        asked.refuse("curve", &word);
        (0, None)
    })
}

/// Arms of the experiment, by their ids.
fn arms(asked: &mut Asked, key: &str, view: &ExperimentView) -> Vec<String> {
    let (known, unknown): (Vec<String>, Vec<String>) = asked
        .list(key)
        .into_iter()
        .partition(|arm| view.arms.iter().any(|a| a.key == *arm));
    for arm in unknown {
        asked.refuse(key, &arm);
    }
    known
}

/// `arms` is another word for it.
fn only(asked: &mut Asked, view: &ExperimentView) -> Vec<String> {
    let mut known = arms(asked, "only", view);
    for arm in arms(asked, "arms", view) {
        if !known.contains(&arm) {
            known.push(arm);
        }
    }
    known
}

/// Trained arms alone have a place among the differences. The registered baseline needs no
/// word.
fn base(asked: &mut Asked, view: &ExperimentView) -> Option<String> {
    let word = asked.text("base")?;
    let arm = view.spec.arm(&word);
    if arm.is_none_or(|arm| arm.decoder().is_some()) {
        asked.refuse("base", &word);
        return None;
    }
    (word != view.spec.baseline).then_some(word)
}

fn figures(asked: &mut Asked, key: &str) -> Vec<Name> {
    let mut known = vec![];
    for word in asked.list(key) {
        match Name::of_word(&word) {
            Some(name) => known.push(name),
            None => asked.refuse(key, &word),
        }
    }
    known
}
