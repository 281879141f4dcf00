//! YAML in block style, members sorted, as the AWS CLI's library writes it.

use serde_json::Value;

use super::json::json;

/// A value as YAML; a scalar as JSON.
pub fn yaml(value: &Value) -> String {
    match value {
        Value::Object(object) if object.is_empty() => "{}\n".to_owned(),
        Value::Array(items) if items.is_empty() => "[]\n".to_owned(),
        Value::Object(_) | Value::Array(_) => {
            let mut out = String::new();
            block(value, 0, false, &mut out);
            out
        }
        scalar => json(scalar),
    }
}

/// Writes the lines of a value; `inline` when the first one goes on after a dash.
fn block(value: &Value, indent: usize, inline: bool, out: &mut String) {
    let mut first = inline;
    let mut start = |out: &mut String| {
        if !std::mem::take(&mut first) {
            out.push_str(&" ".repeat(indent));
        }
    };
    match value {
        Value::Object(object) => {
            let mut pairs: Vec<_> = object.iter().collect();
            pairs.sort_by_key(|(name, _)| *name);
            for (name, value) in pairs {
                start(out);
                out.push_str(&scalar(&Value::from(name.as_str())));
                out.push(':');
                match value {
                    Value::Object(object) if !object.is_empty() => {
                        out.push('\n');
                        block(value, indent + 2, false, out);
                    }
                    Value::Array(items) if !items.is_empty() => {
                        out.push('\n');
                        block(value, indent, false, out);
                    }
                    value => out.push_str(&format!(" {}\n", scalar(value))),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                start(out);
                out.push_str("- ");
                let nested = item.as_object().is_some_and(|object| !object.is_empty())
                    || item.as_array().is_some_and(|items| !items.is_empty());
                if nested {
                    block(item, indent + 2, true, out);
                } else {
                    out.push_str(&format!("{}\n", scalar(item)));
                }
            }
        }
        value => out.push_str(&format!("{}\n", scalar(value))),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(text) if text.chars().any(|letter| letter < ' ' || letter == '\u{7f}') => {
            Value::from(text.as_str()).to_string()
        }
        Value::String(text) if is_plain(text) => text.clone(),
        Value::String(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Array(_) => "[]".to_owned(),
        Value::Object(_) => "{}".to_owned(),
        value => value.to_string(),
    }
}

/// Whether a text reads as itself without quotes.
fn is_plain(text: &str) -> bool {
    let words = ["~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<"];
    let indicator = |letter: char| "-?:,[]{}#&*!|>'\"%@`".contains(letter);
    let lower = text.to_lowercase();
    let Some(first) = text.chars().next() else {
        return false;
    };
    let starts_well = !indicator(first)
        || ("-?:".contains(first)
            && text.chars().nth(1).is_some_and(|second| !second.is_whitespace())
            && text != "---");
    starts_well
        && !words.contains(&lower.as_str())
        && !looks_like_number(text)
        && !looks_like_date(text)
        && !text.starts_with(' ')
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
}

fn looks_like_number(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']).replace('_', "");
    let hex = digits.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let starts = digits.starts_with(|letter: char| letter.is_ascii_digit() || letter == '.');
    hex || (starts && digits.parse::<f64>().is_ok())
        || matches!(digits.to_lowercase().as_str(), ".inf" | ".nan")
}

fn looks_like_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 10
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && bytes[4] == b'-'
        && bytes[5..7].iter().all(u8::is_ascii_digit)
        && bytes[7] == b'-'
        && bytes[8..10].iter().all(u8::is_ascii_digit)
        && (bytes.len() == 10 || (matches!(bytes[10], b'T' | b't' | b' ') && text.contains(':')))
}
