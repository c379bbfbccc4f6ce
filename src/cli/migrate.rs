//! `assay migrate`.

use super::{Done, Stop, runtime, serve::database_url};
use assay_store as store;

pub(crate) fn run() -> Done {
    let url = database_url()
        .ok_or_else(|| Stop::usage("`assay migrate` needs DATABASE_URL=postgres://…"))?;
    runtime()?.block_on(async {
        let failed = |e| Stop::new(format!("cannot migrate the database: {e}"));
        let pool = store::connect(&url, 1).await.map_err(failed)?;
        store::migrate(&pool).await.map_err(failed)?;
        println!("the database is up to date");
        Ok(())
    })
}
