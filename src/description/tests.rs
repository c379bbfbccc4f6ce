use super::openapi::document;
use super::*;
use crate::presets;
use assay_core::amendment::Amendment;
use assay_core::note::{Note, RunNote};
use assay_core::spec::Experiment;
use serde_json::Value;
use std::collections::BTreeSet;

/// Method and path of every REST route, as `routes.rs` registers them.
fn registered() -> BTreeSet<(Method, String)> {
    let source = include_str!("../routes.rs");
    let from = source
        .find("fn rest(")
        .expect("routes.rs has the REST routes");
    let body = &source[from..];
    let body = &body[..body.find("\n}\n").expect("the function ends")];
    let resources: Vec<&str> = body.split("resource(\"").skip(1).collect();
    // No other way to register one.
    assert_eq!(body.matches("service(").count(), resources.len());
    for other in ["scope(", "configure(", "default_service"] {
        assert!(!body.contains(other), "{other}");
    }
    let mut found = BTreeSet::new();
    for resource in resources {
        let (path, routes) = resource.split_once('"').unwrap();
        let routes: Vec<&str> = routes.split(".route(").skip(1).collect();
        assert!(!routes.is_empty(), "{path}");
        for route in routes {
            let method = match route.split('(').next() {
                Some("get") => Method::Get,
                Some("post") => Method::Post,
                other => panic!("{path} answers {other:?}, which the table has no word for"),
            };
            assert!(found.insert((method, path.to_string())), "{path} twice");
        }
    }
    found
}

#[test]
fn the_table_has_every_registered_route_and_no_other() {
    let described: Vec<(Method, String)> = description()
        .operations()
        .map(|(_, operation)| (operation.method, operation.path.to_string()))
        .collect();
    let once: BTreeSet<_> = described.iter().cloned().collect();
    assert_eq!(once.len(), described.len(), "an operation twice");
    assert_eq!(once, registered());
}

/// Every `$ref` of a document.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(to)) = map.get("$ref") {
                found.push(to);
            }
            map.values().for_each(|v| references(v, found));
        }
        Value::Array(all) => all.iter().for_each(|v| references(v, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_reference_of_the_document_leads_somewhere_and_every_object_is_used() {
    let document = document(true);
    let mut found = vec![];
    references(&document, &mut found);
    for to in &found {
        let pointer = to.strip_prefix('#').expect("within the document");
        assert!(document.pointer(pointer).is_some(), "{to}");
    }
    let schemas = document["components"]["schemas"].as_object().unwrap();
    assert_eq!(schemas.len(), description().objects.len(), "a name twice");
    for name in schemas.keys() {
        let own = shape::place(name);
        assert!(found.iter().any(|to| **to == own), "{name} is used nowhere");
    }
}

#[test]
fn names_are_given_once_and_what_stands_in_braces_is_a_parameter() {
    let mut ids = BTreeSet::new();
    for (_, operation) in description().operations() {
        assert!(ids.insert(operation.id), "{}", operation.id);
        let of_path = |p: &&Parameter| p.place == Place::Path;
        let all = operation.parameters.iter();
        assert_eq!(
            all.filter(of_path).count(),
            operation.path.matches('{').count(),
            "{}",
            operation.path
        );
        let mut statuses: Vec<u16> = operation.answers.iter().map(|(s, _)| *s).collect();
        statuses.extend(operation.errors.iter().map(|(s, _)| *s));
        let once: BTreeSet<_> = statuses.iter().collect();
        assert_eq!(once.len(), statuses.len(), "{}", operation.id);
        for text in [operation.curl(), operation.python()] {
            let left = operation.parameters.iter();
            let mut left = left.map(|p| format!("{{{}}}", p.name));
            assert!(!left.any(|name| text.contains(&name)), "{text}");
            assert!(text.contains("ASSAY_SERVER"), "{text}");
        }
    }
}

#[test]
fn a_loopback_address_asks_for_no_token_and_others_do() {
    let open = document(false);
    assert_eq!(open["security"].as_array().unwrap().len(), 2);
    assert_eq!(open["security"][0], serde_json::json!({}));
    let closed = document(true);
    assert_eq!(closed["security"], serde_json::json!([{ "token": [] }]));
}

/// Bodies stand in quotes of a shell and of Python.
#[test]
fn an_example_can_be_pasted_and_is_what_its_reader_takes() {
    let mut bodies = 0;
    for (_, operation) in description().operations() {
        let Some(body) = &operation.body else {
            continue;
        };
        bodies += 1;
        let text = body.example.text();
        assert!(!text.is_empty(), "{}", operation.id);
        if let Example::Inline(text) = body.example {
            let plain = text.is_ascii() && !text.contains(['\'', '\\', '\n']);
            assert!(plain, "{text}");
            let value: Value = serde_json::from_str(text).unwrap();
            let described = body.shape.fields();
            let sent = value.as_object().unwrap();
            for key in sent.keys() {
                assert!(described.iter().any(|f| f.name == key), "{key} of {text}");
            }
            for field in described.iter().filter(|f| f.required) {
                assert!(sent.contains_key(field.name), "{} of {text}", field.name);
            }
        }
        match operation.id {
            "submitExperiment" => {
                Experiment::from_text(&text).unwrap_or_else(|v| panic!("{v}"));
            }
            "addNote" => {
                let note: Note = serde_json::from_str(&text).unwrap();
                note.check().unwrap_or_else(|v| panic!("{v}"));
            }
            "addRunNote" => {
                let note: RunNote = serde_json::from_str(&text).unwrap();
                note.checked().unwrap_or_else(|v| panic!("{v}"));
            }
            "amendExperiment" => {
                let amendment: Amendment = serde_json::from_str(&text).unwrap();
                amendment.checked().unwrap_or_else(|v| panic!("{v}"));
            }
            _ => {}
        }
    }
    assert!(bodies > 6, "{bodies}");
}

#[test]
fn what_a_file_needs_is_what_its_reader_asks_for() {
    let preset = presets::find("quick").unwrap();
    let whole = Experiment::from_text(preset.text).unwrap_or_else(|v| panic!("{v}"));
    let whole = serde_json::to_value(&whole).unwrap();
    let described = description();
    let file = described
        .objects
        .iter()
        .find(|o| o.name == "ExperimentFile");
    let file = file.unwrap();
    for key in whole.as_object().unwrap().keys() {
        assert!(file.fields.iter().any(|f| f.name == key), "{key}");
    }
    for field in &file.fields {
        let mut without = whole.clone();
        without.as_object_mut().unwrap().remove(field.name);
        let wrong = Experiment::from_value(&without).err();
        let wrong = wrong.map_or(vec![], |v| v.0);
        let at = format!("/{}", field.name);
        let asked = wrong.iter().any(|v| v.pointer == at);
        assert_eq!(asked, field.required, "{at}: {wrong:?}");
    }
}
