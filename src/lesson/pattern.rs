//! The regular expressions of `vary`.

use regex::RegexBuilder;

use crate::lesson::attributes::RawValue;
use crate::lesson::problems::Problems;
use crate::source::Span;

/// Texts that have nothing in common: an expression that matches the whole of each of them compares nothing.
const ANYTHING: [&str; 4] = ["a", "7 % 3", "Zz.-!", "\u{7db2}\u{8def} (x)"];

/// A regular expression that was found valid and that matches no empty text.
#[derive(Clone, Debug)]
pub struct Pattern(regex::Regex);

impl Pattern {
    /// The expression, ready to match.
    pub fn regex(&self) -> &regex::Regex {
        &self.0
    }

    /// The names of its groups: each is an identity of the lab.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.capture_names().flatten()
    }

    /// Whether it is one group with a name and nothing else: then all that it matches is compared.
    pub fn is_one_name(&self) -> bool {
        let text = self.as_str();
        if !(text.starts_with("(?<") || text.starts_with("(?P<")) {
            return false;
        }
        let (mut depth, mut in_class, mut escaped) = (0_usize, false, false);
        for (at, letter) in text.char_indices() {
            match letter {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '[' => in_class = true,
                ']' => in_class = false,
                '(' if !in_class => depth += 1,
                ')' if !in_class => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return at + 1 == text.len();
                    }
                }
                _ => {}
            }
        }
        false
    }

    /// The expression as written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

/// Reads the value of `vary`. `^` and `$` match at each line, as everywhere where outputs are compared.
pub(crate) fn parse_pattern(value: &RawValue, problems: &mut Problems<'_>) -> Option<Pattern> {
    let regex = match RegexBuilder::new(&value.text).multi_line(true).build() {
        Ok(regex) => regex,
        Err(error) => {
            let (reason, at) = explain(&error.to_string());
            let span = at.map_or(value.span, |at| {
                Span::new(value.place(at), value.place(at + 1).max(value.place(at)))
            });
            problems
                .error("bad-regex", span, format!("this regular expression is not valid: {reason}"))
                .help("a character with a meaning of its own needs a backslash: `\\.`, `\\(`, `\\[`");
            return None;
        }
    };
    let whole = |text: &str| regex.find(text).is_some_and(|found| found.range() == (0..text.len()));
    if ANYTHING.into_iter().all(whole) {
        problems
            .error("vary-everything", value.span, "this matches everything, so nothing would be compared")
            .help("match only what changes from run to run; `match=exit` compares the status alone");
        return None;
    }
    if regex.is_match("") {
        problems
            .error("vary-everything", value.span, "this matches the empty text, so it matches everywhere")
            .help("use `+` in place of `*`, or match something that is always there");
        return None;
    }
    let fits = |name: &&str| name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    if let Some(name) = regex.capture_names().flatten().find(|name| !fits(name)) {
        problems
            .error(
                "bad-group-name",
                group_span(value, name),
                format!("`{name}` cannot be the name of a value"),
            )
            .help("use lower-case letters, digits and `_`");
        return None;
    }
    Some(Pattern(regex))
}

/// Where the group of that name gets it.
fn group_span(value: &RawValue, name: &str) -> Span {
    let named = format!("<{name}>");
    let at = value.text.find(&named).map(|at| at + 1);
    at.map_or(value.span, |at| value.part(at, at + name.len()))
}

/// The reason and the offending character, from 0, in what the `regex` crate prints: the expression on a line of its
/// own behind four blanks, a line of carets under it, and `error: ..`.
fn explain(printed: &str) -> (String, Option<usize>) {
    let reason = printed.lines().find_map(|line| line.strip_prefix("error: "));
    let carets =
        printed.lines().find(|line| line.contains('^') && line.chars().all(|c| matches!(c, ' ' | '^')));
    let at = carets.and_then(|line| line.find('^')).and_then(|at| at.checked_sub(4));
    (reason.unwrap_or(printed).trim().to_owned(), at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::attributes::RawInfo;
    use crate::source::SourceText;

    fn check(pattern: &str) -> Vec<(&'static str, String, String)> {
        let source = SourceText::new("l.md", format!("sh {{vary=\"{pattern}\"}}"));
        let mut problems = Problems::new(&source);
        let raw = RawInfo::parse(&source, source.span(), &mut problems).unwrap();
        let pattern = parse_pattern(raw.attributes[0].value.as_ref().unwrap(), &mut problems);
        let found = problems.into_diagnostics();
        assert_eq!(pattern.is_none(), !found.is_empty());
        found.into_iter().map(|d| (d.code, source.slice(d.span.unwrap()).to_owned(), d.message)).collect()
    }

    #[test]
    fn a_bad_expression_is_shown_where_it_is_bad() {
        assert_eq!(check("ab(cd")[0].1, "(");
        assert_eq!(check("a{2,1}")[0].0, "bad-regex");
        assert_eq!(check("ab[z-a]")[0].1, "z");
        assert!(check("(?=x)")[0].2.contains("look-around"), "{:?}", check("(?=x)"));
        assert!(check(r"\d+ (ms|s)").is_empty());
    }

    #[test]
    fn names_of_values_are_words() {
        assert!(check("(?<suffix_2>[0-9a-f]{8}) (?P<b>x+)").is_empty());
        let found = check("x(?<Suffix>[0-9a-f]{8})");
        assert_eq!((found[0].0, found[0].1.as_str()), ("bad-group-name", "Suffix"));
        assert_eq!(check("(?<a>x)(?<a>y)")[0].0, "bad-regex", "one name twice");
    }

    #[test]
    fn one_name_loses_nothing() {
        let one = |text: &str| Pattern(regex::Regex::new(text).unwrap()).is_one_name();
        for text in ["(?<a>[0-9a-f]{8})", "(?P<a>x(y|z)+)", r"(?<a>[)]\))"] {
            assert!(one(text), "{text}");
        }
        for text in
            ["[0-9a-f]{8}", "(?<a>x)y", "(?<a>x)|y", "(?<a>x)+", "x(?<a>y)", "(?:x)", "(?<a>x)(?<b>y)"]
        {
            assert!(!one(text), "{text}");
        }
    }

    #[test]
    fn what_matches_everything_is_refused() {
        for pattern in [".*", ".+", "x*", "", "[^q]+", "(?s).+"] {
            assert_eq!(check(pattern)[0].0, "vary-everything", "{pattern}");
        }
        assert!(check("^.+ms$").is_empty());
    }
}
