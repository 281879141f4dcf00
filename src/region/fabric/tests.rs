//! What states become: the texts that the kernel is given, and how little of them a change takes.

use std::net::Ipv4Addr;

use super::sample::{self, add_acl, add_interface, add_nat_gateway, id, region};
use super::*;
use crate::region::model::{AclEntry, InstanceState, PortRange, Protocol, RouteTarget, State};

/// The lines of a plan for one namespace, without the account's digits.
fn lines(plan: &Plan, namespace: &str) -> Vec<String> {
    let prefix = format!("{}-{namespace}: ", sample::ACCOUNT);
    let all = plan.to_string();
    all.lines().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
}

fn ip_lines(plan: &Plan, namespace: &str) -> Vec<String> {
    lines(plan, namespace).iter().filter_map(|line| line.strip_prefix("ip ")).map(str::to_owned).collect()
}

/// All lines of a plan from one state to the other.
fn difference(before: &State, after: &State) -> Vec<String> {
    let text = plan(&desired(before), &desired(after)).to_string();
    text.lines().map(|line| line.replace(&format!("{}-", sample::ACCOUNT), "")).collect()
}

const ROUTER: &str = "vpc-00000000000000001";

fn fresh() -> Plan {
    plan(&Desired::default(), &desired(&sample::two_subnets()))
}

#[test]
fn a_router_has_a_cable_an_interface_and_a_table_a_subnet() {
    let expected = "\
link add eni000000000a10 group 1034 address 02:00:00:00:00:01 type veth peer name eth0 netns 111122223333-i-000000000000000eb address 0a:00:0a:00:01:0a
link add eni000000000b10 group 1035 address 02:00:00:00:00:01 type veth peer name eth0 netns 111122223333-i-000000000000000db address 0a:00:0a:00:02:0a
link add igw group 1 address 02:00:00:00:00:02 type veth peer name vpc000000000001 netns 111122223333-edge address 02:00:00:00:00:03
addr replace 10.0.1.1 peer 10.0.1.10/32 dev eni000000000a10
addr replace 10.0.2.1 peer 10.0.2.10/32 dev eni000000000b10
addr replace 100.64.0.0/31 dev igw
addr replace 10.0.0.2/32 dev lo
addr replace 169.254.169.253/32 dev lo
addr replace 169.254.169.254/32 dev lo
link set eni000000000a10 up
link set eni000000000b10 up
link set igw up
link set lo up
neigh replace 10.0.1.10 lladdr 0a:00:0a:00:01:0a dev eni000000000a10 nud permanent
neigh replace 10.0.2.10 lladdr 0a:00:0a:00:02:0a dev eni000000000b10 nud permanent
neigh replace 100.64.0.1 lladdr 02:00:00:00:00:03 dev igw nud permanent
route replace blackhole 0.0.0.0/0 metric 4294967295
route replace blackhole 10.0.0.0/16
route replace blackhole 0.0.0.0/0 metric 4294967295 table 1025
route replace throw 10.0.0.0/16 table 1025
route replace 0.0.0.0/0 via 100.64.0.1 dev igw onlink table 1026
route replace blackhole 0.0.0.0/0 metric 4294967295 table 1026
route replace throw 10.0.0.0/16 table 1026
rule add pref 100 fwmark 1034/0x1fffffff lookup 1026
rule add pref 100 fwmark 1035/0x1fffffff lookup 1025";
    assert_eq!(ip_lines(&fresh(), ROUTER).join("\n"), expected);
}

#[test]
fn a_guest_finds_its_link_configured() {
    let expected = "\
addr replace 10.0.1.10/24 brd + dev eth0
link set eth0 up
link set lo up
route replace 0.0.0.0/0 via 10.0.1.1 dev eth0";
    assert_eq!(ip_lines(&fresh(), "i-000000000000000eb").join("\n"), expected);
}

#[test]
fn the_edge_leads_public_addresses_to_the_gateway_and_drops_the_others() {
    let lines = ip_lines(&fresh(), "edge");
    for expected in [
        "link add to-isp1 type veth peer name to-edge netns 111122223333-isp1",
        "addr replace 100.64.0.1/31 dev vpc000000000001",
        "route replace 203.0.113.10/32 via 100.64.0.0 dev vpc000000000001 onlink",
        "route replace blackhole 203.0.113.0/24",
        "route replace blackhole 10.0.0.0/8",
        "route replace 0.0.0.0/0 via 192.0.2.1 dev to-isp1 onlink",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected} not in\n{}", lines.join("\n"));
    }
}

