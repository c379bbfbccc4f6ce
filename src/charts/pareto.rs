//! The frontier of cost and value.

/// Of points (cost, value), those that no other beats: none is as cheap and higher, or as
/// high and cheaper. Ascending in both. What is not finite has no place.
pub fn pareto(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut sorted: Vec<(f64, f64)> = points
        .iter()
        .copied()
        .filter(|p| p.0.is_finite() && p.1.is_finite())
        .collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    let mut out: Vec<(f64, f64)> = vec![];
    for point in sorted {
        if out.last().is_none_or(|best| point.1 > best.1) {
            out.push(point);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nothing_beats_is_on_the_frontier() {
        let points = [
            (3.0, 0.5),
            (1.0, 0.4),
            (2.0, 0.3),
            (3.0, 0.9),
            (9.0, 0.9),
            (0.0, f64::NAN),
        ];
        assert_eq!(pareto(&points), [(1.0, 0.4), (3.0, 0.9)]);
        assert_eq!(pareto(&[]), []);
    }
}
