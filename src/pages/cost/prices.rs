//! What an hour of a device costs: the prices that are known, and the form for another.

use super::what_if::WhatIf;
use super::{CostPage, chosen, material, shell, unpriced};
use crate::entering::{self, Entry};
use crate::number;
use crate::pages::html;
use crate::pages::query::Asked;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Form};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::violation::Violations;
use assay_store::Price;
use serde::Deserialize;
use time::OffsetDateTime;

pub(super) struct PriceRow {
    pub device: String,
    pub dollars: String,
    /// The page with this rate in its form.
    pub href: String,
    pub from: String,
    pub source: String,
    pub in_force: bool,
}

/// Each with the rest of the form as it is.
pub(super) fn rows(
    of: &[Price],
    now: OffsetDateTime,
    ask: &WhatIf,
    experiment: Option<&str>,
) -> Vec<PriceRow> {
    let row = |(i, price): (usize, &Price)| {
        let with = WhatIf {
            rate: Some(price.dollars_per_hour),
            ..*ask
        };
        PriceRow {
            device: price.device.clone(),
            dollars: number::dollars(price.dollars_per_hour),
            href: format!("/cost{}", with.query(experiment)),
            from: number::moment(price.valid_from),
            source: price.source.clone(),
            // Newest first: the first that has begun holds.
            in_force: price.valid_from <= now
                && !of[..i]
                    .iter()
                    .any(|p| p.valid_from <= now && p.device.eq_ignore_ascii_case(&price.device)),
        }
    };
    of.iter().enumerate().map(row).collect()
}

/// A field of the form.
pub(super) struct Field {
    pub name: &'static str,
    pub label: &'static str,
    pub value: String,
    pub size: u32,
    pub longest: u32,
    pub placeholder: String,
    pub required: bool,
    pub wrong: Vec<String>,
}

pub(super) struct PriceForm {
    pub fields: Vec<Field>,
    /// Somebody has begun to fill it in.
    pub open: bool,
}

impl PriceForm {
    pub fn empty(now: OffsetDateTime) -> Self {
        Self::new(&Sent::default(), now)
    }

    /// With a device to enter a price of.
    pub fn of(device: &str, now: OffsetDateTime) -> Self {
        let begun = Sent {
            device: device.into(),
            ..Sent::default()
        };
        Self {
            open: true,
            ..Self::new(&begun, now)
        }
    }

    fn new(of: &Sent, now: OffsetDateTime) -> Self {
        let field = |name, label, value: &str, size, longest| Field {
            name,
            label,
            value: value.to_string(),
            size,
            longest,
            placeholder: String::new(),
            required: true,
            wrong: vec![],
        };
        let label = "Device: cpu, cuda or its name";
        let day = field("valid_from", "From (a day)", &of.valid_from, 12, 40);
        Self {
            fields: vec![
                field("device", label, &of.device, 20, 80),
                field(
                    "dollars_per_hour",
                    "Dollars an hour",
                    &of.dollars_per_hour,
                    8,
                    40,
                ),
                Field {
                    placeholder: now.date().to_string(),
                    required: false,
                    ..day
                },
                field("source", "Source", &of.source, 20, 300),
            ],
            open: false,
        }
    }

    /// As it was sent, with each mistake at its field.
    fn again(of: &Sent, wrong: &Violations, now: OffsetDateTime) -> Self {
        let mut form = Self::new(of, now);
        form.open = true;
        for field in &mut form.fields {
            let own = wrong.0.iter();
            let own = own.filter(|v| v.pointer.strip_prefix('/') == Some(field.name));
            field.wrong = own.map(|v| v.message.clone()).collect();
        }
        form
    }

    pub fn is_wrong(&self) -> bool {
        self.fields.iter().any(|field| !field.wrong.is_empty())
    }
}

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
pub struct Sent {
    #[serde(default)]
    device: String,
    #[serde(default)]
    dollars_per_hour: String,
    #[serde(default)]
    valid_from: String,
    #[serde(default)]
    source: String,
}

impl Sent {
    fn entry(&self) -> Entry {
        Entry {
            device: self.device.clone(),
            dollars_per_hour: self.dollars_per_hour.trim().parse().ok(),
            valid_from: self.valid_from.clone(),
            source: self.source.clone(),
        }
    }
}

/// Keeps a price and goes back to the page as it was; what is wrong with one is said there, with
/// all that was entered.
pub async fn add(
    state: Data<AppState>,
    request: HttpRequest,
    form: Form<Sent>,
) -> Result<HttpResponse, Problem> {
    let mut asked = Asked::read(request.query_string());
    let ask = WhatIf::read(&mut asked);
    let chosen = chosen(&mut asked);
    let experiment = chosen.map(|id| id.to_string());
    let page = format!("/cost{}", ask.query(experiment.as_deref()));
    let wrong = match form.entry().check() {
        Ok(price) => {
            entering::add_price(&state, price).await?;
            return Ok(HttpResponse::SeeOther()
                .insert_header((header::LOCATION, format!("{page}#prices")))
                .finish());
        }
        Err(wrong) => wrong,
    };
    let now = OffsetDateTime::now_utc();
    let mut of = material(&state, chosen).await?;
    of.without = unpriced::read(&mut *state.conn().await?, &of, now).await?;
    let mut shell = shell(&state, &request).await?;
    // This address only answers what is sent to it.
    shell.url = page;
    let mut page = CostPage::new(shell, &of, ask, now);
    page.form = PriceForm::again(&form, &wrong, now);
    let mut answer = html(&page)?;
    *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_price_keeps_what_was_entered_and_each_mistake_is_at_its_field() {
        let sent = Sent {
            device: "H200".into(),
            dollars_per_hour: " two\" autofocus ".into(),
            valid_from: "soon".into(),
            source: String::new(),
        };
        let wrong = sent.entry().check().unwrap_err();
        let now = OffsetDateTime::UNIX_EPOCH;
        let form = PriceForm::again(&sent, &wrong, now);
        let told: Vec<(&str, &str, usize)> = form
            .fields
            .iter()
            .map(|f| (f.name, f.value.as_str(), f.wrong.len()))
            .collect();
        assert_eq!(
            told,
            [
                ("device", "H200", 0),
                ("dollars_per_hour", " two\" autofocus ", 1),
                ("valid_from", "soon", 1),
                ("source", "", 1),
            ]
        );
        assert!(form.is_wrong());
        let empty = PriceForm::empty(now);
        assert!(!empty.is_wrong() && empty.fields[2].placeholder == "1970-01-01");
    }
}
