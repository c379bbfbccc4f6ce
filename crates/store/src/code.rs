//! What the workers of runs were built from.

use crate::Result;
use assay_core::ids::RunId;
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Versions and commits by run, of all attempts at its stages. Attempts of old workers do not
/// say; a run of such attempts alone is not listed.
///
/// # Errors
/// `Database`.
pub async fn list_code(
    conn: &mut PgConnection,
    runs: &[RunId],
) -> Result<HashMap<RunId, BTreeSet<String>>> {
    let ids: Vec<Uuid> = runs.iter().map(|run| run.0).collect();
    let rows = sqlx::query!(
        r#"select distinct rs.run_id, a.host ->> 'code' as "code!"
         from run_stage rs
         join attempt a on a.stage_id = rs.stage_id
         where rs.run_id = any($1) and a.host ->> 'code' <> ''"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    let mut all: HashMap<RunId, BTreeSet<String>> = HashMap::new();
    for row in rows {
        all.entry(RunId(row.run_id)).or_default().insert(row.code);
    }
    Ok(all)
}
