//! What packets do in the region's network, with the real control plane and the real kernel: every sentence about
//! security groups, routes and gateways that the lessons teach, tried with sockets and pings.
//!
//! Each test has a namespace tree of its own (see [`super::fabric_tree`]) and needs root.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::process::Command;
use std::thread;
use std::time::Duration;

use lab::region::fabric;
use lab::region::guest::GuestEvent;
use lab::region::kernel;
use serde_json::json;

use super::fabric_probe::{
    Flow, Outcome, SILENCE, Stream, answers, connects, echoes, hops, is_silent, neighbour, seen_as, tries,
};
use super::fabric_tree::{in_tree, is_inside, spawn};
use super::fabric_world::{Rule, World};

const EVERYBODY: &str = "0.0.0.0/0";

#[test]
fn a_group_is_closed_until_a_rule_opens_it() {
    in_tree("fabric::a_group_is_closed_until_a_rule_opens_it", || {
        let mut world = World::new();
        let network = world.network();
        let outer = world.group(&network.vpc, "outer", &[]);
        let inner = world.group(&network.vpc, "inner", &[]);
        let web = world.host(&network.public, "10.0.1.10", &[&outer], false);
        let db = world.host(&network.private, "10.0.2.10", &[&inner], false);
        world.settle();
        echoes(&db.namespace, db.ip, 3306);

        assert_eq!(tries(&web.namespace, db.ip, 3306), Outcome::Silence);
        assert!(is_silent(&web.namespace, db.ip));

        world.allow(&inner, Rule::Tcp(3306, EVERYBODY));
        world.settle();
        assert!(connects(&web.namespace, db.ip, 3306));
        assert_eq!(tries(&web.namespace, db.ip, 22), Outcome::Silence, "another port stays closed");
        assert!(is_silent(&web.namespace, db.ip), "a TCP rule opens no ICMP");

        world.allow(&inner, Rule::Icmp("10.0.1.0/24"));
        world.settle();
        assert!(answers(&web.namespace, db.ip));
        assert!(is_silent(&db.namespace, web.ip), "the other group is closed as before");

        world.revoke(&inner, Rule::Icmp("10.0.1.0/24"));
        world.settle();
        assert!(is_silent(&web.namespace, db.ip));
    });
}

#[test]
fn replies_need_no_rule() {
    in_tree("fabric::replies_need_no_rule", || {
        let mut world = World::new();
        let network = world.network();
        let outer = world.group(&network.vpc, "outer", &[Rule::Tcp(80, EVERYBODY)]);
        let inner = world.group(&network.vpc, "inner", &[Rule::Tcp(80, "10.0.1.0/24")]);
        let all = json!([{"IpProtocol": "-1", "IpRanges": [{"CidrIp": EVERYBODY}]}]);
        world.change("RevokeSecurityGroupEgress", json!({"GroupId": inner, "IpPermissions": all}));
        let web = world.host(&network.public, "10.0.1.10", &[&outer], false);
        let db = world.host(&network.private, "10.0.2.10", &[&inner], false);
        world.settle();
        echoes(&db.namespace, db.ip, 80);
        echoes(&web.namespace, web.ip, 80);

        assert!(Flow::open(&web.namespace, db.ip, 80).lives(), "the answer passes without an outbound rule");
        assert_eq!(tries(&db.namespace, web.ip, 80), Outcome::Silence, "a question does not");
    });
}

#[test]
fn neighbours_in_one_subnet_are_filtered_too() {
    in_tree("fabric::neighbours_in_one_subnet_are_filtered_too", || {
        let mut world = World::new();
        let network = world.network();
        let group = world.group(&network.vpc, "both", &[]);
        let one = world.host(&network.public, "10.0.1.10", &[&group], false);
        let two = world.host(&network.public, "10.0.1.20", &[&group], false);
        world.settle();
        echoes(&two.namespace, two.ip, 80);
        assert_eq!(tries(&one.namespace, two.ip, 80), Outcome::Silence);
        assert!(is_silent(&one.namespace, two.ip));

        world.allow(&group, Rule::TcpFrom(80, &group));
        world.settle();
        assert_eq!(seen_as(&one.namespace, two.ip, 80), "10.0.1.10");
    });
}

