//! Text for people on its way to a terminal or a file.

use std::io::{self, Write};

use crate::source::unseen;

/// Shows characters that nobody would see, and that could make a line look like another, as what they are.
pub struct Seen<W>(W);

impl<W: Write> Seen<W> {
    /// To `writer`.
    pub fn new(writer: W) -> Self {
        Self(writer)
    }
}

impl<W: Write> Write for Seen<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.0.write_all(unseen::shown(text).as_bytes())?,
            // A part of a character: whoever writes so writes no text.
            Err(_) => self.0.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_it_looks_like() {
        let mut out = Vec::new();
        writeln!(Seen::new(&mut out), "a\u{202e}b\u{1b}[1m!").unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a<U+202E>b\u{1b}[1m!\n");
    }
}
