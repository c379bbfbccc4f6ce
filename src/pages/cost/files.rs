//! The tables of the page as files.

use super::what_if::WhatIf;
use super::{Material, chosen, detectable, material, published, summed};
use crate::number;
use crate::pages::experiment::files::present;
use crate::pages::filed::{self, About};
use crate::pages::judged::Judged;
use crate::pages::query::Asked;
use crate::pages::sheet::{Cell, Sheet};
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::denominator::{is_unsuccessful, unsuccessful};
use assay_core::reference::library;
use assay_core::spending::{Spent, StageSpend};
use assay_store::Price;

fn seconds(of: f64) -> Cell {
    Cell::Cost(Some(of / 1e3))
}

/// Device time, FLOPs and dollars.
fn spent(of: &Spent) -> Vec<Cell> {
    vec![
        seconds(of.cost.device_ms),
        Cell::Cost(Some(of.cost.flops)),
        Cell::Dollars(of.dollars),
        seconds(of.unpriced_ms),
    ]
}

fn prices(of: &[Price]) -> Sheet {
    let names = ["device", "dollars_per_hour", "valid_from", "source"];
    let mut sheet = Sheet::plain("prices", "Prices of devices, newest first", &names);
    for price in of {
        sheet.push(vec![
            Cell::Text(price.device.clone()),
            Cell::Dollars(Some(price.dollars_per_hour)),
            Cell::Text(number::moment(price.valid_from)),
            Cell::Text(price.source.clone()),
        ]);
    }
    sheet
}

pub(super) fn by_experiment(of: &Material) -> Sheet {
    let title = match of.more {
        true => "Spent by experiment, the newest of them",
        false => "Spent by experiment",
    };
    let mut sheet = Sheet::plain(
        "spent",
        title,
        &[
            "experiment",
            "name",
            "device_s",
            "flops",
            "dollars",
            "without_a_price_s",
            "on_unsuccessful_s",
            "no_verdict",
            "evaluation_s",
            "lost_s",
            "detectable",
        ],
    );
    sheet.said = "Each stage once, under the experiment that computed it; evaluation and lost work are parts of it.".into();
    for (judged, stages) in &of.experiments {
        let sum = summed(judged, stages);
        let failed = unsuccessful(&judged.outcome, []);
        let on_failed = failed
            .is_ok()
            .then(|| sum.unsuccessful.cost.device_ms / 1e3);
        let no_verdict = failed.err().map_or(String::new(), |why| why.to_string());
        let mut row = vec![
            Cell::Word(judged.view.id.to_string()),
            Cell::Text(judged.view.name.clone()),
        ];
        row.extend(spent(&sum.total));
        row.extend([
            Cell::Cost(on_failed),
            Cell::Text(no_verdict),
            seconds(sum.evaluation.device_ms),
            seconds(sum.lost.device_ms),
            Cell::Text(detectable::widest(judged)),
        ]);
        sheet.push(row);
    }
    sheet
}

fn by_arm(of: &Judged, stages: &[StageSpend]) -> Sheet {
    let names = [
        "arm",
        "label",
        "device_s",
        "flops",
        "dollars",
        "without_a_price_s",
    ];
    let mut sheet = Sheet::plain("arms", "Spent by arm, each stage once", &names);
    let sum = summed(of, stages);
    let arms = sum.arms.iter().map(|(key, spent)| {
        let known = of.view.arms.iter().find(|arm| arm.key == *key);
        let label = known.map_or(key.clone(), |arm| arm.label.clone());
        (key.clone(), label, spent)
    });
    let rest = [
        (
            String::new(),
            String::from("Shared by several arms"),
            &sum.shared,
        ),
        (String::new(), String::from("All"), &sum.total),
    ];
    for (key, label, own) in arms.chain(rest) {
        sheet.unsuccessful.push(is_unsuccessful(&of.outcome, &key));
        let mut row = vec![Cell::Text(key), Cell::Text(label)];
        row.extend(spent(own));
        sheet.rows.push(row);
    }
    sheet
}

fn contrasts(of: &Judged, seeds: Option<f64>) -> Sheet {
    let found = detectable::of(of, seeds);
    let names = [
        "label",
        "against",
        "finished",
        "planned",
        "with_the_planned_seeds",
        "with_those_asked_about",
    ];
    let mut sheet = Sheet::plain("detectable", "Differences that the seeds can show", &names);
    sheet.said = match &found.asked {
        Some(asked) => format!("{} Asked about: {asked}.", found.caption),
        None => found.caption,
    };
    for row in found.rows {
        sheet.push(vec![
            Cell::Text(row.arm),
            Cell::Text(row.against),
            Cell::Count(row.measured),
            Cell::Count(row.planned),
            Cell::Text(row.size),
            Cell::Text(row.with_asked),
        ]);
    }
    sheet
}

/// With what the page says of each figure, and of the one that is often got wrong.
pub(super) fn published_hours(rate: Option<f64>) -> Sheet {
    let names = [
        "training",
        "device_hours",
        "device",
        "parts",
        "dollars",
        "source",
        "version",
        "date",
        "place",
        "url",
        "notes",
    ];
    let title = match rate {
        Some(rate) => format!(
            "Published device-hours, at {} an hour",
            number::dollars(rate)
        ),
        None => "Published device-hours".into(),
    };
    let mut sheet = Sheet::plain("published", title, &names);
    sheet.said = published::correction();
    for (of, row) in library().hours.iter().zip(published::rows(rate)) {
        sheet.push(vec![
            Cell::Text(row.what),
            Cell::Cost(Some(of.total)),
            Cell::Text(row.device),
            Cell::Text(row.parts.join("; ")),
            Cell::Dollars(rate.map(|rate| of.total * rate)),
            Cell::Text(row.title),
            Cell::Text(row.version),
            Cell::Text(row.date),
            Cell::Text(row.place),
            Cell::Text(row.url),
            Cell::Text(row.notes.join(" ")),
        ]);
    }
    sheet
}

/// `/cost/spent.csv` and its kind, with the words of the page's address.
pub async fn get(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (word, ending) = path.into_inner();
    let mut asked = Asked::read(request.query_string());
    let ask = WhatIf::read(&mut asked);
    let of = material(&state, chosen(&mut asked)).await?;
    let name = format!("cost-{word}");
    let of_one = match (word.as_str(), &of.chosen) {
        ("arms", Some((judged, stages))) => Some((judged, by_arm(judged, stages))),
        ("detectable", Some((judged, _))) => Some((judged, contrasts(judged, ask.seeds))),
        (_, _) => None,
    };
    if let Some((judged, sheet)) = of_one {
        let carried = present(&state, judged.view.id, asked).await?;
        return filed::answer(&sheet, None, &carried, &name, &ending).await;
    }
    let sheet = match word.as_str() {
        "prices" => prices(&of.prices),
        "spent" => by_experiment(&of),
        "published" => published_hours(ask.rate),
        _ => return Err(Problem::not_found("table")),
    };
    let about = About::new("Cost", &[], &sheet).ignoring(asked.ignored());
    filed::answer(&sheet, None, &about, &name, &ending).await
}
