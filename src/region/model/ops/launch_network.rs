//! Where a launch puts its machines: the network part of `RunInstances`, from its interface structure or from
//! the request itself.

use super::interface::{read_groups, read_more_private_ips, read_private_ips};
use crate::region::model::addressing;
use crate::region::model::context::Context;
use crate::region::model::fault::{combination, fault, invalid, invalid_value, missing};
use crate::region::model::kind;
use crate::region::model::names;
use crate::region::model::params::Params;
use crate::region::model::state::{InterfaceKind, Subnet};
use crate::wire::Fault;

/// What may not be said both for the instance and for its interface.
pub(super) fn check_nested(params: Params<'_>, network: Params<'_>) -> Result<(), Fault> {
    let both = |what: &str| {
        combination(format!(
            "Network interfaces and an instance-level {what} may not be specified on the same request"
        ))
    };
    if params.has("SubnetId") {
        return Err(both("subnet ID"));
    }
    if params.has("SecurityGroupIds") || params.has("SecurityGroups") {
        return Err(both("security groups"));
    }
    if params.has("PrivateIpAddress") {
        return Err(both("private address"));
    }
    match network.int("DeviceIndex") {
        Some(0) => Ok(()),
        Some(index) => {
            Err(invalid_value("deviceIndex", index, "The primary network interface has device index 0."))
        }
        None => Err(missing("DeviceIndex")),
    }
}

pub(super) fn read_existing_interface(
    context: &Context<'_>,
    network: Params<'_>,
    nested: bool,
) -> Result<Option<String>, Fault> {
    let Some(id) = network.str("NetworkInterfaceId").filter(|_| nested) else { return Ok(None) };
    let interface = context.interface(id)?;
    if interface.attachment.is_some() || interface.kind != InterfaceKind::Interface {
        let message = format!("Network interface '{id}' is currently in use.");
        return Err(fault("InvalidNetworkInterface.InUse", message));
    }
    if let Some(member) = ["SubnetId", "Groups", "PrivateIpAddress"].iter().find(|member| network.has(member))
    {
        return Err(combination(format!(
            "A network interface may not specify both a network interface ID and a {}",
            member.to_lowercase()
        )));
    }
    if context.params.int("MaxCount").is_some_and(|count| count > 1) {
        return Err(combination(
            "A network interface ID may only be specified when launching a single instance",
        ));
    }
    Ok(Some(id.to_owned()))
}

/// The zone asked for; there has to be one of this name in the region.
pub(super) fn zone_of_placement<'a>(context: &Context<'a>) -> Result<Option<&'a str>, Fault> {
    let zone = context.params.object("Placement").and_then(|placement| placement.str("AvailabilityZone"));
    match zone {
        Some(zone) if !names::zones(&context.caller.region).iter().any(|(name, _)| name == zone) => {
            Err(kind::ZONE_NAME.not_found(zone))
        }
        _ => Ok(zone),
    }
}

/// The subnet asked for, or the default VPC's in the zone asked for.
pub(super) fn choose_subnet(context: &Context<'_>, network: Params<'_>) -> Result<Subnet, Fault> {
    if let Some(id) = network.str("SubnetId") {
        return Ok(context.subnet(id)?.clone());
    }
    let Some(vpc) = context.region.vpcs.iter().find(|vpc| vpc.is_default) else {
        let message =
            "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.";
        return Err(fault("VPCIdNotSpecified", message));
    };
    let zone = zone_of_placement(context)?;
    let fits = |subnet: &&Subnet| {
        subnet.vpc_id == vpc.id && subnet.default_for_zone && zone.is_none_or(|zone| zone == subnet.zone)
    };
    let subnet = context.region.subnets.iter().find(fits);
    Ok(subnet
        .ok_or_else(|| {
            let message =
                format!("No subnets found for the default VPC '{}'. Please specify a subnet.", vpc.id);
            fault("MissingInput", message)
        })?
        .clone())
}

pub(super) fn choose_groups(
    context: &Context<'_>,
    network: Params<'_>,
    nested: bool,
    subnet: &Subnet,
) -> Result<Vec<String>, Fault> {
    let mut ids = network.strings(if nested { "Groups" } else { "SecurityGroupIds" });
    let names = context.params.strings("SecurityGroups");
    let is_default_vpc = context.region.vpcs.get(&subnet.vpc_id).is_some_and(|vpc| vpc.is_default);
    if !names.is_empty() && !is_default_vpc {
        return Err(combination("The parameter groupName cannot be used with the parameter subnet"));
    }
    for name in names {
        let named =
            context.region.security_groups.iter().find(|g| g.vpc_id == subnet.vpc_id && g.name == name);
        ids.push(&named.ok_or_else(|| kind::GROUP_NAME.not_found(name))?.id);
    }
    read_groups(context, &subnet.vpc_id, &subnet.id, &ids)
}

/// How many instances: as many as asked for, fewer (but not fewer than the least) when addresses run out.
pub(super) fn read_count(
    context: &Context<'_>,
    subnet: &Subnet,
    network: Params<'_>,
    has_interface: bool,
) -> Result<usize, Fault> {
    let least = context.params.int("MinCount").ok_or_else(|| missing("MinCount"))?;
    let most = context.params.int("MaxCount").ok_or_else(|| missing("MaxCount"))?;
    if least < 1 || most < least {
        let message = format!(
            "Value ({least}) for parameter minCount is invalid. Expecting a value from 1 to maxCount ({most})."
        );
        return Err(invalid(message));
    }
    let each = 1 + read_more_private_ips(network)?;
    let named = read_private_ips(network)?;
    if most > 1 && !named.is_empty() {
        return Err(combination(
            "The parameter privateIpAddress cannot be used when launching several instances",
        ));
    }
    if has_interface {
        return Ok(1);
    }
    let room = addressing::available(context.region, subnet) / each.max(named.len());
    if room < least as usize {
        let message = "The specified subnet does not have enough free addresses to satisfy the request.";
        return Err(fault("InsufficientFreeAddressesInSubnet", message));
    }
    Ok((most as usize).min(room))
}
