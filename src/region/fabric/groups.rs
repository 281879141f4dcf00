//! Security groups: one chain for each direction of a group, one for each interface that jumps into its groups'.
//!
//! A rule that names a group looks up the set of that group's members. Flows are tracked, so that a removed rule ends
//! no flow, but for those that AWS does not track: TCP and UDP let in by a rule for everybody while the groups let
//! everything out again (or the other way round). Such a flow is marked when it begins (1: let in at the responder,
//! 2: let out at the initiator), its later packets meet the rules again, and a removed rule cuts it at once.

use std::collections::BTreeMap;

use super::protocol::matching;
use super::ruleset::Table;
use crate::region::model::{Peer, Protocol, SecurityGroup, SecurityGroupRule};

/// Sets of links whose groups let every TCP or UDP packet in or out.
const OPEN_IN: &str = "open_in";
const OPEN_OUT: &str = "open_out";

/// Declares what the rules of groups use.
pub(super) fn declare(table: &mut Table) {
    table.set(OPEN_IN, "type ifname . inet_proto").set(OPEN_OUT, "type ifname . inet_proto");
    table.map("sg_out", "type ifname : verdict").map("sg_in", "type ifname : verdict");
}

/// Adds a group: the set of its members (filled by [`join`]) and its two chains.
pub(super) fn add(table: &mut Table, group: &SecurityGroup, all: &BTreeMap<&str, &SecurityGroup>) {
    table.set(&group.id, "type ipv4_addr");
    for egress in [false, true] {
        let rules = group.rules.iter().filter(|rule| rule.egress == egress);
        table.chain(chain(&group.id, egress), rules.flat_map(|rule| texts(rule, all)));
    }
}

/// Puts an interface with its addresses into its groups.
pub(super) fn join(table: &mut Table, link: &str, addresses: &[String], groups: &[&SecurityGroup]) {
    for egress in [false, true] {
        let jumps = groups.iter().map(|group| format!("jump {}", chain(&group.id, egress)));
        table.chain(chain(link, egress), jumps);
        let map = if egress { "sg_out" } else { "sg_in" };
        table.entry(map, quoted(link), format!("jump {}", chain(link, egress)));
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            let open = groups.iter().flat_map(|group| &group.rules).any(|rule| opens(rule, egress, protocol));
            if open {
                let word = if protocol == Protocol::Tcp { "tcp" } else { "udp" };
                let set = if egress { OPEN_OUT } else { OPEN_IN };
                table.element(set, format!("{} . {word}", quoted(link)));
            }
        }
    }
    for group in groups {
        for address in addresses {
            table.element(&group.id, address);
        }
    }
}

/// A link's name as nft takes it in an element.
pub(super) fn quoted(link: &str) -> String {
    format!("\"{link}\"")
}

fn chain(name: &str, egress: bool) -> String {
    format!("{name}-{}", if egress { "out" } else { "in" })
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

/// A rule in nft's words: none, one, or two when it can let in untracked flows.
fn texts(rule: &SecurityGroupRule, all: &BTreeMap<&str, &SecurityGroup>) -> Vec<String> {
    let end = if rule.egress { "daddr" } else { "saddr" };
    let peer = match &rule.peer {
        Peer::Cidr(cidr) if cidr.prefix_len() == 0 => String::new(),
        Peer::Cidr(cidr) => format!("ip {end} {cidr} "),
        // A group of another VPC has no members here.
        Peer::Group(id) if all.contains_key(id.as_str()) => format!("ip {end} @{id} "),
        Peer::Group(_) | Peer::Cidr6(_) => return Vec::new(),
    };
    let Some(protocol) = matching(rule.protocol, rule.ports) else { return Vec::new() };
    let tracked = format!("{peer}{protocol}accept");
    let untracked = matches!(rule.protocol, Protocol::All | Protocol::Tcp | Protocol::Udp);
    if !untracked || !everybody(&rule.peer) {
        return vec![tracked];
    }
    let (link, set, bit) = if rule.egress { ("iifname", OPEN_IN, 2) } else { ("oifname", OPEN_OUT, 1) };
    let mark = format!("{protocol}{link} . meta l4proto @{set} ct mark set ct mark or {bit} accept");
    vec![mark, tracked]
}
