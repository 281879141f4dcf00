//! What is not done is refused, wherever in a request it stands.

use serde_json::{Value, json};

use super::world::World;

#[test]
fn a_parameter_that_nobody_looks_at_is_refused_by_its_name() {
    let mut world = World::new();
    let vpc = world.vpc();
    let subnet = world.subnet(&vpc, "10.0.1.0/24");
    let image = world.image();
    let mut launch = |more: Value| {
        let mut params = json!({"ImageId": image, "MinCount": 1, "MaxCount": 1, "SubnetId": subnet});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.call("RunInstances", params).map(drop).map_err(|fault| (fault.code, fault.message))
    };
    for (more, member) in [
        (json!({"Placement": {"HostId": "h-0123456789abcdef0"}}), "Placement.HostId"),
        (json!({"HibernationOptions": {"Configured": true}}), "HibernationOptions"),
        (json!({"EnclaveOptions": {"Enabled": true}}), "EnclaveOptions"),
    ] {
        let refused = launch(more).expect_err(member);
        assert_eq!(refused.0, "UnsupportedOperation");
        assert!(refused.1.contains(&format!("The parameter {member} of RunInstances")), "{}", refused.1);
    }
    // What asks for nothing is no reason to refuse.
    launch(json!({"HibernationOptions": {"Configured": false}, "Placement": {"HostId": ""}})).unwrap();
}

#[test]
fn a_refusal_for_what_is_not_done_leaves_no_trace_and_comes_last() {
    let mut world = World::new();
    let vpc = world.vpc();
    let outpost =
        json!({"SubnetId": "subnet-0123456789abcdef0", "BlockDeviceMappings": [{"DeviceName": "x"}]});
    assert_eq!(world.fails("ModifySubnetAttribute", outpost), "InvalidSubnetID.NotFound");
    let subnet = world.subnet(&vpc, "10.0.1.0/24");
    let instance = world.instance(&subnet);
    let mapping = json!([{"DeviceName": "/dev/xvda", "Ebs": {"DeleteOnTermination": false}}]);
    let both =
        json!({"InstanceId": instance, "DisableApiStop": {"Value": true}, "BlockDeviceMappings": mapping});
    assert_eq!(world.fails("ModifyInstanceAttribute", both), "UnsupportedOperation");
    let dry =
        json!({"CidrBlock": "10.1.0.0/16", "Ipv4IpamPoolId": "ipam-pool-0123456789abcdef0", "DryRun": true});
    assert_eq!(world.fails("CreateVpc", dry), "UnsupportedOperation");
}
