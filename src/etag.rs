//! Files of figures and tables are named by what is in them, so that one which has not
//! changed is not sent again. Pages are not: see docs/api.md.

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, EntityTag, IfNoneMatch};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse};
use sha2::{Digest, Sha256};

const ENDINGS: [&str; 6] = ["svg", "png", "csv", "json", "tex", "bib"];
/// Kept by the reader's own browser, and asked about before each use.
const CACHE: &str = "private, no-cache";

fn is_file(path: &str) -> bool {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    let machine = path.starts_with("/api/") || path.starts_with("/worker/");
    !machine && !path.starts_with("/static/") && ENDINGS.contains(&ending)
}

/// Weak: the same numbers may be sent compressed.
fn tag_of(body: &[u8]) -> EntityTag {
    EntityTag::new_weak(hex::encode(&Sha256::digest(body)[..12]))
}

/// Gives a whole file its tag, and answers 304 to who has it already. Whatever is no file,
/// did not succeed, is sent piece by piece or has a tag of its own passes as it is.
pub async fn tag(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let file = reads && is_file(request.path());
    let response = next.call(request).await?.map_into_boxed_body();
    let whole = matches!(response.response().body().size(), BodySize::Sized(_));
    let tagged = response.headers().contains_key(header::ETAG);
    if !file || !whole || tagged || response.status() != StatusCode::OK {
        return Ok(response);
    }
    let (request, response) = response.into_parts();
    let (response, body) = response.into_parts();
    let bytes = match body.try_into_bytes() {
        Ok(bytes) => bytes,
        Err(stream) => return Ok(ServiceResponse::new(request, response.set_body(stream))),
    };
    let tag = tag_of(&bytes);
    let known = match request.get_header::<IfNoneMatch>() {
        Some(IfNoneMatch::Any) => true,
        Some(IfNoneMatch::Items(tags)) => tags.iter().any(|t| t.weak_eq(&tag)),
        None => false,
    };
    if known {
        let unchanged = HttpResponse::NotModified()
            .insert_header((header::ETAG, tag))
            .insert_header((header::CACHE_CONTROL, CACHE))
            .insert_header((header::VARY, "accept-encoding"))
            .finish();
        return Ok(ServiceResponse::new(request, unchanged));
    }
    let mut response = response.set_body(BoxBody::new(bytes));
    let headers = response.headers_mut();
    // Hexadecimal digits between quotation marks are always a header's value.
    if let Ok(value) = header::HeaderValue::from_str(&tag.to_string()) {
        headers.insert(header::ETAG, value);
        headers.insert(
            header::CACHE_CONTROL,
            header::HeaderValue::from_static(CACHE),
        );
    }
    Ok(ServiceResponse::new(request, response))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use actix_web::{App, web};
    use bytes::Bytes;

    #[test]
    fn only_files_of_figures_and_tables_have_tags() {
        for path in [
            "/experiments/0/milestones.svg",
            "/experiments/0.csv",
            "/compare/forest.png",
            "/references.json",
            "/experiments/0/cite.bib",
            "/compare.tex",
        ] {
            assert!(is_file(path), "{path}");
        }
        for path in [
            "/",
            "/experiments/0",
            "/api/v1/a.json",
            "/worker/v1/a.json",
            "/static/app.svg",
            "/runs/0/log.txt",
            "/a.svg/b",
        ] {
            assert!(!is_file(path), "{path}");
        }
        assert_eq!(tag_of(b"a"), tag_of(b"a"));
        assert_ne!(tag_of(b"a"), tag_of(b"b"));
    }

    #[actix_web::test]
    async fn a_file_that_is_known_is_not_sent_again_and_nothing_else_is_touched() {
        let pieces = || async {
            let one = futures_util::stream::iter([Ok::<_, std::convert::Infallible>(
                Bytes::from_static(b"a"),
            )]);
            HttpResponse::Ok().streaming(one)
        };
        let app = App::new()
            .route(
                "/a.csv",
                web::get().to(|| async { HttpResponse::Ok().body("1,2") }),
            )
            .route(
                "/a.csv",
                web::head().to(|| async { HttpResponse::Ok().body("1,2") }),
            )
            .route(
                "/bad.csv",
                web::get().to(|| async { HttpResponse::BadRequest().body("1,2") }),
            )
            .route(
                "/page",
                web::get().to(|| async { HttpResponse::Ok().body("1,2") }),
            )
            .route("/pieces.csv", web::get().to(pieces))
            .wrap(from_fn(tag));
        let app = init_service(app).await;
        let first = call_service(&app, TestRequest::get().uri("/a.csv").to_request()).await;
        assert_eq!(first.status(), StatusCode::OK);
        let given = first.headers().get(header::ETAG).unwrap().clone();
        assert!(given.as_bytes().starts_with(b"W/\""));
        assert_eq!(first.headers().get(header::CACHE_CONTROL).unwrap(), CACHE);
        assert_eq!(read_body(first).await, "1,2");
        let strong = given.to_str().unwrap().trim_start_matches("W/").to_string();
        let list = format!("\"x\", {strong}");
        for known in [given.to_str().unwrap(), strong.as_str(), list.as_str(), "*"] {
            for request in [
                TestRequest::get(),
                TestRequest::with_uri("/a.csv").method(Method::HEAD),
            ] {
                let request = request
                    .uri("/a.csv")
                    .insert_header((header::IF_NONE_MATCH, known));
                let again = call_service(&app, request.to_request()).await;
                assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
                assert_eq!(again.headers().get(header::ETAG).unwrap(), &given);
                assert_eq!(read_body(again).await, "");
            }
        }
        for other in ["\"x\"", "W/\"\"", "nonsense, \"", ""] {
            let request = TestRequest::get().uri("/a.csv");
            let request = request.insert_header((header::IF_NONE_MATCH, other));
            let again = call_service(&app, request.to_request()).await;
            assert_eq!(again.status(), StatusCode::OK, "{other}");
        }
        for path in ["/bad.csv", "/page", "/pieces.csv", "/none.csv"] {
            let request = TestRequest::get().uri(path);
            let request = request.insert_header((header::IF_NONE_MATCH, "*"));
            let passed = call_service(&app, request.to_request()).await;
            assert_ne!(passed.status(), StatusCode::NOT_MODIFIED, "{path}");
            assert!(!passed.headers().contains_key(header::ETAG), "{path}");
        }
    }
}
