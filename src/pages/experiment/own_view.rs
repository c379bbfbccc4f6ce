//! A reader's own default view of an experiment: the words of an address, kept by their
//! browser. Without a question mark the page's address leads to it; `plain=1` does not.

use super::view::Wanted;
use crate::auth;
use crate::pages::query::Asked;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::ids::ExperimentId;
use assay_store::{self as store, ExperimentView};
use serde::Deserialize;

/// Sent to one experiment's addresses alone.
const VIEW: &str = "assay_view";
/// Sent to those of all: which experiments have a view, the latest last.
const LIST: &str = "assay_views";
/// Experiments with a view; the one that was kept first makes room for another.
const MOST: usize = 20;
const MAX_BYTES: usize = 1_000;
const YEAR_SECONDS: u32 = 365 * 24 * 3_600;

#[derive(Debug, Deserialize)]
pub struct Chosen {
    /// Of the page's own address.
    #[serde(default)]
    query: String,
    /// Anything but nothing: there shall be no such view any more.
    #[serde(default)]
    forget: String,
}

/// What may stand in a cookie and after a question mark as it is.
fn is_view(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"=&%._-".contains(&b);
    !text.is_empty() && text.len() <= MAX_BYTES && text.bytes().all(plain)
}

/// What the reader's browser has kept of the experiment that it asks for.
fn kept(headers: &HeaderMap) -> Option<String> {
    auth::cookie(headers, VIEW).filter(|text| is_view(text))
}

pub(super) fn is_kept(request: &HttpRequest) -> bool {
    kept(request.headers()).is_some()
}

/// To the reader's own view, where the address asks for nothing.
pub(super) fn lead(request: &HttpRequest, id: ExperimentId) -> Option<HttpResponse> {
    if !request.query_string().is_empty() {
        return None;
    }
    let query = kept(request.headers())?;
    let to = (header::LOCATION, format!("/experiments/{id}?{query}"));
    Some(HttpResponse::SeeOther().insert_header(to).finish())
}

/// The address' words as the page itself writes them. Those that change nothing are no view:
/// what was kept before is forgotten only where that is asked for.
fn understood(view: &ExperimentView, query: &str) -> Result<String, Problem> {
    let refuse = |why: String| Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why));
    if query.len() > MAX_BYTES {
        return refuse(format!("a view has at most {MAX_BYTES} bytes"));
    }
    let mut asked = Asked::read(query.strip_prefix('?').unwrap_or(query));
    let wanted = Wanted::read(&mut asked, view);
    let ignored = asked.ignored();
    if !ignored.is_empty() {
        return refuse(format!(
            "the view is not understood: {}",
            ignored.join(", ")
        ));
    }
    let words = wanted.query(view).replace(',', "%2C").replace('/', "%2F");
    match words.strip_prefix('?') {
        None => refuse(
            "the view differs in nothing from the page's own; forget=1 forgets a default".into(),
        ),
        Some(words) if is_view(words) => Ok(words.to_string()),
        Some(_) => refuse(format!("a view has at most {MAX_BYTES} plain characters")),
    }
}

/// Experiments that have a view already, as far as the cookie can be read.
fn listed(headers: &HeaderMap) -> Vec<ExperimentId> {
    let list = auth::cookie(headers, LIST).unwrap_or_default();
    let ids = list
        .split('.')
        .filter_map(|id| id.parse::<ExperimentId>().ok());
    ids.take(MOST).collect()
}

/// Keeps a view, or forgets it where it is empty. The cookies that say so.
fn cookies(headers: &HeaderMap, id: ExperimentId, query: &str, secure: &str) -> Vec<String> {
    let cookie = |name: &str, value: &str, path: &str| {
        let age = if value.is_empty() { 0 } else { YEAR_SECONDS };
        format!("{name}={value}; Path={path}; HttpOnly; SameSite=Lax; Max-Age={age}{secure}")
    };
    let own = |id: ExperimentId, query: &str| cookie(VIEW, query, &format!("/experiments/{id}"));
    let mut list = listed(headers);
    list.retain(|known| *known != id);
    if !query.is_empty() {
        list.push(id);
    }
    let surplus = list.len().saturating_sub(MOST);
    let mut out: Vec<String> = list.drain(..surplus).map(|old| own(old, "")).collect();
    let ids: Vec<String> = list.iter().map(ToString::to_string).collect();
    out.push(cookie(LIST, &ids.join("."), "/experiments"));
    out.push(own(id, query));
    out
}

