//! Which operations make a resource that must be deleted on its own, and which delete one: tables for the journal.
//!
//! Every `Create*`, `Allocate*`, `Run*`, `Import*`, `Register*` and `Copy*` operation of the model that makes something
//! has an entry; a test holds the two against each other.

use serde_json::Value;

/// What an operation makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Creation {
    /// Where its answer names the ids: a JSON pointer with `*` for "each of".
    pub ids: &'static str,
    /// The resource types that it can tag as it makes them, the one of the ids first; empty where it takes no tags.
    pub tagged: &'static [&'static str],
}

/// What an operation makes; `None` for one that makes nothing which must be deleted on its own.
pub fn creation(operation: &str) -> Option<Creation> {
    let (ids, tagged): (_, &'static [&'static str]) = match operation {
        "CreateVpc" => ("/Vpc/VpcId", &["vpc"]),
        // Takes no tags: only the journal knows it.
        "CreateDefaultVpc" => ("/Vpc/VpcId", &[]),
        "CreateSubnet" => ("/Subnet/SubnetId", &["subnet"]),
        "CreateInternetGateway" => ("/InternetGateway/InternetGatewayId", &["internet-gateway"]),
        "CreateRouteTable" => ("/RouteTable/RouteTableId", &["route-table"]),
        "CreateSecurityGroup" => ("/GroupId", &["security-group"]),
        "CreateKeyPair" | "ImportKeyPair" => ("/KeyPairId", &["key-pair"]),
        "AllocateAddress" => ("/AllocationId", &["elastic-ip"]),
        // Volumes may outlive their instance, and no answer names them: their tag does.
        "RunInstances" => ("/Instances/*/InstanceId", &["instance", "volume"]),
        "CreateNatGateway" => ("/NatGateway/NatGatewayId", &["natgateway"]),
        "CreateNetworkInterface" => ("/NetworkInterface/NetworkInterfaceId", &["network-interface"]),
        "CreateNetworkAcl" => ("/NetworkAcl/NetworkAclId", &["network-acl"]),
        "CreateVpcPeeringConnection" => {
            ("/VpcPeeringConnection/VpcPeeringConnectionId", &["vpc-peering-connection"])
        }
        "CreateFlowLogs" => ("/FlowLogIds/*", &["vpc-flow-log"]),
        "CreateVolume" => ("/VolumeId", &["volume"]),
        "CreateDhcpOptions" => ("/DhcpOptions/DhcpOptionsId", &["dhcp-options"]),
        _ => return None,
    };
    Some(Creation { ids, tagged })
}

/// The values at a pointer with `*` for "each of".
pub fn values_at<'a>(answer: &'a Value, pointer: &str) -> Vec<&'a Value> {
    let mut here = vec![answer];
    for step in pointer.split('/').skip(1) {
        here = here
            .into_iter()
            .flat_map(|value| match (step, value) {
                ("*", Value::Array(items)) => items.iter().collect::<Vec<_>>(),
                (name, value) => value.get(name).into_iter().collect(),
            })
            .collect();
    }
    here
}

