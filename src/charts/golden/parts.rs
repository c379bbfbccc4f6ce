//! Parts of axes, and room for what others draw over a picture.

use super::*;

/// The numbers of an attribute such as `data-x`.
fn numbers(svg: &str, key: &str) -> (f64, f64) {
    let from = svg.find(&format!("{key}=\"")).unwrap() + key.len() + 2;
    let mut words = svg[from..].split([' ', '"']);
    let mut next = || words.next().unwrap().parse().unwrap();
    (next(), next())
}

#[test]
fn a_label_says_the_value_where_its_line_ends() {
    let whole = curves(vec![curve(0, "a", milestones(1, 3))]);
    let bins = &whole.curves[0].bins;
    let (middle, last) = (bins[bins.len() / 2], bins[bins.len() - 1]);
    let label = |bin: &Bin| format!(">{}, n = {}<", number::value(whole.kind, bin.mean), bin.n);
    assert_ne!(label(&middle), label(&last));
    let part = |range| Curves {
        x_range: Some(range),
        ..whole.clone()
    };
    let svg = part((0.0, middle.x)).draw().svg;
    assert!(svg.contains(&label(&middle)), "{svg}");
    assert!(!svg.contains(&label(&last)));
    assert!(whole.draw().svg.contains(&label(&last)));
    let beyond = part((last.x * 2.0, last.x * 3.0)).draw().svg;
    assert!(beyond.contains(">not measured here<"), "{beyond}");
    assert!(beyond.contains("<title>a: not measured here"));
}

#[test]
fn between_two_milestones_a_label_has_the_value_that_is_held() {
    let whole = curves(vec![curve(0, "a", milestones(1, 3))]);
    let bins = &whole.curves[0].bins;
    let (held, next) = (bins[4], bins[5]);
    let within = |share: f64| held.x + (next.x - held.x) * share;
    let part = |shape| Curves {
        x_range: Some((within(0.3), within(0.6))),
        shape,
        ..whole.clone()
    };
    let svg = part(Shape::Steps).draw().svg;
    let label = format!(">{}, n = {}<", number::value(whole.kind, held.mean), held.n);
    assert!(svg.contains(&label), "{svg}");
    assert_is_clean(&svg);
    // A line that joins two measurements has none of its own there.
    let joined = part(Shape::Joined).draw().svg;
    assert!(joined.contains(">not measured here<"), "{joined}");
}

#[test]
fn a_part_from_zero_on_of_a_log_axis_begins_where_anything_can_stand() {
    let whole = Curves {
        x_scale: Scale::Log,
        budget: None,
        ..curves(vec![curve(0, "a", milestones(1, 3))])
    };
    let seeds = whole.curves[0].seeds.iter().flat_map(|s| &s.points);
    let bins = whole.curves[0].bins.iter().map(|b| b.x);
    let places = bins.chain(seeds.map(|p| p.0));
    let first = places.filter(|x| *x > 0.0).fold(f64::INFINITY, f64::min);
    let part = |low| {
        let part = Curves {
            x_range: Some((low, 2.5e11)),
            ..whole.clone()
        };
        part.draw().svg
    };
    let (low, high) = numbers(&part(0.0), "data-x");
    assert!((low - first.log10()).abs() < 1e-9 && (high - 2.5e11_f64.log10()).abs() < 1e-9);
    assert_eq!(part(0.0), part(-5.0));
    // Nothing beyond the part widens the other axis, as on a linear one.
    let linear = Curves {
        x_scale: Scale::Linear,
        x_range: Some((first, 2.5e11)),
        ..whole.clone()
    };
    assert_eq!(
        numbers(&part(0.0), "data-y"),
        numbers(&linear.draw().svg, "data-y")
    );
    let none = Curves {
        x_range: Some((-2.0, -1.0)),
        ..whole
    };
    assert_is_clean(&none.draw().svg);
}

#[test]
fn the_axis_has_room_for_what_is_drawn_over_the_picture() {
    let plain = Curves {
        kind: Kind::Other,
        ..curves(vec![curve(0, "a", milestones(1, 3))])
    };
    assert!(numbers(&plain.draw().svg, "data-y").1 < 40.0);
    let wide = Curves {
        covers: Some(Interval {
            low: -3.0,
            high: 40.0,
        }),
        ..plain
    };
    let (low, high) = numbers(&wide.draw().svg, "data-y");
    assert!(low <= -3.0 && high >= 40.0, "{low} {high}");
}
