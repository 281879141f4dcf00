//! Security groups: two chains for each direction of a group, one for each interface that jumps into its groups'.
//!
//! A rule that names a group looks up the set of that group's members. What is let through goes on to a chain of
//! [`super::tracking`], which notes whether the interface tracks the flow: `open_…` after a rule for everybody, whose
//! flows may be untracked, `track_…` after every other. A group's rules for everybody stand in a chain of their own,
//! as they have to be asked first, in all groups of an interface.

use std::collections::BTreeMap;

use super::protocol::matching;
use super::ruleset::Table;
use super::tracking::{self, FROM_RELAY, TO_RELAY};
use crate::region::model::{Peer, Protocol, SecurityGroup, SecurityGroupRule};

/// Adds a group: the set of its members (filled by [`join`]) and its chains.
pub(super) fn add(table: &mut Table, group: &SecurityGroup, all: &BTreeMap<&str, &SecurityGroup>) {
    table.set(&group.id, "type ipv4_addr");
    for egress in [false, true] {
        let rules = group.rules.iter().filter(|rule| rule.egress == egress);
        let (open, certain): (Vec<_>, Vec<_>) = rules.partition(|rule| may_be_untracked(rule));
        table.chain(open_chain(&group.id, egress), open.into_iter().filter_map(|rule| text(rule, all)));
        table.chain(chain(&group.id, egress), certain.into_iter().filter_map(|rule| text(rule, all)));
    }
}

/// Puts an interface with its addresses into its groups.
pub(super) fn join(table: &mut Table, link: &str, addresses: &[String], groups: &[&SecurityGroup]) {
    for egress in [false, true] {
        let open = groups.iter().map(|group| format!("jump {}", open_chain(&group.id, egress)));
        let certain = groups.iter().map(|group| format!("jump {}", chain(&group.id, egress)));
        let jumps: Vec<String> = open.chain(certain).collect();
        table.chain(chain(link, egress), jumps);
        let map = if egress { "sg_out" } else { "sg_in" };
        table.entry(map, quoted(link), format!("goto {}", chain(link, egress)));
        for (protocol, word) in [(Protocol::Tcp, "tcp"), (Protocol::Udp, "udp")] {
            if groups.iter().flat_map(|group| &group.rules).any(|rule| opens(rule, egress, protocol)) {
                tracking::open(table, &quoted(link), egress, word);
            }
        }
    }
    for group in groups {
        for address in addresses {
            table.element(&group.id, address);
        }
    }
}

/// Lets an interface that is in its groups send and get what is not its own.
pub(super) fn relay(table: &mut Table, link: &str, slot: u32) {
    let chains = [chain(link, true), chain(link, false)];
    tracking::add_relay(table, link, &quoted(link), slot, [&chains[0], &chains[1]]);
}

/// A link's name as nft takes it in an element.
pub(super) fn quoted(link: &str) -> String {
    format!("\"{link}\"")
}

fn chain(name: &str, egress: bool) -> String {
    format!("{name}-{}", if egress { "out" } else { "in" })
}

/// The chain of a group's rules for everybody.
fn open_chain(group: &str, egress: bool) -> String {
    format!("{}-open", chain(group, egress))
}

/// Whether a rule lets everybody through on every port.
fn opens(rule: &SecurityGroupRule, egress: bool, protocol: Protocol) -> bool {
    let every_port = rule.ports.is_none_or(|ports| ports.from < 0 || (ports.from, ports.to) == (0, 65535));
    rule.egress == egress
        && everybody(&rule.peer)
        && (rule.protocol == Protocol::All || rule.protocol == protocol && every_port)
}

fn everybody(peer: &Peer) -> bool {
    matches!(peer, Peer::Cidr(cidr) if cidr.prefix_len() == 0)
}

/// Whether a flow that the rule lets through is not tracked if its answers have a rule, too.
fn may_be_untracked(rule: &SecurityGroupRule) -> bool {
    everybody(&rule.peer) && matches!(rule.protocol, Protocol::All | Protocol::Tcp | Protocol::Udp)
}

/// A rule in nft's words; none if no packet can match it.
fn text(rule: &SecurityGroupRule, all: &BTreeMap<&str, &SecurityGroup>) -> Option<String> {
    let (end, relayed, word) =
        if rule.egress { ("daddr", TO_RELAY, "out") } else { ("saddr", FROM_RELAY, "in") };
    let peer = match &rule.peer {
        Peer::Cidr(cidr) if cidr.prefix_len() == 0 => String::new(),
        Peer::Cidr(cidr) => format!("ip {end} {cidr} "),
        // A group stands for its members' interfaces: as AWS says, it does not cover what an appliance passes on.
        Peer::Group(id) if all.contains_key(id.as_str()) => {
            format!("meta mark & {relayed} == 0 ip {end} @{id} ")
        }
        // A group of another VPC has no members here.
        Peer::Group(_) | Peer::Cidr6(_) => return None,
    };
    let protocol = matching(rule.protocol, rule.ports)?;
    let then = if may_be_untracked(rule) { "open" } else { "track" };
    Some(format!("{peer}{protocol}goto {then}_{word}"))
}
