//! One byte sequence for one JSON value, and its sha256: what a stage's hash is made of.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// JSON with sorted keys and no white space. Independent of the order in which
/// a map was built, and of serde_json's `preserve_order` feature.
pub fn to_string(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

/// Lower-case hex sha256 of the canonical form.
pub fn sha256(value: &Value) -> String {
    sha256_of(to_string(value).as_bytes())
}

/// Lower-case hex sha256 of bytes.
pub fn sha256_of(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<_> = map.keys().collect();
            keys.sort();
            out.push('{');
            for (i, key) in keys.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write(&map[key], out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.push_str(&value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_keys_does_not_change_the_hash() {
        let a: Value = serde_json::from_str(r#"{"b":1,"a":{"y":[1,2],"x":0.5}}"#).unwrap();
        let b: Value = serde_json::from_str(r#"{"a":{"x":0.5,"y":[1,2]},"b":1}"#).unwrap();
        assert_eq!(to_string(&a), r#"{"a":{"x":0.5,"y":[1,2]},"b":1}"#);
        assert_eq!(sha256(&a), sha256(&b));
        assert_ne!(sha256(&a), sha256(&json!({"a":{"x":0.5,"y":[2,1]},"b":1})));
    }
}
