//! `/docs/api`: every call of the REST interface, from the table that the OpenAPI document is
//! made of. Nothing is executed here.

use super::query::Asked;
use super::{Shell, filters, html, text};
use crate::description::{
    ANY_TIME, Description, Field, Group, Object, Operation, Shape, description,
};
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

#[derive(Template)]
#[template(path = "interface.html")]
struct InterfacePage {
    shell: Shell,
    /// As the reader has reached this server.
    server: String,
    /// This server asks for a token.
    token: bool,
    groups: Vec<GroupView>,
    objects: Vec<ObjectView>,
    any_time: [(u16, &'static str); 4],
}

struct GroupView {
    of: &'static Group,
    calls: Vec<Call>,
}

struct Call {
    of: &'static Operation,
    path: String,
    about: String,
    parameters: Vec<Line>,
    body: Option<BodyView>,
    statuses: Vec<(u16, String)>,
    answer: Vec<Line>,
    /// What the answer is where it has no fields of its own.
    whole: Option<Said>,
    curl: String,
    python: String,
}

struct BodyView {
    kinds: String,
    fields: Vec<Line>,
    whole: Option<Said>,
    from: Option<&'static str>,
}

struct ObjectView {
    of: &'static Object,
    about: String,
    fields: Vec<Line>,
}

/// A name and what stands under it.
struct Line {
    name: &'static str,
    said: Said,
    /// `optional`, or where a parameter stands.
    note: &'static str,
    about: String,
}

/// A shape in words, around the name of an object.
struct Said {
    before: String,
    object: Option<&'static str>,
    after: String,
}

impl Said {
    fn new(shape: &Shape) -> Self {
        let (before, object, after) = shape.said();
        Self {
            before: coded(&before),
            object,
            after: coded(&after),
        }
    }
}

/// What stands between two backticks is code, here as in the document.
fn coded(words: &str) -> String {
    let parts = words.split('`').map(text::markup).enumerate();
    parts
        .map(|(i, part)| match i % 2 {
            1 => format!("<code>{part}</code>"),
            _ => part,
        })
        .collect()
}

fn line(field: &'static Field) -> Line {
    Line {
        name: field.name,
        said: Said::new(&field.shape),
        note: if field.required { "" } else { "optional" },
        about: coded(field.about),
    }
}

/// What is said of a value: its fields, or the whole.
fn inside(shape: &'static Shape) -> (Vec<Line>, Option<Said>) {
    let fields: Vec<Line> = shape.fields().iter().map(line).collect();
    let whole = fields.is_empty().then(|| Said::new(shape));
    (fields, whole)
}

impl Call {
    fn new(of: &'static Operation) -> Self {
        let (answer, whole) = inside(&of.answer);
        Self {
            path: of.full_path(),
            about: coded(of.about),
            parameters: of
                .parameters
                .iter()
                .map(|p| Line {
                    name: p.name,
                    said: Said::new(&p.shape),
                    note: p.place.word(),
                    about: coded(p.about),
                })
                .collect(),
            body: of.body.as_ref().map(|body| {
                let (fields, whole) = inside(&body.shape);
                BodyView {
                    kinds: body.kinds.join(" or "),
                    fields,
                    whole,
                    from: body.example.from(),
                }
            }),
            statuses: of
                .answers
                .iter()
                .chain(&of.errors)
                .map(|(status, why)| (*status, coded(why)))
                .collect(),
            answer,
            whole,
            curl: of.curl(),
            python: of.python(),
            of,
        }
    }
}

impl InterfacePage {
    fn new(shell: Shell, server: String, token: bool, all: &'static Description) -> Self {
        let group = |of: &'static Group| GroupView {
            of,
            calls: of.operations.iter().map(Call::new).collect(),
        };
        let object = |of: &'static Object| ObjectView {
            of,
            about: coded(of.about),
            fields: of.fields.iter().map(line).collect(),
        };
        Self {
            shell,
            server,
            token,
            groups: all.groups.iter().map(group).collect(),
            objects: all.objects.iter().map(object).collect(),
            any_time: ANY_TIME,
        }
    }
}

/// A name that the door has let in, which is one of an address.
fn server(request: &HttpRequest) -> String {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|h| h.to_str().ok()).unwrap_or("localhost");
    let scheme = match request.connection_info().scheme() {
        "https" => "https",
        _ => "http",
    };
    format!("{scheme}://{host}")
}

pub async fn page(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut shell =
        Shell::new(&state, &request, "Interface for programs").crumb("/", "Experiments");
    shell.ignored = Asked::read(request.query_string()).ignored();
    let token = state.auth.required;
    html(&InterfacePage::new(
        shell,
        server(&request),
        token,
        description(),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::tests::assert_is_clean;
    use super::*;

    fn rendered(server: &str, token: bool) -> String {
        let shell = Shell::plain("Interface for programs");
        let page = InterfacePage::new(shell, server.into(), token, description());
        page.render().unwrap()
    }

    #[test]
    fn every_call_stands_on_the_page_with_both_examples_and_every_object_has_its_place() {
        let text = rendered("http://127.0.0.1:8337", false);
        assert_is_clean(&text);
        assert!(!text.contains('`') && text.contains("<code>about:blank</code>"));
        let mut calls = 0;
        for (_, operation) in description().operations() {
            calls += 1;
            let at = text.find(&format!("<section id=\"{}\" class", operation.id));
            let own = &text[at.unwrap_or_else(|| panic!("{}", operation.id))..];
            let own = &own[..own.find("</section>").unwrap()];
            let summary = operation.summary.replace('\'', "&#39;");
            assert!(own.contains(&summary), "{}", operation.id);
            assert!(own.contains(&operation.full_path()), "{}", operation.id);
            assert!(own.contains("curl --fail-with-body") && own.contains("urllib.request"));
            for (status, _) in operation.answers.iter().chain(&operation.errors) {
                assert!(
                    own.contains(&format!("<dt>{status}</dt>")),
                    "{}",
                    operation.id
                );
            }
        }
        assert_eq!(text.matches("<section id=").count(), calls);
        for part in text.split("href=\"#").skip(1) {
            let (name, _) = part.split_once('"').unwrap();
            assert!(text.contains(&format!("id=\"{name}\"")), "{name}");
        }
    }

    #[test]
    fn a_hostile_name_of_the_server_stays_a_text() {
        let text = rendered("http://<script>alert(1)</script>\u{202e}", true);
        assert_is_clean(&text);
        assert!(text.contains("&#60;script&#62;") && !text.contains('\u{202e}'));
    }
}
