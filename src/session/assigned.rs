//! Which variables a block's text assigns, seen from the text alone.
//!
//! Comparing values before and after misses a variable that was given the value that it had already (a lesson that
//! looks its VPC up again), and then the result would depend on the history of the shell. This finds the plain
//! assignments; what it misses (`read`, `printf -v`, functions) is found by comparing.

/// Names in the order of their first plain assignment (`NAME=..`, `NAME+=..`, also after `export` and the like) that is
/// not the environment of a single command (`NAME=x command`).
pub(super) fn assigned_names(script: &str) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    let mut pending: Vec<&str> = Vec::new();
    let mut at_command = true;
    for word in (Words { rest: script }) {
        match word {
            Word::Separator => {
                names.append(&mut pending);
                at_command = true;
            }
            Word::Plain(word) if at_command => {
                if let Some(name) = assigned(word) {
                    pending.push(name);
                } else if !KEEPS_COMMAND_POSITION.contains(&word) {
                    // A command follows: what was assigned before it was for that command only.
                    pending.clear();
                    at_command = false;
                }
            }
            Word::Plain(_) => {}
        }
    }
    names.append(&mut pending);
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(*name));
    names
}

/// Words after which another command, or an assignment, begins.
const KEEPS_COMMAND_POSITION: &[&str] = &[
    "if", "then", "else", "elif", "while", "until", "do", "!", "{", "time", "export", "declare", "typeset",
    "readonly", "-x", "-r", "-i", "-a", "-A", "-g",
];

fn assigned(word: &str) -> Option<&str> {
    let (name, _) = word.split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    let name = name.split_once('[').map_or(name, |(array, _)| array);
    let mut chars = name.chars();
    let first = chars.next()?;
    let valid =
        (first.is_ascii_alphabetic() || first == '_') && chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
    valid.then_some(name)
}

enum Word<'a> {
    Plain(&'a str),
    /// The end of a command: newline, `;`, `&`, `|`, `(`, `)`.
    Separator,
}

/// Splits shell text into words, keeping quotes and substitutions within their word. Not a full parser: the body of a
/// here-document is read as commands, which can only name a variable that must then also exist.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t']);
            if let Some(joined) = self.rest.strip_prefix("\\\n") {
                self.rest = joined;
            } else if self.rest.starts_with('#') {
                self.rest = self.rest.find('\n').map_or("", |end| &self.rest[end..]);
            } else {
                break;
            }
        }
        let first = self.rest.chars().next()?;
        if "\n;&|()".contains(first) {
            self.rest = &self.rest[1..];
            return Some(Word::Separator);
        }
        let end = word_end(self.rest);
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(Word::Plain(word))
    }
}

/// Where the word at the beginning of `text` ends.
fn word_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut depth = 0_u32;
    let mut quote = None;
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        match (quote, byte) {
            (Some(b'\''), b'\'') | (Some(b'"'), b'"') => quote = None,
            (Some(b'\''), _) => {}
            (_, b'\\') => at += 1,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            // `$(..)`, `${..}` and `NAME=(..)` belong to the word.
            (None, b'(' | b'{') if depth > 0 || at > 0 && matches!(bytes[at - 1], b'$' | b'=') => depth += 1,
            (None, b')' | b'}') if depth > 0 => depth -= 1,
            (None, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')') if depth == 0 => {
                return at.max(1);
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::assigned_names;

    #[test]
    fn plain_assignments_are_found_in_order() {
        let cases: &[(&str, &[&str])] = &[
            ("SUBNET=$(aws ec2 create-subnet --vpc-id $VPC \\\n  --query Subnet.SubnetId)\n", &["SUBNET"]),
            ("B=1; A=2\nB=3", &["B", "A"]),
            ("export PATH=$PATH:/x N=1", &["PATH", "N"]),
            ("FOO=bar env | grep FOO", &[]),
            ("A=1 B=2\necho $A", &["A", "B"]),
            ("if true; then X=\"a; Y=2\"; fi", &["X"]),
            ("curl -d NAME=value http://x # Z=1", &[]),
            ("[ -n \"$A\" ] && LIST=(a b\nc) && MAP[k]=v", &["LIST", "MAP"]),
            ("for f in 1; do COUNT+=1; done", &["COUNT"]),
            ("A='it''s'\\'' x=1'", &["A"]),
            ("ssh web \\\n  A=1", &[]),
            ("unbalanced=\"x", &["unbalanced"]),
            ("é=1\nA=é", &["A"]),
        ];
        for (script, names) in cases {
            assert_eq!(&assigned_names(script), names, "{script}");
        }
    }
}
