//! VPCs, and what comes with each: a main route table, a network ACL, a security group.

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::{acl, dhcp, gateway, route, security, subnet};
use crate::region::model::context::{Context, found, nothing, show_some_tags, show_tags};
use crate::region::model::fault::{combination, fault, has_dependencies, invalid, missing};
use crate::region::model::kind;
use crate::region::model::listing::Listing;
use crate::region::model::names;
use crate::region::model::params::parse_cidr;
use crate::region::model::state::{Tags, Vpc};
use crate::wire::Fault;

static LISTING: Listing = Listing {
    member: "Vpcs",
    ids: &[("VpcIds", "VpcId", &kind::VPC)],
    filters: &[
        ("cidr", "CidrBlock"),
        ("cidr-block", "CidrBlock"),
        ("cidrBlock", "CidrBlock"),
        ("cidr-block-association.association-id", "CidrBlockAssociationSet[].AssociationId"),
        ("cidr-block-association.cidr-block", "CidrBlockAssociationSet[].CidrBlock"),
        ("cidr-block-association.state", "CidrBlockAssociationSet[].CidrBlockState.State"),
        ("dhcp-options-id", "DhcpOptionsId"),
        ("instance-tenancy", "InstanceTenancy"),
        ("is-default", "IsDefault"),
        ("isDefault", "IsDefault"),
        ("owner-id", "OwnerId"),
        ("state", "State"),
        ("vpc-id", "VpcId"),
        ("ipv6-cidr-block-association.association-id", "Ipv6CidrBlockAssociationSet[].AssociationId"),
        ("ipv6-cidr-block-association.ipv6-cidr-block", "Ipv6CidrBlockAssociationSet[].Ipv6CidrBlock"),
        ("ipv6-cidr-block-association.ipv6-pool", "Ipv6CidrBlockAssociationSet[].Ipv6Pool"),
        ("ipv6-cidr-block-association.state", "Ipv6CidrBlockAssociationSet[].Ipv6CidrBlockState.State"),
    ],
    tags: "Tags",
    page: (5, 1000),
};

fn show(context: &Context<'_>, vpc: &Vpc) -> Value {
    json!({
        "OwnerId": context.caller.account,
        "InstanceTenancy": vpc.instance_tenancy,
        "CidrBlockAssociationSet": [{
            "AssociationId": vpc.cidr_association_id,
            "CidrBlock": vpc.cidr,
            "CidrBlockState": {"State": "associated"},
        }],
        "IsDefault": vpc.is_default,
        "Tags": show_some_tags(&vpc.tags),
        "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"},
        "VpcId": vpc.id,
        "State": "available",
        "CidrBlock": vpc.cidr,
        "DhcpOptionsId": vpc.dhcp_options_id,
    })
}

/// A VPC as the operation that made it shows it: not yet available.
fn show_new(context: &Context<'_>, id: &str) -> Result<Value, Fault> {
    let vpc = context.vpc(id)?;
    let mut shown = show(context, vpc);
    shown["State"] = json!("pending");
    shown["Tags"] = show_tags(&vpc.tags);
    shown["Ipv6CidrBlockAssociationSet"] = json!([]);
    shown["BlockPublicAccessStates"] = Value::Null;
    Ok(json!({"Vpc": shown}))
}

pub(super) fn create(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    let Some(text) = params.str("CidrBlock") else {
        return Err(missing("CidrBlock"));
    };
    let cidr = parse_cidr("cidrBlock", text)?;
    if params.flag("AmazonProvidedIpv6CidrBlock")
        || params.has("Ipv6CidrBlock")
        || params.has("Ipv4IpamPoolId")
    {
        return Err(fault("UnsupportedOperation", "IPv6 and IPAM pools are not available in this region."));
    }
    if !(16..=28).contains(&cidr.prefix_len()) {
        return Err(fault("InvalidVpc.Range", format!("The CIDR '{text}' is invalid.")));
    }
    let tenancy = params.str("InstanceTenancy").unwrap_or("default");
    if !matches!(tenancy, "default" | "dedicated") {
        return Err(invalid(format!("Value ({tenancy}) for parameter instanceTenancy is invalid.")));
    }
    let tags = context.new_tags(&kind::VPC)?;
    let id = make(context, cidr, tenancy, tags, false);
    show_new(context, &id)
}

