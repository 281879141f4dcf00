//! The service models, found by name and parsed piece by piece.
//!
//! Start-up has to take no time: `lab` under the name `aws` answers in milliseconds. So a model stays text; loading it
//! only notes where each entry's line begins (the trimming program writes one entry a line), and an entry is parsed when
//! a call needs it, and then kept.

use std::sync::{LazyLock, OnceLock};

use serde_json::Value;

use super::shape::{Member, Shape};

/// The languages that AWS's older services speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// EC2's own form parameters in, XML out.
    Ec2,
    /// Form parameters in, XML out, with `.member.` in lists and a result wrapper.
    Query,
    /// JSON both ways, the operation in a header.
    Json,
}

/// A service: its operations, shapes, paginators and waiters.
#[derive(Debug)]
pub struct Service {
    name: &'static str,
    protocol: Protocol,
    metadata: Value,
    operations: Section<Operation>,
    shapes: Section<Shape>,
    paginators: Section<Value>,
    waiters: Section<Value>,
}

static EC2: LazyLock<Service> = LazyLock::new(|| Service::load("ec2", include_str!("model/ec2.json")));
static STS: LazyLock<Service> = LazyLock::new(|| Service::load("sts", include_str!("model/sts.json")));
static SSM: LazyLock<Service> = LazyLock::new(|| Service::load("ssm", include_str!("model/ssm.json")));

impl Service {
    /// Amazon EC2.
    pub fn ec2() -> &'static Self {
        &EC2
    }

    /// The service that says who is calling.
    pub fn sts() -> &'static Self {
        &STS
    }

    /// Systems Manager, for its public parameters.
    pub fn ssm() -> &'static Self {
        &SSM
    }

    /// All services, by the names that the command line has for them.
    pub fn all() -> [&'static Self; 3] {
        [Self::ec2(), Self::ssm(), Self::sts()]
    }

    /// The service of this name: `ec2`, `sts` or `ssm`.
    pub fn named(name: &str) -> Option<&'static Self> {
        match name {
            "ec2" => Some(Self::ec2()),
            "sts" => Some(Self::sts()),
            "ssm" => Some(Self::ssm()),
            _ => None,
        }
    }

    /// Its name on the command line, in signatures and in host names.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The language it speaks.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The version of its interface, `2016-11-15` for EC2.
    pub fn api_version(&self) -> &str {
        self.text("apiVersion")
    }

    pub(super) fn xml_namespace(&self) -> &str {
        self.text("xmlNamespace")
    }

    pub(super) fn target_prefix(&self) -> &str {
        self.text("targetPrefix")
    }

    /// The operation of this name, such as `DescribeVpcs`.
    pub fn operation(&'static self, name: &str) -> Option<&'static Operation> {
        self.operations.get(name, |name, raw| Operation::parse(self, name, &raw))
    }

    /// The names of all operations, sorted.
    pub fn operation_names(&self) -> impl Iterator<Item = &'static str> {
        self.operations.names()
    }

    /// How the results of this operation are paged, as the model has it: `input_token`, `output_token`, `limit_key`,
    /// `result_key`.
    pub fn paginator(&'static self, operation: &str) -> Option<&'static Value> {
        self.paginators.get(operation, |_, raw| raw)
    }

    /// The waiter of this name (`InstanceRunning`), as the model has it: `operation`, `delay`, `maxAttempts`, `acceptors`.
    pub fn waiter(&'static self, name: &str) -> Option<&'static Value> {
        self.waiters.get(name, |_, raw| raw)
    }

    /// The names of all waiters, sorted.
    pub fn waiter_names(&self) -> impl Iterator<Item = &'static str> {
        self.waiters.names()
    }

    /// The names of all shapes, sorted.
    pub fn shape_names(&self) -> impl Iterator<Item = &'static str> {
        self.shapes.names()
    }

    /// The shape of this name.
    ///
    /// # Panics
    ///
    /// When the model has no such shape: a shape's name comes out of the same model.
    pub fn shape(&'static self, name: &str) -> &'static Shape {
        let shape = self.shapes.get(name, |name, raw| Shape::parse(self, name, &raw));
        shape.unwrap_or_else(|| panic!("the {} model has no shape {name}", self.name))
    }

    fn text(&self, key: &str) -> &str {
        self.metadata[key].as_str().unwrap_or_default()
    }

    fn load(name: &'static str, text: &'static str) -> Self {
        let metadata = text.lines().find_map(|line| line.strip_prefix("\"metadata\":")).unwrap_or_default();
        let metadata = parse(metadata.trim_end_matches(','));
        let protocol = match metadata["protocol"].as_str() {
            Some("query") => Protocol::Query,
            Some("json") => Protocol::Json,
            _ => Protocol::Ec2,
        };
        Self {
            name,
            protocol,
            metadata,
            operations: Section::find(text, "operations"),
            shapes: Section::find(text, "shapes"),
            paginators: Section::find(text, "paginators"),
            waiters: Section::find(text, "waiters"),
        }
    }
}