#[test]
fn a_group_as_source_means_its_members() {
    in_tree("fabric::a_group_as_source_means_its_members", || {
        let mut world = World::new();
        let network = world.network();
        let members = world.group(&network.vpc, "members", &[]);
        let others = world.group(&network.vpc, "others", &[]);
        let inner = world.group(&network.vpc, "inner", &[]);
        world.allow(&inner, Rule::TcpFrom(22, &members));
        let member = world.host(&network.public, "10.0.1.10", &[&members], false);
        let stranger = world.host(&network.public, "10.0.1.20", &[&others], false);
        let db = world.host(&network.private, "10.0.2.10", &[&inner], false);
        world.settle();
        echoes(&db.namespace, db.ip, 22);
        assert!(connects(&member.namespace, db.ip, 22));
        assert_eq!(tries(&stranger.namespace, db.ip, 22), Outcome::Silence);

        let groups = json!({"NetworkInterfaceId": stranger.interface, "Groups": [others, members]});
        world.call("ModifyNetworkInterfaceAttribute", groups);
        assert!(connects(&stranger.namespace, db.ip, 22), "it has joined the group");
        world.call(
            "ModifyNetworkInterfaceAttribute",
            json!({"NetworkInterfaceId": member.interface, "Groups": [others]}),
        );
        assert_eq!(tries(&member.namespace, db.ip, 22), Outcome::Silence, "it has left the group");
    });
}

#[test]
fn a_removed_rule_ends_only_flows_that_were_not_tracked() {
    in_tree("fabric::a_removed_rule_ends_only_flows_that_were_not_tracked", || {
        let mut world = World::new();
        let network = world.network();
        let outer = world.group(&network.vpc, "outer", &[]);
        let inner = world.group(&network.vpc, "inner", &[]);
        let narrow = Rule::Tcp(80, "10.0.1.0/24");
        let wide = Rule::Tcp(81, EVERYBODY);
        world.allow(&inner, narrow);
        world.allow(&inner, wide);
        let web = world.host(&network.public, "10.0.1.10", &[&outer], false);
        let db = world.host(&network.private, "10.0.2.10", &[&inner], false);
        world.settle();
        echoes(&db.namespace, db.ip, 80);
        echoes(&db.namespace, db.ip, 81);
        let mut tracked = Flow::open(&web.namespace, db.ip, 80);
        let mut untracked = Flow::open(&web.namespace, db.ip, 81);
        assert!(tracked.lives() && untracked.lives());

        world.revoke(&inner, narrow);
        world.revoke(&inner, wide);
        world.settle();
        assert!(tracked.lives(), "what is established goes on");
        assert!(!untracked.lives(), "what everybody might do is not tracked, and is cut");
        assert_eq!(tries(&web.namespace, db.ip, 80), Outcome::Silence);

        world.allow(&inner, Rule::TcpFrom(81, &outer));
        world.settle();
        assert!(untracked.recovers(), "another rule that covers it brings it back");
    });
}

#[test]
fn an_untracked_flow_needs_the_outbound_rule_for_its_replies() {
    in_tree("fabric::an_untracked_flow_needs_the_outbound_rule_for_its_replies", || {
        let mut world = World::new();
        let network = world.network();
        let outer = world.group(&network.vpc, "outer", &[]);
        let inner =
            world.group(&network.vpc, "inner", &[Rule::Tcp(80, EVERYBODY), Rule::Tcp(81, "10.0.1.0/24")]);
        let web = world.host(&network.public, "10.0.1.10", &[&outer], false);
        let db = world.host(&network.private, "10.0.2.10", &[&inner], false);
        world.settle();
        echoes(&db.namespace, db.ip, 80);
        echoes(&db.namespace, db.ip, 81);
        let mut untracked = Flow::open(&web.namespace, db.ip, 80);
        let mut tracked = Flow::open(&web.namespace, db.ip, 81);
        assert!(untracked.lives() && tracked.lives());
        let all = json!([{"IpProtocol": "-1", "IpRanges": [{"CidrIp": EVERYBODY}]}]);
        world.call("RevokeSecurityGroupEgress", json!({"GroupId": inner, "IpPermissions": all}));
        assert!(!untracked.lives());
        assert!(tracked.lives());
        assert!(connects(&web.namespace, db.ip, 80), "a new one is tracked, and its replies need no rule");
    });
}

#[test]
fn an_appliance_gets_foreign_packets_only_with_its_check_off() {
    in_tree("fabric::an_appliance_gets_foreign_packets_only_with_its_check_off", || {
        let mut world = World::new();
        let network = world.network();
        let open = world.group(&network.vpc, "open", &[Rule::Udp(9, EVERYBODY)]);
        let sender = world.host(&network.private, "10.0.2.10", &[&open], false);
        let appliance = world.host(&network.public, "10.0.1.10", &[&open], false);
        world.settle();
        let behind = Ipv4Addr::new(172, 20, 0, 1);
        run_in(&appliance.namespace, &["ip", "addr", "add", "172.20.0.1/32", "dev", "lo"]);
        let table = world.id("CreateRouteTable", json!({"VpcId": network.vpc}), "/RouteTable/RouteTableId");
        world.change("AssociateRouteTable", json!({"RouteTableId": table, "SubnetId": network.private}));
        let route = json!({
            "RouteTableId": table,
            "DestinationCidrBlock": "172.20.0.0/16",
            "NetworkInterfaceId": appliance.interface,
        });
        world.call("CreateRoute", route);
        let inbox = kernel::udp_bind(&appliance.namespace, SocketAddrV4::new(behind, 9)).expect("a socket");
        inbox.set_read_timeout(Some(SILENCE)).expect("a time");
        let arrives = || delivers(sender.ip, &sender.namespace, &inbox);
        assert_eq!(arrives(), None);
        let check = json!({"NetworkInterfaceId": appliance.interface, "SourceDestCheck": {"Value": false}});
        world.call("ModifyNetworkInterfaceAttribute", check);
        assert_eq!(arrives(), Some(sender.ip));

        world.call("StopInstances", json!({"InstanceIds": [appliance.id]}));
        let others = Ipv4Addr::new(172, 20, 0, 2);
        assert_eq!(tries(&sender.namespace, others, 80), Outcome::Silence, "the route is a blackhole now");
    });
}

