//! What the REST interface offers, said once: `openapi.rs` makes the OpenAPI document of it and
//! `pages/interface.rs` the page. The routes of the worker protocol are internal and not in it.

mod examples;
mod experiments;
mod objects;
pub mod openapi;
mod others;
mod runs;
mod shape;

pub use shape::{Field, Object, Shape};
use std::sync::LazyLock;

/// Where all of it is mounted.
pub const BASE: &str = "/api/v1";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    Get,
    Post,
}

impl Method {
    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Path,
    Query,
    Header,
}

impl Place {
    pub fn word(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
        }
    }
}

#[derive(Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub place: Place,
    pub shape: Shape,
    pub about: &'static str,
    /// What examples call its value; of a path alone.
    variable: &'static str,
}

/// What is sent, as an example.
#[derive(Debug)]
pub enum Example {
    /// JSON of one line.
    Inline(&'static str),
    /// A file, and how one comes by it.
    File {
        name: &'static str,
        from: &'static str,
        text: fn() -> String,
    },
}

#[derive(Debug)]
pub struct Body {
    /// Media types, the example's first.
    pub kinds: Vec<&'static str>,
    pub shape: Shape,
    pub example: Example,
}

#[derive(Debug)]
pub struct Operation {
    pub method: Method,
    /// Below `BASE`.
    pub path: &'static str,
    /// Its name in the document.
    pub id: &'static str,
    pub summary: &'static str,
    pub about: &'static str,
    pub parameters: Vec<Parameter>,
    pub body: Option<Body>,
    /// Status and what it means.
    pub answers: Vec<(u16, &'static str)>,
    pub answer: Shape,
    pub errors: Vec<(u16, &'static str)>,
    /// What the example asks after the question mark, with it.
    query: &'static str,
}

#[derive(Debug)]
pub struct Group {
    pub name: &'static str,
    /// The question that a reader of it has.
    pub question: &'static str,
    pub operations: Vec<Operation>,
}

#[derive(Debug)]
pub struct Description {
    pub groups: Vec<Group>,
    pub objects: Vec<Object>,
}

pub fn description() -> &'static Description {
    static MADE: LazyLock<Description> = LazyLock::new(|| Description {
        groups: vec![
            experiments::group(),
            experiments::findings(),
            runs::group(),
            runs::decisions(),
            others::group(),
            others::itself(),
        ],
        objects: objects::all(),
    });
    &MADE
}

impl Description {
    pub fn operations(&self) -> impl Iterator<Item = (&Group, &Operation)> {
        self.groups.iter().flat_map(|group| {
            let own = group.operations.iter();
            own.map(move |operation| (group, operation))
        })
    }
}

/// Refused whatever is asked for; said once and of no operation by itself.
pub const ANY_TIME: [(u16, &str); 4] = [
    (
        401,
        "without the admin token, where this server asks for one",
    ),
    (
        403,
        "of a POST that a browser sends from another site's page",
    ),
    (421, "under a name that is not this server's"),
    (
        503,
        "while the database cannot be reached; Retry-After says when to ask again",
    ),
];

fn get(id: &'static str, path: &'static str, summary: &'static str, answer: Shape) -> Operation {
    Operation {
        method: Method::Get,
        path,
        id,
        summary,
        about: "",
        parameters: named(path),
        body: None,
        answers: vec![(200, "")],
        answer,
        errors: vec![],
        query: "",
    }
}

fn post(id: &'static str, path: &'static str, summary: &'static str, answer: Shape) -> Operation {
    Operation {
        method: Method::Post,
        ..get(id, path, summary, answer)
    }
}

/// What stands in braces in a path.
fn named(path: &'static str) -> Vec<Parameter> {
    let parts: Vec<&'static str> = path.split('/').collect();
    let found = parts.windows(2).filter_map(|pair| {
        let name = pair[1].strip_prefix('{')?.strip_suffix('}')?;
        let (variable, shape, about) = match pair[0] {
            "experiments" => ("EXPERIMENT", Shape::Id, "The experiment's id."),
            "runs" => ("RUN", Shape::Id, "The run's id."),
            "snapshots" => (
                "SNAPSHOT",
                Shape::Text,
                "The start of the kept state's hash, 8 to 64 hexadecimal digits.",
            ),
            _ => ("ARM", Shape::Text, "The arm's id in the experiment file."),
        };
        Some(Parameter {
            name,
            place: Place::Path,
            shape,
            about,
            variable,
        })
    });
    found.collect()
}

fn query(name: &'static str, shape: Shape, about: &'static str) -> Parameter {
    Parameter {
        name,
        place: Place::Query,
        shape,
        about,
        variable: "",
    }
}

fn inline(shape: Shape, example: &'static str) -> Body {
    Body {
        kinds: vec!["application/json"],
        shape,
        example: Example::Inline(example),
    }
}

impl Operation {
    fn says(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    fn with(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// A body can always be unreadable or too large.
    fn takes(mut self, body: Body) -> Self {
        self.body = Some(body);
        self.refuses(400, "the body cannot be read as what it should be")
            .refuses(413, "the body is too large")
    }

    fn creates(mut self, what: &'static str) -> Self {
        self.answers = vec![(201, what)];
        self
    }

    fn answers(mut self, status: u16, what: &'static str) -> Self {
        self.answers.push((status, what));
        self
    }

    fn refuses(mut self, status: u16, why: &'static str) -> Self {
        self.errors.push((status, why));
        self
    }

    /// In its example.
    fn asks(mut self, query: &'static str) -> Self {
        self.query = query;
        self
    }
}

#[cfg(test)]
mod tests;
