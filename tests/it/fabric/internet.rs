//! Internet gateways, public addresses, Elastic IPs and NAT gateways.

use lab::region::fabric;
use lab::region::kernel::{Kernel as _, Linux};
use serde_json::json;

use super::EVERYBODY;
use super::probe::{
    Flow, Outcome, answers, delivers, echoes, hops, inbox, is_silent, names_of_namespaces, run_in, seen_as,
    tries,
};
use super::tree::in_tree;
use super::world::{Rule, World};

#[test]
fn the_internet_needs_a_gateway_a_route_and_a_public_address() {
    in_tree("fabric::internet::the_internet_needs_a_gateway_a_route_and_a_public_address", || {
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

        let received = inbox(&laptop, fabric::LAPTOP_ADDRESS);
        for (host, arrives) in [(&web, true), (&plain, false), (&hidden, false)] {
            let seen = delivers(host.ip, &host.namespace, fabric::LAPTOP_ADDRESS, &received);
            assert_eq!(seen, arrives.then_some(public), "from {}", host.ip);
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
    in_tree("fabric::internet::a_detached_gateway_leaves_a_blackhole", || {
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
    in_tree("fabric::internet::an_elastic_ip_moves_at_once", || {
        let mut world = World::new();
        let network = world.network();
        // One port whose flows are tracked, one whose flows are not.
        let rules = [Rule::Tcp(80, EVERYBODY), Rule::Tcp(81, "198.51.100.10/32")];
        let open = world.group(&network.vpc, "open", &rules);
        let first = world.host(&network.public, "10.0.1.10", &[&open], false);
        let second = world.host(&network.public, "10.0.1.20", &[&open], false);
        let (allocation, public) = world.elastic_ip();
        let (other, other_public) = world.elastic_ip();
        let associate = |allocation: &str, interface: &str| json!({"AllocationId": allocation, "NetworkInterfaceId": interface, "AllowReassociation": true});
        world.call("AssociateAddress", associate(&allocation, &first.interface));
        for host in [&first, &second] {
            echoes(&host.namespace, host.ip, 80);
            echoes(&host.namespace, host.ip, 81);
        }
        let laptop = world.laptop();
        let mut flows = [80, 81].map(|port| Flow::open(&laptop, public, port));
        assert!(flows.iter_mut().all(Flow::lives));

        // The former holder stays on the Internet by another address: nothing but the table of flows knows better.
        world.change("AssociateAddress", associate(&other, &first.interface));
        world.call("AssociateAddress", associate(&allocation, &second.interface));
        for (flow, kind) in flows.iter_mut().zip(["an untracked", "a tracked"]) {
            assert!(!flow.lives(), "{kind} connection to the former holder is cut");
        }
        assert!(Flow::open(&laptop, public, 80).lives(), "the new holder answers");
        assert!(Flow::open(&laptop, public, 81).lives());
        assert!(Flow::open(&laptop, other_public, 80).lives());
        echoes(&laptop, fabric::LAPTOP_ADDRESS, 80);
        assert_eq!(seen_as(&second.namespace, fabric::LAPTOP_ADDRESS, 80), public.to_string());
        assert_eq!(seen_as(&first.namespace, fabric::LAPTOP_ADDRESS, 80), other_public.to_string());
    });
}

#[test]
fn the_edge_believes_no_forged_source() {
    in_tree("fabric::internet::the_edge_believes_no_forged_source", || {
        let mut world = World::new();
        let network = world.network();
        let open = world.group(&network.vpc, "open", &[Rule::Udp(9, EVERYBODY)]);
        let web = world.host(&network.public, "10.0.1.10", &[&open], true);
        world.settle();
        let (laptop, public) = (world.laptop(), world.public_ip(&web));
        let received = inbox(&web.namespace, web.ip);
        let arrives = |source| delivers(source, &laptop, public, &received) == Some(source);
        assert!(arrives(fabric::LAPTOP_ADDRESS));
        for forged in ["10.0.2.10", "203.0.113.200", "169.254.169.254"] {
            run_in(&laptop, &["ip", "addr", "add", &format!("{forged}/32"), "dev", "eth0"]);
            assert!(!arrives(forged.parse().expect("an address")), "{forged}");
        }
    });
}

#[test]
fn a_nat_gateway_lets_out_and_nothing_in() {
    in_tree("fabric::internet::a_nat_gateway_lets_out_and_nothing_in", || {
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

        // As if nothing had been said for 350 seconds.
        let mut idle = Flow::open(&db.namespace, fabric::LAPTOP_ADDRESS, 80);
        let inside = fabric::nat_gateway(world.account(), &gateway);
        Linux.forget_flows(&inside, &[db.ip]).expect("forgotten");
        assert!(idle.is_reset(), "who goes on after the time-out is told");
        assert!(Flow::open(&db.namespace, fabric::LAPTOP_ADDRESS, 80).lives());

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
