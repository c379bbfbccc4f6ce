//! An experiment file with some of its values replaced: how one file has two sizes.

use serde_json::{Map, Value};

/// A file as a value, nothing checked yet.
///
/// # Errors
/// What is wrong with the text.
pub fn read(text: &str) -> Result<Value, String> {
    serde_saphyr::from_str(text).map_err(|e| e.to_string())
}

/// The value as YAML.
///
/// # Errors
/// What cannot be written.
pub fn write(value: &Value) -> Result<String, String> {
    serde_saphyr::to_string(value).map_err(|e| e.to_string())
}

/// Keeps these arms of a file, and of its contrasts those that are still about arms of it.
/// Required attempts are the caller's: one that is left out needs a reason.
pub fn keep_arms(file: &mut Value, keep: impl Fn(&str) -> bool) {
    let is_kept = |value: &Value| value.as_str().is_none_or(&keep);
    if let Some(arms) = file.get_mut("arms").and_then(Value::as_array_mut) {
        arms.retain(|arm| is_kept(&arm["id"]));
    }
    if let Some(contrasts) = file.get_mut("contrasts").and_then(Value::as_array_mut) {
        contrasts.retain(|c| is_kept(&c["arm"]) && is_kept(&c["against"]));
    }
}

/// `patch` applied to `text`, both YAML, by RFC 7396: objects are merged, `null` removes,
/// everything else replaces. YAML again.
///
/// # Errors
/// What is wrong with either text.
pub fn patched(text: &str, patch: &str) -> Result<String, String> {
    let mut experiment = read(text)?;
    merge(&mut experiment, &read(patch)?);
    write(&experiment)
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

    #[test]
    fn contrasts_go_with_the_arms_that_they_are_about() {
        let text = "
arms: [{ id: a }, { id: b }, { id: c }]
contrasts: [{ arm: b, against: a }, { arm: c, against: a }, { arm: c, against: b }]";
        let mut file = read(text).unwrap();
        keep_arms(&mut file, |arm| arm != "c");
        assert_eq!(
            file,
            read("arms: [{ id: a }, { id: b }]\ncontrasts: [{ arm: b, against: a }]").unwrap()
        );
        // What is no such file is left as it is.
        let mut other = serde_json::json!({ "arms": 5 });
        keep_arms(&mut other, |_| false);
        assert_eq!(other, serde_json::json!({ "arms": 5 }));
    }
}
