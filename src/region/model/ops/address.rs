//! Elastic IPs.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::region::model::addressing;
use crate::region::model::context::{Context, done, found, nothing, show_some_tags};
use crate::region::model::fault::{combination, fault, invalid};
use crate::region::model::kind;
use crate::region::model::listing::Listing;
use crate::region::model::plug;
use crate::region::model::state::{Address, AddressAssociation, InstanceState, InterfaceKind};
use crate::wire::Fault;

static LISTING: Listing = Listing {
    member: "Addresses",
    ids: &[("AllocationIds", "AllocationId", &kind::ADDRESS), ("PublicIps", "PublicIp", &kind::PUBLIC_IP)],
    filters: &[
        ("allocation-id", "AllocationId"),
        ("association-id", "AssociationId"),
        ("domain", "Domain"),
        ("instance-id", "InstanceId"),
        ("network-border-group", "NetworkBorderGroup"),
        ("network-interface-id", "NetworkInterfaceId"),
        ("network-interface-owner-id", "NetworkInterfaceOwnerId"),
        ("private-ip-address", "PrivateIpAddress"),
        ("public-ip", "PublicIp"),
    ],
    tags: "Tags",
    page: (5, 1000),
};

fn show(context: &Context<'_>, address: &Address) -> Value {
    let association = address.association.as_ref();
    let interface = association.and_then(|a| context.region.network_interfaces.get(&a.network_interface_id));
    let instance = interface.and_then(|eni| eni.attachment.as_ref()).and_then(|a| a.instance_id.as_ref());
    json!({
        "AllocationId": address.id,
        "AssociationId": association.map(|a| &a.id),
        "Domain": "vpc",
        "NetworkInterfaceId": association.map(|a| &a.network_interface_id),
        "NetworkInterfaceOwnerId": association.map(|_| &context.caller.account),
        "PrivateIpAddress": association.map(|a| a.private_ip),
        "Tags": show_some_tags(&address.tags),
        "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": context.caller.region,
        "InstanceId": match association { Some(_) => json!(instance.map_or("", |id| id)), None => Value::Null },
        "PublicIp": address.public_ip,
    })
}

pub(super) fn allocate(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    match params.str("Domain").unwrap_or("vpc") {
        "vpc" => {}
        "standard" => return Err(fault("UnsupportedOperation", "EC2-Classic is retired.")),
        other => return Err(invalid(format!("Invalid value '{other}' for domain."))),
    }
    if params.has("Address") || params.has("IpamPoolId") || params.has("CustomerOwnedIpv4Pool") {
        return Err(fault("UnsupportedOperation", "Addresses of your own are not available in this region."));
    }
    let tags = context.new_tags(&kind::ADDRESS)?;
    let id = context.id(&kind::ADDRESS);
    let public_ip = addressing::issue_public(context)?;
    context.region.addresses.insert(Address { id: id.clone(), public_ip, association: None, tags });
    Ok(json!({
        "AllocationId": id,
        "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": context.caller.region,
        "Domain": "vpc",
        "PublicIp": public_ip,
    }))
}

pub(super) fn describe(context: &mut Context<'_>) -> Result<Value, Fault> {
    let items = context.region.addresses.iter().map(|address| show(context, address)).collect();
    LISTING.answer(context.params, items)
}

/// The address that a request names by allocation id or by itself.
fn of_request(context: &Context<'_>) -> Result<Address, Fault> {
    let params = context.params;
    match (params.str("AllocationId"), params.address("PublicIp")?) {
        (Some(_), Some(_)) => {
            Err(combination("You may specify public IP or allocation id, but not both in the same call"))
        }
        (Some(id), None) => Ok(context.address(id)?.clone()),
        (None, Some(ip)) => by_ip(context, ip),
        (None, None) => Err(fault("MissingParameter", "Either public IP or allocation id must be specified")),
    }
}

fn by_ip(context: &Context<'_>, ip: Ipv4Addr) -> Result<Address, Fault> {
    let address = context.region.addresses.iter().find(|address| address.public_ip == ip);
    Ok(address.ok_or_else(|| kind::PUBLIC_IP.not_found(&ip.to_string()))?.clone())
}

