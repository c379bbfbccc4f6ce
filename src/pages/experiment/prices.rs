//! Axes in dollars: which prices they stand on, or which is missing.

use super::axis::Cost;
use crate::number;
use assay_store::Dollars;

/// Why an axis in dollars cannot be drawn, and what is drawn in its place. One price that is
/// missing makes every sum wrong: nothing is counted as free.
pub(super) fn missing(asked: Cost, of: &Dollars, instead: Cost) -> Option<String> {
    let devices = match asked {
        Cost::Usd => of.unpriced(),
        Cost::Flops | Cost::Tokens | Cost::Device | Cost::Wall => vec![],
    };
    (!devices.is_empty()).then(|| refused(&devices, Some(instead.title())))
}

/// The same of devices that have no price; nothing instead where no other axis is known.
pub(in crate::pages) fn refused(devices: &[&str], instead: Option<&str>) -> String {
    let drawn = instead.map_or(
        "Budgets are counted in different units, so no other axis is drawn.".into(),
        |title| format!("The axis counts {title}."),
    );
    format!(
        "No axis in dollars: no price was in force for {} when it began to work here. {drawn} Prices are entered on the cost page or with assay price add, from a day on that lies before the work.",
        devices.join(", ")
    )
}

/// What a dollar on the axis stands on.
pub(in crate::pages) fn said(of: &Dollars) -> String {
    let prices: Vec<String> = of
        .prices()
        .into_iter()
        .map(|(device, price)| {
            format!(
                "{device} ${} an hour from {} ({})",
                price.dollars_per_hour,
                price.valid_from.date(),
                price.source
            )
        })
        .collect();
    match prices.is_empty() {
        true => "Device time at the prices that were entered; no work has a price yet.".into(),
        false => format!(
            "Device time at {} in force when each attempt began: {}.",
            match prices.len() {
                1 => "the price".to_string(),
                n => format!("the {}", number::counted(n as i64, "price")),
            },
            prices.join("; ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::ids::RunId;
    use assay_store::{AttemptPrice, ChargedAttempt};
    use time::OffsetDateTime;

    fn dollars(price: Option<f64>) -> Dollars {
        let mut of = Dollars::default();
        let attempt = ChargedAttempt {
            device: "cpu".into(),
            device_ms: 1e3,
            price: price.map(|dollars_per_hour| AttemptPrice {
                dollars_per_hour,
                valid_from: OffsetDateTime::UNIX_EPOCH,
                source: "invoice 7".into(),
            }),
        };
        of.runs
            .insert(RunId(uuid::Uuid::nil()), vec![attempt.clone(), attempt]);
        of
    }

    #[test]
    fn a_missing_price_is_named_with_what_is_drawn_in_its_place() {
        let said = missing(Cost::Usd, &dollars(None), Cost::Flops).unwrap();
        assert!(said.contains("for cpu when") && said.contains("training FLOPs charged"));
        assert_eq!(missing(Cost::Usd, &dollars(Some(0.05)), Cost::Flops), None);
        assert_eq!(missing(Cost::Wall, &dollars(None), Cost::Flops), None);
    }

    #[test]
    fn a_price_is_said_once_with_its_day_and_source() {
        assert_eq!(
            said(&dollars(Some(0.05))),
            "Device time at the price in force when each attempt began: cpu $0.05 an hour from 1970-01-01 (invoice 7)."
        );
    }
}