fn make(context: &mut Context<'_>, cidr: Ipv4Net, tenancy: &str, tags: Tags, is_default: bool) -> String {
    let dhcp_options_id = dhcp::default_options(context);
    let id = context.id(&kind::VPC);
    let cidr_association_id = context.entropy.id("vpc-cidr-assoc");
    context.region.vpcs.insert(Vpc {
        id: id.clone(),
        cidr,
        cidr_association_id,
        dhcp_options_id,
        instance_tenancy: tenancy.to_owned(),
        is_default,
        enable_dns_support: true,
        enable_dns_hostnames: is_default,
        enable_network_address_usage_metrics: false,
        tags,
    });
    route::make_table(context, &id, cidr, true, Tags::new());
    acl::make_default(context, &id);
    security::make_default(context, &id);
    id
}

pub(super) fn create_default(context: &mut Context<'_>) -> Result<Value, Fault> {
    if context.region.vpcs.iter().any(|vpc| vpc.is_default) {
        let message = "A Default VPC already exists for this account in this region.";
        return Err(fault("DefaultVpcAlreadyExists", message));
    }
    let cidr: Ipv4Net = "172.31.0.0/16".parse().expect("a constant");
    let id = make(context, cidr, "default", Tags::new(), true);
    let blocks = cidr.subnets(20).expect("20 is longer than 16");
    for ((zone, zone_id), block) in names::zones(&context.caller.region).into_iter().zip(blocks) {
        subnet::make(context, &id, block, zone, zone_id, true, Tags::new());
    }
    gateway::make_for_default_vpc(context, &id);
    show_new(context, &id)
}

pub(super) fn describe(context: &mut Context<'_>) -> Result<Value, Fault> {
    let items = context.region.vpcs.iter().map(|vpc| show(context, vpc)).collect();
    LISTING.answer(context.params, items)
}

pub(super) fn describe_attribute(context: &mut Context<'_>) -> Result<Value, Fault> {
    let vpc = context.vpc(context.params.need("VpcId")?)?;
    let (member, value) = match context.params.need("Attribute")? {
        "enableDnsSupport" => ("EnableDnsSupport", vpc.enable_dns_support),
        "enableDnsHostnames" => ("EnableDnsHostnames", vpc.enable_dns_hostnames),
        "enableNetworkAddressUsageMetrics" => {
            ("EnableNetworkAddressUsageMetrics", vpc.enable_network_address_usage_metrics)
        }
        other => return Err(invalid(format!("Value ({other}) for parameter attribute is invalid."))),
    };
    Ok(json!({"VpcId": vpc.id, member: {"Value": value}}))
}

pub(super) fn modify_attribute(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    let id = params.need("VpcId")?;
    context.vpc(id)?;
    let members = ["EnableDnsSupport", "EnableDnsHostnames", "EnableNetworkAddressUsageMetrics"];
    let given: Vec<_> =
        members.into_iter().filter_map(|member| Some((member, params.attribute(member)?))).collect();
    let [(member, value)] = given.as_slice() else {
        return Err(if given.is_empty() {
            combination("No attribute specified.")
        } else {
            combination("Fields for multiple attribute types specified.")
        });
    };
    let vpc = found(&mut context.region.vpcs, id);
    match *member {
        "EnableDnsSupport" => vpc.enable_dns_support = *value,
        "EnableDnsHostnames" => vpc.enable_dns_hostnames = *value,
        _ => vpc.enable_network_address_usage_metrics = *value,
    }
    nothing()
}

pub(super) fn delete(context: &mut Context<'_>) -> Result<Value, Fault> {
    let id = context.params.need("VpcId")?;
    context.vpc(id)?;
    let region = &mut *context.region;
    let in_use = region.subnets.iter().any(|subnet| subnet.vpc_id == id)
        || region.internet_gateway_of(id).is_some()
        || region.route_tables.iter().any(|table| table.vpc_id == id && !table.is_main())
        || region.network_acls.iter().any(|acl| acl.vpc_id == id && !acl.is_default)
        || region.security_groups.iter().any(|group| group.vpc_id == id && group.name != "default")
        || region.network_interfaces.iter().any(|eni| eni.vpc_id == id);
    if in_use {
        return Err(has_dependencies("vpc", id));
    }
    region.route_tables.retain(|table| table.vpc_id != id);
    region.network_acls.retain(|acl| acl.vpc_id != id);
    region.security_groups.retain(|group| group.vpc_id != id);
    region.vpcs.remove(id);
    nothing()
}
