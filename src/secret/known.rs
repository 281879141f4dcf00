//! Secrets that are known by value: found as they are, with their special characters written in other ways, and in parts.

use std::collections::HashSet;
use std::ops::Range;

use regex::Regex;

use super::name::regex;

/// The shortest word that is masked: shorter ones would take harmless text with them.
const SHORTEST: usize = 4;
/// So many characters in a row of a secret are recognised.
const PIECE: usize = 16;

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Known {
    words: Vec<Word>,
    pieces: HashSet<[u8; PIECE]>,
}

#[derive(Debug)]
struct Word {
    text: String,
    written: Regex,
}

impl Known {
    /// Adds a secret.
    pub fn add(&mut self, secret: &str) {
        if secret.len() < SHORTEST || self.words.iter().any(|word| word.text == secret) {
            return;
        }
        self.words.push(Word { text: secret.to_owned(), written: written(secret) });
        // A short one is found whole or not at all: its parts are words like any other.
        if secret.len() >= 2 * PIECE {
            self.add_pieces(secret, "");
        }
    }

    /// Adds the base64 of a key's body, but for what `public` holds as well.
    pub fn add_body(&mut self, body: &str, public: &str) {
        self.add_pieces(body, public);
    }

    fn add_pieces(&mut self, secret: &str, public: &str) {
        let windows = |text: &str| -> HashSet<[u8; PIECE]> {
            let windows = text.as_bytes().windows(PIECE);
            windows.filter_map(|window| window.try_into().ok()).collect()
        };
        let public = windows(public);
        self.pieces.extend(windows(secret).difference(&public).copied());
    }

    /// Where secrets stand in a text.
    pub fn find(&self, text: &str) -> Vec<Range<usize>> {
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
        if !self.pieces.is_empty() {
            self.find_pieces(text, &mut found);
        }
        found
    }

    fn find_pieces(&self, text: &str, found: &mut Vec<Range<usize>>) {
        let bytes = text.as_bytes();
        let mut start = 0;
        // Pieces hold no blanks, so only long words are worth a look.
        for run in bytes.split(|byte| byte.is_ascii_whitespace()) {
            for (at, window) in run.windows(PIECE).enumerate() {
                if self.pieces.contains(window) {
                    found.push(start + at..start + at + PIECE);
                }
            }
            start += run.len() + 1;
        }
    }

    /// Whether these bytes, which were decoded, hold a secret.
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        let holds = |word: &Word| {
            let word = word.text.as_bytes();
            word.len() <= bytes.len() && bytes.windows(word.len()).any(|window| window == word)
        };
        self.words.iter().any(holds) || bytes.windows(PIECE).any(|window| self.pieces.contains(window))
    }
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