#[test]
fn the_internet_needs_a_gateway_a_route_and_a_public_address() {
    in_tree("fabric::the_internet_needs_a_gateway_a_route_and_a_public_address", || {
        let mut world = World::new();
        let network = world.network();
        let open = world.group(&network.vpc, "open", &[Rule::Icmp(EVERYBODY), Rule::Tcp(80, EVERYBODY)]);
        let web = world.host(&network.public, "10.0.1.10", &[&open], true);
        let plain = world.host(&network.public, "10.0.1.20", &[&open], false);
        let hidden = world.host(&network.private, "10.0.2.10", &[&open], true);
        world.settle();
        let laptop = world.laptop();
        echoes(&web.namespace, web.ip, 80);
        echoes(&laptop, fabric::LAPTOP_ADDRESS, 80);
        let public = world.public_ip(&web);

        assert!(answers(&laptop, public));
        assert_eq!(seen_as(&laptop, public, 80), "198.51.100.10");
        assert_eq!(seen_as(&web.namespace, fabric::LAPTOP_ADDRESS, 80), public.to_string());
        assert_eq!(
            hops(&laptop, public),
            Some(4),
            "three providers and the edge; the VPC's router does not show"
        );
        assert_eq!(
            seen_as(&web.namespace, public, 80),
            public.to_string(),
            "by its own public address, as outside"
        );
        assert!(
            is_silent(&plain.namespace, public),
            "not even a neighbour's public address, without one's own"
        );
        assert!(is_silent(&plain.namespace, fabric::LAPTOP_ADDRESS), "no public address, no way out");
        assert!(is_silent(&laptop, world.public_ip(&hidden)), "no route back from the private subnet");
        assert!(is_silent(&hidden.namespace, fabric::LAPTOP_ADDRESS));
        assert!(is_silent(&laptop, web.ip), "private addresses do not exist out there");

        let inbox =
            kernel::udp_bind(&laptop, SocketAddrV4::new(fabric::LAPTOP_ADDRESS, 9)).expect("a socket");
        inbox.set_read_timeout(Some(SILENCE)).expect("a time");
        for (host, arrives) in [(&web, true), (&plain, false), (&hidden, false)] {
            assert_eq!(
                delivers(host.ip, &host.namespace, &inbox),
                arrives.then_some(public),
                "from {}",
                host.ip
            );
        }

        let route = json!({"RouteTableId": network.table, "DestinationCidrBlock": EVERYBODY});
        let mut flow = Flow::open(&laptop, public, 80);
        world.call("DeleteRoute", route.clone());
        assert!(is_silent(&laptop, public), "no route, no answer");
        assert!(!flow.lives());
        world.default_route(&network.table, "GatewayId", &network.gateway);
        world.settle();
        assert!(answers(&laptop, public));
        assert!(flow.recovers(), "the same connection goes on");
    });
}

#[test]
fn a_detached_gateway_leaves_a_blackhole() {
    in_tree("fabric::a_detached_gateway_leaves_a_blackhole", || {
        let mut world = World::new();
        let network = world.network();
        let open = world.group(&network.vpc, "open", &[Rule::Icmp(EVERYBODY)]);
        let web = world.host(&network.public, "10.0.1.10", &[&open], false);
        let neighbour = world.host(&network.private, "10.0.2.10", &[&open], false);
        let (allocation, public) = world.elastic_ip();
        let associate = json!({"AllocationId": allocation, "NetworkInterfaceId": web.interface});
        let association = world.id("AssociateAddress", associate.clone(), "/AssociationId");
        world.settle();
        let laptop = world.laptop();
        assert!(answers(&laptop, public));

        world.change("DisassociateAddress", json!({"AssociationId": association}));
        let gateway = json!({"VpcId": network.vpc, "InternetGatewayId": network.gateway});
        world.call("DetachInternetGateway", gateway.clone());
        assert!(is_silent(&laptop, public));
        assert_eq!(
            tries(&web.namespace, fabric::LAPTOP_ADDRESS, 80),
            Outcome::Silence,
            "dropped without a word"
        );
        assert!(answers(&web.namespace, neighbour.ip), "the VPC itself goes on");

        world.change("AttachInternetGateway", gateway);
        world.call("AssociateAddress", associate);
        assert!(answers(&laptop, public), "the old route works again");
    });
}

