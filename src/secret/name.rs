//! Names that say that what stands beside them is a secret.

use std::sync::LazyLock;

use regex::Regex;

/// The words that end such a name, as an expression without regard to case. What a name goes on with may say the
/// contrary: `token_type`, `PASSWORD_FILE`.
pub(super) const WORDS: &str = concat!(
    r"(?:passw(?:or)?d|passphrase|secret|token|credentials?",
    r"|(?:api|private|signing|encryption|master|account|shared[_-]?access|auth)[_-]?key",
    r"|secret[_-]?(?:access[_-]?)?key|access[_-]?key[_-]?secret|key[_-]?material|private[_-]?key[_-]?material",
    r"|[a-z0-9][_-](?:pwd|pass|salt))"
);

static NAME: LazyLock<Regex> = LazyLock::new(|| regex(&format!("(?i){WORDS}$")));
/// Tokens that only say where a list goes on, or that a request is the same: they open nothing.
static HARMLESS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)(?:^(?:old)?pwd$|public[_-]?key[_-]?material$|(?:next|client|page|paging|pagination|continuation|starting|idempotency|marker)[_-]?token$)",
    )
});

pub(super) fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a valid expression")
}

/// Whether a variable, a member or the like of that name holds a secret.
pub(super) fn is_secret(name: &str) -> bool {
    NAME.is_match(name) && !HARMLESS.is_match(name)
}

/// Whether a value may be taken for a secret wherever else it stands: not what might as well be a word or a number.
pub(super) fn is_distinctive(value: &str) -> bool {
    let has = |kind: fn(&char) -> bool| value.chars().any(|c| kind(&c));
    let kinds = [
        has(char::is_ascii_lowercase),
        has(char::is_ascii_uppercase),
        has(char::is_ascii_digit),
        value.chars().any(|c| !c.is_ascii_alphanumeric()),
    ];
    let kinds = kinds.into_iter().filter(|kind| *kind).count();
    let length = value.chars().count();
    let letters = has(char::is_ascii_alphabetic);
    letters && ((length >= 8 && kinds >= 2 && has(char::is_ascii_digit)) || (length >= 12 && kinds >= 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_by_its_end() {
        for name in [
            "PASSWORD",
            "DB_PASSWORD",
            "MYSQL_PWD",
            "dbPassword",
            "GITHUB_TOKEN",
            "sessionToken",
            "SessionToken",
            "CLIENT_SECRET",
            "AWS_SECRET_ACCESS_KEY",
            "SecretAccessKey",
            "api-key",
            "APIKEY",
            "AUTH_KEY",
            "KeyMaterial",
            "NONCE_SALT",
            "db_pass",
            "TOKEN",
            "secret",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "PWD",
            "OLDPWD",
            "PATH",
            "KEY",
            "KEY_NAME",
            "PublicKeyMaterial",
            "NextToken",
            "ClientToken",
            "token_type",
            "PASSWORD_FILE",
            "TOKENS_USED",
            "AWS_ACCESS_KEY_ID",
            "SUBNET",
            "BYPASS",
            "compass",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn words_and_numbers_are_not_distinctive() {
        for value in ["wordpress", "12345678901", "hunter2", "true", "PASSWORD", "us-east-1"] {
            assert_eq!(is_distinctive(value), value == "us-east-1", "{value}");
        }
        assert!(is_distinctive("hunter22") && is_distinctive("correct horse battery"));
    }
}
