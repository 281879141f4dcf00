//! Every recorded fact falsified: by hand, and one by one by rule.

use super::*;
use crate::snapshot::volatile::{self, Hints, Kind};

/// All failures together: one change of the recogniser shows all that it does.
#[derive(Default)]
struct Failures(Vec<String>);

impl Failures {
    fn check(&mut self, right: bool, message: impl FnOnce() -> String) {
        if !right {
            self.0.push(message());
        }
    }
}

impl Drop for Failures {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.0.is_empty(), "{} failures:\n{}", self.0.len(), self.0.join("\n"));
        }
    }
}

#[test]
fn another_run_is_the_same() {
    let mut failures = Failures::default();
    for case in case::all() {
        let verdict = case.compare(&case.now);
        failures.check(verdict.matches(), || {
            format!("{}:\n{}", case.name, crate::snapshot::render(verdict.difference().unwrap(), false, 160))
        });
    }
}

#[test]
fn every_result_equals_itself() {
    let mut failures = Failures::default();
    for case in case::all() {
        for result in [&case.recorded, &case.now] {
            let verdict = compare(result, result, &case.rules, &mut Renaming::default());
            failures.check(verdict.matches(), || format!("{}: {:?}", case.name, reasons(&verdict)));
        }
    }
}

#[test]
fn every_falsified_fact_is_found_and_named() {
    let mut failures = Failures::default();
    for case in case::all() {
        assert!(!case.mutations.is_empty(), "{}", case.name);
        for mutation in &case.mutations {
            let verdict = case.compare(&mutation.now);
            let Some(difference) = verdict.difference() else {
                failures.check(false, || format!("{}: `{}` went unnoticed", case.name, mutation.text));
                continue;
            };
            let reasons = reasons(&verdict).join("\n");
            if let Some(reason) = &mutation.reason {
                failures.check(reasons.contains(reason), || {
                    format!("{}: `{}`: {reasons}", case.name, mutation.text)
                });
            }
            let shown = crate::snapshot::render(difference, false, 160);
            failures.check(shown.contains("\n- ") || shown.contains("\n+ "), || {
                format!("{}: {shown}", case.name)
            });
        }
    }
}

/// No line can be left out, be there twice, or change places with a different one.
#[test]
fn every_line_counts() {
    let mut failures = Failures::default();
    for case in case::all() {
        let lines: Vec<&str> = case.now.output.lines().collect();
        let inside_token: Vec<bool> = {
            // Lines that one token spans (a key's picture) cannot change places within it, or be what they are not.
            let tokens = volatile::find(&case.now.output, &Hints::of(&case.rules.chosen));
            let mut starts = Vec::new();
            let mut at = 0;
            for line in &lines {
                let next = at + line.len();
                starts.push(tokens.iter().any(|token| token.span.start < next && token.span.end > next));
                at = next + 1;
            }
            starts
        };
        let mut check = |lines: Vec<&str>, what: String| {
            let now = Record { output: lines.join("\n"), ..case.now.clone() };
            failures.check(!case.compare(&now).matches(), || format!("{}: {what} went unnoticed", case.name));
        };
        for (at, inside_token) in inside_token.into_iter().enumerate() {
            let mut fewer = lines.clone();
            let line = fewer.remove(at);
            if !line.trim().is_empty() {
                check(fewer, format!("line `{line}` left out"));
                let mut more = lines.clone();
                more.insert(at, line);
                check(more, format!("line `{line}` doubled"));
            }
            let other = at + 1;
            let differ = |a: &str, b: &str| {
                let of = |text: &str| {
                    let text = Text::new(text, &case.rules, &[]);
                    text.lines.iter().map(text::TextLine::skeleton).collect::<Vec<_>>()
                };
                of(a) != of(b)
            };
            if case.rules.matching == Matching::Full
                && other < lines.len()
                && differ(line, lines[other])
                && !inside_token
            {
                let mut swapped = lines.clone();
                swapped.swap(at, other);
                check(swapped, format!("lines `{line}` and `{}` swapped", lines[other]));
            }
        }
    }
}

/// No word outside of a token can change, be it in its first, its last or a middle character.
#[test]
fn every_literal_word_counts() {
    let mut failures = Failures::default();
    let mut checked: usize = 0;
    for case in case::all() {
        let text = &case.now.output;
        let mut literal: Vec<bool> = text.bytes().map(|byte| !byte.is_ascii_whitespace()).collect();
        for token in volatile::find(text, &Hints::of(&case.rules.chosen)) {
            literal[token.span].fill(false);
        }
        // Long results are of one kind throughout; there one word of five will do.
        let step = if text.len() > 2000 { 5 } else { 1 };
        let (mut at, mut number) = (0, 0);
        while at < text.len() {
            let length = literal[at..].iter().take_while(|literal| **literal).count();
            number += usize::from(length > 0);
            if length > 0 && number % step == 0 {
                // Each word in one place, all places in turn.
                let mut place = at + [0, length / 2, length - 1][checked % 3];
                while !text.is_char_boundary(place) {
                    place -= 1;
                }
                checked += 1;
                let c = text[place..].chars().next().unwrap();
                let other = if c == '7' { "8" } else { "7" };
                let mut changed = text.clone();
                changed.replace_range(place..place + c.len_utf8(), other);
                let now = Record { output: changed, ..case.now.clone() };
                let word = &text[at..at + length];
                failures.check(!case.compare(&now).matches(), || {
                    format!("{}: `{c}` made `{other}` in `{word}` went unnoticed", case.name)
                });
            }
            at += length.max(1);
        }
    }
    assert!(checked > 800, "only {checked} words");
}

/// An identity that occurs more than once, here or in an earlier block, cannot change in one place only.
#[test]
fn every_identity_is_the_same_everywhere() {
    let mut failures = Failures::default();
    let mut checked = 0;
    for case in case::all() {
        let text = &case.now.output;
        let tokens = volatile::find(text, &Hints::of(&case.rules.chosen));
        let earlier = case.earlier.as_ref().map_or("", |(_, now)| now.output.as_str());
        let identity = |kind: &Kind| match kind {
            Kind::Identity(identity) => Some((identity.class.clone(), identity.value.clone())),
            _ => None,
        };
        let known: Vec<_> = volatile::find(earlier, &Hints::of(&case.rules.chosen))
            .iter()
            .filter_map(|token| identity(&token.kind))
            .collect();
        let here: Vec<_> = tokens.iter().filter_map(|token| identity(&token.kind)).collect();
        for token in &tokens {
            let Some(this) = identity(&token.kind) else { continue };
            let count = here.iter().chain(&known).filter(|other| **other == this).count();
            let Some(other) = another(&text[token.span.clone()]) else { continue };
            if count < 2 || case.rules.matching == Matching::Lines {
                continue;
            }
            let mut changed = text.clone();
            changed.replace_range(token.span.clone(), &other);
            let now = Record { output: changed, ..case.now.clone() };
            failures.check(!case.compare(&now).matches(), || {
                format!("{}: one `{}` made `{other}` went unnoticed", case.name, &text[token.span.clone()])
            });
            checked += 1;
        }
    }
    assert!(checked > 100, "only {checked} identities occur twice");
}

/// Another identity of the same class and form; regions have few.
fn another(text: &str) -> Option<String> {
    let last = text.rfind(|c: char| c.is_ascii_digit())?;
    let digit = if &text[last..=last] == "3" { "4" } else { "3" };
    let mut other = text.to_owned();
    other.replace_range(last..=last, digit);
    Some(other)
}
