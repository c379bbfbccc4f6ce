//! A curve the height of a line of text, beside the number it leads to.

use super::backend::path_data;
use super::text::escape;

const SIZE: (f64, f64) = (88.0, 22.0);

/// Values in order; what is not finite leaves a gap in x, not in the line.
pub fn sparkline(values: &[f64], range: (f64, f64), title: &str) -> String {
    let span = if range.1 > range.0 {
        range.1 - range.0
    } else {
        1.0
    };
    let last = values.len().saturating_sub(1).max(1) as f64;
    let points: Vec<(i32, i32)> = values
        .iter()
        .enumerate()
        .filter(|(_, v)| v.is_finite())
        .map(|(i, v)| {
            let x = 3.0 + (SIZE.0 - 6.0) * i as f64 / last;
            let share = ((v - range.0) / span).clamp(0.0, 1.0);
            let y = 3.0 + (SIZE.1 - 6.0) * (1.0 - share);
            ((x * 10.0) as i32, (y * 10.0) as i32)
        })
        .collect();
    format!(
        r#"<svg class="spark" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}"><path class="ln" d="{}"/></svg>"#,
        SIZE.0 * 10.0,
        SIZE.1 * 10.0,
        SIZE.0,
        SIZE.1,
        escape(title),
        path_data(points.iter().copied())
    )
}
