//! Network interfaces (ENIs).

use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Tags;

/// A network interface: a place in a subnet with a MAC, private addresses and security groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkInterface {
    /// `eni-…`
    pub id: String,
    pub vpc_id: String,
    pub subnet_id: String,
    pub zone: String,
    pub description: String,
    /// Lower case, with colons.
    pub mac: String,
    /// The primary first.
    pub private_addresses: Vec<PrivateAddress>,
    /// Ids of its security groups, in the order given. Empty for a NAT gateway's interface.
    pub groups: Vec<String>,
    /// Whether packets that are neither from nor to its own addresses are dropped.
    pub source_dest_check: bool,
    pub kind: InterfaceKind,
    /// Whether its instance was launched with a public address: each start assigns one while no Elastic IP is
    /// there.
    pub assigns_public_ip: bool,
    pub attachment: Option<Attachment>,
    pub tags: Tags,
}

/// What an interface is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InterfaceKind {
    /// An ordinary interface of an instance, or a free one.
    Interface,
    /// Belongs to a NAT gateway; users cannot change it.
    NatGateway,
}

/// One private address of an interface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrivateAddress {
    pub ip: Ipv4Addr,
    pub primary: bool,
    pub public: Option<PublicAddress>,
}

/// The public address that is mapped to a private one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublicAddress {
    pub ip: Ipv4Addr,
    /// The Elastic IP (`eipalloc-…`) and its association; None for an address that was assigned at launch.
    pub allocation_id: Option<String>,
    pub association_id: Option<String>,
}

/// What an interface is plugged into.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    /// `eni-attach-…`
    pub id: String,
    /// None for a NAT gateway's interface.
    pub instance_id: Option<String>,
    pub device_index: u32,
    pub delete_on_termination: bool,
    pub at: Timestamp,
}

impl NetworkInterface {
    /// The primary private address.
    pub fn private_ip(&self) -> Ipv4Addr {
        self.private_addresses[0].ip
    }

    /// The public address of the primary private one.
    pub fn public_ip(&self) -> Option<Ipv4Addr> {
        Some(self.private_addresses[0].public.as_ref()?.ip)
    }

    /// The pairs (private, public) that the internet gateway translates.
    pub fn translations(&self) -> impl Iterator<Item = (Ipv4Addr, Ipv4Addr)> {
        self.private_addresses.iter().filter_map(|a| Some((a.ip, a.public.as_ref()?.ip)))
    }
}
