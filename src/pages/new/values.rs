//! Values of a file as texts of a field, and back.

use serde_json::{Number, Value, json};

/// As short as it reads back: `4e11`.
pub(super) fn amount(of: &Number) -> String {
    match (of.as_u64(), of.as_f64()) {
        (Some(whole), _) if whole < 100_000 => whole.to_string(),
        (_, Some(float)) if float != 0.0 && !(1e-3..1e5).contains(&float.abs()) => {
            format!("{float:e}")
        }
        (_, Some(float)) => float.to_string(),
        (_, None) => of.to_string(),
    }
}

pub(super) fn seeds(of: &Value) -> String {
    match of {
        Value::Number(n) => n.to_string(),
        Value::Array(list) => {
            let counts = (0_u64..).zip(list).all(|(i, v)| v.as_u64() == Some(i));
            if counts {
                return list.len().to_string();
            }
            let words: Vec<String> = list.iter().map(Value::to_string).collect();
            words.join(", ")
        }
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Object(_) => String::new(),
    }
}

pub(super) fn read_seeds(text: &str) -> Value {
    if text.contains(',') {
        let parts = text.split(',').filter(|p| !p.trim().is_empty());
        return parts.map(number_or_text).collect();
    }
    number_or_text(text)
}

pub(super) fn text_or_nothing(text: &str) -> Value {
    if text.trim().is_empty() {
        Value::Null
    } else {
        json!(text)
    }
}

/// What is no number stays as it was typed: the reader then says what it expected.
pub(super) fn number_or_text(text: &str) -> Value {
    let text = text.trim();
    if text.is_empty() {
        return Value::Null;
    }
    if let Ok(whole) = text.parse::<u64>() {
        return json!(whole);
    }
    let float = text.parse::<f64>().ok().and_then(Number::from_f64);
    float.map_or_else(|| json!(text), Value::Number)
}
