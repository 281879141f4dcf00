use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::json;

use super::world::{World, text};
use crate::region::model::Observation;

#[test]
fn blocks_of_addresses_are_checked() {
    let mut world = World::new();
    for (block, code) in [
        ("10.0.0.0/15", "InvalidVpc.Range"),
        ("10.0.0.0/29", "InvalidVpc.Range"),
        ("10.0.0.0", "InvalidParameterValue"),
        ("fd00::/56", "InvalidParameterValue"),
    ] {
        assert_eq!(world.fails("CreateVpc", json!({"CidrBlock": block})), code, "{block}");
    }
    let vpc = world.vpc();
    world.subnet(&vpc, "10.0.1.0/24");
    for (block, code) in [
        ("10.0.1.0/24", "InvalidSubnet.Conflict"),
        ("10.0.0.0/16", "InvalidSubnet.Conflict"),
        ("10.0.1.16/28", "InvalidSubnet.Conflict"),
        ("10.1.0.0/24", "InvalidSubnet.Range"),
        ("10.0.0.0/15", "InvalidSubnet.Range"),
        ("10.0.2.0/29", "InvalidSubnet.Range"),
    ] {
        assert_eq!(world.fails("CreateSubnet", json!({"VpcId": vpc, "CidrBlock": block})), code, "{block}");
    }
    let free = |world: &mut World, cidr: &str| {
        let params = json!({"VpcId": vpc, "CidrBlock": cidr});
        world.get("CreateSubnet", params, "Subnet.AvailableIpAddressCount")
    };
    assert_eq!(free(&mut world, "10.0.2.0/28"), "11");
    assert_eq!(free(&mut world, "10.0.128.0/17"), "32763");
}

#[test]
fn five_addresses_of_a_subnet_cannot_be_had() {
    let mut world = World::new();
    let vpc = world.vpc();
    let subnet = world.subnet(&vpc, "10.0.0.16/28");
    let mut have = |host: u8| {
        let params = json!({"SubnetId": subnet, "PrivateIpAddress": format!("10.0.0.{host}")});
        world.call("CreateNetworkInterface", params).map(|_| ()).map_err(|fault| fault.code)
    };
    for reserved in [16, 17, 18, 19, 31, 32, 15] {
        assert_eq!(have(reserved), Err("InvalidParameterValue".to_owned()), "{reserved}");
    }
    assert_eq!(have(20), Ok(()));
    assert_eq!(have(20), Err("InvalidIPAddress.InUse".to_owned()));
    for _ in 0..10 {
        world.ok("CreateNetworkInterface", json!({"SubnetId": subnet}));
    }
    let code = world.fails("CreateNetworkInterface", json!({"SubnetId": subnet}));
    assert_eq!(code, "InsufficientFreeAddressesInSubnet");
    let taken: BTreeSet<_> = world.region().network_interfaces.iter().map(|eni| eni.private_ip()).collect();
    assert_eq!(taken.len(), 11);
}

#[test]
fn a_gateway_that_serves_addresses_stays() {
    let mut world = World::new();
    let vpc = world.vpc();
    let subnet = world.subnet(&vpc, "10.0.1.0/24");
    let gateway = world.gateway(&vpc);
    let detach = json!({"InternetGatewayId": gateway, "VpcId": vpc});
    let instance = world.instance(&subnet);
    let allocation = world.get("AllocateAddress", json!({}), "AllocationId");
    world.ok("AssociateAddress", json!({"AllocationId": allocation, "InstanceId": instance}));
    assert_eq!(world.fails("DetachInternetGateway", detach.clone()), "DependencyViolation");
    world.ok(
        "DisassociateAddress",
        json!({"PublicIp": world.region().addresses.get(&allocation).unwrap().public_ip}),
    );
    world.ok("DetachInternetGateway", detach.clone());
    assert_eq!(world.fails("DetachInternetGateway", detach), "Gateway.NotAttached");
    let code = world.fails("AssociateAddress", json!({"AllocationId": allocation, "InstanceId": instance}));
    assert_eq!(code, "Gateway.NotAttached");
}

