//! Random calls in random order never break what must always hold.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::world::World;
use crate::region::model::{Entry, InstanceState, Peer, Region, State, Table, usable};

/// One random step: which call, and numbers that choose among what there is.
type Step = (u8, u8, u8, u8);

fn pick<T: Entry>(table: &Table<T>, number: u8) -> String {
    match table.len() {
        0 => "missing".to_owned(),
        count => table
            .iter()
            .nth(usize::from(number) % count)
            .map(|entry| entry.id().to_owned())
            .unwrap_or_default(),
    }
}

/// The call of a step. Many are refused: that is part of the test.
fn call(region: &Region, image: &str, (kind, a, b, c): Step) -> (&'static str, Value) {
    let vpc = pick(&region.vpcs, a);
    let subnet = pick(&region.subnets, a);
    let instance = pick(&region.instances, a);
    let table = pick(&region.route_tables, b);
    let gateway = pick(&region.internet_gateways, b);
    let group = pick(&region.security_groups, b);
    let other_group = pick(&region.security_groups, c);
    let interface = pick(&region.network_interfaces, b);
    let address = pick(&region.addresses, b);
    let nat = pick(&region.nat_gateways, b);
    match kind % 34 {
        0 => ("CreateVpc", json!({"CidrBlock": format!("10.{}.0.0/16", a % 3)})),
        1 | 2 => (
            "CreateSubnet",
            json!({"VpcId": vpc, "CidrBlock": format!("10.{}.{}.0/{}", b % 3, c % 4, 24 + b % 5)}),
        ),
        3 => ("CreateInternetGateway", json!({})),
        4 => ("AttachInternetGateway", json!({"VpcId": vpc, "InternetGatewayId": gateway})),
        5 => ("DetachInternetGateway", json!({"VpcId": vpc, "InternetGatewayId": gateway})),
        6 => ("DeleteInternetGateway", json!({"InternetGatewayId": gateway})),
        7 => ("CreateRouteTable", json!({"VpcId": vpc})),
        8 => (
            "CreateRoute",
            json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": pick(&region.internet_gateways, c)}),
        ),
        9 => (
            "CreateRoute",
            json!({"RouteTableId": table, "DestinationCidrBlock": format!("192.0.2.{c}/32"), "NetworkInterfaceId": pick(&region.network_interfaces, c)}),
        ),
        10 => ("AssociateRouteTable", json!({"RouteTableId": table, "SubnetId": subnet})),
        11 => ("DeleteRouteTable", json!({"RouteTableId": table})),
        12 => {
            ("CreateSecurityGroup", json!({"VpcId": vpc, "GroupName": format!("g{b}"), "Description": "d"}))
        }
        13 => (
            "AuthorizeSecurityGroupIngress",
            json!({"GroupId": group, "IpPermissions": [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": other_group}]}]}),
        ),
        14 => (
            "AuthorizeSecurityGroupIngress",
            json!({"GroupId": group, "IpProtocol": "tcp", "FromPort": c, "ToPort": c, "CidrIp": "0.0.0.0/0"}),
        ),
        15 => ("DeleteSecurityGroup", json!({"GroupId": group})),
        16..=18 => (
            "RunInstances",
            json!({
                "ImageId": image, "MinCount": 1, "MaxCount": 1 + c % 2, "InstanceType": "t2.micro",
                "NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": subnet, "Groups": [group], "AssociatePublicIpAddress": c % 3 == 0}],
            }),
        ),
        19 => ("StopInstances", json!({"InstanceIds": [instance]})),
        20 => ("StartInstances", json!({"InstanceIds": [instance]})),
        21 => ("TerminateInstances", json!({"InstanceIds": [instance]})),
        22 => ("RebootInstances", json!({"InstanceIds": [instance]})),
        23 => ("AllocateAddress", json!({})),
        24 => ("AssociateAddress", json!({"AllocationId": address, "InstanceId": instance})),
        25 => ("AssociateAddress", json!({"AllocationId": address, "NetworkInterfaceId": interface})),
        26 => {
            ("DisassociateAddress", json!({"PublicIp": region.addresses.get(&address).map(|a| a.public_ip)}))
        }
        27 => ("ReleaseAddress", json!({"AllocationId": address})),
        28 => ("CreateNetworkInterface", json!({"SubnetId": subnet})),
        29 => (
            "AttachNetworkInterface",
            json!({"NetworkInterfaceId": interface, "InstanceId": instance, "DeviceIndex": 1}),
        ),
        30 => ("DeleteNetworkInterface", json!({"NetworkInterfaceId": interface})),
        31 => ("CreateNatGateway", json!({"SubnetId": subnet, "AllocationId": address})),
        32 => ("DeleteNatGateway", json!({"NatGatewayId": nat})),
        _ => match a % 3 {
            0 => ("DeleteSubnet", json!({"SubnetId": pick(&region.subnets, b)})),
            1 => ("DeleteVpc", json!({"VpcId": pick(&region.vpcs, b)})),
            _ => ("DeleteRoute", json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"})),
        },
    }
}

/// Everything that must hold at all times.
fn check(state: &State) {
    for (_, _, region) in state.regions() {
        for vpc in &region.vpcs {
            let mains =
                region.route_tables.iter().filter(|table| table.vpc_id == vpc.id && table.is_main()).count();
            assert_eq!(mains, 1, "one main table");
            assert_eq!(
                region.network_acls.iter().filter(|acl| acl.vpc_id == vpc.id && acl.is_default).count(),
                1
            );
            assert!(region.default_security_group(&vpc.id).is_some());
            assert!(
                region.internet_gateways.iter().filter(|g| g.vpc_id.as_ref() == Some(&vpc.id)).count() <= 1
            );
        }
        for subnet in &region.subnets {
            assert!(region.vpcs.get(&subnet.vpc_id).is_some_and(|vpc| vpc.cidr.contains(&subnet.cidr)));
            let tables = region.route_tables.iter().flat_map(|table| &table.associations);
            assert!(tables.filter(|a| a.subnet_id.as_ref() == Some(&subnet.id)).count() <= 1);
            let acls = region.network_acls.iter().flat_map(|acl| &acl.associations);
            assert_eq!(acls.filter(|a| a.subnet_id == subnet.id).count(), 1);
            let overlaps = |other: &&crate::region::model::Subnet| {
                other.vpc_id == subnet.vpc_id
                    && (other.cidr.contains(&subnet.cidr) || subnet.cidr.contains(&other.cidr))
            };
            assert_eq!(region.subnets.iter().filter(overlaps).count(), 1, "subnets do not overlap");
        }
        check_tables_and_groups(region);
        check_interfaces(region);
        check_instances(region);
    }
}

fn check_tables_and_groups(region: &Region) {
    for table in &region.route_tables {
        let vpc = region.vpcs.get(&table.vpc_id).expect("its VPC");
        assert_eq!(table.routes[0].destination, vpc.cidr);
        for association in &table.associations {
            if let Some(subnet) = &association.subnet_id {
                assert_eq!(region.subnets.get(subnet).expect("its subnet").vpc_id, table.vpc_id);
            }
        }
    }
    for gateway in &region.internet_gateways {
        assert!(gateway.vpc_id.as_ref().is_none_or(|vpc| region.vpcs.contains(vpc)));
    }
    for group in &region.security_groups {
        assert!(region.vpcs.contains(&group.vpc_id));
        for rule in &group.rules {
            if let Peer::Group(id) = &rule.peer {
                assert_eq!(
                    region.security_groups.get(id).expect("a group that is there").vpc_id,
                    group.vpc_id
                );
            }
        }
    }
}

fn check_interfaces(region: &Region) {
    let (mut private, mut public, mut macs) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for interface in &region.network_interfaces {
        let subnet = region.subnets.get(&interface.subnet_id).expect("its subnet");
        assert_eq!(subnet.vpc_id, interface.vpc_id);
        assert!(macs.insert(&interface.mac));
        let (first, last) = usable(subnet.cidr);
        for address in &interface.private_addresses {
            assert!((first..=last).contains(&u32::from(address.ip)));
            assert!(private.insert((&interface.vpc_id, address.ip)), "{} is there twice", address.ip);
            if let Some(mapped) = &address.public {
                assert!(public.insert(mapped.ip), "{} is there twice", mapped.ip);
                if let Some(allocation) = &mapped.allocation_id {
                    let elastic = region.addresses.get(allocation).expect("its Elastic IP");
                    let association = elastic.association.as_ref().expect("known on both sides");
                    assert_eq!(
                        (&association.network_interface_id, association.private_ip),
                        (&interface.id, address.ip)
                    );
                    assert_eq!(Some(&association.id), mapped.association_id.as_ref());
                    assert_eq!(elastic.public_ip, mapped.ip);
                }
            }
        }
        for group in &interface.groups {
            assert_eq!(region.security_groups.get(group).expect("its group").vpc_id, interface.vpc_id);
        }
        if let Some(instance) = interface.attachment.as_ref().and_then(|a| a.instance_id.as_ref()) {
            assert_ne!(
                region.instances.get(instance).expect("its instance").state,
                InstanceState::Terminated
            );
        }
    }
    for address in &region.addresses {
        if let Some(association) = &address.association {
            let interface =
                region.network_interfaces.get(&association.network_interface_id).expect("its interface");
            assert!(interface.translations().any(|pair| pair == (association.private_ip, address.public_ip)));
        }
    }
}

fn check_instances(region: &Region) {
    for instance in &region.instances {
        let interfaces: Vec<u32> = region
            .interfaces_of(&instance.id)
            .filter_map(|eni| Some(eni.attachment.as_ref()?.device_index))
            .collect();
        let distinct: BTreeSet<_> = interfaces.iter().collect();
        assert_eq!(distinct.len(), interfaces.len());
        let gone = instance.state == InstanceState::Terminated;
        assert_eq!(interfaces.contains(&0), !gone);
    }
    for volume in &region.volumes {
        if let Some(attachment) = &volume.attachment {
            assert!(region.instances.contains(&attachment.instance_id));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_calls_break_nothing(seed: u64, steps in prop::collection::vec(any::<Step>(), 1..160)) {
        let mut world = World::seeded(seed);
        let vpc = world.vpc();
        world.gateway(&vpc);
        let image = world.image();
        for step in steps {
            let (operation, params) = call(world.region(), &image, step);
            let before = (world.state.generation, world.state.accounts.clone());
            match world.call(operation, params) {
                Ok(_) => {}
                Err(_) => {
                    prop_assert_eq!(&world.state.accounts["123456789012"].regions, &before.1["123456789012"].regions);
                }
            }
            prop_assert!(world.state.generation >= before.0);
            prop_assert_eq!(world.state.generation == before.0, world.state.accounts == before.1, "{}", operation);
            if step.3 % 5 == 0 {
                world.settle();
            }
            check(&world.state);
        }
        let text = serde_json::to_string(&world.state).unwrap();
        let back: State = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&back.accounts, &world.state.accounts);
        for operation in ["Vpcs", "Subnets", "RouteTables", "SecurityGroups", "SecurityGroupRules", "NetworkInterfaces", "Instances", "Addresses",
            "NatGateways", "Volumes", "NetworkAcls", "Tags", "InternetGateways", "DhcpOptions"] {
            world.ok(&format!("Describe{operation}"), json!({}));
        }
    }
}
