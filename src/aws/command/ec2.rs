//! What the AWS CLI adds to EC2's operations: shorter options, and parameters that it moves or fills in.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use super::arguments::Takes;
use super::failure::Failure;
use super::options::{Choice, Use, Used, Values, Word};
use crate::wire::Operation;

/// An option that EC2 itself does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Count,
    SecondaryAddresses,
    SecondaryCount,
    AssociatePublic(bool),
    UserData,
    Protocol,
    Port,
    Cidr,
    SourceGroup,
    GroupOwner,
}

const RULES: [&str; 4] = [
    "AuthorizeSecurityGroupIngress",
    "AuthorizeSecurityGroupEgress",
    "RevokeSecurityGroupIngress",
    "RevokeSecurityGroupEgress",
];

/// The option that says no to a boolean.
pub(super) fn negative(operation: &Operation, name: &str) -> String {
    match name {
        "egress" if operation.service.name() == "ec2" => "ingress".to_owned(),
        "disable-api-termination" => "enable-api-termination".to_owned(),
        name => format!("no-{name}"),
    }
}

/// Adds and takes away options of an operation.
pub(super) fn change(operation: &Operation, choices: &mut Vec<Choice>) {
    let option = |name: &str, takes, role| Choice {
        name: name.to_owned(),
        takes,
        required: false,
        role: Use::Ec2(role),
    };
    if operation.name == "RunInstances" {
        choices.retain(|choice| !matches!(choice.name.as_str(), "min-count" | "max-count"));
        if let Some(choice) = choices.iter_mut().find(|choice| choice.name == "user-data") {
            choice.role = Use::Ec2(Role::UserData);
        }
        choices.extend([
            option("count", Takes::One, Role::Count),
            option("secondary-private-ip-addresses", Takes::Many, Role::SecondaryAddresses),
            option("secondary-private-ip-address-count", Takes::One, Role::SecondaryCount),
            option("associate-public-ip-address", Takes::Nothing, Role::AssociatePublic(true)),
            option("no-associate-public-ip-address", Takes::Nothing, Role::AssociatePublic(false)),
        ]);
    }
    if RULES.contains(&operation.name) {
        choices.extend([
            option("protocol", Takes::One, Role::Protocol),
            option("port", Takes::One, Role::Port),
            option("cidr", Takes::One, Role::Cidr),
            option("source-group", Takes::One, Role::SourceGroup),
            option("group-owner", Takes::One, Role::GroupOwner),
        ]);
    }
}

/// Refuses options that exclude each other.
pub(super) fn check(operation: &Operation, used: &Used<'_>) -> Result<(), Failure> {
    let given = |name: &str| used.get(name).is_some();
    if RULES.contains(&operation.name)
        && used.get("ip-permissions").is_some_and(|values| !values.words.is_empty())
    {
        for name in ["protocol", "port", "cidr", "source-group", "group-owner"] {
            if given(name) {
                let name = name.replace('-', "_");
                let message =
                    format!("The --{name} option is not compatible with the --ip-permissions option ");
                return Err(Failure::parameter(message));
            }
        }
    }
    let simple = [
        "secondary-private-ip-addresses",
        "secondary-private-ip-address-count",
        "associate-public-ip-address",
    ];
    if operation.name == "RunInstances" && given("network-interfaces") && simple.into_iter().any(given) {
        let message =
            "Mixing the --network-interfaces option with the simple, scalar options is not supported.";
        return Err(Failure::parameter(message));
    }
    Ok(())
}

/// Puts the value of such an option where it belongs.
pub(super) fn apply(role: Role, values: &Values, params: &mut Map<String, Value>) -> Result<(), Failure> {
    let text = values.text().unwrap_or_default();
    match role {
        Role::Count => count(&text, params)?,
        Role::SecondaryAddresses => {
            let address = |word: &Word| json!({"PrivateIpAddress": word.text(), "Primary": false});
            let addresses: Vec<_> = values.words.iter().map(address).collect();
            if !addresses.is_empty() {
                interface(params).insert("PrivateIpAddresses".to_owned(), addresses.into());
            }
        }
        Role::SecondaryCount => {
            let count = values.number().unwrap_or_default();
            if count != 0 {
                interface(params).insert("SecondaryPrivateIpAddressCount".to_owned(), count.into());
            }
        }
        Role::AssociatePublic(on) => {
            interface(params).insert("AssociatePublicIpAddress".to_owned(), on.into());
        }
        Role::UserData => {
            let bytes = match values.words.first() {
                Some(Word::Bytes(bytes)) => bytes.clone(),
                _ => text.into_bytes(),
            };
            params.insert("UserData".to_owned(), BASE64_STANDARD.encode(bytes).into());
        }
        _ if text.is_empty() => {}
        Role::Protocol => {
            permission(params).insert("IpProtocol".to_owned(), protocol(&text)?.into());
        }
        Role::Port => {
            let (from, to) = ports(&text)?;
            permission(params).insert("FromPort".to_owned(), from.into());
            permission(params).insert("ToPort".to_owned(), to.into());
        }
        Role::Cidr => {
            permission(params).insert("IpRanges".to_owned(), json!([{"CidrIp": text}]));
        }
        Role::SourceGroup => {
            let key = if text.starts_with("sg-") { "GroupId" } else { "GroupName" };
            pair(params).insert(key.to_owned(), text.into());
        }
        Role::GroupOwner => {
            pair(params).insert("UserId".to_owned(), text.into());
        }
    }
    Ok(())
}

