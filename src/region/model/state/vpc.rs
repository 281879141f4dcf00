//! VPCs, subnets and DHCP options.

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::Tags;

/// A virtual private cloud: one router, one block of addresses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vpc {
    /// `vpc-…`
    pub id: String,
    pub cidr: Ipv4Net,
    /// `vpc-cidr-assoc-…`
    pub cidr_association_id: String,
    /// `dopt-…`, or `default` for none.
    pub dhcp_options_id: String,
    /// `default` or `dedicated`.
    pub instance_tenancy: String,
    pub is_default: bool,
    /// Whether the resolver (base of the block plus two, and 169.254.169.253) answers.
    pub enable_dns_support: bool,
    /// Whether instances with public addresses get public DNS names.
    pub enable_dns_hostnames: bool,
    pub enable_network_address_usage_metrics: bool,
    pub tags: Tags,
}

/// A subnet: a part of the VPC's block in one zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subnet {
    /// `subnet-…`
    pub id: String,
    pub vpc_id: String,
    pub cidr: Ipv4Net,
    /// For example `us-east-1a`.
    pub zone: String,
    /// For example `use1-az1`.
    pub zone_id: String,
    /// Made by `CreateDefaultVpc` or `CreateDefaultSubnet`.
    pub default_for_zone: bool,
    pub map_public_ip_on_launch: bool,
    /// `ip-name` or `resource-name`.
    pub hostname_type: String,
    pub resource_name_dns_a: bool,
    pub resource_name_dns_aaaa: bool,
    pub tags: Tags,
}

/// A set of DHCP options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DhcpOptions {
    /// `dopt-…`
    pub id: String,
    /// Option name (`domain-name`, `domain-name-servers`, ..) and its values.
    pub configurations: Vec<(String, Vec<String>)>,
    pub tags: Tags,
}
