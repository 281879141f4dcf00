//! `IpPermissions`: reading them from a request as single rules, and showing rules grouped again.

use serde_json::{Value, json};

use crate::region::model::context::Context;
use crate::region::model::fault::{fault, invalid, missing};
use crate::region::model::params::{Params, parse_cidr};
use crate::region::model::state::{Peer, PortRange, Protocol, SecurityGroup, SecurityGroupRule};
use crate::wire::Fault;

/// What a permission says about one peer: a rule without an id.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Permission {
    pub(super) protocol: Protocol,
    pub(super) ports: Option<PortRange>,
    pub(super) peer: Peer,
    pub(super) description: Option<String>,
}

impl Permission {
    /// Whether a rule says the same (descriptions apart).
    pub(super) fn is(&self, rule: &SecurityGroupRule) -> bool {
        (self.protocol, self.ports, &self.peer) == (rule.protocol, rule.ports, &rule.peer)
    }

    /// As EC2's messages write a rule.
    pub(super) fn words(&self) -> String {
        let peer = match &self.peer {
            Peer::Cidr(net) => net.to_string(),
            Peer::Cidr6(net) => net.clone(),
            Peer::Group(id) => id.clone(),
        };
        let all = |value: i32| if value == -1 { "ALL".to_owned() } else { value.to_string() };
        let what = match (self.protocol, self.ports) {
            (Protocol::Icmp | Protocol::Icmp6, Some(ports)) => {
                let name = show_protocol(self.protocol).to_uppercase();
                format!("{name}, type: {}, code: {}", all(ports.from), all(ports.to))
            }
            (protocol, Some(ports)) => {
                let name = show_protocol(protocol).to_uppercase();
                format!("{name}, from port: {}, to port: {}", ports.from, ports.to)
            }
            (Protocol::All, None) => "ALL".to_owned(),
            (protocol, None) => show_protocol(protocol).to_uppercase(),
        };
        format!("peer: {peer}, {what}, ALLOW")
    }
}

/// The protocol as EC2 writes it.
pub(super) fn show_protocol(protocol: Protocol) -> String {
    match protocol {
        Protocol::All => "-1".to_owned(),
        Protocol::Tcp => "tcp".to_owned(),
        Protocol::Udp => "udp".to_owned(),
        Protocol::Icmp => "icmp".to_owned(),
        Protocol::Icmp6 => "icmpv6".to_owned(),
        Protocol::Number(number) => number.to_string(),
    }
}

/// A protocol by name or number.
pub(super) fn read_protocol(text: &str) -> Result<Protocol, Fault> {
    Ok(match text.to_ascii_lowercase().as_str() {
        "-1" | "all" => Protocol::All,
        "tcp" | "6" => Protocol::Tcp,
        "udp" | "17" => Protocol::Udp,
        "icmp" | "1" => Protocol::Icmp,
        "icmpv6" | "58" => Protocol::Icmp6,
        other => match other.parse() {
            Ok(number) => Protocol::Number(number),
            Err(_) => {
                return Err(invalid(format!("Invalid value '{text}' for IP protocol. Unknown protocol.")));
            }
        },
    })
}

/// `FromPort` and `ToPort` as they are for a protocol.
pub(super) fn read_ports(protocol: Protocol, from: Params<'_>) -> Result<Option<PortRange>, Fault> {
    let (low, high) = (from.int("FromPort"), from.int("ToPort"));
    let in_range = |value: i64, low: i64, high: i64, name: &str| {
        if (low..=high).contains(&value) {
            Ok(value as i32)
        } else {
            Err(invalid(format!("Invalid value '{value}' for {name}. Must be between {low} and {high}.")))
        }
    };
    match protocol {
        Protocol::Tcp | Protocol::Udp => {
            let name = show_protocol(protocol).to_uppercase();
            let (Some(low), Some(high)) = (low, high) else {
                let message =
                    "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.";
                return Err(invalid(message));
            };
            // AWS's own command line writes "all ports" as -1 to -1.
            let (low, high) = if (low, high) == (-1, -1) { (0, 65535) } else { (low, high) };
            if low > high {
                return Err(invalid(format!("Invalid {name} port range ({low}, {high})")));
            }
            let from = in_range(low, 0, 65535, "fromPort")?;
            Ok(Some(PortRange { from, to: in_range(high, 0, 65535, "toPort")? }))
        }
        Protocol::Icmp | Protocol::Icmp6 => {
            let (kind, code) = (low.unwrap_or(-1), high.unwrap_or(-1));
            if kind == -1 && code != -1 {
                return Err(invalid("If you specify all ICMP types, you must specify all ICMP codes."));
            }
            let from = in_range(kind, -1, 255, "ICMP type")?;
            Ok(Some(PortRange { from, to: in_range(code, -1, 255, "ICMP code")? }))
        }
        _ => Ok(None),
    }
}

/// An IPv4 block in a rule.
pub(super) fn read_rule_cidr(text: &str) -> Result<Peer, Fault> {
    let malformed = || invalid(format!("CIDR block {text} is malformed"));
    Ok(Peer::Cidr(parse_cidr("cidrIp", text).map_err(|_| malformed())?))
}

/// An IPv6 block in a rule.
pub(super) fn read_rule_cidr6(text: &str) -> Result<Peer, Fault> {
    let net: ipnet::Ipv6Net = text.parse().map_err(|_| invalid(format!("CIDR block {text} is malformed")))?;
    Ok(Peer::Cidr6(net.trunc().to_string()))
}

