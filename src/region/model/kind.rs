//! The kinds of resources by the prefix of their ids, with the words and error codes that EC2 uses for each.
//! The spelling (`ID`, `Id`) differs from kind to kind: clients compare the exact string.

use serde_json::Value;

use super::fault::fault;
use crate::wire::Fault;

/// One kind of resource.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) prefix: &'static str,
    /// The word of `ResourceType` in tag specifications and `DescribeTags`; empty for what has no tags.
    pub(crate) resource_type: &'static str,
    not_found: &'static str,
    /// `{}` stands for the id.
    not_found_message: &'static str,
    malformed: &'static str,
}

macro_rules! kinds {
    ($($name:ident: $prefix:literal, $type:literal, $not_found:literal, $message:literal, $malformed:literal;)+) => {
        $(pub(crate) static $name: Kind = Kind {
            prefix: $prefix,
            resource_type: $type,
            not_found: $not_found,
            not_found_message: $message,
            malformed: $malformed,
        };)+
        static ALL: &[&Kind] = &[$(&$name),+];
    };
}

kinds! {
    VPC: "vpc", "vpc", "InvalidVpcID.NotFound", "The vpc ID '{}' does not exist", "InvalidVpcID.Malformed";
    SUBNET: "subnet", "subnet", "InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist",
        "InvalidSubnetID.Malformed";
    DHCP_OPTIONS: "dopt", "dhcp-options", "InvalidDhcpOptionID.NotFound", "The dhcpOption ID '{}' does not exist",
        "InvalidDhcpOptionsId.Malformed";
    INTERNET_GATEWAY: "igw", "internet-gateway", "InvalidInternetGatewayID.NotFound",
        "The internetGateway ID '{}' does not exist", "InvalidInternetGatewayId.Malformed";
    NAT_GATEWAY: "nat", "natgateway", "NatGatewayNotFound", "The Nat Gateway {} was not found", "NatGatewayMalformed";
    ROUTE_TABLE: "rtb", "route-table", "InvalidRouteTableID.NotFound", "The routeTable ID '{}' does not exist",
        "InvalidRouteTableId.Malformed";
    ROUTE_ASSOCIATION: "rtbassoc", "", "InvalidAssociationID.NotFound", "The association ID '{}' does not exist",
        "InvalidAssociationID.Malformed";
    NETWORK_ACL: "acl", "network-acl", "InvalidNetworkAclID.NotFound", "The networkAcl ID '{}' does not exist",
        "InvalidNetworkAclId.Malformed";
    ACL_ASSOCIATION: "aclassoc", "", "InvalidAssociationID.NotFound", "The association ID '{}' does not exist",
        "InvalidAssociationID.Malformed";
    SECURITY_GROUP: "sg", "security-group", "InvalidGroup.NotFound", "The security group '{}' does not exist",
        "InvalidGroupId.Malformed";
    SECURITY_GROUP_RULE: "sgr", "security-group-rule", "InvalidSecurityGroupRuleId.NotFound",
        "The security group rule ID '{}' does not exist", "InvalidSecurityGroupRuleId.Malformed";
    KEY_PAIR: "key", "key-pair", "InvalidKeyPair.NotFound", "The key pair ID '{}' does not exist",
        "InvalidKeyPair.Malformed";
    ADDRESS: "eipalloc", "elastic-ip", "InvalidAllocationID.NotFound", "The allocation ID '{}' does not exist",
        "InvalidAllocationID.Malformed";
    ADDRESS_ASSOCIATION: "eipassoc", "", "InvalidAssociationID.NotFound", "The association ID '{}' does not exist",
        "InvalidAssociationID.Malformed";
    NETWORK_INTERFACE: "eni", "network-interface", "InvalidNetworkInterfaceID.NotFound",
        "The networkInterface ID '{}' does not exist", "InvalidNetworkInterfaceId.Malformed";
    ATTACHMENT: "eni-attach", "", "InvalidAttachmentID.NotFound", "The interface attachment ID '{}' does not exist",
        "InvalidAttachmentID.Malformed";
    VOLUME: "vol", "volume", "InvalidVolume.NotFound", "The volume '{}' does not exist.", "InvalidVolumeID.Malformed";
    INSTANCE: "i", "instance", "InvalidInstanceID.NotFound", "The instance ID '{}' does not exist",
        "InvalidInstanceID.Malformed";
    KEY_NAME: "", "", "InvalidKeyPair.NotFound", "The key pair '{}' does not exist", "InvalidParameterValue";
    GROUP_NAME: "", "", "InvalidGroup.NotFound", "The security group '{}' does not exist", "InvalidParameterValue";
    PUBLIC_IP: "", "", "InvalidAddress.NotFound", "Address '{}' not found.", "InvalidParameterValue";
    ZONE_NAME: "", "", "InvalidParameterValue", "Invalid availability zone: [{}]", "InvalidParameterValue";
    REGION_NAME: "", "", "InvalidParameterValue", "Invalid region provided: [{}]", "InvalidParameterValue";
    TYPE_NAME: "", "", "InvalidInstanceType", "The following supplied instance types do not exist: [{}]",
        "InvalidParameterValue";
    IMAGE: "ami", "image", "InvalidAMIID.NotFound", "The image id '[{}]' does not exist", "InvalidAMIID.Malformed";
}

impl Kind {
    /// The error for an id of this kind that nothing has.
    pub(crate) fn not_found(&self, id: &str) -> Fault {
        fault(self.not_found, self.not_found_message.replace("{}", id))
    }

