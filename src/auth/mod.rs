//! Who may do what: two tokens, sessions for browsers, and the checks of `Host`
//! and `Origin` that keep other people's pages out.

pub mod hosts;
pub mod login;
pub mod sessions;
pub mod tokens;

use crate::problem::Problem;
use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, StatusCode};
use hosts::Hosts;
use sessions::Sessions;
use tokens::{Role, Tokens};

pub const COOKIE: &str = "assay_session";

#[derive(Debug)]
pub struct Auth {
    pub tokens: Tokens,
    pub sessions: Sessions,
    pub hosts: Hosts,
    /// False on a loopback address: only the worker protocol then needs a token.
    pub required: bool,
}

impl Auth {
    /// Refuses a request before any handler sees it.
    ///
    /// # Errors
    /// 421 for a foreign `Host`, 403 for a foreign `Origin`, 401 without a token.
    pub fn check(&self, request: &HttpRequest) -> Result<(), Problem> {
        let host = request
            .headers()
            .get(header::HOST)
            .and_then(|value| value.to_str().ok())
            .ok_or_else(|| Problem::bad_request("the request has no Host header"))?;
        if !self.hosts.allows(host) {
            return Err(Problem::new(
                StatusCode::MISDIRECTED_REQUEST,
                "this server does not answer under that name; add it with --public-host or ASSAY_PUBLIC_HOSTS",
            ));
        }
        if is_unsafe(request.method()) {
            same_origin(request, host)?;
        }
        let path = request.path();
        let is_open = matches!(path, "/healthz" | "/login" | "/theme");
        if is_open || path.starts_with("/static/") {
            return Ok(());
        }
        if path.starts_with("/worker/") {
            return match self.bearer(request) {
                Some(Role::Admin | Role::Worker) => Ok(()),
                None => Err(unauthorized("the worker protocol needs the worker token")),
            };
        }
        if !self.required || self.bearer(request) == Some(Role::Admin) || self.has_session(request)
        {
            return Ok(());
        }
        Err(unauthorized(
            "this needs the admin token (Authorization: Bearer …) or a login",
        ))
    }

    /// With what somebody was let in, as far as that is known: tokens have roles, not names.
    pub fn author(&self, request: &HttpRequest) -> Option<&'static str> {
        match self.bearer(request) {
            Some(Role::Admin) => Some("admin token"),
            Some(Role::Worker) => Some("worker token"),
            None if self.has_session(request) => Some("login with the admin token"),
            None => None,
        }
    }

    fn bearer(&self, request: &HttpRequest) -> Option<Role> {
        let value = request
            .headers()
            .get(header::AUTHORIZATION)?
            .to_str()
            .ok()?;
        let (scheme, token) = value.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then(|| self.tokens.role(token.trim()))?
    }

    fn has_session(&self, request: &HttpRequest) -> bool {
        session_of(request).is_some_and(|value| self.sessions.contains(&value))
    }
}

/// The session's value in the request's cookies.
pub fn session_of(request: &HttpRequest) -> Option<String> {
    cookie(request.headers(), COOKIE)
}

/// The first cookie of this name.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find_map(|pair| {
            let (own, value) = pair.trim().split_once('=')?;
            (own == name).then(|| value.to_string())
        })
}

/// A form of a page that was reached over TLS: its cookies stay there.
pub fn is_encrypted(request: &HttpRequest) -> bool {
    let origin = request.headers().get(header::ORIGIN);
    origin.is_some_and(|origin| origin.as_bytes().starts_with(b"https://"))
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, detail)
}

fn is_unsafe(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// A browser says from which page a request comes; only our own may write.
fn same_origin(request: &HttpRequest, host: &str) -> Result<(), Problem> {
    let header = |name: &str| {
        request
            .headers()
            .get(name)
            .map(|v| v.to_str().unwrap_or("?"))
    };
    let own = match header("origin") {
        Some(origin) => ["http://", "https://"]
            .iter()
            .filter_map(|scheme| origin.strip_prefix(scheme))
            .any(|from| from.eq_ignore_ascii_case(host)),
        None => !matches!(header("sec-fetch-site"), Some("cross-site" | "same-site")),
    };
    if own {
        Ok(())
    } else {
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "the request comes from another site's page",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn auth(required: bool) -> Auth {
        let listen = if required {
            "0.0.0.0:8337"
        } else {
            "127.0.0.1:8337"
        };
        Auth {
            tokens: Tokens::new("admin-token-0123456789", "worker-token-0123456789"),
            sessions: Sessions::default(),
            hosts: Hosts::new(listen.parse().unwrap(), &["assay.example".into()]),
            required,
        }
    }

    fn request(path: &str) -> TestRequest {
        TestRequest::with_uri(path).insert_header(("host", "localhost:8337"))
    }

    #[test]
    fn outside_loopback_everything_but_health_and_login_needs_a_token() {
        let auth = auth(true);
        let status = |request: TestRequest| {
            auth.check(&request.to_http_request())
                .map_err(|p| p.status.as_u16())
        };
        assert_eq!(status(request("/")), Err(401));
        assert_eq!(status(request("/healthz")), Ok(()));
        assert_eq!(status(request("/static/app.css")), Ok(()));
        assert_eq!(status(request("/login")), Ok(()));
        assert_eq!(status(request("/theme")), Ok(()));
        assert_eq!(status(request("/metrics")), Err(401));
        let with = |token: &str| ("authorization", format!("Bearer {token}"));
        assert_eq!(
            status(request("/").insert_header(with("admin-token-0123456789"))),
            Ok(())
        );
        assert_eq!(
            status(request("/").insert_header(with("worker-token-0123456789"))),
            Err(401)
        );
        assert_eq!(status(request("/").insert_header(with(""))), Err(401));
    }

    #[test]
    fn a_session_opens_pages_but_not_the_worker_protocol() {
        let auth = auth(true);
        let session = auth.sessions.open();
        let with = |path: &str| {
            request(path)
                .insert_header(("cookie", format!("theme=dark; {COOKIE}={session}")))
                .to_http_request()
        };
        assert!(auth.check(&with("/")).is_ok());
        assert!(auth.check(&with("/worker/v1/claim")).is_err());
    }

    #[test]
    fn on_loopback_only_the_worker_protocol_needs_a_token() {
        let auth = auth(false);
        assert!(auth.check(&request("/").to_http_request()).is_ok());
        assert!(
            auth.check(&request("/worker/v1/claim").to_http_request())
                .is_err()
        );
    }

    #[test]
    fn a_page_of_another_site_cannot_write() {
        let auth = auth(false);
        let post = |name: &'static str, value: &'static str| {
            let request = request("/api/v1/experiments")
                .method(Method::POST)
                .insert_header((name, value))
                .to_http_request();
            auth.check(&request).is_ok()
        };
        assert!(post("origin", "http://localhost:8337"));
        assert!(post("accept", "*/*"));
        for origin in [
            "http://evil.example",
            "null",
            "http://localhost:1",
            "http://localhost",
        ] {
            assert!(!post("origin", origin), "{origin}");
        }
        assert!(!post("sec-fetch-site", "cross-site"));
    }
}
