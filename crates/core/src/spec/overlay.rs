//! An experiment file with some of its values replaced: how one file has two sizes.

use serde_json::{Map, Value};

/// `patch` applied to `text`, both YAML, by RFC 7396: objects are merged, `null` removes,
/// everything else replaces. YAML again.
///
/// # Errors
/// What is wrong with either text.
pub fn patched(text: &str, patch: &str) -> Result<String, String> {
    let read = |text: &str| -> Result<Value, String> {
        serde_saphyr::from_str(text).map_err(|e| e.to_string())
    };
    let mut experiment = read(text)?;
    merge(&mut experiment, &read(patch)?);
    serde_saphyr::to_string(&experiment).map_err(|e| e.to_string())
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Value::Object(target) = target {
        for (key, change) in changes {
            if change.is_null() {
                target.remove(key);
            } else {
                merge(target.entry(key.clone()).or_insert(Value::Null), change);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_merged_null_removes_and_lists_are_replaced() {
        let text = "a: 1\nb: { c: 2, d: [1, 2] }\ne: 5\n";
        let merged = patched(text, "b: { d: [3], f: x }\ne: null\n").unwrap();
        let value: Value = serde_saphyr::from_str(&merged).unwrap();
        assert_eq!(
            value,
            serde_json::json!({ "a": 1, "b": { "c": 2, "d": [3], "f": "x" } })
        );
        assert!(patched("a: [", "b: 1").is_err());
    }
}
