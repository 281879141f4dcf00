//! Parameters against the model, before anything is sent: all mistakes at once, in the words of the AWS CLI.

use serde_json::Value;

use super::failure::Failure;
use crate::wire::{Kind, Shape};

/// Refuses parameters that the model does not allow.
pub(super) fn check(shape: &Shape, params: &Value) -> Result<(), Failure> {
    let mut mistakes = Vec::new();
    visit(shape, params, "", &mut mistakes);
    if mistakes.is_empty() {
        return Ok(());
    }
    Err(Failure::parameter(format!("Parameter validation failed:\n{}", mistakes.join("\n"))))
}

fn visit(shape: &Shape, value: &Value, path: &str, mistakes: &mut Vec<String>) {
    let name = if path.is_empty() { "input" } else { path.trim_start_matches('.') };
    match (&shape.kind, value) {
        (Kind::Structure(members), Value::Object(object)) => {
            for member in members.iter().filter(|member| member.required && !member.idempotency_token) {
                if !object.contains_key(&member.name) {
                    mistakes.push(format!("Missing required parameter in {name}: \"{}\"", member.name));
                }
            }
            for key in object.keys().filter(|key| shape.member(key).is_none()) {
                let known: Vec<_> = members.iter().map(|member| member.name.as_str()).collect();
                let known = known.join(", ");
                mistakes.push(format!("Unknown parameter in {name}: \"{key}\", must be one of: {known}"));
            }
            for (key, value) in object {
                if let Some(member) = shape.member(key) {
                    visit(member.shape(), value, &format!("{path}.{key}"), mistakes);
                }
            }
        }
        (Kind::List(element), Value::Array(items)) => {
            least(shape, items.len() as f64, &items.len().to_string(), "length", name, mistakes);
            for (index, item) in items.iter().enumerate() {
                visit(element.shape(), item, &format!("{path}[{index}]"), mistakes);
            }
        }
        (Kind::Map(_, element), Value::Object(object)) => {
            object
                .iter()
                .for_each(|(key, item)| visit(element.shape(), item, &format!("{path}.{key}"), mistakes));
        }
        (Kind::String, Value::String(text)) => {
            let length = text.chars().count();
            least(shape, length as f64, &length.to_string(), "length", name, mistakes);
        }
        (Kind::Integer | Kind::Long, Value::Number(number)) if !number.is_f64() => {
            least(shape, number.as_f64().unwrap_or_default(), &number.to_string(), "value", name, mistakes);
        }
        (Kind::Float, Value::Number(number)) => {
            least(shape, number.as_f64().unwrap_or_default(), &number.to_string(), "value", name, mistakes);
        }
        (Kind::Boolean, Value::Bool(_)) | (Kind::Blob, Value::String(_)) => {}
        (Kind::Timestamp, Value::String(text)) if crate::wire::timestamp_of(text).is_some() => {}
        (Kind::Blob | Kind::Timestamp, value) => {
            let text = plain(value);
            let kinds = kinds(&shape.kind);
            mistakes.push(format!(
                "Invalid type for parameter {name}, value: {text}, type: {}, valid types: {kinds}",
                class(value)
            ));
        }
        (kind, value) => mistakes.push(format!(
            "Invalid type for parameter {name}, value: {}, type: {}, valid types: {}",
            plain(value),
            class(value),
            kinds(kind)
        )),
    }
}

fn least(shape: &Shape, number: f64, text: &str, what: &str, name: &str, mistakes: &mut Vec<String>) {
    if let Some(min) = shape.min.filter(|min| number < *min) {
        mistakes.push(format!("Invalid {what} for parameter {name}, value: {text}, valid min {what}: {min}"));
    }
}

fn kinds(kind: &Kind) -> &'static str {
    match kind {
        Kind::Structure(_) | Kind::Map(..) => "<class 'dict'>",
        Kind::List(_) => "<class 'list'>, <class 'tuple'>",
        Kind::String => "<class 'str'>",
        Kind::Integer | Kind::Long => "<class 'int'>",
        Kind::Float => "<class 'float'>, <class 'decimal.Decimal'>, <class 'int'>",
        Kind::Boolean => "<class 'bool'>",
        Kind::Timestamp => "<class 'datetime.datetime'>, timestamp-string",
        Kind::Blob => "<class 'bytes'>, <class 'bytearray'>, file-like object",
    }
}

/// Python's name for the type of a value.
pub(super) fn class(value: &Value) -> &'static str {
    match value {
        Value::Null => "<class 'NoneType'>",
        Value::Bool(_) => "<class 'bool'>",
        Value::Number(number) if number.is_f64() => "<class 'float'>",
        Value::Number(_) => "<class 'int'>",
        Value::String(_) => "<class 'str'>",
        Value::Array(_) => "<class 'list'>",
        Value::Object(_) => "<class 'dict'>",
    }
}

/// A value as Python prints it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => crate::aws::output::python(value),
    }
}
