//! What a terminal shows, with everything that has scrolled out of it.

use std::num::NonZeroU16;

use super::machine::WindowSize;

/// The console's terminal: wide enough that what a lesson types is not broken into two lines.
pub(super) const SIZE: WindowSize = WindowSize { columns: 200, rows: 50 };

/// How many lines that have left the screen are kept.
const KEPT: usize = 5_000;

/// A terminal of [`SIZE`], fed with what programs print.
pub(super) struct Screen {
    parser: vt100::Parser,
    fed: u64,
}

impl Screen {
    pub(super) fn new() -> Self {
        let cells = |count: u16| NonZeroU16::new(count).unwrap_or(NonZeroU16::MIN);
        Self { parser: vt100::Parser::new(cells(SIZE.rows), cells(SIZE.columns), KEPT), fed: 0 }
    }

    /// Takes what was printed next.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.fed += bytes.len() as u64;
        self.parser.process(bytes);
    }

    /// How many bytes have been printed.
    pub(super) fn fed(&self) -> u64 {
        self.fed
    }

    /// The line with the cursor, as far as something stands on it; blanks at its end are cut.
    pub(super) fn line(&self) -> String {
        let screen = self.parser.screen();
        let (row, _) = screen.cursor_position();
        let mut line = screen.rows(0, SIZE.columns).nth(usize::from(row)).unwrap_or_default();
        // A line that is broken at the edge begins further up.
        for above in (0..row).rev().take_while(|above| screen.row_wrapped(*above)) {
            line.insert_str(0, &screen.rows(0, SIZE.columns).nth(usize::from(above)).unwrap_or_default());
        }
        line.trim_end().to_owned()
    }

    /// What the screen shows now, without the empty lines below.
    pub(super) fn shown(&self) -> String {
        self.parser.screen().contents().trim_end().to_owned()
    }

    /// Everything that was shown, line by line, also what has scrolled out; blanks at the ends of lines are cut.
    pub(super) fn transcript(&mut self) -> String {
        let all = self.parser.screen().scrollback_len();
        let screen = self.parser.screen_mut();
        let mut text = String::new();
        let mut back = all;
        loop {
            screen.set_scrollback(back);
            // The window shows `back` lines that have left, and then what is on the screen.
            let fresh = if back == 0 { usize::from(SIZE.rows) } else { back.min(usize::from(SIZE.rows)) };
            for (row, line) in (0_u16..).zip(screen.rows(0, SIZE.columns).take(fresh)) {
                if screen.row_wrapped(row) {
                    text.push_str(&line);
                } else {
                    text.push_str(line.trim_end());
                    text.push('\n');
                }
            }
            if back == 0 {
                break;
            }
            back -= fresh;
        }
        let end = text.trim_end().len();
        text.truncate(end);
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(text: &str) -> Screen {
        let mut screen = Screen::new();
        screen.feed(text.as_bytes());
        screen
    }

    #[test]
    fn cursor_movements_are_resolved() {
        let mut screen =
            screen("$ lz\u{8}s\u{1b}[K\r\n\u{1b}[31mred\u{1b}[0m\r\n\u{1b}[?2004h50%\r100%\r\n$ ");
        assert_eq!(screen.line(), "$");
        assert_eq!(screen.transcript(), "$ ls\nred\n100%\n$\n");
    }

    #[test]
    fn what_has_scrolled_out_is_part_of_the_transcript() {
        let lines: String = (0..173).map(|n| format!("line {n}\r\n")).collect();
        let mut screen = screen(&format!("{lines}$ "));
        let expected: String = (0..173).map(|n| format!("line {n}\n")).collect();
        assert_eq!(screen.transcript(), format!("{expected}$\n"));
        assert!(screen.shown().starts_with("line 124\n"), "{}", screen.shown());
        assert_eq!(screen.line(), "$");
    }

    #[test]
    fn a_line_broken_at_the_edge_is_one_line() {
        let long = "x".repeat(usize::from(SIZE.columns) + 7);
        let mut screen = screen(&format!("$ {long}\r\nend$ "));
        assert_eq!(screen.transcript(), format!("$ {long}\nend$\n"));
        let mut screen = self::screen(&format!("{long}>"));
        assert_eq!(screen.line(), format!("{long}>"));
        screen.feed(b"\r\n");
        assert_eq!(screen.line(), "");
    }
}
