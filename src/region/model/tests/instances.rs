use jiff::SignedDuration;
use serde_json::{Value, json};

use super::world::{World, text};
use crate::region::model::{Action, CheckStatus, InstanceState, Observation, apply, power_cut};

/// A VPC with a gateway and a subnet that hands out public addresses.
fn place(world: &mut World) -> (String, String) {
    let vpc = world.vpc();
    let subnet = world.subnet(&vpc, "10.0.1.0/24");
    world.gateway(&vpc);
    world.ok("ModifySubnetAttribute", json!({"SubnetId": subnet, "MapPublicIpOnLaunch": {"Value": true}}));
    (vpc, subnet)
}

fn launch(world: &World, subnet: &str, more: Value) -> Value {
    let mut params = json!({"ImageId": world.image(), "MinCount": 1, "MaxCount": 1, "SubnetId": subnet});
    params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    params
}

fn state(world: &World, id: &str) -> InstanceState {
    world.region().instances.get(id).unwrap().state
}

fn public_ip(world: &World, id: &str) -> Option<std::net::Ipv4Addr> {
    world.region().primary_interface(id).unwrap().public_ip()
}

#[test]
fn states_end_when_the_machine_is_there() {
    let mut world = World::new();
    let (_, subnet) = place(&mut world);
    let params = launch(&world, &subnet, json!({}));
    let id = world.get("RunInstances", params, "Instances.0.InstanceId");
    let status = |world: &mut World| world.ok("DescribeInstanceStatus", json!({"InstanceIds": [id]}));
    assert_eq!(state(&world, &id), InstanceState::Pending);
    assert_eq!(status(&mut world)["InstanceStatuses"], json!([]));
    let see = |world: &mut World, observation| world.see(observation);
    let instance_id = id.clone();
    see(&mut world, Observation::InstanceBooted { instance_id: id.clone(), boot: 7 });
    assert_eq!(state(&world, &id), InstanceState::Pending, "a report about another boot says nothing");
    see(&mut world, Observation::InstanceBooted { instance_id: id.clone(), boot: 1 });
    assert_eq!(state(&world, &id), InstanceState::Running);
    assert_eq!(text(&status(&mut world), "InstanceStatuses.0.InstanceStatus.Status"), "initializing");
    see(&mut world, Observation::InstanceReady { instance_id, boot: 1 });
    assert_eq!(text(&status(&mut world), "InstanceStatuses.0.InstanceStatus.Status"), "ok");
    assert_eq!(text(&status(&mut world), "InstanceStatuses.0.SystemStatus.Status"), "ok");
    world.ok("RebootInstances", json!({"InstanceIds": [id]}));
    let instance = world.region().instances.get(&id).unwrap();
    assert_eq!(
        (instance.boot, instance.state, instance.guest.check),
        (2, InstanceState::Running, CheckStatus::Initializing)
    );
    world.settle();
    assert_eq!(world.region().instances.get(&id).unwrap().guest.booted, 2);
}

#[test]
fn an_automatic_address_goes_with_a_stop_and_an_elastic_one_stays() {
    let mut world = World::new();
    let (_, subnet) = place(&mut world);
    let id = world.instance(&subnet);
    let first = public_ip(&world, &id).unwrap();
    world.ok("StopInstances", json!({"InstanceIds": [id]}));
    assert!(public_ip(&world, &id).is_some(), "until it has stopped");
    world.settle();
    assert_eq!(public_ip(&world, &id), None);
    world.ok("StartInstances", json!({"InstanceIds": [id]}));
    world.settle();
    let second = public_ip(&world, &id).unwrap();
    assert_ne!(first, second);
    let address = world.ok("AllocateAddress", json!({}));
    world.ok("AssociateAddress", json!({"AllocationId": address["AllocationId"], "InstanceId": id}));
    let elastic = public_ip(&world, &id).unwrap();
    assert_eq!(elastic.to_string(), text(&address, "PublicIp"));
    world.ok("StopInstances", json!({"InstanceIds": [id]}));
    world.settle();
    assert_eq!(public_ip(&world, &id), Some(elastic));
    world.ok("StartInstances", json!({"InstanceIds": [id]}));
    world.settle();
    assert_eq!(public_ip(&world, &id), Some(elastic));
    // Without it, the instance gets an automatic one again.
    world.ok("DisassociateAddress", json!({"PublicIp": elastic}));
    let third = public_ip(&world, &id).unwrap();
    assert!(![first, second, elastic].contains(&third));
    // Taking part in another mapping frees the first.
    let other = world.instance(&subnet);
    for instance in [&id, &other] {
        world
            .ok("AssociateAddress", json!({"AllocationId": address["AllocationId"], "InstanceId": instance}));
    }
    assert_eq!(public_ip(&world, &other), Some(elastic));
    assert_eq!(public_ip(&world, &id), None);
}

