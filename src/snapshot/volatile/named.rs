//! Identities that the author names: `vary="(?<suffix>[0-9a-f]{8})"`.
//!
//! A named group is an identity of its name's class, the rest of what the expression matches is volatile as ever. Once a
//! value is known it is recognised wherever it stands, so that later blocks need no `vary` of their own.
//!
//! Limits: a short value is found only where an expression says so. `7` stands in every text.

use std::cmp::Reverse;

use regex::Regex;

use super::{Class, Finder, Kind};
use crate::snapshot::Record;

/// A value that has a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Named {
    /// The group's name.
    pub name: String,
    /// What it matched.
    pub value: String,
}

/// The shortest value that is found without an expression, in characters.
const SHORTEST: usize = 6;

/// What the named groups of these expressions match in a result.
pub fn named_in(record: &Record, vary: &[Regex]) -> Vec<Named> {
    let variables = record.variables.iter().map(|(name, value)| format!("{name}={value}"));
    let texts: Vec<String> = variables.chain([record.output.clone()]).collect();
    let mut found = Vec::new();
    for (text, regex) in texts.iter().flat_map(|text| vary.iter().map(move |regex| (text, regex))) {
        for captures in regex.captures_iter(text) {
            let groups =
                regex.capture_names().flatten().filter_map(|name| Some((name, captures.name(name)?)));
            let values = groups.filter(|(_, value)| !value.is_empty());
            found.extend(
                values.map(|(name, value)| Named { name: name.to_owned(), value: value.as_str().to_owned() }),
            );
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Makes tokens of what `regex`, the `vary` expression of this number, matches. With `rest`, also of what it matches
/// beside its named groups.
pub(super) fn apply(finder: &mut Finder<'_>, (number, regex): (usize, &Regex), rest: bool) {
    let names: Vec<&str> = regex.capture_names().flatten().collect();
    for captures in regex.captures_iter(finder.text) {
        let Some(whole) = captures.get(0) else { continue };
        let mut groups: Vec<_> =
            names.iter().filter_map(|name| Some((*name, captures.name(name)?.range()))).collect();
        groups.sort_by_key(|(_, span)| (span.start, Reverse(span.end)));
        let mut at = whole.start();
        for (name, span) in groups {
            // A group within another is a part of that one.
            if span.start < at || span.is_empty() {
                continue;
            }
            if rest {
                finder.claim(at..span.start, Kind::Vary(number));
            }
            let value = &finder.text[span.clone()];
            at = span.end;
            finder.claim(span, Kind::identity(Class::Named(name.to_owned()), value));
        }
        if rest {
            finder.claim(at..whole.end(), Kind::Vary(number));
        }
    }
}

/// Makes tokens of known values, as words or parts of words that are set apart.
pub(super) fn find(finder: &mut Finder<'_>, known: &[Named]) {
    let mut known: Vec<&Named> =
        known.iter().filter(|named| named.value.chars().count() >= SHORTEST).collect();
    known.sort_by_key(|named| Reverse(named.value.len()));
    for named in known {
        for (at, _) in finder.text.match_indices(&named.value) {
            let end = at + named.value.len();
            let inner = &finder.text.as_bytes()[at..end];
            let joins = |one: u8, other: u8| one.is_ascii_alphanumeric() && other.is_ascii_alphanumeric();
            let goes_on = joins(finder.byte_before(at), inner[0])
                || joins(inner[inner.len() - 1], finder.byte_after(end));
            if !goes_on {
                finder.claim(at..end, Kind::identity(Class::Named(named.name.clone()), &*named.value));
            }
        }
    }
}
