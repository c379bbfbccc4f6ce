//! How busy a worker's machine is, as the worker last saw it.

use serde::{Deserialize, Deserializer, Serialize};

/// What a machine does not tell is left out. Read within bounds: a percentage beyond 0 to 100
/// is moved to the nearer end, one that is no number is dropped, and so is a size beyond what
/// JSON carries exactly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Load {
    /// Of all the machine's cores.
    #[serde(deserialize_with = "percent", skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<f64>,
    #[serde(deserialize_with = "bytes", skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    #[serde(deserialize_with = "bytes", skip_serializing_if = "Option::is_none")]
    pub memory_total_bytes: Option<u64>,
    #[serde(deserialize_with = "percent", skip_serializing_if = "Option::is_none")]
    pub gpu_percent: Option<f64>,
    #[serde(deserialize_with = "bytes", skip_serializing_if = "Option::is_none")]
    pub gpu_memory_bytes: Option<u64>,
    #[serde(deserialize_with = "bytes", skip_serializing_if = "Option::is_none")]
    pub gpu_memory_total_bytes: Option<u64>,
}

/// The largest whole number up to which JSON's readers agree on all.
const MAX_BYTES: u64 = 1 << 53;

fn percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let read = Option::<f64>::deserialize(deserializer)?;
    Ok(read.filter(|p| p.is_finite()).map(|p| p.clamp(0.0, 100.0)))
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let read = Option::<u64>::deserialize(deserializer)?;
    Ok(read.filter(|b| *b <= MAX_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{ClaimRequest, HeartbeatRequest};

    #[test]
    fn a_load_is_read_within_bounds() {
        let read = |text: &str| serde_json::from_str::<Load>(text);
        assert_eq!(read("{}").unwrap(), Load::default());
        assert_eq!(read(r#"{"cpu_percent":null}"#).unwrap(), Load::default());
        let wide = read(
            r#"{"cpu_percent":1e300,"gpu_percent":-7,"memory_bytes":9007199254740993,
                "memory_total_bytes":9007199254740992,"gpu_memory_bytes":18446744073709551615}"#,
        );
        let expected = Load {
            cpu_percent: Some(100.0),
            gpu_percent: Some(0.0),
            memory_total_bytes: Some(MAX_BYTES),
            ..Load::default()
        };
        assert_eq!(wide.unwrap(), expected);
        for wrong in [
            r#"{"cpu_percent":"92"}"#,
            r#"{"memory_bytes":-1}"#,
            r#"{"memory_bytes":1.5}"#,
            r#"{"gpu_percent":1e999}"#,
            r#""busy""#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn workers_that_tell_no_load_are_understood_and_send_what_they_sent() {
        let id = "00000000-0000-0000-0000-000000000000";
        let old = format!(r#"{{"worker":"{id}","step":3}}"#);
        let beat: HeartbeatRequest = serde_json::from_str(&old).unwrap();
        assert_eq!(beat.load, None);
        assert_eq!(serde_json::to_string(&beat).unwrap(), old);
        let old = format!(r#"{{"worker":"{id}","free_threads":1,"wait_seconds":2}}"#);
        let ask: ClaimRequest = serde_json::from_str(&old).unwrap();
        assert_eq!(ask.load, None);
        assert_eq!(serde_json::to_string(&ask).unwrap(), old);
    }
}
