//! A change that was under way when its block was cut short: whether it was made is not known, and its answer never came.
//! It is made again; where EC2 refuses because it is so already, its answer is put together from what there is.

use serde_json::{Map, Value, json};

use super::creation::values_at;
use super::request::{Call, Request};
use crate::wire::{Fault, Service};

/// The answer to a change that EC2 has refused because it was made before; `None` where the refusal says something else, or
/// the answer is not known.
pub(super) async fn answer(call: &dyn Call, request: &Request, fault: &Fault) -> Option<Value> {
    let operation = request.operation;
    if !says_so(operation.name, &fault.code) {
        return None;
    }
    match operation.name {
        "AuthorizeSecurityGroupIngress" | "AuthorizeSecurityGroupEgress" => rules(call, request).await,
        "AssociateRouteTable" => association(call, request).await,
        _ => match operation.output() {
            None => Some(json!({})),
            Some(output) => {
                // What was made must be told; that it was done is all that the others tell.
                let is_plain =
                    output.members().iter().all(|member| ["Return", "KeyPairId"].contains(&&*member.name));
                is_plain.then(|| json!({"Return": true}))
            }
        },
    }
}

/// Whether this code says of this operation that what it asks for is so.
fn says_so(operation: &str, code: &str) -> bool {
    let undoes = ["Delete", "Release", "Revoke", "Disassociate", "Detach"];
    match operation {
        "AuthorizeSecurityGroupIngress" | "AuthorizeSecurityGroupEgress" => {
            code == "InvalidPermission.Duplicate"
        }
        "CreateRoute" => code == "RouteAlreadyExists",
        "CreateNetworkAclEntry" => code == "NetworkAclEntryAlreadyExists",
        "AttachInternetGateway" | "AssociateRouteTable" => code == "Resource.AlreadyAssociated",
        "DetachInternetGateway" => code == "Gateway.NotAttached",
        _ => undoes.iter().any(|word| operation.starts_with(word)) && code.ends_with(".NotFound"),
    }
}

async fn ask(call: &dyn Call, request: &Request, operation: &str, filter: Value) -> Option<Value> {
    let operation = Service::ec2().operation(operation)?;
    let params = json!({"Filters": [filter]});
    call.call(&Request { operation, params, target: request.target.clone(), origin: None }).await.ok()
}

/// The rules that a request asked for, as they are in the group; all of them.
async fn rules(call: &dyn Call, request: &Request) -> Option<Value> {
    let params = &request.params;
    let is_egress = request.operation.name.ends_with("Egress");
    let filter = json!({"Name": "group-id", "Values": [params.get("GroupId")?]});
    let seen = ask(call, request, "DescribeSecurityGroupRules", filter).await?;
    let mut found = Vec::new();
    for permission in wanted(params) {
        for (member, source) in sources(&permission) {
            let rule = values_at(&seen, "/SecurityGroupRules/*").into_iter().find(|rule| {
                rule["IsEgress"] == is_egress
                    && rule["IpProtocol"] == permission["IpProtocol"]
                    && port(rule, "FromPort") == port(&permission, "FromPort")
                    && port(rule, "ToPort") == port(&permission, "ToPort")
                    && rule.pointer(member) == Some(&source)
            });
            found.push(rule?.clone());
        }
    }
    (!found.is_empty()).then(|| json!({"Return": true, "SecurityGroupRules": found}))
}

/// What was asked for, in the long form.
fn wanted(params: &Value) -> Vec<Value> {
    match params.get("IpPermissions").and_then(Value::as_array) {
        Some(permissions) => permissions.clone(),
        None => {
            let mut one: Map<String, Value> = params.as_object().cloned().unwrap_or_default();
            let range = one.get("CidrIp").map(|cidr| json!([{"CidrIp": cidr}]));
            one.extend(range.map(|range| ("IpRanges".to_owned(), range)));
            vec![Value::Object(one)]
        }
    }
}

/// Where a permission lets packets come from: where a rule has it, and what it is there.
fn sources(permission: &Value) -> Vec<(&'static str, Value)> {
    let at = |pointer: &str, member: &'static str| {
        values_at(permission, pointer)
            .into_iter()
            .cloned()
            .map(move |value| (member, value))
            .collect::<Vec<_>>()
    };
    [
        at("/IpRanges/*/CidrIp", "/CidrIpv4"),
        at("/Ipv6Ranges/*/CidrIpv6", "/CidrIpv6"),
        at("/PrefixListIds/*/PrefixListId", "/PrefixListId"),
        at("/UserIdGroupPairs/*/GroupId", "/ReferencedGroupInfo/GroupId"),
    ]
    .concat()
}

