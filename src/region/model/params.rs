//! Reading the decoded parameters of a call. The wire has checked types and required members against the
//! service model already; what is read here is optional or needed in some combinations only.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde_json::Value;

use super::fault::{invalid_value, missing};
use crate::wire::Fault;

/// A JSON object of the request: the whole of it, or a structure in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Params<'a>(pub(crate) &'a Value);

impl<'a> Params<'a> {
    pub(crate) fn get(self, member: &str) -> Option<&'a Value> {
        self.0.get(member).filter(|value| !value.is_null())
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
        self.get(member).map(Params)
    }

    /// The structures in a list member; none when it is absent.
    pub(crate) fn objects(self, member: &str) -> impl Iterator<Item = Params<'a>> {
        self.list(member).iter().map(Params)
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