#[test]
fn a_route_is_a_blackhole_while_its_target_is_gone() {
    let mut world = World::new();
    let vpc = world.vpc();
    let subnet = world.subnet(&vpc, "10.0.1.0/24");
    let gateway = world.gateway(&vpc);
    let table = world.get("CreateRouteTable", json!({"VpcId": vpc}), "RouteTable.RouteTableId");
    let to = |world: &mut World, destination: &str, member: &str, id: &str| {
        world.ok(
            "CreateRoute",
            json!({"RouteTableId": table, "DestinationCidrBlock": destination, member: id}),
        );
    };
    to(&mut world, "0.0.0.0/0", "GatewayId", &gateway);
    let allocation = world.get("AllocateAddress", json!({}), "AllocationId");
    let nat = json!({"SubnetId": subnet, "AllocationId": allocation});
    let nat = world.get("CreateNatGateway", nat, "NatGateway.NatGatewayId");
    to(&mut world, "192.0.2.0/24", "NatGatewayId", &nat);
    let instance = world.instance(&subnet);
    to(&mut world, "198.51.100.0/24", "InstanceId", &instance);
    for destination in ["10.0.0.0/16", "0.0.0.0/0", "192.0.2.0/24", "198.51.100.0/24"] {
        assert!(world.route_state(&table, destination), "{destination}");
    }
    world.ok("StopInstances", json!({"InstanceIds": [instance]}));
    world.settle();
    assert!(!world.route_state(&table, "198.51.100.0/24"));
    world.ok("StartInstances", json!({"InstanceIds": [instance]}));
    assert!(world.route_state(&table, "198.51.100.0/24"));
    world.ok("TerminateInstances", json!({"InstanceIds": [instance]}));
    world.ok("DeleteNatGateway", json!({"NatGatewayId": nat}));
    world.settle();
    assert!(!world.route_state(&table, "198.51.100.0/24"));
    assert!(!world.route_state(&table, "192.0.2.0/24"));
    world.ok("DetachInternetGateway", json!({"InternetGatewayId": gateway, "VpcId": vpc}));
    assert!(!world.route_state(&table, "0.0.0.0/0"));
    // The NAT gateway is forgotten after an hour; its route is not.
    world.pass(SignedDuration::from_mins(61));
    let code = world.fails("DescribeNatGateways", json!({"NatGatewayIds": [nat]}));
    assert_eq!(code, "NatGatewayNotFound");
    assert!(!world.route_state(&table, "192.0.2.0/24"));
}

#[test]
fn routes_stay_in_their_vpc() {
    let mut world = World::new();
    let (one, two) = (world.vpc(), world.vpc());
    let gateway = world.gateway(&two);
    let table = world.get("CreateRouteTable", json!({"VpcId": one}), "RouteTable.RouteTableId");
    let route = |destination: &str, member: &str, id: &str| json!({"RouteTableId": table, "DestinationCidrBlock": destination, member: id});
    assert_eq!(
        world.fails("CreateRoute", route("0.0.0.0/0", "GatewayId", &gateway)),
        "InvalidParameterValue"
    );
    let unknown = route("0.0.0.0/0", "GatewayId", "igw-0123456789abcdef0");
    assert_eq!(world.fails("CreateRoute", unknown), "InvalidGatewayID.NotFound");
    let own = world.gateway(&one);
    assert_eq!(world.fails("CreateRoute", route("10.0.5.0/24", "GatewayId", &own)), "InvalidParameterValue");
    world.ok("CreateRoute", route("0.0.0.0/0", "GatewayId", &own));
    let another = world.get("CreateInternetGateway", json!({}), "InternetGateway.InternetGatewayId");
    assert_eq!(
        world.fails("CreateRoute", route("0.0.0.0/0", "GatewayId", &another)),
        "InvalidParameterValue"
    );
    let subnet = world.subnet(&two, "10.0.1.0/24");
    let code = world.fails("AssociateRouteTable", json!({"RouteTableId": table, "SubnetId": subnet}));
    assert_eq!(code, "InvalidParameterValue");
    let local = json!({"RouteTableId": table, "DestinationCidrBlock": "10.0.0.0/16"});
    assert_eq!(world.fails("DeleteRoute", local), "InvalidParameterValue");
}

#[test]
fn the_main_table_can_be_exchanged_but_not_taken_away() {
    let mut world = World::new();
    let vpc = world.vpc();
    let main = world.region().main_route_table(&vpc).unwrap().clone();
    let mark = main.associations[0].id.clone();
    assert_eq!(
        world.fails("DisassociateRouteTable", json!({"AssociationId": mark})),
        "InvalidParameterValue"
    );
    assert_eq!(world.fails("DeleteRouteTable", json!({"RouteTableId": main.id})), "DependencyViolation");
    let other = world.get("CreateRouteTable", json!({"VpcId": vpc}), "RouteTable.RouteTableId");
    world.ok("ReplaceRouteTableAssociation", json!({"AssociationId": mark, "RouteTableId": other}));
    assert_eq!(world.region().main_route_table(&vpc).unwrap().id, other);
    world.ok("DeleteRouteTable", json!({"RouteTableId": main.id}));
}