#[test]
fn near_ends_of_cables_come_before_far_ends() {
    let text = fresh().to_string();
    let at = |line: &str| text.find(line).unwrap_or_else(|| panic!("{line} not in\n{text}"));
    assert!(at("ip link add igw") < at("111122223333-edge: ip addr replace 100.64.0.1/31"));
    assert!(at("edge: ip link add to-isp1") < at("isp1: ip addr replace 192.0.2.1/31"));
    assert!(at("111122223333-i-000000000000000eb: create") < at("ip link add eni000000000a10"));
}

#[test]
fn a_router_filters_before_it_has_a_link() {
    let text = fresh().to_string();
    let rules = text.find("nft  chain sgin {").unwrap();
    assert!(rules < text.find("ip link add eni000000000a10").unwrap());
}

#[test]
fn a_group_becomes_chains_and_a_set_of_members() {
    let desired = desired(&sample::two_subnets());
    let table = &desired.namespaces[&router(sample::ACCOUNT, ROUTER)].ruleset.tables["ip vpc"];
    let rules = |name: &str| table.chains[name].rules.clone();
    let group = id("sg", "e");
    assert_eq!(rules(&format!("{group}-in-open")), ["tcp dport 22 goto open_in"]);
    assert_eq!(rules(&format!("{group}-in")), Vec::<String>::new());
    assert_eq!(rules(&format!("{group}-out-open")), ["goto open_out"]);
    let reference = format!("meta mark & {} == 0 ip saddr @{group} tcp dport 22 goto track_in", 1 << 29);
    assert_eq!(rules(&format!("{}-in", id("sg", "d"))), [reference]);
    assert_eq!(rules("eni000000000a10-in"), [format!("jump {group}-in-open"), format!("jump {group}-in")]);
    assert!(table.collections[&group].elements.contains_key("10.0.1.10"));
    let open: Vec<&str> = table.collections["open_out"].elements.keys().map(String::as_str).collect();
    assert_eq!(open.len(), 4, "{open:?}");
    assert!(table.collections["open_in"].elements.is_empty());
}

#[test]
fn a_relay_is_a_few_elements_and_chains_more() {
    let before = sample::two_subnets();
    let mut after = before.clone();
    region(&mut after).network_interfaces.get_mut(&id("eni", "a10")).unwrap().source_dest_check = false;
    let lines = difference(&before, &after);
    assert!(lines.contains(&format!("{ROUTER}: nft add element ip vpc nocheck {{ \"eni000000000a10\" }}")));
    let touched: Vec<&String> =
        lines.iter().filter(|line| line.contains("flush") || line.contains("delete")).collect();
    assert!(touched.is_empty(), "{touched:#?}");
    let back = difference(&after, &before);
    assert!(back.iter().any(|line| line.ends_with("nft delete chain ip vpc eni000000000a10-relay-out")));
}

#[test]
fn a_rule_that_is_removed_changes_one_chain() {
    let before = sample::two_subnets();
    let mut after = before.clone();
    let group = region(&mut after).security_groups.get_mut(&id("sg", "d")).unwrap();
    group.rules.retain(|rule| rule.egress);
    assert_eq!(
        difference(&before, &after),
        [format!("{ROUTER}: nft flush chain ip vpc sg-0000000000000000d-in")]
    );
}

#[test]
fn an_elastic_ip_that_moves_changes_two_elements_and_cuts_flows() {
    let before = sample::two_subnets();
    let mut after = before.clone();
    sample::publish(region(&mut after), "a10", None);
    sample::publish(region(&mut after), "b10", Some(Ipv4Addr::new(203, 0, 113, 10)));
    let expected = "\
vpc-00000000000000001: nft delete element ip vpc eip_in { 203.0.113.10 }
vpc-00000000000000001: nft delete element ip vpc eip_out { 10.0.1.10 }
vpc-00000000000000001: nft add element ip vpc eip_in { 203.0.113.10 : 10.0.2.10 }
vpc-00000000000000001: nft add element ip vpc eip_out { 10.0.2.10 : 203.0.113.10 }
vpc-00000000000000001: forget 203.0.113.10";
    assert_eq!(difference(&before, &after).join("\n"), expected);
}

