//! NAT gateways: a namespace with one interface in its subnet, which translates to its own private address. The
//! internet gateway then translates that to its Elastic IP, so the subnet's routes and ACL apply by themselves.

use ipnet::Ipv4Net;

use super::ruleset::{Ruleset, Table};

/// The filters of a NAT gateway for a VPC with this block.
pub(super) fn ruleset(private_ip: std::net::Ipv4Addr, vpc: Ipv4Net) -> Ruleset {
    let mut table = Table::default();
    table.base(
        "gate",
        "type filter hook input priority 0; policy drop;",
        ["ct state established,related accept"],
    );
    table.base(
        "pass",
        "type filter hook forward priority 0; policy drop;",
        [
            "ct state established,related accept".to_owned(),
            // Who goes on with a connection that has timed out is told so.
            format!("ct state invalid ip saddr {vpc} meta l4proto tcp reject with tcp reset"),
            "ct state invalid drop".to_owned(),
            format!("ip saddr {vpc} accept"),
        ],
    );
    table.base(
        "translate",
        "type nat hook postrouting priority srcnat; policy accept;",
        [format!("snat to {private_ip}")],
    );
    Ruleset { tables: [("ip nat".to_owned(), table)].into() }
}

/// Settings of a NAT gateway beside those of every router. AWS ends idle flows after 350 seconds, and knows a connection
/// by its beginning only.
pub(super) const SYSCTLS: [(&str, &str); 5] = [
    ("net.netfilter.nf_conntrack_tcp_timeout_established", "350"),
    ("net.netfilter.nf_conntrack_udp_timeout", "350"),
    ("net.netfilter.nf_conntrack_udp_timeout_stream", "350"),
    ("net.netfilter.nf_conntrack_tcp_be_liberal", "1"),
    ("net.netfilter.nf_conntrack_tcp_loose", "0"),
];