fn read_description(from: Params<'_>) -> Result<Option<String>, Fault> {
    let description = from.str("Description").filter(|text| !text.is_empty());
    match description {
        Some(text) if text.len() > 255 => {
            Err(invalid("Invalid rule description. The description must not exceed 255 characters."))
        }
        other => Ok(other.map(str::to_owned)),
    }
}

/// A group that a rule of `group` refers to: in the same VPC, by id, or by name.
pub(super) fn read_peer_group(
    context: &Context<'_>,
    group: &SecurityGroup,
    id: Option<&str>,
    name: Option<&str>,
) -> Result<Peer, Fault> {
    let other = match (id, name) {
        (Some(id), _) => context.security_group(id)?,
        (None, Some(name)) => {
            let named = |other: &&SecurityGroup| other.vpc_id == group.vpc_id && other.name == name;
            let not_found = || {
                let message = format!("The security group '{name}' does not exist in VPC '{}'", group.vpc_id);
                fault("InvalidGroup.NotFound", message)
            };
            context.region.security_groups.iter().find(named).ok_or_else(not_found)?
        }
        (None, None) => return Err(fault("MissingParameter", "Source group ID missing.")),
    };
    if other.vpc_id != group.vpc_id {
        let message = "You have specified two resources that belong to different networks.";
        return Err(fault("InvalidGroup.NotFound", message));
    }
    Ok(Peer::Group(other.id.clone()))
}

/// All permissions of a request, from `IpPermissions` or from the old flat members.
pub(super) fn read(context: &Context<'_>, group: &SecurityGroup) -> Result<Vec<Permission>, Fault> {
    let params = context.params;
    let mut permissions = Vec::new();
    for one in params.objects("IpPermissions") {
        let protocol = read_protocol(one.need("IpProtocol")?)?;
        let ports = read_ports(protocol, one)?;
        let before = permissions.len();
        let mut add = |peer, description| permissions.push(Permission { protocol, ports, peer, description });
        for range in one.objects("IpRanges") {
            add(read_rule_cidr(range.need("CidrIp")?)?, read_description(range)?);
        }
        for range in one.objects("Ipv6Ranges") {
            add(read_rule_cidr6(range.need("CidrIpv6")?)?, read_description(range)?);
        }
        for pair in one.objects("UserIdGroupPairs") {
            add(
                read_peer_group(context, group, pair.str("GroupId"), pair.str("GroupName"))?,
                read_description(pair)?,
            );
        }
        if !one.list("PrefixListIds").is_empty() {
            return Err(fault("UnsupportedOperation", "Prefix lists are not available in this region."));
        }
        if permissions.len() == before {
            return Err(fault("MissingParameter", "Source group ID missing."));
        }
    }
    if let Some(protocol) = params.str("IpProtocol") {
        let protocol = read_protocol(protocol)?;
        let ports = read_ports(protocol, params)?;
        let peer = match params.str("CidrIp") {
            Some(cidr) => read_rule_cidr(cidr)?,
            None => read_peer_group(context, group, None, params.str("SourceSecurityGroupName"))?,
        };
        permissions.push(Permission { protocol, ports, peer, description: None });
    } else if let Some(name) = params.str("SourceSecurityGroupName") {
        let peer = read_peer_group(context, group, None, Some(name))?;
        permissions.push(Permission { protocol: Protocol::All, ports: None, peer, description: None });
    }
    if permissions.is_empty() {
        return Err(missing("IpPermissions"));
    }
    for (n, permission) in permissions.iter().enumerate() {
        let same = |other: &Permission| {
            (other.protocol, other.ports, &other.peer)
                == (permission.protocol, permission.ports, &permission.peer)
        };
        if permissions[..n].iter().any(same) {
            return Err(invalid("The same permission must not appear multiple times"));
        }
    }
    Ok(permissions)
}

/// The rules of one direction, those of one protocol and port range together.
pub(super) fn show_permissions(context: &Context<'_>, group: &SecurityGroup, egress: bool) -> Value {
    let mut shown: Vec<((Protocol, Option<PortRange>), Value)> = Vec::new();
    for rule in group.rules.iter().filter(|rule| rule.egress == egress) {
        let key = (rule.protocol, rule.ports);
        let position = shown.iter().position(|(other, _)| *other == key).unwrap_or_else(|| {
            let empty = json!({
                "IpProtocol": show_protocol(rule.protocol),
                "FromPort": rule.ports.map(|ports| ports.from),
                "ToPort": rule.ports.map(|ports| ports.to),
                "UserIdGroupPairs": [],
                "IpRanges": [],
                "Ipv6Ranges": [],
                "PrefixListIds": [],
            });
            shown.push((key, empty));
            shown.len() - 1
        });
        let (member, peer) = match &rule.peer {
            Peer::Cidr(net) => ("IpRanges", json!({"Description": rule.description, "CidrIp": net})),
            Peer::Cidr6(net) => ("Ipv6Ranges", json!({"Description": rule.description, "CidrIpv6": net})),
            Peer::Group(id) => {
                let account = &context.caller.account;
                (
                    "UserIdGroupPairs",
                    json!({"Description": rule.description, "UserId": account, "GroupId": id}),
                )
            }
        };
        shown[position].1[member].as_array_mut().expect("made as a list").push(peer);
    }
    shown.into_iter().map(|(_, permission)| permission).collect()
}
