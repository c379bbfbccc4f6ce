//! The door for people.

use super::Shell;
use super::theme::Theme;
use askama::Template;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    shell: Shell,
    refused: Option<&'a str>,
}

/// `refused` says why the last try did not open it.
pub fn render(refused: Option<&str>, theme: Theme) -> String {
    let page = LoginPage {
        shell: Shell {
            theme,
            ..Shell::plain("Log in")
        },
        refused,
    };
    // Only the formatter of a value can fail, and these are strings.
    page.render().unwrap_or_default()
}