#[test]
fn what_a_terminated_instance_had_is_free_and_it_is_shown_for_an_hour() {
    let mut world = World::new();
    let (_, subnet) = place(&mut world);
    let id = world.instance(&subnet);
    let allocation = world.get("AllocateAddress", json!({}), "AllocationId");
    world.ok("AssociateAddress", json!({"AllocationId": allocation, "InstanceId": id}));
    world.ok("TerminateInstances", json!({"InstanceIds": [id]}));
    assert_eq!(state(&world, &id), InstanceState::ShuttingDown);
    assert_eq!(world.fails("DeleteSubnet", json!({"SubnetId": subnet})), "DependencyViolation");
    world.settle();
    let region = world.region();
    assert_eq!(state(&world, &id), InstanceState::Terminated);
    assert!(region.network_interfaces.is_empty() && region.volumes.is_empty());
    assert_eq!(region.addresses.get(&allocation).unwrap().association, None);
    assert_eq!(world.fails("StartInstances", json!({"InstanceIds": [id]})), "IncorrectInstanceState");
    world.ok("DeleteSubnet", json!({"SubnetId": subnet}));
    world.pass(SignedDuration::from_mins(59));
    let shown = world.ok("DescribeInstances", json!({"InstanceIds": [id]}));
    assert_eq!(text(&shown, "Reservations.0.Instances.0.State.Name"), "terminated");
    world.pass(SignedDuration::from_mins(2));
    assert_eq!(world.fails("DescribeInstances", json!({"InstanceIds": [id]})), "InvalidInstanceID.NotFound");
}

#[test]
fn a_shutdown_from_inside_stops_or_terminates() {
    let mut world = World::new();
    let (_, subnet) = place(&mut world);
    let stays = world.instance(&subnet);
    let params = launch(&world, &subnet, json!({"InstanceInitiatedShutdownBehavior": "terminate"}));
    let goes = world.get("RunInstances", params, "Instances.0.InstanceId");
    world.settle();
    for id in [&stays, &goes] {
        world.see(Observation::InstanceStopped { instance_id: id.clone() });
    }
    assert_eq!(state(&world, &stays), InstanceState::Stopped);
    assert_eq!(state(&world, &goes), InstanceState::ShuttingDown);
    let shown = world.ok("DescribeInstances", json!({"InstanceIds": [stays]}));
    let code = text(&shown, "Reservations.0.Instances.0.StateReason.Code");
    assert_eq!(code, "Client.InstanceInitiatedShutdown");
}

#[test]
fn a_launch_that_fails_leaves_nothing_running() {
    let mut world = World::new();
    let (_, subnet) = place(&mut world);
    let params = launch(&world, &subnet, json!({}));
    let id = world.get("RunInstances", params, "Instances.0.InstanceId");
    let failed =
        Observation::InstanceFailed { instance_id: id.clone(), message: "the image is broken".to_owned() };
    world.see(failed);
    assert_eq!(state(&world, &id), InstanceState::Terminated);
    assert!(world.region().network_interfaces.is_empty());
}

