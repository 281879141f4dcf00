//! Security groups and their rules.

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::Tags;

/// A security group: stateful rules for the interfaces in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// `sg-…`
    pub id: String,
    pub vpc_id: String,
    pub name: String,
    pub description: String,
    /// In order of creation, both directions.
    pub rules: Vec<SecurityGroupRule>,
    pub tags: Tags,
}

/// One rule: one protocol and port range, one peer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecurityGroupRule {
    /// `sgr-…`
    pub id: String,
    pub egress: bool,
    pub protocol: Protocol,
    /// TCP and UDP: ports. ICMP: type and code, -1 for all. None: every port (or no ports in this protocol).
    pub ports: Option<PortRange>,
    pub peer: Peer,
    pub description: Option<String>,
    pub tags: Tags,
}

/// `FromPort` and `ToPort`: a range of ports, or an ICMP type and code (-1 = all).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortRange {
    pub from: i32,
    pub to: i32,
}

/// Whom a rule is about: the source of an inbound rule, the destination of an outbound one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Peer {
    Cidr(Ipv4Net),
    /// Kept and shown; there is no IPv6 in the fabric.
    Cidr6(String),
    /// Every interface in this group (`sg-…`), by its private addresses. The group is in the same account.
    Group(String),
}

/// An IP protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Every protocol and port (`-1`).
    All,
    Tcp,
    Udp,
    Icmp,
    Icmp6,
    /// Any other, by number.
    Number(u8),
}

impl Protocol {
    /// The IP protocol number; None for all.
    pub fn number(self) -> Option<u8> {
        match self {
            Protocol::All => None,
            Protocol::Icmp => Some(1),
            Protocol::Tcp => Some(6),
            Protocol::Udp => Some(17),
            Protocol::Icmp6 => Some(58),
            Protocol::Number(number) => Some(number),
        }
    }
}
