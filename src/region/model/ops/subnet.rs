//! Subnets.

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::acl;
use crate::region::model::addressing;
use crate::region::model::context::{Context, found, nothing, show_some_tags};
use crate::region::model::fault::{combination, fault, has_dependencies, invalid, invalid_value, missing};
use crate::region::model::kind;
use crate::region::model::listing::Listing;
use crate::region::model::names;
use crate::region::model::params::parse_cidr;
use crate::region::model::state::{Subnet, Tags};
use crate::wire::Fault;

static LISTING: Listing = Listing {
    member: "Subnets",
    ids: &[("SubnetIds", "SubnetId", &kind::SUBNET)],
    filters: &[
        ("availability-zone", "AvailabilityZone"),
        ("availabilityZone", "AvailabilityZone"),
        ("availability-zone-id", "AvailabilityZoneId"),
        ("availabilityZoneId", "AvailabilityZoneId"),
        ("available-ip-address-count", "AvailableIpAddressCount"),
        ("cidr-block", "CidrBlock"),
        ("cidr", "CidrBlock"),
        ("cidrBlock", "CidrBlock"),
        ("default-for-az", "DefaultForAz"),
        ("defaultForAz", "DefaultForAz"),
        ("map-public-ip-on-launch", "MapPublicIpOnLaunch"),
        ("ipv6-native", "Ipv6Native"),
        ("owner-id", "OwnerId"),
        ("private-dns-name-options-on-launch.hostname-type", "PrivateDnsNameOptionsOnLaunch.HostnameType"),
        ("state", "State"),
        ("subnet-arn", "SubnetArn"),
        ("subnet-id", "SubnetId"),
        ("vpc-id", "VpcId"),
        ("customer-owned-ipv4-pool", "CustomerOwnedIpv4Pool"),
        ("enable-dns64", "EnableDns64"),
        ("enable-lni-at-device-index", "EnableLniAtDeviceIndex"),
        ("ipv6-cidr-block-association.association-id", "Ipv6CidrBlockAssociationSet[].AssociationId"),
        ("ipv6-cidr-block-association.ipv6-cidr-block", "Ipv6CidrBlockAssociationSet[].Ipv6CidrBlock"),
        ("ipv6-cidr-block-association.state", "Ipv6CidrBlockAssociationSet[].Ipv6CidrBlockState.State"),
        ("map-customer-owned-ip-on-launch", "MapCustomerOwnedIpOnLaunch"),
        ("outpost-arn", "OutpostArn"),
        (
            "private-dns-name-options-on-launch.enable-resource-name-dns-a-record",
            "PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsARecord",
        ),
        (
            "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record",
            "PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsAAAARecord",
        ),
    ],
    tags: "Tags",
    page: (5, 1000),
};

fn show(context: &Context<'_>, subnet: &Subnet) -> Value {
    json!({
        "AvailabilityZoneId": subnet.zone_id,
        "MapCustomerOwnedIpOnLaunch": false,
        "OwnerId": context.caller.account,
        "AssignIpv6AddressOnCreation": false,
        "Ipv6CidrBlockAssociationSet": [],
        "Tags": show_some_tags(&subnet.tags),
        "SubnetArn": context.arn(&format!("subnet/{}", subnet.id)),
        "EnableDns64": false,
        "Ipv6Native": false,
        "PrivateDnsNameOptionsOnLaunch": {
            "HostnameType": subnet.hostname_type,
            "EnableResourceNameDnsARecord": subnet.resource_name_dns_a,
            "EnableResourceNameDnsAAAARecord": subnet.resource_name_dns_aaaa,
        },
        "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"},
        "SubnetId": subnet.id,
        "State": "available",
        "VpcId": subnet.vpc_id,
        "CidrBlock": subnet.cidr,
        "AvailableIpAddressCount": addressing::available(context.region, subnet),
        "AvailabilityZone": subnet.zone,
        "DefaultForAz": subnet.default_for_zone,
        "MapPublicIpOnLaunch": subnet.map_public_ip_on_launch,
    })
}

pub(super) fn create(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    let vpc = context.vpc(params.need("VpcId")?)?.clone();
    let text = params.str("CidrBlock").ok_or_else(|| missing("CidrBlock"))?;
    let cidr = parse_cidr("cidrBlock", text)?;
    if params.has("Ipv6CidrBlock") || params.flag("Ipv6Native") || params.has("OutpostArn") {
        return Err(fault("UnsupportedOperation", "IPv6 and Outposts are not available in this region."));
    }
    if !(16..=28).contains(&cidr.prefix_len()) || !vpc.cidr.contains(&cidr) {
        return Err(fault("InvalidSubnet.Range", format!("The CIDR '{text}' is invalid.")));
    }
    let overlaps = |other: &Subnet| other.cidr.contains(&cidr) || cidr.contains(&other.cidr);
    if context.region.subnets.iter().any(|other| other.vpc_id == vpc.id && overlaps(other)) {
        let message = format!("The CIDR '{text}' conflicts with another subnet");
        return Err(fault("InvalidSubnet.Conflict", message));
    }
    let (zone, zone_id) = choose_zone(context)?;
    let tags = context.new_tags(&kind::SUBNET)?;
    let id = make(context, &vpc.id, cidr, zone, zone_id, false, tags);
    let mut shown = show(context, context.subnet(&id)?);
    shown["BlockPublicAccessStates"] = Value::Null;
    Ok(json!({"Subnet": shown}))
}

