//! The rules of security groups: authorize, revoke, describe, modify.

use serde_json::{Value, json};

use super::permission::{self, Permission};
use crate::region::model::context::{Context, done, found, show_tags};
use crate::region::model::fault::{combination, fault, invalid, missing};
use crate::region::model::kind;
use crate::region::model::listing::Listing;
use crate::region::model::params::Params;
use crate::region::model::state::{Peer, SecurityGroup, SecurityGroupRule};
use crate::wire::Fault;

static LISTING: Listing = Listing {
    member: "SecurityGroupRules",
    ids: &[("SecurityGroupRuleIds", "SecurityGroupRuleId", &kind::SECURITY_GROUP_RULE)],
    filters: &[("group-id", "GroupId"), ("security-group-rule-id", "SecurityGroupRuleId")],
    tags: "Tags",
    page: (5, 1000),
};

/// The group that a request names by id, or by name in the default VPC.
pub(super) fn group_of_request(context: &Context<'_>) -> Result<String, Fault> {
    if let Some(id) = context.params.str("GroupId") {
        return Ok(context.security_group(id)?.id.clone());
    }
    let name = context.params.str("GroupName").ok_or_else(|| {
        fault("MissingParameter", "The request must contain the parameter groupName or groupId")
    })?;
    let vpc = context.region.vpcs.iter().find(|vpc| vpc.is_default);
    let named = |group: &&SecurityGroup| vpc.is_some_and(|vpc| group.vpc_id == vpc.id) && group.name == name;
    let group = context.region.security_groups.iter().find(named);
    Ok(group.ok_or_else(|| kind::SECURITY_GROUP.not_found(name))?.id.clone())
}

fn show(context: &Context<'_>, group: &SecurityGroup, rule: &SecurityGroupRule) -> Value {
    let account = &context.caller.account;
    let mut shown = json!({
        "SecurityGroupRuleId": rule.id,
        "GroupId": group.id,
        "GroupOwnerId": account,
        "IsEgress": rule.egress,
        "IpProtocol": permission::show_protocol(rule.protocol),
        "FromPort": rule.ports.map_or(-1, |ports| ports.from),
        "ToPort": rule.ports.map_or(-1, |ports| ports.to),
        "Description": rule.description,
        "Tags": show_tags(&rule.tags),
        "SecurityGroupRuleArn": context.arn(&format!("security-group-rule/{}", rule.id)),
    });
    match &rule.peer {
        Peer::Cidr(net) => shown["CidrIpv4"] = json!(net),
        Peer::Cidr6(net) => shown["CidrIpv6"] = json!(net),
        Peer::Group(id) => shown["ReferencedGroupInfo"] = json!({"GroupId": id, "UserId": account}),
    }
    shown
}

pub(super) fn describe(context: &mut Context<'_>) -> Result<Value, Fault> {
    // The one filter whose ids EC2 checks: a group is named by it alone here.
    for filter in context.params.objects("Filters").filter(|filter| filter.str("Name") == Some("group-id")) {
        filter.strings("Values").into_iter().try_for_each(|id| kind::SECURITY_GROUP.check(id))?;
    }
    let groups = context.region.security_groups.iter();
    let items = groups.flat_map(|group| group.rules.iter().map(|rule| show(context, group, rule))).collect();
    LISTING.answer(context.params, items)
}

pub(super) fn authorize_ingress(context: &mut Context<'_>) -> Result<Value, Fault> {
    authorize(context, false)
}

pub(super) fn authorize_egress(context: &mut Context<'_>) -> Result<Value, Fault> {
    authorize(context, true)
}

fn authorize(context: &mut Context<'_>, egress: bool) -> Result<Value, Fault> {
    let id = group_of_request(context)?;
    let group = context.security_group(&id)?.clone();
    let permissions = permission::read(context, &group)?;
    let tags = context.new_tags(&kind::SECURITY_GROUP_RULE)?;
    for permission in &permissions {
        if group.rules.iter().any(|rule| rule.egress == egress && permission.is(rule)) {
            let message = format!("the specified rule \"{}\" already exists", permission.words());
            return Err(fault("InvalidPermission.Duplicate", message));
        }
    }
    let mut made = Vec::new();
    for Permission { protocol, ports, peer, description } in permissions {
        let id = context.id(&kind::SECURITY_GROUP_RULE);
        made.push(SecurityGroupRule { id, egress, protocol, ports, peer, description, tags: tags.clone() });
    }
    let shown: Value = made.iter().map(|rule| show(context, &group, rule)).collect();
    found(&mut context.region.security_groups, &id).rules.extend(made);
    Ok(json!({"Return": true, "SecurityGroupRules": shown}))
}

pub(super) fn revoke_ingress(context: &mut Context<'_>) -> Result<Value, Fault> {
    revoke(context, false)
}

pub(super) fn revoke_egress(context: &mut Context<'_>) -> Result<Value, Fault> {
    revoke(context, true)
}

