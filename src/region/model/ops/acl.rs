//! Network ACLs.

use serde_json::{Value, json};

use super::permission::read_protocol;
use crate::region::model::context::{Context, found, nothing, show_tags};
use crate::region::model::fault::{fault, has_dependencies, invalid, missing};
use crate::region::model::kind;
use crate::region::model::listing::Listing;
use crate::region::model::params::parse_cidr;
use crate::region::model::state::{AclAssociation, AclEntry, NetworkAcl, PortRange, Protocol, Tags};
use crate::wire::Fault;

/// The number of the final deny.
const LAST: u16 = 32767;

static LISTING: Listing = Listing {
    member: "NetworkAcls",
    ids: &[("NetworkAclIds", "NetworkAclId", &kind::NETWORK_ACL)],
    filters: &[
        ("association.association-id", "Associations[].NetworkAclAssociationId"),
        ("association.network-acl-id", "Associations[].NetworkAclId"),
        ("association.subnet-id", "Associations[].SubnetId"),
        ("default", "IsDefault"),
        ("entry.cidr", "Entries[].CidrBlock"),
        ("entry.icmp.code", "Entries[].IcmpTypeCode.Code"),
        ("entry.icmp.type", "Entries[].IcmpTypeCode.Type"),
        ("entry.port-range.from", "Entries[].PortRange.From"),
        ("entry.port-range.to", "Entries[].PortRange.To"),
        ("entry.protocol", "Entries[].Protocol"),
        ("entry.rule-action", "Entries[].RuleAction"),
        ("entry.egress", "Entries[].Egress"),
        ("entry.rule-number", "Entries[].RuleNumber"),
        ("network-acl-id", "NetworkAclId"),
        ("owner-id", "OwnerId"),
        ("vpc-id", "VpcId"),
        ("entry.ipv6-cidr", "Entries[].Ipv6CidrBlock"),
    ],
    tags: "Tags",
    page: (5, 1000),
};

fn show(context: &Context<'_>, acl: &NetworkAcl) -> Value {
    let association = |association: &AclAssociation| {
        json!({
            "NetworkAclAssociationId": association.id,
            "NetworkAclId": acl.id,
            "SubnetId": association.subnet_id,
        })
    };
    // EC2 lists what goes out before what comes in.
    let sides = [true, false].map(|egress| acl.entries.iter().filter(move |entry| entry.egress == egress));
    json!({
        "Associations": acl.associations.iter().map(association).collect::<Value>(),
        "Entries": sides.into_iter().flatten().map(show_entry).collect::<Value>(),
        "IsDefault": acl.is_default,
        "NetworkAclId": acl.id,
        "Tags": show_tags(&acl.tags),
        "VpcId": acl.vpc_id,
        "OwnerId": context.caller.account,
    })
}

fn show_entry(entry: &AclEntry) -> Value {
    let mut shown = json!({
        "CidrBlock": entry.cidr,
        "Egress": entry.egress,
        "Protocol": entry.protocol.number().map_or("-1".to_owned(), |number| number.to_string()),
        "RuleAction": if entry.allow { "allow" } else { "deny" },
        "RuleNumber": entry.number,
    });
    match (entry.protocol, entry.ports) {
        (Protocol::Icmp | Protocol::Icmp6, Some(ports)) => {
            shown["IcmpTypeCode"] = json!({"Code": ports.to, "Type": ports.from});
        }
        (_, Some(ports)) => shown["PortRange"] = json!({"From": ports.from, "To": ports.to}),
        _ => {}
    }
    shown
}

fn everything(number: u16, egress: bool, allow: bool) -> AclEntry {
    let cidr = "0.0.0.0/0".parse().expect("a constant");
    AclEntry { number, egress, allow, protocol: Protocol::All, cidr, ports: None }
}