pub async fn keep(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<ExperimentId>,
    form: Form<Chosen>,
) -> Result<HttpResponse, Problem> {
    let view = store::get_experiment(&mut *state.conn().await?, *id).await?;
    let query = match form.forget.is_empty() {
        true => understood(&view, &form.query)?,
        false => String::new(),
    };
    let secure = match auth::is_encrypted(&request) {
        true => "; Secure",
        false => "",
    };
    let to = match query.is_empty() {
        true => format!("/experiments/{id}"),
        false => format!("/experiments/{id}?{query}"),
    };
    let mut response = HttpResponse::SeeOther();
    response.insert_header((header::LOCATION, to));
    for cookie in cookies(request.headers(), *id, &query, secure) {
        response.append_header((header::SET_COOKIE, cookie));
    }
    Ok(response.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn id(n: u128) -> ExperimentId {
        ExperimentId(uuid::Uuid::from_u128(n))
    }

    fn with(cookie: &str, uri: &str) -> HttpRequest {
        TestRequest::with_uri(uri)
            .insert_header(("cookie", cookie))
            .to_http_request()
    }

    #[test]
    fn only_an_address_without_a_question_leads_to_the_readers_view() {
        let to = |cookie: &str, uri: &str| {
            let answer = lead(&with(cookie, uri), id(7))?;
            let to = answer.headers().get(header::LOCATION)?;
            Some(to.to_str().unwrap().to_string())
        };
        let path = format!("/experiments/{}", id(7));
        let view = "a=b; assay_view=metric=length&only=a%2Cb";
        assert_eq!(
            to(view, &path),
            Some(format!("{path}?metric=length&only=a%2Cb"))
        );
        assert_eq!(to(view, &format!("{path}?plain=1")), None);
        assert_eq!(to(view, &format!("{path}?x=wall")), None);
        assert_eq!(to("a=b", &path), None);
        let long = format!("assay_view=a={}", "x".repeat(MAX_BYTES));
        for bad in [
            "assay_view=",
            "assay_view=//evil.example",
            "assay_view=a=b c",
            "assay_view=\"><script>",
            "assay_view=a#b",
            long.as_str(),
        ] {
            assert_eq!(to(bad, &path), None, "{bad}");
        }
    }

    #[test]
    fn views_are_few_each_at_its_own_path_and_the_oldest_makes_room() {
        let none = TestRequest::default().to_http_request();
        let first = cookies(none.headers(), id(1), "x=wall", "; Secure");
        assert_eq!(first.len(), 2);
        for cookie in &first {
            assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Max-Age=31536000; Secure"));
        }
        assert!(first[1].starts_with(&format!("assay_view=x=wall; Path=/experiments/{};", id(1))));
        let ids: Vec<String> = (1..=MOST as u128).map(|n| id(n).to_string()).collect();
        let full = with(&format!("assay_views={}", ids.join(".")), "/");
        // Kept anew, it is the latest.
        let again = cookies(full.headers(), id(1), "x=tok", "");
        assert_eq!(again.len(), 2);
        assert!(again[0].contains(&format!(".{}; Path=/experiments;", id(1))));
        let more = cookies(full.headers(), id(99), "x=tok", "");
        assert_eq!(more.len(), 3);
        assert!(more[0].starts_with(&format!("assay_view=; Path=/experiments/{};", id(1))));
        assert!(more[0].contains("Max-Age=0"));
        assert_eq!(more[1].matches('.').count(), MOST - 1);
        let gone = cookies(full.headers(), id(2), "", "");
        assert!(!gone[0].contains(&id(2).to_string()) && gone[1].contains("Max-Age=0"));
        // What somebody else has written there.
        let odd = with("assay_views=..x.<script>.%00", "/");
        assert_eq!(cookies(odd.headers(), id(1), "", "").len(), 2);
        let much = with(
            &format!("assay_views={}", vec![id(3).to_string(); 900].join(".")),
            "/",
        );
        assert!(
            cookies(much.headers(), id(1), "x=tok", "")
                .iter()
                .all(|c| c.len() < 1_200)
        );
    }
}
