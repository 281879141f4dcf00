//! The cloud's state as a picture: the form in which a `diagram` block records it, and how a page shows it.
//!
//! The record's output is [`Topology`] as JSON. Its members are named as EC2 names them, and its lists are flat, as EC2
//! tells them; who asks EC2 and makes it out of the answers is not decided here.

use serde::{Deserialize, Serialize};

use super::html::Html;
use super::identity::Identities;
use super::names::Names;

mod cards;
mod layout;

/// What is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Topology {
    pub vpcs: Vec<Vpc>,
    pub subnets: Vec<Subnet>,
    pub instances: Vec<Instance>,
    pub internet_gateways: Vec<InternetGateway>,
    pub nat_gateways: Vec<NatGateway>,
    pub route_tables: Vec<RouteTable>,
    pub security_groups: Vec<SecurityGroup>,
}

/// A VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Vpc {
    pub vpc_id: String,
    /// Its `Name` tag; empty when it has none. So for all others.
    pub name: String,
    pub cidr_block: String,
}

/// A subnet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Subnet {
    pub subnet_id: String,
    pub name: String,
    pub vpc_id: String,
    pub cidr_block: String,
    pub availability_zone: String,
}

/// An instance that is not terminated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Instance {
    pub instance_id: String,
    pub name: String,
    pub subnet_id: String,
    pub private_ip_address: String,
    /// Elastic or not; none when it has none.
    pub public_ip_address: Option<String>,
    /// `running`, `stopped`, ...
    pub state: String,
    /// Ids of its security groups.
    pub security_groups: Vec<String>,
}

/// An internet gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct InternetGateway {
    pub internet_gateway_id: String,
    pub name: String,
    /// The VPC that it is attached to.
    pub vpc_id: Option<String>,
}

/// A NAT gateway that is not deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NatGateway {
    pub nat_gateway_id: String,
    pub name: String,
    pub subnet_id: String,
    pub private_ip: Option<String>,
    pub public_ip: Option<String>,
    pub state: String,
}

/// A route table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RouteTable {
    pub route_table_id: String,
    pub name: String,
    pub vpc_id: String,
    /// Whether it applies to the subnets that no table names.
    pub main: bool,
    /// Ids of the subnets that it is associated with.
    pub subnets: Vec<String>,
    pub routes: Vec<Route>,
}

/// A route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Route {
    /// A block of addresses.
    pub destination: String,
    /// `local`, or the id of a gateway, an interface, ...
    pub target: String,
    /// `active` or `blackhole`.
    pub state: String,
}

/// A security group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SecurityGroup {
    pub group_id: String,
    pub group_name: String,
    pub vpc_id: String,
    pub rules: Vec<Rule>,
}

/// A rule of a security group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Rule {
    pub egress: bool,
    /// `tcp`, `udp`, `icmp`, or `-1` for all.
    pub protocol: String,
    /// The first port, or ICMP's type; none or -1 for all.
    pub from_port: Option<i32>,
    /// The last port, or ICMP's code.
    pub to_port: Option<i32>,
    /// A block of addresses, or the id of a security group.
    pub peer: String,
}

impl Topology {
    /// The picture, twice: for pages with room for two subnets side by side, and for those without. The style sheet
    /// shows one of them.
    pub(super) fn html(&self, ids: &mut Identities, names: &Names) -> Html {
        let label = self.label();
        let mut html = Html::new();
        for (columns, class) in [(2, "lab-drawing lab-wide"), (1, "lab-drawing lab-narrow")] {
            html = html.then(layout::draw(self, columns).svg(class, &label, ids, names));
        }
        Html::element("figure", &[("class", "lab-figure")], html)
    }

    /// The picture in a sentence.
    fn label(&self) -> String {
        let counts = [
            (self.vpcs.len(), "VPC"),
            (self.subnets.len(), "subnet"),
            (self.instances.len(), "instance"),
            (self.internet_gateways.len(), "internet gateway"),
            (self.nat_gateways.len(), "NAT gateway"),
            (self.security_groups.len(), "security group"),
        ];
        let there = counts.into_iter().filter(|(count, _)| *count > 0);
        let words = there.map(|(count, noun)| format!("{count} {noun}{}", if count == 1 { "" } else { "s" }));
        let words: Vec<String> = words.collect();
        if words.is_empty() {
            "Nothing is there".to_owned()
        } else {
            format!("Diagram: {}", words.join(", "))
        }
    }

    /// The table that applies to a subnet: its own, else the VPC's main one.
    fn table_of(&self, subnet: &Subnet) -> Option<&RouteTable> {
        let own = self.route_tables.iter().find(|table| table.subnets.contains(&subnet.subnet_id));
        own.or_else(|| self.route_tables.iter().find(|table| table.main && table.vpc_id == subnet.vpc_id))
    }

    /// What a person calls the thing with this id; the id when it has no name here.
    fn call<'t>(&'t self, id: &'t str) -> &'t str {
        let gateways =
            self.internet_gateways.iter().map(|gateway| (&gateway.internet_gateway_id, &gateway.name));
        let nats = self.nat_gateways.iter().map(|gateway| (&gateway.nat_gateway_id, &gateway.name));
        let groups = self.security_groups.iter().map(|group| (&group.group_id, &group.group_name));
        let mut named = gateways.chain(nats).chain(groups);
        named.find(|(known, name)| *known == id && !name.is_empty()).map_or(id, |(_, name)| name)
    }
}

#[cfg(test)]
pub(super) mod sample {
    //! The finished network of lesson 00, as a diagram would record it.

    pub const JSON: &str = include_str!("topology/sample.json");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_form_is_as_documented() {
        let topology: Topology = serde_json::from_str(sample::JSON).unwrap();
        assert_eq!(
            topology.label(),
            "Diagram: 1 VPC, 2 subnets, 2 instances, 1 internet gateway, 1 NAT gateway, 2 security groups"
        );
        let [public, private] = topology.subnets.as_slice() else { panic!() };
        assert_eq!(topology.table_of(public).unwrap().name, "public-rt");
        assert!(topology.table_of(private).unwrap().main);
        assert_eq!(topology.call("igw-0123456789abcdef0"), "lab-igw");
        assert_eq!(topology.call("eni-0123456789abcdef0"), "eni-0123456789abcdef0");
        let again: Topology = serde_json::from_str(&serde_json::to_string(&topology).unwrap()).unwrap();
        assert_eq!(again, topology);
    }
}
