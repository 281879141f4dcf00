//! The JSON protocol: the decoded value with other words for times, and names looked up.

use serde_json::{Map, Number, Value};

use super::request_encode::EncodeError;
use super::scalar;
use super::shape::{Kind, Shape};

/// `Filters` and `Name` -> `Filters.Name`.
pub(super) fn member_path(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The JSON to send for a value.
pub(super) fn encode(shape: &Shape, value: &Value, path: &str) -> Result<Value, EncodeError> {
    let wrong = || EncodeError::Type { path: path.to_owned(), expected: scalar::expected(&shape.kind) };
    match &shape.kind {
        Kind::Structure(_) => {
            let mut object = Map::new();
            for (name, value) in value.as_object().ok_or_else(wrong)? {
                let path = member_path(path, name);
                let Some(member) = shape.member(name) else {
                    return Err(EncodeError::Unknown { path });
                };
                if !value.is_null() {
                    object.insert(member.request_name.clone(), encode(member.shape(), value, &path)?);
                }
            }
            Ok(Value::Object(object))
        }
        Kind::List(element) => {
            let items = value.as_array().ok_or_else(wrong)?.iter().enumerate();
            let items = items.map(|(index, item)| encode(element.shape(), item, &format!("{path}[{index}]")));
            Ok(Value::Array(items.collect::<Result<_, _>>()?))
        }
        Kind::Map(_, element) => {
            let entries = value.as_object().ok_or_else(wrong)?.iter();
            let entries = entries.map(|(key, item)| {
                Ok((key.clone(), encode(element.shape(), item, &member_path(path, key))?))
            });
            Ok(Value::Object(entries.collect::<Result<_, _>>()?))
        }
        Kind::Timestamp => {
            let seconds = value.as_str().and_then(scalar::seconds_of_timestamp);
            seconds.and_then(Number::from_f64).map(Value::Number).ok_or_else(wrong)
        }
        kind => scalar::format(kind, value).map(|_| value.clone()).ok_or_else(wrong),
    }
}

/// The value of JSON that was received. What the model does not know is left out.
pub(super) fn decode(shape: &Shape, json: &Value) -> Value {
    match (&shape.kind, json) {
        (Kind::Structure(members), Value::Object(object)) => {
            let known = members.iter().filter_map(|member| {
                let value = object.get(&member.response_name).filter(|value| !value.is_null())?;
                Some((member.name.clone(), decode(member.shape(), value)))
            });
            Value::Object(known.collect())
        }
        (Kind::List(element), Value::Array(items)) => {
            items.iter().map(|item| decode(element.shape(), item)).collect()
        }
        (Kind::Map(_, element), Value::Object(object)) => Value::Object(
            object.iter().map(|(key, item)| (key.clone(), decode(element.shape(), item))).collect(),
        ),
        (Kind::Timestamp, Value::Number(seconds)) => {
            scalar::timestamp_of(&seconds.to_string()).map_or_else(|| json.clone(), Value::from)
        }
        _ => json.clone(),
    }
}