#[test]
fn an_elastic_ip_moves_at_once() {
    in_tree("fabric::an_elastic_ip_moves_at_once", || {
        let mut world = World::new();
        let network = world.network();
        let open = world.group(&network.vpc, "open", &[Rule::Tcp(80, EVERYBODY)]);
        let first = world.host(&network.public, "10.0.1.10", &[&open], false);
        let second = world.host(&network.public, "10.0.1.20", &[&open], false);
        let (allocation, public) = world.elastic_ip();
        let associate = |interface: &str| json!({"AllocationId": allocation, "NetworkInterfaceId": interface, "AllowReassociation": true});
        world.call("AssociateAddress", associate(&first.interface));
        for host in [&first, &second] {
            echoes(&host.namespace, host.ip, 80);
        }
        let laptop = world.laptop();
        let mut flow = Flow::open(&laptop, public, 80);
        assert!(flow.lives());

        world.call("AssociateAddress", associate(&second.interface));
        assert!(!flow.lives(), "the connection to the former holder is cut");
        assert!(Flow::open(&laptop, public, 80).lives(), "the new holder answers");
        echoes(&laptop, fabric::LAPTOP_ADDRESS, 80);
        assert_eq!(seen_as(&second.namespace, fabric::LAPTOP_ADDRESS, 80), public.to_string());
        assert_eq!(tries(&first.namespace, fabric::LAPTOP_ADDRESS, 80), Outcome::Silence);
    });
}

#[test]
fn networks_with_equal_addresses_do_not_meet() {
    in_tree("fabric::networks_with_equal_addresses_do_not_meet", || {
        let mut world = World::new();
        let mut places = Vec::new();
        for _ in 0..2 {
            let network = world.network();
            let open = world.group(&network.vpc, "open", &[Rule::Tcp(80, EVERYBODY)]);
            let web = world.host(&network.public, "10.0.1.10", &[&open], true);
            let peer = world.host(&network.public, "10.0.1.20", &[&open], false);
            world.settle();
            places.push((network, web, peer));
        }
        let laptop = world.laptop();
        echoes(&laptop, fabric::LAPTOP_ADDRESS, 80);
        let mut publics = BTreeSet::new();
        for (network, web, peer) in &places {
            echoes(&web.namespace, web.ip, 80);
            let public = world.public_ip(web);
            assert_eq!(seen_as(&web.namespace, fabric::LAPTOP_ADDRESS, 80), public.to_string());
            publics.insert(public);
            assert_eq!(seen_as(&peer.namespace, web.ip, 80), "10.0.1.20");

            // The resolver listens in each router: it knows by its socket which VPC a question comes from.
            let resolver = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 53);
            let service = kernel::udp_bind(&world.router(&network.vpc), resolver).expect("a socket");
            service.set_read_timeout(Some(Duration::from_secs(5))).expect("a time");
            let client = kernel::udp_bind(&web.namespace, SocketAddrV4::new(web.ip, 0)).expect("a socket");
            client.send_to(network.vpc.as_bytes(), resolver).expect("sent");
            let mut buffer = [0; 64];
            let (length, from) = service.recv_from(&mut buffer).expect("a question");
            assert_eq!(&buffer[..length], network.vpc.as_bytes());
            assert_eq!(from.ip().to_string(), "10.0.1.10");
        }
        assert_eq!(publics.len(), 2);
        // No way leads from one to the other but by public addresses.
        let ((_, first, _), (_, second, stranger)) = (&places[0], &places[1]);
        let first_public = world.public_ip(first);
        assert_eq!(
            tries(&stranger.namespace, first_public, 80),
            Outcome::Silence,
            "it has no public address"
        );
        assert_eq!(seen_as(&second.namespace, first_public, 80), world.public_ip(second).to_string());
    });
}

