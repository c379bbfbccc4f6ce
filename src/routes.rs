//! Every URL of the house, one table; and what happens to every request before
//! and after its handler.

use crate::pages::theme::Theme;
use crate::problem::{Person, Problem};
use crate::state::AppState;
use crate::{api, auth, sse, worker_api};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::{self, Data, ServiceConfig, get, head, post, put, resource, scope};
use actix_web::{Error, HttpMessage, HttpResponse};

/// The request's name in answers and in the log.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

pub fn configure(cfg: &mut ServiceConfig) {
    cfg.app_data(
        web::PathConfig::default().error_handler(|_, _| Problem::not_found("page").into()),
    )
    .app_data(web::QueryConfig::default().error_handler(|e, _| {
        Problem::bad_request(format!("the address after the question mark: {e}")).into()
    }))
    .app_data(
        web::FormConfig::default()
            .limit(64 << 10)
            .error_handler(|e, _| {
                Problem::bad_request(format!("the form cannot be read: {e}")).into()
            }),
    )
    .service(resource("/healthz").route(get().to(api::health::healthz)))
    .service(resource("/metrics").route(get().to(api::metrics::metrics)))
    .service(
        resource("/login")
            .route(get().to(auth::login::page))
            .route(post().to(auth::login::login)),
    )
    .service(resource("/logout").route(post().to(auth::login::logout)))
    .service(resource("/live").route(get().to(sse::everything)))
    .service(resource("/experiments/{id}/live").route(get().to(sse::experiment)))
    .service(resource("/runs/{id}/live").route(get().to(sse::run)))
    .service(scope("/api/v1").configure(rest))
    .service(scope("/worker/v1").configure(worker));
    crate::pages::configure(cfg);
    cfg.default_service(web::to(nothing_here));
}

fn rest(cfg: &mut ServiceConfig) {
    use api::{
        amendments, exclusions, experiments, imports, notes, openapi, prices, queue, references,
        runs, snapshots,
    };
    cfg.service(
        resource("/experiments")
            .route(get().to(experiments::list))
            .route(post().to(experiments::submit)),
    )
    .service(resource("/experiments/{id}").route(get().to(experiments::one)))
    .service(resource("/experiments/{id}/comparison").route(get().to(experiments::comparison)))
    .service(resource("/experiments/{id}/milestones").route(get().to(experiments::milestones)))
    .service(resource("/experiments/{id}/progress").route(get().to(api::progress::progress)))
    .service(resource("/experiments/{id}/failures").route(get().to(notes::tables)))
    .service(
        resource("/experiments/{id}/arms/{arm}/notes")
            .route(get().to(notes::list))
            .route(post().to(notes::add)),
    )
    .service(
        resource("/experiments/{id}/amendments")
            .route(get().to(amendments::list))
            .route(post().to(amendments::add)),
    )
    .service(resource("/experiments/{id}/snapshots").route(get().to(snapshots::list)))
    .service(resource("/experiments/{id}/snapshots/{hash}").route(get().to(snapshots::one)))
    .service(resource("/experiments/{id}/cancel").route(post().to(experiments::cancel)))
    .service(resource("/runs/{id}").route(get().to(runs::one)))
    .service(resource("/runs/{id}/series").route(get().to(runs::series)))
    .service(resource("/runs/{id}/completions").route(get().to(runs::completions)))
    .service(resource("/runs/{id}/evaluations").route(get().to(runs::evaluations)))
    .service(resource("/runs/{id}/ledger").route(get().to(runs::ledger)))
    .service(
        resource("/runs/{id}/notes")
            .route(get().to(notes::list_of_run))
            .route(post().to(notes::add_to_run)),
    )
    .service(
        resource("/runs/{id}/contests")
            .route(get().to(runs::contests))
            .route(post().to(runs::contest)),
    )
    .service(resource("/runs/{id}/cancel").route(post().to(runs::cancel)))
    .service(resource("/runs/{id}/retry").route(post().to(runs::retry)))
    .service(resource("/runs/{id}/requeue").route(post().to(runs::requeue)))
    .service(resource("/runs/{id}/exclude").route(post().to(exclusions::exclude)))
    .service(resource("/runs/{id}/include").route(post().to(exclusions::include)))
    .service(
        resource("/prices")
            .route(get().to(prices::list))
            .route(post().to(prices::add)),
    )
    .service(resource("/references").route(get().to(references::list)))
    .service(resource("/workers").route(get().to(queue::workers)))
    .service(resource("/jobs").route(get().to(queue::jobs)))
    .service(resource("/imports").route(post().to(imports::import)))
    .service(resource("/openapi.json").route(get().to(openapi::read)));
}

