//! The stylesheet and the script: ours, in the binary, cached by their content.

use crate::problem::Problem;
use actix_web::http::header::{self, AcceptEncoding, Encoding, EntityTag, IfNoneMatch};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::io::Write;
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

/// Compressed at the first request, for all that follow.
static COMPRESSED: LazyLock<[Option<Bytes>; 2]> =
    LazyLock::new(|| ASSETS.each_ref().map(|asset| gzip(asset.text)));

/// `None`: the middleware compresses it instead.
fn gzip(text: &str) -> Option<Bytes> {
    let mut to = GzEncoder::new(vec![], Compression::best());
    to.write_all(text.as_bytes()).ok()?;
    to.finish().ok().map(Bytes::from)
}

fn takes_gzip(request: &HttpRequest) -> bool {
    let offered = [Encoding::identity(), Encoding::gzip()];
    let asked = request.get_header::<AcceptEncoding>();
    let chosen = asked.and_then(|asked| asked.negotiate(offered.iter()));
    request.headers().contains_key(header::ACCEPT_ENCODING) && chosen == Some(Encoding::gzip())
}

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
        .insert_header((header::CACHE_CONTROL, cache))
        .insert_header((header::VARY, "accept-encoding"));
    if known {
        return Ok(response.finish());
    }
    response.content_type(ASSETS[at].kind);
    Ok(match &COMPRESSED[at] {
        Some(bytes) if takes_gzip(&request) => response
            .insert_header((header::CONTENT_ENCODING, "gzip"))
            .body(bytes.clone()),
        Some(_) | None => response.body(ASSETS[at].text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use std::io::Read;

    #[test]
    fn what_is_kept_compressed_is_the_asset() {
        for (asset, kept) in ASSETS.iter().zip(COMPRESSED.iter()) {
            let kept = kept.as_ref().unwrap();
            assert!(kept.len() * 2 < asset.text.len(), "{}", asset.name);
            let mut text = String::new();
            let mut from = flate2::read::GzDecoder::new(&kept[..]);
            from.read_to_string(&mut text).unwrap();
            assert_eq!(text, asset.text);
        }
    }

    #[test]
    fn only_who_takes_gzip_gets_it() {
        let takes = |accept: &str| {
            let request = TestRequest::default().insert_header(("accept-encoding", accept));
            takes_gzip(&request.to_http_request())
        };
        assert!(takes("gzip") && takes("gzip, deflate, br, zstd"));
        assert!(!takes("identity") && !takes("gzip;q=0, identity"));
        assert!(!takes_gzip(&TestRequest::default().to_http_request()));
    }
}
