//! The braces after a fence's language, taken apart: `sh {#name key=value key="quoted \" value" flag}`.
//!
//! Nothing is known here of what an attribute means or whether it exists. Inside quotes `\"` is a quote mark and `\\` a
//! backslash; any other backslash stays as it is, so that regular expressions stay readable.

use crate::lesson::problems::Problems;
use crate::source::{SourceText, Span};

/// What the opening line of a fence says.
#[derive(Clone, Debug)]
pub(crate) struct RawInfo {
    /// The first word; empty when it is missing.
    pub language: String,
    pub language_span: Span,
    /// The braces and what is between them.
    pub braces: Span,
    pub attributes: Vec<RawAttribute>,
}

/// One attribute as written.
#[derive(Clone, Debug)]
pub(crate) struct RawAttribute {
    /// `#` for a name.
    pub key: String,
    pub key_span: Span,
    /// None for a flag.
    pub value: Option<RawValue>,
    /// All of it.
    pub span: Span,
}

/// A value as written.
#[derive(Clone, Debug)]
pub(crate) struct RawValue {
    /// With the escapes of a quoted value undone.
    pub text: String,
    /// Without its quote marks.
    pub span: Span,
    /// The place of each character of `text`.
    places: Vec<usize>,
}

impl RawValue {
    /// The place of the character with that number, from 0; the end of the value for what lies beyond it.
    pub fn place(&self, character: usize) -> usize {
        self.places.get(character).copied().unwrap_or(self.span.end)
    }

    /// The place of the part of the value from byte `start` up to `end`.
    pub fn part(&self, start: usize, end: usize) -> Span {
        let count = |at: usize| self.text[..at].chars().count();
        Span::new(
            self.place(count(start)),
            if end == start { self.place(count(start)) } else { self.place(count(end)) },
        )
    }
}

impl RawInfo {
    /// What stands at `info`. None for a fence without braces, which is prose.
    pub fn parse(source: &SourceText, info: Span, problems: &mut Problems<'_>) -> Option<Self> {
        let text = source.slice(info);
        let brace = text.find('{')?;
        let before = &text[..brace];
        let language = before.split_whitespace().next().unwrap_or_default().to_owned();
        let language_span = match before.find(&language) {
            Some(at) if !language.is_empty() => Span::new(info.start + at, info.start + at + language.len()),
            _ => Span::at(info.start),
        };
        if language.is_empty() {
            let span = Span::new(info.start, info.start + brace + 1);
            problems
                .error("no-language", span, "this fence has no language before its attributes")
                .help("begin with the language, as in `sh {#name}`");
        } else if before.ends_with(|c: char| !c.is_whitespace()) {
            let span = Span::new(language_span.start, info.start + brace + 1);
            problems
                .error("no-space", span, "there must be a space between the language and `{`")
                .help(format!("write `{language} {{`, or Markdown viewers take all of it for the language"));
        } else if before.split_whitespace().count() > 1 {
            let start = language_span.end
                + before[language_span.end - info.start..].find(|c: char| !c.is_whitespace()).unwrap_or(0);
            let span = Span::new(start, info.start + before.trim_end().len());
            let words = source.slice(span).to_owned();
            problems
                .error(
                    "outside-braces",
                    span,
                    format!("`{words}` stands between the language and the braces"),
                )
                .help("put attributes between the braces");
        }
        let mut scanner = Scanner { text, base: info.start, at: brace + 1, quote_open: false, problems };
        let attributes = scanner.attributes(brace);
        let end = scanner.at;
        Some(Self {
            language,
            language_span,
            braces: Span::new(info.start + brace, info.start + end),
            attributes,
        })
    }
}

struct Scanner<'a, 'p> {
    text: &'a str,
    /// Place of `text` in the lesson.
    base: usize,
    at: usize,
    quote_open: bool,
    problems: &'a mut Problems<'p>,
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
    fn attributes(&mut self, brace: usize) -> Vec<RawAttribute> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(info: &str) -> (Option<RawInfo>, Vec<(&'static str, String)>) {
        let source = SourceText::new("l.md", info);
        let mut problems = Problems::new(&source);
        let raw = RawInfo::parse(&source, source.span(), &mut problems);
        let found = problems.into_diagnostics();
        let shown =
            found.iter().map(|d| (d.code, source.slice(d.span.unwrap_or_default()).to_owned())).collect();
        (raw, shown)
    }

    #[test]
    fn names_values_quotes_and_flags() {
        let (raw, problems) = parse(r#"sh {#ping-db on=web until="a \"b\" \d \\" with=A,B hidden}"#);
        assert!(problems.is_empty(), "{problems:?}");
        let raw = raw.unwrap();
        assert_eq!(raw.language, "sh");
        let shown: Vec<_> = raw
            .attributes
            .iter()
            .map(|a| (a.key.as_str(), a.value.as_ref().map(|v| v.text.as_str())))
            .collect();
        let until = r#"a "b" \d \"#;
        assert_eq!(
            shown,
            [
                ("#", Some("ping-db")),
                ("on", Some("web")),
                ("until", Some(until)),
                ("with", Some("A,B")),
                ("hidden", None)
            ]
        );
    }

    #[test]
    fn a_place_in_a_value_is_a_place_in_the_text() {
        let info = r#"sh {vary="\"x\\y"}"#;
        let (raw, _) = parse(info);
        let value = raw.unwrap().attributes[0].value.clone().unwrap();
        assert_eq!(value.text, r#""x\y"#);
        assert_eq!(&info[value.place(1)..=value.place(1)], "x");
        assert_eq!(&info[value.place(3)..=value.place(3)], "y");
        let part = value.part(2, 3);
        assert_eq!(&info[part.start..part.end], r"\\");
    }

    #[test]
    fn no_braces_mean_prose() {
        assert!(parse("sh").0.is_none());
        assert!(parse("").0.is_none());
    }

    #[test]
    fn each_slip_is_told() {
        for (info, code, at) in [
            ("{#x}", "no-language", "{"),
            ("sh{#x}", "no-space", "sh{"),
            ("sh x {#x}", "outside-braces", "x"),
            ("sh {#x} y", "outside-braces", "y"),
            ("sh {#x", "braces-not-closed", "{#x"),
            ("sh {#x on=}", "no-value", "on="),
            ("sh {#x on = web}", "bad-attribute", "on ="),
            ("sh {#x, hidden}", "", ""),
            ("sh {#x hidden, check}", "bad-attribute", ","),
            ("sh {#x .big}", "bad-attribute", ".big"),
            ("sh {#x until='a b'}", "bad-quotes", "'a b'"),
            ("sh {#x until=“a b”}", "bad-quotes", "“a b”"),
            ("sh {#x until=\"a b}", "quotes-not-closed", "\"a b}"),
            ("sh {#x until=\"a\"b}", "bad-quotes", "b"),
            ("sh {#x until=a\"b}", "bad-quotes", "\""),
        ] {
            let (_, problems) = parse(info);
            if code.is_empty() {
                assert!(problems.is_empty(), "{info}: {problems:?}");
            } else {
                assert_eq!(problems[0], (code, at.to_owned()), "{info}: {problems:?}");
            }
        }
    }
}
