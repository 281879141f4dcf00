//! The simulated Internet of a lab: the edge of the cloud, three providers in a row, the learner's laptop, and a
//! place for web sites and name servers. It has the same addresses in every lab, as labs cannot reach each other.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::desired::{Address, Cable, Desired, End, Namespace, RouteAction, RouteKey};
use super::names;
use super::router::{forwarding, setting};
use super::ruleset::{Ruleset, Table};

/// Where public addresses of instances come from, in this order.
pub const PUBLIC_POOLS: [Ipv4Net; 2] = [
    Ipv4Net::new_assert(Ipv4Addr::new(203, 0, 113, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 15),
];

/// The EC2 endpoint as instances and laptop see it; on the edge. Never an instance's address.
pub const API_ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);

/// The laptop.
pub const LAPTOP_ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 10);

/// Every address of this network is the `sites` namespace's own: a service may listen at any of them.
pub const SITES: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 2, 64), 26);

/// What must never come in from, nor be sent out to, the Internet.
const PRIVATE: [(Ipv4Addr, u8); 6] = [
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
];

/// Both ends of an internet gateway's cable: the router's and the edge's. The same for every VPC, as routes name the
/// link; so the first hop of every lab looks the same.
pub(super) const GATEWAY_INSIDE: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 0);
pub(super) const GATEWAY_OUTSIDE: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 1);

/// Adds a lab's Internet.
pub(super) fn add(desired: &mut Desired, account: &str) {
    let edge = names::edge(account);
    let [isp1, isp2, isp3] = [1, 2, 3].map(|n| names::isp(account, n));
    let (sites, laptop) = (names::sites(account), names::laptop(account));
    for name in [&edge, &isp1, &isp2, &isp3, &sites, &laptop] {
        let namespace = desired.namespaces.entry(name.clone()).or_default();
        namespace.up.insert("lo".to_owned());
        namespace.sysctls = if *name == laptop { laptop_sysctls() } else { forwarding() };
    }
    let transit = |n: u8| Ipv4Addr::new(192, 0, 2, n);
    connect(desired, (&edge, "to-isp1", transit(0)), (&isp1, "to-edge", transit(1)), 31);
    connect(desired, (&isp1, "to-isp2", transit(2)), (&isp2, "to-isp1", transit(3)), 31);
    connect(desired, (&isp2, "to-isp3", transit(4)), (&isp3, "to-isp2", transit(5)), 31);
    connect(desired, (&isp2, "to-sites", transit(6)), (&sites, "eth0", transit(7)), 31);
    connect(desired, (&isp3, "lan", Ipv4Addr::new(198, 51, 100, 1)), (&laptop, "eth0", LAPTOP_ADDRESS), 24);

    let everywhere = Ipv4Net::default();
    let lan = Ipv4Net::new_assert(Ipv4Addr::new(198, 51, 100, 0), 24);
    for (from, to, via, link) in [
        (&edge, everywhere, transit(1), "to-isp1"),
        (&isp1, everywhere, transit(3), "to-isp2"),
        (&isp2, SITES, transit(7), "to-sites"),
        (&isp2, lan, transit(5), "to-isp3"),
        (&isp3, everywhere, transit(4), "to-isp2"),
        (&sites, everywhere, transit(6), "eth0"),
        (&laptop, everywhere, Ipv4Addr::new(198, 51, 100, 1), "eth0"),
    ] {
        route(desired, from, to, via, link);
    }
    for pool in PUBLIC_POOLS {
        route(desired, &isp1, pool, transit(0), "to-edge");
        route(desired, &isp2, pool, transit(2), "to-isp1");
    }
    // The edge's transit network lies behind the first provider.
    route(desired, &isp2, Ipv4Net::new_assert(transit(0), 31), transit(2), "to-isp1");

    let sites = at(desired, &sites);
    sites.routes.insert(RouteKey::main(SITES), RouteAction::Local);
    let dead = PRIVATE.map(|(ip, prefix)| Ipv4Net::new_assert(ip, prefix));
    // The laptop's provider drops what can be nobody's on the Internet, in silence as most do.
    let provider = at(desired, &isp3);
    for network in dead {
        provider.routes.insert(RouteKey::main(network), RouteAction::Blackhole);
    }
    let edge = at(desired, &edge);
    edge.addresses.insert(Address::new("lo", format_args!("{API_ADDRESS}/32")));
    edge.ruleset = edge_ruleset();
    for network in PUBLIC_POOLS.into_iter().chain(dead) {
        edge.routes.insert(RouteKey::main(network), RouteAction::Blackhole);
    }
}

/// Adds the edge's side of an internet gateway.
pub(super) fn add_gateway(desired: &mut Desired, account: &str, link: &str, mac: &str) {
    let edge = at(desired, &names::edge(account));
    edge.up.insert(link.to_owned());
    edge.addresses.insert(Address::new(link, format_args!("{GATEWAY_OUTSIDE}/31")));
    let neighbour = super::Neighbour { link: link.to_owned(), ip: GATEWAY_INSIDE };
    edge.neighbours.insert(neighbour, mac.to_owned());
}

/// Leads a public address to an internet gateway.
pub(super) fn add_public(desired: &mut Desired, account: &str, link: &str, public: Ipv4Addr) {
    let via = RouteAction::Via { gateway: GATEWAY_INSIDE, link: link.to_owned() };
    at(desired, &names::edge(account)).routes.insert(RouteKey::main(Ipv4Net::from(public)), via);
}

fn at<'a>(desired: &'a mut Desired, name: &str) -> &'a mut Namespace {
    desired.namespaces.entry(name.to_owned()).or_default()
}

type Side<'a> = (&'a str, &'a str, Ipv4Addr);

fn connect(desired: &mut Desired, near: Side<'_>, far: Side<'_>, prefix: u8) {
    for (namespace, link, ip) in [near, far] {
        let namespace = at(desired, namespace);
        namespace.up.insert(link.to_owned());
        namespace.addresses.insert(Address::new(link, format_args!("{ip}/{prefix}")));
    }
    let cable = Cable { mac: None, group: 0, far: End::new(far.0, far.1), far_mac: None };
    desired.cables.insert(End::new(near.0, near.1), cable);
}

fn route(desired: &mut Desired, namespace: &str, to: Ipv4Net, gateway: Ipv4Addr, link: &str) {
    let via = RouteAction::Via { gateway, link: link.to_owned() };
    at(desired, namespace).routes.insert(RouteKey::main(to), via);
}

fn laptop_sysctls() -> Vec<(String, String)> {
    // Without it ping fails in the laptop's shell, which can gain no privileges.
    vec![setting("net.ipv4.ping_group_range", "0 2147483647")]
}

fn edge_ruleset() -> Ruleset {
    let own = PUBLIC_POOLS.iter().map(ToString::to_string);
    let private = PRIVATE.iter().map(|(ip, prefix)| format!("{ip}/{prefix}"));
    let sources = private.chain(own).collect::<Vec<_>>().join(", ");
    let mut table = Table::default();
    table.base(
        "spoof",
        "type filter hook prerouting priority raw; policy accept;",
        [format!("iifname \"to-isp1\" ip saddr {{ {sources} }} drop")],
    );
    Ruleset { tables: [("ip edge".to_owned(), table)].into() }
}
