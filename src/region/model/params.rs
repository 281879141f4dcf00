//! Reading the decoded parameters of a call. The wire has checked types and required members against the
//! service model already; what is read here is optional or needed in some combinations only.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde_json::Value;

use super::fault::{invalid_value, missing};
use crate::wire::Fault;

/// Which members of a request somebody has looked at, by where they are in memory: what nobody has looked at was not
/// done, and a call that asks for it has to say so.
#[derive(Debug, Default)]
pub(crate) struct Read(RefCell<BTreeSet<*const Value>>);

impl Read {
    fn note(&self, value: &Value) {
        self.0.borrow_mut().insert(std::ptr::from_ref(value));
    }

    fn has(&self, value: &Value) -> bool {
        self.0.borrow().contains(&std::ptr::from_ref(value))
    }

    /// The path of the first member below `request` that nobody has looked at and that asks for something, such as
    /// `Placement.HostId`. `false`, zero and what is empty ask for nothing.
    pub(crate) fn first_unread(&self, request: &Value) -> Option<String> {
        match request {
            Value::Object(members) => members.iter().find_map(|(name, value)| {
                if asks_for_nothing(value) {
                    None
                } else if !self.has(value) {
                    Some(name.clone())
                } else {
                    self.first_unread(value).map(|below| format!("{name}.{below}"))
                }
            }),
            Value::Array(items) => items.iter().find_map(|item| self.first_unread(item)),
            _ => None,
        }
    }
}

fn asks_for_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.iter().all(asks_for_nothing),
        Value::Object(members) => members.values().all(asks_for_nothing),
    }
}

/// A JSON object of the request: the whole of it, or a structure in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Params<'a> {
    value: &'a Value,
    read: Option<&'a Read>,
}

impl<'a> Params<'a> {
    /// The parameters of a call, with a note of what is looked at.
    pub(crate) fn noting(value: &'a Value, read: &'a Read) -> Params<'a> {
        Params { value, read: Some(read) }
    }

    /// Parameters of which nobody asks whether they were looked at.
    pub(crate) fn of(value: &'a Value) -> Params<'a> {
        Params { value, read: None }
    }

    /// All of it, as the wire decoded it.
    pub(crate) fn whole(self) -> &'a Value {
        self.value
    }

    pub(crate) fn get(self, member: &str) -> Option<&'a Value> {
        let value = self.value.get(member).filter(|value| !value.is_null())?;
        if let Some(read) = self.read {
            read.note(value);
        }
        Some(value)
    }

    /// Takes note that a member was seen and that nothing has to be done about it here, such as a wish about hardware.
    pub(crate) fn needs_nothing(self, members: &[&str]) {
        fn all(read: &Read, value: &Value) {
            read.note(value);
            match value {
                Value::Object(members) => members.values().for_each(|value| all(read, value)),
                Value::Array(items) => items.iter().for_each(|value| all(read, value)),
                _ => {}
            }
        }
        for member in members {
            if let (Some(read), Some(value)) = (self.read, self.value.get(*member)) {
                all(read, value);
            }
        }
    }

    pub(crate) fn has(self, member: &str) -> bool {
        self.get(member).is_some()
    }

    pub(crate) fn str(self, member: &str) -> Option<&'a str> {
        self.get(member)?.as_str()
    }

    /// A string that the operation cannot do without.
    pub(crate) fn need(self, member: &str) -> Result<&'a str, Fault> {
        self.str(member).ok_or_else(|| missing(member))
    }

    pub(crate) fn bool(self, member: &str) -> Option<bool> {
        self.get(member)?.as_bool()
    }

    /// True when the member is present and true.
    pub(crate) fn flag(self, member: &str) -> bool {
        self.bool(member).unwrap_or(false)
    }

    pub(crate) fn int(self, member: &str) -> Option<i64> {
        self.get(member)?.as_i64()
    }

    /// The structure in a member.
    pub(crate) fn object(self, member: &str) -> Option<Params<'a>> {
        self.get(member).map(|value| Params { value, ..self })
    }

    /// The structures in a list member; none when it is absent.
    pub(crate) fn objects(self, member: &str) -> impl Iterator<Item = Params<'a>> {
        self.list(member).iter().map(move |value| Params { value, ..self })
    }

    /// The strings in a list member; none when it is absent.
    pub(crate) fn strings(self, member: &str) -> Vec<&'a str> {
        self.list(member).iter().filter_map(Value::as_str).collect()
    }

    pub(crate) fn list(self, member: &str) -> &'a [Value] {
        self.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// A boolean attribute in its wrapping, `{Value: true}`.
    pub(crate) fn attribute(self, member: &str) -> Option<bool> {
        self.object(member)?.bool("Value")
    }

    pub(crate) fn address(self, member: &str) -> Result<Option<Ipv4Addr>, Fault> {
        let parse = |text: &str| {
            text.parse()
                .map_err(|_| invalid_value(&lower_first(member), text, "This is not a valid IP address."))
        };
        self.str(member).map(parse).transpose()
    }
}

/// Reads an address block in canonical form: EC2 takes `10.0.1.7/24` for `10.0.1.0/24`. `parameter` is its
/// name in the error.
pub(crate) fn parse_cidr(parameter: &str, text: &str) -> Result<Ipv4Net, Fault> {
    let net: Ipv4Net =
        text.parse().map_err(|_| invalid_value(parameter, text, "This is not a valid CIDR block."))?;
    Ok(net.trunc())
}

/// `CidrBlock` as EC2's messages name it: `cidrBlock`.
pub(crate) fn lower_first(member: &str) -> String {
    let mut letters = member.chars();
    letters.next().map(|c| c.to_ascii_lowercase()).into_iter().chain(letters).collect()
}