    /// The same for several ids at once, in the words that EC2 uses for the plural.
    pub(crate) fn none_found(&self, ids: &[&str]) -> Fault {
        match ids {
            [id] => self.not_found(id),
            _ => {
                // `The instance IDs 'i-1, i-2' do not exist`
                let message = self.not_found_message.replace("{}", &ids.join(", "));
                let message = message.replace(" ID '", " IDs '").replace("does not exist", "do not exist");
                fault(self.not_found, message)
            }
        }
    }

    /// Refuses what cannot be an id of this kind: the prefix, a hyphen, then 8 or 17 hex digits.
    pub(crate) fn check(&self, id: &str) -> Result<(), Fault> {
        let Some(digits) = id.strip_prefix(self.prefix).and_then(|rest| rest.strip_prefix('-')) else {
            let message = format!("Invalid id: \"{id}\" (expecting \"{}-...\")", self.prefix);
            return Err(fault(self.malformed, message));
        };
        let hex = digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if hex && matches!(digits.len(), 8 | 17) {
            Ok(())
        } else {
            Err(fault(self.malformed, format!("Invalid id: \"{id}\"")))
        }
    }
}

/// The kind of resource that an id names, by its prefix.
pub(crate) fn of(id: &str) -> Option<&'static Kind> {
    let (prefix, _) = id.rsplit_once('-')?;
    ALL.iter().copied().find(|kind| !prefix.is_empty() && kind.prefix == prefix)
}

/// The kind that a request member holds ids of, by the member's name.
fn of_member(operation: &str, member: &str) -> Option<&'static Kind> {
    Some(match member {
        "VpcId" | "VpcIds" => &VPC,
        "SubnetId" | "SubnetIds" => &SUBNET,
        "InternetGatewayId" | "InternetGatewayIds" => &INTERNET_GATEWAY,
        "NatGatewayId" | "NatGatewayIds" => &NAT_GATEWAY,
        "RouteTableId" | "RouteTableIds" => &ROUTE_TABLE,
        "NetworkAclId" | "NetworkAclIds" => &NETWORK_ACL,
        "GroupId" | "GroupIds" | "SecurityGroupIds" => &SECURITY_GROUP,
        "Groups" if operation.contains("NetworkInterface") || operation.ends_with("Instances") => {
            &SECURITY_GROUP
        }
        "SecurityGroupRuleId" | "SecurityGroupRuleIds" => &SECURITY_GROUP_RULE,
        "KeyPairId" | "KeyPairIds" => &KEY_PAIR,
        "AllocationId" | "AllocationIds" => &ADDRESS,
        "NetworkInterfaceId" | "NetworkInterfaceIds" => &NETWORK_INTERFACE,
        "AttachmentId" => &ATTACHMENT,
        "VolumeId" | "VolumeIds" => &VOLUME,
        "InstanceId" | "InstanceIds" => &INSTANCE,
        "ImageIds" => &IMAGE,
        "AssociationId" if operation.contains("Address") => &ADDRESS_ASSOCIATION,
        "AssociationId" if operation.contains("NetworkAcl") => &ACL_ASSOCIATION,
        "AssociationId" => &ROUTE_ASSOCIATION,
        _ => return None,
    })
}

/// Refuses malformed ids anywhere in a request. EC2 does this before it looks anything up.
pub(crate) fn check_ids(operation: &str, params: &Value) -> Result<(), Fault> {
    for (member, value) in params.as_object().into_iter().flatten() {
        match (value, of_member(operation, member)) {
            (Value::String(id), Some(kind)) => kind.check(id)?,
            (Value::Object(_), _) if member != "Placement" => check_ids(operation, value)?,
            (Value::Array(items), kind) => {
                for item in items {
                    match (item, kind) {
                        (Value::String(id), Some(kind)) => kind.check(id)?,
                        _ => check_ids(operation, item)?,
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn malformed_ids_are_found_wherever_they_stand() {
        let code = |operation: &str, params| check_ids(operation, &params).map_err(|f| (f.code, f.message));
        assert_eq!(
            code("DescribeVpcs", json!({"VpcIds": ["vpc-0123456789abcdef0", "vpc-12345678"]})),
            Ok(())
        );
        assert_eq!(
            code("DescribeVpcs", json!({"VpcIds": ["vpc-12345678", "lab"]})),
            Err(("InvalidVpcID.Malformed".into(), "Invalid id: \"lab\" (expecting \"vpc-...\")".into()))
        );
        assert_eq!(
            code("RunInstances", json!({"NetworkInterfaces": [{"SubnetId": "subnet-xyz"}]})),
            Err(("InvalidSubnetID.Malformed".into(), "Invalid id: \"subnet-xyz\"".into()))
        );
        assert_eq!(code("RunInstances", json!({"Placement": {"GroupId": "pg-1"}})), Ok(()));
        assert!(
            code(
                "AuthorizeSecurityGroupIngress",
                json!({"IpPermissions": [{"UserIdGroupPairs": [{"GroupId": "x"}]}]})
            )
            .is_err()
        );
    }

    #[test]
    fn the_prefix_names_the_kind() {
        assert_eq!(of("i-0123456789abcdef0").unwrap().resource_type, "instance");
        assert_eq!(of("eni-attach-0123456789abcdef0").unwrap().prefix, "eni-attach");
        assert!(of("pcx-0123456789abcdef0").is_none());
        assert_eq!(INSTANCE.none_found(&["i-1", "i-2"]).message, "The instance IDs 'i-1, i-2' do not exist");
    }
}