/// The host lost power, and then the guest could not be started: its disk is no one's to throw away.
#[test]
fn an_instance_that_ran_before_and_cannot_be_started_is_stopped_and_says_why() {
    let mut world = World::new();
    let (_, subnet) = place(&mut world);
    let params = launch(&world, &subnet, json!({}));
    let id = world.get("RunInstances", params, "Instances.0.InstanceId");
    world.settle();
    assert_eq!(state(&world, &id), InstanceState::Running);
    power_cut(&mut world.state);
    let failed = Observation::InstanceFailed { instance_id: id.clone(), message: "no room".to_owned() };
    world.see(failed);
    assert_eq!(state(&world, &id), InstanceState::Stopped);
    let shown = world.ok("DescribeInstances", json!({"InstanceIds": [id]}));
    let shown = |path: &str| text(&shown, &format!("Reservations.0.Instances.0.{path}"));
    assert_eq!(shown("StateReason.Code"), "Server.InternalError");
    assert_eq!(shown("StateReason.Message"), "Server.InternalError: no room");
    world.ok("StartInstances", json!({"InstanceIds": [id]}));
    assert_eq!(state(&world, &id), InstanceState::Pending);
}

#[test]
fn a_client_token_makes_one_launch_of_two() {
    let mut world = World::new();
    let (_, subnet) = place(&mut world);
    let params = launch(&world, &subnet, json!({"ClientToken": "t"}));
    let first = world.ok("RunInstances", params.clone());
    world.settle();
    let generation = world.state.generation;
    let again = world.ok("RunInstances", params.clone());
    assert_eq!(text(&again, "ReservationId"), text(&first, "ReservationId"));
    assert_eq!(text(&again, "Instances.0.State.Name"), "running", "as it is now");
    assert_eq!((world.region().instances.len(), world.state.generation), (1, generation));
    let other = launch(&world, &subnet, json!({"ClientToken": "t", "InstanceType": "t3.small"}));
    assert_eq!(world.fails("RunInstances", other), "IdempotentParameterMismatch");
    // After a day the token is as good as new.
    world.pass(SignedDuration::from_hours(25));
    world.ok("RunInstances", params);
    assert_eq!(world.region().instances.len(), 2);
}

#[test]
fn a_launch_is_refused_as_a_whole() {
    let mut world = World::new();
    let vpc = world.vpc();
    let small = world.subnet(&vpc, "10.0.9.0/28");
    let fails = |world: &mut World, more: Value| {
        let params = launch(world, &small, more);
        world.fails("RunInstances", params)
    };
    assert_eq!(
        fails(&mut world, json!({"MinCount": 12, "MaxCount": 12})),
        "InsufficientFreeAddressesInSubnet"
    );
    assert_eq!(fails(&mut world, json!({"MinCount": 2, "MaxCount": 1})), "InvalidParameterValue");
    assert_eq!(fails(&mut world, json!({"InstanceType": "x9.mega"})), "InvalidParameterValue");
    assert_eq!(fails(&mut world, json!({"KeyName": "nobody"})), "InvalidKeyPair.NotFound");
    assert_eq!(fails(&mut world, json!({"ImageId": "ami-0123456789abcdef0"})), "InvalidAMIID.NotFound");
    assert_eq!(fails(&mut world, json!({"ImageId": "debian"})), "InvalidAMIID.Malformed");
    assert_eq!(fails(&mut world, json!({"ImageId": "resolve:ssm:/nothing"})), "InvalidParameterValue");
    assert_eq!(fails(&mut world, json!({"UserData": "%"})), "InvalidUserData.Malformed");
    assert_eq!(
        fails(&mut world, json!({"Placement": {"AvailabilityZone": "us-east-1b"}})),
        "InvalidParameterValue"
    );
    let tags = json!({"TagSpecifications": [{"ResourceType": "vpc", "Tags": []}]});
    assert_eq!(fails(&mut world, tags), "InvalidParameterValue");
    let many = json!({"MinCount": 1, "MaxCount": 12, "InstanceType": "t2.micro"});
    let params = launch(&world, &small, many);
    let answer = world.ok("RunInstances", params);
    assert_eq!(answer["Instances"].as_array().unwrap().len(), 11, "as many as there are addresses");
}

