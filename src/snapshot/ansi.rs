//! Raw output of programs as text that can be read, stored and compared.
//!
//! Limits: of cursor movements only carriage return and backspace are carried out; programs that paint whole screens
//! leave what they wrote in the order in which they wrote it.

use std::fmt::Write;

/// The most that is kept of one block's output, in bytes.
pub const BOUND: usize = 256 * 1024;

/// Makes raw output printable: ANSI codes removed, carriage returns and backspaces carried out within their line as a
/// terminal does it, bytes that are no UTF-8 and other control characters written as `\xNN`. Of more than [`BOUND`]
/// bytes the beginning is kept, and a last line says how much is missing.
pub fn clean(raw: &[u8]) -> String {
    // Escape codes and progress may take most of it; beyond a multiple of the bound nothing would be kept anyway.
    let (raw, beyond) = raw.split_at(raw.len().min(8 * BOUND));
    let mut text = String::with_capacity(raw.len().min(BOUND) + 64);
    for (index, line) in strip(raw).split(|&byte| byte == b'\n').enumerate() {
        if index > 0 {
            text.push('\n');
        }
        push_line(&mut text, line);
    }
    bound(text, BOUND, beyond.len())
}

/// Text with control characters other than newline and tab written as `\xNN`; for what is text already.
pub(super) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| push_printable(&mut out, c));
    out
}

/// Cuts text to at most `limit` bytes at the end of a line where there is one, and says so.
fn bound(mut text: String, limit: usize, beyond: usize) -> String {
    if text.len() <= limit && beyond == 0 {
        return text;
    }
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // A very long last line is cut in its middle: dropping it whole could drop nearly everything.
    if let Some(newline) = text[..end].rfind('\n').filter(|newline| end - newline < limit / 2) {
        end = newline;
    }
    let missing = text.len() - end + beyond;
    text.truncate(end);
    let _ = write!(text, "\n[cut here: {missing} more bytes were printed]\n");
    text
}

/// Removes escape sequences (ECMA-48: CSI, OSC and other strings, two-byte ones).
fn strip(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte != 0x1b {
            out.push(byte);
            rest = tail;
            continue;
        }
        rest = match tail.split_first() {
            Some((b'[', tail)) => after_csi(tail),
            Some((b']' | b'P' | b'X' | b'^' | b'_', tail)) => after_string(tail),
            // Intermediate bytes, then one final byte: `ESC ( B`.
            Some((0x20..=0x2f, _)) => {
                let end = tail.iter().position(|byte| !(0x20..=0x2f).contains(byte));
                end.map_or(&[], |end| {
                    if (0x30..=0x7e).contains(&tail[end]) { &tail[end + 1..] } else { &tail[end..] }
                })
            }
            Some((0x30..=0x7e, tail)) => tail,
            _ => tail,
        };
    }
    out
}

/// What follows a control sequence: parameters, intermediates, one final byte. A byte that cannot belong to it ends
/// it, so that a torn sequence takes no text with it.
fn after_csi(tail: &[u8]) -> &[u8] {
    match tail.iter().position(|byte| !(0x20..=0x3f).contains(byte)) {
        Some(end) if (0x40..=0x7e).contains(&tail[end]) => &tail[end + 1..],
        Some(end) => &tail[end..],
        None => &[],
    }
}

/// What follows a control string (a window title, say), which BEL or ESC \ ends; one without an end is no string.
fn after_string(tail: &[u8]) -> &[u8] {
    match tail.iter().position(|byte| matches!(byte, 0x07 | 0x1b | b'\n')) {
        Some(end) if tail[end] == 0x07 => &tail[end + 1..],
        Some(end) if tail[end] == 0x1b && tail.get(end + 1) == Some(&b'\\') => &tail[end + 2..],
        _ => tail,
    }
}

