//! Secrets masked in output as it comes, in pieces that may end in the middle of one.
//!
//! What a line is about is known when it is whole, so whole lines are told, and what may be a part of something longer
//! (a private key, base64 that was wrapped) when that is whole. What stands on the last line is told at the end.

use super::Secrets;
use super::{encoded, key};

/// The longest line, or text over several, that is waited for.
const LONGEST: usize = 64 * 1024;

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
        if decided == 0 {
            return String::new();
        }
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
        let lines = held.rfind('\n').map_or(0, |newline| newline + 1);
        if lines == 0 {
            // A program that never ends its line must not fill the memory; words are whole at blanks.
            let word = held.rfind(' ').map_or(held.len(), |blank| blank + 1);
            return if held.len() > LONGEST { word } else { 0 };
        }
        let mut end = lines;
        let key =
            key::BEGINS.find_iter(held).last().filter(|begin| key::ENDS.find_at(held, begin.end()).is_none());
        if let Some(begin) = key.filter(|begin| held.len() - begin.start() <= key::LONGEST) {
            end = held[..begin.start()].rfind('\n').map_or(0, |newline| newline + 1);
        } else if let Some(wrapped) = encoded::WRAPPED.find(&held[..lines]) {
            let begins = wrapped.start() + usize::from(wrapped.as_str().starts_with('\n'));
            end = if lines - begins <= LONGEST { begins } else { lines };
        }
        end
    }
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
        let secrets = Secrets::default();
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
        let coded = "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpNSUlFcEFJQkFBS0NBUUVB\nx3JmYhbnNrZXktdjEA\n";
        for text in [
            "a hunter22 b".to_owned(),
            "hunter22-lon hunter22-long huhunter22".to_owned(),
            "hunter22xx hunter22-ter22xx ter22".to_owned(),
            "der schlüssel, the schlüsse".to_owned(),
            "aaaab aaaa aaab".to_owned(),
            format!("--- {key}{key}-- done --"),
            "x\nexport AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\nhunter2".to_owned(),
            format!("the secret key: wJalrXUtnFEMI/K7MDENG\n{coded}end\n"),
        ] {
            let whole = secrets().mask(&text);
            let bytes = text.as_bytes();
            for at in 0..=bytes.len() {
                assert_eq!(told(&[&bytes[..at], &bytes[at..]]), whole, "cut at {at}: {text}");
            }
            let each: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(told(&each), whole, "byte by byte: {text}");
        }
    }

    #[test]
    fn whole_lines_are_told_at_once() {
        let mut masked = Masked::new(secrets());
        assert_eq!(masked.push(b"one\nPassword: "), "one\n");
        assert_eq!(masked.push("héllo\nh".as_bytes()), "Password: héllo\n");
        assert_eq!(masked.push(b"unter23\n\xff"), "hunter23\n");
        assert_eq!(
            masked.push(b"-----BEGIN PUBLIC KEY-----\nMIIB\n"),
            "\u{fffd}-----BEGIN PUBLIC KEY-----\nMIIB\n"
        );
        assert_eq!(masked.finish(), "");
    }

    #[test]
    fn a_line_without_an_end_does_not_fill_the_memory() {
        let mut masked = Masked::new(secrets());
        let told: usize =
            (0..40).map(|_| masked.push("words and hunter22 ".repeat(200).as_bytes()).len()).sum();
        assert!(told > 40 * 200 * 15 - LONGEST && masked.held.len() <= LONGEST + 4096);
    }
}
