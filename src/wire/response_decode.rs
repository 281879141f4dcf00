//! What came back -> the value of a response, or a fault.

use serde_json::{Map, Value};

use super::fault::Fault;
use super::json;
use super::scalar;
use super::service::{Operation, Protocol};
use super::shape::{Kind, Shape};
use super::xml::Element;

/// Why a body is not a response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The XML or JSON cannot be read.
    #[error("read the response: {0}")]
    Malformed(String),
    /// A value is not of the model's type.
    #[error("read {member} of the response: expected {expected}, got {text:?}")]
    Type {
        /// The member.
        member: String,
        /// What the model says.
        expected: &'static str,
        /// What was there.
        text: String,
    },
}

/// The value of a successful response. Members come in the model's order; what the model does not know is left out.
///
/// # Errors
///
/// When the body cannot be read or holds a value of another type.
pub fn decode_response(op: &Operation, body: &str) -> Result<Value, DecodeError> {
    let Some(shape) = op.output() else {
        return Ok(Value::Object(Map::new()));
    };
    match op.service.protocol() {
        Protocol::Json => {
            let parsed: Value =
                body.parse().map_err(|error: serde_json::Error| DecodeError::Malformed(error.to_string()))?;
            Ok(json::decode(shape, &parsed))
        }
        Protocol::Ec2 | Protocol::Query => {
            let root = Element::parse(body).map_err(DecodeError::Malformed)?;
            let start = op.result_wrapper().and_then(|wrapper| root.child(wrapper)).unwrap_or(&root);
            value(shape, start)
        }
    }
}

/// The fault in the body of an error response, of any of the protocols; its status is the usual one of its code.
pub fn decode_error(body: &str) -> Option<Fault> {
    if body.trim_start().starts_with('{') {
        let parsed: Value = body.parse().ok()?;
        let code = parsed["__type"].as_str()?.rsplit('#').next().unwrap_or_default();
        let message = parsed["message"].as_str().or(parsed["Message"].as_str()).unwrap_or_default();
        return Some(Fault::new(code, message));
    }
    let root = Element::parse(body).ok()?;
    let error = match root.child("Errors") {
        Some(errors) => errors.child("Error")?,
        None => root.child("Error")?,
    };
    let text = |name: &str| error.child(name).map(|child| child.text.clone());
    Some(Fault::new(text("Code")?, text("Message").unwrap_or_default()))
}

fn value(shape: &Shape, element: &Element) -> Result<Value, DecodeError> {
    match &shape.kind {
        Kind::Structure(members) => {
            let mut object = Map::new();
            for member in members {
                if let Some(child) = element.child(&member.response_name) {
                    object.insert(member.name.clone(), value(member.shape(), child)?);
                }
            }
            Ok(Value::Object(object))
        }
        Kind::List(member) => element.children.iter().map(|child| value(member.shape(), child)).collect(),
        Kind::Map(_, member) => {
            let mut object = Map::new();
            for entry in &element.children {
                if let (Some(key), Some(item)) = (entry.child("key"), entry.child("value")) {
                    object.insert(key.text.clone(), value(member.shape(), item)?);
                }
            }
            Ok(Value::Object(object))
        }
        // What AWS's own clients do: anything but `true` is false.
        Kind::Boolean => Ok(Value::Bool(element.text == "true")),
        // Bytes are not judged by who only hands them on.
        Kind::Blob => Ok(Value::String(element.text.clone())),
        kind => scalar::parse(kind, &element.text).map_err(|expected| DecodeError::Type {
            member: element.name.clone(),
            expected,
            text: element.text.clone(),
        }),
    }
}
