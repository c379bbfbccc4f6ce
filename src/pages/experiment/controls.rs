//! What the page's controls offer.

use super::axis::{Cost, Places};
use super::material::Material;
use super::view::Wanted;
use crate::pages::Choice;
use crate::pages::looks::choice;
use crate::pages::words;

/// What the curves are drawn along; the training curve alone has steps.
pub(super) fn axes(wanted: &Wanted) -> Vec<Choice> {
    let by_cost = wanted.places == Places::Cost;
    let all = Cost::ALL.iter();
    let mut list: Vec<Choice> = all
        .map(|x| choice(x.word(), x.title(), by_cost && *x == wanted.x))
        .collect();
    let title = format!("training curve: {}", Places::STEPS_TITLE);
    list.push(choice(Places::STEPS, &title, !by_cost));
    list
}

/// Curves with a word of their own, and what is drawn in their place.
pub(super) fn curves(wanted: &Wanted) -> Vec<Choice> {
    let known = words::TRAINING.iter().enumerate();
    let mut list: Vec<Choice> = known
        .map(|(i, f)| {
            let chosen = wanted.other.is_none() && i == wanted.curve;
            choice(f.0, words::panel_title(f.1), chosen)
        })
        .collect();
    let other = wanted.other.as_deref();
    list.extend(other.map(|name| choice(name, words::panel_title(name), true)));
    list
}

/// Nothing said is the registered one.
pub(super) fn bases(of: &Material, wanted: &Wanted) -> Vec<Choice> {
    let registered = &of.view.spec.baseline;
    let chosen = |arm: &str| arm == wanted.baseline(of);
    let label = format!("{}, as registered", of.name(registered));
    let mut list = vec![choice("", &label, chosen(registered))];
    let others = of.test.iter().filter(|arm| arm.id != *registered);
    list.extend(others.map(|arm| choice(&arm.id, &of.name(&arm.id), chosen(&arm.id))));
    list
}
