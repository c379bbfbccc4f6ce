//! Query strings, read leniently: what a page does not know is named on it and
//! otherwise ignored, so that an old or mistyped link still shows something.

use actix_web::web;

/// What was asked for after the question mark.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pairs: Vec<(String, String)>,
    ignored: Vec<String>,
}

const MAX_SHOWN: usize = 10;
/// A word that every page understands.
const RELOAD: &str = "refresh";

/// Seconds after which a page was asked to load itself again.
pub fn reload(query: &str) -> Option<u32> {
    seconds(&Asked::read(query).text(RELOAD)?)
}

fn seconds(text: &str) -> Option<u32> {
    let found = text.trim().parse().ok();
    found.filter(|s| (5..=3_600).contains(s))
}

impl Asked {
    pub fn read(query: &str) -> Self {
        match web::Query::<Vec<(String, String)>>::from_query(query) {
            Ok(pairs) => Self {
                pairs: pairs.into_inner(),
                ignored: vec![],
            },
            Err(_) => Self {
                pairs: vec![],
                ignored: vec![shown(query)],
            },
        }
    }

    /// The last value given; an empty one is the same as none.
    pub fn text(&mut self, key: &str) -> Option<String> {
        let mut found = None;
        self.pairs.retain_mut(|(k, v)| {
            let own = k == key;
            if own {
                found = Some(std::mem::take(v));
            }
            !own
        });
        found.filter(|v| !v.is_empty())
    }

    /// One of a closed set.
    pub fn choose<T: Copy>(&mut self, key: &str, options: &[(&str, T)]) -> Option<T> {
        let value = self.text(key)?;
        let found = options
            .iter()
            .find(|(word, _)| *word == value)
            .map(|(_, t)| *t);
        if found.is_none() {
            self.refuse(key, &value);
        }
        found
    }

    pub fn number(&mut self, key: &str) -> Option<i64> {
        let value = self.text(key)?;
        let found = value.trim().parse().ok();
        if found.is_none() {
            self.refuse(key, &value);
        }
        found
    }

    /// A finite number.
    pub fn float(&mut self, key: &str) -> Option<f64> {
        let value = self.text(key)?;
        let found = value.trim().parse().ok().filter(|v: &f64| v.is_finite());
        if found.is_none() {
            self.refuse(key, &value);
        }
        found
    }

    /// Every value given, at commas too, once each and in order.
    pub fn list(&mut self, key: &str) -> Vec<String> {
        let mut found: Vec<String> = vec![];
        self.pairs.retain(|(k, v)| {
            if k == key {
                for word in v.split(',').filter(|w| !w.is_empty()) {
                    if found.iter().all(|f| f != word) {
                        found.push(word.into());
                    }
                }
            }
            k != key
        });
        found
    }

    pub fn refuse(&mut self, key: &str, value: &str) {
        self.ignored.push(shown(&format!("{key}={value}")));
    }

    /// A value of one of these keys was not understood.
    pub fn has_refused(&self, keys: &[&str]) -> bool {
        let key = |pair: &str| pair.split_once('=').is_some_and(|(k, _)| keys.contains(&k));
        self.ignored.iter().any(|pair| key(pair))
    }

    /// Everything that no one has asked for.
    pub fn ignored(mut self) -> Vec<String> {
        let reload = self.text(RELOAD);
        if let Some(text) = reload.filter(|text| seconds(text).is_none()) {
            self.refuse(RELOAD, &text);
        }
        self.ignored
            .extend(self.pairs.iter().map(|(k, _)| shown(k)));
        self.ignored.truncate(MAX_SHOWN);
        self.ignored
    }
}

/// The line of a file that names what of its address was not understood; nothing where all was.
pub fn ignored_said(words: &[String]) -> Option<String> {
    (!words.is_empty()).then(|| format!("ignored: {}", words.join(", ")))
}

/// A query string of what is given; empty values are left out.
pub fn link<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::new();
    for (key, value) in pairs {
        if value.is_empty() {
            continue;
        }
        out.push(if out.is_empty() { '?' } else { '&' });
        out.push_str(key);
        out.push('=');
        out.push_str(&encoded(value));
    }
    if out.is_empty() { "?".into() } else { out }
}

/// A text as one part of an address.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn shown(text: &str) -> String {
    super::text::line(text, 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_reads_back_to_what_it_was_made_from() {
        let text = "a b&c=d?é%\"<";
        let query = link([("text", text), ("none", ""), ("step", "3")]);
        assert_eq!(query, "?text=a%20b%26c%3Dd%3F%C3%A9%25%22%3C&step=3");
        let mut asked = Asked::read(&query[1..]);
        assert_eq!(asked.text("text").as_deref(), Some(text));
        assert_eq!(asked.number("step"), Some(3));
        assert_eq!(link([]), "?");
    }

    #[test]
    fn what_is_not_understood_is_named_and_nothing_fails() {
        let mut asked = Asked::read("metric=pass1&smoth=0.5&step=x&metric=length&x=%zz&y=%ff");
        assert_eq!(
            asked.choose("metric", &[("length", 1), ("pass1", 2)]),
            Some(1)
        );
        assert!(!asked.has_refused(&["step", "metric"]));
        assert_eq!(asked.number("step"), None);
        assert!(asked.has_refused(&["stage", "step"]) && !asked.has_refused(&["stage"]));
        let ignored = asked.ignored();
        assert!(ignored.contains(&"step=x".to_string()) && ignored.contains(&"smoth".to_string()));
        let mut asked = Asked::read("metric=nonsense&step=");
        assert_eq!(asked.choose("metric", &[("length", 1)]), None);
        assert_eq!(asked.number("step"), None);
        assert_eq!(asked.ignored(), ["metric=nonsense"]);
        let mut asked = Asked::read("only=a,b&only=&only=b,c&x0=1e3&x1=inf");
        assert_eq!(asked.list("only"), ["a", "b", "c"]);
        assert_eq!((asked.float("x0"), asked.float("x1")), (Some(1e3), None));
        let ignored = asked.ignored();
        assert_eq!(ignored, ["x1=inf"]);
        assert_eq!(ignored_said(&ignored).as_deref(), Some("ignored: x1=inf"));
        assert_eq!(ignored_said(&[]), None);
        assert_eq!(reload("a=1&refresh=30"), Some(30));
        assert!(Asked::read("refresh=30").ignored().is_empty());
        for bad in ["refresh=0", "refresh=x", "refresh=-5", "refresh=99999"] {
            assert_eq!(reload(bad), None);
            assert_eq!(Asked::read(bad).ignored(), [bad]);
        }
    }
}
