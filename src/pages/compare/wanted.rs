//! What the address of the comparison asks for.

use crate::pages::query::Asked;
use crate::pages::words;

/// What the address asks for.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub runs: Vec<String>,
    pub arms: Vec<String>,
    /// Index into `words::FINAL`; the first experiment's primary figure otherwise.
    pub metric: Option<usize>,
    /// The column that differences are taken to; the first one otherwise.
    pub base: Option<String>,
    /// Index into `words::TRAINING`.
    pub curve: usize,
    pub all: bool,
    pub collapse: bool,
}

impl Wanted {
    pub fn read(asked: &mut Asked) -> Self {
        let list = |text: Option<String>| -> Vec<String> {
            let text = text.unwrap_or_default();
            let parts = text.split(',').map(str::trim).filter(|p| !p.is_empty());
            parts.map(String::from).collect()
        };
        let finals: Vec<(&str, usize)> = (0..).zip(words::FINAL).map(|(i, f)| (f.0, i)).collect();
        let curves: Vec<(&str, usize)> =
            (0..).zip(words::TRAINING).map(|(i, f)| (f.0, i)).collect();
        let yes = [("1", true), ("0", false)];
        Self {
            runs: list(asked.text("runs")),
            arms: list(asked.text("arms")),
            metric: asked.choose("metric", &finals),
            base: asked.text("base"),
            curve: asked.choose("curve", &curves).unwrap_or(0),
            all: asked.choose("all", &yes).unwrap_or(false),
            collapse: asked.choose("collapse", &yes).unwrap_or(false),
        }
    }

    /// The address with some of it changed.
    pub fn query(&self, arms: &[String], all: bool, collapse: bool) -> String {
        let mut parts = vec![];
        for (key, list) in [("runs", &self.runs[..]), ("arms", arms)] {
            if !list.is_empty() {
                parts.push(format!("{key}={}", encoded(&list.join(","))));
            }
        }
        if let Some(metric) = self.metric {
            parts.push(format!("metric={}", words::FINAL[metric].0));
        }
        if let Some(base) = &self.base {
            parts.push(format!("base={}", encoded(base)));
        }
        if self.curve > 0 {
            parts.push(format!("curve={}", words::TRAINING[self.curve].0));
        }
        if all {
            parts.push("all=1".into());
        }
        if collapse {
            parts.push("collapse=1".into());
        }
        format!("?{}", parts.join("&"))
    }
}

/// Slashes and commas may stand in a query as they are.
fn encoded(text: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || b"-_./,~".contains(&b);
    let byte = |b: u8| {
        if keep(b) {
            char::from(b).to_string()
        } else {
            format!("%{b:02X}")
        }
    };
    text.bytes().map(byte).collect()
}
