//! Security groups and network ACLs: what is let through, and what becomes of flows when a rule changes.

use std::net::Ipv4Addr;

use serde_json::json;

use super::EVERYBODY;
use super::probe::{Flow, Outcome, answers, connects, delivers, echoes, inbox, is_silent, seen_as, tries};
use super::tree::in_tree;
use super::world::{Rule, World};

#[test]
fn a_group_is_closed_until_a_rule_opens_it() {
    in_tree("fabric::groups::a_group_is_closed_until_a_rule_opens_it", || {
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
    in_tree("fabric::groups::replies_need_no_rule", || {
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
    in_tree("fabric::groups::neighbours_in_one_subnet_are_filtered_too", || {
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
    in_tree("fabric::groups::a_group_as_source_means_its_members", || {
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
fn a_group_as_source_means_secondary_addresses_too() {
    in_tree("fabric::groups::a_group_as_source_means_secondary_addresses_too", || {
        let mut world = World::new();
        let network = world.network();
        let members = world.group(&network.vpc, "members", &[]);
        let inner = world.group(&network.vpc, "inner", &[]);
        let udp = json!([{"IpProtocol": "udp", "FromPort": 9, "ToPort": 9, "UserIdGroupPairs": [{"GroupId": members}]}]);
        world.change("AuthorizeSecurityGroupIngress", json!({"GroupId": inner, "IpPermissions": udp}));
        let member = world.host(&network.public, "10.0.1.10", &[&members], false);
        let db = world.host(&network.private, "10.0.2.10", &[&inner], false);
        let second = Ipv4Addr::new(10, 0, 1, 11);
        let assign =
            json!({"NetworkInterfaceId": member.interface, "PrivateIpAddresses": [second.to_string()]});
        world.call("AssignPrivateIpAddresses", assign);
        let received = inbox(&db.namespace, db.ip);
        for source in [member.ip, second] {
            assert_eq!(delivers(source, &member.namespace, db.ip, &received), Some(source));
        }
        let leave = json!({"NetworkInterfaceId": member.interface, "Groups": [inner]});
        world.call("ModifyNetworkInterfaceAttribute", leave);
        assert_eq!(delivers(second, &member.namespace, db.ip, &received), None, "it has left the group");
    });
}

#[test]
fn a_removed_rule_ends_only_flows_that_were_not_tracked() {
    in_tree("fabric::groups::a_removed_rule_ends_only_flows_that_were_not_tracked", || {
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
fn the_rules_of_all_groups_of_an_interface_are_one_list() {
    in_tree("fabric::groups::the_rules_of_all_groups_of_an_interface_are_one_list", || {
        let mut world = World::new();
        let network = world.network();
        let outer = world.group(&network.vpc, "outer", &[]);
        let (narrow, wide) = (Rule::Tcp(80, "10.0.1.0/24"), Rule::Tcp(80, EVERYBODY));
        let first = world.group(&network.vpc, "first", &[narrow]);
        let second = world.group(&network.vpc, "second", &[wide]);
        let web = world.host(&network.public, "10.0.1.10", &[&outer], false);
        let hosts = [("10.0.2.10", [&first, &second]), ("10.0.2.20", [&second, &first])]
            .map(|(ip, [one, other])| world.host(&network.private, ip, &[one, other], false));
        world.settle();
        let mut flows = hosts.map(|host| {
            echoes(&host.namespace, host.ip, 80);
            Flow::open(&web.namespace, host.ip, 80)
        });
        assert!(flows.iter_mut().all(Flow::lives));
        world.revoke(&second, wide);
        world.settle();
        assert!(flows.iter_mut().all(Flow::lives), "the other group's rule lets them through as well");
        world.revoke(&first, narrow);
        world.settle();
        for flow in &mut flows {
            assert!(
                !flow.lives(),
                "a rule for everybody let it in: it was never tracked, whichever group came first"
            );
        }
    });
}

#[test]
fn an_untracked_flow_needs_the_outbound_rule_for_its_replies() {
    in_tree("fabric::groups::an_untracked_flow_needs_the_outbound_rule_for_its_replies", || {
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
fn an_acl_knows_no_flows() {
    in_tree("fabric::groups::an_acl_knows_no_flows", || {
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
        let standard_acl = standard.id.clone();
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

        let mut denial = entry(50, false, 80, 80);
        denial["RuleAction"] = json!("deny");
        denial["CidrBlock"] = json!("10.0.1.10/32");
        world.call("CreateNetworkAclEntry", denial);
        assert_eq!(tries(&web.namespace, db.ip, 80), Outcome::Silence, "the lower number decides");
        let delete = |number: u16| json!({"NetworkAclId": acl, "RuleNumber": number, "Egress": false});
        world.call("DeleteNetworkAclEntry", delete(50));
        assert!(connects(&web.namespace, db.ip, 80));
        world.call("DeleteNetworkAclEntry", delete(100));
        assert_eq!(tries(&web.namespace, db.ip, 80), Outcome::Silence, "out, but no way in");

        let region = world.state.region(world.account(), "us-east-1").expect("a region");
        let own = region.network_acl_of(&network.private).expect("the new one");
        let (association, standard) = (own.associations[0].id.clone(), standard_acl);
        world.call(
            "ReplaceNetworkAclAssociation",
            json!({"AssociationId": association, "NetworkAclId": standard}),
        );
        assert!(connects(&web.namespace, db.ip, 80), "the standard one again");
    });
}
