//! Filters of the templates: every text of a model or a person passes through one of them.

use super::text;
use askama::filters::Safe;

/// In a place of its own: an element that holds nothing else.
#[askama::filter_fn]
pub fn shown<T: std::fmt::Display>(of: T, _: &dyn askama::Values) -> askama::Result<Safe<String>> {
    Ok(Safe(text::markup(&of.to_string())))
}

/// Beside other text.
#[askama::filter_fn]
pub fn isolated<T: std::fmt::Display>(
    of: T,
    _: &dyn askama::Values,
) -> askama::Result<Safe<String>> {
    Ok(Safe(text::isolated(&of.to_string())))
}

/// Where no element can stand: attributes, options.
#[askama::filter_fn]
pub fn plain<T: std::fmt::Display>(of: T, _: &dyn askama::Values) -> askama::Result<String> {
    Ok(text::visible(&of.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::filters;
    use askama::Template;

    #[derive(Template)]
    #[template(
        source = "<pre>{{ text|shown }}</pre><p title=\"{{ text|plain }}\">{{ text|isolated }}, seed {{ seed|isolated }}</p>{% if let Some(more) = more %}{{ more|shown }}{% endif %}",
        ext = "html"
    )]
    struct Page<'a> {
        text: &'a str,
        seed: u64,
        more: Option<String>,
    }

    #[test]
    fn a_hostile_text_stays_in_its_place_wherever_it_stands() {
        let page = Page {
            text: "\u{202e}\"><script>",
            seed: 3,
            more: Some("\u{2066}".into()),
        };
        assert_eq!(
            page.render().unwrap(),
            "<pre><span class=\"ctl\">⟨U+202E⟩</span>&#34;&#62;&#60;script&#62;</pre>\
             <p title=\"⟨U+202E⟩&#34;&#62;&#60;script&#62;\">\
             <bdi><span class=\"ctl\">⟨U+202E⟩</span>&#34;&#62;&#60;script&#62;</bdi>, seed <bdi>3</bdi></p>\
             <span class=\"ctl\">⟨U+2066⟩</span>"
        );
    }
}
