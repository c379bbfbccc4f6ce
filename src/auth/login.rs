//! The door for browsers: the admin token for a session cookie.

use super::{COOKIE, session_of, sessions::LIFETIME, tokens::Role};
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

const PAGE: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
    <meta name=\"viewport\" content=\"width=device-width\"><title>Log in to Assay</title>\
    <link rel=\"stylesheet\" href=\"/static/app.css\"></head><body><main><h1>Log in to Assay</h1>\
    <form method=\"post\" action=\"/login\"><label>Admin token \
    <input type=\"password\" name=\"token\" autocomplete=\"current-password\" required></label> \
    <button>Log in</button></form><p>The token is in the file <code>admin.token</code> of the \
    server's data folder; <code>assay token</code> says where.</p></main></body></html>";

pub async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(PAGE)
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
    let encrypted = request
        .headers()
        .get(header::ORIGIN)
        .is_some_and(|origin| origin.as_bytes().starts_with(b"https://"));
    let secure = if encrypted { "; Secure" } else { "" };
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
