//! The description as an OpenAPI 3.1 document.

use super::shape::place;
use super::{ANY_TIME, BASE, Body, Example, Operation, Parameter, Place, description};
use serde_json::{Map, Value, json};

const ABOUT: &str = "Every call under /api/v1. Bodies are at most 2 MiB, some less; answers are JSON. \
    Errors are application/problem+json in one form, with a JSON pointer for every broken rule. \
    The worker protocol is internal and no part of this.";

/// `token`: this server asks for one.
pub fn document(token: bool) -> Value {
    let described = description();
    let mut paths: Map<String, Value> = Map::new();
    for (group, operation) in described.operations() {
        let path = paths
            .entry(operation.path)
            .or_insert_with(|| Value::Object(Map::new()));
        path[operation.method.word().to_ascii_lowercase()] = one(operation, group.name);
    }
    let schemas: Map<String, Value> = described
        .objects
        .iter()
        .map(|object| (object.name.to_string(), object.schema()))
        .collect();
    let tags: Vec<Value> = described
        .groups
        .iter()
        .map(|group| json!({ "name": group.name, "description": group.question }))
        .collect();
    let mut security = vec![json!({ "token": [] })];
    if !token {
        // On a loopback address none is needed.
        security.insert(0, json!({}));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Assay",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": BASE }],
        "security": security,
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": { "Problem": problem() },
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The admin token. Outside loopback addresses every call needs it.",
                },
            },
        },
    })
}

fn problem() -> Value {
    let said: Vec<String> = ANY_TIME
        .iter()
        .map(|(status, why)| format!("{status} {why}"))
        .collect();
    json!({
        "description": format!("Any error. Of whatever call: {}.", said.join("; ")),
        "content": { "application/problem+json": { "schema": { "$ref": place("Problem") } } },
    })
}

fn one(operation: &Operation, tag: &str) -> Value {
    let mut responses = Map::new();
    for &(status, what) in &operation.answers {
        let what = if what.is_empty() {
            "As described."
        } else {
            what
        };
        responses.insert(
            status.to_string(),
            json!({
                "description": what,
                "content": { "application/json": { "schema": operation.answer.schema() } },
            }),
        );
    }
    let refused =
        |why: &str| json!({ "$ref": "#/components/responses/Problem", "description": why });
    for &(status, why) in &operation.errors {
        responses.insert(status.to_string(), refused(why));
    }
    responses.insert(
        "default".into(),
        json!({ "$ref": "#/components/responses/Problem" }),
    );
    let mut said = json!({
        "operationId": operation.id,
        "tags": [tag],
        "summary": operation.summary,
        "responses": responses,
    });
    if !operation.about.is_empty() {
        said["description"] = json!(operation.about);
    }
    if !operation.parameters.is_empty() {
        said["parameters"] = operation.parameters.iter().map(parameter).collect();
    }
    if let Some(body) = &operation.body {
        said["requestBody"] = sent(body);
    }
    said
}

fn parameter(of: &Parameter) -> Value {
    json!({
        "name": of.name,
        "in": of.place.word(),
        "required": of.place == Place::Path,
        "description": of.about,
        "schema": of.shape.schema(),
    })
}

fn sent(body: &Body) -> Value {
    let text = body.example.text();
    let mut content = Map::new();
    for kind in &body.kinds {
        // A file that is no JSON is an example as its text.
        let example = match serde_json::from_str::<Value>(&text) {
            Ok(value) => value,
            Err(_) => json!(text),
        };
        let mut media = json!({ "schema": body.shape.schema() });
        let shown = match &body.example {
            Example::Inline(_) => true,
            Example::File { name, .. } => name.ends_with("json") || kind.ends_with("yaml"),
        };
        if shown {
            media["example"] = example;
        }
        content.insert((*kind).to_string(), media);
    }
    // What has only optional fields can be left out.
    let fields = body.shape.fields();
    let required = fields.is_empty() || fields.iter().any(|f| f.required);
    json!({ "required": required, "content": content })
}