fn revoke(context: &mut Context<'_>, egress: bool) -> Result<Value, Fault> {
    let id = group_of_request(context)?;
    let group = context.security_group(&id)?.clone();
    let ids = context.params.strings("SecurityGroupRuleIds");
    let mut gone = Vec::new();
    if ids.is_empty() {
        for permission in permission::read(context, &group)? {
            let rule = group.rules.iter().find(|rule| rule.egress == egress && permission.is(rule));
            let not_found = || {
                fault(
                    "InvalidPermission.NotFound",
                    "The specified rule does not exist in this security group.",
                )
            };
            gone.push(rule.ok_or_else(not_found)?.clone());
        }
    } else {
        if context.params.has("IpPermissions") || context.params.has("IpProtocol") {
            let message = "You can't specify both a security group rule ID and IP permissions.";
            return Err(combination(message));
        }
        for rule_id in ids {
            let rule = group.rules.iter().find(|rule| rule.id == rule_id && rule.egress == egress);
            gone.push(rule.ok_or_else(|| kind::SECURITY_GROUP_RULE.not_found(rule_id))?.clone());
        }
    }
    let shown: Vec<Value> = gone.iter().map(|rule| show_revoked(&id, rule)).collect();
    let rules = &mut found(&mut context.region.security_groups, &id).rules;
    rules.retain(|rule| !gone.iter().any(|other| other.id == rule.id));
    let mut answer = done()?;
    answer["RevokedSecurityGroupRules"] = json!(shown);
    Ok(answer)
}

fn show_revoked(group_id: &str, rule: &SecurityGroupRule) -> Value {
    let mut shown = json!({
        "SecurityGroupRuleId": rule.id,
        "GroupId": group_id,
        "IsEgress": rule.egress,
        "IpProtocol": permission::show_protocol(rule.protocol),
        "FromPort": rule.ports.map_or(-1, |ports| ports.from),
        "ToPort": rule.ports.map_or(-1, |ports| ports.to),
        "Description": rule.description,
    });
    match &rule.peer {
        Peer::Cidr(net) => shown["CidrIpv4"] = json!(net),
        Peer::Cidr6(net) => shown["CidrIpv6"] = json!(net),
        Peer::Group(id) => shown["ReferencedGroupId"] = json!(id),
    }
    shown
}

pub(super) fn modify(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    let group = context.security_group(params.need("GroupId")?)?.clone();
    let mut rules = group.rules.clone();
    for update in params.objects("SecurityGroupRules") {
        let rule_id = update.need("SecurityGroupRuleId")?;
        let position = rules
            .iter()
            .position(|rule| rule.id == rule_id)
            .ok_or_else(|| kind::SECURITY_GROUP_RULE.not_found(rule_id))?;
        let Some(to) = update.object("SecurityGroupRule") else { continue };
        let new = read_update(context, &group, to)?;
        let rule = &rules[position];
        let egress = rule.egress;
        let same_kind = matches!(
            (&rule.peer, &new.peer),
            (Peer::Cidr(_), Peer::Cidr(_))
                | (Peer::Cidr6(_), Peer::Cidr6(_))
                | (Peer::Group(_), Peer::Group(_))
        );
        if !same_kind {
            return Err(invalid(
                "You may not modify the source or destination type of a security group rule.",
            ));
        }
        let other = |(n, other): (usize, &SecurityGroupRule)| {
            n != position && other.egress == egress && new.is(other)
        };
        if rules.iter().enumerate().any(other) {
            let message = format!("the specified rule \"{}\" already exists", new.words());
            return Err(fault("InvalidPermission.Duplicate", message));
        }
        let rule = &mut rules[position];
        (rule.protocol, rule.ports, rule.peer, rule.description) =
            (new.protocol, new.ports, new.peer, new.description);
    }
    found(&mut context.region.security_groups, &group.id).rules = rules;
    done()
}

/// The new form of a rule: it replaces the old one as a whole.
fn read_update(context: &Context<'_>, group: &SecurityGroup, to: Params<'_>) -> Result<Permission, Fault> {
    let protocol = permission::read_protocol(to.need("IpProtocol")?)?;
    let ports = permission::read_ports(protocol, to)?;
    let peer = match (to.str("CidrIpv4"), to.str("CidrIpv6"), to.str("ReferencedGroupId")) {
        (Some(cidr), None, None) => permission::read_rule_cidr(cidr)?,
        (None, Some(cidr), None) => permission::read_rule_cidr6(cidr)?,
        (None, None, Some(id)) => permission::read_peer_group(context, group, Some(id), None)?,
        (None, None, None) => return Err(missing("CidrIpv4")),
        _ => {
            return Err(combination(
                "Only one source or destination may be specified in a security group rule.",
            ));
        }
    };
    let description = to.str("Description").filter(|text| !text.is_empty()).map(str::to_owned);
    Ok(Permission { protocol, ports, peer, description })
}

pub(super) fn describe_in_ingress(context: &mut Context<'_>) -> Result<Value, Fault> {
    update_descriptions(context, false)
}

pub(super) fn describe_in_egress(context: &mut Context<'_>) -> Result<Value, Fault> {
    update_descriptions(context, true)
}

/// `UpdateSecurityGroupRuleDescriptions…`
fn update_descriptions(context: &mut Context<'_>, egress: bool) -> Result<Value, Fault> {
    let id = group_of_request(context)?;
    let mut group = context.security_group(&id)?.clone();
    let updates: Vec<Params<'_>> = context.params.objects("SecurityGroupRuleDescriptions").collect();
    if updates.is_empty() {
        for permission in permission::read(context, &group)? {
            let rule = group.rules.iter_mut().find(|rule| rule.egress == egress && permission.is(rule));
            let not_found = || {
                fault(
                    "InvalidPermission.NotFound",
                    "The specified rule does not exist in this security group.",
                )
            };
            rule.ok_or_else(not_found)?.description = permission.description;
        }
    }
    for update in updates {
        let rule_id = update.need("SecurityGroupRuleId")?;
        let rule = group.rules.iter_mut().find(|rule| rule.id == rule_id && rule.egress == egress);
        let rule = rule.ok_or_else(|| kind::SECURITY_GROUP_RULE.not_found(rule_id))?;
        rule.description = update.str("Description").filter(|text| !text.is_empty()).map(str::to_owned);
    }
    *found(&mut context.region.security_groups, &id) = group;
    done()
}
