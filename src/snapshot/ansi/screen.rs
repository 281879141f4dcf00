//! What a terminal shows in the end of what was printed to it.
//!
//! It differs from a terminal in one thing: lines are as long as what is printed on them. What goes into a pipe is not
//! broken at an edge, and a record must not depend on where an edge would have been.

use std::collections::VecDeque;

use unicode_width::UnicodeWidthChar as _;

use super::line::{Cell, Line};

/// Lines that the cursor can reach; what has scrolled out above them stays as it is.
const ROWS: usize = 50;
/// Where the cursor stops on its way to the right, unless the line is longer.
const COLUMNS: usize = 200;

/// Fed with the parts of what was printed.
#[derive(Default)]
pub(super) struct Screen {
    /// What has scrolled out, each line with its break.
    above: String,
    /// The lines that were reached so far, at most [`ROWS`].
    lines: VecDeque<Line>,
    row: usize,
    column: usize,
    saved: (usize, usize),
    /// The last character, for being repeated.
    last: Option<char>,
    /// Meanwhile an alternate screen is shown: the lines of the usual one, and where the cursor was.
    usual: Option<(VecDeque<Line>, usize, usize)>,
}

impl Screen {
    pub(super) fn text(&mut self, text: &[u8]) {
        for chunk in text.utf8_chunks() {
            chunk.valid().chars().for_each(|c| self.char(c));
            for byte in chunk.invalid() {
                self.put(Cell::Byte(*byte), 1);
            }
        }
    }

    fn char(&mut self, c: char) {
        // Control characters beyond ASCII are written out, so they do take room.
        match c.width().unwrap_or(1) {
            0 => {
                let before = self.column.saturating_sub(1);
                self.line().join(before, c);
            }
            width => self.put(Cell::Char(c), width),
        }
        self.last = Some(c);
    }

    fn put(&mut self, cell: Cell, width: usize) {
        let column = self.column;
        self.line().put(column, cell, width);
        self.column = column + width;
    }

    /// The line with the cursor.
    fn line(&mut self) -> &mut Line {
        while self.lines.len() <= self.row {
            self.lines.push_back(Line::default());
        }
        &mut self.lines[self.row]
    }

    pub(super) fn control(&mut self, byte: u8) {
        match byte {
            b'\n' => {
                self.column = 0;
                self.index();
                self.line();
            }
            b'\r' => self.column = 0,
            0x08 => self.column = self.column.saturating_sub(1),
            b'\t' => {
                let column = self.column;
                self.column = self.line().tab(column);
            }
            // BEL rings and shows nothing.
            0x07 => {}
            byte => self.put(Cell::Byte(byte), 1),
        }
    }

    /// One line down; at the bottom, the screen scrolls.
    fn index(&mut self) {
        self.row += 1;
        if self.row == ROWS {
            self.scroll(1);
            self.row = ROWS - 1;
        }
    }

    fn scroll(&mut self, count: usize) {
        for _ in 0..count.min(ROWS) {
            let line = self.lines.pop_front().unwrap_or_default();
            // An alternate screen leaves nothing behind.
            if self.usual.is_none() {
                line.write(&mut self.above);
                self.above.push('\n');
            }
        }
    }

    pub(super) fn escape(&mut self, byte: u8) {
        match byte {
            b'7' => self.saved = (self.row, self.column),
            b'8' => (self.row, self.column) = self.saved,
            b'D' => self.index(),
            b'E' => {
                self.column = 0;
                self.index();
            }
            b'M' if self.row == 0 => self.insert_lines(1),
            b'M' => self.row -= 1,
            b'c' => {
                self.lines.clear();
                (self.row, self.column) = (0, 0);
            }
            _ => {}
        }
    }

