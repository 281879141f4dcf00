//! Security groups: making, showing and deleting them. Their rules are in `rule`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::permission::show_permissions;
use crate::region::model::context::{Context, done, show_some_tags};
use crate::region::model::fault::{fault, invalid, missing};
use crate::region::model::kind;
use crate::region::model::listing::Listing;
use crate::region::model::state::{Peer, Protocol, SecurityGroup, SecurityGroupRule, Tags};
use crate::wire::Fault;

static LISTING: Listing = Listing {
    member: "SecurityGroups",
    ids: &[("GroupIds", "GroupId", &kind::SECURITY_GROUP), ("GroupNames", "GroupName", &kind::GROUP_NAME)],
    filters: &[
        ("description", "Description"),
        ("egress.ip-permission.cidr", "IpPermissionsEgress[].IpRanges[].CidrIp"),
        ("egress.ip-permission.from-port", "IpPermissionsEgress[].FromPort"),
        ("egress.ip-permission.group-id", "IpPermissionsEgress[].UserIdGroupPairs[].GroupId"),
        ("egress.ip-permission.ipv6-cidr", "IpPermissionsEgress[].Ipv6Ranges[].CidrIpv6"),
        ("egress.ip-permission.protocol", "IpPermissionsEgress[].IpProtocol"),
        ("egress.ip-permission.to-port", "IpPermissionsEgress[].ToPort"),
        ("egress.ip-permission.user-id", "IpPermissionsEgress[].UserIdGroupPairs[].UserId"),
        ("group-id", "GroupId"),
        ("group-name", "GroupName"),
        ("ip-permission.cidr", "IpPermissions[].IpRanges[].CidrIp"),
        ("ip-permission.from-port", "IpPermissions[].FromPort"),
        ("ip-permission.group-id", "IpPermissions[].UserIdGroupPairs[].GroupId"),
        ("ip-permission.ipv6-cidr", "IpPermissions[].Ipv6Ranges[].CidrIpv6"),
        ("ip-permission.protocol", "IpPermissions[].IpProtocol"),
        ("ip-permission.to-port", "IpPermissions[].ToPort"),
        ("ip-permission.user-id", "IpPermissions[].UserIdGroupPairs[].UserId"),
        ("owner-id", "OwnerId"),
        ("vpc-id", "VpcId"),
        ("egress.ip-permission.prefix-list-id", "IpPermissionsEgress[].PrefixListIds[].PrefixListId"),
        ("ip-permission.prefix-list-id", "IpPermissions[].PrefixListIds[].PrefixListId"),
    ],
    tags: "Tags",
    page: (5, 1000),
};

fn show(context: &Context<'_>, group: &SecurityGroup) -> Value {
    json!({
        "GroupId": group.id,
        "IpPermissionsEgress": show_permissions(context, group, true),
        "Tags": show_some_tags(&group.tags),
        "VpcId": group.vpc_id,
        "SecurityGroupArn": context.arn(&format!("security-group/{}", group.id)),
        "OwnerId": context.caller.account,
        "GroupName": group.name,
        "Description": group.description,
        "IpPermissions": show_permissions(context, group, false),
    })
}

fn check_text(parameter: &str, text: &str) -> Result<(), Fault> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
    if text.is_empty() || text.len() > 255 || !text.chars().all(allowed) {
        return Err(invalid(format!(
            "Value ({text}) for parameter {parameter} is invalid. Character sets beyond ASCII are not supported."
        )));
    }
    Ok(())
}

/// The VPC that a request means: the one it names, or the default one.
pub(super) fn vpc_or_default(context: &Context<'_>) -> Result<String, Fault> {
    if let Some(id) = context.params.str("VpcId") {
        return Ok(context.vpc(id)?.id.clone());
    }
    let default = context.region.vpcs.iter().find(|vpc| vpc.is_default);
    Ok(default.ok_or_else(|| fault("VPCIdNotSpecified", "No default VPC for this user"))?.id.clone())
}

