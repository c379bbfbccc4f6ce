//! Light or dark, where a reader has chosen: a cookie and a class on `<html>`, so that the
//! first paint is right and no script is needed.

use crate::auth;
use crate::problem::Problem;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::Form;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

const COOKIE: &str = "assay_theme";
const YEAR_SECONDS: u32 = 365 * 24 * 3_600;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// What the browser prefers.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub fn of(headers: &HeaderMap) -> Self {
        match auth::cookie(headers, COOKIE).as_deref() {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            Some(_) | None => Self::System,
        }
    }

    /// The class of `<html>`, and the cookie's value.
    pub fn class(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light => Some("light"),
            Self::Dark => Some("dark"),
        }
    }

    pub fn is_system(self) -> bool {
        self == Self::System
    }

    pub fn is_light(self) -> bool {
        self == Self::Light
    }

    pub fn is_dark(self) -> bool {
        self == Self::Dark
    }
}

#[derive(Debug, Deserialize)]
pub struct Chosen {
    theme: Theme,
    #[serde(default)]
    back: String,
}

pub async fn choose(request: HttpRequest, form: Form<Chosen>) -> Result<HttpResponse, Problem> {
    let (value, age) = match form.theme.class() {
        Some(class) => (class, YEAR_SECONDS),
        None => ("", 0),
    };
    let secure = if auth::is_encrypted(&request) {
        "; Secure"
    } else {
        ""
    };
    let cookie = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}");
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, back(&form.back)))
        .insert_header((header::SET_COOKIE, cookie))
        .finish())
}

/// A path of this server; anything else leads to the first page.
fn back(to: &str) -> &str {
    let is_path = to.starts_with('/') && !to.starts_with("//");
    let is_plain = to.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if is_path && is_plain { to } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn the_cookie_says_which_and_anything_else_is_the_systems() {
        let of = |cookie: &str| {
            let request = TestRequest::default().insert_header(("cookie", cookie));
            Theme::of(request.to_http_request().headers())
        };
        assert_eq!(of("a=b; assay_theme=dark"), Theme::Dark);
        assert_eq!(of("assay_theme=light"), Theme::Light);
        assert_eq!(of("assay_theme=\"><script>"), Theme::System);
        assert_eq!(of("x=dark"), Theme::System);
    }

    #[test]
    fn the_way_back_never_leaves_the_house() {
        assert_eq!(back("/runs/1?step=2&x=%20"), "/runs/1?step=2&x=%20");
        for bad in [
            "",
            "runs",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/",
            "/a\r\nset-cookie: x=y",
            "/\t/evil.example",
            "/é",
        ] {
            assert_eq!(back(bad), "/", "{bad:?}");
        }
    }
}
