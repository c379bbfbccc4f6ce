//! What an hour of a device costs, as somebody has entered it: dated, with its source,
//! never edited. Without any, nothing is shown in money.

use crate::Result;
use crate::numbers::text;
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
