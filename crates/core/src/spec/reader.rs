//! Reads JSON from outside into typed parameters and reports *every* violation,
//! each with its pointer, instead of stopping at the first.

use crate::violation::Violation;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::ops::RangeInclusive;

/// Collects violations while a document is read.
#[derive(Debug, Default)]
pub struct Sink {
    found: RefCell<Vec<Violation>>,
    is_kept: bool,
}

impl Sink {
    /// Of a document that was let in before.
    pub fn of_kept() -> Self {
        Self {
            is_kept: true,
            ..Self::default()
        }
    }

    /// Rules on single characters have become stricter: what they let in once stays readable.
    pub fn is_kept(&self) -> bool {
        self.is_kept
    }

    pub fn report(&self, pointer: impl Into<String>, message: impl Into<String>) {
        self.found
            .borrow_mut()
            .push(Violation::new(pointer, message));
    }

    pub fn into_inner(self) -> Vec<Violation> {
        self.found.into_inner()
    }
}

/// One object of the document.
#[derive(Debug)]
pub struct Reader<'a> {
    map: Option<&'a Map<String, Value>>,
    pointer: String,
    sink: &'a Sink,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Reader<'a> {
    /// `value` should be an object; if it is not, that is reported and every
    /// field then reads as absent, silently.
    pub fn new(value: &'a Value, pointer: impl Into<String>, sink: &'a Sink) -> Self {
        let pointer = pointer.into();
        let map = value.as_object();
        if map.is_none() {
            sink.report(
                &pointer,
                format!("expected an object, found {}", describe(value)),
            );
        }
        Self {
            map,
            pointer,
            sink,
            known: RefCell::default(),
        }
    }

    pub fn sink(&self) -> &'a Sink {
        self.sink
    }

    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    pub fn at(&self, key: &str) -> String {
        format!("{}/{}", self.pointer, escape(key))
    }

    pub fn report(&self, key: &str, message: impl Into<String>) {
        self.sink.report(self.at(key), message);
    }

    /// The raw value; marks the key as known. `null` counts as absent.
    pub fn raw(&self, key: &'static str) -> Option<&'a Value> {
        self.known.borrow_mut().push(key);
        self.map
            .and_then(|map| map.get(key))
            .filter(|value| !value.is_null())
    }

    pub fn has(&self, key: &str) -> bool {
        self.map
            .is_some_and(|map| map.get(key).is_some_and(|value| !value.is_null()))
    }

    pub fn optional<T: Field>(&self, key: &'static str) -> Option<T> {
        let value = self.raw(key)?;
        match T::read(value) {
            Ok(read) => Some(read),
            Err(message) => {
                self.report(key, message);
                None
            }
        }
    }

    pub fn required<T: Field>(&self, key: &'static str) -> Option<T> {
        if !self.has(key) {
            self.known.borrow_mut().push(key);
            if self.map.is_some() {
                self.report(key, "is required");
            }
            return None;
        }
        self.optional(key)
    }

    /// A field with a default and, for numbers, an allowed range.
    pub fn field<T: Field>(
        &self,
        key: &'static str,
        default: T,
        range: Option<RangeInclusive<f64>>,
    ) -> T {
        let Some(value) = self.optional::<T>(key) else {
            return default;
        };
        if let (Some(range), Some(size)) = (range, value.magnitude())
            && !range.contains(&size)
        {
            self.report(
                key,
                format!(
                    "must be between {} and {}, is {size}",
                    range.start(),
                    range.end()
                ),
            );
            return default;
        }
        value
    }

    /// An array of objects or strings; anything else is reported and read as empty.
    pub fn array(&self, key: &'static str) -> &'a [Value] {
        match self.raw(key) {
            None => &[],
            Some(Value::Array(items)) => items,
            Some(other) => {
                self.report(key, format!("expected a list, found {}", describe(other)));
                &[]
            }
        }
    }

    /// Reports every key that nothing has asked for.
    pub fn finish(self) {
        let Some(map) = self.map else { return };
        let known = self.known.borrow();
        for key in map.keys() {
            if !known.contains(&key.as_str()) {
                let near = known
                    .iter()
                    .min_by_key(|k| distance(k, key))
                    .filter(|k| distance(k, key) <= 3);
                let hint = near.map_or(String::new(), |k| format!("; did you mean `{k}`?"));
                self.sink.report(self.at(key), format!("unknown key{hint}"));
            }
        }
    }
}

/// A value that can be read from JSON, with a message that says what was expected.
pub trait Field: Sized {
    fn read(value: &Value) -> Result<Self, String>;

    /// For range checks; `None` where a range means nothing.
    fn magnitude(&self) -> Option<f64> {
        None
    }
}

pub fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Bool(b) => format!("{b}"),
        Value::Number(n) => format!("{n}"),
        Value::String(s) => format!("{:?}", s.chars().take(60).collect::<String>()),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
    }
}

