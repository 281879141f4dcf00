use serde_json::{Value, json};

use super::world::{World, text};

fn group(world: &mut World, vpc: &str, name: &str) -> String {
    world.get("CreateSecurityGroup", json!({"VpcId": vpc, "GroupName": name, "Description": name}), "GroupId")
}

fn tcp(port: u16, cidr: &str) -> Value {
    json!({"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": cidr}]})
}

#[test]
fn a_new_group_lets_everything_out_and_nothing_in() {
    let mut world = World::new();
    let vpc = world.vpc();
    let id = group(&mut world, &vpc, "web");
    let shown = world.ok("DescribeSecurityGroups", json!({"GroupIds": [id]}));
    assert_eq!(shown["SecurityGroups"][0]["IpPermissions"], json!([]));
    assert_eq!(text(&shown, "SecurityGroups.0.IpPermissionsEgress.0.IpProtocol"), "-1");
    // The default group's members may talk to each other.
    let default = world.region().default_security_group(&vpc).unwrap();
    assert_eq!(default.rules.len(), 2);
    let default = default.id.clone();
    assert_eq!(world.fails("DeleteSecurityGroup", json!({"GroupId": default})), "CannotDelete");
}

#[test]
fn the_same_rule_is_refused_however_it_is_written() {
    let mut world = World::new();
    let vpc = world.vpc();
    let id = group(&mut world, &vpc, "web");
    world.ok(
        "AuthorizeSecurityGroupIngress",
        json!({"GroupId": id, "IpPermissions": [tcp(22, "10.0.0.0/8")]}),
    );
    for same in [
        json!({"GroupId": id, "IpPermissions": [tcp(22, "10.1.2.3/8")]}),
        json!({"GroupId": id, "IpProtocol": "6", "FromPort": 22, "ToPort": 22, "CidrIp": "10.0.0.0/8"}),
    ] {
        let fault = world.call("AuthorizeSecurityGroupIngress", same).unwrap_err();
        assert_eq!(fault.code, "InvalidPermission.Duplicate");
        let rule = "peer: 10.0.0.0/8, TCP, from port: 22, to port: 22, ALLOW";
        assert_eq!(fault.message, format!("the specified rule \"{rule}\" already exists"));
    }
    let twice = json!({"GroupId": id, "IpPermissions": [tcp(80, "0.0.0.0/0"), tcp(80, "0.0.0.0/0")]});
    assert_eq!(world.fails("AuthorizeSecurityGroupIngress", twice), "InvalidParameterValue");
    // The other direction is another rule.
    world
        .ok("AuthorizeSecurityGroupEgress", json!({"GroupId": id, "IpPermissions": [tcp(22, "10.0.0.0/8")]}));
}

#[test]
fn all_rules_of_a_call_are_made_or_none() {
    let mut world = World::new();
    let vpc = world.vpc();
    let id = group(&mut world, &vpc, "web");
    world
        .ok("AuthorizeSecurityGroupIngress", json!({"GroupId": id, "IpPermissions": [tcp(22, "0.0.0.0/0")]}));
    let both = json!({"GroupId": id, "IpPermissions": [tcp(80, "0.0.0.0/0"), tcp(22, "0.0.0.0/0")]});
    assert_eq!(world.fails("AuthorizeSecurityGroupIngress", both.clone()), "InvalidPermission.Duplicate");
    assert_eq!(world.fails("RevokeSecurityGroupIngress", both), "InvalidPermission.NotFound");
}

