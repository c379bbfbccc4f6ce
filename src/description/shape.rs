//! What a JSON value looks like: as a schema (JSON Schema 2020-12, which OpenAPI 3.1 uses) and
//! in words.

use serde_json::{Map, Value, json};

#[derive(Debug, Clone)]
pub enum Shape {
    Text,
    Id,
    Time,
    Integer,
    Number,
    Truth,
    Words(Vec<&'static str>),
    List(Box<Shape>),
    /// Any keys, values of one shape.
    Map(Box<Shape>),
    Pair(Box<Shape>, Box<Shape>),
    Nullable(Box<Shape>),
    Either(Box<Shape>, Box<Shape>),
    /// An object that has a name.
    Of(&'static str),
    /// One that has none.
    Inline(Vec<Field>),
    /// An object whose inside these words are all that is said of.
    Open(&'static str),
    Any,
}

#[derive(Debug, Clone)]
pub struct Field {
    pub name: &'static str,
    pub shape: Shape,
    /// Always there; of what is sent, needed.
    pub required: bool,
    pub about: &'static str,
}

#[derive(Debug, Clone)]
pub struct Object {
    pub name: &'static str,
    pub about: &'static str,
    pub fields: Vec<Field>,
}

pub(super) fn field(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field {
        name,
        shape,
        required: true,
        about,
    }
}

pub(super) fn object(name: &'static str, about: &'static str, fields: Vec<Field>) -> Object {
    Object {
        name,
        about,
        fields,
    }
}

pub(super) fn list(of: Shape) -> Shape {
    Shape::List(Box::new(of))
}

pub(super) fn map(of: Shape) -> Shape {
    Shape::Map(Box::new(of))
}

pub(super) fn pair(first: Shape, second: Shape) -> Shape {
    Shape::Pair(Box::new(first), Box::new(second))
}

pub(super) fn either(first: Shape, second: Shape) -> Shape {
    Shape::Either(Box::new(first), Box::new(second))
}

/// Or null.
pub(super) fn maybe(of: Shape) -> Shape {
    Shape::Nullable(Box::new(of))
}

impl Field {
    pub(super) fn optional(mut self) -> Self {
        self.required = false;
        self
    }
}

impl Object {
    pub fn schema(&self) -> Value {
        let mut schema = inline(&self.fields);
        schema["description"] = json!(self.about);
        schema
    }
}

/// Where an object with a name stands in the document.
pub(super) fn place(name: &str) -> String {
    format!("#/components/schemas/{name}")
}

fn inline(fields: &[Field]) -> Value {
    let mut properties = Map::new();
    for field in fields {
        let mut schema = field.shape.schema();
        if !field.about.is_empty() {
            schema["description"] = json!(field.about);
        }
        properties.insert(field.name.into(), schema);
    }
    let needed = fields.iter().filter(|f| f.required);
    let required: Vec<&str> = needed.map(|f| f.name).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

impl Shape {
    pub fn schema(&self) -> Value {
        match self {
            Self::Text => json!({ "type": "string" }),
            Self::Id => json!({ "type": "string", "format": "uuid" }),
            Self::Time => json!({ "type": "string", "format": "date-time" }),
            Self::Integer => json!({ "type": "integer" }),
            Self::Number => json!({ "type": "number" }),
            Self::Truth => json!({ "type": "boolean" }),
            Self::Words(words) => json!({ "type": "string", "enum": words }),
            Self::List(of) => json!({ "type": "array", "items": of.schema() }),
            Self::Map(of) => json!({ "type": "object", "additionalProperties": of.schema() }),
            Self::Pair(first, second) => json!({
                "type": "array",
                "prefixItems": [first.schema(), second.schema()],
                "minItems": 2,
                "maxItems": 2,
            }),
            Self::Nullable(of) => json!({ "anyOf": [of.schema(), { "type": "null" }] }),
            Self::Either(first, second) => json!({ "anyOf": [first.schema(), second.schema()] }),
            Self::Of(name) => json!({ "$ref": place(name) }),
            Self::Inline(fields) => inline(fields),
            Self::Open(about) => json!({ "type": "object", "description": about }),
            Self::Any => json!({}),
        }
    }

    /// In words: what stands before the name of an object, the name, and what stands after it.
    pub fn said(&self) -> (String, Option<&'static str>, String) {
        let plain = |words: &str| (words.to_string(), None, String::new());
        match self {
            Self::Text => plain("text"),
            Self::Id => plain("id"),
            Self::Time => plain("time, RFC 3339"),
            Self::Integer => plain("whole number"),
            Self::Number => plain("number"),
            Self::Truth => plain("true or false"),
            Self::Words(words) => plain(&format!("one of {}", words.join(", "))),
            Self::List(of) => {
                let (before, name, after) = of.said();
                (format!("list: {before}"), name, after)
            }
            Self::Map(of) => {
                let (before, name, after) = of.said();
                (format!("by key: {before}"), name, after)
            }
            Self::Pair(first, second) => {
                plain(&format!("pair of {} and {}", first.text(), second.text()))
            }
            Self::Nullable(of) => {
                let (before, name, after) = of.said();
                (before, name, format!("{after} or null"))
            }
            Self::Either(first, second) => plain(&format!("{} or {}", first.text(), second.text())),
            Self::Of(name) => (String::new(), Some(*name), String::new()),
            Self::Inline(fields) => {
                let names: Vec<&str> = fields.iter().map(|f| f.name).collect();
                plain(&format!("object with {}", names.join(", ")))
            }
            Self::Open(about) => plain(&format!("object: {about}")),
            Self::Any => plain("any value"),
        }
    }

    fn text(&self) -> String {
        let (before, name, after) = self.said();
        format!("{before}{}{after}", name.unwrap_or_default())
    }

    /// What the value itself has, where that is said here.
    pub fn fields(&self) -> &[Field] {
        match self {
            Self::Inline(fields) => fields,
            Self::Text
            | Self::Id
            | Self::Time
            | Self::Integer
            | Self::Number
            | Self::Truth
            | Self::Words(_)
            | Self::List(_)
            | Self::Map(_)
            | Self::Pair(_, _)
            | Self::Nullable(_)
            | Self::Either(_, _)
            | Self::Of(_)
            | Self::Open(_)
            | Self::Any => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_said_in_words_around_the_name_of_its_object() {
        let said = |shape: Shape| shape.text();
        assert_eq!(said(list(maybe(Shape::Of("Run")))), "list: Run or null");
        assert_eq!(
            said(list(pair(Shape::Text, Shape::Integer))),
            "list: pair of text and whole number"
        );
        let named = maybe(list(Shape::Of("Run"))).said();
        assert_eq!(named, ("list: ".into(), Some("Run"), " or null".into()));
    }

    #[test]
    fn a_schema_tells_what_is_always_there_from_what_is_not() {
        let of = object(
            "Thing",
            "A thing.",
            vec![
                field("id", Shape::Id, ""),
                field("at", maybe(Shape::Time), "When.").optional(),
            ],
        );
        assert_eq!(
            of.schema(),
            json!({
                "type": "object",
                "description": "A thing.",
                "required": ["id"],
                "properties": {
                    "id": { "type": "string", "format": "uuid" },
                    "at": {
                        "anyOf": [{ "type": "string", "format": "date-time" }, { "type": "null" }],
                        "description": "When.",
                    },
                },
            })
        );
    }
}
