//! One rule of the recogniser: an expression, and what its groups are.

use std::ops::Range;

use regex::Regex;

use super::{Class, Finder, Kind, Quantity};

/// What a group of an expression is.
pub(super) enum Part {
    Identity(Class),
    Quantity(Quantity),
    /// A time; its layout tells kinds apart.
    Time,
    /// Decided by the text and its surroundings; `None` leaves it literal.
    With(fn(&Finder<'_>, Range<usize>) -> Option<Kind>),
    /// Likewise, and it may be only a part of the group.
    Within(fn(&Finder<'_>, Range<usize>) -> Option<Claim>),
}

/// Bytes and what they are.
pub(super) type Claim = (Range<usize>, Kind);

/// An expression and its parts: the first is the whole match when the expression has no groups, else group 1.
pub(super) struct Rule {
    regex: Regex,
    parts: Vec<Part>,
}

impl Rule {
    /// `\b`, `\d` and `\w` are ASCII in these expressions, and `^` and `$` match at lines.
    pub(super) fn new(pattern: &str, parts: impl Into<Vec<Part>>) -> Self {
        let ascii =
            pattern.replace(r"\b", r"(?-u:\b)").replace(r"\d", "[0-9]").replace(r"\w", "[0-9A-Za-z_]");
        let regex = Regex::new(&format!("(?m){ascii}")).expect("the recogniser's expressions are valid");
        Self { regex, parts: parts.into() }
    }

    pub(super) fn apply(&self, finder: &mut Finder<'_>) {
        let grouped = self.regex.captures_len() > 1;
        for found in self.regex.captures_iter(finder.text) {
            for (index, part) in self.parts.iter().enumerate() {
                let Some(group) = found.get(if grouped { index + 1 } else { 0 }) else { continue };
                let span = group.range();
                let claim = match part {
                    Part::Identity(class) => Some((span, Kind::identity(class.clone(), group.as_str()))),
                    Part::Quantity(what) => Some((span, Kind::Quantity(*what, String::new()))),
                    Part::Time => Some((span, Kind::Quantity(Quantity::Time, layout(group.as_str())))),
                    Part::With(decide) => decide(finder, span.clone()).map(|kind| (span, kind)),
                    Part::Within(decide) => decide(finder, span),
                };
                if let Some((span, kind)) = claim {
                    finder.claim(span, kind);
                }
            }
        }
    }
}

/// The layout of a time: digits, names and blanks of any length are one sign each, the rest stays.
fn layout(text: &str) -> String {
    let mut layout = String::new();
    for c in text.chars() {
        let sign = match c {
            '0'..='9' => '9',
            c if c.is_ascii_lowercase() => 'a',
            c if c.is_whitespace() => ' ',
            c => c,
        };
        match (layout.chars().last(), sign) {
            (Some(last), sign) if last == sign && matches!(sign, '9' | 'a' | ' ') => {}
            // `Nov` is one name, `UTC` and `GMT` are words of their own.
            (Some(last), 'a') if last.is_ascii_uppercase() => {
                layout.pop();
                layout.push('a');
            }
            _ => layout.push(sign),
        }
    }
    layout
}

#[cfg(test)]
mod tests {
    use super::layout;

    #[test]
    fn layouts_tell_times_apart_by_form_only() {
        assert_eq!(layout("Sun, 22 Nov 2026 14:10:48 GMT"), layout("Mon, 01 Dec 2025 00:00:00 GMT"));
        assert_eq!(layout("Nov  2 14:10:48"), layout("Dec 22 00:00:01"));
        assert_ne!(layout("2026-11-22T14:10:48Z"), layout("2026-11-22 14:10:48"));
        assert_ne!(layout("14:10:48 GMT"), layout("14:10:48 UTC"));
    }
}