#[test]
fn a_detached_gateway_leaves_a_blackhole_and_no_way_in() {
    let before = sample::two_subnets();
    let mut after = before.clone();
    region(&mut after).internet_gateways.get_mut(&id("igw", "1")).unwrap().vpc_id = None;
    let lines = difference(&before, &after);
    let text = lines.join("\n");
    assert_eq!(
        text,
        "\
vpc-00000000000000001: ip route replace blackhole 0.0.0.0/0 table 1026
vpc-00000000000000001: nft delete element ip vpc eip_in { 203.0.113.10 }
vpc-00000000000000001: nft delete element ip vpc eip_out { 10.0.1.10 }
vpc-00000000000000001: ip link del igw
vpc-00000000000000001: forget 203.0.113.10"
    );
}

#[test]
fn a_subnet_that_gets_another_table_has_the_new_rule_before_the_old_one_goes() {
    let before = sample::two_subnets();
    let mut after = before.clone();
    sample::add_table(region(&mut after), "3", "1", Some("b"));
    let lines = difference(&before, &after);
    let expected = "\
vpc-00000000000000001: ip route replace blackhole 0.0.0.0/0 metric 4294967295 table 1027
vpc-00000000000000001: ip route replace throw 10.0.0.0/16 table 1027
vpc-00000000000000001: ip rule add pref 100 fwmark 1035/0x1fffffff lookup 1027
vpc-00000000000000001: ip rule del pref 100 fwmark 1035/0x1fffffff lookup 1025";
    assert_eq!(lines.join("\n"), expected);
}