/// What the AWS CLI does to the parameters right before it sends them.
pub(super) fn finish(operation: &Operation, params: &mut Map<String, Value>) {
    match operation.name {
        "RunInstances" => {
            into_interface(params);
            params.entry("MaxCount").or_insert_with(|| 1.into());
            params.entry("MinCount").or_insert_with(|| 1.into());
        }
        "CreateNetworkAclEntry" | "ReplaceNetworkAclEntry" => {
            let number = match params.get("Protocol").and_then(Value::as_str) {
                Some("tcp") => "6",
                Some("udp") => "17",
                Some("icmp") => "1",
                Some("all") => "-1",
                _ => return,
            };
            params.insert("Protocol".to_owned(), number.into());
        }
        _ => {}
    }
}

/// The page size of an operation whose whole result would be too large at once.
pub(super) fn page_size(operation: &Operation, params: &Map<String, Value>) -> Option<i64> {
    let unfiltered = params.keys().all(|name| name == "DryRun");
    (operation.name == "DescribeVolumes" && unfiltered).then_some(1000)
}

/// EC2 takes subnet, groups and addresses either beside the network interface or in it, never both.
fn into_interface(params: &mut Map<String, Value>) {
    let first =
        params.get("NetworkInterfaces").and_then(|interfaces| interfaces.get(0)).and_then(Value::as_object);
    let simple = ["PrivateIpAddresses", "SecondaryPrivateIpAddressCount", "AssociatePublicIpAddress"];
    if !first.is_some_and(|interface| simple.iter().any(|name| interface.contains_key(*name))) {
        return;
    }
    let moves = [
        ("SubnetId", "SubnetId"),
        ("SecurityGroupIds", "Groups"),
        ("PrivateIpAddress", "PrivateIpAddresses"),
        ("Ipv6AddressCount", "Ipv6AddressCount"),
        ("Ipv6Addresses", "Ipv6Addresses"),
        ("EnablePrimaryIpv6", "PrimaryIpv6"),
    ];
    for (from, to) in moves {
        if let Some(value) = params.shift_remove(from) {
            let value = match from {
                "PrivateIpAddress" => json!([{"PrivateIpAddress": value, "Primary": true}]),
                _ => value,
            };
            interface(params).insert(to.to_owned(), value);
        }
    }
}

fn count(text: &str, params: &mut Map<String, Value>) -> Result<(), Failure> {
    let (least, most) = text.split_once(':').unwrap_or((text, text));
    match (least.trim().parse::<i64>(), most.trim().parse::<i64>()) {
        (Ok(least), Ok(most)) => {
            params.insert("MinCount".to_owned(), least.into());
            params.insert("MaxCount".to_owned(), most.into());
            Ok(())
        }
        _ => Err(Failure::parameter("count parameter should be of form min[:max] (e.g. 1 or 1:10)")),
    }
}

fn protocol(text: &str) -> Result<&str, Failure> {
    match (text, text.trim().parse::<i64>()) {
        (_, Ok(-1..=255)) | ("tcp" | "udp" | "icmp", _) => Ok(text),
        ("all", _) => Ok("-1"),
        (_, Ok(_)) => Err(Failure::parameter(
            "protocol numbers must be in the range 0-255 or -1 to specify all protocols",
        )),
        _ => Err(Failure::parameter(
            "protocol parameter should be one of: tcp|udp|icmp|all or any valid protocol number.",
        )),
    }
}

fn ports(text: &str) -> Result<(i64, i64), Failure> {
    if matches!(text, "-1" | "all") {
        return Ok((-1, -1));
    }
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    match (from.trim().parse(), to.trim().parse()) {
        (Ok(from), Ok(to)) => Ok((from, to)),
        _ => Err(Failure::parameter("port parameter should be of the form <from[-to]> (e.g. 22 or 22-25)")),
    }
}

fn first(list: &mut Value, new: Value) -> &mut Map<String, Value> {
    if !list.get(0).is_some_and(Value::is_object) {
        *list = json!([new]);
    }
    list[0].as_object_mut().expect("it was made an object")
}

fn interface(params: &mut Map<String, Value>) -> &mut Map<String, Value> {
    first(params.entry("NetworkInterfaces").or_insert(Value::Null), json!({"DeviceIndex": 0}))
}

fn permission(params: &mut Map<String, Value>) -> &mut Map<String, Value> {
    first(params.entry("IpPermissions").or_insert(Value::Null), json!({}))
}

fn pair(params: &mut Map<String, Value>) -> &mut Map<String, Value> {
    first(permission(params).entry("UserIdGroupPairs").or_insert(Value::Null), json!({}))
}