/// Adds one line as a terminal shows it in the end. A carriage return goes back to the line's beginning, where later
/// text overwrites; one at the very end is half of CRLF and does nothing.
fn push_line(out: &mut String, line: &[u8]) {
    let mut cells: Vec<Cell> = Vec::new();
    let mut column: usize = 0;
    for cell in cells_of(line) {
        match cell {
            Cell::Char('\r') => column = 0,
            Cell::Char('\u{8}') => column = column.saturating_sub(1),
            cell => {
                if column < cells.len() {
                    cells[column] = cell;
                } else {
                    cells.push(cell);
                }
                column += 1;
            }
        }
    }
    for cell in cells {
        match cell {
            Cell::Char(c) => push_printable(out, c),
            Cell::Byte(byte) => push_byte(out, byte),
        }
    }
}

#[derive(Clone, Copy)]
enum Cell {
    Char(char),
    Byte(u8),
}

fn cells_of(line: &[u8]) -> impl Iterator<Item = Cell> {
    line.utf8_chunks().flat_map(|chunk| {
        let chars = chunk.valid().chars().map(Cell::Char);
        chars.chain(chunk.invalid().iter().copied().map(Cell::Byte)).collect::<Vec<_>>()
    })
}

fn push_printable(out: &mut String, c: char) {
    match c {
        '\n' | '\t' => out.push(c),
        // BEL rings and shows nothing.
        '\u{7}' => {}
        // C1 controls, and the two separators that YAML and some editors take for line ends.
        c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
            let mut bytes = [0; 4];
            c.encode_utf8(&mut bytes).bytes().for_each(|byte| push_byte(out, byte));
        }
        c => out.push(c),
    }
}

fn push_byte(out: &mut String, byte: u8) {
    let _ = write!(out, "\\x{byte:02x}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_go_and_text_stays() {
        for (raw, expected) in [
            (&b"\x1b[1;31mred\x1b[0m text"[..], "red text"),
            (b"\x1b]0;title\x07prompt$ ", "prompt$ "),
            (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
            (b"\x1b(Bascii\x1b7\x1b8", "ascii"),
            (b"\x1b[?2004hbracketed\x1b[?2004l", "bracketed"),
            (b"torn \x1b[12", "torn "),
            (b"torn \x1b[12\nnext", "torn \nnext"),
            (b"\x1b]unterminated\nnext", "unterminated\nnext"),
            (b"end\x1b", "end"),
        ] {
            assert_eq!(clean(raw), expected, "{raw:?}");
        }
    }

    #[test]
    fn progress_leaves_its_last_state() {
        assert_eq!(clean(b"10%\r50%\r100%\ndone\n"), "100%\ndone\n");
        assert_eq!(clean(b"long line\rshort\n"), "shortline\n", "as a terminal, which erases only when told");
        assert_eq!(clean(b"a\r\nb\r\n"), "a\nb\n");
        assert_eq!(clean(b"a\r\r\n"), "a\n");
        assert_eq!(clean(b"abc\x08\x08X\n"), "aXc\n");
        assert_eq!(clean(b"\x08\x08a"), "a");
    }

    #[test]
    fn binary_data_is_printable_and_recognisable() {
        assert_eq!(clean(b"ELF\x00\x01\xff\xfe\n"), "ELF\\x00\\x01\\xff\\xfe\n");
        assert_eq!(clean("gr\u{fc}n \u{85}".as_bytes()), "gr\u{fc}n \\xc2\\x85");
        assert_eq!(clean(b"ding\x07"), "ding");
    }

    #[test]
    fn too_much_is_cut_and_says_so() {
        let raw = "0123456789abcde\n".repeat(BOUND / 16 + 100);
        let text = clean(raw.as_bytes());
        let kept = text.split("\n[cut here").next().unwrap();
        assert!(text.len() < BOUND + 100);
        assert!(raw.starts_with(kept) && kept.ends_with("abcde"), "cut at the end of a line");
        let missing = raw.len() - kept.len();
        assert!(text.ends_with(&format!("\n[cut here: {missing} more bytes were printed]\n")));

        let one_line = clean("ä".repeat(BOUND).as_bytes());
        assert!(one_line.len() > BOUND - 10 && one_line.contains("[cut here: "));
        assert_eq!(clean(&vec![b'x'; BOUND]).len(), BOUND, "exactly the bound is not cut");
    }
}
