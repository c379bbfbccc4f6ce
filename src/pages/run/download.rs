//! `/runs/{id}/files/{sha256}`: a stored file of the run, byte for byte.

use crate::artifacts::Name;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::body::SizedStream;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::ids::RunId;
use assay_core::wire::role;
use assay_store::{self as store, ArtifactView, RunStageView, RunView};
use sqlx::PgConnection;

/// Only files that one of the run's stages refers to: an address holds no more than its page.
pub async fn download(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(RunId, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, name) = path.into_inner();
    let name: Name = name.parse()?;
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, id).await?;
    let file = referred(&mut conn, &run, name.as_str()).await?;
    // Not held while the file is sent.
    drop(conn);
    let tag = format!("\"{}\"", name.as_str());
    if is_known(request.headers(), &tag) {
        return Ok(HttpResponse::NotModified()
            .insert_header((header::ETAG, tag))
            .finish());
    }
    let (bytes, chunks) = state.artifacts.read(&name).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/octet-stream"))
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{file}\""),
        ))
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .insert_header((header::ETAG, tag))
        .body(SizedStream::new(bytes, chunks)))
}

/// What the file is called on the reader's disk.
async fn referred(conn: &mut PgConnection, run: &RunView, sha256: &str) -> Result<String, Problem> {
    for stage in &run.stages {
        let files = store::list_artifacts(&mut *conn, stage.stage).await?;
        if let Some(file) = files.iter().find(|f| f.sha256 == sha256) {
            return Ok(file_name(run, stage, file));
        }
    }
    Err(Problem::not_found("file of this run"))
}

/// The reader has the content already: it is named by its hash.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let sent = headers.get(header::IF_NONE_MATCH);
    let tags = sent.and_then(|v| v.to_str().ok()).unwrap_or_default();
    tags.split(',')
        .map(str::trim)
        .any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

fn file_name(run: &RunView, stage: &RunStageView, file: &ArtifactView) -> String {
    let ending = match (file.role.as_str(), stage.kind.as_str()) {
        (role::SAMPLES | role::TREES | role::JUDGED, _) => ".jsonl.gz",
        (role::OUTPUT, "rejection_sample" | "prm_label") => ".jsonl.gz",
        (role::OUTPUT | role::MILESTONE | role::RESUME, _) => ".safetensors",
        (_, _) => "",
    };
    let parts = [
        run.arm.key.clone(),
        format!("seed{}", run.seed),
        stage.name.clone(),
        file.role.clone(),
        format!("step{}", file.step),
    ];
    format!("{}{ending}", safe(&parts.join("-")))
}

/// Characters that mean nothing to a shell, a header or a file system.
fn safe(text: &str) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let name = text.chars().take(120);
    name.map(|c| if keep(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_holds_nothing_that_means_something_elsewhere() {
        assert_eq!(
            safe("../a\"b\r\nx: y;é/\u{202e}.exe"),
            "___a_b__x__y_____exe"
        );
        assert_eq!(safe("prm-rl-seed3-zero/grpo"), "prm-rl-seed3-zero_grpo");
        assert_eq!(safe(&"x".repeat(999)).len(), 120);
    }

    #[test]
    fn a_content_that_is_known_is_told_by_its_tag() {
        let known = |sent: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(
                header::IF_NONE_MATCH,
                header::HeaderValue::from_static(sent),
            );
            is_known(&headers, "\"ab\"")
        };
        assert!(known("\"ab\"") && known("\"x\", W/\"ab\"") && known("*"));
        assert!(!known("ab") && !known("\"abc\"") && !is_known(&HeaderMap::new(), "\"ab\""));
    }
}