#[test]
fn labs_are_apart() {
    in_tree("fabric::labs_are_apart", || {
        let mut world = World::new();
        let mut labs = Vec::new();
        for account in ["111122223333", "444455556666"] {
            world.enter(account);
            let network = world.network();
            let open = world.group(&network.vpc, "open", &[Rule::Tcp(80, EVERYBODY), Rule::Icmp(EVERYBODY)]);
            let web = world.host(&network.public, "10.0.1.10", &[&open], true);
            world.settle();
            echoes(&web.namespace, web.ip, 80);
            echoes(&world.laptop(), fabric::LAPTOP_ADDRESS, 80);
            labs.push((world.laptop(), world.public_ip(&web), web));
        }
        let [(laptop, public, web), (other_laptop, other_public, other_web)] = &labs[..] else {
            panic!("two labs")
        };
        assert!(answers(laptop, *public) && answers(other_laptop, *other_public));
        if public != other_public {
            assert!(is_silent(laptop, *other_public), "the other lab's address leads nowhere");
            assert!(is_silent(other_laptop, *public));
            assert!(is_silent(&web.namespace, *other_public));
        }
        assert_eq!(seen_as(&web.namespace, fabric::LAPTOP_ADDRESS, 80), public.to_string());
        assert_eq!(seen_as(&other_web.namespace, fabric::LAPTOP_ADDRESS, 80), other_public.to_string());

        // One lab goes, the other stays.
        world.state.accounts.remove("444455556666");
        world.settle();
        assert!(answers(laptop, *public));
        let left = names_of_namespaces();
        assert!(left.iter().all(|name| name.starts_with("111122223333-")), "{left:?}");
    });
}

#[test]
fn a_forged_source_is_dropped_unless_the_check_is_off() {
    in_tree("fabric::a_forged_source_is_dropped_unless_the_check_is_off", || {
        let mut world = World::new();
        let network = world.network();
        let open = world.group(&network.vpc, "open", &[Rule::Udp(9, EVERYBODY)]);
        let sender = world.host(&network.public, "10.0.1.10", &[&open], false);
        let receiver = world.host(&network.private, "10.0.2.10", &[&open], false);
        world.settle();
        let forged = Ipv4Addr::new(10, 0, 1, 99);
        run_in(&sender.namespace, &["ip", "addr", "add", "10.0.1.99/32", "dev", "eth0"]);
        let inbox =
            kernel::udp_bind(&receiver.namespace, SocketAddrV4::new(receiver.ip, 9)).expect("a socket");
        inbox.set_read_timeout(Some(SILENCE)).expect("a time");
        let arrives = |source: Ipv4Addr| delivers(source, &sender.namespace, &inbox) == Some(source);
        assert!(arrives(sender.ip));
        assert!(!arrives(forged));

        let check =
            |on: bool| json!({"NetworkInterfaceId": sender.interface, "SourceDestCheck": {"Value": on}});
        world.call("ModifyNetworkInterfaceAttribute", check(false));
        assert!(arrives(forged));
        world.call("ModifyNetworkInterfaceAttribute", check(true));
        assert!(!arrives(forged));
    });
}

#[test]
fn neighbours_have_true_hardware_addresses_and_routers_do_not_show() {
    in_tree("fabric::neighbours_have_true_hardware_addresses_and_routers_do_not_show", || {
        let mut world = World::new();
        let network = world.network();
        let open = world.group(&network.vpc, "open", &[Rule::Icmp(EVERYBODY)]);
        let one = world.host(&network.public, "10.0.1.10", &[&open], false);
        let two = world.host(&network.public, "10.0.1.20", &[&open], false);
        let far = world.host(&network.private, "10.0.2.10", &[&open], false);
        world.settle();
        for other in [&two, &far] {
            assert!(answers(&one.namespace, other.ip));
            assert_eq!(hops(&one.namespace, other.ip), Some(0));
        }
        let region = world.state.region(world.account(), "us-east-1").expect("a region");
        let mac = region.network_interfaces.get(&two.interface).expect("an interface").mac.clone();
        assert_eq!(neighbour(&one.namespace, two.ip), Some(mac));
        assert_eq!(
            neighbour(&one.namespace, Ipv4Addr::new(10, 0, 1, 1)).as_deref(),
            Some("02:00:00:00:00:01")
        );
        let nobody = Ipv4Addr::new(10, 0, 1, 77);
        assert!(is_silent(&one.namespace, nobody));
        assert_eq!(neighbour(&one.namespace, nobody), None);
        assert!(is_silent(&one.namespace, Ipv4Addr::new(10, 0, 1, 1)), "the router itself does not answer");
    });
}

#[test]
fn metadata_and_resolver_answer_whatever_groups_say() {
    in_tree("fabric::metadata_and_resolver_answer_whatever_groups_say", || {
        let mut world = World::new();
        let network = world.network();
        let closed = world.group(&network.vpc, "closed", &[]);
        let all = json!([{"IpProtocol": "-1", "IpRanges": [{"CidrIp": EVERYBODY}]}]);
        world.change("RevokeSecurityGroupEgress", json!({"GroupId": closed, "IpPermissions": all}));
        let web = world.host(&network.private, "10.0.2.10", &[&closed], false);
        world.settle();
        echoes(&world.router(&network.vpc), fabric::METADATA_ADDRESS, 80);
        assert_eq!(seen_as(&web.namespace, fabric::METADATA_ADDRESS, 80), "10.0.2.10");
        assert_eq!(tries(&web.namespace, fabric::METADATA_ADDRESS, 22), Outcome::Silence);

        echoes(&world.router(&network.vpc), fabric::resolver("10.0.0.0/16".parse().expect("a network")), 53);
        assert_eq!(seen_as(&web.namespace, Ipv4Addr::new(10, 0, 0, 2), 53), "10.0.2.10");
        let off = json!({"VpcId": network.vpc, "EnableDnsSupport": {"Value": false}});
        world.call("ModifyVpcAttribute", off);
        assert_eq!(tries(&web.namespace, Ipv4Addr::new(10, 0, 0, 2), 53), Outcome::Silence);
    });
}

