//! Elastic IPs.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::Tags;

/// An Elastic IP: a public address that the account keeps until it is released.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Address {
    /// `eipalloc-…`
    pub id: String,
    pub public_ip: Ipv4Addr,
    /// What it is mapped to. The interface's private address says the same (`PrivateAddress::public`).
    pub association: Option<AddressAssociation>,
    pub tags: Tags,
}

/// The mapping of an Elastic IP to a private address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddressAssociation {
    /// `eipassoc-…`
    pub id: String,
    pub network_interface_id: String,
    pub private_ip: Ipv4Addr,
}