/// The texts at such a pointer.
pub fn ids_at(answer: &Value, pointer: &str) -> Vec<String> {
    values_at(answer, pointer).into_iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

/// What an operation that was answered has deleted, of what the journal may know. Instances and NAT gateways go slowly
/// and may fail to: who wants to know asks EC2.
pub fn deleted_by(operation: &str, params: &Value, answer: &Value) -> Vec<String> {
    let parameter = match operation {
        "DeleteVpc" => "/VpcId",
        "DeleteSubnet" => "/SubnetId",
        "DeleteInternetGateway" => "/InternetGatewayId",
        "DeleteRouteTable" => "/RouteTableId",
        "DeleteSecurityGroup" => "/GroupId",
        "DeleteKeyPair" => "/KeyPairId",
        "ReleaseAddress" => "/AllocationId",
        "DeleteNetworkInterface" => "/NetworkInterfaceId",
        "DeleteNetworkAcl" => "/NetworkAclId",
        "DeleteVpcPeeringConnection" => "/VpcPeeringConnectionId",
        "DeleteVolume" => "/VolumeId",
        "DeleteDhcpOptions" => "/DhcpOptionsId",
        "DeleteFlowLogs" => "/FlowLogIds/*",
        _ => return Vec::new(),
    };
    let mut ids = ids_at(params, parameter);
    if ids.is_empty() && operation == "DeleteKeyPair" {
        // Deleted by name: the answer says which it was.
        ids = ids_at(answer, "/KeyPairId");
    }
    let failed = ids_at(answer, "/Unsuccessful/*/ResourceId");
    ids.retain(|id| !failed.contains(id));
    ids
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire::{Kind, Service, Shape};

    /// Make parts of something else, which go with it.
    const PARTS: [&str; 3] = ["CreateNetworkAclEntry", "CreateRoute", "CreateTags"];

    fn has(shape: Option<&'static Shape>, pointer: &str) -> bool {
        let mut here = shape;
        for step in pointer.split('/').skip(1) {
            here = here.and_then(|shape| match (&shape.kind, step) {
                (Kind::List(element), "*") => Some(element.shape()),
                (_, name) => shape.member(name).map(|member| member.shape()),
            });
        }
        here.is_some()
    }

    #[test]
    fn every_operation_of_the_model_that_makes_something_is_known() {
        let makes = ["Create", "Allocate", "Run", "Import", "Register", "Copy"];
        let mut seen = 0;
        for service in Service::all() {
            for name in service.operation_names() {
                if !makes.iter().any(|word| name.starts_with(word)) || PARTS.contains(&name) {
                    assert_eq!(creation(name), None, "{name}");
                    continue;
                }
                seen += 1;
                let operation = service.operation(name).expect("listed");
                let creation = creation(name).unwrap_or_else(|| panic!("{name} is not journaled"));
                assert!(has(operation.output(), creation.ids), "{name} answers no {}", creation.ids);
                let takes_tags = has(operation.input(), "/TagSpecifications/*/ResourceType");
                assert_eq!(takes_tags, !creation.tagged.is_empty(), "{name} and its tags");
            }
        }
        assert!(seen >= 17, "{seen}");
    }

    #[test]
    fn every_deletion_of_the_model_is_known_or_is_slow_or_of_a_part() {
        let others = ["DeleteNatGateway", "DeleteNetworkAclEntry", "DeleteRoute", "DeleteTags"];
        let ids = json!({"VpcId": "x", "SubnetId": "x", "InternetGatewayId": "x", "RouteTableId": "x", "GroupId": "x",
            "KeyPairId": "x", "AllocationId": "x", "NetworkInterfaceId": "x", "NetworkAclId": "x", "VolumeId": "x",
            "VpcPeeringConnectionId": "x", "DhcpOptionsId": "x", "FlowLogIds": ["x"]});
        let deletes = |name: &&str| name.starts_with("Delete") || name.starts_with("Release");
        for name in Service::ec2().operation_names().filter(deletes) {
            let known = deleted_by(name, &ids, &json!({})) == ["x"];
            assert_eq!(known, !others.contains(&name), "{name}");
        }
        let refused = json!({"Unsuccessful": [{"ResourceId": "fl-1"}]});
        assert_eq!(
            deleted_by("DeleteFlowLogs", &json!({"FlowLogIds": ["fl-1", "fl-2"]}), &refused),
            ["fl-2"]
        );
    }

    #[test]
    fn ids_are_found_in_answers() {
        let answer = json!({"Instances": [{"InstanceId": "i-1"}, {"InstanceId": "i-2"}]});
        assert_eq!(ids_at(&answer, creation("RunInstances").expect("known").ids), ["i-1", "i-2"]);
    }
}
