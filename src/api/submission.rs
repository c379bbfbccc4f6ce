//! Reading an experiment file from a request: YAML or JSON, all violations at once.

use crate::problem::Problem;
use actix_web::HttpRequest;
use actix_web::http::{StatusCode, header};
use assay_core::spec::Experiment;
use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Yaml,
    /// Not said: JSON if it looks like an object, else YAML.
    Unsaid,
}

fn form(request: &HttpRequest) -> Result<Form, Problem> {
    let Some(kind) = request.headers().get(header::CONTENT_TYPE) else {
        return Ok(Form::Unsaid);
    };
    let kind = String::from_utf8_lossy(kind.as_bytes()).to_ascii_lowercase();
    let essence = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_string();
    match essence.as_str() {
        "application/json" => Ok(Form::Json),
        "application/yaml" | "application/x-yaml" | "text/yaml" | "text/x-yaml" => Ok(Form::Yaml),
        // What curl says by default, and what says nothing.
        "" | "text/plain" | "application/octet-stream" | "application/x-www-form-urlencoded" => {
            Ok(Form::Unsaid)
        }
        other => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("send application/yaml or application/json, not {other}"),
        )),
    }
}

/// Off the event loop: a file at its largest takes a while to read.
pub async fn read(request: &HttpRequest, body: Vec<u8>) -> Result<Experiment, Problem> {
    let form = form(request)?;
    tokio::task::spawn_blocking(move || parse(form, &body))
        .await
        .map_err(Problem::internal)?
}

fn parse(form: Form, body: &[u8]) -> Result<Experiment, Problem> {
    let text = std::str::from_utf8(body)
        .map_err(|e| Problem::bad_request(format!("the body is not UTF-8: {e}")))?;
    let looks_like_json = text.trim_start().starts_with('{');
    if form == Form::Json || (form == Form::Unsaid && looks_like_json) {
        match serde_json::from_str::<Value>(text) {
            Ok(value) => return Ok(Experiment::from_value(&value)?),
            Err(e) if form == Form::Json => {
                return Err(Problem::bad_request(format!("the body is not JSON: {e}")));
            }
            // YAML's own braces.
            Err(_) => {}
        }
    }
    Ok(Experiment::from_text(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_sent_makes_the_reader_panic() {
        let deep = |open: &str, n: usize| open.repeat(n).into_bytes();
        for body in [
            vec![],
            vec![0xff, 0xfe, 0x00],
            b"\0".to_vec(),
            b"[1,2".to_vec(),
            b"a: &a [*a]".to_vec(),
            b"{{{{".to_vec(),
            b"\"\\ud800\"".to_vec(),
            deep("[", 100_000),
            deep("{\"a\":", 100_000),
            deep("- ", 100_000),
            deep("a: &a [*a, ", 1_000),
        ] {
            for form in [Form::Json, Form::Yaml, Form::Unsaid] {
                let status = parse(form, &body).expect_err("nonsense").status.as_u16();
                assert!((400..500).contains(&status));
            }
        }
    }
}