fn make(context: &mut Context<'_>, vpc_id: &str, is_default: bool, tags: Tags) -> String {
    let id = context.id(&kind::NETWORK_ACL);
    let mut entries = vec![everything(LAST, false, false), everything(LAST, true, false)];
    if is_default {
        entries.extend([everything(100, false, true), everything(100, true, true)]);
    }
    sort(&mut entries);
    let vpc_id = vpc_id.to_owned();
    let acl = NetworkAcl { id: id.clone(), vpc_id, is_default, entries, associations: Vec::new(), tags };
    context.region.network_acls.insert(acl);
    id
}

fn sort(entries: &mut [AclEntry]) {
    entries.sort_by_key(|entry| (entry.egress, entry.number));
}

/// The ACL that a new VPC has: everything may pass.
pub(super) fn make_default(context: &mut Context<'_>, vpc_id: &str) {
    make(context, vpc_id, true, Tags::new());
}

/// Gives a new subnet the default ACL of its VPC.
pub(super) fn use_default(context: &mut Context<'_>, vpc_id: &str, subnet_id: &str) {
    let id = context.id(&kind::ACL_ASSOCIATION);
    let default = context.region.network_acls.iter_mut().find(|acl| acl.vpc_id == vpc_id && acl.is_default);
    let association = AclAssociation { id, subnet_id: subnet_id.to_owned() };
    default.expect("every VPC has a default network ACL").associations.push(association);
}

pub(super) fn create(context: &mut Context<'_>) -> Result<Value, Fault> {
    let vpc_id = context.vpc(context.params.need("VpcId")?)?.id.clone();
    let tags = context.new_tags(&kind::NETWORK_ACL)?;
    let id = make(context, &vpc_id, false, tags);
    let shown = show(context, context.network_acl(&id)?);
    Ok(json!({"NetworkAcl": shown, "ClientToken": context.params.str("ClientToken")}))
}

pub(super) fn describe(context: &mut Context<'_>) -> Result<Value, Fault> {
    let items = context.region.network_acls.iter().map(|acl| show(context, acl)).collect();
    LISTING.answer(context.params, items)
}

pub(super) fn delete(context: &mut Context<'_>) -> Result<Value, Fault> {
    let id = context.params.need("NetworkAclId")?;
    let acl = context.network_acl(id)?;
    if acl.is_default {
        return Err(invalid(format!("cannot delete default network ACL {id}")));
    }
    if !acl.associations.is_empty() {
        return Err(has_dependencies("networkAcl", id));
    }
    context.region.network_acls.remove(id);
    nothing()
}

fn read_entry(context: &Context<'_>) -> Result<AclEntry, Fault> {
    let params = context.params;
    let number = params.int("RuleNumber").ok_or_else(|| missing("RuleNumber"))?;
    let number = u16::try_from(number).ok().filter(|number| (1..LAST).contains(number)).ok_or_else(|| {
        invalid(format!(
            "Value ({number}) for parameter ruleNumber is invalid. Expecting a value between 1 and 32766."
        ))
    })?;
    let allow = match params.need("RuleAction")? {
        "allow" => true,
        "deny" => false,
        other => {
            return Err(invalid(format!(
                "Invalid value '{other}' for ruleAction. Must be 'allow' or 'deny'."
            )));
        }
    };
    let protocol = read_protocol(params.need("Protocol")?)?;
    let cidr = parse_cidr("cidrBlock", params.str("CidrBlock").ok_or_else(|| missing("CidrBlock"))?)?;
    let ports = match protocol {
        Protocol::Tcp | Protocol::Udp => {
            let range = params.object("PortRange").ok_or_else(|| missing("PortRange"))?;
            let port = |member: &str| {
                let value = range.int(member).ok_or_else(|| missing(&format!("PortRange.{member}")))?;
                u16::try_from(value)
                    .map(i32::from)
                    .map_err(|_| invalid(format!("Invalid port number '{value}'.")))
            };
            let (from, to) = (port("From")?, port("To")?);
            if from > to {
                return Err(invalid(format!("Invalid port range ({from}, {to})")));
            }
            Some(PortRange { from, to })
        }
        Protocol::Icmp | Protocol::Icmp6 => {
            let code = params.object("IcmpTypeCode").ok_or_else(|| missing("IcmpTypeCode"))?;
            let value = |member: &str| {
                let value = code.int(member).unwrap_or(-1);
                match (-1..=255).contains(&value) {
                    true => Ok(value as i32),
                    false => Err(invalid(format!("Invalid ICMP {} '{value}'.", member.to_lowercase()))),
                }
            };
            Some(PortRange { from: value("Type")?, to: value("Code")? })
        }
        _ => None,
    };
    Ok(AclEntry { number, egress: params.flag("Egress"), allow, protocol, cidr, ports })
}

