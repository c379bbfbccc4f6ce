//! What a run's address asks of its panels: which steps, on which scale, how smooth.

use crate::number;
use crate::pages::query::Asked;

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct View {
    low: Option<i64>,
    high: Option<i64>,
    /// Values on a logarithmic axis, where there are positive ones.
    pub log: bool,
    /// Weight of what was before; nothing is smoothed at 0.
    pub smooth: f64,
}

const MAX_SMOOTH: f64 = 0.99;
/// No stage has so many steps; a number beyond it is a mistake.
const MAX_STEP: f64 = 1e15;

impl View {
    pub fn read(asked: &mut Asked) -> Self {
        let mut view = Self {
            low: step(asked, "x0"),
            high: step(asked, "x1"),
            log: asked
                .choose("log", &[("0", false), ("1", true)])
                .unwrap_or(false),
            smooth: asked.float("smooth").unwrap_or(0.0),
        };
        if let (Some(low), Some(high)) = (view.low, view.high)
            && low >= high
        {
            asked.refuse("x0", &format!("{low}, not below x1={high}"));
            (view.low, view.high) = (None, None);
        }
        if !(0.0..=MAX_SMOOTH).contains(&view.smooth) {
            asked.refuse("smooth", &view.smooth.to_string());
            view.smooth = 0.0;
        }
        view
    }

    /// The steps that are asked for, of a stage that has got to `reached`.
    pub fn steps(&self, reached: i64) -> Option<(i64, i64)> {
        if self.low.is_none() && self.high.is_none() {
            return None;
        }
        let low = self.low.unwrap_or(0);
        let high = self.high.unwrap_or(reached.max(low + 1));
        Some((low, high.max(low + 1)))
    }

    /// The same with both ends said: each curve has got to a step of its own.
    pub fn within(self, steps: Option<(i64, i64)>) -> Self {
        match steps {
            Some((low, high)) => Self {
                low: Some(low),
                high: Some(high),
                ..self
            },
            None => self,
        }
    }

    /// The words that ask for it.
    pub fn words(&self) -> Vec<(&'static str, String)> {
        let number = |step: Option<i64>| step.map_or(String::new(), |s| s.to_string());
        let smooth = match self.smooth > 0.0 {
            true => self.smooth.to_string(),
            false => String::new(),
        };
        let log = if self.log { "1" } else { "" };
        vec![
            ("x0", number(self.low)),
            ("x1", number(self.high)),
            ("log", log.into()),
            ("smooth", smooth),
        ]
    }

    /// What is said under the panels; nothing of the whole run as it was measured.
    pub fn said(&self, steps: Option<(i64, i64)>) -> Vec<String> {
        let mut said = vec![];
        if let Some((low, high)) = steps {
            said.push(format!(
                "Steps {} to {} alone; alarms and what is said of changes are of the whole stage.",
                number::integer(low),
                number::integer(high)
            ));
        }
        if self.log {
            said.push("Values on a logarithmic axis, where a curve has positive ones.".into());
        }
        if self.smooth > 0.0 {
            said.push(format!(
                "Smoothed: EMA {}, debiased, over the bins that are drawn; thin behind it, the line as measured. Sparse measurements are not smoothed.",
                self.smooth
            ));
        }
        match steps {
            Some(_) => said.push("Files: these steps, in numbers as measured.".into()),
            None if self.smooth > 0.0 => said.push("Files: in numbers as measured.".into()),
            None => {}
        }
        said
    }
}

/// Zooming with a mouse ends between two steps.
fn step(asked: &mut Asked, key: &str) -> Option<i64> {
    let value = asked.float(key)?;
    if !(0.0..=MAX_STEP).contains(&value) {
        asked.refuse(key, &value.to_string());
        return None;
    }
    Some(value.round() as i64)
}

/// What stands in the form.
#[derive(Debug)]
pub(super) struct Fields {
    pub low: String,
    pub high: String,
    pub log: bool,
    pub smooth: String,
    /// Something other than the whole run as it was measured is asked for.
    pub asked: bool,
}

impl From<&View> for Fields {
    fn from(of: &View) -> Self {
        let mut words = of.words().into_iter().map(|(_, word)| word);
        let mut next = || words.next().unwrap_or_default();
        let (low, high, _, smooth) = (next(), next(), next(), next());
        Self {
            low,
            high,
            log: of.log,
            smooth,
            asked: *of != View::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> (View, Vec<String>) {
        let mut asked = Asked::read(query);
        let view = View::read(&mut asked);
        (view, asked.ignored())
    }

    #[test]
    fn an_address_asks_for_a_part_a_scale_and_a_smoothing() {
        let (view, ignored) = read("x0=99.6&x1=2e3&log=1&smooth=0.5");
        assert!(ignored.is_empty());
        assert_eq!(view.steps(10), Some((100, 2_000)));
        let said: Vec<String> = view.words().into_iter().map(|(_, word)| word).collect();
        assert_eq!(said, ["100", "2000", "1", "0.5"]);
        let said = view.said(view.steps(10));
        assert_eq!(said.len(), 4);
        assert_eq!(said[3], "Files: these steps, in numbers as measured.");
        assert!(view.said(view.steps(10))[0].starts_with("Steps 100 to 2,000 alone"));
        // An axis changes nothing of what is measured.
        assert_eq!(read("log=1").0.said(None).len(), 1);
        let (plain, _) = read("");
        assert_eq!(plain, View::default());
        assert_eq!(plain.steps(10), None);
        assert!(plain.said(None).is_empty() && !Fields::from(&plain).asked);
    }

    #[test]
    fn one_end_goes_to_the_start_or_to_where_the_stage_has_got() {
        assert_eq!(read("x1=50").0.steps(400), Some((0, 50)));
        assert_eq!(read("x0=50").0.steps(400), Some((50, 400)));
        // Beyond it there is an axis, and nothing on it.
        assert_eq!(read("x0=500").0.steps(400), Some((500, 501)));
        assert_eq!(read("x1=0").0.steps(400), Some((0, 1)));
    }

    #[test]
    fn what_makes_no_sense_is_named_and_passed_over() {
        for (query, named) in [
            ("x0=9&x1=3", "x0=9, not below x1=3"),
            ("x0=3&x1=3.2", "x0=3, not below x1=3"),
            ("x0=-1", "x0=-1"),
            ("x1=1e300", "x1=1"),
            ("x0=NaN", "x0=NaN"),
            ("x1=many", "x1=many"),
            ("log=yes", "log=yes"),
            ("smooth=1", "smooth=1"),
            ("smooth=-0.5", "smooth=-0.5"),
            ("smooth=inf", "smooth=inf"),
        ] {
            let (view, ignored) = read(query);
            assert_eq!(view, View::default(), "{query}");
            assert!(ignored[0].starts_with(named), "{query}: {ignored:?}");
        }
    }
}
