//! Shapes: the types of the service model.

use std::sync::OnceLock;

use serde_json::Value;

use super::service::{Protocol, Service};

/// A type of the model, parsed from its line when it is first needed.
#[derive(Debug)]
pub struct Shape {
    /// The model's name for it, such as `VpcId` or `DescribeVpcsRequest`.
    pub name: &'static str,
    /// What it is made of.
    pub kind: Kind,
    /// The values that an enumeration has; empty for every other shape.
    pub values: Vec<String>,
    /// Whether it holds a secret (private keys, passwords).
    pub sensitive: bool,
    /// The least length or value, where the model gives one.
    pub min: Option<f64>,
}

/// What a shape is made of.
#[derive(Debug)]
pub enum Kind {
    /// An object; the members in the model's order.
    Structure(Vec<Member>),
    /// An array.
    List(Box<Member>),
    /// An object with free keys.
    Map(Box<Member>, Box<Member>),
    /// A string or an enumeration.
    String,
    /// A whole number of 32 bits.
    Integer,
    /// A whole number of 64 bits.
    Long,
    /// A number, of either precision.
    Float,
    /// `true` or `false`.
    Boolean,
    /// A point in time.
    Timestamp,
    /// Bytes.
    Blob,
}

/// A use of a shape: a member of a structure, or the element of a list.
#[derive(Debug)]
pub struct Member {
    /// The name in the decoded value; empty for elements.
    pub name: String,
    /// The name in requests.
    pub request_name: String,
    /// The name in responses.
    pub response_name: String,
    /// Whether a request must have it.
    pub required: bool,
    /// Whether a client is expected to fill it with a token of its own making.
    pub idempotency_token: bool,
    service: &'static Service,
    shape_name: String,
    shape: OnceLock<&'static Shape>,
}

impl Member {
    /// The type of the value.
    pub fn shape(&self) -> &'static Shape {
        self.shape.get_or_init(|| self.service.shape(&self.shape_name))
    }

    fn parse(service: &'static Service, name: &str, raw: &Value, required: bool) -> Self {
        let location = text(raw, "locationName");
        let request_name = match service.protocol() {
            Protocol::Ec2 => match (text(raw, "queryName"), location) {
                (Some(query), _) => query.to_owned(),
                (None, Some(location)) => capitalised(location),
                (None, None) => name.to_owned(),
            },
            Protocol::Query | Protocol::Json => location.unwrap_or(name).to_owned(),
        };
        Self {
            name: name.to_owned(),
            request_name,
            response_name: location.unwrap_or(name).to_owned(),
            required,
            idempotency_token: raw["idempotencyToken"] == Value::Bool(true),
            service,
            shape_name: text(raw, "shape").unwrap_or_default().to_owned(),
            shape: OnceLock::new(),
        }
    }
}

impl Shape {
    /// The members of a structure; none for every other shape.
    pub fn members(&self) -> &[Member] {
        match &self.kind {
            Kind::Structure(members) => members,
            _ => &[],
        }
    }

    /// The member of this name, as the decoded value calls it.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members().iter().find(|member| member.name == name)
    }

    pub(super) fn parse(service: &'static Service, name: &'static str, raw: &Value) -> Self {
        let part = |key: &str| Box::new(Member::parse(service, "", &raw[key], false));
        let kind = match text(raw, "type").unwrap_or_default() {
            "structure" => Kind::Structure(members(service, raw)),
            "list" => Kind::List(part("member")),
            "map" => Kind::Map(part("key"), part("value")),
            "integer" => Kind::Integer,
            "long" => Kind::Long,
            "float" | "double" => Kind::Float,
            "boolean" => Kind::Boolean,
            "timestamp" => Kind::Timestamp,
            "blob" => Kind::Blob,
            _ => Kind::String,
        };
        let values = raw["enum"].as_array().into_iter().flatten();
        Self {
            name,
            kind,
            values: values.filter_map(|value| value.as_str().map(str::to_owned)).collect(),
            sensitive: raw["sensitive"] == Value::Bool(true),
            min: raw["min"].as_f64(),
        }
    }
}

fn members(service: &'static Service, raw: &Value) -> Vec<Member> {
    let required = raw["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let members = raw["members"].as_object().into_iter().flatten();
    members
        .map(|(name, member)| {
            let required = required.iter().any(|other| other.as_str() == Some(name));
            Member::parse(service, name, member, required)
        })
        .collect()
}

fn text<'a>(raw: &'a Value, key: &str) -> Option<&'a str> {
    raw.get(key).and_then(Value::as_str)
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}
