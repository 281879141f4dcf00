//! What a guest sees of its network: neighbours, hops, and the services of its VPC.

use std::net::Ipv4Addr;

use lab::region::fabric;
use serde_json::json;

use super::EVERYBODY;
use super::probe::{Outcome, answers, echoes, hops, is_silent, neighbour, seen_as, tries};
use super::tree::in_tree;
use super::world::{Rule, World};

#[test]
fn neighbours_have_true_hardware_addresses_and_routers_do_not_show() {
    in_tree("fabric::look::neighbours_have_true_hardware_addresses_and_routers_do_not_show", || {
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
    in_tree("fabric::look::metadata_and_resolver_answer_whatever_groups_say", || {
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
