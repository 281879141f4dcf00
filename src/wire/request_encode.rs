//! The value of a request -> form parameters, or a body with its headers.

use serde_json::{Map, Value};

use super::form::form_encode;
use super::json;
use super::scalar;
use super::service::{Operation, Protocol};
use super::shape::{Kind, Shape};

/// Why a value is not a request of this operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The model has no such member.
    #[error("encode {path}: the operation has no such parameter")]
    Unknown {
        /// Where, as in `Filters[0].Nmae`.
        path: String,
    },
    /// The value is of another type.
    #[error("encode {path}: expected {expected}")]
    Type {
        /// Where, as in `Filters[0].Values`.
        path: String,
        /// What the model wants there.
        expected: &'static str,
    },
}

/// What is sent for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// The `Content-Type` header.
    pub content_type: &'static str,
    /// The `X-Amz-Target` header, where the protocol has one.
    pub target: Option<String>,
    /// The body itself.
    pub text: String,
}

/// The form parameters of a request, `Action` and `Version` first. Nulls are left out, empty lists too.
///
/// # Errors
///
/// When the value does not have the shape of the operation's input. Required members are not asked for.
pub fn encode_request(op: &Operation, value: &Value) -> Result<Vec<(String, String)>, EncodeError> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut pairs = vec![pair("Action", op.name), pair("Version", op.service.api_version())];
    if let Some(shape) = op.input() {
        let mut encoder = Encoder { protocol: op.service.protocol(), pairs: &mut pairs };
        encoder.value(shape, value, "", "")?;
    }
    Ok(pairs)
}

/// The body of a request, in the language of the operation's service.
///
/// # Errors
///
/// As [`encode_request`].
pub fn encode_body(op: &Operation, value: &Value) -> Result<Body, EncodeError> {
    match op.service.protocol() {
        Protocol::Ec2 | Protocol::Query => Ok(Body {
            content_type: "application/x-www-form-urlencoded; charset=utf-8",
            target: None,
            text: form_encode(&encode_request(op, value)?),
        }),
        Protocol::Json => {
            let body = match op.input() {
                Some(shape) => json::encode(shape, value, "")?,
                None => Value::Object(Map::new()),
            };
            Ok(Body {
                content_type: "application/x-amz-json-1.1",
                target: Some(format!("{}.{}", op.service.target_prefix(), op.name)),
                text: body.to_string(),
            })
        }
    }
}

struct Encoder<'a> {
    protocol: Protocol,
    pairs: &'a mut Vec<(String, String)>,
}

impl Encoder<'_> {
    /// `prefix` is the name on the wire, `path` the one for messages.
    fn value(&mut self, shape: &Shape, value: &Value, prefix: &str, path: &str) -> Result<(), EncodeError> {
        let wrong = || EncodeError::Type { path: path.to_owned(), expected: scalar::expected(&shape.kind) };
        match &shape.kind {
            Kind::Structure(_) => {
                for (name, value) in value.as_object().ok_or_else(wrong)? {
                    let path = json::member_path(path, name);
                    let Some(member) = shape.member(name) else {
                        return Err(EncodeError::Unknown { path });
                    };
                    if !value.is_null() {
                        self.value(member.shape(), value, &join(prefix, &member.request_name), &path)?;
                    }
                }
            }
            Kind::List(element) => {
                let items = value.as_array().ok_or_else(wrong)?;
                let list = match self.protocol {
                    Protocol::Query if items.is_empty() => {
                        self.pairs.push((prefix.to_owned(), String::new()));
                        return Ok(());
                    }
                    Protocol::Query if element.request_name.is_empty() => format!("{prefix}.member"),
                    Protocol::Query => join(prefix, &element.request_name),
                    Protocol::Ec2 | Protocol::Json => prefix.to_owned(),
                };
                for (index, item) in items.iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    self.value(element.shape(), item, &format!("{list}.{}", index + 1), &path)?;
                }
            }
            Kind::Map(_, element) => {
                for (index, (key, item)) in value.as_object().ok_or_else(wrong)?.iter().enumerate() {
                    let entry = format!("{prefix}.entry.{}", index + 1);
                    self.pairs.push((format!("{entry}.key"), key.clone()));
                    self.value(
                        element.shape(),
                        item,
                        &format!("{entry}.value"),
                        &json::member_path(path, key),
                    )?;
                }
            }
            kind => {
                let text = scalar::format(kind, value).ok_or_else(wrong)?;
                self.pairs.push((prefix.to_owned(), text));
            }
        }
        Ok(())
    }
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}
