//! Raw output taken apart: text, control characters and escape sequences (ECMA-48: CSI, OSC and other strings, two-byte
//! ones).

/// A part of raw output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// Bytes without control characters.
    Text(&'a [u8]),
    /// A control character.
    Control(u8),
    /// `ESC [`, parameters and intermediate bytes, and the final byte, which says what to do.
    Csi(&'a [u8], u8),
    /// `ESC` and one byte.
    Escape(u8),
}

/// The parts of `raw`; sequences that only colour, name a window or are torn are left out.
pub(super) fn parts(raw: &[u8]) -> impl Iterator<Item = Part<'_>> {
    let mut rest = raw;
    std::iter::from_fn(move || {
        loop {
            let (&byte, tail) = rest.split_first()?;
            if byte != 0x1b {
                let end = rest.iter().position(|byte| *byte < 0x20).unwrap_or(rest.len());
                let (part, after) = match end {
                    0 => (Part::Control(byte), tail),
                    end => (Part::Text(&rest[..end]), &rest[end..]),
                };
                rest = after;
                return Some(part);
            }
            let part;
            (part, rest) = match tail.split_first() {
                Some((b'[', tail)) => csi(tail),
                Some((b']' | b'P' | b'X' | b'^' | b'_', tail)) => (None, after_string(tail)),
                // Intermediate bytes, then one final byte: `ESC ( B`.
                Some((0x20..=0x2f, _)) => {
                    let end = tail.iter().position(|byte| !(0x20..=0x2f).contains(byte));
                    let after = end.map_or(&[][..], |end| match tail[end] {
                        0x30..=0x7e => &tail[end + 1..],
                        _ => &tail[end..],
                    });
                    (None, after)
                }
                Some((&byte @ 0x30..=0x7e, tail)) => (Some(Part::Escape(byte)), tail),
                _ => (None, tail),
            };
            if part.is_some() {
                return part;
            }
        }
    })
}

/// A control sequence: parameters, intermediates, one final byte. A byte that cannot belong to it ends it, so that a torn
/// sequence takes no text with it.
fn csi(tail: &[u8]) -> (Option<Part<'_>>, &[u8]) {
    match tail.iter().position(|byte| !(0x20..=0x3f).contains(byte)) {
        Some(end) if (0x40..=0x7e).contains(&tail[end]) => {
            (Some(Part::Csi(&tail[..end], tail[end])), &tail[end + 1..])
        }
        Some(end) => (None, &tail[end..]),
        None => (None, &[]),
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
