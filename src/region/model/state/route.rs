//! Route tables.

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::{InstanceState, Region, Tags};

/// A route table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteTable {
    /// `rtb-…`
    pub id: String,
    pub vpc_id: String,
    /// The local route first, then in order of creation.
    pub routes: Vec<Route>,
    pub associations: Vec<RouteAssociation>,
    pub tags: Tags,
}

/// One route. Whether it is a blackhole is not stored: ask [`Region::route_is_active`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Route {
    pub destination: Ipv4Net,
    pub target: RouteTarget,
    pub origin: RouteOrigin,
}

/// Where a route leads. The named resource may be gone: the route is then a blackhole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteTarget {
    /// The VPC itself.
    Local,
    /// `igw-…`
    InternetGateway(String),
    /// `nat-…`
    NatGateway(String),
    /// `eni-…`; also for routes that were made with an instance id.
    NetworkInterface(String),
}

/// How a route came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteOrigin {
    /// Made with the table.
    CreateRouteTable,
    /// By `CreateRoute`.
    CreateRoute,
}

/// A subnet's use of a table, or the mark of the main table (no subnet).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteAssociation {
    /// `rtbassoc-…`
    pub id: String,
    /// None for the main association.
    pub subnet_id: Option<String>,
}

impl RouteTable {
    /// Whether this is the main table of its VPC.
    pub fn is_main(&self) -> bool {
        self.associations.iter().any(|a| a.subnet_id.is_none())
    }
}

impl Region {
    /// Whether a route of this table carries packets; otherwise it is a blackhole.
    pub fn route_is_active(&self, table: &RouteTable, route: &Route) -> bool {
        match &route.target {
            RouteTarget::Local => true,
            RouteTarget::InternetGateway(id) => self
                .internet_gateways
                .get(id)
                .is_some_and(|gateway| gateway.vpc_id.as_deref() == Some(table.vpc_id.as_str())),
            RouteTarget::NatGateway(id) => {
                self.nat_gateways.get(id).is_some_and(|gateway| gateway.state.wants_to_run())
            }
            RouteTarget::NetworkInterface(id) => {
                let Some(attachment) =
                    self.network_interfaces.get(id).and_then(|eni| eni.attachment.as_ref())
                else {
                    return false;
                };
                match attachment.instance_id.as_deref() {
                    None => true,
                    Some(instance) => self.instances.get(instance).is_some_and(|instance| {
                        matches!(instance.state, InstanceState::Pending | InstanceState::Running)
                    }),
                }
            }
        }
    }
}
