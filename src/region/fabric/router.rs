//! A VPC's router: what is in it before any subnet or interface is.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::desired::{Address, Namespace, RouteAction, RouteKey};
use super::ruleset::{Ruleset, Table};
use super::tracking::{self, FROM_RELAY, TO_RELAY};

/// The metadata service.
pub const METADATA_ADDRESS: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// The resolver's second address, the same in every VPC.
pub const LINK_LOCAL_RESOLVER: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 253);

/// The router's hardware address on every interface's link, and both ends of the internet gateway's.
pub(super) const ROUTER_MAC: &str = "02:00:00:00:00:01";
pub(super) const GATEWAY_INSIDE_MAC: &str = "02:00:00:00:00:02";
pub(super) const GATEWAY_OUTSIDE_MAC: &str = "02:00:00:00:00:03";

/// Names of the two tables.
pub(super) const VPC_TABLE: &str = "ip vpc";
pub(super) const L2_TABLE: &str = "netdev l2";

/// A router without subnets. Without a resolver (`EnableDnsSupport` off) nothing answers at its addresses.
pub(super) fn empty(cidr: Ipv4Net, resolver: Option<Ipv4Addr>) -> Namespace {
    let mut router = Namespace { sysctls: forwarding(), ruleset: base_ruleset(), ..Namespace::default() };
    router.sysctls.extend([
        setting("net.netfilter.nf_conntrack_tcp_be_liberal", "1"),
        // Otherwise a flow that was cut comes back as a new one when the server speaks next.
        setting("net.netfilter.nf_conntrack_tcp_loose", "0"),
        // As an interface on AWS forgets a UDP flow; the kernel's other times are the same.
        setting("net.netfilter.nf_conntrack_udp_timeout_stream", "180"),
    ]);
    router.up.insert("lo".to_owned());
    router.routes.insert(RouteKey::main(cidr), RouteAction::Blackhole);
    router.routes.insert(RouteKey::last(super::desired::MAIN), RouteAction::Blackhole);
    serve(&mut router, METADATA_ADDRESS, &[("tcp", 80)]);
    for address in resolver.iter().flat_map(|resolver| [*resolver, LINK_LOCAL_RESOLVER]) {
        serve(&mut router, address, &[("udp", 53), ("tcp", 53)]);
    }
    router
}

fn serve(router: &mut Namespace, address: Ipv4Addr, ports: &[(&str, u16)]) {
    router.addresses.insert(Address::new("lo", format_args!("{address}/32")));
    let tables = &mut router.ruleset.tables;
    if let Some(vpc) = tables.get_mut(VPC_TABLE) {
        for (protocol, port) in ports {
            vpc.element("services", format_args!("{address} . {protocol} . {port}"));
        }
    }
    if let Some(l2) = tables.get_mut(L2_TABLE) {
        l2.entry("mac", address, ROUTER_MAC);
    }
}

/// Settings of everything that forwards.
pub(super) fn forwarding() -> Vec<(String, String)> {
    [
        ("net.ipv4.ip_forward", "1"),
        ("net.ipv4.conf.all.rp_filter", "0"),
        ("net.ipv4.conf.default.rp_filter", "0"),
        ("net.ipv4.conf.all.send_redirects", "0"),
        ("net.ipv4.conf.default.send_redirects", "0"),
        ("net.ipv4.icmp_ratemask", "0"),
        ("net.ipv6.conf.all.disable_ipv6", "1"),
        ("net.ipv6.conf.default.disable_ipv6", "1"),
    ]
    .map(|(name, value)| setting(name, value))
    .to_vec()
}

