//! What an hour of a device costs, as somebody has entered it: dated, with its source,
//! never edited. Without any, nothing is shown in money.

use crate::Result;
use crate::numbers::text;
use assay_core::device::Device;
use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Price {
    pub id: i64,
    /// `cpu`, `cuda` or a device's name.
    pub device: String,
    pub dollars_per_hour: f64,
    #[serde(with = "time::serde::rfc3339")]
    pub valid_from: OffsetDateTime,
    pub source: String,
    #[serde(with = "time::serde::rfc3339")]
    pub entered_at: OffsetDateTime,
}

/// What is entered; from now on where `valid_from` (RFC 3339, or a day) is not given.
#[derive(Debug, Clone)]
pub struct NewPrice {
    pub device: String,
    pub dollars_per_hour: f64,
    pub valid_from: Option<OffsetDateTime>,
    pub source: String,
}

/// The price that holds now on a device: one for its own name, however old, goes before one for
/// its class; of several the newest that has begun.
pub fn price_in_force<'a>(
    prices: &'a [Price],
    device: &Device,
    now: OffsetDateTime,
) -> Option<&'a Price> {
    newest(prices, &device.name, now).or_else(|| newest(prices, &device.class, now))
}

fn newest<'a>(prices: &'a [Price], name: &str, now: OffsetDateTime) -> Option<&'a Price> {
    let own = prices.iter().filter(|price| price.valid_from <= now);
    own.filter(|price| price.device.eq_ignore_ascii_case(name))
        .max_by_key(|price| (price.valid_from, price.id))
}

/// # Errors
/// `Database`, of a price that the table's checks refuse.
pub async fn insert_price(conn: &mut PgConnection, price: &NewPrice) -> Result<i64> {
    let id = sqlx::query_scalar!(
        "insert into price (device, dollars_per_hour, valid_from, source)
         values ($1, $2, coalesce($3, clock_timestamp()), $4) returning id",
        text(price.device.trim()),
        price.dollars_per_hour,
        price.valid_from,
        text(price.source.trim())
    )
    .fetch_one(conn)
    .await?;
    Ok(id)
}

/// By device, the newest first.
///
/// # Errors
/// `Database`.
pub async fn list_prices(conn: &mut PgConnection) -> Result<Vec<Price>> {
    Ok(sqlx::query_as!(
        Price,
        "select id, device, dollars_per_hour, valid_from, source, entered_at
         from price order by lower(device), valid_from desc, id desc limit 500"
    )
    .fetch_all(conn)
    .await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::Duration;

    fn price(id: i64, device: &str, dollars_per_hour: f64, days: i64) -> Price {
        Price {
            id,
            device: device.into(),
            dollars_per_hour,
            valid_from: OffsetDateTime::UNIX_EPOCH + Duration::days(days),
            source: "s".into(),
            entered_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_devices_own_price_that_has_begun_goes_before_its_classs() {
        let prices = [
            price(1, "NVIDIA H200", 3.0, 1),
            price(2, "nvidia h200", 9.0, 20),
            price(3, "CUDA", 1.0, 5),
            price(4, "cpu", 0.05, 1),
        ];
        let device = |name: &str, class: &str| Device {
            name: name.into(),
            class: class.into(),
        };
        let at = |device: &Device, days: i64| {
            let now = OffsetDateTime::UNIX_EPOCH + Duration::days(days);
            price_in_force(&prices, device, now).map(|p| p.dollars_per_hour)
        };
        let h200 = device("NVIDIA H200", "cuda");
        // The class's is newer, the next of its own has not begun.
        assert_eq!(at(&h200, 9), Some(3.0));
        assert_eq!(at(&h200, 21), Some(9.0));
        assert_eq!(at(&h200, 0), None);
        assert_eq!(at(&device("NVIDIA H100", "cuda"), 9), Some(1.0));
        assert_eq!(at(&device("unknown device", ""), 9), None);
    }
}
