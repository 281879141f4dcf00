//! Secrets masked in output as it comes, in pieces that may end in the middle of one.
//!
//! Limits: an AWS secret is held back only from the first letter of its name that has arrived whole.

use std::sync::LazyLock;

use regex::Regex;

use super::{KEY_BEGINS, KEY_ENDS, LONGEST_KEY, Secrets, regex};

/// The end of a text that may be the beginning of a private key's first line, or of a line with an AWS secret.
static UNDECIDED: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?:-----[A-Z0-9 ]{1,60}-{0,5}|-{1,5}|(?i:secret_?access_?key|session_?token|secretaccesskey)[^\n]{0,200})\z",
    )
});

/// Masks a stream. What may yet turn out to be a secret is held back until it is decided.
#[derive(Debug)]
pub struct Masked {
    secrets: Secrets,
    held: String,
    /// The beginning of a character whose rest has not come.
    cut: Vec<u8>,
}

impl Masked {
    /// Masks these.
    pub fn new(secrets: Secrets) -> Self {
        Self { secrets, held: String::new(), cut: Vec::new() }
    }

    /// Takes a piece; what can be told by now. Bytes that are no UTF-8 become replacement characters.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.cut.extend_from_slice(bytes);
        let whole = whole_characters(&self.cut);
        let rest = self.cut.split_off(whole);
        self.held.push_str(&String::from_utf8_lossy(&self.cut));
        self.cut = rest;
        let decided = self.decided();
        let told = self.secrets.mask(&self.held[..decided]);
        self.held.drain(..decided);
        told
    }

    /// The stream has ended; what was held back.
    pub fn finish(&mut self) -> String {
        self.held.push_str(&String::from_utf8_lossy(&std::mem::take(&mut self.cut)));
        self.secrets.mask(&std::mem::take(&mut self.held))
    }

    /// Up to where more text can make no difference.
    fn decided(&self) -> usize {
        let held = self.held.as_str();
        let mut end = UNDECIDED.find(held).map_or(held.len(), |found| found.start());
        let key =
            KEY_BEGINS.find_iter(held).last().filter(|begin| KEY_ENDS.find_at(held, begin.end()).is_none());
        if let Some(begin) = key.filter(|begin| held.len() - begin.start() <= LONGEST_KEY) {
            end = end.min(begin.start());
        }
        for word in &self.secrets.words {
            let begun = |from: &usize| held.is_char_boundary(*from) && word.starts_with(&held[*from..]);
            let shortest = held.len().saturating_sub(word.len() - 1);
            end = end.min((shortest..held.len()).find(begun).unwrap_or(held.len()));
        }
        // No secret that is whole already may be cut in two by that.
        while let Some(before) = self.secrets.words.iter().find_map(|word| over(held, word, end)) {
            end = before;
        }
        end
    }
}

/// Where `word` stands so that `end` is in the middle of it.
fn over(held: &str, word: &str, end: usize) -> Option<usize> {
    let from = end.saturating_sub(word.len() - 1);
    (from..end).find(|&from| {
        held.is_char_boundary(from) && from + word.len() > end && held[from..].starts_with(word)
    })
}

/// The length without a character at the end that is not whole.
fn whole_characters(bytes: &[u8]) -> usize {
    let begun = bytes.iter().rev().take(4).position(|byte| byte & 0xc0 != 0x80);
    let Some(begun) = begun.map(|back| bytes.len() - 1 - back) else { return bytes.len() };
    let length = match bytes[begun] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    if begun + length > bytes.len() { begun } else { bytes.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        let mut secrets = Secrets::default();
        for word in ["hunter22", "hunter22-long", "ter22xx", "schlüssel", "aaab"] {
            secrets.add(word);
        }
        secrets
    }

    /// The text of a stream in these pieces.
    fn told(pieces: &[&[u8]]) -> String {
        let mut masked = Masked::new(secrets());
        let mut told: String = pieces.iter().map(|piece| masked.push(piece)).collect();
        told += &masked.finish();
        told
    }

    #[test]
    fn however_a_text_is_cut_it_is_masked_as_a_whole() {
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEAx3JmYhbnNrZXktdjEAAAAABG5vbmUAAAAEbm9uZQ\n\
                   -----END RSA PRIVATE KEY-----\n";
        for text in [
            "a hunter22 b".to_owned(),
            "hunter22-lon hunter22-long huhunter22".to_owned(),
            "hunter22xx hunter22-ter22xx ter22".to_owned(),
            "der schlüssel, the schlüsse".to_owned(),
            "aaaab aaaa aaab".to_owned(),
            format!("--- {key}{key}-- done --"),
            "x\nexport AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\nhunter2".to_owned(),
        ] {
            let whole = secrets().mask(&text);
            let bytes = text.as_bytes();
            // Cut in two everywhere but within the name of an AWS secret.
            let name = text.find("SECRET").map_or(0..0, |at| at..at + "SECRET_ACCESS_KEY".len());
            for at in (0..=bytes.len()).filter(|at| !name.contains(at)) {
                assert_eq!(told(&[&bytes[..at], &bytes[at..]]), whole, "cut at {at}: {text}");
            }
            if name.is_empty() {
                let each: Vec<&[u8]> = bytes.chunks(1).collect();
                assert_eq!(told(&each), whole, "byte by byte: {text}");
            }
        }
    }

    #[test]
    fn what_is_no_secret_is_told_at_once() {
        let mut masked = Masked::new(secrets());
        assert_eq!(masked.push(b"Password: "), "Password: ");
        assert_eq!(masked.push("héllo\nh".as_bytes()), "héllo\n");
        assert_eq!(masked.push(b"unter23\n\xff"), "hunter23\n\u{fffd}");
        assert_eq!(masked.push(b"-----BEGIN PUBLIC KEY-----\nMIIB"), "-----BEGIN PUBLIC KEY-----\nMIIB");
        assert_eq!(masked.finish(), "");
    }
}
