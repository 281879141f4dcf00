//! An account, and what it has in one region.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Address, DhcpOptions, Entry, Instance, InternetGateway, KeyPair, NatGateway, NetworkAcl,
    NetworkInterface, RouteTable, SecurityGroup, Shared, Subnet, Table, Volume, Vpc,
};

/// One account: one lab. Accounts see nothing of each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// The number (12 digits) that it shows, where that is not its key in [`super::State::accounts`]: an account that was
    /// restored keeps its number, and several may be restored from the same state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// By region name, for example `us-east-1`; made on first use.
    pub regions: BTreeMap<String, Shared<Region>>,
    /// Every public address that the account ever had. None is handed out twice.
    pub issued_addresses: Shared<BTreeSet<Ipv4Addr>>,
}

/// What one account has in one region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Region {
    pub vpcs: Table<Vpc>,
    pub subnets: Table<Subnet>,
    pub dhcp_options: Table<DhcpOptions>,
    pub internet_gateways: Table<InternetGateway>,
    pub nat_gateways: Table<NatGateway>,
    pub route_tables: Table<RouteTable>,
    pub network_acls: Table<NetworkAcl>,
    pub security_groups: Table<SecurityGroup>,
    pub key_pairs: Table<KeyPair>,
    /// Elastic IPs, by allocation id.
    pub addresses: Table<Address>,
    pub network_interfaces: Table<NetworkInterface>,
    pub volumes: Table<Volume>,
    pub instances: Table<Instance>,
    /// Calls with a client token that succeeded, for a day: repeating one returns the same answer.
    pub idempotent_calls: Vec<Shared<IdempotentCall>>,
    /// Attributes of the account in this region that an operation can change.
    pub serial_console_access: bool,
}

/// A call with a client token that succeeded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdempotentCall {
    pub operation: String,
    pub token: String,
    pub params: Value,
    pub answer: Value,
    pub at: Timestamp,
}

impl Region {
    /// The primary (first) network interface of an instance.
    pub fn primary_interface(&self, instance_id: &str) -> Option<&NetworkInterface> {
        self.interfaces_of(instance_id)
            .find(|eni| eni.attachment.as_ref().is_some_and(|a| a.device_index == 0))
    }

    /// The network interfaces that are attached to an instance, in order of creation.
    pub fn interfaces_of(&self, instance_id: &str) -> impl Iterator<Item = &NetworkInterface> {
        self.network_interfaces.iter().filter(move |eni| {
            eni.attachment.as_ref().is_some_and(|a| a.instance_id.as_deref() == Some(instance_id))
        })
    }

    /// The route table that a subnet uses: the one associated with it, or the main one of its VPC.
    pub fn route_table_of(&self, subnet_id: &str) -> Option<&RouteTable> {
        let explicit = |table: &&RouteTable| {
            table.associations.iter().any(|a| a.subnet_id.as_deref() == Some(subnet_id))
        };
        self.route_tables
            .iter()
            .find(explicit)
            .or_else(|| self.main_route_table(&self.subnets.get(subnet_id)?.vpc_id))
    }

    /// The main route table of a VPC.
    pub fn main_route_table(&self, vpc_id: &str) -> Option<&RouteTable> {
        self.route_tables.iter().find(|table| table.vpc_id == vpc_id && table.is_main())
    }

    /// The network ACL that a subnet uses.
    pub fn network_acl_of(&self, subnet_id: &str) -> Option<&NetworkAcl> {
        self.network_acls.iter().find(|acl| acl.associations.iter().any(|a| a.subnet_id == subnet_id))
    }

    /// The internet gateway attached to a VPC.
    pub fn internet_gateway_of(&self, vpc_id: &str) -> Option<&InternetGateway> {
        self.internet_gateways.iter().find(|gateway| gateway.vpc_id.as_deref() == Some(vpc_id))
    }

    /// The `default` security group of a VPC.
    pub fn default_security_group(&self, vpc_id: &str) -> Option<&SecurityGroup> {
        self.security_groups.iter().find(|group| group.vpc_id == vpc_id && group.name == "default")
    }
}

macro_rules! entries {
    ($($kind:ty),+ $(,)?) => {
        $(impl Entry for $kind {
            fn id(&self) -> &str {
                &self.id
            }
        })+
    };
}

entries!(
    Vpc,
    Subnet,
    DhcpOptions,
    InternetGateway,
    NatGateway,
    RouteTable,
    NetworkAcl,
    SecurityGroup,
    KeyPair,
    Address,
    NetworkInterface,
    Volume,
    Instance,
);