pub(super) fn create_entry(context: &mut Context<'_>) -> Result<Value, Fault> {
    let id = context.params.need("NetworkAclId")?;
    context.network_acl(id)?;
    let entry = read_entry(context)?;
    let entries = &mut found(&mut context.region.network_acls, id).entries;
    if entries.iter().any(|other| (other.egress, other.number) == (entry.egress, entry.number)) {
        let message = format!("The network acl entry identified by {} already exists.", entry.number);
        return Err(fault("NetworkAclEntryAlreadyExists", message));
    }
    entries.push(entry);
    sort(entries);
    nothing()
}

fn no_entry(id: &str, number: i64, egress: bool) -> Fault {
    let side = if egress { "egress" } else { "ingress" };
    let message =
        format!("The {side} network acl entry identified by {number} in network acl {id} does not exist");
    fault("InvalidNetworkAclEntry.NotFound", message)
}

pub(super) fn replace_entry(context: &mut Context<'_>) -> Result<Value, Fault> {
    let id = context.params.need("NetworkAclId")?;
    context.network_acl(id)?;
    let entry = read_entry(context)?;
    let entries = &mut found(&mut context.region.network_acls, id).entries;
    let same = |other: &&mut AclEntry| (other.egress, other.number) == (entry.egress, entry.number);
    let old = entries.iter_mut().find(same).ok_or_else(|| no_entry(id, entry.number.into(), entry.egress))?;
    *old = entry;
    nothing()
}

pub(super) fn delete_entry(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    let id = params.need("NetworkAclId")?;
    let acl = context.network_acl(id)?;
    let egress = params.flag("Egress");
    let number = params.int("RuleNumber").ok_or_else(|| missing("RuleNumber"))?;
    if number == i64::from(LAST) {
        return Err(invalid("cannot delete the default entry of a network ACL"));
    }
    let is = |entry: &AclEntry| (entry.egress, i64::from(entry.number)) == (egress, number);
    if !acl.entries.iter().any(is) {
        return Err(no_entry(id, number, egress));
    }
    found(&mut context.region.network_acls, id).entries.retain(|entry| !is(entry));
    nothing()
}

pub(super) fn replace_association(context: &mut Context<'_>) -> Result<Value, Fault> {
    let id = context.params.need("AssociationId")?;
    let new = context.network_acl(context.params.need("NetworkAclId")?)?;
    let (new_acl, vpc_id) = (new.id.clone(), new.vpc_id.clone());
    let owner = context.region.network_acls.iter().find_map(|acl| {
        let association = acl.associations.iter().find(|association| association.id == id)?;
        Some((acl.id.clone(), acl.vpc_id.clone(), association.subnet_id.clone()))
    });
    let (old_acl, old_vpc, subnet_id) = owner.ok_or_else(|| kind::ACL_ASSOCIATION.not_found(id))?;
    if old_vpc != vpc_id {
        return Err(invalid(format!(
            "network ACL {new_acl} and subnet {subnet_id} belong to different networks"
        )));
    }
    found(&mut context.region.network_acls, &old_acl).associations.retain(|association| association.id != id);
    let new_id = context.id(&kind::ACL_ASSOCIATION);
    let association = AclAssociation { id: new_id.clone(), subnet_id };
    found(&mut context.region.network_acls, &new_acl).associations.push(association);
    Ok(json!({"NewAssociationId": new_id}))
}
