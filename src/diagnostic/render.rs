//! Diagnostics as text for people.
//!
//! The shape is the one that compilers use: message, place, the line with the offending text underlined, notes, help.
//! Everything can be understood without colour.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::{Diagnostic, Severity, find};
use crate::source::{SourceText, Span, unseen};

/// All of `diagnostics` in the order given, an empty line between two of them. `sources` are the texts they point into;
/// one whose text is missing is shown without its line. With `colour`, ANSI codes are used.
pub fn render(diagnostics: &[Diagnostic], sources: &[SourceText], colour: bool) -> String {
    let paint = Paint { colour };
    let mut out = String::new();
    for (index, diagnostic) in diagnostics.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        one(&mut out, diagnostic, find(sources, &diagnostic.path), paint);
    }
    // Messages and paths hold words of the text, too.
    unseen::shown(&out).into_owned()
}

#[derive(Clone, Copy)]
struct Paint {
    colour: bool,
}

impl Paint {
    fn text(self, style: Style, text: &str) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

const BOLD: Style = Style::new().bold();
const FRAME: Style = AnsiColor::Blue.on_default().bold();
const HELP: Style = AnsiColor::Cyan.on_default().bold();

fn style(severity: Severity) -> Style {
    match severity {
        Severity::Error => AnsiColor::Red.on_default().bold(),
        Severity::Warning => AnsiColor::Yellow.on_default().bold(),
    }
}

fn one(out: &mut String, diagnostic: &Diagnostic, source: Option<&SourceText>, paint: Paint) {
    let head = format!("{}[{}]", diagnostic.severity.as_str(), diagnostic.code);
    let head = paint.text(style(diagnostic.severity), &head);
    push(out, format_args!("{head}: {}\n", paint.text(BOLD, &diagnostic.message)));

    let place = diagnostic.span.zip(source);
    let gutter = place.map_or(1, |(span, source)| digits(last_line(source, span)));
    let path = diagnostic.path.display();
    let arrow = paint.text(FRAME, "-->");
    match place {
        Some((span, source)) => {
            push(out, format_args!("{:gutter$}{arrow} {path}:{}\n", "", source.position(span.start)));
            excerpt(out, diagnostic, source, span, gutter, paint);
        }
        None => push(out, format_args!("{:gutter$}{arrow} {path}\n", "")),
    }

    let notes = diagnostic.notes.iter().map(|note| (BOLD, "note", note));
    let help = diagnostic.help.iter().map(|help| (HELP, "help", help));
    for (style, word, text) in notes.chain(help) {
        let equals = paint.text(FRAME, "=");
        let word = paint.text(style, &format!("{word}:"));
        // The further lines of a longer text stand under its first word.
        let text = text.replace('\n', &format!("\n{:1$}", "", gutter + 9));
        push(out, format_args!("{:gutter$} {equals} {word} {text}\n", ""));
    }
}

/// The first line of `span` underlined; of a longer one also the last, so that both ends can be seen.
fn excerpt(
    out: &mut String,
    diagnostic: &Diagnostic,
    source: &SourceText,
    span: Span,
    gutter: usize,
    paint: Paint,
) {
    let bar = paint.text(FRAME, "|");
    let (first, last) = (source.position(span.start).line, last_line(source, span));
    push(out, format_args!("{:gutter$} {bar}\n", ""));
    let mut shown = vec![first];
    if last > first {
        shown.push(last);
    }
    for (index, line) in shown.iter().copied().enumerate() {
        if index > 0 && line > first + 1 {
            push(out, format_args!("{}\n", paint.text(FRAME, "...")));
        }
        let whole = source.line_span(line);
        let text = SourceText::display(source.slice(whole));
        let number = paint.text(FRAME, &format!("{line:gutter$}"));
        let text = text.trim_end();
        push(out, format_args!("{number} {bar}{}{text}\n", if text.is_empty() { "" } else { " " }));

        let start = span.start.clamp(whole.start, whole.end);
        let start = if index == 0 { start } else { indent_end(source, whole) };
        let end = span.end.clamp(start, whole.end);
        let before = SourceText::display_width(source.slice(Span::new(whole.start, start)), 0);
        let width = SourceText::display_width(source.slice(Span::new(start, end)), before).max(1);
        let mut marks = "^".repeat(width);
        if index + 1 == shown.len()
            && let Some(label) = &diagnostic.label
        {
            let _ = write!(marks, " {label}");
        }
        let marks = paint.text(style(diagnostic.severity), &marks);
        push(out, format_args!("{:gutter$} {bar} {:before$}{marks}\n", "", ""));
    }
}

/// The line on which `span` ends; a final line break does not open another.
fn last_line(source: &SourceText, span: Span) -> usize {
    let end = source.slice(span).trim_end_matches(['\n', '\r']).len();
    source.position(span.start + end.saturating_sub(1)).line
}

fn indent_end(source: &SourceText, line: Span) -> usize {
    let text = source.slice(line);
    line.start + text.len() - text.trim_start().len()
}

fn digits(number: usize) -> usize {
    number.to_string().len()
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn shown(text: &str, span: Span) -> String {
        let diagnostic = Diagnostic::error("bad-thing", Path::new("l.md"), span, "it is bad")
            .label("here")
            .note("first\nsecond")
            .help("do this");
        render(&[diagnostic], &[SourceText::new("l.md", text)], false)
    }

    #[test]
    fn the_offending_text_is_underlined() {
        assert_eq!(
            shown("one two three\n", Span::new(4, 7)),
            "error[bad-thing]: it is bad\n --> l.md:1:5\n  |\n1 | one two three\n  |     ^^^ here\n  \
             = note: first\n          second\n  = help: do this\n"
        );
    }

    #[test]
    fn wide_characters_and_tabs_are_measured_on_the_screen() {
        let lines = shown("\t網路 ab\n", Span::new(8, 10));
        let lines: Vec<_> = lines.lines().collect();
        assert_eq!(lines[3], "1 |     網路 ab");
        assert_eq!(lines[4], "  |          ^^ here");
        assert_eq!(lines[1], " --> l.md:1:5");
    }

    #[test]
    fn an_empty_place_and_the_end_of_the_text_have_a_mark() {
        assert!(shown("ab", Span::at(2)).contains("1 | ab\n  |   ^ here\n"));
        assert!(shown("", Span::at(0)).contains("1 |\n  | ^ here\n"));
    }

    #[test]
    fn a_long_span_shows_both_its_ends() {
        let text = shown("aa\nbb\ncc\n  dd ee\n", Span::new(1, 13));
        assert!(text.contains("1 | aa\n  |  ^\n...\n4 |   dd ee\n  |   ^^ here\n"), "{text}");
    }

    #[test]
    fn colour_only_adds_codes() {
        let source = SourceText::new("l.md", "word");
        let list = [Diagnostic::warning("w", Path::new("l.md"), Span::new(0, 4), "m")];
        let coloured = render(&list, std::slice::from_ref(&source), true);
        assert!(coloured.contains("\u{1b}["));
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), render(&list, &[source], false));
    }
}
