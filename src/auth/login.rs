//! The door for browsers: the admin token for a session cookie.

use super::{COOKIE, is_encrypted, session_of, sessions::LIFETIME, tokens::Role};
use crate::pages::theme::Theme;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

pub async fn page(request: HttpRequest) -> HttpResponse {
    let theme = Theme::of(request.headers());
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(crate::pages::login::render(None, theme))
}

#[derive(Deserialize)]
pub struct Form {
    token: String,
}

pub async fn login(
    state: web::Data<AppState>,
    request: HttpRequest,
    form: web::Form<Form>,
) -> Result<HttpResponse, Problem> {
    let sessions = &state.auth.sessions;
    if !sessions.may_try() {
        return Err(Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too many wrong tokens; wait a minute",
        ));
    }
    if state.auth.tokens.role(form.token.trim()) != Some(Role::Admin) {
        sessions.failed();
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "that is not the admin token",
        ));
    }
    let secure = if is_encrypted(&request) {
        "; Secure"
    } else {
        ""
    };
    let cookie = format!(
        "{COOKIE}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}",
        sessions.open(),
        LIFETIME.as_secs()
    );
    Ok(see_other("/", cookie))
}

pub async fn logout(state: web::Data<AppState>, request: HttpRequest) -> HttpResponse {
    if let Some(value) = session_of(&request) {
        state.auth.sessions.close(&value);
    }
    see_other(
        "/login",
        format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"),
    )
}

fn see_other(to: &str, cookie: String) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, to))
        .insert_header((header::SET_COOKIE, cookie))
        .finish()
}