#[test]
fn a_vpc_goes_last() {
    let mut world = World::new();
    let vpc = world.vpc();
    let subnet = world.subnet(&vpc, "10.0.1.0/24");
    let gateway = world.gateway(&vpc);
    let table = world.get("CreateRouteTable", json!({"VpcId": vpc}), "RouteTable.RouteTableId");
    let group = json!({"VpcId": vpc, "GroupName": "g", "Description": "d"});
    let group = world.get("CreateSecurityGroup", group, "GroupId");
    let acl = world.get("CreateNetworkAcl", json!({"VpcId": vpc}), "NetworkAcl.NetworkAclId");
    for (operation, params) in [
        ("DeleteSubnet", json!({"SubnetId": subnet})),
        ("DetachInternetGateway", json!({"InternetGatewayId": gateway, "VpcId": vpc})),
        ("DeleteRouteTable", json!({"RouteTableId": table})),
        ("DeleteSecurityGroup", json!({"GroupId": group})),
        ("DeleteNetworkAcl", json!({"NetworkAclId": acl})),
    ] {
        assert_eq!(
            world.fails("DeleteVpc", json!({"VpcId": vpc})),
            "DependencyViolation",
            "before {operation}"
        );
        world.ok(operation, params);
    }
    world.ok("DeleteVpc", json!({"VpcId": vpc}));
    let region = world.region();
    assert!(
        region.route_tables.is_empty() && region.network_acls.is_empty() && region.security_groups.is_empty()
    );
}

#[test]
fn a_dry_run_says_what_would_happen_and_does_nothing() {
    let mut world = World::new();
    assert_eq!(
        world.fails("CreateVpc", json!({"CidrBlock": "10.0.0.0/16", "DryRun": true})),
        "DryRunOperation"
    );
    assert_eq!(
        world.fails("CreateVpc", json!({"CidrBlock": "10.0.0.0/8", "DryRun": true})),
        "InvalidVpc.Range"
    );
    assert_eq!(world.fails("DescribeVpcs", json!({"DryRun": true})), "DryRunOperation");
    assert!(world.region().vpcs.is_empty());
}

#[test]
fn accounts_and_regions_see_nothing_of_each_other() {
    let mut world = World::new();
    let vpc = world.vpc();
    world.caller.account = "210987654321".to_owned();
    assert_eq!(world.fails("DescribeVpcs", json!({"VpcIds": [vpc]})), "InvalidVpcID.NotFound");
    world.caller.account = "123456789012".to_owned();
    world.caller.region = "eu-west-1".to_owned();
    assert_eq!(text(&world.ok("DescribeVpcs", json!({})), "Vpcs"), "[]");
}

#[test]
fn ids_and_addresses_are_never_used_twice() {
    let mut world = World::new();
    let vpc = world.vpc();
    let mut ids = BTreeSet::new();
    let mut ips = BTreeSet::new();
    for _ in 0..300 {
        let subnet = world.subnet(&vpc, "10.0.1.0/24");
        world.ok("DeleteSubnet", json!({"SubnetId": subnet}));
        assert!(ids.insert(subnet));
        let address = world.ok("AllocateAddress", json!({}));
        world.ok("ReleaseAddress", json!({"AllocationId": address["AllocationId"]}));
        assert!(ips.insert(text(&address, "PublicIp")));
    }
    // The first block has room for 251; then the second begins.
    assert_eq!(ips.iter().filter(|ip| ip.starts_with("203.0.113.")).count(), 251);
    assert_eq!(ips.iter().filter(|ip| ip.starts_with("198.18.") || ip.starts_with("198.19.")).count(), 49);
}

#[test]
fn a_nat_gateway_that_could_not_be_built_says_why_frees_its_address_and_is_forgotten() {
    let mut world = World::new();
    let vpc = world.vpc();
    let subnet = world.subnet(&vpc, "10.0.1.0/24");
    world.gateway(&vpc);
    let allocation = world.get("AllocateAddress", json!({}), "AllocationId");
    let nat = json!({"SubnetId": subnet, "AllocationId": allocation});
    let id = world.get("CreateNatGateway", nat.clone(), "NatGateway.NatGatewayId");
    let (code, message) = ("InternalError".to_owned(), "Please try again.".to_owned());
    world.see(Observation::NatGatewayFailed { nat_gateway_id: id.clone(), code, message });
    let shown = world.ok("DescribeNatGateways", json!({"NatGatewayIds": [id]}));
    let shown = |path: &str| text(&shown, &format!("NatGateways.0.{path}"));
    assert_eq!(shown("State"), "failed");
    assert_eq!(shown("FailureCode"), "InternalError");
    assert_eq!(shown("FailureMessage"), "Please try again.");
    // What it had is free, and the next one may have it.
    assert!(world.region().network_interfaces.is_empty());
    world.ok("CreateNatGateway", nat);
    world.settle();
    world.pass(SignedDuration::from_mins(61));
    let code = world.fails("DescribeNatGateways", json!({"NatGatewayIds": [id]}));
    assert_eq!(code, "NatGatewayNotFound");
}