#[test]
fn changes_in_place_lose_no_packet() {
    in_tree("fabric::changes_in_place_lose_no_packet", || {
        let mut world = World::new();
        let network = world.network();
        let open = world.group(&network.vpc, "open", &[Rule::Icmp(EVERYBODY)]);
        let web = world.host(&network.public, "10.0.1.10", &[&open], true);
        let db = world.host(&network.private, "10.0.2.10", &[&open], false);
        world.settle();
        let streams =
            [Stream::start(&world.laptop(), world.public_ip(&web)), Stream::start(&web.namespace, db.ip)];
        let other = world.id("CreateRouteTable", json!({"VpcId": network.vpc}), "/RouteTable/RouteTableId");
        for round in 0..5_u16 {
            world.allow(&open, Rule::Tcp(1000 + round, "10.0.0.0/8"));
            world.settle();
            let subnet = world.subnet(&network.vpc, &format!("10.0.{}.0/24", 10 + round));
            let host = world.host(&subnet, &format!("10.0.{}.10", 10 + round), &[&open], true);
            world.settle();
            let associate = json!({"RouteTableId": other, "SubnetId": network.private});
            let association = world.id("AssociateRouteTable", associate, "/AssociationId");
            world.settle();
            for stream in &streams {
                stream.go_on_for(20);
            }
            world.call("DisassociateRouteTable", json!({"AssociationId": association}));
            world.revoke(&open, Rule::Tcp(1000 + round, "10.0.0.0/8"));
            world.call("TerminateInstances", json!({"InstanceIds": [host.id]}));
        }
        for stream in streams {
            let (sent, lost) = stream.end();
            assert!(sent >= 100, "only {sent} pings in five rounds of changes");
            assert_eq!(lost, 0, "of {sent}");
        }
    });
}

#[test]
fn a_nat_gateway_lets_out_and_nothing_in() {
    in_tree("fabric::a_nat_gateway_lets_out_and_nothing_in", || {
        let mut world = World::new();
        let network = world.network();
        let open = world.group(&network.vpc, "open", &[Rule::Icmp(EVERYBODY), Rule::Tcp(80, EVERYBODY)]);
        let db = world.host(&network.private, "10.0.2.10", &[&open], false);
        world.settle();
        let laptop = world.laptop();
        echoes(&laptop, fabric::LAPTOP_ADDRESS, 80);
        echoes(&db.namespace, db.ip, 80);
        assert_eq!(tries(&db.namespace, fabric::LAPTOP_ADDRESS, 80), Outcome::Silence);

        let (allocation, public) = world.elastic_ip();
        let create = json!({"SubnetId": network.public, "AllocationId": allocation});
        let gateway = world.id("CreateNatGateway", create, "/NatGateway/NatGatewayId");
        world.settle();
        let table = world.id("CreateRouteTable", json!({"VpcId": network.vpc}), "/RouteTable/RouteTableId");
        world.change("AssociateRouteTable", json!({"RouteTableId": table, "SubnetId": network.private}));
        world.default_route(&table, "NatGatewayId", &gateway);
        world.settle();
        assert_eq!(seen_as(&db.namespace, fabric::LAPTOP_ADDRESS, 80), public.to_string());
        assert_eq!(hops(&db.namespace, fabric::LAPTOP_ADDRESS), Some(5), "the gateway is one hop more");
        assert_ne!(tries(&laptop, public, 80), Outcome::Connected, "nothing gets in");
        assert!(is_silent(&laptop, db.ip));

        let mut flow = Flow::open(&db.namespace, fabric::LAPTOP_ADDRESS, 80);
        world.call("DeleteNatGateway", json!({"NatGatewayId": gateway}));
        assert!(!flow.lives());
        assert_eq!(
            tries(&db.namespace, fabric::LAPTOP_ADDRESS, 80),
            Outcome::Silence,
            "the blackhole that stays"
        );
        let left = names_of_namespaces();
        assert!(!left.iter().any(|name| name.contains("nat-")), "{left:?}");
    });
}

