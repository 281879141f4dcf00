//! Secrets that are known by value: found as they are, with their special characters written in other ways, and in parts.

use std::collections::HashSet;
use std::ops::Range;

use regex::Regex;

use super::encoded;
use super::name::regex;

/// The shortest word that is masked: shorter ones would take harmless text with them.
const SHORTEST: usize = 4;
/// Long secrets are known by their parts of so many characters, also of their encodings.
const PIECE: usize = 16;
/// A text is looked at only so often, which makes it quick: a part is found when seven characters more of it stand there.
const STEP: usize = 8;

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Known {
    words: Vec<Word>,
    pieces: Pieces,
}

#[derive(Debug)]
struct Word {
    text: String,
    written: Regex,
    coded: Regex,
}

impl Known {
    /// Adds a secret.
    pub fn add(&mut self, secret: &str) {
        if secret.len() < SHORTEST || self.words.iter().any(|word| word.text == secret) {
            return;
        }
        let coded =
            encoded::forms(secret.as_bytes()).iter().map(|form| regex::escape(form)).collect::<Vec<_>>();
        let coded = regex(&coded.join("|"));
        self.words.push(Word { text: secret.to_owned(), written: written(secret), coded });
        // A short one is found whole or not at all: its parts are words like any other.
        if secret.len() >= 2 * PIECE {
            self.pieces.add(secret, "");
        }
    }

    /// Adds the base64 of a key's body, but for what `public` holds as well.
    pub fn add_body(&mut self, body: &str, public: &str) {
        self.pieces.add(body, public);
    }

    /// Where secrets stand in a text. Of one in base64, its whole word is.
    pub fn find(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = self.written_in(text);
        found.extend(self.coded_in(text).into_iter().map(|one| encoded::word_around(text, one)));
        found
    }

    /// Where they stand in base64 or hexadecimal, and where parts of long ones do.
    pub fn coded_in(&self, text: &str) -> Vec<Range<usize>> {
        let coded = self.words.iter().flat_map(|word| word.coded.find_iter(text));
        let mut found: Vec<_> = coded.map(|one| one.range()).collect();
        found.extend(self.pieces.find(text));
        found
    }

    fn written_in(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for word in &self.words {
            // One that begins within another counts, too.
            let mut at = 0;
            while let Some(one) = word.written.find_at(text, at) {
                found.push(one.range());
                at = (one.start() + 1..=text.len())
                    .find(|at| text.is_char_boundary(*at))
                    .unwrap_or(text.len());
            }
        }
        found
    }
}

/// Parts of long secrets, each of [`PIECE`] bytes.
#[derive(Debug, Default)]
struct Pieces {
    known: HashSet<[u8; PIECE]>,
    /// The first four bytes of each, as a bit: nearly every place in a text is none of them, and that is seen at once.
    begins: Vec<u64>,
}

impl Pieces {
    fn add(&mut self, secret: &str, public: &str) {
        let windows = |text: &str| -> HashSet<[u8; PIECE]> {
            let mut forms = encoded::forms(text.as_bytes());
            forms.push(text.to_owned());
            let windows = forms.iter().flat_map(|form| form.as_bytes().windows(PIECE));
            windows.filter_map(|window| window.try_into().ok()).collect()
        };
        let public = windows(public);
        self.begins.resize(1 << 12, 0);
        for piece in windows(secret).difference(&public) {
            let (word, bit) = bit(piece);
            self.begins[word] |= bit;
            self.known.insert(*piece);
        }
    }

    fn find(&self, text: &str) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        if self.known.is_empty() {
            return found;
        }
        let bytes = text.as_bytes();
        for at in (0..bytes.len().saturating_sub(PIECE - 1)).step_by(STEP) {
            let window = &bytes[at..at + PIECE];
            let (word, bit) = bit(window);
            if self.begins[word] & bit == 0 || !self.known.contains(window) {
                continue;
            }
            match found.last_mut() {
                Some(last) if at <= last.end => last.end = at + PIECE,
                _ => found.push(at..at + PIECE),
            }
        }
        // Pieces are bytes; what is cut is whole characters.
        found.retain(|span| text.is_char_boundary(span.start) && text.is_char_boundary(span.end));
        found
    }
}

/// Where the first bytes of a piece are noted.
fn bit(piece: &[u8]) -> (usize, u64) {
    let first = u32::from_le_bytes([piece[0], piece[1], piece[2], piece[3]]);
    let hash = first.wrapping_mul(0x9e37_79b1) >> 14;
    ((hash >> 6) as usize, 1 << (hash & 63))
}

/// A secret as it may be written: its special characters also as URLs, JSON, XML and shells write them.
fn written(secret: &str) -> Regex {
    let mut pattern = String::new();
    for c in secret.chars() {
        let plain = regex::escape(c.encode_utf8(&mut [0; 4]));
        if c.is_ascii_alphanumeric() {
            pattern.push_str(&plain);
            continue;
        }
        let mut ways = vec![format!(r"\\*{plain}")];
        let bytes = c.to_string().into_bytes();
        ways.push(bytes.iter().map(|byte| format!("%(?i:{byte:02x})")).collect());
        ways.push(format!(r"\\+u(?i:{:04x})", u32::from(c)));
        ways.push(format!(r"&\#(?:0*{}|[xX]0*(?i:{:x}));", u32::from(c), u32::from(c)));
        ways.extend(
            match c {
                '&' => Some("&amp;"),
                '<' => Some("&lt;"),
                '>' => Some("&gt;"),
                '"' => Some("&quot;"),
                '\'' => Some("&apos;"),
                ' ' => Some(r"\+"),
                '\n' => Some(r"\\n"),
                _ => None,
            }
            .map(str::to_owned),
        );
        pattern.push_str(&format!("(?:{})", ways.join("|")));
    }
    // A text that is too long for an expression is found by its parts.
    Regex::new(&pattern).unwrap_or_else(|_| regex(&regex::escape(secret)))
}
