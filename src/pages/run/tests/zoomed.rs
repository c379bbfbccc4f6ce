//! Panels of a part of a run, on a logarithmic axis, smoothed.

use super::*;
use crate::pages::query::Asked;
use crate::pages::run::view::View;

/// As the page reads it, with steps 11 to 20 in its panels.
fn zoomed(query: &str) -> Material {
    let mut of = material();
    of.view = View::read(&mut Asked::read(query));
    if let Some(steps) = of.view.steps(40) {
        let mut part = of.series.clone();
        for (_, series) in &mut part {
            series
                .points
                .retain(|p| p.step >= steps.0 && p.step <= steps.1);
        }
        of.part = Some((steps, part));
    }
    of
}

/// What stands below the panels in numbers.
fn table(text: &str) -> &str {
    let from = text.find("<details id=\"data-panels\"").unwrap();
    &text[from..from + text[from..].find("</details>").unwrap()]
}

#[test]
fn a_part_of_the_run_has_its_axis_its_numbers_and_a_way_back() {
    let text = render(&zoomed("x0=11&x1=20"));
    assert_eq!(text.matches(" data-x=\"11 20 linear\"").count(), 8);
    // The script asks for the same steps.
    assert!(text.contains("max_points=300&#38;from=11&#38;to=20&#38;metric=\""));
    for words in [
        "name=\"x0\" inputmode=\"numeric\" size=\"9\" value=\"11\"",
        "name=\"x1\" inputmode=\"numeric\" size=\"9\" value=\"20\"",
        "?stage=rl#panels\">Whole run</a>",
        "Steps 11 to 20 alone",
        "metrics=all&#38;x0=11&#38;x1=20\"",
        "<input type=\"hidden\" name=\"stage\" value=\"rl\">",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    // The table below has the numbers that are drawn, and no others.
    let part = table(&text);
    assert!(part.contains("11: ") && part.contains("20: "), "{part}");
    assert!(!part.contains("40: ") && table(&render(&material())).contains("40: "));
    assert!(text.contains("Files: these steps, in numbers as measured."));
    // What rules and detectors say is of the whole stage, whatever is drawn.
    let plain = render(&material());
    let section = |text: &str, id: &str| {
        let from = text.find(&format!("<section id=\"{id}\"")).unwrap();
        text[from..from + text[from..].find("</section>").unwrap()].to_string()
    };
    for id in ["alarms", "timeline"] {
        assert_eq!(section(&text, id), section(&plain, id));
    }
    assert!(!plain.contains("Whole run") && !plain.contains(" alone; alarms"));
    assert!(!plain.contains("in numbers as measured"));
}

#[test]
fn steps_that_nothing_was_measured_of_leave_the_form_and_empty_panels() {
    let text = render(&zoomed("x0=900"));
    assert_eq!(text.matches(">no data here</text>").count(), 8);
    assert!(text.contains("value=\"900\"") && text.contains("Whole run"));
    assert_eq!(table(&text).matches(">no data yet</td>").count(), 8);
}

#[test]
fn a_log_axis_and_smoothing_are_said_and_drawn() {
    let mut of = zoomed("log=1&smooth=0.8");
    for (name, series) in &mut of.series {
        if name == metric::KL {
            series.points[3].mean = 0.0;
        }
    }
    let text = render(&of);
    for words in [
        "Values on a logarithmic axis",
        "Smoothed: EMA 0.8, debiased",
        "1 value ≤ 0, not on this axis",
        "<option value=\"1\" selected>logarithmic</option>",
        "name=\"smooth\" inputmode=\"decimal\" size=\"5\" value=\"0.8\"",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    // All but the held-out one, whose values hold until the next.
    assert_eq!(text.matches("class=\"bh\"").count(), 7);
    assert!(!render(&material()).contains("class=\"bh\""));
}

#[test]
fn files_are_of_the_steps_that_the_page_shows_however_far_a_curve_has_got() {
    let text = render(&zoomed("x0=11&x1=20"));
    assert!(text.contains(".csv?stage=rl&#38;x0=11&#38;x1=20"), "{text}");
    // To where the stage has got, and not each curve to its own last measurement.
    let mut of = zoomed("x0=30");
    of.part.as_mut().unwrap().0 = (30, 45);
    let text = render(&of);
    let links = text.matches(".csv?stage=rl&#38;x0=30&#38;x1=45\"").count();
    assert!(links > 5, "{links} {text}");
}