#[test]
fn an_acl_knows_no_flows() {
    in_tree("fabric::an_acl_knows_no_flows", || {
        let mut world = World::new();
        let network = world.network();
        let open = world.group(&network.vpc, "open", &[Rule::Tcp(80, EVERYBODY)]);
        let web = world.host(&network.public, "10.0.1.10", &[&open], false);
        let db = world.host(&network.private, "10.0.2.10", &[&open], false);
        let near = world.host(&network.private, "10.0.2.20", &[&open], false);
        world.settle();
        echoes(&db.namespace, db.ip, 80);
        let region = world.state.region(world.account(), "us-east-1").expect("a region");
        let standard = region.network_acl_of(&network.private).expect("every subnet has one");
        let association = standard
            .associations
            .iter()
            .find(|a| a.subnet_id == network.private)
            .expect("its own")
            .id
            .clone();
        let acl = world.id("CreateNetworkAcl", json!({"VpcId": network.vpc}), "/NetworkAcl/NetworkAclId");
        let mut flow = Flow::open(&web.namespace, db.ip, 80);
        let replace = json!({"AssociationId": association, "NetworkAclId": acl});
        world.call("ReplaceNetworkAclAssociation", replace);
        assert!(!flow.lives(), "a new ACL denies everything, also what was established");
        assert!(connects(&near.namespace, db.ip, 80), "neighbours do not meet it");

        let entry = |number: u16, egress: bool, from: u16, to: u16| {
            json!({
                "NetworkAclId": acl, "RuleNumber": number, "Egress": egress, "Protocol": "6", "RuleAction": "allow",
                "CidrBlock": "10.0.1.0/24", "PortRange": {"From": from, "To": to},
            })
        };
        world.call("CreateNetworkAclEntry", entry(100, false, 80, 80));
        assert_eq!(tries(&web.namespace, db.ip, 80), Outcome::Silence, "in, but no way back");
        world.call("CreateNetworkAclEntry", entry(100, true, 1024, 65535));
        assert!(connects(&web.namespace, db.ip, 80));
        assert!(flow.recovers());
    });
}

#[test]
fn a_stopped_instance_is_silent_and_a_started_one_is_back() {
    in_tree("fabric::a_stopped_instance_is_silent_and_a_started_one_is_back", || {
        let mut world = World::new();
        let network = world.network();
        let open = world.group(&network.vpc, "open", &[Rule::Icmp(EVERYBODY)]);
        let web = world.host(&network.public, "10.0.1.10", &[&open], false);
        let db = world.host(&network.private, "10.0.2.10", &[&open], false);
        world.settle();
        assert!(answers(&web.namespace, db.ip));

        world.call("StopInstances", json!({"InstanceIds": [db.id]}));
        assert!(is_silent(&web.namespace, db.ip));
        assert!(!names_of_namespaces().contains(&db.namespace));
        world.call("StartInstances", json!({"InstanceIds": [db.id]}));
        assert!(answers(&web.namespace, db.ip));
        let boots =
            world.reconciler.machines().started.iter().filter(|spec| spec.instance_id == db.id).count();
        assert_eq!(boots, 2);

        world.call("TerminateInstances", json!({"InstanceIds": [db.id, web.id]}));
        let left = names_of_namespaces();
        assert!(!left.contains(&db.namespace) && !left.contains(&web.namespace), "{left:?}");
        let links = run_in(&world.router(&network.vpc), &["ip", "-brief", "link"]);
        assert!(!links.contains("eni"), "{links}");
    });
}

#[test]
fn a_reboot_repairs_what_a_system_did_to_its_link() {
    in_tree("fabric::a_reboot_repairs_what_a_system_did_to_its_link", || {
        let mut world = World::new();
        let network = world.network();
        let open = world.group(&network.vpc, "open", &[Rule::Icmp(EVERYBODY)]);
        let web = world.host(&network.public, "10.0.1.10", &[&open], true);
        world.settle();
        let (laptop, public) = (world.laptop(), world.public_ip(&web));
        assert!(answers(&laptop, public));
        let damages: [&[&str]; 3] = [
            &["ip", "addr", "flush", "dev", "eth0"],
            &["ip", "link", "set", "eth0", "down"],
            &["ip", "link", "del", "eth0"],
        ];
        for damage in damages {
            run_in(&web.namespace, damage);
            assert!(is_silent(&laptop, public), "{damage:?} cuts it off");
            world.reconciler.heard(&GuestEvent::Rebooting { id: web.id.clone() });
            world.settle_in_passes(3);
            assert!(answers(&laptop, public), "the next boot repairs {damage:?}");
            assert!(is_silent(&laptop, web.ip));
        }
    });
}

