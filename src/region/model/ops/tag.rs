//! Tags of everything that has tags.

use serde_json::{Value, json};

use crate::region::model::context::{Context, check_tag, nothing, read_tags};
use crate::region::model::fault::{fault, missing};
use crate::region::model::kind::{self, Kind};
use crate::region::model::listing::{ITSELF, Listing};
use crate::region::model::state::{Region, Tags};
use crate::wire::Fault;

static LISTING: Listing = Listing {
    member: "Tags",
    ids: &[],
    filters: &[
        ("key", "Key"),
        ("resource-id", "ResourceId"),
        ("resource-type", "ResourceType"),
        ("value", "Value"),
    ],
    // `tag:KEY` selects by key and value at once, here too.
    tags: ITSELF,
    page: (5, 1000),
};

/// The tags of any resource.
fn tags_of<'a>(region: &'a mut Region, kind: &Kind, id: &str) -> Option<&'a mut Tags> {
    match kind.prefix {
        "vpc" => region.vpcs.get_mut(id).map(|r| &mut r.tags),
        "subnet" => region.subnets.get_mut(id).map(|r| &mut r.tags),
        "dopt" => region.dhcp_options.get_mut(id).map(|r| &mut r.tags),
        "igw" => region.internet_gateways.get_mut(id).map(|r| &mut r.tags),
        "nat" => region.nat_gateways.get_mut(id).map(|r| &mut r.tags),
        "rtb" => region.route_tables.get_mut(id).map(|r| &mut r.tags),
        "acl" => region.network_acls.get_mut(id).map(|r| &mut r.tags),
        "sg" => region.security_groups.get_mut(id).map(|r| &mut r.tags),
        "sgr" => region
            .security_groups
            .iter_mut()
            .flat_map(|group| group.rules.iter_mut())
            .find(|rule| rule.id == id)
            .map(|rule| &mut rule.tags),
        "key" => region.key_pairs.get_mut(id).map(|r| &mut r.tags),
        "eipalloc" => region.addresses.get_mut(id).map(|r| &mut r.tags),
        "eni" => region.network_interfaces.get_mut(id).map(|r| &mut r.tags),
        "vol" => region.volumes.get_mut(id).map(|r| &mut r.tags),
        "i" => region.instances.get_mut(id).map(|r| &mut r.tags),
        _ => None,
    }
}

/// Every resource that has tags: its kind, id and tags.
fn all_tags(region: &Region) -> Vec<(&'static Kind, &str, &Tags)> {
    let mut all: Vec<(&'static Kind, &str, &Tags)> = Vec::new();
    macro_rules! add {
        ($($kind:ident: $table:ident),+ $(,)?) => {
            $(all.extend(region.$table.iter().map(|r| (&kind::$kind, r.id.as_str(), &r.tags)));)+
        };
    }
    add!(
        VPC: vpcs,
        SUBNET: subnets,
        DHCP_OPTIONS: dhcp_options,
        INTERNET_GATEWAY: internet_gateways,
        NAT_GATEWAY: nat_gateways,
        ROUTE_TABLE: route_tables,
        NETWORK_ACL: network_acls,
        SECURITY_GROUP: security_groups,
        KEY_PAIR: key_pairs,
        ADDRESS: addresses,
        NETWORK_INTERFACE: network_interfaces,
        VOLUME: volumes,
        INSTANCE: instances,
    );
    let rules = region.security_groups.iter().flat_map(|group| group.rules.iter());
    all.extend(rules.map(|rule| (&kind::SECURITY_GROUP_RULE, rule.id.as_str(), &rule.tags)));
    all
}

/// The resources of a request, each looked up.
fn resources<'a>(context: &mut Context<'a>) -> Result<Vec<(&'static Kind, &'a str)>, Fault> {
    let ids = context.params.strings("Resources");
    if ids.is_empty() {
        return Err(missing("resourceIdSet"));
    }
    let mut found = Vec::new();
    for id in ids {
        let taggable = kind::of(id).filter(|kind| !kind.resource_type.is_empty());
        let kind = taggable.ok_or_else(|| fault("InvalidID", format!("The ID '{id}' is not valid")))?;
        kind.check(id)?;
        if tags_of(context.region, kind, id).is_none() {
            return Err(kind.not_found(id));
        }
        found.push((kind, id));
    }
    Ok(found)
}

pub(super) fn create(context: &mut Context<'_>) -> Result<Value, Fault> {
    let resources = resources(context)?;
    let new = read_tags(context.params)?;
    if new.is_empty() {
        return Err(missing("Tag"));
    }
    for (kind, id) in resources {
        let tags = tags_of(context.region, kind, id).expect("looked up above");
        tags.extend(new.clone());
        if tags.len() > 50 {
            let message = "The maximum number of Tags for a resource has been reached.";
            return Err(fault("TagLimitExceeded", message));
        }
    }
    nothing()
}

/// Deletes tags by key, or by key and value; with no tags named, all of the resources' tags.
pub(super) fn delete(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    for tag in params.objects("Tags") {
        check_tag(tag.str("Key").unwrap_or_default(), tag.str("Value").unwrap_or_default())?;
    }
    for (kind, id) in resources(context)? {
        let tags = tags_of(context.region, kind, id).expect("looked up above");
        if !params.has("Tags") {
            tags.clear();
        }
        for tag in params.objects("Tags") {
            let key = tag.str("Key").unwrap_or_default();
            // A value given, also an empty one, must match; a value left out matches any.
            if tag.str("Value").is_none_or(|value| tags.get(key).is_some_and(|present| present == value)) {
                tags.remove(key);
            }
        }
    }
    nothing()
}

pub(super) fn describe(context: &mut Context<'_>) -> Result<Value, Fault> {
    let mut items = Vec::new();
    for (kind, id, tags) in all_tags(context.region) {
        items.extend(tags.iter().map(|(key, value)| {
            json!({"Key": key, "ResourceId": id, "ResourceType": kind.resource_type, "Value": value})
        }));
    }
    LISTING.answer(context.params, items)
}
