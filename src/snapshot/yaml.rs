//! The little YAML that a snapshot's header is written in: nested maps of text and numbers, quoted just where insta
//! quotes, so that a file accepted by `cargo insta` keeps every byte.
//!
//! The rules are those of insta 1.49's emitter; the test of [`super::file`] holds them against insta itself.

/// A value in a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Text(String),
    Number(i64),
    Map(Vec<(String, Node)>),
}

impl Node {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

/// Writes the fields of the top-level map, each line ended.
pub(super) fn write(fields: &[(String, Node)]) -> String {
    let mut out = String::new();
    write_map(&mut out, fields, 0);
    out
}

fn write_map(out: &mut String, fields: &[(String, Node)], depth: usize) {
    for (name, node) in fields {
        out.extend(std::iter::repeat_n("  ", depth));
        write_text(out, name);
        match node {
            Node::Map(fields) if fields.is_empty() => out.push_str(": {}\n"),
            Node::Map(fields) => {
                out.push_str(":\n");
                write_map(out, fields, depth + 1);
            }
            Node::Number(number) => out.push_str(&format!(": {number}\n")),
            Node::Text(text) => {
                out.push_str(": ");
                write_text(out, text);
                out.push('\n');
            }
        }
    }
}

fn write_text(out: &mut String, text: &str) {
    if !needs_quotes(text) {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c.is_ascii_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn needs_quotes(text: &str) -> bool {
    const WORDS: [&str; 22] = [
        "yes", "Yes", "YES", "no", "No", "NO", "True", "TRUE", "true", "False", "FALSE", "false", "on", "On",
        "ON", "off", "Off", "OFF", "null", "Null", "NULL", "~",
    ];
    text.is_empty()
        || text.starts_with([' ', '&', '*', '?', '|', '-', '<', '>', '=', '!', '%', '@', '.'])
        || text.ends_with(' ')
        || text.contains(|c| {
            matches!(
                c,
                ':' | '{' | '}' | '[' | ']' | ',' | '#' | '`' | '"' | '\'' | '\\' | '\t' | '\n' | '\r' | '\0'
                    ..='\x06' | '\x0e'..='\x1a' | '\x1c'..='\x1f'
            )
        })
        || WORDS.contains(&text)
        || text.starts_with("0x")
        || text.parse::<i64>().is_ok()
        || text.parse::<f64>().is_ok()
}