#[test]
fn what_stands_in_the_way_is_reported_and_then_replaced() {
    in_tree("fabric::what_stands_in_the_way_is_reported_and_then_replaced", || {
        let mut world = World::new();
        let network = world.network();
        let open = world.group(&network.vpc, "open", &[Rule::Icmp(EVERYBODY)]);
        let web = world.host(&network.public, "10.0.1.10", &[&open], false);
        world.settle();
        // Somebody makes a link where the next one belongs, and empties the router's rules.
        let db = world.host(&network.private, "10.0.2.10", &[&open], false);
        let router = world.router(&network.vpc);
        let link = format!("eni{}", &db.interface[db.interface.len() - 12..]);
        run_in(&router, &["ip", "link", "add", &link, "type", "veth", "peer", "name", "other"]);
        run_in(&router, &["nft", "flush", "ruleset"]);

        let pass = world.reconciler.pass(&world.state);
        let problems: Vec<String> = pass.problems.iter().map(ToString::to_string).collect();
        assert!(
            problems.iter().any(|text| text.contains("link add") && text.contains("File exists")),
            "{problems:?}"
        );
        assert!(problems.iter().any(|text| text.starts_with("nft in namespace")), "{problems:?}");
        assert!(pass.retry_in.is_some_and(|wait| wait <= Duration::from_millis(250)), "{:?}", pass.retry_in);
        world.settle();
        assert!(answers(&web.namespace, db.ip));
        assert!(world.reconciler.pass(&world.state).retry_in.is_none());
    });
}

/// Inside the tree: builds a network and waits to be killed.
#[test]
fn nothing_is_left_when_a_tree_is_killed() {
    const NAME: &str = "fabric::nothing_is_left_when_a_tree_is_killed";
    if is_inside(NAME) {
        return in_tree(NAME, || {
            let mut world = World::new();
            let network = world.network();
            let open = world.group(&network.vpc, "open", &[Rule::Icmp(EVERYBODY)]);
            let web = world.host(&network.public, "10.0.1.10", &[&open], true);
            world.settle();
            assert!(answers(&world.laptop(), world.public_ip(&web)));
            let inode = fs::read_link("/proc/self/ns/mnt").expect("a mount namespace");
            println!("\nready {}", inode.display());
            thread::sleep(Duration::from_secs(600));
        });
    }
    let before = Host::look();
    let mut child = spawn(NAME);
    let output = BufReader::new(child.stdout.take().expect("a pipe"));
    let ready = output.lines().map_while(Result::ok).find(|line| line.starts_with("ready "));
    let tree =
        ready.and_then(|line| line.strip_prefix("ready ").map(str::to_owned)).expect("the tree is built");
    assert!(processes_in(&tree) > 0, "the tree's processes can be seen from here");
    assert_eq!(Host::look(), before, "a living tree shows nothing to the host");
    child.kill().expect("the tree's parent can be killed");
    child.wait().expect("it ends");
    let gone = (0..200).any(|_| {
        thread::sleep(Duration::from_millis(10));
        processes_in(&tree) == 0
    });
    assert!(gone, "processes are left in {tree}");
    assert_eq!(Host::look(), before);
}

/// What the host shows of networks.
#[derive(Debug, PartialEq, Eq)]
struct Host {
    links: Vec<String>,
    handles: Vec<String>,
    mounts: usize,
}

impl Host {
    fn look() -> Self {
        let list = |path: &str| {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            let mut names: Vec<String> =
                entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            names
        };
        let mounts = fs::read_to_string("/proc/self/mounts").expect("the list of mounts");
        Self {
            links: list("/sys/class/net"),
            handles: list("/run/netns"),
            mounts: mounts
                .lines()
                .filter(|line| line.contains("nsfs") || line.contains("/run/netns"))
                .count(),
        }
    }
}

/// How many processes are in a mount namespace.
fn processes_in(mount_namespace: &str) -> usize {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    entries
        .filter(|entry| {
            fs::read_link(entry.path().join("ns/mnt"))
                .is_ok_and(|link| link.to_string_lossy() == mount_namespace)
        })
        .count()
}

fn names_of_namespaces() -> BTreeSet<String> {
    let entries = fs::read_dir("/run/netns").expect("the directory of namespaces").flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Sends a datagram from an address of a namespace to a socket; as whom the sender arrives, if at all.
fn delivers(source: Ipv4Addr, namespace: &str, inbox: &UdpSocket) -> Option<Ipv4Addr> {
    let outbox = kernel::udp_bind(namespace, SocketAddrV4::new(source, 0)).expect("a socket");
    outbox.send_to(b"x", inbox.local_addr().expect("an address")).expect("sent");
    match inbox.recv_from(&mut [0; 8]).ok()?.1 {
        SocketAddr::V4(from) => Some(*from.ip()),
        SocketAddr::V6(_) => None,
    }
}

/// Runs a program in a namespace and returns what it says; it has to succeed.
fn run_in(namespace: &str, command: &[&str]) -> String {
    let output = kernel::enter(namespace, || Command::new(command[0]).args(&command[1..]).output());
    let output = output.expect("a namespace").expect("a program");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
