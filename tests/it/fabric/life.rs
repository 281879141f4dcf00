//! Changes under traffic, ends and beginnings, and repairs.

use std::time::Duration;

use lab::region::guest::GuestEvent;
use serde_json::json;

use super::EVERYBODY;
use super::probe::{Stream, answers, is_silent, names_of_namespaces, run_in};
use super::tree::in_tree;
use super::world::{Rule, World};

#[test]
fn changes_in_place_lose_no_packet() {
    in_tree("fabric::life::changes_in_place_lose_no_packet", || {
        let mut world = World::new();
        let network = world.network();
        let open = world.group(&network.vpc, "open", &[Rule::Icmp(EVERYBODY)]);
        let web = world.host(&network.public, "10.0.1.10", &[&open], true);
        let db = world.host(&network.private, "10.0.2.10", &[&open], false);
        world.settle();
        let (laptop, public) = (world.laptop(), world.public_ip(&web));
        assert!(answers(&laptop, public) && answers(&web.namespace, db.ip));
        let streams = [Stream::start(&laptop, public), Stream::start(&web.namespace, db.ip)];
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
            assert!(lost.is_empty(), "of {sent} requests: {lost:?}");
        }
    });
}

#[test]
fn a_stopped_instance_is_silent_and_a_started_one_is_back() {
    in_tree("fabric::life::a_stopped_instance_is_silent_and_a_started_one_is_back", || {
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
    in_tree("fabric::life::a_reboot_repairs_what_a_system_did_to_its_link", || {
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
            world.reconciler.heard(&GuestEvent::Rebooting { id: web.namespace.clone() });
            world.settle_in_passes(3);
            assert!(answers(&laptop, public), "the next boot repairs {damage:?}");
            assert!(is_silent(&laptop, web.ip));
        }
    });
}

#[test]
fn what_stands_in_the_way_is_reported_and_then_replaced() {
    in_tree("fabric::life::what_stands_in_the_way_is_reported_and_then_replaced", || {
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
