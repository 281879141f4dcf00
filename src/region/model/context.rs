//! What an operation works with while it runs.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::action::Caller;
use super::entropy::Entropy;
use super::fault::{fault, invalid};
use super::keys::MadeKey;
use super::kind::{self, Kind};
use super::params::Params;
use super::state::{
    Address, Entry, Instance, InternetGateway, NetworkAcl, NetworkInterface, Region, RouteTable,
    SecurityGroup, Shared, Subnet, Table, Tags, Vpc,
};
use crate::wire::Fault;

/// One call in progress: who, with what, on which data. An operation that returns an error leaves no trace:
/// the data is a copy that `apply` then drops.
pub(crate) struct Context<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) operation: &'a str,
    pub(crate) params: Params<'a>,
    pub(crate) region: &'a mut Shared<Region>,
    pub(crate) issued: &'a mut Shared<BTreeSet<Ipv4Addr>>,
    pub(crate) entropy: &'a mut Entropy,
    pub(crate) now: Timestamp,
    /// Made for this call beforehand.
    pub(crate) key: Option<&'a MadeKey>,
}

macro_rules! lookups {
    ($($one:ident, $table:ident, $type:ty, $kind:ident;)+) => {
        $(pub(crate) fn $one(&self, id: &str) -> Result<&$type, Fault> {
            self.region.$table.get(id).ok_or_else(|| kind::$kind.not_found(id))
        })+
    };
}

impl Context<'_> {
    lookups! {
        vpc, vpcs, Vpc, VPC;
        subnet, subnets, Subnet, SUBNET;
        internet_gateway, internet_gateways, InternetGateway, INTERNET_GATEWAY;
        route_table, route_tables, RouteTable, ROUTE_TABLE;
        network_acl, network_acls, NetworkAcl, NETWORK_ACL;
        security_group, security_groups, SecurityGroup, SECURITY_GROUP;
        address, addresses, Address, ADDRESS;
        interface, network_interfaces, NetworkInterface, NETWORK_INTERFACE;
        instance, instances, Instance, INSTANCE;
    }

    /// A fresh id of a kind.
    pub(crate) fn id(&mut self, kind: &Kind) -> String {
        self.entropy.id(kind.prefix)
    }

    /// The ARN of a resource of this account and region.
    pub(crate) fn arn(&self, path: &str) -> String {
        format!("arn:aws:ec2:{}:{}:{path}", self.caller.region, self.caller.account)
    }

    /// The tags that the request gives to new resources of a kind. `allowed` are all kinds that the operation
    /// makes.
    pub(crate) fn tags_for(&self, kind: &Kind, allowed: &[&Kind]) -> Result<Tags, Fault> {
        let mut tags = Tags::new();
        let mut seen = BTreeSet::new();
        for specification in self.params.objects("TagSpecifications") {
            let of = specification.need("ResourceType")?;
            if !allowed.iter().any(|kind| kind.resource_type == of) {
                return Err(invalid(format!(
                    "'{of}' is not a valid taggable resource type for this operation."
                )));
            }
            if !seen.insert(of) {
                return Err(invalid(format!("Duplicate resource type '{of}' in tag specifications.")));
            }
            if of == kind.resource_type {
                tags = read_tags(specification)?;
            }
        }
        Ok(tags)
    }

    /// The tags of the one kind of resource that an operation makes.
    pub(crate) fn new_tags(&self, kind: &Kind) -> Result<Tags, Fault> {
        self.tags_for(kind, &[kind])
    }
}

/// The tags in the `Tags` member of a structure, checked.
pub(crate) fn read_tags(from: Params<'_>) -> Result<Tags, Fault> {
    let mut tags = Tags::new();
    for tag in from.objects("Tags") {
        let key = tag.str("Key").unwrap_or_default();
        let value = tag.str("Value").unwrap_or_default();
        check_tag(key, value)?;
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(invalid(format!("Duplicate tag key '{key}' specified.")));
        }
    }
    if tags.len() > 50 {
        return Err(fault("TagLimitExceeded", "The maximum number of Tags for a resource has been reached."));
    }
    Ok(tags)
}

/// EC2's limits for one tag.
pub(crate) fn check_tag(key: &str, value: &str) -> Result<(), Fault> {
    if key.is_empty() {
        return Err(invalid("Tag key cannot be null or empty."));
    }
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(invalid("Tag keys starting with 'aws:' are reserved for internal use"));
    }
    if key.chars().count() > 127 {
        return Err(invalid("Tag key exceeds the maximum length of 127 characters"));
    }
    if value.chars().count() > 255 {
        return Err(invalid("Tag value exceeds the maximum length of 255 characters"));
    }
    Ok(())
}

/// Tags as every answer shows them.
pub(crate) fn show_tags(tags: &Tags) -> Value {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

/// The same, left out when there are none, as some resources do.
pub(crate) fn show_some_tags(tags: &Tags) -> Value {
    if tags.is_empty() { Value::Null } else { show_tags(tags) }
}

/// A point in time as EC2 writes it: to the second.
pub(crate) fn show_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

/// What most changing operations answer.
pub(crate) fn done() -> Result<Value, Fault> {
    Ok(json!({"Return": true}))
}

/// What the operations answer that say nothing.
pub(crate) fn nothing() -> Result<Value, Fault> {
    Ok(json!({}))
}

/// The resource that a lookup has already found.
pub(crate) fn found<'a, T: Entry>(table: &'a mut Table<T>, id: &str) -> &'a mut T {
    table.get_mut(id).expect("looked up by the same id in the same call")
}