#[test]
fn a_stopped_instance_leaves_nothing() {
    let before = sample::two_subnets();
    let mut after = before.clone();
    sample::set_state(region(&mut after), "db", InstanceState::Stopped);
    let now = desired(&after);
    assert!(!now.namespaces.contains_key(&guest(sample::ACCOUNT, &id("i", "db"))));
    let text = plan(&desired(&before), &now).to_string();
    assert!(!text.contains("link add"), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    let position = |part: &str| lines.iter().position(|line| line.contains(part)).unwrap();
    assert!(position("nft delete chain netdev l2 eni000000000b10") < position("ip link del eni000000000b10"));
    assert!(position("ip link del eni000000000b10") < position("forget 10.0.2.10"));
    assert!(position("forget 10.0.2.10") < lines.len());
    assert_eq!(lines.last(), Some(&"111122223333-vpc-00000000000000001: forget 10.0.2.10"));
    // The former place is as if it had never been.
    let mut never = sample::two_subnets();
    let region = region(&mut never);
    region.network_interfaces.get_mut(&id("eni", "b10")).unwrap().attachment = None;
    assert_eq!(now, desired(&never));
}

#[test]
fn what_is_applied_by_a_plan_is_what_is_desired() {
    let (empty, two) = (sample::lab(), sample::two_subnets());
    let mut more = two.clone();
    add_nat_gateway(
        region(&mut more),
        "c",
        "a",
        Ipv4Addr::new(10, 0, 1, 100),
        Ipv4Addr::new(203, 0, 113, 12),
    );
    let gone = State::seeded(1);
    let mut applied = Desired::default();
    for state in [&empty, &two, &more, &two, &empty, &more, &gone] {
        let wanted = desired(state);
        let plan = plan(&applied, &wanted);
        for step in plan.build.iter().chain(&plan.settle) {
            applied.note_step(step);
        }
        assert_eq!(applied, wanted);
        assert!(super::plan(&applied, &wanted).is_empty());
    }
}

#[test]
fn a_nat_gateway_is_a_namespace_in_its_subnet() {
    let mut state = sample::two_subnets();
    let here = region(&mut state);
    add_nat_gateway(here, "c", "a", Ipv4Addr::new(10, 0, 1, 100), Ipv4Addr::new(203, 0, 113, 12));
    sample::add_route(here, "1", "0.0.0.0/0", RouteTarget::NatGateway(id("nat", "c")));
    let fresh = plan(&Desired::default(), &desired(&state));
    let routes = ip_lines(&fresh, ROUTER);
    let expected = "route replace 0.0.0.0/0 via 10.0.1.100 dev eni00000000000c onlink table 1025";
    assert!(routes.iter().any(|line| line == expected), "{}", routes.join("\n"));
    let gateway = lines(&fresh, "nat-0000000000000000c").join("\n");
    assert!(gateway.contains("nft   snat to 10.0.1.100"), "{gateway}");
    assert!(gateway.contains("nft   ip saddr 10.0.0.0/16 accept"), "{gateway}");

    region(&mut state).nat_gateways.get_mut(&id("nat", "c")).unwrap().state =
        crate::region::model::NatGatewayState::Deleting;
    let left = desired(&state);
    let key = RouteKey { table: 1025, destination: "0.0.0.0/0".parse().unwrap(), metric: 0 };
    assert_eq!(left.namespaces[&router(sample::ACCOUNT, ROUTER)].routes[&key], RouteAction::Blackhole);
}

#[test]
fn an_acl_stands_at_the_edge_of_its_subnet_in_the_order_of_its_numbers() {
    let mut state = sample::two_subnets();
    let entry = |number, egress, allow, ports: Option<(i32, i32)>, cidr: &str| AclEntry {
        number,
        egress,
        allow,
        protocol: if ports.is_some() { Protocol::Tcp } else { Protocol::All },
        cidr: cidr.parse().unwrap(),
        ports: ports.map(|(from, to)| PortRange { from, to }),
    };
    let entries = vec![
        entry(200, false, true, Some((22, 22)), "0.0.0.0/0"),
        entry(100, false, false, Some((22, 22)), "10.0.1.0/24"),
        entry(32767, false, false, None, "0.0.0.0/0"),
        entry(100, true, true, None, "0.0.0.0/0"),
        entry(32767, true, false, None, "0.0.0.0/0"),
    ];
    add_acl(region(&mut state), "1", "1", "b", entries);
    let desired = desired(&state);
    let table = &desired.namespaces[&router(sample::ACCOUNT, ROUTER)].ruleset.tables["ip vpc"];
    let acl = id("acl", "1");
    assert_eq!(
        table.chains[&format!("{acl}-in")].rules,
        ["ip saddr 10.0.1.0/24 tcp dport 22 drop", "tcp dport 22 accept", "drop", "drop"]
    );
    let subnet = id("subnet", "b");
    assert_eq!(
        table.chains[&format!("{subnet}-in")].rules,
        ["iifgroup 1035 accept".to_owned(), format!("goto {acl}-in")]
    );
    assert_eq!(table.collections["nacl_in"].elements["1035"], format!("goto {subnet}-in"));
    assert!(!table.collections["nacl_in"].elements.contains_key("1034"));
}

#[test]
fn labs_share_no_namespace() {
    let mut state = sample::two_subnets();
    let copy = state.accounts[sample::ACCOUNT].clone();
    state.accounts.insert("444455556666".to_owned(), copy);
    let both = desired(&state);
    for (near, cable) in &both.cables {
        assert_eq!(near.namespace[..12], cable.far.namespace[..12], "{near:?} to {cable:?}");
    }
    assert_eq!(both.namespaces.len(), 2 * desired(&sample::two_subnets()).namespaces.len());
}

#[test]
fn a_second_interface_in_a_group_is_one_more_member() {
    let before = sample::two_subnets();
    let mut after = before.clone();
    let region = region(&mut after);
    add_interface(region, "a20", "a", Ipv4Addr::new(10, 0, 1, 20), &["e"]);
    sample::plug(region, "a20", "ec");
    let lines = difference(&before, &after);
    let scripts: Vec<&str> =
        lines.iter().filter_map(|line| line.split_once(": nft ")).map(|(_, nft)| nft).collect();
    assert!(scripts.contains(&"add element ip vpc sg-0000000000000000e { 10.0.1.20 }"), "{scripts:#?}");
    assert!(scripts.iter().all(|line| !line.starts_with("flush")), "{scripts:#?}");
    // A handful of lines, whatever else the router holds.
    assert!(lines.len() < 30, "{lines:#?}");
}
