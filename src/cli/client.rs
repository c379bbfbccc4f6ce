//! The commands' HTTP client.

use super::{Remote, Stop};
use crate::auth::tokens;
use crate::config::DEFAULT_SERVER;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;
use ureq::Agent;
use ureq::http::{Method, Request, Response};

const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(60);

/// What a server said no with.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Refusal {
    /// `pointer: message` lines, or the one sentence there is.
    pub(crate) fn lines(&self) -> String {
        let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_string();
        match self.body["errors"].as_array() {
            Some(errors) => errors
                .iter()
                .map(|error| match text(error, "pointer").as_str() {
                    "" => format!("(whole file): {}", text(error, "detail")),
                    pointer => format!("{pointer}: {}", text(error, "detail")),
                })
                .collect::<Vec<_>>()
                .join("\n"),
            None => {
                let id = match text(&self.body, "request_id").as_str() {
                    id if self.status >= 500 && !id.is_empty() => format!(" (request {id})"),
                    _ => String::new(),
                };
                match text(&self.body, "detail").as_str() {
                    "" => format!("the server answered {}{id}", self.status),
                    detail => format!("{detail}{id}"),
                }
            }
        }
    }

    pub(crate) fn stop(&self) -> Stop {
        let hint = match self.status {
            401 => "; give the token's file with --token-file",
            _ => "",
        };
        Stop {
            code: if self.status == 422 { 2 } else { 1 },
            message: self.lines() + hint,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Client {
    agent: Agent,
    pub(crate) server: String,
    token: Option<String>,
}

impl Client {
    pub(crate) fn new(remote: &Remote) -> Result<Self, Stop> {
        let server = remote.server.clone().or_else(|| set("ASSAY_SERVER"));
        let server = server.unwrap_or_else(|| DEFAULT_SERVER.into());
        if !server.starts_with("http://") && !server.starts_with("https://") {
            return Err(Stop::usage(format!(
                "--server takes http://HOST:PORT, not {server:?}"
            )));
        }
        let file = remote
            .token_file
            .clone()
            .or_else(|| set("ASSAY_TOKEN_FILE").map(Into::into));
        let token = match file {
            Some(file) => Some(tokens::read(&file).map_err(Stop::usage)?),
            None => set("ASSAY_TOKEN"),
        };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            agent: config.into(),
            server: server.trim_end_matches('/').into(),
            token,
        })
    }

    pub(crate) fn send<B: ureq::AsSendBody>(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: B,
    ) -> Result<Response<ureq::Body>, Stop> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.server));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request
            .body(body)
            .map_err(|e| Stop::usage(format!("bad address: {e}")))?;
        self.agent.run(request).map_err(|e| {
            Stop::new(format!(
                "cannot reach {}: {e}; is `assay up` running there? (--server URL)",
                self.server
            ))
        })
    }

    /// `Err(Refusal)` is the server's own no.
    pub(crate) fn answer<T: DeserializeOwned>(
        mut response: Response<ureq::Body>,
    ) -> Result<Result<T, Refusal>, Stop> {
        let status = response.status().as_u16();
        let reader = response.body_mut().with_config().limit(256 << 20);
        if status >= 400 {
            let body = reader.read_json().unwrap_or(Value::Null);
            return Ok(Err(Refusal { status, body }));
        }
        reader.read_json().map(Ok).map_err(|e| {
            Stop::new(format!(
                "the server's answer is not what this version expects: {e}"
            ))
        })
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Stop> {
        Self::answer(self.send(Method::GET, path, &[], ())?)?.map_err(|refusal| refusal.stop())
    }

    pub(crate) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Result<T, Refusal>, Stop> {
        let body = serde_json::to_string(body).map_err(Stop::new)?;
        let headers = [("content-type", "application/json")];
        Self::answer(self.send(Method::POST, path, &headers, body)?)
    }
}

fn set(variable: &str) -> Option<String> {
    std::env::var(variable)
        .ok()
        .filter(|value| !value.is_empty())
}

/// The last part of an id or an address.
fn last(text: &str) -> &str {
    let path = text
        .split(['?', '#'])
        .next()
        .unwrap_or(text)
        .trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path)
}

/// The id in an experiment's id or address.
pub(crate) fn experiment_id(text: &str) -> Result<assay_core::ids::ExperimentId, Stop> {
    last(text).parse().map_err(|_| {
        Stop::usage(format!(
            "{text:?} is neither an experiment's id nor its address"
        ))
    })
}

/// The id in a run's id or address.
pub(crate) fn run_id(text: &str) -> Result<assay_core::ids::RunId, Stop> {
    last(text)
        .parse()
        .map_err(|_| Stop::usage(format!("{text:?} is neither a run's id nor its address")))
}

/// An address also says where its server is, unless told otherwise.
pub(crate) fn remote_of(text: &str, remote: &Remote) -> Remote {
    let mut remote = remote.clone();
    if remote.server.is_none()
        && let Some((scheme, rest)) = text.split_once("://")
        && let Some(host) = rest.split('/').next()
    {
        remote.server = Some(format!("{scheme}://{host}"));
    }
    remote
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_experiment_is_named_by_id_or_address() {
        let id = "0198c0de-0000-7000-8000-000000000001";
        for text in [
            id.to_string(),
            format!("http://h:1/experiments/{id}"),
            format!("http://h/experiments/{id}/?x=tok#a"),
        ] {
            assert_eq!(
                experiment_id(&text).ok().map(|i| i.to_string()).as_deref(),
                Some(id)
            );
        }
        assert!(experiment_id("quick").is_err());
        let none = Remote {
            server: None,
            token_file: None,
        };
        let remote = remote_of(&format!("http://h:1/experiments/{id}"), &none);
        assert_eq!(remote.server.as_deref(), Some("http://h:1"));
        assert_eq!(remote_of(id, &none).server, None);
    }
}
