//! Reading what a client sends: bounded in size and in time, every failure a 4xx.

use crate::problem::Problem;
use actix_web::HttpRequest;
use actix_web::http::{StatusCode, header};
use actix_web::web::Payload;
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// A body may take this long, plus what its size needs at the slowest allowed pace.
const PATIENCE: Duration = Duration::from_secs(30);
const SLOWEST_BYTES_PER_SECOND: u64 = 10 << 10;
/// So much of a body that is too large is read and thrown away, so that the
/// client gets our answer instead of a broken connection.
const DRAIN: usize = 64 << 20;
/// Larger bodies are parsed off the event loop.
const INLINE: usize = 128 << 10;

/// The whole body, at most `limit` bytes.
///
/// # Errors
/// 413, 408 for a trickle, 415 for a compressed body, 400 for a broken one.
pub async fn read(
    request: &HttpRequest,
    mut payload: Payload,
    limit: usize,
) -> Result<Vec<u8>, Problem> {
    let encoded = request.headers().get(header::CONTENT_ENCODING);
    if encoded.is_some_and(|e| !e.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send the body uncompressed",
        ));
    }
    let reading = async {
        let mut body = vec![];
        let mut received = 0_usize;
        while let Some(chunk) = payload.next().await {
            let chunk =
                chunk.map_err(|e| Problem::bad_request(format!("the body broke off: {e}")))?;
            received += chunk.len();
            if received > limit {
                body = vec![];
                if received > DRAIN {
                    break;
                }
                continue;
            }
            body.extend_from_slice(&chunk);
        }
        if received > limit {
            Err(Problem::too_large(limit))
        } else {
            Ok(body)
        }
    };
    let time = PATIENCE + Duration::from_secs(limit as u64 / SLOWEST_BYTES_PER_SECOND);
    match tokio::time::timeout(time, reading).await {
        Ok(read) => read,
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "the body came too slowly",
        )),
    }
}

/// A JSON body of a known form.
///
/// # Errors
/// As `read`, and 400 with the place in the text where it stops being JSON of that form.
pub async fn json<T: DeserializeOwned + Send + 'static>(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
) -> Result<T, Problem> {
    let body = read(request, payload, limit).await?;
    let parse = |body: &[u8]| {
        serde_json::from_slice(body)
            .map_err(|e| Problem::bad_request(format!("the body is not what was expected: {e}")))
    };
    if body.len() <= INLINE {
        return parse(&body);
    }
    tokio::task::spawn_blocking(move || parse(&body))
        .await
        .map_err(Problem::internal)?
}

/// The same of a body that may be left out.
///
/// # Errors
/// As `json`.
pub async fn json_if_any<T: DeserializeOwned + Default>(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
) -> Result<T, Problem> {
    let body = read(request, payload, limit).await?;
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(T::default());
    }
    serde_json::from_slice(&body)
        .map_err(|e| Problem::bad_request(format!("the body is not what was expected: {e}")))
}
