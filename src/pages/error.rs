//! What went wrong, as a page.

use super::{Shell, filters};
use crate::problem::Person;
use askama::Template;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    shell: Shell,
    status: u16,
    title: &'a str,
    detail: &'a str,
    /// Pointer and message of each broken rule.
    errors: &'a [(String, String)],
    request_id: &'a str,
    /// For the moment: what is true all the same is said.
    is_away: bool,
    may_login: bool,
    may_retry: bool,
    may_ask_again: bool,
}

/// The page of a problem. `detail` and `errors` are shown as they are (escaped).
pub fn render(
    status: u16,
    title: &str,
    detail: &str,
    errors: &[(String, String)],
    request_id: &str,
    person: Person,
) -> String {
    let page = ErrorPage {
        shell: Shell {
            theme: person.theme,
            ..Shell::plain(title)
        },
        status,
        title,
        detail,
        errors,
        request_id,
        is_away: status == 503,
        may_login: status == 401,
        may_retry: status >= 500 || status == 429,
        may_ask_again: person.may_ask_again,
    };
    // Only the formatter of a value can fail, and these are strings.
    page.render().unwrap_or_default()
}
