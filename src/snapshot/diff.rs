//! A difference for the terminal.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};
use unicode_width::UnicodeWidthStr;

use super::verdict::{Line, Place};
use super::{Difference, Reason};
use crate::source::unseen;

/// How many unchanged lines are shown around a change.
const CONTEXT: usize = 2;
/// How many reasons are told in words; the lines below show the rest.
const REASONS: usize = 5;

/// The difference as text for a terminal of this width: reasons, then the changed lines with their surroundings,
/// `-` recorded and `+` new, what changed within a line marked. With `colour`, ANSI codes; readable without.
///
/// The new lines are in the vocabulary of the recording, so that only what differs differs. Every line ends in a
/// newline; nothing is indented.
pub fn render(difference: &Difference, colour: bool, width: usize) -> String {
    let mut out = String::new();
    for reason in difference.reasons.iter().take(REASONS) {
        let _ = writeln!(out, "{}", say(reason));
    }
    if let Some(more) = difference.reasons.len().checked_sub(REASONS).filter(|more| *more > 0) {
        let _ = writeln!(out, "and {more} more");
    }
    let pen = Pen { colour, width: width.max(20) };
    let changed = |lines: &[Line]| lines.iter().any(|line| !matches!(line, Line::Same(_)));
    if changed(&difference.variables) {
        let _ = writeln!(out, "{}", pen.faint("variables:"));
        pen.lines(&mut out, &difference.variables);
    }
    if changed(&difference.lines) {
        let _ = writeln!(out, "{}", pen.faint("output (- recorded, + now):"));
        pen.lines(&mut out, &difference.lines);
    }
    out
}

fn say(reason: &Reason) -> String {
    let reason = &Reason { message: unseen::shown(&reason.message).into_owned(), ..reason.clone() };
    match &reason.place {
        Place::Exit | Place::Output => reason.message.clone(),
        Place::Variable(name) if reason.message.contains(name.as_str()) => reason.message.clone(),
        Place::Variable(name) => format!("{name}: {}", reason.message),
        Place::Expected(line) => format!("line {line}: {}", reason.message),
        Place::Actual(line) => format!("new line {line}: {}", reason.message),
    }
}

/// How lines are drawn.
pub(super) struct Pen {
    pub colour: bool,
    pub width: usize,
}

const OLD: Style = AnsiColor::Red.on_default();
const NEW: Style = AnsiColor::Green.on_default();

impl Pen {
    pub(super) fn faint(&self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    pub(super) fn paint(&self, style: Style, text: &str) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Changed lines with their surroundings; what is left out is counted.
    pub(super) fn lines(&self, out: &mut String, lines: &[Line]) {
        let near = |at: usize| {
            let around = at.saturating_sub(CONTEXT)..(at + CONTEXT + 1).min(lines.len());
            lines[around].iter().any(|line| !matches!(line, Line::Same(_)))
        };
        let mut skipped = 0;
        for (at, line) in lines.iter().enumerate() {
            if !near(at) {
                skipped += 1;
                continue;
            }
            self.gap(out, &mut skipped);
            self.line(out, line);
        }
        self.gap(out, &mut skipped);
    }

    fn gap(&self, out: &mut String, skipped: &mut usize) {
        if *skipped > 0 {
            let lines = if *skipped == 1 { "line" } else { "lines" };
            let _ = writeln!(out, "{}", self.faint(&format!("  ... {skipped} {lines} the same")));
            *skipped = 0;
        }
    }

    /// With characters that nobody would see as what they are: two lines that differ must not look alike.
    fn line(&self, out: &mut String, line: &Line) {
        match &line.shown() {
            Line::Same(text) => {
                let _ = writeln!(out, "{}", self.faint(&format!("  {}", self.fit(text))));
            }
            Line::Missing(text) => {
                let _ = writeln!(out, "{}", self.paint(OLD, &format!("- {text}")));
            }
            Line::Extra(text) => {
                let _ = writeln!(out, "{}", self.paint(NEW, &format!("+ {text}")));
            }
            Line::Changed { expected, actual } => self.changed(out, expected, actual),
        }
    }

    /// Two lines; the words that differ are bold, or underlined by `^` where there is no colour.
    fn changed(&self, out: &mut String, expected: &str, actual: &str) {
        let diff = TextDiff::from_words(expected, actual);
        for (sign, style, own) in [('-', OLD, ChangeTag::Delete), ('+', NEW, ChangeTag::Insert)] {
            let mut text = self.paint(style, &format!("{sign} "));
            let mut marks = String::from("  ");
            for change in diff.iter_all_changes() {
                let word = change.value();
                if change.tag() == ChangeTag::Equal {
                    text.push_str(&self.paint(style, word));
                    marks.extend(std::iter::repeat_n(' ', word.width()));
                } else if change.tag() == own {
                    text.push_str(&self.paint(style.bold().underline(), word));
                    marks.extend(std::iter::repeat_n('^', word.width()));
                }
            }
            let _ = writeln!(out, "{text}");
            if !self.colour && marks.contains('^') && marks.len() <= self.width && !text.contains('\t') {
                let _ = writeln!(out, "{}", marks.trim_end());
            }
        }
    }

    /// Surroundings need not be complete: cut at the terminal's edge.
    fn fit(&self, text: &str) -> String {
        let room = self.width.saturating_sub(2);
        if text.width() <= room {
            return text.to_owned();
        }
        let mut out = String::new();
        for c in text.chars() {
            if out.width() + 1 >= room {
                break;
            }
            out.push(c);
        }
        out.push('…');
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference() -> Difference {
        let same = |n: usize| Line::Same(format!("64 bytes from 10.0.2.10: icmp_seq={n}"));
        let changed = Line::Changed {
            expected: "3 packets transmitted, 3 received, 0% packet loss".to_owned(),
            actual: "3 packets transmitted, 0 received, 100% packet loss".to_owned(),
        };
        Difference {
            reasons: vec![Reason { place: Place::Expected(9), message: "expected `3`, got `0`".to_owned() }],
            lines: (1..8)
                .map(same)
                .chain([changed, Line::Missing("rtt".to_owned()), Line::Extra("new".to_owned())])
                .collect(),
            variables: vec![Line::Same("A=1".to_owned())],
        }
    }

    #[test]
    fn without_colour_marks_say_what_differs() {
        assert_eq!(
            render(&difference(), false, 80),
            "line 9: expected `3`, got `0`\n\
             output (- recorded, + now):\n\
             \x20 ... 5 lines the same\n\
             \x20 64 bytes from 10.0.2.10: icmp_seq=6\n\
             \x20 64 bytes from 10.0.2.10: icmp_seq=7\n\
             - 3 packets transmitted, 3 received, 0% packet loss\n\
             \x20                        ^           ^^\n\
             + 3 packets transmitted, 0 received, 100% packet loss\n\
             \x20                        ^           ^^^^\n\
             - rtt\n\
             + new\n"
        );
    }

    #[test]
    fn with_colour_the_text_is_the_same() {
        let plain = super::super::ansi::clean(render(&difference(), true, 80).as_bytes());
        assert!(
            plain.contains("- 3 packets transmitted, 3 received, 0% packet loss\n+ 3 packets"),
            "{plain}"
        );
        assert!(!plain.contains('^'), "{plain}");
    }

    #[test]
    fn surroundings_are_cut_at_the_edge() {
        let mut difference = difference();
        difference.lines[6] = Line::Same("x".repeat(100));
        let text = render(&difference, false, 40);
        assert!(text.contains(&format!("  {}…\n", "x".repeat(37))), "{text}");
    }
}