pub(super) fn setting(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn base_ruleset() -> Ruleset {
    Ruleset { tables: [(L2_TABLE.to_owned(), l2_table()), (VPC_TABLE.to_owned(), vpc_table())].into() }
}

/// What a frame meets before IP does. Every interface has a chain here that jumps to `common`.
fn l2_table() -> Table {
    let mut table = Table::default();
    table.map("mac", "type ipv4_addr : ether_addr").set("own", "type ifname . ipv4_addr");
    table.chain(
        "arp_in",
        [
            "arp operation != request drop",
            // Whoever asks for its own address (duplicate detection) hears nothing.
            "iifname . arp daddr ip @own drop",
            "arp daddr ip != @mac drop",
            // The request becomes its own answer. Asker and asked change places by way of the frame's destination
            // field, which is rewritten afterwards.
            "@ll,0,32 set @nh,192,32",
            "arp daddr ip set arp saddr ip",
            "arp daddr ether set arp saddr ether",
            "@nh,112,32 set @ll,0,32",
            "ether daddr set ether saddr",
            "arp saddr ether set arp saddr ip map @mac",
            "ether saddr set arp saddr ip map @mac",
            "arp operation set reply",
            "fwd to meta iif",
        ],
    );
    table.chain(
        "common",
        [
            "ether type arp goto arp_in",
            // Neighbours send to each other's true address: the frame is for the router all the same.
            "meta pkttype other meta pkttype set host",
        ],
    );
    table
}

fn vpc_table() -> Table {
    let mut table = Table::default();
    table
        .map("subnet", "typeof meta iifgroup : meta mark")
        .set("bind", "type ifname . ether_addr . ipv4_addr")
        .set("own", "type ifname . ipv4_addr")
        .set("nocheck", "type ifname")
        .map("eip_out", "type ipv4_addr : ipv4_addr")
        .map("eip_in", "type ipv4_addr : ipv4_addr")
        .set("services", "type ipv4_addr . inet_proto . inet_service");
    tracking::declare(&mut table);
    arrival(&mut table);
    translation(&mut table);
    passage(&mut table);
    table
}

/// From the wire to the routing decision.
fn arrival(table: &mut Table) {
    // Undoes the decrement that forwarding is about to make, so that the router does not show in a traceroute. There
    // is no arithmetic on a header field in nft: one chain for each value.
    table.map("inc", "typeof ip ttl : verdict");
    for ttl in 1..=254_u8 {
        table.chain(format!("t{ttl}"), [format!("ip ttl set {}", u16::from(ttl) + 1)]);
        table.entry("inc", ttl, format!("goto t{ttl}"));
    }
    // What Linux begins with, as nearly everything does, needs no look into the map.
    let ttl = ["ip ttl 64 ip ttl set 65 accept", "ip ttl vmap @inc"];
    table.chain("ttl", ttl);
    // The subnet chooses the route table.
    table.chain("own_source", ["meta mark set iifgroup map @subnet"].into_iter().chain(ttl));
    table.chain(
        "foreign_source",
        [
            "meta mark set iifgroup map @subnet".to_owned(),
            // Not the source, but its hardware address may be the foreign one.
            format!("iifname . ip saddr != @own meta mark set meta mark or {FROM_RELAY}"),
            "goto ttl".to_owned(),
        ],
    );
    table.base(
        "spoof",
        "type filter hook prerouting priority raw; policy accept;",
        [
            "iifgroup 1 goto ttl",
            "iifname . ether saddr . ip saddr @bind goto own_source",
            "iifname \"lo\" accept",
            // What a NAT gateway sends for others is no relay's: it has no groups.
            "iifname @natgw goto own_source",
            "iifname @nocheck goto foreign_source",
            "drop",
        ],
    );
    table.base(
        "input",
        "type filter hook input priority filter; policy drop;",
        ["iifname \"lo\" accept", "iifgroup 1 drop", "ip daddr . meta l4proto . th dport @services accept"],
    );
}

/// The internet gateway: one public address for one private one.
fn translation(table: &mut Table) {
    table.base(
        "gateway_in",
        "type nat hook prerouting priority dstnat; policy accept;",
        ["iifgroup 1 dnat to ip daddr map @eip_in"],
    );
    table.base(
        "gateway_out",
        "type nat hook postrouting priority srcnat; policy accept;",
        ["oifgroup 1 snat to ip saddr map @eip_out"],
    );
}

/// What is forwarded. `accept` ends one chain and goes on to the next.
fn passage(table: &mut Table) {
    table.base(
        "gate",
        "type filter hook forward priority -40; policy drop;",
        [
            "oifgroup 1 ip saddr @eip_out accept".to_owned(),
            "oifname . ip daddr @own accept".to_owned(),
            "oifname @natgw accept".to_owned(),
            format!("oifname @nocheck meta mark set meta mark or {TO_RELAY} accept"),
        ],
    );
}