/// The zone asked for, or the region's first one.
fn choose_zone(context: &Context<'_>) -> Result<(String, String), Fault> {
    let params = context.params;
    let zones = names::zones(&context.caller.region);
    let list = |pick: fn(&(String, String)) -> &String| {
        zones.iter().map(pick).cloned().collect::<Vec<_>>().join(", ")
    };
    let why = |zones: String| {
        format!("Subnets can currently only be created in the following availability zones: {zones}.")
    };
    match (params.str("AvailabilityZone"), params.str("AvailabilityZoneId")) {
        (Some(_), Some(_)) => {
            Err(combination("Only one of AvailabilityZone and AvailabilityZoneId can be specified."))
        }
        (Some(name), None) => zones
            .iter()
            .find(|zone| zone.0 == name)
            .cloned()
            .ok_or_else(|| invalid_value("availabilityZone", name, &why(list(|zone| &zone.0)))),
        (None, Some(id)) => zones
            .iter()
            .find(|zone| zone.1 == id)
            .cloned()
            .ok_or_else(|| invalid_value("availabilityZoneId", id, &why(list(|zone| &zone.1)))),
        (None, None) => Ok(zones[0].clone()),
    }
}

pub(super) fn make(
    context: &mut Context<'_>,
    vpc_id: &str,
    cidr: Ipv4Net,
    zone: String,
    zone_id: String,
    is_default: bool,
    tags: Tags,
) -> String {
    let id = context.id(&kind::SUBNET);
    context.region.subnets.insert(Subnet {
        id: id.clone(),
        vpc_id: vpc_id.to_owned(),
        cidr,
        zone,
        zone_id,
        default_for_zone: is_default,
        map_public_ip_on_launch: is_default,
        hostname_type: "ip-name".to_owned(),
        resource_name_dns_a: false,
        resource_name_dns_aaaa: false,
        tags,
    });
    acl::use_default(context, vpc_id, &id);
    id
}

pub(super) fn describe(context: &mut Context<'_>) -> Result<Value, Fault> {
    let items = context.region.subnets.iter().map(|subnet| show(context, subnet)).collect();
    LISTING.answer(context.params, items)
}

pub(super) fn modify_attribute(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    let id = params.need("SubnetId")?;
    context.subnet(id)?;
    let unsupported = ["AssignIpv6AddressOnCreation", "EnableDns64", "MapCustomerOwnedIpOnLaunch"];
    if unsupported.iter().any(|member| params.attribute(member) == Some(true)) {
        return Err(fault("UnsupportedOperation", "IPv6 and Outposts are not available in this region."));
    }
    let subnet = found(&mut context.region.subnets, id);
    if let Some(value) = params.attribute("MapPublicIpOnLaunch") {
        subnet.map_public_ip_on_launch = value;
    }
    if let Some(value) = params.attribute("EnableResourceNameDnsARecordOnLaunch") {
        subnet.resource_name_dns_a = value;
    }
    if let Some(value) = params.attribute("EnableResourceNameDnsAAAARecordOnLaunch") {
        subnet.resource_name_dns_aaaa = value;
    }
    match params.str("PrivateDnsHostnameTypeOnLaunch") {
        None => {}
        Some(kind @ ("ip-name" | "resource-name")) => subnet.hostname_type = kind.to_owned(),
        Some(other) => {
            return Err(invalid(format!(
                "Value ({other}) for parameter privateDnsHostnameTypeOnLaunch is invalid."
            )));
        }
    }
    nothing()
}

pub(super) fn delete(context: &mut Context<'_>) -> Result<Value, Fault> {
    let id = context.params.need("SubnetId")?;
    context.subnet(id)?;
    let region = &mut *context.region;
    if region.network_interfaces.iter().any(|eni| eni.subnet_id == id) {
        return Err(has_dependencies("subnet", id));
    }
    for table in region.route_tables.iter_mut() {
        table.associations.retain(|association| association.subnet_id.as_deref() != Some(id));
    }
    for acl in region.network_acls.iter_mut() {
        acl.associations.retain(|association| association.subnet_id != id);
    }
    region.subnets.remove(id);
    nothing()
}