macro_rules! whole_numbers {
    ($($t:ty),*) => {$(
        impl Field for $t {
            fn read(value: &Value) -> Result<Self, String> {
                let whole = value.as_u64().or_else(|| {
                    // 1e6 is a whole number too.
                    value.as_f64().filter(|f| f.fract() == 0.0 && *f >= 0.0 && *f < 9e15).map(|f| f as u64)
                });
                whole.and_then(|n| <$t>::try_from(n).ok())
                    .ok_or_else(|| format!("expected a whole number, found {}", describe(value)))
            }
            fn magnitude(&self) -> Option<f64> { Some(*self as f64) }
        }
    )*};
}
whole_numbers!(u32, u64);

impl Field for f64 {
    fn read(value: &Value) -> Result<Self, String> {
        value
            .as_f64()
            .filter(|f| f.is_finite())
            .ok_or_else(|| format!("expected a number, found {}", describe(value)))
    }
    fn magnitude(&self) -> Option<f64> {
        Some(*self)
    }
}

impl Field for bool {
    fn read(value: &Value) -> Result<Self, String> {
        value
            .as_bool()
            .ok_or_else(|| format!("expected true or false, found {}", describe(value)))
    }
}

impl Field for String {
    fn read(value: &Value) -> Result<Self, String> {
        value
            .as_str()
            .map(Into::into)
            .ok_or_else(|| format!("expected text, found {}", describe(value)))
    }
}

impl<T: Field> Field for Option<T> {
    fn read(value: &Value) -> Result<Self, String> {
        T::read(value).map(Some)
    }
    fn magnitude(&self) -> Option<f64> {
        self.as_ref().and_then(Field::magnitude)
    }
}

impl<T: Field> Field for Vec<T> {
    fn read(value: &Value) -> Result<Self, String> {
        let items = value
            .as_array()
            .ok_or_else(|| format!("expected a list, found {}", describe(value)))?;
        items
            .iter()
            .enumerate()
            .map(|(i, v)| T::read(v).map_err(|m| format!("item {i}: {m}")))
            .collect()
    }
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Levenshtein distance, for hints.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Declares a group of parameters: its struct, its defaults, its ranges and its reader, once.
macro_rules! params {
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$doc:meta])* pub $field:ident: $ty:ty = $default:expr $(, in $range:expr)?;)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$doc])* pub $field: $ty,)* }

        impl Default for $name {
            fn default() -> Self { Self { $($field: $default,)* } }
        }

        impl $name {
            /// Reads the fields out of an object; violations go to the reader's sink.
            pub fn read(reader: &$crate::spec::reader::Reader<'_>) -> Self {
                Self { $($field: reader.field(
                    stringify!($field), $default,
                    params!(@range $($range)?),
                ),)* }
            }
        }
    };
    (@range) => { None };
    (@range $range:expr) => { Some($range) };
}

/// Declares a choice: an enum, its words in files, and the error that lists them.
macro_rules! choice {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),*];
            pub fn word(self) -> &'static str { match self { $($name::$variant => $word,)* } }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.word()) }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(format!("expected one of {}", [$($word),*].join(", "))),
                }
            }
        }

        impl $crate::spec::reader::Field for $name {
            fn read(value: &serde_json::Value) -> Result<Self, String> {
                let found = || format!("found {}", $crate::spec::reader::describe(value));
                let text = value.as_str().ok_or_else(|| format!("expected one of {}, {}", [$($word),*].join(", "), found()))?;
                text.parse().map_err(|expected: String| format!("{expected}, {}", found()))
            }
        }
    };
}

pub(crate) use {choice, params};
