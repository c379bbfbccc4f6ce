//! Points summed into buckets of 10^level steps.

use super::Point;
use assay_core::wire::Cumulative;

/// One measured value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Raw {
    pub step: i64,
    pub value: f64,
    pub cum: Cumulative,
}

/// All the points of 10^level steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    pub last_step: i64,
    pub count: i64,
    pub sum: f64,
    pub square: f64,
    /// NaN only where there is nothing else.
    pub min: f64,
    pub max: f64,
    pub first: f64,
    pub last: f64,
    pub cum: Cumulative,
}

/// Steps in a bucket.
pub(crate) fn width(level: u32) -> i64 {
    10_i64.pow(level)
}

impl Bucket {
    pub(crate) fn of(point: &Raw) -> Self {
        Self {
            last_step: point.step,
            count: 1,
            sum: point.value,
            square: point.value * point.value,
            min: point.value,
            max: point.value,
            first: point.value,
            last: point.value,
            cum: point.cum,
        }
    }

    /// Takes in a bucket that lies after this one.
    fn absorb(&mut self, later: &Self) {
        self.last_step = later.last_step;
        self.count += later.count;
        self.sum += later.sum;
        self.square += later.square;
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
        self.last = later.last;
        self.cum = later.cum;
    }

    pub(crate) fn point(&self) -> Point {
        Point {
            step: self.last_step,
            count: self.count,
            mean: self.sum / self.count as f64,
            min: self.min,
            max: self.max,
            last: self.last,
            cum: self.cum,
        }
    }
}

/// Appends what comes later, summed into buckets of the level.
pub(crate) fn extend(
    buckets: &mut Vec<Bucket>,
    level: u32,
    later: impl IntoIterator<Item = Bucket>,
) {
    let width = width(level);
    for bucket in later {
        match buckets.last_mut() {
            Some(last) if last.last_step / width == bucket.last_step / width => {
                last.absorb(&bucket);
            }
            Some(_) | None => buckets.push(bucket),
        }
    }
}