#[test]
fn a_group_that_is_referred_to_or_used_stays() {
    let mut world = World::new();
    let vpc = world.vpc();
    let (web, db) = (group(&mut world, &vpc, "web"), group(&mut world, &vpc, "db"));
    let from_web = json!({"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": web}]});
    let rule = world.get(
        "AuthorizeSecurityGroupIngress",
        json!({"GroupId": db, "IpPermissions": [from_web]}),
        "SecurityGroupRules.0.SecurityGroupRuleId",
    );
    assert_eq!(world.fails("DeleteSecurityGroup", json!({"GroupId": web})), "DependencyViolation");
    world.ok("RevokeSecurityGroupIngress", json!({"GroupId": db, "SecurityGroupRuleIds": [rule]}));
    world.ok("DeleteSecurityGroup", json!({"GroupId": web}));
    let subnet = world.subnet(&vpc, "10.0.1.0/24");
    let interface = world.get(
        "CreateNetworkInterface",
        json!({"SubnetId": subnet, "Groups": [db]}),
        "NetworkInterface.NetworkInterfaceId",
    );
    assert_eq!(world.fails("DeleteSecurityGroup", json!({"GroupId": db})), "DependencyViolation");
    world.ok("DeleteNetworkInterface", json!({"NetworkInterfaceId": interface}));
    world.ok("DeleteSecurityGroup", json!({"GroupId": db}));
}

#[test]
fn groups_of_another_vpc_are_not_known() {
    let mut world = World::new();
    let (one, two) = (world.vpc(), world.vpc());
    let (here, there) = (group(&mut world, &one, "web"), group(&mut world, &two, "web"));
    let rule = json!({"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": there}]});
    let code =
        world.fails("AuthorizeSecurityGroupIngress", json!({"GroupId": here, "IpPermissions": [rule]}));
    assert_eq!(code, "InvalidGroup.NotFound");
    let subnet = world.subnet(&one, "10.0.1.0/24");
    let code = world.fails("CreateNetworkInterface", json!({"SubnetId": subnet, "Groups": [there]}));
    assert_eq!(code, "InvalidParameter");
}

#[test]
fn icmp_has_types_and_codes_where_others_have_ports() {
    let mut world = World::new();
    let vpc = world.vpc();
    let id = group(&mut world, &vpc, "web");
    let echo =
        json!({"GroupId": id, "IpProtocol": "icmp", "FromPort": 8, "ToPort": 0, "CidrIp": "0.0.0.0/0"});
    let rule = world.ok("AuthorizeSecurityGroupIngress", echo);
    assert_eq!(
        (text(&rule, "SecurityGroupRules.0.FromPort"), text(&rule, "SecurityGroupRules.0.ToPort")),
        ("8".into(), "0".into())
    );
    let some_code =
        json!({"GroupId": id, "IpProtocol": "icmp", "FromPort": -1, "ToPort": 3, "CidrIp": "0.0.0.0/0"});
    assert_eq!(world.fails("AuthorizeSecurityGroupIngress", some_code), "InvalidParameterValue");
    let no_ports = json!({"GroupId": id, "IpProtocol": "tcp", "CidrIp": "0.0.0.0/0"});
    assert_eq!(world.fails("AuthorizeSecurityGroupIngress", no_ports), "InvalidParameterValue");
}

#[test]
fn sixty_rules_in_each_direction_are_enough() {
    let mut world = World::new();
    let vpc = world.vpc();
    let id = group(&mut world, &vpc, "web");
    let rules: Vec<Value> = (1..=60).map(|port| tcp(port, "0.0.0.0/0")).collect();
    world.ok("AuthorizeSecurityGroupIngress", json!({"GroupId": id, "IpPermissions": rules}));
    let one_more = json!({"GroupId": id, "IpPermissions": [tcp(61, "0.0.0.0/0")]});
    assert_eq!(world.fails("AuthorizeSecurityGroupIngress", one_more), "RulesPerSecurityGroupLimitExceeded");
}

#[test]
fn a_filter_of_rules_by_something_that_is_no_group_is_refused() {
    let mut world = World::new();
    let of = |id: &str| json!({"Filters": [{"Name": "group-id", "Values": [id]}]});
    assert_eq!(world.fails("DescribeSecurityGroupRules", of("foobar")), "InvalidGroupId.Malformed");
    world.ok("DescribeSecurityGroupRules", of("sg-0123456789abcdef0"));
}
