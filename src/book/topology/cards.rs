//! What is written on the parts of a topology: lines of text, in groups that belong together.

use super::{Instance, NatGateway, RouteTable, Rule, SecurityGroup, Subnet, Topology};

/// A box with text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Card {
    /// The box's class.
    pub class: &'static str,
    pub lines: Vec<(String, &'static str)>,
}

const TITLE: &str = "lab-t lab-bold";
const TEXT: &str = "lab-t";
const DIM: &str = "lab-t lab-dim";
const BAD: &str = "lab-t lab-bad";

/// The heading of a subnet.
pub(super) fn subnet(subnet: &Subnet) -> Vec<(String, &'static str)> {
    vec![
        (named("Subnet", &subnet.name), TITLE),
        (format!("{}  {}", subnet.cidr_block, subnet.availability_zone), TEXT),
        (subnet.subnet_id.clone(), DIM),
    ]
}

/// What stands in a subnet, and the routes that apply to it.
pub(super) fn in_subnet(topology: &Topology, subnet: &Subnet) -> Vec<Card> {
    let instances = topology.instances.iter().filter(|instance| instance.subnet_id == subnet.subnet_id);
    let nats = topology.nat_gateways.iter().filter(|nat| nat.subnet_id == subnet.subnet_id);
    let mut cards: Vec<Card> =
        instances.map(|own| instance(topology, own)).chain(nats.map(nat_gateway)).collect();
    cards.extend(topology.table_of(subnet).map(|table| routes(topology, table)));
    cards
}

fn instance(topology: &Topology, instance: &Instance) -> Card {
    let mut lines = vec![(named("Instance", &instance.name), TITLE)];
    if instance.state != "running" {
        lines[0].0.push_str(&format!(" ({})", instance.state));
    }
    lines.push((instance.instance_id.clone(), DIM));
    lines.push((format!("private {}", instance.private_ip_address), TEXT));
    let public = instance.public_ip_address.as_deref();
    lines.push(
        public.map_or(("no public address".to_owned(), DIM), |address| (format!("public  {address}"), TEXT)),
    );
    let groups: Vec<&str> = instance.security_groups.iter().map(|id| topology.call(id)).collect();
    if !groups.is_empty() {
        lines.push((format!("behind  {}", groups.join(", ")), TEXT));
    }
    Card { class: "lab-machine", lines }
}

fn nat_gateway(nat: &NatGateway) -> Card {
    let mut lines = vec![(named("NAT gateway", &nat.name), TITLE), (nat.nat_gateway_id.clone(), DIM)];
    lines.extend(nat.private_ip.as_ref().map(|address| (format!("private {address}"), TEXT)));
    lines.extend(nat.public_ip.as_ref().map(|address| (format!("public  {address}"), TEXT)));
    if nat.state != "available" {
        lines[0].0.push_str(&format!(" ({})", nat.state));
    }
    Card { class: "lab-gateway", lines }
}

fn routes(topology: &Topology, table: &RouteTable) -> Card {
    let title = if table.name.is_empty() && table.main {
        "Main routes".to_owned()
    } else {
        named("Routes", &table.name)
    };
    let mut lines = vec![(title, TITLE)];
    for route in &table.routes {
        let text = format!("{} → {}", route.destination, topology.call(&route.target));
        lines.push(match route.state.as_str() {
            "blackhole" => (format!("{} → blackhole", route.destination), BAD),
            _ => (text, TEXT),
        });
    }
    Card { class: "lab-table", lines }
}

/// A security group with its rules, those for what comes in first.
pub(super) fn security_group(topology: &Topology, group: &SecurityGroup) -> Card {
    let mut lines = vec![(named("Group", &group.group_name), TITLE), (group.group_id.clone(), DIM)];
    let mut rules: Vec<&Rule> = group.rules.iter().collect();
    rules.sort_by_key(|rule| (rule.egress, rule.protocol.clone(), rule.from_port, rule.peer.clone()));
    for rule in rules {
        let (way, word) = if rule.egress { ("out", "to") } else { ("in ", "from") };
        lines.push((format!("{way} {} {word} {}", traffic(rule), topology.call(&rule.peer)), TEXT));
    }
    Card { class: "lab-group", lines }
}

/// `tcp 22`, `tcp 8000-8010`, `icmp`, `everything`.
fn traffic(rule: &Rule) -> String {
    let protocol = match rule.protocol.as_str() {
        "-1" => return "everything".to_owned(),
        protocol => protocol,
    };
    match (rule.from_port, rule.to_port) {
        (None | Some(-1), _) => protocol.to_owned(),
        (Some(from), Some(to)) if from != to => format!("{protocol} {from}-{to}"),
        (Some(from), _) => format!("{protocol} {from}"),
    }
}

/// A kind with a name, when there is one.
pub(super) fn named(kind: &str, name: &str) -> String {
    if name.is_empty() { kind.to_owned() } else { format!("{kind} {name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_told_in_words() {
        let rule = |protocol: &str, from, to| Rule {
            protocol: protocol.into(),
            from_port: from,
            to_port: to,
            ..Rule::default()
        };
        assert_eq!(traffic(&rule("tcp", Some(22), Some(22))), "tcp 22");
        assert_eq!(traffic(&rule("udp", Some(1), Some(9))), "udp 1-9");
        assert_eq!(traffic(&rule("icmp", Some(-1), Some(-1))), "icmp");
        assert_eq!(traffic(&rule("-1", None, None)), "everything");
    }

    #[test]
    fn a_route_to_nowhere_says_so() {
        let topology: Topology = serde_json::from_str(super::super::sample::JSON).unwrap();
        let cards = in_subnet(&topology, &topology.subnets[1]);
        assert_eq!(cards[1].lines[2], ("0.0.0.0/0 → blackhole".to_owned(), BAD));
        assert_eq!(cards[0].lines[0].0, "Instance db (stopped)");
        assert_eq!(
            security_group(&topology, &topology.security_groups[1]).lines[2].0,
            "in  icmp from 10.0.0.0/16"
        );
    }
}
