//! Form parameters -> the value of a request.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::fault::Fault;
use super::form::form_decode;
use super::json;
use super::scalar;
use super::service::{Operation, Protocol};
use super::shape::{Kind, Member, Shape};

/// More dots than this in a parameter's name are an attack, not a request.
const MAX_DEPTH: usize = 24;

/// The value of a request to `op` from its form parameters.
///
/// `Action`, `Version` and what a signature in the query string adds are passed over. Members come in the model's order;
/// list elements in the order of their numbers, which may have gaps.
///
/// # Errors
///
/// `UnknownParameter`, `MissingParameter` and `InvalidParameterValue`, each naming the parameter as it was sent.
pub fn decode_request(op: &Operation, params: &[(String, String)]) -> Result<Value, Fault> {
    let mut root = Node::default();
    for (name, value) in params {
        if !is_envelope(name) {
            root.insert(name, value)?;
        }
    }
    let decoder = Decoder { protocol: op.service.protocol() };
    match op.input() {
        Some(shape) => decoder.structure(shape, &root, ""),
        None => root
            .children
            .keys()
            .next()
            .map_or(Ok(Value::Object(Map::new())), |name| Err(Fault::unknown_parameter(name))),
    }
}

/// The value of a request from its body, in the language of the operation's service.
///
/// # Errors
///
/// As [`decode_request`]; in the JSON protocol `SerializationException` and `ValidationException`.
pub fn decode_body(op: &Operation, body: &str) -> Result<Value, Fault> {
    if op.service.protocol() != Protocol::Json {
        return decode_request(op, &form_decode(body));
    }
    let body = if body.is_empty() { "{}" } else { body };
    let parsed: Value = body
        .parse()
        .map_err(|error: serde_json::Error| Fault::new("SerializationException", error.to_string()))?;
    let Some(shape) = op.input() else {
        return Ok(Value::Object(Map::new()));
    };
    let value = json::decode(shape, &parsed);
    for member in shape.members() {
        if member.required && value.get(&member.name).is_none() {
            let why = format!(
                "Value null at '{}' failed to satisfy constraint: Member must not be null",
                member.name
            );
            return Err(Fault::new("ValidationException", format!("1 validation error detected: {why}")));
        }
    }
    match json::encode(shape, &value, "") {
        Ok(_) => Ok(value),
        Err(error) => Err(Fault::new("SerializationException", error.to_string())),
    }
}

fn is_envelope(name: &str) -> bool {
    matches!(name, "Action" | "Version" | "AWSAccessKeyId") || name.starts_with("X-Amz-")
}

/// Parameters by the parts of their dotted names.
#[derive(Default)]
struct Node {
    value: Option<String>,
    children: BTreeMap<String, Node>,
}

impl Node {
    fn insert(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        if name.split('.').count() > MAX_DEPTH {
            return Err(Fault::unknown_parameter(name));
        }
        let mut node = self;
        for part in name.split('.') {
            node = node.children.entry(part.to_owned()).or_default();
        }
        node.value = Some(value.to_owned());
        Ok(())
    }

    /// The whole name of the first parameter below `path`.
    fn first_name(&self, path: &str) -> String {
        match self.children.iter().next() {
            Some((part, child)) if self.value.is_none() => child.first_name(&join(path, part)),
            _ => path.to_owned(),
        }
    }
}

struct Decoder {
    protocol: Protocol,
}

impl Decoder {
    fn value(&self, shape: &Shape, node: &Node, path: &str) -> Result<Value, Fault> {
        match &shape.kind {
            Kind::Structure(_) => self.structure(shape, node, path),
            Kind::List(element) => self.list(element, node, path),
            Kind::Map(key, value) => self.map(key, value, node, path),
            kind => {
                if let Some((part, child)) = node.children.iter().next() {
                    return Err(Fault::unknown_parameter(&child.first_name(&join(path, part))));
                }
                let text = node.value.as_deref().unwrap_or_default();
                scalar::parse(kind, text)
                    .map_err(|expected| Fault::invalid_value(path, text, &format!("Expected {expected}.")))
            }
        }
    }

    fn structure(&self, shape: &Shape, node: &Node, path: &str) -> Result<Value, Fault> {
        if node.value.as_deref().is_some_and(|text| !text.is_empty()) {
            return Err(Fault::unknown_parameter(path));
        }
        let members = shape.members();
        let known = |part: &str| members.iter().any(|member| member.request_name == part);
        if let Some((part, child)) = node.children.iter().find(|(part, _)| !known(part)) {
            return Err(Fault::unknown_parameter(&child.first_name(&join(path, part))));
        }
        let mut object = Map::new();
        for member in members {
            let path = join(path, &member.request_name);
            match node.children.get(&member.request_name) {
                Some(child) => {
                    object.insert(member.name.clone(), self.value(member.shape(), child, &path)?);
                }
                None if member.required => return Err(Fault::missing_parameter(&path)),
                None => {}
            }
        }
        Ok(Value::Object(object))
    }

    fn list(&self, element: &Member, node: &Node, path: &str) -> Result<Value, Fault> {
        let items = self.numbered(node, path, &element.request_name)?;
        let shape = element.shape();
        let items = items.into_iter().map(|(path, child)| self.value(shape, child, &path));
        Ok(Value::Array(items.collect::<Result<_, _>>()?))
    }

    fn map(&self, key: &Member, value: &Member, node: &Node, path: &str) -> Result<Value, Fault> {
        let mut object = Map::new();
        for (path, entry) in self.numbered(node, path, "entry")? {
            let part = |name: &str| {
                entry.children.get(name).ok_or_else(|| Fault::missing_parameter(&format!("{path}.{name}")))
            };
            let name = part("key")?.value.clone().unwrap_or_default();
            object.insert(name, self.value(value.shape(), part("value")?, &path)?);
        }
        let _ = key;
        Ok(Value::Object(object))
    }

    /// The numbered children in order. EC2 numbers right after the name; the older query protocol puts a word between.
    fn numbered<'a>(&self, node: &'a Node, path: &str, word: &str) -> Result<Vec<(String, &'a Node)>, Fault> {
        if node.value.as_deref().is_some_and(|text| !text.is_empty()) {
            return Err(Fault::unknown_parameter(path));
        }
        let word = if word.is_empty() { "member" } else { word };
        let (node, path) = match node.children.get(word) {
            Some(child) if self.protocol == Protocol::Query => (child, join(path, word)),
            _ => (node, path.to_owned()),
        };
        let mut items = Vec::new();
        for (part, child) in &node.children {
            let path = join(&path, part);
            match part.parse::<u32>() {
                Ok(number) if number > 0 => items.push((number, (path, child))),
                _ => return Err(Fault::unknown_parameter(&child.first_name(&path))),
            }
        }
        items.sort_by_key(|(number, _)| *number);
        Ok(items.into_iter().map(|(_, item)| item).collect())
    }
}

fn join(path: &str, part: &str) -> String {
    if path.is_empty() { part.to_owned() } else { format!("{path}.{part}") }
}
