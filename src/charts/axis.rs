//! Axes: ranges, round ticks and their labels. Positions are values, or their
//! decimal logarithms on a log axis.

use crate::number;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    #[default]
    Linear,
    Log,
    /// Logarithmic, with a tick at every power of two.
    Doubling,
}

impl Scale {
    /// As addresses and `data-x` say it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Log | Self::Doubling => "log",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    pub scale: Scale,
    /// In positions.
    pub low: f64,
    pub high: f64,
    pub ticks: Vec<f64>,
}

impl Axis {
    /// Covers all finite values, with about `target` round ticks.
    pub fn new(scale: Scale, values: impl IntoIterator<Item = f64>, target: usize) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values {
            if let Some(p) = position(scale, value) {
                low = low.min(p);
                high = high.max(p);
            }
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if high - low <= low.abs().max(high.abs()) * 1e-9 {
            // All equal: some room around the value.
            let room = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
            (low, high) = (low - room, high + room);
        }
        match scale {
            Scale::Linear => Self::linear(low, high, target),
            Scale::Log => Self::log(low, high),
            Scale::Doubling => Self::doubling(low, high),
        }
    }

    fn linear(low: f64, high: f64, target: usize) -> Self {
        let step = round_step((high - low) / target.max(1) as f64);
        let first = (low / step + 1e-9).floor();
        let last = (high / step - 1e-9).ceil();
        let count = (last - first) as usize + 1;
        let ticks: Vec<f64> = (0..count.min(50))
            .map(|i| (first + i as f64) * step)
            .collect();
        Self {
            scale: Scale::Linear,
            low: first * step,
            high: last * step,
            ticks,
        }
    }

    fn log(low: f64, high: f64) -> Self {
        let (low, high) = (low.floor(), high.ceil().max(low.floor() + 1.0));
        let every = ((high - low) / 6.0).ceil().max(1.0);
        let count = ((high - low) / every) as usize + 1;
        Self {
            scale: Scale::Log,
            low,
            high,
            ticks: (0..count).map(|i| low + i as f64 * every).collect(),
        }
    }

    fn doubling(low: f64, high: f64) -> Self {
        let two = 2_f64.log10();
        let first = (low / two + 1e-9).floor();
        let last = (high / two - 1e-9).ceil().max(first + 1.0);
        let every = ((last - first) / 12.0).ceil().max(1.0);
        let count = ((last - first) / every) as usize + 1;
        Self {
            scale: Scale::Doubling,
            low: first * two,
            high: last * two,
            ticks: (0..count)
                .map(|i| (first + i as f64 * every) * two)
                .collect(),
        }
    }

    /// Around these values of a log axis: ticks at 1, 2 and 5 where decades are too few.
    pub fn log_between(low: f64, high: f64) -> Self {
        let axis = Self::new(Scale::Log, [low, high], 5);
        let (low, high) = (low.log10(), high.log10());
        let mut fine = axis.clone();
        let decades = (axis.low as i32)..=(axis.high as i32);
        fine.ticks = decades
            .flat_map(|d| [1.0_f64, 2.0, 5.0].map(|m| m.log10() + f64::from(d)))
            .collect();
        let (axis, fine) = (axis.tight(low, high), fine.tight(low, high));
        if axis.ticks.len() < 3 { fine } else { axis }
    }

    /// Without rounding the range outwards: the data reach both ends.
    pub fn tight(mut self, low: f64, high: f64) -> Self {
        if low.is_finite() && high.is_finite() && low < high {
            let slack = (high - low) * 1e-9;
            let within = |t: &f64| *t >= low - slack && *t <= high + slack;
            if self.ticks.iter().any(within) {
                self.ticks.retain(within);
                (self.low, self.high) = (low, high);
            }
        }
        self
    }

    /// For what cannot be negative, however wide its interval.
    pub fn floor_at_zero(mut self) -> Self {
        if self.low < 0.0 && self.high > 0.0 {
            self.low = 0.0;
            self.ticks.retain(|&t| t >= 0.0);
        }
        self
    }

    /// Like `position`, held within the axis.
    pub fn clamped(&self, value: f64) -> Option<f64> {
        self.position(value).map(|p| p.clamp(self.low, self.high))
    }

    /// Like `clamped`, for the edges of bands: what lies below a log axis is at its foot.
    pub fn held(&self, value: f64) -> Option<f64> {
        match self.scale {
            Scale::Log | Scale::Doubling if value <= 0.0 => Some(self.low),
            Scale::Linear | Scale::Log | Scale::Doubling => self.clamped(value),
        }
    }

    /// Where a value stands; `None` for what this axis cannot show.
    pub fn position(&self, value: f64) -> Option<f64> {
        position(self.scale, value)
    }

