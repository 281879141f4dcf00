//! Raw output of programs as text that can be read, stored and compared: what a terminal shows of it in the end, without
//! colours.
//!
//! Limits: scrolling regions and character sets are not carried out.

mod escape;
mod line;
mod screen;

use std::fmt::Write;

use escape::{Part, parts};
use screen::Screen;

/// The most that is kept of one block's output, in bytes.
pub const BOUND: usize = 256 * 1024;

/// Makes raw output printable: what moves the cursor or erases is carried out as a terminal does it, other ANSI codes are
/// removed, bytes that are no UTF-8 and other control characters written as `\xNN`. Of more than [`BOUND`]
/// bytes the beginning is kept, and a last line says how much is missing.
pub fn clean(raw: &[u8]) -> String {
    // Escape codes and progress may take most of it; beyond a multiple of the bound nothing would be kept anyway.
    let (raw, beyond) = raw.split_at(raw.len().min(8 * BOUND));
    let mut screen = Screen::default();
    for part in parts(raw) {
        match part {
            Part::Text(text) => screen.text(text),
            Part::Control(byte) => screen.control(byte),
            Part::Csi(parameters, end) => screen.csi(parameters, end),
            Part::Escape(byte) => screen.escape(byte),
        }
    }
    bound(screen.into_text(), BOUND, beyond.len())
}

/// Everything that was printed, in the order in which it was, without escape sequences.
pub fn plain(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    for part in parts(raw) {
        match part {
            Part::Text(text) => out.extend_from_slice(text),
            Part::Control(byte) => out.push(byte),
            Part::Csi(..) | Part::Escape(_) => {}
        }
    }
    out
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

fn push_printable(out: &mut String, c: char) {
    match c {
        '\n' | '\t' => out.push(c),
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
    fn what_a_terminal_shows_in_the_end_is_kept() {
        for (raw, expected) in [
            // Erasing.
            ("downloading 10%\r\x1b[Kdone\n", "done\n"),
            ("downloading 10%\x1b[2K\rdone\n", "done\n"),
            ("abc\x1b[1K\rX\n", "X\n"),
            ("10% of 3 MB\r           \rdone\n", "done\n"),
            ("abcdef\x1b[4D\x1b[2X\n", "ab  ef\n"),
            ("abcdef\x1b[4D\x1b[2P\n", "abef\n"),
            ("abef\x1b[2D\x1b[2@cd\n", "abcdef\n"),
            // Moving within a line.
            ("x\x1b[3Dyz\n", "yz\n"),
            ("ab\x1b[5Gc\x1b[1GX\n", "Xb  c\n"),
            ("a\x1b[3Cb\n", "a   b\n"),
            ("abc\x08\x08X\n", "aXc\n"),
            ("\x1b7abc\x1b8X\n", "Xbc\n"),
            ("-\x1b[4b\n", "-----\n"),
            // Two lines of progress.
            ("a 10%\nb 5%\n\x1b[2Aa 100%\nb 100%\n", "a 100%\nb 100%\n"),
            ("a 10%\nb 5%\n\x1b[2F\x1b[Ja\nb\n", "a\nb\n"),
            ("a 10%\nb 5%\x1b[A\r\x1b[2Ka\x1b[B\r\x1b[2Kb\n", "a\nb\n"),
            ("one\ntwo\nthree\x1b[A\x1b[Jx\n", "one\ntwo  x\n"),
            ("gone\ngone\n\x1b[2A\x1b[J", ""),
            ("a\nc\n\x1b[A\x1b[Lb\n", "a\nb\nc\n"),
            ("a\nx\nb\n\x1b[2A\x1b[Mb\n", "a\nb\n"),
            // Whole screens.
            ("before\n\x1b[H\x1b[2Jafter\n", "after\n"),
            ("before\n\x1b[?1049hmenu\x1b[5;5Hitem\x1b[?1049lafter\n", "before\nafter\n"),
            // Wide characters, accents, tabulators.
            ("漢字x\r\x1b[2C.\n", "漢. x\n"),
            ("漢字\x08\x08\x08.\n", " .字\n"),
            ("e\u{301}\u{302}f\n", "e\u{301}\u{302}f\n"),
            ("a\tb\n", "a\tb\n"),
            ("a\tb\rX\n", "X\tb\n"),
            ("abcdefghij\r\tX\n", "abcdefghXj\n"),
            ("a \t \n", "a \t \n"),
            // What nobody has drawn anew is as it was printed.
            ("blanks  \n\n  \n", "blanks  \n\n  \n"),
            ("\x1b[999999999C.\n", format!("{}.\n", " ".repeat(199)).as_str()),
        ] {
            assert_eq!(clean(raw.as_bytes()), expected, "{raw:?}");
        }
    }

    #[test]
    fn a_line_is_as_long_as_what_is_printed_on_it() {
        let long = "x".repeat(100_000);
        assert_eq!(clean(format!("{long}\nend\x1b[A\rX\n").as_bytes()), format!("X{}\nend", &long[1..]));
    }

    #[test]
    fn what_has_scrolled_out_is_not_reached_any_more() {
        let lines: String = (0..120).map(|n| format!("line {n}\n")).collect();
        let text = clean(format!("{lines}\x1b[999Atop\x1b[K").as_bytes());
        // The empty line at the end is one of the screen's fifty.
        assert_eq!(text, lines.replace("line 71\n", "top\n"));
        assert_eq!(clean(format!("{lines}\x1b[H\x1b[2Jnew").as_bytes()).lines().count(), 72);
    }

    #[test]
    fn much_output_is_fast() {
        let lines = "\x1b[32mok\x1b[0m  downloading 10%\r\x1b[Kline of some length, as programs print it\n"
            .repeat(4_000);
        let begun = std::time::Instant::now();
        assert!(clean(lines.as_bytes()).len() > 160_000);
        assert!(begun.elapsed() < std::time::Duration::from_secs(2), "{:?}", begun.elapsed());
    }

    #[test]
    fn plain_text_is_all_that_was_printed_in_its_order() {
        assert_eq!(plain(b"\x1b[1mlis\x1b[0mten\x1b[32ming\x1b[K\rx"), b"listening\rx");
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
