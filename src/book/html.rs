//! HTML that goes through Markdown unharmed.
//!
//! [`Html`] can only be made by escaping: text and attributes that come from a recording or a lesson have no other way
//! in. Its text has no line break at all (they are character references), so that in Markdown it is one line of raw
//! HTML which no blank line, fence or list marker inside can end, and no brace, so that `{{#include}}` stays text.

use std::fmt::Write;

use unicode_width::UnicodeWidthChar as _;

use crate::source::unseen::{self, Part};

/// Well-formed HTML on one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Html(String);

/// Attributes: a name that the code chose and any value.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a str)];

impl Html {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Text as it is.
    pub fn text(text: &str) -> Self {
        Self::new().and_text(text)
    }

    /// An element around `inner`.
    pub fn element(tag: &'static str, attributes: Attributes<'_>, inner: Self) -> Self {
        Self::new().and(tag, attributes, inner)
    }

    /// An element with text in it.
    pub fn labelled(tag: &'static str, class: &'static str, text: &str) -> Self {
        Self::element(tag, &[("class", class)], Self::text(text))
    }

    /// With text behind it. A character that nobody would see is shown as what it is.
    pub fn and_text(mut self, text: &str) -> Self {
        for part in unseen::parts(text) {
            match part {
                Part::Seen(text) => escape_into(&mut self.0, text),
                Part::Unseen(c) => self = self.then(Self::unseen(c)),
            }
        }
        self
    }

    /// A character that nobody would see: its number, and what it is.
    pub fn unseen(c: char) -> Self {
        let code = unseen::code(c);
        let title = format!("{code}: {}", unseen::name(c));
        let mut code_html = Self::new();
        escape_into(&mut code_html.0, &code);
        Self::element("span", &[("class", "lab-unseen"), ("title", &title)], code_html)
    }

    /// With text of a terminal behind it: a character that takes two columns there does so here, too, by the style
    /// sheet.
    pub fn and_columns(self, text: &str) -> Self {
        let wide = |c: char| c.width() == Some(2);
        let mut html = self;
        let mut rest = text;
        while let Some(start) = rest.find(wide) {
            let end = rest[start..].find(|c| !wide(c)).map_or(rest.len(), |end| start + end);
            let run = Self::labelled("span", "lab-2ch", &rest[start..end]);
            html = html.and_text(&rest[..start]).then(run);
            rest = &rest[end..];
        }
        html.and_text(rest)
    }

    /// With an element behind it.
    pub fn and(mut self, tag: &'static str, attributes: Attributes<'_>, inner: Self) -> Self {
        self.open(tag, attributes);
        let _ = write!(self.0, ">{}</{tag}>", inner.0);
        self
    }

    /// With an element that has no contents behind it.
    pub fn and_void(mut self, tag: &'static str, attributes: Attributes<'_>) -> Self {
        self.open(tag, attributes);
        self.0.push_str("/>");
        self
    }

    /// With more behind it.
    pub fn then(mut self, next: Self) -> Self {
        self.0.push_str(&next.0);
        self
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The HTML.
    pub fn into_string(self) -> String {
        self.0
    }

    fn open(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        let _ = write!(self.0, "<{tag}");
        for (name, value) in attributes {
            let _ = write!(self.0, " {name}=\"");
            escape_into(&mut self.0, &unseen::shown(value));
            self.0.push('"');
        }
    }
}

impl FromIterator<Html> for Html {
    fn from_iter<I: IntoIterator<Item = Html>>(parts: I) -> Self {
        parts.into_iter().fold(Self::new(), Self::then)
    }
}

fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '{' => out.push_str("&#123;"),
            '}' => out.push_str("&#125;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            // HTML knows no other control characters, and a carriage return would become a line break.
            c if c.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        let html = Html::text("<b>&amp;</pre>\n\n```\n{{#include x}}\r\u{1b}[1m\t\"'").into_string();
        assert_eq!(
            html,
            "&lt;b&gt;&amp;amp;&lt;/pre&gt;&#10;&#10;```&#10;&#123;&#123;#include x&#125;&#125;\\x0d\\x1b[1m&#9;&quot;&#39;"
        );
    }

    #[test]
    fn wide_characters_are_marked_in_runs() {
        let html = Html::new().and_columns("a日本 <語>").into_string();
        assert_eq!(html, "a<span class=\"lab-2ch\">日本</span> &lt;<span class=\"lab-2ch\">語</span>&gt;");
    }

    #[test]
    fn what_nobody_would_see_is_shown_as_what_it_is() {
        let html = Html::text("a\u{202e}b\u{9b}").into_string();
        assert_eq!(
            html,
            "a<span class=\"lab-unseen\" title=\"U+202E: an override of the direction of writing\">U+202E</span>b\
             <span class=\"lab-unseen\" title=\"U+009B: a control character\">U+009B</span>"
        );
        let html = Html::element("i", &[("title", "x\u{2066}")], Html::new()).into_string();
        assert_eq!(html, "<i title=\"x&lt;U+2066&gt;\"></i>");
    }

    #[test]
    fn attributes_are_escaped_too() {
        let html = Html::element("i", &[("title", "\"><script>")], Html::new()).into_string();
        assert_eq!(html, "<i title=\"&quot;&gt;&lt;script&gt;\"></i>");
    }
}
