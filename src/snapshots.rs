//! States that were kept for citations, packed and unpacked. Nothing of one is shown before its
//! hashes have been found to be right.

use crate::problem::Problem;
use actix_web::http::StatusCode;
use assay_core::canonical;
use assay_store::{NewSnapshot, Snapshot};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::io::{Read, Write};
use time::format_description::well_known::Rfc3339;

/// Unpacked.
const MAX_BYTES: u64 = 256 << 20;
/// Of a view's words.
const MAX_QUERY: usize = 4_096;

/// A kept state whose hashes are right.
#[derive(Debug)]
pub struct Opened {
    /// Canonical JSON; the state's name is its hash.
    pub state: String,
    /// JSON.
    pub inputs: Vec<u8>,
}

/// The start of a hash as somebody gives it, in lower case.
pub fn start(text: &str) -> Option<String> {
    let digits = text.chars().all(|c| c.is_ascii_hexdigit());
    (digits && (8..=64).contains(&text.len())).then(|| text.to_ascii_lowercase())
}

/// # Errors
/// 413 of a state that is too large to be kept.
pub fn packed(state: &str, inputs: &[u8], query: &str) -> Result<NewSnapshot, Problem> {
    let inputs = zipped(inputs)?;
    Ok(NewSnapshot {
        id: canonical::sha256_of(state.as_bytes()),
        state: zipped(state.as_bytes())?,
        inputs_sha256: canonical::sha256_of(&inputs),
        inputs,
        query: match query.len() <= MAX_QUERY {
            true => query.into(),
            false => String::new(),
        },
    })
}

/// # Errors
/// 500 where something else is stored than was kept.
pub fn opened(of: &Snapshot) -> Result<Opened, Problem> {
    if canonical::sha256_of(&of.inputs) != of.inputs_sha256 {
        return Err(broken(&of.id, "another hash of its inputs"));
    }
    let text = |bytes: &[u8]| unzipped(bytes).map_err(|e| broken(&of.id, e));
    let state = text(&of.state)?;
    if canonical::sha256_of(&state) != of.id {
        return Err(broken(&of.id, "another hash of its state"));
    }
    Ok(Opened {
        state: String::from_utf8(state).map_err(|e| broken(&of.id, e))?,
        inputs: text(&of.inputs)?,
    })
}

/// For other programs: `snapshot` is sha256 over the canonical JSON of `state`.
///
/// # Errors
/// As [`opened`].
pub async fn exported(of: Snapshot) -> Result<String, Problem> {
    let written = tokio::task::spawn_blocking(move || written(&of));
    written.await.map_err(Problem::internal)?
}

fn written(of: &Snapshot) -> Result<String, Problem> {
    let opened = opened(of)?;
    let read = |text: &[u8]| -> Result<Value, Problem> {
        serde_json::from_slice(text).map_err(|e| broken(&of.id, e))
    };
    let taken_at = of.taken_at.format(&Rfc3339).map_err(Problem::internal)?;
    let whole = json!({
        "experiment": of.experiment,
        "snapshot": of.id,
        "taken_at": taken_at,
        "query": of.query,
        "state": read(opened.state.as_bytes())?,
        "inputs": read(&opened.inputs)?,
    });
    Ok(whole.to_string())
}

/// Wrong numbers are worse than none.
pub fn broken(id: &str, why: impl std::fmt::Display) -> Problem {
    Problem {
        source: Some(format!("snapshot {id}: {why}")),
        ..Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!(
                "the state kept as {id} is damaged: what is stored is not what was kept, so nothing of it is shown"
            ),
        )
    }
}

fn zipped(bytes: &[u8]) -> Result<Vec<u8>, Problem> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the state is larger than the {MAX_BYTES} bytes that are kept of one"),
        ));
    }
    let mut to = GzEncoder::new(vec![], Compression::default());
    to.write_all(bytes).map_err(Problem::internal)?;
    to.finish().map_err(Problem::internal)
}

fn unzipped(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut out = vec![];
    GzDecoder::new(bytes)
        .take(MAX_BYTES)
        .read_to_end(&mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::ids::ExperimentId;
    use time::OffsetDateTime;

    fn stored() -> Snapshot {
        let new = packed("{\"a\":0.1}", b"{\"b\":2}", "metric=length").unwrap();
        Snapshot {
            experiment: ExperimentId(uuid::Uuid::nil()),
            id: new.id,
            taken_at: OffsetDateTime::UNIX_EPOCH,
            state: new.state,
            inputs: new.inputs,
            inputs_sha256: new.inputs_sha256,
            query: new.query,
        }
    }

    #[test]
    fn what_was_kept_is_read_back_under_the_hash_of_its_state() {
        let of = stored();
        assert_eq!(of.id, canonical::sha256(&json!({ "a": 0.1 })));
        let all: Value = serde_json::from_str(&written(&of).unwrap()).unwrap();
        assert_eq!(all["state"]["a"], 0.1);
        assert_eq!(all["inputs"]["b"], 2);
        assert_eq!(all["snapshot"], of.id);
        assert_eq!(canonical::sha256(&all["state"]), of.id);
        assert_eq!(all["taken_at"], "1970-01-01T00:00:00Z");
        let long = packed("{}", b"{}", &"x".repeat(MAX_QUERY + 1)).unwrap();
        assert_eq!(long.query, "");
    }

    #[test]
    fn anything_else_than_was_kept_is_refused_whole() {
        let other = packed("{\"a\":0.2}", b"{\"b\":3}", "").unwrap();
        let damaged: [fn(&mut Snapshot, &NewSnapshot); 5] = [
            |of, other| of.state.clone_from(&other.state),
            |of, other| of.inputs.clone_from(&other.inputs),
            |of, other| of.id.clone_from(&other.id),
            |of, _| of.state.truncate(12),
            |of, _| of.inputs.clear(),
        ];
        for (i, damage) in damaged.into_iter().enumerate() {
            let mut of = stored();
            damage(&mut of, &other);
            let refused = written(&of).unwrap_err();
            assert_eq!(refused.status, StatusCode::INTERNAL_SERVER_ERROR, "{i}");
            assert!(refused.detail.contains("damaged"), "{i}");
        }
    }

    #[test]
    fn a_hash_is_named_by_eight_digits_or_more() {
        assert_eq!(start("0123ABCD").as_deref(), Some("0123abcd"));
        let long = "a".repeat(65);
        for bad in ["", "0123abc", "0123abcg", "%25252525", long.as_str()] {
            assert_eq!(start(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_number_is_read_back_to_its_last_bit() {
        for bits in 0..20_000_u64 {
            let number = f64::from_bits(0x3fb0_0000_0000_0000 + bits * 0x0001_2345_6789);
            let text = serde_json::to_string(&number).unwrap();
            let back: f64 = serde_json::from_str(&text).unwrap();
            assert_eq!(back.to_bits(), number.to_bits(), "{text}");
        }
    }
}