    pub(super) fn csi(&mut self, parameters: &[u8], end: u8) {
        if let Some(modes) = parameters.strip_prefix(b"?") {
            return self.modes(modes, end);
        }
        let mut numbers = parameters.split(|byte| *byte == b';').map(number);
        let first = numbers.next().flatten();
        let second = numbers.next().flatten();
        let count = first.unwrap_or(1).max(1);
        let column = self.column;
        match end {
            b'A' => self.row = self.row.saturating_sub(count),
            b'B' | b'e' => self.go_to_row(self.row + count),
            b'C' | b'a' => self.column = (column + count).min(column.max(COLUMNS - 1)),
            b'D' => self.column = column.saturating_sub(count),
            b'E' => {
                self.column = 0;
                self.go_to_row(self.row + count);
            }
            b'F' => {
                self.column = 0;
                self.row = self.row.saturating_sub(count);
            }
            b'G' | b'`' => self.go_to_column(count - 1),
            b'd' => self.go_to_row(count - 1),
            b'H' | b'f' => {
                self.go_to_row(count - 1);
                self.go_to_column(second.unwrap_or(1).max(1) - 1);
            }
            b'J' => self.erase(first.unwrap_or(0)),
            b'K' => self.line().erase(column, first.unwrap_or(0)),
            b'P' => self.line().delete(column, count),
            b'@' => self.line().insert(column, count.min(COLUMNS)),
            b'X' => self.line().blank(column, count),
            b'L' => self.insert_lines(count),
            b'M' => drop(
                self.lines.drain(self.below()..(self.row + count).min(self.lines.len()).max(self.below())),
            ),
            b'S' => self.scroll(count),
            b's' => self.saved = (self.row, column),
            b'u' => (self.row, self.column) = self.saved,
            b'b' => {
                let last = self.last;
                last.into_iter().for_each(|c| (0..count.min(COLUMNS)).for_each(|_| self.char(c)));
            }
            _ => {}
        }
    }

    /// Where the line with the cursor is, or would be.
    fn below(&self) -> usize {
        self.row.min(self.lines.len())
    }

    fn go_to_row(&mut self, row: usize) {
        self.row = row.min(ROWS - 1);
    }

    fn go_to_column(&mut self, column: usize) {
        let length = self.lines.get(self.row).map_or(0, Line::len);
        self.column = column.min(length.max(COLUMNS - 1));
    }

    fn insert_lines(&mut self, count: usize) {
        if self.row >= self.lines.len() {
            return;
        }
        for _ in 0..count.min(ROWS) {
            self.lines.insert(self.row, Line::default());
        }
        self.lines.truncate(ROWS);
    }

    /// Part of the screen. What is erased below the cursor has never been: no empty lines stay there.
    fn erase(&mut self, which: usize) {
        let column = self.column;
        match which {
            0 => {
                self.lines.truncate(self.row + 1);
                self.line().erase(column, 0);
            }
            1 => {
                let above = self.below();
                self.lines.range_mut(..above).for_each(|line| *line = Line::default());
                self.line().erase(column, 1);
            }
            2 => self.lines.clear(),
            3 => self.above.clear(),
            _ => {}
        }
    }

    /// Of the modes only the alternate screen changes what is shown.
    fn modes(&mut self, modes: &[u8], end: u8) {
        let alternate =
            modes.split(|byte| *byte == b';').any(|mode| matches!(mode, b"47" | b"1047" | b"1049"));
        match (alternate, end, self.usual.take()) {
            (true, b'h', None) => {
                self.usual = Some((std::mem::take(&mut self.lines), self.row, self.column));
            }
            (true, b'l', Some((lines, row, column))) => {
                (self.lines, self.row, self.column) = (lines, row, column);
            }
            (.., usual) => self.usual = usual,
        }
    }

    /// What is shown in the end, with what has scrolled out.
    pub(super) fn into_text(self) -> String {
        let Self { above: mut text, lines, .. } = self;
        for (index, line) in lines.into_iter().enumerate() {
            if index > 0 {
                text.push('\n');
            }
            line.write(&mut text);
        }
        text
    }
}

fn number(digits: &[u8]) -> Option<usize> {
    let number = std::str::from_utf8(digits).ok()?.parse().ok();
    // More than any screen has.
    number.map(|number: usize| number.min(100_000))
}
