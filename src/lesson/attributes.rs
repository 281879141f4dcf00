//! The braces after a fence's language, taken apart: `sh {#name key=value key="quoted \" value" flag}`.
//!
//! Nothing is known here of what an attribute means or whether it exists. Inside quotes `\"` is a quote mark and `\\` a
//! backslash; any other backslash stays as it is, so that regular expressions stay readable.

mod scanner;

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
        let mut scanner =
            scanner::Scanner { text, base: info.start, at: brace + 1, quote_open: false, problems };
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

#[cfg(test)]
mod tests;