#[test]
fn a_key_on_an_instance_is_the_key_at_its_launch() {
    let mut world = World::new();
    let (_, subnet) = place(&mut world);
    let made = world.ok("CreateKeyPair", json!({"KeyName": "k", "KeyType": "ed25519"}));
    assert!(text(&made, "KeyMaterial").ends_with("-----END OPENSSH PRIVATE KEY-----\n"));
    let params = launch(&world, &subnet, json!({"KeyName": "k"}));
    let id = world.get("RunInstances", params, "Instances.0.InstanceId");
    world.ok("DeleteKeyPair", json!({"KeyName": "k"}));
    let public = world.region().instances.get(&id).unwrap().public_key.clone().unwrap();
    let private = ssh_key::PrivateKey::from_openssh(text(&made, "KeyMaterial")).unwrap();
    let expected = private.public_key().to_openssh().unwrap();
    assert_eq!(public.split_whitespace().nth(1), expected.split_whitespace().nth(1));
}

#[test]
fn a_power_cut_stops_what_was_stopping_and_has_the_rest_checked_again() {
    let mut world = World::new();
    let (_, subnet) = place(&mut world);
    let (runs, stops) = (world.instance(&subnet), world.instance(&subnet));
    world.ok("StopInstances", json!({"InstanceIds": [stops]}));
    power_cut(&mut world.state);
    assert_eq!(state(&world, &stops), InstanceState::Stopped);
    let instance = world.region().instances.get(&runs).unwrap();
    assert_eq!((instance.state, instance.guest.check), (InstanceState::Running, CheckStatus::Initializing));
    world.see(Observation::InstanceReady { instance_id: runs.clone(), boot: 1 });
    assert_eq!(world.region().instances.get(&runs).unwrap().guest.check, CheckStatus::Ok);
}

#[test]
fn the_console_keeps_its_end() {
    let mut world = World::new();
    let (_, subnet) = place(&mut world);
    let id = world.instance(&subnet);
    let generation = world.state.generation;
    for line in 0..20_000 {
        let console = Observation::Console { instance_id: id.clone(), text: format!("ä line {line}\n") };
        world.see(console);
    }
    assert_eq!(world.state.generation, generation);
    let console = &world.region().instances.get(&id).unwrap().guest.console;
    assert!(console.len() <= 64 * 1024 && console.ends_with("ä line 19999\n"));
}

/// Making a key takes up to a second; whoever carries out calls may hold what others wait for.
#[test]
fn a_key_is_made_before_the_call_and_only_for_one_that_makes_sense() {
    let mut world = World::new();
    let create = |params| Action::new("CreateKeyPair", params);
    let unprepared = apply(&mut world.state, &world.caller, &create(json!({"KeyName": "a"})), world.now);
    assert_eq!(unprepared.unwrap_err().code, "InternalError");
    let prepared = create(json!({"KeyName": "a", "KeyType": "ed25519"})).prepared().unwrap();
    let key = prepared.key.clone().expect("it is made");
    let answer = apply(&mut world.state, &world.caller, &prepared, world.now).unwrap();
    assert_eq!(answer["KeyMaterial"], json!(key.private));
    assert!(!format!("{prepared:?}").contains("PRIVATE"), "nobody prints it");
    for (params, code) in [
        (json!({"KeyName": "b", "KeyType": "dsa"}), "InvalidParameterValue"),
        (json!({"KeyName": "b", "KeyFormat": "ppk"}), "UnsupportedOperation"),
        (json!({}), "MissingParameter"),
    ] {
        assert_eq!(create(params).prepared().unwrap_err().code, code);
    }
}

#[test]
fn who_only_looks_changes_nothing_not_even_what_is_past() {
    let mut world = World::new();
    let (_, subnet) = place(&mut world);
    let id = world.instance(&subnet);
    world.ok("TerminateInstances", json!({"InstanceIds": [id]}));
    world.settle();
    world.pass(SignedDuration::from_hours(2));
    let before = world.state.clone();
    assert_eq!(
        world.ok("DescribeInstances", json!({}))["Reservations"],
        json!([]),
        "it is shown for an hour"
    );
    assert_eq!(world.fails("DeleteVpc", json!({"VpcId": "vpc-00000000000000000"})), "InvalidVpcID.NotFound");
    assert_eq!((&world.state.accounts, world.state.generation), (&before.accounts, before.generation));
    world.vpc();
    assert!(!world.region().instances.contains(&id), "a change writes that down, too");
}