pub(super) fn create(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    let name = params.need("GroupName")?;
    let description = params.str("Description").ok_or_else(|| missing("GroupDescription"))?;
    let vpc_id = vpc_or_default(context)?;
    check_text("groupName", name)?;
    check_text("groupDescription", description)?;
    if name == "default" {
        return Err(invalid(format!("Cannot use reserved security group name: {name}")));
    }
    if name.starts_with("sg-") {
        return Err(invalid(format!(
            "Value ({name}) for parameter groupName is invalid. Group names may not be in the format sg-*"
        )));
    }
    if context.region.security_groups.iter().any(|group| group.vpc_id == vpc_id && group.name == name) {
        let message = format!("The security group '{name}' already exists for VPC '{vpc_id}'");
        return Err(fault("InvalidGroup.Duplicate", message));
    }
    let tags = context.new_tags(&kind::SECURITY_GROUP)?;
    let id = make(context, &vpc_id, name, description, tags.clone());
    Ok(json!({
        "GroupId": id,
        "Tags": show_some_tags(&tags),
        "SecurityGroupArn": context.arn(&format!("security-group/{id}")),
    }))
}

/// A group with the rule that every group begins with: everything may go out.
fn make(context: &mut Context<'_>, vpc_id: &str, name: &str, description: &str, tags: Tags) -> String {
    let id = context.id(&kind::SECURITY_GROUP);
    let anywhere = Peer::Cidr("0.0.0.0/0".parse().expect("a constant"));
    let egress = all_traffic(context, true, anywhere);
    context.region.security_groups.insert(SecurityGroup {
        id: id.clone(),
        vpc_id: vpc_id.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        rules: vec![egress],
        tags,
    });
    id
}

fn all_traffic(context: &mut Context<'_>, egress: bool, peer: Peer) -> SecurityGroupRule {
    SecurityGroupRule {
        id: context.id(&kind::SECURITY_GROUP_RULE),
        egress,
        protocol: Protocol::All,
        ports: None,
        peer,
        description: None,
        tags: Tags::new(),
    }
}

/// The `default` group of a new VPC: its members may talk to each other.
pub(super) fn make_default(context: &mut Context<'_>, vpc_id: &str) {
    let id = make(context, vpc_id, "default", "default VPC security group", Tags::new());
    let within = all_traffic(context, false, Peer::Group(id.clone()));
    context.region.security_groups.get_mut(&id).expect("just made").rules.push(within);
}

pub(super) fn describe(context: &mut Context<'_>) -> Result<Value, Fault> {
    let names: BTreeSet<&str> = context.params.strings("GroupNames").into_iter().collect();
    let default_vpc = context.region.vpcs.iter().find(|vpc| vpc.is_default).map(|vpc| vpc.id.as_str());
    // Names are looked up in the default VPC only; elsewhere a filter or an id is needed.
    let visible = |group: &&SecurityGroup| names.is_empty() || Some(group.vpc_id.as_str()) == default_vpc;
    let items =
        context.region.security_groups.iter().filter(visible).map(|group| show(context, group)).collect();
    LISTING.answer(context.params, items)
}

pub(super) fn delete(context: &mut Context<'_>) -> Result<Value, Fault> {
    let id = super::rule::group_of_request(context)?;
    let group = context.security_group(&id)?;
    if group.name == "default" {
        let message = format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user");
        return Err(fault("CannotDelete", message));
    }
    let region = &*context.region;
    let referenced = region
        .security_groups
        .iter()
        .filter(|other| other.id != id)
        .any(|other| other.rules.iter().any(|rule| rule.peer == Peer::Group(id.clone())));
    if referenced || region.network_interfaces.iter().any(|eni| eni.groups.contains(&id)) {
        return Err(fault("DependencyViolation", format!("resource {id} has a dependent object")));
    }
    context.region.security_groups.remove(&id);
    let mut answer = done()?;
    answer["GroupId"] = json!(id);
    Ok(answer)
}
