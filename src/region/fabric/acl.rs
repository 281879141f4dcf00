//! Network ACLs: stateless rules, in order of their numbers, for what enters and leaves a subnet.

use super::protocol::matching;
use super::ruleset::Table;
use crate::region::model::{AclEntry, NetworkAcl, Protocol};

/// Declares what the rules of ACLs use. Without an ACL that restricts anything, packets need not look for one.
fn declare(table: &mut Table) {
    if table.chains.contains_key("naclout") {
        return;
    }
    table.map("nacl_out", "typeof meta iifgroup : verdict").map("nacl_in", "typeof meta oifgroup : verdict");
    table.base(
        "naclout",
        "type filter hook forward priority -20; policy accept;",
        ["iifgroup vmap @nacl_out"],
    );
    table.base("naclin", "type filter hook forward priority -10; policy accept;", ["oifgroup vmap @nacl_in"]);
}

/// Adds an ACL's rules.
pub(super) fn add(table: &mut Table, acl: &NetworkAcl) {
    for egress in [false, true] {
        let mut entries: Vec<&AclEntry> = acl.entries.iter().filter(|entry| entry.egress == egress).collect();
        entries.sort_by_key(|entry| entry.number);
        let rules = entries.into_iter().filter_map(text).chain(["drop".to_owned()]);
        table.chain(chain(&acl.id, egress), rules);
    }
}

/// Puts a subnet, known by its link group, behind an ACL.
pub(super) fn guard(table: &mut Table, subnet_id: &str, group: u32, acl: &NetworkAcl) {
    declare(table);
    for egress in [false, true] {
        // An ACL stands at the subnet's edge: neighbours do not meet it.
        let (other, map) = if egress { ("oifgroup", "nacl_out") } else { ("iifgroup", "nacl_in") };
        let rules = [format!("{other} {group} accept"), format!("goto {}", chain(&acl.id, egress))];
        table.chain(chain(subnet_id, egress), rules);
        table.entry(map, group, format!("goto {}", chain(subnet_id, egress)));
    }
}

/// Whether an ACL lets everything through, as a VPC's default one does.
pub(super) fn is_open(acl: &NetworkAcl) -> bool {
    [false, true].into_iter().all(|egress| {
        let first =
            acl.entries.iter().filter(|entry| entry.egress == egress).min_by_key(|entry| entry.number);
        first.is_some_and(|e| e.allow && e.protocol == Protocol::All && e.cidr.prefix_len() == 0)
    })
}

fn chain(name: &str, egress: bool) -> String {
    format!("{name}-{}", if egress { "out" } else { "in" })
}

fn text(entry: &AclEntry) -> Option<String> {
    let end = if entry.egress { "daddr" } else { "saddr" };
    let verdict = if entry.allow { "accept" } else { "drop" };
    let peer = match entry.cidr.prefix_len() {
        0 => String::new(),
        _ => format!("ip {end} {} ", entry.cidr),
    };
    Some(format!("{peer}{}{verdict}", matching(entry.protocol, entry.ports)?))
}
