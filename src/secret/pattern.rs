//! What a text itself shows to be a secret: the tokens of well-known services, and values with a telling name.
//!
//! Each rule is an expression whose group `value`, or all of it, is the secret. The list follows what scanners of
//! repositories look for; a value that only refers to a secret (`$PASSWORD`, `<your token>`, `%s`) is none.

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::name::{self, WORDS, regex};

/// What is found.
pub(super) struct Found {
    pub span: Range<usize>,
    /// Whether the value is one to know elsewhere, too.
    pub distinctive: bool,
}

struct Rule {
    regex: Regex,
    /// What a value must be besides.
    is: fn(&Captures<'_>, &str) -> bool,
    /// It holds for what programs print (`env`: a value up to the end of its line), not for what is typed, where a
    /// command may follow.
    printed: bool,
}

/// A value behind `=`: in quotes, or up to a blank.
const VALUE: &str = concat!(
    r#"(?:\\?"(?<q1>[^"\n\\]+)|'(?<q2>[^'\n]+)|"#,
    r#"(?<bare>[^\s"'`,;&<>|(){}\[\]\\]+[^\s"'`,;&<>\\]*))"#
);

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let any: fn(&Captures<'_>, &str) -> bool = |_, _| true;
    let rule = |pattern: &str, is: fn(&Captures<'_>, &str) -> bool| Rule {
        regex: regex(pattern),
        is,
        printed: false,
    };
    let mut rules: Vec<Rule> = TOKENS.iter().map(|pattern| rule(pattern, any)).collect();
    rules.extend([
        rule(r"(?:^|[^A-Za-z0-9/+_.-])(?<value>[A-Za-z0-9/+]{40})(?:$|[^A-Za-z0-9/+=_-])", aws_secret),
        rule(r"\bsk-[A-Za-z0-9_-]{20,}", |_, value| name::is_distinctive(value) && value.contains(|c: char| c.is_ascii_uppercase())),
        // Shell, JSON, YAML, arrays of PHP, HTTP headers.
        rule(
            &format!(
                r#"(?i)(?<name>[A-Za-z0-9_.-]*{WORDS})\\?["']?\]?(?<sign>[ \t]*(?:=>|:=|=|:)[ \t]*){VALUE}"#
            ),
            named,
        ),
        rule(&format!(r#"(?i)\bdefine\([ \t]*["'](?<name>[a-z0-9_]*{WORDS})["'][ \t]*,[ \t]*{VALUE}"#), named),
        rule(
            &format!(r#"(?im)^[ \t]*(?<name>[a-z0-9_.-]*{WORDS})[ \t]*=[ \t]*(?<value>[^\s"'`;,&<>|(){{}}\[\]\\]+)[ \t]*$"#),
            |captures, value| is_literal(captures, value) && name::is_secret(&captures["name"]),
        ),
        Rule {
            printed: true,
            ..rule(&format!(r"(?m)^(?<name>[A-Z0-9_]*(?i:{WORDS}))=(?<value>[^\s$`'\x22(][^\n]*)$"), named)
        },
        // In words.
        rule(
            &format!(
                r#"(?i)\b(?<name>(?:secret(?: access)?|access|api|private|signing|auth) (?:key|token)|(?:access|auth|bearer|session|refresh|personal access) token)(?<sign>[ \t]*(?:=|:|is)[ \t]+|[=:]){VALUE}"#
            ),
            named,
        ),
        rule(
            &format!(r#"(?i)(?:^|[\s"'])--(?<name>[a-z-]*{WORDS})(?<sign>[= ][ \t]*){VALUE}"#),
            |captures, value| !value.starts_with('-') && value.len() >= 3 && named(captures, value),
        ),
        rule(
            r#"\b(?:mysql|mariadb)[a-z-]*\b[^\n|;]*?[ \t]-p(?<value>[^\s"'$-][^\s"']+)"#,
            is_literal,
        ),
        rule(r#"\bsshpass[ \t]+-p[ \t]*["']?(?<value>[^\s"'$][^\s"']+)"#, is_literal),
        rule(
            r#"\b(?:curl|wget)\b[^\n|;]*?[ \t](?:-u|--user)[ =]?["']?[^\s:"'$]+:(?<value>[^\s"'$]+)"#,
            is_literal,
        ),
        rule(r#"(?i)\bidentified[ \t]+by[ \t]+(?:password[ \t]+)?["'](?<value>[^"'\n]+)["']"#, is_literal),
        rule(r#"(?i)\bpassword[ \t]*\([ \t]*["'](?<value>[^"'\n]+)["']"#, is_literal),
        rule(r#"(?i)\b(?:with|user|role)[ \t][^\n;]*\bpassword[ \t]+["'](?<value>[^"'\n]+)["']"#, is_literal),
        rule(r"\blogin[ \t]+\S+[ \t]+password[ \t]+(?<value>\S+)", is_literal),
        rule(
            &format!(r"(?i)<(?<name>[a-z0-9_:.-]*{WORDS})(?:[ \t][^<>]*)?>[ \t]*(?<value>[^<>\n]+?)[ \t]*</"),
            |captures, value| is_literal(captures, value) && name::is_secret(&captures["name"]),
        ),
        // The password of a connection.
        rule(r#"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@'"]*:(?<value>[^\s/@'"]+)@"#, is_literal),
        rule(
            r#"(?i)\bauthorization\\?["']?[ \t]*[:=][ \t]*\\?["']?(?:bearer|basic|token|digest|apikey)[ \t]+(?<value>[^\s"'\\]+)"#,
            is_literal,
        ),
        rule(r"(?i)\bbearer[ \t]+(?<value>[A-Za-z0-9._~+/-]{16,}=*)", |_, value| name::is_distinctive(value)),
    ]);
    rules
});

/// Tokens that say themselves what they are.
const TOKENS: &[&str] = &[
    // GitHub, GitLab
    r"\bgh[opusr]_[A-Za-z0-9]{30,255}",
    r"\bgithub_pat_[A-Za-z0-9_]{22,255}",
    r"\bgl(?:pat|ptt|dt|rt|cbt|ft|soat|agent|oas)-[A-Za-z0-9_=-]{20,}",
    // Slack, Discord, Telegram
    r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    r"\bxapp-\d-[A-Za-z0-9-]{20,}",
    r"\bhttps://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/_-]{20,}",
    r"\bhttps://discord(?:app)?\.com/api/webhooks/\d+/[A-Za-z0-9_-]{50,}",
    r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b",
    // Stripe, Twilio, SendGrid, Shopify, Square
    r"\b[sr]k_(?:live|test|prod)_[A-Za-z0-9]{10,}",
    r"\bwhsec_[A-Za-z0-9+/=]{24,}",
    r"\bSG\.[A-Za-z0-9_-]{20,24}\.[A-Za-z0-9_-]{39,50}",
    r"\bshp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}",
    r"\bsq0(?:csp|atp)-[A-Za-z0-9_-]{22,43}",
    // Google
    r"\bAIza[A-Za-z0-9_-]{35}",
    r"\bya29\.[A-Za-z0-9_-]{20,}",
    r"\bGOCSPX-[A-Za-z0-9_-]{28}",
    // Package registries and hosts
    r"\bnpm_[A-Za-z0-9]{36}",
    r"\bpypi-[A-Za-z0-9_-]{50,}",
    r"\brubygems_[a-f0-9]{48}",
    r"\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}",
    r"\bhf_[A-Za-z]{30,}",
    r"\bdo[opr]_v1_[a-f0-9]{64}",
    r"\bhv[sbr]\.[A-Za-z0-9_-]{24,}",
    r"\btskey-[a-z]+-[A-Za-z0-9-]{20,}",
    r"\bdapi[a-f0-9]{32}\b",
    r"\blin_api_[A-Za-z0-9]{40}",
    r"\bAGE-SECRET-KEY-1[A-Z0-9]{58}",
    // AWS: session tokens
    r"\b(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz|AQoDYXdz)[A-Za-z0-9+/=]{20,}",
    // JSON web tokens
    r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?",
];

/// All that is found in a text, which was typed or printed.
pub(super) fn find(text: &str, typed: bool) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in RULES.iter().filter(|rule| !(rule.printed && typed)) {
        let mut at = 0;
        // Groups at the edges (a blank before, one behind) may belong to the next one as well.
        while let Some(captures) = rule.regex.captures_at(text, at) {
            let groups = ["value", "q1", "q2", "bare"].into_iter().find_map(|name| captures.name(name));
            let Some(value) = groups.or_else(|| captures.get(0)) else { break };
            if (rule.is)(&captures, value.as_str()) {
                found.push(Found { span: value.range(), distinctive: name::is_distinctive(value.as_str()) });
            }
            at = value.end().max(at + 1);
            while !text.is_char_boundary(at) {
                at += 1;
            }
            if at > text.len() {
                break;
            }
        }
    }
    found
}

/// A value that is meant as it stands there.
fn is_literal(_: &Captures<'_>, value: &str) -> bool {
    const WORDS: [&str; 14] = [
        "true",
        "false",
        "null",
        "none",
        "nil",
        "yes",
        "no",
        "string",
        "undefined",
        "required",
        "optional",
        "invalid",
        "redacted",
        "hidden",
    ];
    let refers = value.starts_with(['$', '<', '%', '{', '(', '*', '&', '`'])
        || value.starts_with("arn:")
        || value.starts_with("\\$");
    // What is masked already stays as it is.
    !refers && !WORDS.contains(&value.to_lowercase().as_str())
}

/// A value with a name before it. Behind a colon stand words of prose as well, and they are no secrets.
fn named(captures: &Captures<'_>, value: &str) -> bool {
    if !is_literal(captures, value) || !name::is_secret(&captures["name"].replace(' ', "_")) {
        return false;
    }
    let sign = captures.name("sign").map_or("=", |sign| sign.as_str());
    let quoted = captures.name("q1").or_else(|| captures.name("q2")).is_some();
    // `NAME=value` is data; `name = value` may as well be a line of a program.
    let assigned = matches!(sign, "=" | " ") || quoted;
    match assigned {
        true => value.len() >= 3,
        // A call is what a program does.
        false => name::is_distinctive(value) && !value.contains(['(', '[']),
    }
}

/// Forty characters are an AWS secret when they look like chance, which neither a checksum nor a path does.
fn aws_secret(_: &Captures<'_>, value: &str) -> bool {
    let kind = |c: char| match c {
        'a'..='z' => 0,
        'A'..='Z' => 1,
        '0'..='9' => 2,
        _ => 3,
    };
    let kinds: Vec<i32> = value.chars().map(kind).collect();
    let count = |wanted: i32| kinds.iter().filter(|kind| **kind == wanted).count();
    let changes = kinds.windows(2).filter(|pair| pair[0] != pair[1]).count();
    count(0) >= 4 && count(1) >= 4 && count(2) >= 1 && changes >= 15
}
