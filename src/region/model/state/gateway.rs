//! Internet gateways and NAT gateways.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Tags;

/// The door of a VPC to the Internet: 1:1 NAT for interfaces with a public address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InternetGateway {
    /// `igw-…`
    pub id: String,
    /// The VPC that it is attached to.
    pub vpc_id: Option<String>,
    pub tags: Tags,
}

/// A NAT gateway. Its interface (kind `nat_gateway`) is in the table of network interfaces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NatGateway {
    /// `nat-…`
    pub id: String,
    pub vpc_id: String,
    pub subnet_id: String,
    pub state: NatGatewayState,
    /// Set when `state` is `Failed`.
    pub failure: Option<(String, String)>,
    /// False for `ConnectivityType=private`.
    pub public: bool,
    /// `eni-…`; gone from the table of interfaces once the gateway is deleted.
    pub network_interface_id: String,
    pub private_ip: std::net::Ipv4Addr,
    /// `eipalloc-…` and the address itself; for public ones.
    pub allocation_id: Option<String>,
    pub public_ip: Option<std::net::Ipv4Addr>,
    /// `eipassoc-…`
    pub association_id: Option<String>,
    pub created: Timestamp,
    pub deleted: Option<Timestamp>,
    pub tags: Tags,
}

/// Where a NAT gateway is in its life. `Pending` and `Deleting` end by observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NatGatewayState {
    Pending,
    Failed,
    Available,
    Deleting,
    Deleted,
}

impl NatGatewayState {
    /// EC2's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            NatGatewayState::Pending => "pending",
            NatGatewayState::Failed => "failed",
            NatGatewayState::Available => "available",
            NatGatewayState::Deleting => "deleting",
            NatGatewayState::Deleted => "deleted",
        }
    }

    /// Whether a forwarding gateway should exist in the kernel.
    pub fn wants_to_run(self) -> bool {
        matches!(self, NatGatewayState::Pending | NatGatewayState::Available)
    }
}
