//! Private keys: as a whole, cut short, and without their first line.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::name::regex;

/// The first line of a private key.
pub(super) static BEGINS: LazyLock<Regex> =
    LazyLock::new(|| regex(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"));
pub(super) static ENDS: LazyLock<Regex> =
    LazyLock::new(|| regex(r"-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"));
/// What belongs to a key whose end was cut off: lines of base64 and headers. Between lines stand newlines, or `\n`
/// in JSON.
static GOES_ON: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^(?:(?:\r?\n|\\n)[ |+-]*(?:[A-Za-z0-9+/=]{16,}|(?:Proc-Type|DEK-Info|Version|Comment):[^\n\\]*))+[A-Za-z0-9+/=]*",
    )
});
/// Lines of a key whose first line is not there: what the base64 of each kind of private key begins with.
static BARE: LazyLock<Regex> = LazyLock::new(|| {
    const LINES: &str = r"[A-Za-z0-9+/=]*(?:(?:\r?\n|\\n)[A-Za-z0-9+/=]{8,})*";
    let begins = [
        "b3BlbnNzaC1rZXktdjEA",
        // RSA, as itself and in PKCS #8.
        "MII[A-Za-z0-9+/]{3}IBAAKC",
        "MII[A-Za-z0-9+/]{3}IBADANBgkqhkiG9w0BAQEFAASC",
        // Elliptic curves.
        "MHcCAQEEI",
        "MIGkAgEBBD",
        "MIHcAgEBBE",
        "MIG[A-Za-z0-9]AgEAMB[A-Za-z0-9]GByqGSM49AgEG",
        "MC4CAQAwBQYDK2VwBCIEI",
    ];
    regex(&format!(r"(?m)(?:^|[^A-Za-z0-9+/=])((?:{}){LINES})", begins.join("|")))
});
/// PuTTY's own format.
static PUTTY: LazyLock<Regex> = LazyLock::new(|| regex(r"Private-Lines: \d+((?:\r?\n[A-Za-z0-9+/=]{8,})+)"));
/// The longest body of a private key: RSA of 16,384 bits.
pub(super) const LONGEST: usize = 16 * 1024;

/// The bodies of private keys; first and last line stay, and so does the way in which lines are ended.
pub(super) fn bodies(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(begin) = BEGINS.find_at(text, at) {
        at = begin.end();
        let rest = &text[at..];
        // An end that belongs to another key, or that is far away, is not the end of this one.
        let next = BEGINS.find(rest).map_or(rest.len(), |next| next.start());
        let end = ENDS.find(rest).map(|end| end.start()).filter(|end| *end < next.min(LONGEST));
        let body = end.or_else(|| GOES_ON.find(rest).map(|body| body.end())).unwrap_or(0);
        let break_at = |text: &str| {
            ["\r\n", "\\n", "\n"].into_iter().find(|one| text.starts_with(one)).map_or(0, str::len)
        };
        let inner = &rest[..body];
        let start = break_at(inner);
        let kept = ["\r\n", "\\n", "\n"].into_iter().find(|one| inner.len() > start && inner.ends_with(one));
        let stop = body - kept.filter(|_| end.is_some()).map_or(0, str::len);
        if start < stop {
            found.push(at + start..at + stop);
        }
        at += body;
    }
    for captures in BARE.captures_iter(text).chain(PUTTY.captures_iter(text)) {
        found.extend(captures.get(1).map(|lines| lines.range()));
    }
    found
}

/// What a key's body teaches: its base64, without line breaks and headers, and that of its public half, which many a
/// private key's file holds, too, and which is no secret. None of a key that was cut short: nobody can tell the two apart.
pub(super) fn learned(text: &str, body: &Range<usize>) -> Option<(String, String)> {
    let begin = BEGINS.find_iter(&text[..body.start]).last().filter(|begin| body.start - begin.end() <= 2);
    let end = ENDS.find_at(text, body.end).filter(|end| end.start() - body.end <= 2);
    let lines: Vec<String> = text[body.clone()]
        .replace("\\n", "\n")
        .lines()
        .map(|line| {
            // As a difference or a screen shows it; a line of base64 may begin with a plus sign itself.
            let line = line.trim();
            ["| ", "+ ", "- "].iter().find_map(|sign| line.strip_prefix(sign)).unwrap_or(line).to_owned()
        })
        .collect();
    let whole = match (begin, end) {
        (Some(begin), Some(end)) => format!("{}\n{}\n{}\n", begin.as_str(), lines.join("\n"), end.as_str()),
        _ => {
            const KIND: &str = "OPENSSH PRIVATE KEY-----";
            format!("-----BEGIN {KIND}\n{}\n-----END {KIND}\n", lines.join("\n"))
        }
    };
    let public = russh::keys::decode_secret_key(&whole, None).ok();
    if public.is_none() && (begin.is_none() || end.is_none()) {
        return None;
    }
    let public = public.and_then(|key| key.public_key().to_openssh().ok()).unwrap_or_default();
    let public = public.split(' ').nth(1).unwrap_or_default().to_owned();
    Some((lines.into_iter().filter(|line| !line.contains(':')).collect(), public))
}