/// An operation of a service.
#[derive(Debug)]
pub struct Operation {
    /// Its name, such as `DescribeVpcs`.
    pub name: &'static str,
    /// The service that has it.
    pub service: &'static Service,
    input: Option<String>,
    output: Option<String>,
    result_wrapper: Option<String>,
}

impl Operation {
    /// The shape of its parameters.
    pub fn input(&self) -> Option<&'static Shape> {
        self.input.as_deref().map(|name| self.service.shape(name))
    }

    /// The shape of its result; `None` when it answers with nothing.
    pub fn output(&self) -> Option<&'static Shape> {
        self.output.as_deref().map(|name| self.service.shape(name))
    }

    /// The parameter that a client fills with a token, so that a request repeated is carried out once.
    pub fn idempotency_token(&self) -> Option<&'static Member> {
        self.input()?.members().iter().find(|member| member.idempotency_token)
    }

    pub(super) fn result_wrapper(&self) -> Option<&str> {
        self.result_wrapper.as_deref()
    }

    fn parse(service: &'static Service, name: &'static str, raw: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Self {
            name,
            service,
            input: text(&raw["input"]["shape"]),
            output: text(&raw["output"]["shape"]),
            result_wrapper: text(&raw["output"]["resultWrapper"]),
        }
    }
}

/// The entries of one section of a model file, sorted by name.
#[derive(Debug)]
struct Section<T>(Vec<Entry<T>>);

#[derive(Debug)]
struct Entry<T> {
    name: &'static str,
    text: &'static str,
    parsed: OnceLock<T>,
}

impl<T> Section<T> {
    fn find(text: &'static str, section: &str) -> Self {
        let head = format!("\n\"{section}\":{{\n");
        let start = text.find(&head).map_or(text.len(), |at| at + head.len());
        let lines = text[start..].lines().take_while(|line| !line.starts_with('}'));
        Self(lines.filter_map(Entry::from_line).collect())
    }

    fn get(
        &'static self,
        name: &str,
        parse_entry: impl FnOnce(&'static str, Value) -> T,
    ) -> Option<&'static T> {
        let at = self.0.binary_search_by(|entry| entry.name.cmp(name)).ok()?;
        let entry = &self.0[at];
        Some(entry.parsed.get_or_init(|| parse_entry(entry.name, parse(entry.text))))
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|entry| entry.name)
    }
}

impl<T> Entry<T> {
    fn from_line(line: &'static str) -> Option<Self> {
        let (name, text) = line.strip_prefix('"')?.split_once("\":")?;
        Some(Self { name, text: text.strip_suffix(',').unwrap_or(text), parsed: OnceLock::new() })
    }
}

/// `FromStr` of `Value` is compiled inside serde_json, optimised also in a development build; `from_str` is not.
fn parse(text: &str) -> Value {
    text.parse().unwrap_or_else(|error| panic!("the embedded service model is not JSON: {error}"))
}
