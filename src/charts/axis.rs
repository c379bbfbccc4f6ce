//! Axes: ranges, round ticks and their labels. Positions are values, or their
//! decimal logarithms on a log axis.

use crate::number;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    Linear,
    Log,
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

    /// Where a value stands; `None` for what this axis cannot show.
    pub fn position(&self, value: f64) -> Option<f64> {
        position(self.scale, value)
    }

    /// All of an axis' labels share their prefix and number of decimals.
    pub fn label(&self, position: f64) -> String {
        match self.scale {
            Scale::Log => number::prefixed(10_f64.powf(position)).trim().to_string(),
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
                let decimals =
                    (-(step / by * (1.0 + 1e-9)).log10().floor()).clamp(0.0, 6.0) as usize;
                if position.abs() < step * 1e-6 {
                    return "0".into();
                }
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
        Scale::Log => (value > 0.0).then(|| value.log10()),
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
}
