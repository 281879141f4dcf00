//! Secrets masked in what is recorded: private keys, AWS secrets, and words that the caller knows to be secret.
//!
//! A mask has one form whatever it hides, so two results with different secrets are the same. Limits: a secret that
//! is printed in another encoding (base64, with blanks between) is not recognised.

use std::sync::LazyLock;

use regex::Regex;

mod stream;
pub use stream::Masked;

/// What stands in a record where a secret was.
pub const MASK: &str = "********";

/// What must never be recorded. Bodies of private keys and AWS secrets are always masked; passwords are added.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    words: Vec<String>,
}

/// The shortest word that is masked; see [`Secrets::add`].
const SHORTEST: usize = 4;

/// The first line of a private key.
static KEY_BEGINS: LazyLock<Regex> = LazyLock::new(|| regex(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----"));
static KEY_ENDS: LazyLock<Regex> = LazyLock::new(|| regex(r"-----END (?:[A-Z0-9]+ )*PRIVATE KEY-----"));
/// What belongs to a key whose end was cut off: lines of base64 and headers. Between lines stand newlines, or `\n`
/// in JSON.
static KEY_GOES_ON: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"^(?:(?:\r?\n|\\n)[ |]*(?:[A-Za-z0-9+/=]{16,}|(?:Proc-Type|DEK-Info):[^\n\\]*))+[A-Za-z0-9+/=]*")
});
/// The longest body of a private key: RSA of 16,384 bits.
const LONGEST_KEY: usize = 16 * 1024;

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a valid expression")
}

/// A secret by the name before it: in shell, JSON, INI and text, with or without quotes.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r#"(?i)((?:aws_?)?(?:secret_?access_?key|session_?token|secretaccesskey)["']?\s*[:=]\s*["']?)"#,
        r#"([A-Za-z0-9+/=]{16,})"#
    ))
});

impl Secrets {
    /// Adds a password or the like, as it would be printed. Words of fewer than four bytes are not masked: they
    /// would take harmless text with them.
    pub fn add(&mut self, word: impl Into<String>) {
        let word = word.into();
        if word.len() >= SHORTEST && !self.words.contains(&word) {
            self.words.push(word);
            // A secret that contains another must go first, or its rest would stay.
            self.words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        }
    }

    /// The text with every secret masked.
    pub fn mask(&self, text: &str) -> String {
        let mut masked = mask_keys(text);
        masked = NAMED.replace_all(&masked, format!("${{1}}{MASK}")).into_owned();
        for word in &self.words {
            masked = masked.replace(word.as_str(), MASK);
        }
        masked
    }
}

/// Masks the bodies of private keys; first and last line stay, and so does the way in which lines are ended.
fn mask_keys(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = KEY_BEGINS.find(rest) {
        out.push_str(&rest[..begin.end()]);
        rest = &rest[begin.end()..];
        // An end that belongs to another key, or that is far away, is not the end of this one.
        let next = KEY_BEGINS.find(rest).map_or(rest.len(), |next| next.start());
        let end = KEY_ENDS.find(rest).map(|end| end.start()).filter(|end| *end < next.min(LONGEST_KEY));
        let body = end.or_else(|| KEY_GOES_ON.find(rest).map(|body| body.end())).unwrap_or(0);
        if body == 0 {
            continue;
        }
        let newline = if rest.starts_with("\\n") { "\\n" } else { "\n" };
        out.push_str(newline);
        out.push_str(MASK);
        if end.is_some() {
            out.push_str(newline);
        }
        rest = &rest[body..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "MIIEpAIBAAKCAQEAx3JmYhbnNrZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAAB\n\
                        AAABFwAAAAdzc2gtcnNhAAAAAwEAAQAAAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0t";

    #[test]
    fn keys_keep_their_first_and_last_line() {
        for kind in ["RSA ", "OPENSSH ", "EC ", "ENCRYPTED ", ""] {
            let key =
                format!("x\n-----BEGIN {kind}PRIVATE KEY-----\n{BODY}\n-----END {kind}PRIVATE KEY-----\ny\n");
            assert_eq!(
                Secrets::default().mask(&key),
                format!("x\n-----BEGIN {kind}PRIVATE KEY-----\n{MASK}\n-----END {kind}PRIVATE KEY-----\ny\n")
            );
        }
    }

    #[test]
    fn a_key_in_json_or_cut_short_is_masked_too() {
        let json = format!(
            r#"{{"KeyMaterial": "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", "KeyName": "k"}}"#,
            BODY.replace('\n', "\\n")
        );
        let masked = Secrets::default().mask(&json);
        assert!(!masked.contains("MIIE") && !masked.contains("AAAB"), "{masked}");
        assert!(masked.ends_with(r#""KeyName": "k"}"#), "{masked}");

        let head = format!("-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n$ ls\n");
        let masked = Secrets::default().mask(&head);
        assert!(!masked.contains("MIIE") && !masked.contains("AAAB"), "{masked}");
        assert!(masked.ends_with("$ ls\n"), "{masked}");
    }

    #[test]
    fn public_parts_stay() {
        let text = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGKj host\n-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n\
                    -----BEGIN RSA PRIVATE KEY-----";
        assert_eq!(Secrets::default().mask(text), text);
    }

    #[test]
    fn aws_secrets_go_by_their_names() {
        for text in [
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            r#""SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY""#,
            "AWS_SESSION_TOKEN='wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'",
        ] {
            let masked = Secrets::default().mask(text);
            assert!(!masked.contains("wJalr") && masked.contains(MASK), "{masked}");
        }
    }

    #[test]
    fn words_go_the_longest_first() {
        let mut secrets = Secrets::default();
        secrets.add("pass");
        secrets.add("passw0rd!");
        secrets.add("x");
        assert_eq!(secrets.mask("passw0rd! pass x"), format!("{MASK} {MASK} x"));
    }
}
