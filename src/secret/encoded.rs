//! Secrets that are written in base64 (also wrapped, in the alphabet of URLs, and at any place of what was encoded) or in
//! hexadecimal: such words are decoded, and it is the bytes that are looked at.

use std::ops::Range;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use regex::Regex;

use super::key;
use super::known::Known;
use super::name::regex;

/// A word of base64, with the full lines before it that belong to it.
static BASE64: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?:[A-Za-z0-9+/]{60,}\r?\n)*[A-Za-z0-9+/_-]{6,}={0,2}"));
static HEX: LazyLock<Regex> = LazyLock::new(|| regex(r"(?:[0-9a-fA-F]{60}\r?\n)*[0-9a-fA-F]{8,}"));
/// The end of a text that may go on as wrapped base64.
pub(super) static WRAPPED: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?:(?:\A|\n)[A-Za-z0-9+/]{60,}\r?)+\n\z"));

/// Where secrets stand in a text in an encoding.
pub(super) fn find(text: &str, known: &Known) -> Vec<Range<usize>> {
    let words = BASE64.find_iter(text).filter(|word| holds(word.as_str(), known));
    let mut found: Vec<_> = words.map(|word| word.range()).collect();
    let hex = HEX.find_iter(text).filter(|word| {
        let bytes = unhex(word.as_str());
        known.is_in(&bytes)
    });
    found.extend(hex.map(|word| word.range()));
    found
}

/// Whether base64 holds a secret. Of a part of an encoded text nobody knows at which of four places it begins.
fn holds(word: &str, known: &Known) -> bool {
    let clean = |c: char| match c {
        '-' => Some('+'),
        '_' => Some('/'),
        '\r' | '\n' | '=' => None,
        c => Some(c),
    };
    let word: String = word.chars().filter_map(clean).collect();
    (0..4.min(word.len())).any(|from| {
        let whole = &word[from..];
        // One character more than whole groups is no byte.
        let whole = if whole.len() % 4 == 1 { &whole[..whole.len() - 1] } else { whole };
        let Some(bytes) = decoded(whole) else { return false };
        known.is_in(&bytes) || (from == 0 && key::BEGINS.is_match(&String::from_utf8_lossy(&bytes)))
    })
}

fn decoded(word: &str) -> Option<Vec<u8>> {
    // The last character of a part may hold bits that belong to the next one.
    let whole = word.len() / 4 * 4;
    let mut bytes = STANDARD_NO_PAD.decode(&word[..whole]).ok()?;
    let rest = &word[whole..];
    if rest.len() > 1 {
        let padded = format!("{rest}{}", &"AA"[..4 - rest.len()]);
        let last = STANDARD_NO_PAD.decode(padded).ok()?;
        bytes.extend(&last[..rest.len() - 1]);
    }
    Some(bytes)
}

fn unhex(word: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        word.chars().filter_map(|c| c.to_digit(16)).filter_map(|digit| u8::try_from(digit).ok()).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
