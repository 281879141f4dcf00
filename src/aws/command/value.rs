//! What was typed after an option -> a value of the model's type.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::failure::Failure;
use super::options::{Values, Word};
use super::shorthand;
use crate::wire::{Kind, Shape};

/// The value of an option.
pub(super) fn unpack(shape: &Shape, option: &str, values: &Values) -> Result<Value, Failure> {
    match &shape.kind {
        Kind::List(element) => {
            let first = values.words.first().map(Word::text).unwrap_or_default();
            let first = first.trim_start();
            if values.words.len() == 1 && first.starts_with('[') {
                return from_json(option, &values.words[0].text());
            }
            let shorthand = is_complex(element.shape()) && !first.starts_with(['[', '{']);
            let element = element.shape();
            let items = values.words.iter().map(|word| match shorthand {
                true => from_shorthand(element, option, &word.text()),
                false => single(element, option, word),
            });
            items.collect()
        }
        _ => single(shape, option, values.words.first().unwrap_or(&Word::Text(String::new()))),
    }
}

/// The value of `--attribute`, `--attribute Value=true` or `--attribute '{"Value": true}'`.
pub(super) fn switch(shape: &Shape, option: &str, values: &Values) -> Result<Value, Failure> {
    if values.words.is_empty() { Ok(json!({"Value": true})) } else { unpack(shape, option, values) }
}

fn single(shape: &Shape, option: &str, word: &Word) -> Result<Value, Failure> {
    let text = word.text();
    match &shape.kind {
        Kind::Structure(_) | Kind::Map(..) | Kind::List(_) => {
            if text.trim_start().starts_with(['[', '{']) {
                return from_json(option, &text);
            }
            match shape.members() {
                [member]
                    if member.name == "Value"
                        && matches!(member.shape().kind, Kind::String)
                        && !text.contains('=') =>
                {
                    Ok(json!({"Value": text}))
                }
                _ => from_shorthand(shape, option, &text),
            }
        }
        Kind::Integer | Kind::Long => match text.trim().parse::<i64>() {
            Ok(number) => Ok(number.into()),
            Err(_) => Err(Failure::general(format!("invalid literal for int() with base 10: '{text}'"))),
        },
        Kind::Float => match text.trim().parse::<f64>() {
            Ok(number) => Ok(number.into()),
            Err(_) => Err(Failure::general(format!("could not convert string to float: '{text}'"))),
        },
        Kind::Boolean => Ok(Value::Bool(!text.eq_ignore_ascii_case("false"))),
        Kind::Blob => match word {
            Word::Bytes(bytes) => Ok(BASE64_STANDARD.encode(bytes).into()),
            Word::Text(text) => Ok(text.clone().into()),
        },
        Kind::String | Kind::Timestamp => Ok(text.into()),
    }
}

fn is_complex(shape: &Shape) -> bool {
    matches!(shape.kind, Kind::Structure(_) | Kind::List(_) | Kind::Map(..))
}

fn from_json(option: &str, text: &str) -> Result<Value, Failure> {
    text.parse().map_err(|error: serde_json::Error| {
        Failure::parsing(option, format!("Invalid JSON: {error}\nJSON received: {text}"))
    })
}

fn from_shorthand(shape: &Shape, option: &str, text: &str) -> Result<Value, Failure> {
    let mut value = shorthand::parse(text).map_err(|error| Failure::parsing(option, error.to_string()))?;
    shorthand::coerce(shape, &mut value)
        .map_err(|text| Failure::general(format!("invalid literal for int() with base 10: '{text}'")))?;
    Ok(value)
}

/// Gives times and bytes of checked parameters the form that the wire wants.
pub(super) fn settle(shape: &Shape, value: &mut Value) -> Result<(), Failure> {
    match (&shape.kind, &mut *value) {
        (Kind::Structure(members), Value::Object(object)) => {
            for member in members {
                if let Some(value) = object.get_mut(&member.name) {
                    settle(member.shape(), value)?;
                }
            }
        }
        (Kind::List(element), Value::Array(items)) => {
            items.iter_mut().try_for_each(|item| settle(element.shape(), item))?;
        }
        (Kind::Map(_, element), Value::Object(object)) => {
            object.values_mut().try_for_each(|item| settle(element.shape(), item))?;
        }
        (Kind::Timestamp, Value::String(text)) => {
            if let Some(time) = crate::wire::timestamp_of(text) {
                *value = time.into();
            }
        }
        (Kind::Blob, Value::String(text)) => {
            // As lenient as Python: what is not base64 is passed over.
            let alphabet =
                |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '/' | '=');
            let clean: String = text.chars().filter(alphabet).collect();
            if BASE64_STANDARD.decode(&clean).is_err() {
                return Err(Failure::general(format!("Invalid base64: \"{text}\"")));
            }
            *value = clean.into();
        }
        _ => {}
    }
    Ok(())
}
