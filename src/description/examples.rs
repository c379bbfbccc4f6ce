//! Each call as one writes it in a shell and in Python, without anything that does not come
//! with either. Server, token and ids are variables of the environment.

use super::{BASE, Body, Example, Method, Operation, Place};

impl Example {
    /// What is sent.
    pub fn text(&self) -> String {
        match self {
            Self::Inline(text) => (*text).to_string(),
            Self::File { text, .. } => text(),
        }
    }

    /// How one comes by the file.
    pub fn from(&self) -> Option<&'static str> {
        match self {
            Self::Inline(_) => None,
            Self::File { from, .. } => Some(from),
        }
    }
}

impl Body {
    fn kind(&self) -> &'static str {
        self.kinds.first().copied().unwrap_or("application/json")
    }
}

impl Operation {
    /// `GET /api/v1/…`, as it is headed.
    pub fn full_path(&self) -> String {
        format!("{BASE}{}", self.path)
    }

    fn address(&self, value: impl Fn(&str) -> String) -> String {
        let mut path = self.full_path();
        for parameter in &self.parameters {
            if parameter.place == Place::Path {
                let name = format!("{{{}}}", parameter.name);
                path = path.replace(&name, &value(parameter.variable));
            }
        }
        path + self.query
    }

    pub fn curl(&self) -> String {
        let address = self.address(|variable| format!("${variable}"));
        let mut lines =
            vec!["curl --fail-with-body -H \"Authorization: Bearer $ASSAY_TOKEN\"".to_string()];
        match (&self.body, self.method) {
            (Some(body), _) => {
                let sent = match &body.example {
                    Example::Inline(text) => format!("-d '{text}'"),
                    Example::File { name, .. } => format!("--data-binary @{name}"),
                };
                lines.push(format!("-H \"Content-Type: {}\"", body.kind()));
                lines.push(sent);
            }
            (None, Method::Post) => lines.push("-X POST".into()),
            (None, Method::Get) => {}
        }
        lines.push(format!("\"$ASSAY_SERVER{address}\""));
        lines.join(" \\\n  ")
    }

    pub fn python(&self) -> String {
        let address = self.address(|variable| format!("{{os.environ['{variable}']}}"));
        let mut headers = "\"Authorization\": f\"Bearer {token}\"".to_string();
        let mut sent = String::new();
        match (&self.body, self.method) {
            (Some(body), _) => {
                headers += &format!(", \"Content-Type\": \"{}\"", body.kind());
                sent = match &body.example {
                    Example::Inline(text) => format!("    data=b'{text}',\n"),
                    Example::File { name, .. } => {
                        format!("    data=open(\"{name}\", \"rb\").read(),\n")
                    }
                };
            }
            (None, Method::Post) => sent = "    data=b\"\",\n".into(),
            (None, Method::Get) => {}
        }
        format!(
            "import json, os, urllib.request\n\n\
             server, token = os.environ[\"ASSAY_SERVER\"], os.environ.get(\"ASSAY_TOKEN\", \"\")\n\
             request = urllib.request.Request(\n    \
                 f\"{{server}}{address}\",\n{sent}    \
                 headers={{{headers}}},\n\
             )\n\
             with urllib.request.urlopen(request) as answer:\n    \
                 print(json.dumps(json.load(answer), indent=2))"
        )
    }
}