fn worker(cfg: &mut ServiceConfig) {
    use worker_api::{artifacts, attempts, claim};
    cfg.service(resource("/register").route(post().to(claim::register)))
        .service(resource("/claim").route(post().to(claim::claim)))
        .service(
            resource("/attempts/{stage}/{number}/heartbeat").route(post().to(attempts::heartbeat)),
        )
        .service(resource("/attempts/{stage}/{number}/records").route(post().to(attempts::records)))
        .service(resource("/attempts/{stage}/{number}/finish").route(post().to(attempts::finish)))
        .service(
            resource("/artifacts/{sha256}")
                .route(put().to(artifacts::put))
                .route(get().to(artifacts::get))
                .route(head().to(artifacts::head)),
        );
}

async fn nothing_here() -> Result<HttpResponse, Problem> {
    Err(Problem::not_found("page"))
}

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; font-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'";

/// Names the request, refuses what may not pass, and gives every answer its
/// headers and every error its one form.
pub async fn gate(
    state: Data<AppState>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = uuid::Uuid::now_v7().to_string();
    request.extensions_mut().insert(RequestId(id.clone()));
    let page = wants_page(&request).then(|| Person {
        theme: Theme::of(request.headers()),
        may_ask_again: matches!(*request.method(), Method::GET | Method::HEAD),
    });
    let mut response = match state.auth.check(request.request()) {
        Err(refused) if page.is_some() && refused.status == StatusCode::UNAUTHORIZED => {
            let to_login = (header::LOCATION, "/login");
            request.into_response(HttpResponse::SeeOther().insert_header(to_login).finish())
        }
        Err(refused) => request.into_response(refused.respond(&id, page)),
        Ok(()) => finish(next.call(request).await?.map_into_boxed_body(), &id, page),
    };
    dress(response.headers_mut(), &id);
    state.requests.count(response.status());
    Ok(response)
}

/// A person's browser asks for HTML first; programs do not.
fn wants_page(request: &ServiceRequest) -> bool {
    let path = request.path();
    let machine = path.starts_with("/api/") || path.starts_with("/worker/");
    let accept = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|v| v.to_str().ok());
    !machine
        && matches!(*request.method(), Method::GET | Method::HEAD | Method::POST)
        && accept.is_some_and(|accept| accept.contains("text/html"))
}

/// Turns whatever error a handler or the framework gave into our one form.
fn finish(response: ServiceResponse, id: &str, page: Option<Person>) -> ServiceResponse {
    if response.status().as_u16() < 400 {
        return response;
    }
    let error = response.response().error();
    let problem = match error.and_then(|e| e.as_error::<Problem>()) {
        Some(problem) => problem.clone(),
        None if has_own_form(response.headers()) => return response,
        None => {
            let status = response.status();
            let said = error.map(ToString::to_string);
            if status.is_server_error() {
                Problem {
                    status,
                    ..Problem::internal(said.unwrap_or_default())
                }
            } else {
                let title = status.canonical_reason().unwrap_or("error");
                Problem::new(status, said.unwrap_or_else(|| title.to_lowercase()))
            }
        }
    };
    let (method, path) = (response.request().method(), response.request().path());
    if problem.status.is_server_error() {
        let source = problem.source.as_deref().unwrap_or(&problem.detail);
        tracing::error!(request = id, %method, path, status = problem.status.as_u16(), source);
    } else {
        tracing::debug!(request = id, %method, path, %problem);
    }
    let (request, old) = response.into_parts();
    let mut new = problem.respond(id, page);
    if let Some(allow) = old.headers().get(header::ALLOW) {
        new.headers_mut().insert(header::ALLOW, allow.clone());
    }
    ServiceResponse::new(request, new)
}

/// A page that renders its own error has a content type.
fn has_own_form(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

fn dress(headers: &mut HeaderMap, id: &str) {
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
