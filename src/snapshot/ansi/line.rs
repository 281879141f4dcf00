//! One line of a screen: what stands in its columns.

use super::{push_byte, push_printable};

/// What stands in a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    Char(char),
    /// No UTF-8, or a control character.
    Byte(u8),
    /// A character with what is put upon it (accents, joiners).
    Joined(String),
    /// A tabulator that was printed where nothing stood.
    Tab,
    /// Taken by what stands before it: the second half of a wide character, or what a tabulator jumps over.
    Rest,
}

const BLANK: Cell = Cell::Char(' ');

/// A line.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    cells: Vec<Cell>,
    /// Something was overwritten or erased here: blanks at its end are not to be seen, and nobody meant them.
    redrawn: bool,
}

impl Line {
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// Writes a character that takes `width` columns.
    pub(super) fn put(&mut self, column: usize, cell: Cell, width: usize) {
        if column < self.cells.len() {
            self.redrawn = true;
            self.part(column);
            self.part(column + width);
            self.cells.truncate(self.cells.len().max(column));
        } else {
            self.redrawn |= column > self.cells.len();
            self.cells.resize(column, BLANK);
        }
        for (offset, cell) in
            std::iter::once(cell).chain(std::iter::repeat_n(Cell::Rest, width - 1)).enumerate()
        {
            match self.cells.get_mut(column + offset) {
                Some(place) => *place = cell,
                None => self.cells.push(cell),
            }
        }
    }

    /// Puts an accent upon the character in `column`.
    pub(super) fn join(&mut self, column: usize, mark: char) {
        let mut at = column.min(self.cells.len().saturating_sub(1));
        while at > 0 && self.cells.get(at) == Some(&Cell::Rest) {
            at -= 1;
        }
        match self.cells.get_mut(at) {
            Some(Cell::Joined(text)) => text.push(mark),
            Some(place @ Cell::Char(_)) => {
                let Cell::Char(c) = *place else { return };
                *place = Cell::Joined(String::from_iter([c, mark]));
            }
            Some(_) => {}
            None => self.cells.push(Cell::Char(mark)),
        }
    }

    /// Goes on to the next tabulator's stop, and says where that is. What stands on the way stays.
    pub(super) fn tab(&mut self, column: usize) -> usize {
        let stop = (column / 8 + 1) * 8;
        if column >= self.cells.len() {
            self.put(column, Cell::Tab, stop - column);
        } else if stop > self.cells.len() {
            let end = self.cells.len();
            self.put(end, Cell::Tab, stop - end);
        }
        stop
    }

    /// Erases to the end (0), up to the column (1), or everything.
    pub(super) fn erase(&mut self, column: usize, which: usize) {
        match which {
            0 => {
                self.redrawn |= column < self.cells.len();
                self.part(column);
                self.cells.truncate(column);
            }
            1 => self.blank(0, column + 1),
            _ => self.blank(0, self.cells.len()),
        }
    }

    /// Puts blanks in the place of `count` columns.
    pub(super) fn blank(&mut self, column: usize, count: usize) {
        let end = (column + count).min(self.cells.len());
        if column < end {
            self.redrawn = true;
            self.part(column);
            self.part(end);
            self.cells[column..end].fill(BLANK);
        }
    }

    /// Takes columns out; what follows moves up.
    pub(super) fn delete(&mut self, column: usize, count: usize) {
        let end = (column + count).min(self.cells.len());
        if column < end {
            self.redrawn = true;
            self.part(column);
            self.part(end);
            self.cells.drain(column..end);
        }
    }

    /// Puts blank columns in; what follows moves away.
    pub(super) fn insert(&mut self, column: usize, count: usize) {
        if column < self.cells.len() {
            self.redrawn = true;
            self.part(column);
            self.cells.splice(column..column, std::iter::repeat_n(BLANK, count));
        }
    }

    /// Makes blanks of what begins before `column` and reaches over it: half a character is none.
    fn part(&mut self, column: usize) {
        if self.cells.get(column) != Some(&Cell::Rest) {
            return;
        }
        let begin = self.cells[..column].iter().rposition(|cell| *cell != Cell::Rest).unwrap_or(0);
        let rest = self.cells[column..].iter().take_while(|cell| **cell == Cell::Rest).count();
        self.cells[begin..column + rest].fill(BLANK);
    }

    /// Adds it to a text.
    pub(super) fn write(self, out: &mut String) {
        let shown = match self.redrawn {
            true => self
                .cells
                .iter()
                .rposition(|cell| !matches!(cell, &BLANK | Cell::Tab | Cell::Rest))
                .map_or(0, |last| last + 1),
            false => self.cells.len(),
        };
        for cell in &self.cells[..shown] {
            match cell {
                Cell::Char(c) => push_printable(out, *c),
                Cell::Byte(byte) => push_byte(out, *byte),
                Cell::Joined(text) => text.chars().for_each(|c| push_printable(out, c)),
                Cell::Tab => out.push('\t'),
                Cell::Rest => {}
            }
        }
    }
}
