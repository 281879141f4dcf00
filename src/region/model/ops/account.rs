//! The account itself: its attributes, and who calls.

use serde_json::{Value, json};

use crate::region::model::context::Context;
use crate::region::model::fault::invalid;
use crate::wire::Fault;

pub(super) fn attributes(context: &mut Context<'_>) -> Result<Value, Fault> {
    let default_vpc =
        context.region.vpcs.iter().find(|vpc| vpc.is_default).map_or("none", |vpc| vpc.id.as_str());
    let all = [
        ("vpc-max-security-groups-per-interface", "5"),
        ("max-instances", "20"),
        ("supported-platforms", "VPC"),
        ("default-vpc", default_vpc),
        ("max-elastic-ips", "5"),
        ("vpc-max-elastic-ips", "5"),
    ];
    let wanted = context.params.strings("AttributeNames");
    if let Some(unknown) = wanted.iter().find(|name| !all.iter().any(|(known, _)| known == *name)) {
        return Err(invalid(format!("Value ({unknown}) for parameter attributeName is invalid.")));
    }
    let shown: Vec<Value> = all
        .iter()
        .filter(|(name, _)| wanted.is_empty() || wanted.contains(name))
        .map(|(name, value)| json!({"AttributeName": name, "AttributeValues": [{"AttributeValue": value}]}))
        .collect();
    Ok(json!({"AccountAttributes": shown}))
}

/// `GetCallerIdentity` of STS: every lab's user has the same name in an account of its own.
pub(super) fn caller_identity(context: &mut Context<'_>) -> Result<Value, Fault> {
    let account = &context.caller.account;
    Ok(json!({
        "UserId": format!("AIDALAB{account}"),
        "Account": account,
        "Arn": format!("arn:aws:iam::{account}:user/lab"),
    }))
}
