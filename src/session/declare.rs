//! Reads what `declare -p` prints: one line a variable, `declare -FLAGS NAME=VALUE`.

/// One variable of a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Declared {
    /// Attributes without the dash: `-`, `x`, `ir`, `a`, ..
    pub(super) flags: String,
    pub(super) name: String,
    /// The value as bash wrote it, quotes included; `None` when declared without one.
    pub(super) quoted: Option<String>,
}

impl Declared {
    /// All lines that are variables.
    pub(super) fn parse_all(text: &str) -> impl Iterator<Item = Self> {
        text.lines().filter_map(Self::parse)
    }

    fn parse(line: &str) -> Option<Self> {
        let (flags, rest) = line.strip_prefix("declare -")?.split_once(' ')?;
        let (name, quoted) = match rest.split_once('=') {
            Some((name, quoted)) => (name, Some(quoted.to_owned())),
            None => (rest, None),
        };
        Some(Self { flags: flags.to_owned(), name: name.to_owned(), quoted })
    }

    /// The text of a scalar; an array as bash writes it. `None` when it has no value.
    pub(super) fn value(&self) -> Option<String> {
        let quoted = self.quoted.as_deref()?;
        Some(if self.flags.contains(['a', 'A']) { quoted.trim_end().to_owned() } else { unquote(quoted) })
    }

    /// The line again.
    pub(super) fn line(&self) -> String {
        match &self.quoted {
            Some(quoted) => format!("declare -{} {}={quoted}", self.flags, self.name),
            None => format!("declare -{} {}", self.flags, self.name),
        }
    }
}

/// Undoes bash's quoting of one word: `"..."` or `$'...'`.
fn unquote(quoted: &str) -> String {
    if let Some(inner) = quoted.strip_prefix("$'").and_then(|q| q.strip_suffix('\'')) {
        return unquote_ansi(inner);
    }
    let Some(inner) = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"')) else {
        return quoted.to_owned();
    };
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        text.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    text
}

/// The escapes that bash writes within `$'...'`. Octal escapes are bytes, so several may make one character.
fn unquote_ansi(inner: &str) -> String {
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        let [escape, after @ ..] = after else {
            bytes.push(*first);
            break;
        };
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        rest = after;
        bytes.push(match escape {
            b'a' => 0x07,
            b'b' => 0x08,
            b'E' | b'e' => 0x1b,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 0x0b,
            b'0'..=b'7' => {
                let digits = after.iter().take(2).take_while(|d| (b'0'..=b'7').contains(d)).count();
                let value = after[..digits].iter().fold(escape - b'0', |v, d| v.wrapping_mul(8) + (d - b'0'));
                rest = &after[digits..];
                value
            }
            other => *other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines printed by bash 5.2 and the values that they were made from.
    #[test]
    fn values_are_what_bash_was_given() {
        let cases = [
            (r#"declare -- A="plain""#, "plain"),
            (r#"declare -x E="pl\"a\$in\`\\!""#, "pl\"a$in`\\!"),
            (r"declare -- M=$'multi\nline'", "multi\nline"),
            (r"declare -- Q=$'it\'s\t\E[1m\\'", "it's\t\u{1b}[1m\\"),
            (r"declare -- U=$'\303\251t\303\251'", "été"),
            (r#"declare -a B=([0]="x y" [1]=$'n\nl')"#, r#"([0]="x y" [1]=$'n\nl')"#),
            (r#"declare -A C=([k]="v w" )"#, r#"([k]="v w" )"#.trim_end()),
            (r#"declare -- EQ="a=b=c""#, "a=b=c"),
        ];
        for (line, value) in cases {
            let declared = Declared::parse(line).expect(line);
            assert_eq!(declared.value().as_deref(), Some(value), "{line}");
            assert_eq!(declared.line(), line);
        }
    }

    #[test]
    fn a_variable_without_a_value_has_none() {
        let declared = Declared::parse("declare -x TZ").expect("a declaration");
        assert_eq!((declared.name.as_str(), declared.value()), ("TZ", None));
    }
}
