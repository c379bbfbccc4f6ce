//! Which experiments a text stands in, whatever the case of its letters.

use crate::Result;
use sqlx::PgConnection;
use uuid::Uuid;

/// Experiments with the text in their name or their question. Case is folded here: `lower` of
/// a database knows the letters of its own locale, and under `C` that is a to z.
pub(crate) async fn with_text(conn: &mut PgConnection, text: &str) -> Result<Vec<Uuid>> {
    let rows = sqlx::query!("select id, name, question from experiment")
        .fetch_all(conn)
        .await?;
    let wanted = folded(text);
    Ok(rows
        .into_iter()
        .filter(|row| folded(&format!("{} {}", row.name, row.question)).contains(&wanted))
        .map(|row| row.id)
        .collect())
}

/// The same for texts that differ in case alone, in every script: through upper case, so that
/// `ß` and `SS`, `ς` and `Σ` meet.
fn folded(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_differ_in_case_alone_are_the_same() {
        for (a, b) in [
            ("Quick", "qUICK"),
            ("Übung", "ÜBUNG"),
            ("Straße", "STRASSE"),
            ("STRAẞE", "strasse"),
            ("λόγος", "ΛΌΓΟΣ"),
            ("журнал", "ЖУРНАЛ"),
            ("ǆ", "ǅ"),
            ("100 % of [it]", "100 % OF [IT]"),
        ] {
            assert_eq!(folded(a), folded(b), "{a}");
        }
        assert_ne!(folded("é"), folded("e"));
        assert_ne!(folded("漢"), folded("字"));
    }
}