/// A port; all of them are written as -1, or not at all.
fn port(value: &Value, name: &str) -> i64 {
    value.get(name).and_then(Value::as_i64).unwrap_or(-1)
}

async fn association(call: &dyn Call, request: &Request) -> Option<Value> {
    let params = &request.params;
    let filter = json!({"Name": "route-table-id", "Values": [params.get("RouteTableId")?]});
    let seen = ask(call, request, "DescribeRouteTables", filter).await?;
    let own = values_at(&seen, "/RouteTables/*/Associations/*").into_iter().find(|association| {
        ["SubnetId", "GatewayId"]
            .iter()
            .any(|name| params.get(*name).is_some_and(|asked| association.get(*name) == Some(asked)))
    })?;
    Some(json!({
        "AssociationId": own.get("RouteTableAssociationId")?,
        "AssociationState": own.get("AssociationState").cloned().unwrap_or_else(|| json!({"State": "associated"})),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::request::{Answer, CallError, Target};

    /// EC2 with a group of two rules, and a table of one subnet.
    struct Ec2;

    impl Call for Ec2 {
        fn call<'a>(&'a self, request: &'a Request) -> Answer<'a, Result<Value, CallError>> {
            let answer = match request.operation.name {
                "DescribeSecurityGroupRules" => json!({"SecurityGroupRules": [
                    {"SecurityGroupRuleId": "sgr-1", "IsEgress": true, "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
                     "CidrIpv4": "0.0.0.0/0"},
                    {"SecurityGroupRuleId": "sgr-2", "IsEgress": false, "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
                     "CidrIpv4": "0.0.0.0/0"},
                    {"SecurityGroupRuleId": "sgr-3", "IsEgress": false, "IpProtocol": "-1", "FromPort": -1, "ToPort": -1,
                     "ReferencedGroupInfo": {"GroupId": "sg-2"}},
                ]}),
                "DescribeRouteTables" => json!({"RouteTables": [{"Associations": [
                    {"RouteTableAssociationId": "rtbassoc-1", "SubnetId": "subnet-1"},
                ]}]}),
                other => panic!("{other} was not expected"),
            };
            Box::pin(std::future::ready(Ok(answer)))
        }
    }

    async fn after(operation: &str, params: Value, code: &str) -> Option<Value> {
        let operation = Service::ec2().operation(operation).expect("in the model");
        let request = Request { operation, params, target: Target::default(), origin: None };
        answer(&Ec2, &request, &Fault::new(code, "no")).await
    }

    #[tokio::test]
    async fn a_rule_that_is_there_is_the_answer() {
        let duplicate = "InvalidPermission.Duplicate";
        let short = json!({"GroupId": "sg-1", "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"});
        let told = after("AuthorizeSecurityGroupIngress", short, duplicate).await.expect("an answer");
        assert_eq!(told["SecurityGroupRules"][0]["SecurityGroupRuleId"], "sgr-2");
        let long = |from: &str| {
            json!({"GroupId": "sg-1", "IpPermissions": [
                {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": from}]},
                {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-2"}]},
            ]})
        };
        let told =
            after("AuthorizeSecurityGroupIngress", long("0.0.0.0/0"), duplicate).await.expect("an answer");
        assert_eq!(told["SecurityGroupRules"].as_array().map(Vec::len), Some(2));
        // One of two is not what was asked for.
        assert_eq!(after("AuthorizeSecurityGroupIngress", long("10.0.0.0/8"), duplicate).await, None);
    }

    #[tokio::test]
    async fn only_what_says_that_it_is_so_is_an_answer() {
        let subnet = json!({"RouteTableId": "rtb-1", "SubnetId": "subnet-1"});
        let told =
            after("AssociateRouteTable", subnet, "Resource.AlreadyAssociated").await.expect("an answer");
        assert_eq!(told["AssociationId"], "rtbassoc-1");
        for (operation, code, expected) in [
            ("CreateRoute", "RouteAlreadyExists", Some(json!({"Return": true}))),
            ("AttachInternetGateway", "Resource.AlreadyAssociated", Some(json!({}))),
            ("DeleteSubnet", "InvalidSubnetID.NotFound", Some(json!({}))),
            ("DeleteSubnet", "DependencyViolation", None),
            ("CreateRoute", "InvalidRouteTableID.NotFound", None),
            // Its answer has the rules that were taken away, or states: not known.
            ("TerminateInstances", "InvalidInstanceID.NotFound", None),
        ] {
            assert_eq!(after(operation, json!({}), code).await, expected, "{operation} {code}");
        }
    }
}
