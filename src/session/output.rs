//! Output of a block, bounded: the first and the last part are kept and the rest is counted.

/// How many bytes of the beginning are kept.
pub const HEAD: usize = 192 * 1024;
/// How many bytes of the end are kept: with the head and the line between them 256 KiB, all that is ever recorded.
pub const TAIL: usize = 64 * 1024 - 64;

/// What a block printed. Bytes as they came: no decoding, no ANSI handling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    head: Vec<u8>,
    /// Grows to twice [`TAIL`] before its older half is dropped, so that each byte is moved once.
    tail: Vec<u8>,
    total: u64,
}

impl Output {
    /// All of `bytes`, as if printed at once.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut output = Self::default();
        output.push(bytes);
        output
    }

    /// Adds what was printed next.
    pub fn push(&mut self, mut bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let room = HEAD - self.head.len();
        if room > 0 {
            let (head, rest) = bytes.split_at(room.min(bytes.len()));
            self.head.extend_from_slice(head);
            bytes = rest;
        }
        if bytes.len() >= TAIL {
            self.tail.clear();
            bytes = &bytes[bytes.len() - TAIL..];
        }
        self.tail.extend_from_slice(bytes);
        if self.tail.len() >= 2 * TAIL {
            let old = self.tail.len() - TAIL;
            self.tail.drain(..old);
        }
    }

    /// The first bytes, at most 192 KiB.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// What follows the head, or, when bytes were dropped, the last 128 KiB.
    pub fn tail(&self) -> &[u8] {
        &self.tail[self.tail.len().saturating_sub(TAIL)..]
    }

    /// How many bytes between head and tail were not kept.
    pub fn dropped(&self) -> u64 {
        self.total - (self.head.len() + self.tail().len()) as u64
    }

    /// How many bytes were printed.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// As text: invalid UTF-8 replaced, and a line of its own in place of what was dropped.
    pub fn to_text(&self) -> String {
        if self.dropped() == 0 {
            let mut all = self.head.clone();
            all.extend_from_slice(self.tail());
            return String::from_utf8_lossy(&all).into_owned();
        }
        format!(
            "{}\n[... {} bytes ...]\n{}",
            String::from_utf8_lossy(&self.head),
            self.dropped(),
            String::from_utf8_lossy(self.tail())
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_output_is_kept_whole() {
        let output = Output::from_bytes(b"one\ntwo");
        assert_eq!(output.to_text(), "one\ntwo");
        assert_eq!((output.total(), output.dropped()), (7, 0));
    }

    #[test]
    fn output_just_over_the_head_is_kept_whole() {
        let bytes: Vec<u8> = (0..HEAD + TAIL).map(|i| b'a' + (i % 26) as u8).collect();
        let mut output = Output::default();
        for piece in bytes.chunks(1000) {
            output.push(piece);
        }
        assert_eq!(output.dropped(), 0);
        assert_eq!(output.to_text().as_bytes(), &bytes[..]);
    }

    #[test]
    fn the_middle_of_long_output_is_counted_not_kept() {
        let bytes: Vec<u8> = (0..5_000_000_u32).map(|i| b'a' + (i % 26) as u8).collect();
        for size in [1, 7, 4096, TAIL - 1, TAIL, TAIL + 1, 1_000_000, bytes.len()] {
            let mut output = Output::default();
            let pieces = if size == 1 { &bytes[..HEAD + 3 * TAIL] } else { &bytes[..] };
            for piece in pieces.chunks(size) {
                output.push(piece);
            }
            assert_eq!(output.total(), pieces.len() as u64);
            assert_eq!(output.head(), &pieces[..HEAD]);
            assert_eq!(output.tail(), &pieces[pieces.len() - TAIL..], "pieces of {size}");
            assert_eq!(output.dropped(), (pieces.len() - HEAD - TAIL) as u64);
        }
    }
}
