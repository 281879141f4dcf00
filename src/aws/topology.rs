//! What is in the cloud and how it is connected: VPCs, subnets, instances, gateways, route tables, security groups.
//!
//! Members are named as EC2 names them. Lists are in an order that does not depend on ids, which are random: by name,
//! then by what was chosen for the thing. What EC2 makes by itself (the default VPC and all in it) is left out.

use std::collections::BTreeSet;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::error::DisplayErrorContext;
use aws_sdk_ec2::types::{self, Tag};
use serde::Serialize;

/// Why the state is not known.
#[derive(Debug, thiserror::Error)]
#[error("ask EC2 for {what}: {why}")]
pub struct TopologyError {
    what: &'static str,
    why: String,
}

/// What is there.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Topology {
    vpcs: Vec<Vpc>,
    subnets: Vec<Subnet>,
    instances: Vec<Instance>,
    internet_gateways: Vec<InternetGateway>,
    nat_gateways: Vec<NatGateway>,
    route_tables: Vec<RouteTable>,
    security_groups: Vec<SecurityGroup>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Vpc {
    vpc_id: String,
    name: String,
    cidr_block: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Subnet {
    subnet_id: String,
    name: String,
    vpc_id: String,
    cidr_block: String,
    availability_zone: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Instance {
    instance_id: String,
    name: String,
    subnet_id: String,
    private_ip_address: String,
    public_ip_address: Option<String>,
    state: String,
    security_groups: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct InternetGateway {
    internet_gateway_id: String,
    name: String,
    vpc_id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct NatGateway {
    nat_gateway_id: String,
    name: String,
    subnet_id: String,
    private_ip: Option<String>,
    public_ip: Option<String>,
    state: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct RouteTable {
    route_table_id: String,
    name: String,
    vpc_id: String,
    main: bool,
    subnets: Vec<String>,
    routes: Vec<Route>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Route {
    destination: String,
    target: String,
    state: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SecurityGroup {
    group_id: String,
    group_name: String,
    vpc_id: String,
    rules: Vec<Rule>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Rule {
    egress: bool,
    protocol: String,
    from_port: Option<i32>,
    to_port: Option<i32>,
    peer: String,
}

fn failed<E: std::error::Error>(what: &'static str) -> impl FnOnce(E) -> TopologyError {
    move |error| TopologyError { what, why: DisplayErrorContext(&error).to_string() }
}

fn name(tags: &[Tag]) -> String {
    let tag = tags.iter().find(|tag| tag.key() == Some("Name"));
    tag.and_then(Tag::value).unwrap_or_default().to_owned()
}

fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}

/// The state as EC2 tells it now.
pub async fn now(ec2: &Client) -> Result<Topology, TopologyError> {
    let vpcs = ec2.describe_vpcs().into_paginator().items().send().collect::<Result<Vec<_>, _>>();
    let subnets = ec2.describe_subnets().into_paginator().items().send().collect::<Result<Vec<_>, _>>();
    let reservations =
        ec2.describe_instances().into_paginator().items().send().collect::<Result<Vec<_>, _>>();
    let internet =
        ec2.describe_internet_gateways().into_paginator().items().send().collect::<Result<Vec<_>, _>>();
    let nat = ec2.describe_nat_gateways().into_paginator().items().send().collect::<Result<Vec<_>, _>>();
    let tables = ec2.describe_route_tables().into_paginator().items().send().collect::<Result<Vec<_>, _>>();
    let groups =
        ec2.describe_security_groups().into_paginator().items().send().collect::<Result<Vec<_>, _>>();
    let vpcs = vpcs.await.map_err(failed("VPCs"))?;
    let own: BTreeSet<String> =
        vpcs.iter().filter(|vpc| vpc.is_default() != Some(true)).map(|vpc| text(vpc.vpc_id())).collect();
    let is_own = |vpc: Option<&str>| vpc.is_some_and(|vpc| own.contains(vpc));

    let mut topology = Topology {
        vpcs: vpcs.iter().filter(|vpc| is_own(vpc.vpc_id())).map(vpc).collect(),
        subnets: subnets
            .await
            .map_err(failed("subnets"))?
            .iter()
            .filter(|subnet| is_own(subnet.vpc_id()))
            .map(subnet)
            .collect(),
        instances: reservations
            .await
            .map_err(failed("instances"))?
            .iter()
            .flat_map(types::Reservation::instances)
            .filter(|instance| is_own(instance.vpc_id()))
            .map(instance)
            .filter(|instance| instance.state != "terminated")
            .collect(),
        internet_gateways: internet
            .await
            .map_err(failed("internet gateways"))?
            .iter()
            .map(internet_gateway)
            .filter(|gateway| gateway.vpc_id.as_deref().is_none_or(|vpc| own.contains(vpc)))
            .collect(),
        nat_gateways: nat
            .await
            .map_err(failed("NAT gateways"))?
            .iter()
            .filter(|gateway| is_own(gateway.vpc_id()))
            .map(nat_gateway)
            .filter(|gateway| gateway.state != "deleted")
            .collect(),
        route_tables: tables
            .await
            .map_err(failed("route tables"))?
            .iter()
            .filter(|table| is_own(table.vpc_id()))
            .map(route_table)
            .collect(),
        security_groups: groups
            .await
            .map_err(failed("security groups"))?
            .iter()
            .filter(|group| is_own(group.vpc_id()))
            .map(security_group)
            .collect(),
    };
    topology.sort();
    Ok(topology)
}

impl Topology {
    /// Names and what a lesson chose, never ids.
    fn sort(&mut self) {
        let addresses: std::collections::HashMap<String, String> =
            self.instances.iter().map(|i| (i.instance_id.clone(), i.private_ip_address.clone())).collect();
        self.vpcs.sort_by(|a, b| (&a.name, &a.cidr_block).cmp(&(&b.name, &b.cidr_block)));
        self.subnets.sort_by(|a, b| (&a.cidr_block, &a.name).cmp(&(&b.cidr_block, &b.name)));
        self.instances
            .sort_by(|a, b| (&a.name, &a.private_ip_address).cmp(&(&b.name, &b.private_ip_address)));
        self.internet_gateways.sort_by(|a, b| a.name.cmp(&b.name));
        self.nat_gateways.sort_by(|a, b| (&a.name, &a.private_ip).cmp(&(&b.name, &b.private_ip)));
        let place = |id: &String| self.subnets.iter().position(|subnet| subnet.subnet_id == *id);
        for table in &mut self.route_tables {
            table.subnets.sort_by_key(place);
            // More specific after less specific would be one order; that of the text is another, and as good.
            table.routes.sort_by(|a, b| a.destination.cmp(&b.destination));
        }
        self.route_tables.sort_by(|a, b| (&a.name, !a.main).cmp(&(&b.name, !b.main)));
        self.security_groups.sort_by(|a, b| a.group_name.cmp(&b.group_name));
        let groups: std::collections::HashMap<String, String> =
            self.security_groups.iter().map(|g| (g.group_id.clone(), g.group_name.clone())).collect();
        let named =
            |id: &String| groups.get(id).or_else(|| addresses.get(id)).cloned().unwrap_or_else(|| id.clone());
        for instance in &mut self.instances {
            instance.security_groups.sort_by_key(named);
        }
        for group in &mut self.security_groups {
            group.rules.sort_by_key(|rule| {
                (rule.egress, rule.protocol.clone(), rule.from_port, rule.to_port, named(&rule.peer))
            });
        }
    }
}

fn vpc(vpc: &types::Vpc) -> Vpc {
    Vpc { vpc_id: text(vpc.vpc_id()), name: name(vpc.tags()), cidr_block: text(vpc.cidr_block()) }
}

fn subnet(subnet: &types::Subnet) -> Subnet {
    Subnet {
        subnet_id: text(subnet.subnet_id()),
        name: name(subnet.tags()),
        vpc_id: text(subnet.vpc_id()),
        cidr_block: text(subnet.cidr_block()),
        availability_zone: text(subnet.availability_zone()),
    }
}

fn instance(instance: &types::Instance) -> Instance {
    let state = instance.state().and_then(types::InstanceState::name);
    Instance {
        instance_id: text(instance.instance_id()),
        name: name(instance.tags()),
        subnet_id: text(instance.subnet_id()),
        private_ip_address: text(instance.private_ip_address()),
        public_ip_address: instance
            .public_ip_address()
            .filter(|address| !address.is_empty())
            .map(str::to_owned),
        state: state.map_or("unknown", types::InstanceStateName::as_str).to_owned(),
        security_groups: instance.security_groups().iter().map(|group| text(group.group_id())).collect(),
    }
}

fn internet_gateway(gateway: &types::InternetGateway) -> InternetGateway {
    InternetGateway {
        internet_gateway_id: text(gateway.internet_gateway_id()),
        name: name(gateway.tags()),
        vpc_id: gateway.attachments().iter().find_map(|attachment| attachment.vpc_id().map(str::to_owned)),
    }
}

fn nat_gateway(gateway: &types::NatGateway) -> NatGateway {
    let address = gateway.nat_gateway_addresses().first();
    NatGateway {
        nat_gateway_id: text(gateway.nat_gateway_id()),
        name: name(gateway.tags()),
        subnet_id: text(gateway.subnet_id()),
        private_ip: address.and_then(|address| address.private_ip().map(str::to_owned)),
        public_ip: address.and_then(|address| address.public_ip().map(str::to_owned)),
        state: gateway.state().map_or("unknown", types::NatGatewayState::as_str).to_owned(),
    }
}

fn route_table(table: &types::RouteTable) -> RouteTable {
    let associations = table.associations();
    RouteTable {
        route_table_id: text(table.route_table_id()),
        name: name(table.tags()),
        vpc_id: text(table.vpc_id()),
        main: associations.iter().any(|association| association.main() == Some(true)),
        subnets: associations.iter().filter_map(|a| a.subnet_id().map(str::to_owned)).collect(),
        routes: table.routes().iter().map(route).collect(),
    }
}

fn route(route: &types::Route) -> Route {
    let destination = route.destination_cidr_block().or(route.destination_ipv6_cidr_block());
    let target = route
        .gateway_id()
        .or(route.nat_gateway_id())
        .or(route.vpc_peering_connection_id())
        .or(route.transit_gateway_id())
        // An instance's route names its interface too; the instance says more.
        .or(route.instance_id())
        .or(route.network_interface_id());
    Route {
        destination: text(destination.or(route.destination_prefix_list_id())),
        target: text(target),
        state: route.state().map_or("unknown", types::RouteState::as_str).to_owned(),
    }
}

fn security_group(group: &types::SecurityGroup) -> SecurityGroup {
    let ingress = group.ip_permissions().iter().flat_map(|permission| rules(permission, false));
    let egress = group.ip_permissions_egress().iter().flat_map(|permission| rules(permission, true));
    SecurityGroup {
        group_id: text(group.group_id()),
        group_name: text(group.group_name()),
        vpc_id: text(group.vpc_id()),
        rules: ingress.chain(egress).collect(),
    }
}

/// One rule for each side of a permission.
fn rules(permission: &types::IpPermission, egress: bool) -> Vec<Rule> {
    let blocks = permission.ip_ranges().iter().filter_map(types::IpRange::cidr_ip);
    let blocks6 = permission.ipv6_ranges().iter().filter_map(types::Ipv6Range::cidr_ipv6);
    let groups = permission.user_id_group_pairs().iter().filter_map(types::UserIdGroupPair::group_id);
    let lists = permission.prefix_list_ids().iter().filter_map(types::PrefixListId::prefix_list_id);
    let peers = blocks.chain(blocks6).chain(groups).chain(lists);
    peers
        .map(|peer| Rule {
            egress,
            protocol: text(permission.ip_protocol()),
            from_port: permission.from_port(),
            to_port: permission.to_port(),
            peer: peer.to_owned(),
        })
        .collect()
}
