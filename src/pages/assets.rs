//! The stylesheet and the script: ours, in the binary, cached by their content.

use crate::problem::Problem;
use actix_web::http::header::{self, EntityTag, IfNoneMatch};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

const ASSETS: [Asset; 2] = [
    Asset {
        name: "app.css",
        kind: "text/css; charset=utf-8",
        text: include_str!("../../static/app.css"),
    },
    Asset {
        name: "app.js",
        kind: "text/javascript; charset=utf-8",
        text: include_str!("../../static/app.js"),
    },
];

static TAGS: LazyLock<[String; 2]> = LazyLock::new(|| {
    ASSETS
        .each_ref()
        .map(|asset| hex::encode(&Sha256::digest(asset.text)[..6]))
});

static URLS: LazyLock<[String; 2]> =
    LazyLock::new(|| std::array::from_fn(|i| format!("/static/{}?v={}", ASSETS[i].name, TAGS[i])));

pub fn css_url() -> &'static str {
    &URLS[0]
}

pub fn js_url() -> &'static str {
    &URLS[1]
}

pub async fn get(request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse, Problem> {
    let Some(at) = ASSETS.iter().position(|asset| asset.name == name.as_str()) else {
        return Err(Problem::not_found("file"));
    };
    let tag = EntityTag::new_weak(TAGS[at].clone());
    let known = match request.get_header::<IfNoneMatch>() {
        Some(IfNoneMatch::Any) => true,
        Some(IfNoneMatch::Items(tags)) => tags.iter().any(|t| t.weak_eq(&tag)),
        None => false,
    };
    // The address carries the content's hash where a page has written it.
    let cache = if request.query_string().contains(TAGS[at].as_str()) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, cache));
    if known {
        return Ok(response.finish());
    }
    Ok(response.content_type(ASSETS[at].kind).body(ASSETS[at].text))
}