    /// All of an axis' labels share their prefix and number of decimals.
    pub fn label(&self, position: f64) -> String {
        match self.scale {
            Scale::Log | Scale::Doubling => {
                let value = 10_f64.powf(position);
                let whole = value.round();
                let near = (value - whole).abs() <= value * 1e-9;
                let value = if near { whole } else { value };
                // Shares stand on log axes too.
                if value < 1e-3 {
                    return number::significant(value);
                }
                if value < 1.0 {
                    let short = number::significant((value * 1e9).round() / 1e9);
                    return short.trim_end_matches('0').to_string();
                }
                number::prefixed(value).trim().to_string()
            }
            Scale::Linear => {
                let step = match self.ticks[..] {
                    [a, b, ..] => (b - a).abs(),
                    _ => self.high - self.low,
                };
                let (by, letter) = number::prefix(self.low.abs().max(self.high.abs()).max(1.0));
                // Up to 9,999 stands as it is.
                let (by, letter) = if by <= 1e3 && self.high.abs() < 1e4 {
                    (1.0, "")
                } else {
                    (by, letter)
                };
                if position.abs() < step * 1e-6 {
                    return "0".into();
                }
                let needed = -(step / by * (1.0 + 1e-9)).log10().floor();
                // Learning rates: more decimals than can be read.
                if needed > 6.0 && position.abs() < step * 1e3 {
                    return number::significant(position);
                }
                let decimals = needed.clamp(0.0, 12.0) as usize;
                let text = number::fixed(position / by, decimals);
                if letter.is_empty() {
                    text
                } else {
                    format!("{text} {letter}")
                }
            }
        }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, position: &f64, (from, to): (i32, i32)) -> i32 {
        // Held near the axis, so that device units cannot overflow.
        let share = ((position - self.low) / (self.high - self.low)).clamp(-1.0, 2.0);
        from + (share * f64::from(to - from)).round() as i32
    }

    fn key_points<H: KeyPointHint>(&self, hint: H) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            return vec![];
        }
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, position: &f64) -> String {
        self.label(*position)
    }
}

fn position(scale: Scale, value: f64) -> Option<f64> {
    match scale {
        Scale::Linear => Some(value),
        Scale::Log | Scale::Doubling => (value > 0.0).then(|| value.log10()),
    }
    .filter(|p| p.is_finite() && p.abs() < 1e300)
}

/// 1, 2 or 5 times a power of ten, not below `raw`.
fn round_step(raw: f64) -> f64 {
    let power = 10_f64.powf(raw.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|step| *step >= raw * (1.0 - 1e-9))
        .unwrap_or(power * 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks.iter().map(|&t| axis.label(t)).collect()
    }

    #[test]
    fn ticks_are_round_and_labels_share_their_decimals() {
        let axis = Axis::new(Scale::Linear, [0.03, 0.97], 5);
        assert_eq!(labels(&axis), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        let axis = Axis::new(Scale::Linear, [0.0, 1.2e12], 4);
        assert_eq!(labels(&axis), ["0", "0.5 T", "1.0 T", "1.5 T"]);
        let axis = Axis::new(Scale::Linear, [0.0, 1000.0], 4);
        assert_eq!(labels(&axis), ["0", "500", "1000"]);
    }

    #[test]
    fn nothing_one_value_and_what_is_not_finite_still_make_an_axis() {
        for values in [
            vec![],
            vec![f64::NAN, f64::INFINITY],
            vec![3.0, 3.0],
            vec![0.0],
            vec![-1e308, 1e308],
        ] {
            for scale in [Scale::Linear, Scale::Log] {
                let axis = Axis::new(scale, values.clone(), 5);
                assert!(axis.low < axis.high && axis.low.is_finite() && axis.high.is_finite());
                assert!((1..=50).contains(&axis.ticks.len()));
            }
        }
    }

    #[test]
    fn a_log_axis_leaves_zero_out() {
        let axis = Axis::new(Scale::Log, [0.0, -3.0, 2.0, 30_000.0], 5);
        assert_eq!((axis.low, axis.high), (0.0, 5.0));
        assert_eq!(axis.position(0.0), None);
        assert_eq!(
            labels(&axis),
            ["1", "10", "100", "1.00 k", "10.0 k", "100 k"]
        );
    }

    #[test]
    fn powers_of_two_have_their_ticks_and_few_decades_get_finer_ones() {
        let axis = Axis::new(Scale::Doubling, [1.0, 8.0], 5);
        assert_eq!(labels(&axis), ["1", "2", "4", "8"]);
        let axis = Axis::new(Scale::Doubling, [1.0, 1.0], 5);
        assert!(labels(&axis).len() >= 2);
        let axis = Axis::log_between(3e10, 4.2e11);
        assert_eq!(labels(&axis), ["50.0 G", "100 G", "200 G"]);
        let axis = Axis::log_between(0.02, 0.9);
        assert_eq!(labels(&axis), ["0.02", "0.05", "0.1", "0.2", "0.5"]);
    }

    #[test]
    fn numbers_too_small_for_decimals_are_told_apart() {
        for values in [vec![1e-6], vec![1e-7, 5e-7], vec![0.0, 3e-9]] {
            let axis = Axis::new(Scale::Linear, values.iter().copied(), 5);
            let mut labels: Vec<String> = axis.ticks.iter().map(|t| axis.label(*t)).collect();
            let n = labels.len();
            // More decimals than can be read would run into the drawing's edge.
            assert!(labels.iter().all(|l| l.chars().count() <= 8), "{labels:?}");
            labels.sort();
            labels.dedup();
            assert!(n > 2 && labels.len() == n, "{labels:?}");
        }
        let axis = Axis::new(Scale::Linear, [0.0, 1.0], 5);
        assert_eq!(axis.label(0.2), "0.2");
    }
}
