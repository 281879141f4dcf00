//! A text with its path, and places in it.
//!
//! Offsets are bytes; lines and columns count from one, and a column counts characters, as editors do. Where something
//! is underlined, the width on the screen matters instead: see [`SourceText::display_width`].

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthChar;

pub mod unseen;

use unseen::Part;

/// How far apart tab stops are when a line is shown.
pub const TAB_WIDTH: usize = 4;

/// A stretch of a text: byte offsets, the end not included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte; never less than `start`.
    pub end: usize,
}

impl Span {
    /// The bytes from `start` up to `end`; an end before the start is taken as the start.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end: end.max(start) }
    }

    /// The place before the byte at `offset`, with nothing in it.
    pub fn at(offset: usize) -> Self {
        Self::new(offset, offset)
    }

    /// Number of bytes.
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether nothing lies in it.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether `other` lies wholly within.
    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// The same stretch moved by `offset` bytes.
    #[must_use]
    pub fn shifted(self, offset: usize) -> Self {
        Self::new(self.start + offset, self.end + offset)
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self::new(range.start, range.end)
    }
}

impl From<Span> for Range<usize> {
    fn from(span: Span) -> Self {
        span.start..span.end
    }
}

/// A line and a column for people, both counted from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A text and where it came from. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceText {
    inner: Arc<Inner>,
}

#[derive(PartialEq, Eq)]
struct Inner {
    path: PathBuf,
    text: String,
    /// Offset at which each line starts; the first is 0.
    lines: Vec<usize>,
}

impl fmt::Debug for SourceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceText({}, {} bytes)", self.path().display(), self.text().len())
    }
}

impl SourceText {
    /// Takes `text` as the contents of `path`; nothing is read.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        let text = text.into();
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { inner: Arc::new(Inner { path: path.into(), text, lines }) }
    }

    /// Where the text came from.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// All of it, byte for byte.
    pub fn text(&self) -> &str {
        &self.inner.text
    }

    /// The whole text as a span.
    pub fn span(&self) -> Span {
        Span::new(0, self.text().len())
    }

    /// What lies in `span`. Ends outside the text, or inside a character, are moved to the nearest place before.
    pub fn slice(&self, span: Span) -> &str {
        &self.text()[self.floor(span.start)..self.floor(span.end)]
    }

    /// The line and column of the byte at `offset`; the end of the text for what lies beyond it.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.floor(offset);
        let line = self.line_at(offset);
        let column = self.text()[self.inner.lines[line - 1]..offset].chars().count() + 1;
        Position { line, column }
    }

    /// The number, from one, of the line that holds `offset`.
    pub fn line_at(&self, offset: usize) -> usize {
        self.inner.lines.partition_point(|start| *start <= offset)
    }

    /// How many lines there are; a final line break starts a last, empty one.
    pub fn line_count(&self) -> usize {
        self.inner.lines.len()
    }

    /// The line with that number, from one, without its line break. Empty when there is no such line.
    pub fn line_span(&self, line: usize) -> Span {
        let lines = &self.inner.lines;
        let Some(start) = line.checked_sub(1).and_then(|index| lines.get(index)).copied() else {
            return Span::at(self.text().len());
        };
        let end = lines.get(line).copied().unwrap_or(self.text().len());
        Span::new(start, start + self.text()[start..end].trim_end_matches(['\n', '\r']).len())
    }

    /// The text of that line, without its line break.
    pub fn line(&self, line: usize) -> &str {
        self.slice(self.line_span(line))
    }

    /// The largest place not after `offset` at which a character starts.
    fn floor(&self, offset: usize) -> usize {
        self.text().floor_char_boundary(offset)
    }

    /// How many columns of a screen `text` takes when it begins in column `from` (from 0): wide characters take two,
    /// combining ones none, a tab reaches to the next multiple of [`TAB_WIDTH`].
    pub fn display_width(text: &str, from: usize) -> usize {
        let width = |at: usize, part: Part<'_>| match part {
            Part::Seen(text) => text.chars().fold(at, |at, c| at + shown_width(c, at)),
            Part::Unseen(c) => at + unseen::code(c).len() + 2,
        };
        unseen::parts(text).fold(from, width) - from
    }

    /// `text` as shown from column 0: tabs become spaces, control characters become `·`, and others that nobody would see
    /// become what they are: `<U+202E>`.
    pub fn display(text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        let mut at = 0;
        for c in unseen::shown(text).chars() {
            let width = shown_width(c, at);
            match c {
                '\t' => shown.extend(std::iter::repeat_n(' ', width)),
                c if c.width().is_none() => shown.push('·'),
                c => shown.push(c),
            }
            at += width;
        }
        shown
    }
}

/// Columns taken by `c` in column `at`; control characters are shown as one.
fn shown_width(c: char, at: usize) -> usize {
    match c {
        '\t' => TAB_WIDTH - at % TAB_WIDTH,
        c => c.width().unwrap_or(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters() {
        let source = SourceText::new("a.md", "eins\nzwöi\n\nx");
        assert_eq!(source.position(0).to_string(), "1:1");
        assert_eq!(source.position(4).to_string(), "1:5");
        assert_eq!(source.position(5).to_string(), "2:1");
        assert_eq!(source.position(9).to_string(), "2:4", "ö is two bytes and one column");
        assert_eq!(source.position(8).to_string(), "2:3", "inside ö");
        assert_eq!(source.position(99).to_string(), "4:2");
        assert_eq!((source.line(2), source.line(3), source.line(4), source.line(5)), ("zwöi", "", "x", ""));
        assert_eq!(source.line_count(), 4);
    }

    #[test]
    fn carriage_returns_belong_to_the_line_break() {
        let source = SourceText::new("a.md", "a\r\nb\r\n");
        assert_eq!(source.line(1), "a");
        assert_eq!(source.position(3).to_string(), "2:1");
    }

    #[test]
    fn widths_are_those_of_a_screen() {
        assert_eq!(SourceText::display_width("網路", 0), 4);
        assert_eq!(SourceText::display_width("\tx", 0), 5);
        assert_eq!(SourceText::display_width("\tx", 2), 3);
        assert_eq!(SourceText::display_width("e\u{301}", 0), 1);
        assert_eq!(SourceText::display("a\tb\u{1b}[0m"), "a   b·[0m");
        assert_eq!(SourceText::display("a\u{202e}\tb"), "a<U+202E>   b");
        assert_eq!(SourceText::display_width("a\u{202e}\tb", 0), 13);
    }
}
