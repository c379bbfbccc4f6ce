//! Whether a probability means what it says: predictions in equal bins against what
//! turned out to be true.

use serde::Serialize;

/// Bins of equal width between 0 and 1.
pub const BINS: usize = 10;

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Bin {
    pub count: u64,
    /// Mean prediction and share that was true; 0 where the bin is empty.
    pub predicted: f64,
    pub observed: f64,
}

/// Predictions outside 0..=1 count in the outermost bins; those that are no number are left out.
pub fn calibration(pairs: impl IntoIterator<Item = (f64, bool)>) -> [Bin; BINS] {
    let mut bins = [Bin::default(); BINS];
    for (value, truth) in pairs {
        if value.is_nan() {
            continue;
        }
        let bin = &mut bins[((value * BINS as f64).max(0.0) as usize).min(BINS - 1)];
        bin.count += 1;
        bin.predicted += value;
        bin.observed += f64::from(u8::from(truth));
    }
    for bin in &mut bins {
        let n = bin.count.max(1) as f64;
        bin.predicted /= n;
        bin.observed /= n;
    }
    bins
}

/// Expected calibration error (Guo et al. 2017, eq. 3); `None` without predictions.
pub fn expected_error(bins: &[Bin; BINS]) -> Option<f64> {
    let n: u64 = bins.iter().map(|b| b.count).sum();
    let sum: f64 = bins
        .iter()
        .map(|b| b.count as f64 * (b.predicted - b.observed).abs())
        .sum();
    (n > 0).then(|| sum / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_agree_with_a_count_by_hand() {
        let bins = calibration([(0.9, true), (0.95, false), (0.1, false), (f64::NAN, true)]);
        assert_eq!((bins[9].count, bins[1].count), (2, 1));
        assert!((bins[9].predicted - 0.925).abs() < 1e-12 && bins[9].observed == 0.5);
        let expected = ((1.85_f64 - 1.0).abs() + 0.1) / 3.0;
        assert!((expected_error(&bins).unwrap() - expected).abs() < 1e-12);
        assert_eq!(expected_error(&calibration([])), None);
    }

    #[test]
    fn what_is_no_probability_stays_at_the_ends() {
        let bins = calibration([(-3.0, false), (7.0, true), (1.0, true)]);
        assert_eq!((bins[0].count, bins[9].count), (1, 2));
    }
}