/// The interface that a request names, itself or by its instance.
fn interface_of_request(context: &Context<'_>) -> Result<String, Fault> {
    let params = context.params;
    let (interface, instance) = (params.str("NetworkInterfaceId"), params.str("InstanceId"));
    let id = match (interface, instance) {
        (Some(_), Some(_)) => {
            return Err(combination(
                "You may specify only one of instanceId and networkInterfaceId in the same call",
            ));
        }
        (None, None) => {
            return Err(fault(
                "MissingParameter",
                "Either instance id or network interface id must be specified",
            ));
        }
        (Some(id), None) => id.to_owned(),
        (None, Some(id)) => {
            let state = context.instance(id)?.state;
            if !matches!(state, InstanceState::Running | InstanceState::Stopped | InstanceState::Stopping) {
                let message = format!(
                    "The {} instance '{id}' is not in a valid state for this operation.",
                    state.as_str()
                );
                return Err(fault("InvalidInstanceID", message));
            }
            let interfaces: Vec<_> = context.region.interfaces_of(id).collect();
            if interfaces.len() > 1 {
                let message = format!(
                    "There are multiple interfaces attached to instance '{id}'. \
                     Please specify an interface ID for the operation instead."
                );
                return Err(fault("InvalidInstanceID", message));
            }
            interfaces.first().ok_or_else(|| kind::INSTANCE.not_found(id))?.id.clone()
        }
    };
    if context.interface(&id)?.kind != InterfaceKind::Interface {
        return Err(fault("AuthFailure", "You do not have permission to access the specified resource."));
    }
    Ok(id)
}

pub(super) fn associate(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    let address = of_request(context)?;
    let interface_id = interface_of_request(context)?;
    let interface = context.interface(&interface_id)?;
    if context.region.internet_gateway_of(&interface.vpc_id).is_none() {
        let message = format!("Network {} is not attached to any internet gateway", interface.vpc_id);
        return Err(fault("Gateway.NotAttached", message));
    }
    let private_ip = params.address("PrivateIpAddress")?.unwrap_or(interface.private_ip());
    let Some(slot) = interface.private_addresses.iter().find(|address| address.ip == private_ip) else {
        let message =
            format!("The private IP address {private_ip} is not assigned to interface {interface_id}");
        return Err(invalid(message));
    };
    let present = slot
        .public
        .as_ref()
        .and_then(|public| Some((public.allocation_id.clone()?, public.association_id.clone()?)));
    if let Some((allocation, association)) = &present
        && *allocation == address.id
    {
        return Ok(json!({"AssociationId": association}));
    }
    if params.bool("AllowReassociation") == Some(false) {
        if let Some(association) = &address.association {
            let message =
                format!("resource {} is already associated with associate-id {}", address.id, association.id);
            return Err(fault("Resource.AlreadyAssociated", message));
        }
        if let Some((_, association)) = &present {
            let message =
                format!("resource {interface_id} is already associated with associate-id {association}");
            return Err(fault("Resource.AlreadyAssociated", message));
        }
    }
    refuse_if_managed(context, &address)?;
    plug::take_elastic_ip(context, &address.id);
    if let Some((allocation, _)) = present {
        plug::take_elastic_ip(context, &allocation);
    }
    let association_id = plug::give_elastic_ip(context, &address.id, &interface_id, private_ip);
    Ok(json!({"AssociationId": association_id}))
}

/// An address that a NAT gateway uses cannot be taken from it.
fn refuse_if_managed(context: &Context<'_>, address: &Address) -> Result<(), Fault> {
    let interface = address
        .association
        .as_ref()
        .and_then(|a| context.region.network_interfaces.get(&a.network_interface_id));
    match interface {
        Some(interface) if interface.kind != InterfaceKind::Interface => {
            Err(fault("AuthFailure", "You do not have permission to access the specified resource."))
        }
        _ => Ok(()),
    }
}

pub(super) fn disassociate(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    let address = match (params.str("AssociationId"), params.address("PublicIp")?) {
        (Some(id), None) => {
            let is = |address: &&Address| {
                address.association.as_ref().is_some_and(|association| association.id == id)
            };
            let address = context.region.addresses.iter().find(is);
            address.ok_or_else(|| kind::ADDRESS_ASSOCIATION.not_found(id))?.clone()
        }
        (None, Some(ip)) => by_ip(context, ip)?,
        (Some(_), Some(_)) => {
            return Err(combination(
                "You may specify public IP or association id, but not both in the same call",
            ));
        }
        (None, None) => {
            return Err(fault("MissingParameter", "Either public IP or association id must be specified"));
        }
    };
    let Some(AddressAssociation { network_interface_id, .. }) = address.association.clone() else {
        return nothing();
    };
    refuse_if_managed(context, &address)?;
    plug::take_elastic_ip(context, &address.id);
    plug::give_public_ip_again(context, &network_interface_id)?;
    done()
}

pub(super) fn release(context: &mut Context<'_>) -> Result<Value, Fault> {
    let address = of_request(context)?;
    refuse_if_managed(context, &address)?;
    if address.association.is_some() {
        return Err(fault("InvalidIPAddress.InUse", format!("Address {} is in use.", address.public_ip)));
    }
    found(&mut context.region.addresses, &address.id);
    context.region.addresses.remove(&address.id);
    done()
}
