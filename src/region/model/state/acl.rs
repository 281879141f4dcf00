//! Network ACLs: stateless rules at a subnet's edge.

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::{PortRange, Protocol, Tags};

/// A network ACL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkAcl {
    /// `acl-…`
    pub id: String,
    pub vpc_id: String,
    pub is_default: bool,
    /// Inbound and outbound, each sorted by rule number; the final deny (32767) included.
    pub entries: Vec<AclEntry>,
    pub associations: Vec<AclAssociation>,
    pub tags: Tags,
}

/// One rule. The lowest number that matches decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AclEntry {
    /// 1 to 32766; 32767 is the final deny (`*` in the console).
    pub number: u16,
    pub egress: bool,
    pub allow: bool,
    pub protocol: Protocol,
    pub cidr: Ipv4Net,
    /// TCP and UDP ports, or ICMP type (`from`) and code (`to`), -1 for all. None for every other protocol.
    pub ports: Option<PortRange>,
}

/// A subnet's use of an ACL. Every subnet has one at all times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AclAssociation {
    /// `aclassoc-…`
    pub id: String,
    pub subnet_id: String,
}
