//! How a secret looks in base64 (at any place of what was encoded, in both alphabets) and in hexadecimal.

use std::ops::Range;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use regex::Regex;

use super::key;
use super::known::Known;
use super::name::regex;

/// Base64 over several lines, all of which but the last are full.
static LINES: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?:[A-Za-z0-9+/_-]{60,}\r?\n)+[A-Za-z0-9+/_-]+={0,2}"));
/// What `-----BEGIN` begins with, and goes on with.
static KEY: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r"LS0tLS1CRUdJTi(?:[A-Za-z0-9+/]{46,}\r?\n(?:[A-Za-z0-9+/]{60,}\r?\n)*[A-Za-z0-9+/]+",
        r"|[A-Za-z0-9+/]+)={0,2}"
    ))
});
/// The end of a text that may go on as base64 over several lines.
pub(super) static WRAPPED: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?:(?:\A|\n)[A-Za-z0-9+/]{60,}\r?)+\n\z"));

/// The shortest part of base64 that is looked for: less could be anything.
const SHORTEST: usize = 5;

/// What of a text is the same whatever was encoded before and behind it: the characters that hold its bits alone, for
/// each of the three places at which it may begin, in both alphabets; and its bytes in hexadecimal.
pub(super) fn forms(secret: &[u8]) -> Vec<String> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let mut bytes = vec![0; before];
        bytes.extend(secret);
        let coded = STANDARD_NO_PAD.encode(&bytes);
        // Six bits a character: whole ones only.
        let core = coded.get((before * 8).div_ceil(6)..bytes.len() * 8 / 6).unwrap_or_default();
        if core.len() >= SHORTEST {
            forms.push(core.to_owned());
            forms.push(core.replace('+', "-").replace('/', "_"));
        }
    }
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    if hex.len() >= SHORTEST {
        forms.push(hex.to_uppercase());
        forms.push(hex);
    }
    forms.sort();
    forms.dedup();
    forms
}

/// The whole word of base64 in which this stands. The characters at its ends hold bits of the secret, too.
pub(super) fn word_around(text: &str, span: Range<usize>) -> Range<usize> {
    let coded = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '=');
    let start = text[..span.start].trim_end_matches(coded).len();
    let rest = &text[span.end..];
    start..span.end + (rest.len() - rest.trim_start_matches(coded).len())
}

/// Where secrets stand in base64 over several lines, and where private keys do.
pub(super) fn find(text: &str, known: &Known) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for lines in LINES.find_iter(text) {
        let mut joined = String::with_capacity(lines.len());
        // Where each line begins, without line breaks and with them.
        let mut begins = Vec::new();
        let mut at = lines.start();
        for line in lines.as_str().split_inclusive('\n') {
            begins.push((joined.len(), at));
            joined.push_str(line.trim_end());
            at += line.len();
        }
        let place = |at: usize| {
            let line = begins.partition_point(|(begin, _)| *begin <= at).saturating_sub(1);
            begins[line].1 + at - begins[line].0
        };
        let spans =
            known.coded_in(&joined).into_iter().map(|span| place(span.start)..place(span.end - 1) + 1);
        found.extend(spans.map(|span| word_around(text, span)));
    }
    let keys = KEY.find_iter(text).filter(|coded| {
        let word: String = coded.as_str().chars().filter(|c| !matches!(c, '\r' | '\n' | '=')).collect();
        let bytes = STANDARD_NO_PAD.decode(&word[..word.len() / 4 * 4]).unwrap_or_default();
        key::BEGINS.is_match(&String::from_utf8_lossy(&bytes))
    });
    found.extend(keys.map(|coded| coded.range()));
    found
}
