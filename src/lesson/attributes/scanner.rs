//! The walk through the text between the braces.

use super::{RawAttribute, RawValue};
use crate::lesson::problems::Problems;
use crate::source::Span;

/// A walk through the text of the braces.
pub(super) struct Scanner<'a, 'p> {
    pub text: &'a str,
    /// Place of `text` in the lesson.
    pub base: usize,
    pub at: usize,
    /// A quote was never closed, and has swallowed everything behind it.
    pub quote_open: bool,
    pub problems: &'a mut Problems<'p>,
}

impl Scanner<'_, '_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn span(&self, start: usize) -> Span {
        Span::new(self.base + start, self.base + self.at)
    }

    fn skip(&mut self, mut wanted: impl FnMut(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !wanted(c)).unwrap_or(rest.len());
    }

    /// Up to the closing brace and with it.
    pub fn attributes(&mut self, brace: usize) -> Vec<RawAttribute> {
        let mut found = Vec::new();
        loop {
            self.skip(char::is_whitespace);
            match self.peek() {
                // An open quote has swallowed the brace, and was told already.
                None if self.quote_open => return found,
                None => {
                    let span = Span::new(self.base + brace, self.base + self.text.len());
                    self.problems
                        .error("braces-not-closed", span, "these attributes have no closing `}`")
                        .help("they must all stand on the line of the fence, and end in `}`");
                    return found;
                }
                Some('}') => {
                    self.at += 1;
                    self.nothing_more();
                    return found;
                }
                Some(_) => found.extend(self.attribute()),
            }
        }
    }

    fn nothing_more(&mut self) {
        let start = self.at + self.rest().len() - self.rest().trim_start().len();
        if start < self.text.len() {
            let span = Span::new(self.base + start, self.base + self.text.len());
            self.problems
                .error("outside-braces", span, format!("`{}` stands after the braces", &self.text[start..]))
                .help("put attributes between the braces");
        }
    }

    fn attribute(&mut self) -> Option<RawAttribute> {
        let start = self.at;
        if self.peek() == Some('#') {
            self.at += 1;
            let name = self.at;
            self.skip(|c| !c.is_whitespace() && c != '}');
            let value = self.bare(name);
            let key_span = Span::new(self.base + start, self.base + name);
            return Some(RawAttribute {
                key: "#".to_owned(),
                key_span,
                value: Some(value),
                span: self.span(start),
            });
        }
        self.skip(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if self.at == start {
            self.skip(|c| !c.is_whitespace() && c != '}');
            let word = &self.text[start..self.at];
            let help = match word.chars().next() {
                Some('.') => "there are no classes; a name begins with `#`",
                Some(',') => "attributes are separated by spaces",
                Some('=') => "write `key=value` without spaces around `=`",
                _ => "an attribute is `#name`, `key=value` or `flag`",
            };
            let message = format!("`{word}` is not an attribute");
            self.problems.error("bad-attribute", self.span(start), message).help(help);
            return None;
        }
        let (key, key_span) = (self.text[start..self.at].to_owned(), self.span(start));
        let spaced = self.rest().trim_start_matches([' ', '\t']).starts_with('=');
        if spaced && self.peek() != Some('=') {
            return self.spaced(key, key_span);
        }
        if self.peek() != Some('=') {
            if let Some(c) = self.peek().filter(|c| !c.is_whitespace() && *c != '}') {
                let from = self.at;
                self.skip(|c| !c.is_whitespace() && c != '}');
                let message = format!("`{c}` cannot stand in the name of an attribute");
                let help = if c == ',' { "attributes are separated by spaces" } else { "write `key=value`" };
                self.problems.error("bad-attribute", self.span(from), message).help(help);
            }
            return Some(RawAttribute { key, key_span, value: None, span: key_span });
        }
        self.at += 1;
        let value = self.value(start);
        Some(RawAttribute { key, key_span, value, span: self.span(start) })
    }

    /// `key = value`: told once, and read as it was meant.
    fn spaced(&mut self, key: String, key_span: Span) -> Option<RawAttribute> {
        let start = key_span.start - self.base;
        self.skip(|c| c != '=');
        self.at += 1;
        self.problems
            .error("bad-attribute", self.span(start), format!("a space stands before the `=` of `{key}`"))
            .help(format!("write `{key}=value` without spaces around `=`"));
        self.skip(|c| matches!(c, ' ' | '\t'));
        let value = self.value(start);
        Some(RawAttribute { key, key_span, value, span: self.span(start) })
    }

    fn value(&mut self, attribute: usize) -> Option<RawValue> {
        let start = self.at;
        match self.peek() {
            Some('"') => Some(self.quoted()),
            Some(quote @ ('\'' | '“' | '”' | '„' | '‘' | '’')) => {
                self.at += quote.len_utf8();
                let from = self.at;
                let close = |c: char| {
                    if quote == '\'' { c == '\'' } else { matches!(c, '“' | '”' | '‘' | '’') }
                };
                self.skip(|c| !close(c));
                let value = self.bare(from);
                if let Some(c) = self.peek() {
                    self.at += c.len_utf8();
                }
                self.problems
                    .error(
                        "bad-quotes",
                        self.span(start),
                        format!("a value is quoted with `\"`, not with `{quote}`"),
                    )
                    .help("use double quotes; inside them `\\\"` is a quote mark and `\\\\` a backslash");
                Some(value)
            }
            None | Some('}' | ' ' | '\t') => {
                let key = &self.text[attribute..self.at - 1];
                let message = format!("`{key}=` has no value");
                self.problems
                    .error("no-value", self.span(attribute), message)
                    .help(format!("write `{key}=value` without a space, or `{key}=\"\"` for an empty one"));
                None
            }
            Some(_) => {
                self.skip(|c| !c.is_whitespace() && c != '}');
                let value = self.bare(start);
                if let Some(at) = value.text.find('"') {
                    self.problems
                        .error(
                            "bad-quotes",
                            value.part(at, at + 1),
                            "a quote mark stands inside a value without quotes",
                        )
                        .help("put the whole value in quotes, and a backslash before each quote mark in it");
                }
                Some(value)
            }
        }
    }

    /// The value from `start` to here, as it stands.
    fn bare(&self, start: usize) -> RawValue {
        let text = &self.text[start..self.at];
        let places = text.char_indices().map(|(at, _)| self.base + start + at).collect();
        RawValue { text: text.to_owned(), span: self.span(start), places }
    }

    fn quoted(&mut self) -> RawValue {
        let open = self.at;
        self.at += 1;
        let start = self.at;
        let (mut text, mut places) = (String::new(), Vec::new());
        while let Some(c) = self.peek() {
            let place = self.at;
            self.at += c.len_utf8();
            let c = match (c, self.peek()) {
                ('"', _) => {
                    let after = self.at;
                    self.skip(|c| !c.is_whitespace() && c != '}');
                    if self.at > after {
                        let rest = &self.text[after..self.at];
                        let message = format!("`{rest}` follows a closing quote mark");
                        self.problems
                            .error("bad-quotes", self.span(after), message)
                            .help("put a space between attributes, and a backslash before a quote mark inside a value");
                    }
                    return RawValue { text, span: Span::new(self.base + start, self.base + place), places };
                }
                ('\\', Some(escaped @ ('"' | '\\'))) => {
                    self.at += 1;
                    escaped
                }
                (c, _) => c,
            };
            text.push(c);
            places.push(self.base + place);
        }
        self.quote_open = true;
        self.problems
            .error("quotes-not-closed", self.span(open), "this value has no closing quote mark")
            .help("a value ends on the line of the fence; inside it `\\\"` is a quote mark");
        RawValue { text, span: self.span(start), places }
    }
}
