//! Network interfaces: showing, making and deleting them. Attaching and attributes are in `interface_change`.

use serde_json::{Value, json};

use crate::region::model::context::{Context, nothing, show_tags, show_time};
use crate::region::model::fault::{fault, invalid};
use crate::region::model::kind;
use crate::region::model::listing::Listing;
use crate::region::model::names;
use crate::region::model::params::Params;
use crate::region::model::plug::{self, NewInterface};
use crate::region::model::state::{InterfaceKind, NetworkInterface, PublicAddress};
use crate::wire::Fault;

static LISTING: Listing = Listing {
    member: "NetworkInterfaces",
    ids: &[("NetworkInterfaceIds", "NetworkInterfaceId", &kind::NETWORK_INTERFACE)],
    filters: &[
        ("addresses.association.owner-id", "PrivateIpAddresses[].Association.IpOwnerId"),
        ("addresses.association.public-ip", "PrivateIpAddresses[].Association.PublicIp"),
        ("addresses.primary", "PrivateIpAddresses[].Primary"),
        ("addresses.private-ip-address", "PrivateIpAddresses[].PrivateIpAddress"),
        ("association.allocation-id", "Association.AllocationId"),
        ("association.association-id", "Association.AssociationId"),
        ("association.ip-owner-id", "Association.IpOwnerId"),
        ("association.public-dns-name", "Association.PublicDnsName"),
        ("association.public-ip", "Association.PublicIp"),
        ("attachment.attachment-id", "Attachment.AttachmentId"),
        ("attachment.delete-on-termination", "Attachment.DeleteOnTermination"),
        ("attachment.device-index", "Attachment.DeviceIndex"),
        ("attachment.instance-id", "Attachment.InstanceId"),
        ("attachment.instance-owner-id", "Attachment.InstanceOwnerId"),
        ("attachment.status", "Attachment.Status"),
        ("availability-zone", "AvailabilityZone"),
        ("availability-zone-id", "AvailabilityZoneId"),
        ("description", "Description"),
        ("group-id", "Groups[].GroupId"),
        ("group-name", "Groups[].GroupName"),
        ("interface-type", "InterfaceType"),
        ("mac-address", "MacAddress"),
        ("network-interface-id", "NetworkInterfaceId"),
        ("owner-id", "OwnerId"),
        ("private-dns-name", "PrivateDnsName"),
        ("private-ip-address", "PrivateIpAddress"),
        ("requester-id", "RequesterId"),
        ("requester-managed", "RequesterManaged"),
        ("source-dest-check", "SourceDestCheck"),
        ("status", "Status"),
        ("subnet-id", "SubnetId"),
        ("vpc-id", "VpcId"),
        ("attachment.attach-time", "Attachment.AttachTime"),
        ("ipv6-addresses.ipv6-address", "Ipv6Addresses[].Ipv6Address"),
        ("operator.managed", "Operator.Managed"),
        ("operator.principal", "Operator.Principal"),
    ],
    tags: "TagSet",
    page: (5, 1000),
};

/// Ids and names of security groups, as several answers have them.
pub(super) fn show_groups(context: &Context<'_>, ids: &[String]) -> Value {
    let name = |id: &String| context.region.security_groups.get(id).map(|group| &group.name);
    ids.iter().map(|id| json!({"GroupId": id, "GroupName": name(id)})).collect()
}

/// The public DNS name of an address in a VPC; empty where the VPC gives none.
pub(super) fn public_dns_name(context: &Context<'_>, vpc_id: &str, ip: std::net::Ipv4Addr) -> String {
    match context.region.vpcs.get(vpc_id) {
        Some(vpc) if vpc.enable_dns_hostnames => names::public_dns_name(&context.caller.region, ip),
        _ => String::new(),
    }
}

/// The private DNS name of an address in a VPC; none where the VPC gives none.
pub(super) fn private_dns_name(
    context: &Context<'_>,
    vpc_id: &str,
    ip: std::net::Ipv4Addr,
) -> Option<String> {
    let vpc = context.region.vpcs.get(vpc_id)?;
    vpc.enable_dns_hostnames.then(|| names::private_dns_name(&context.caller.region, ip))
}

fn show_association(context: &Context<'_>, interface: &NetworkInterface, public: &PublicAddress) -> Value {
    let owner = match public.allocation_id {
        Some(_) => context.caller.account.as_str(),
        None => "amazon",
    };
    json!({
        "AllocationId": public.allocation_id,
        "AssociationId": public.association_id,
        "IpOwnerId": owner,
        "PublicDnsName": public_dns_name(context, &interface.vpc_id, public.ip),
        "PublicIp": public.ip,
    })
}

pub(super) fn show(context: &Context<'_>, interface: &NetworkInterface) -> Value {
    let account = &context.caller.account;
    let association =
        |public: Option<&PublicAddress>| public.map(|p| show_association(context, interface, p));
    let managed = interface.kind == InterfaceKind::NatGateway;
    let addresses: Value = interface
        .private_addresses
        .iter()
        .map(|address| {
            json!({
                "Association": association(address.public.as_ref()),
                "Primary": address.primary,
                "PrivateDnsName": private_dns_name(context, &interface.vpc_id, address.ip),
                "PrivateIpAddress": address.ip,
            })
        })
        .collect();
    let attachment = interface.attachment.as_ref().map(|attachment| {
        json!({
            "AttachTime": show_time(attachment.at),
            "AttachmentId": attachment.id,
            "DeleteOnTermination": attachment.delete_on_termination,
            "DeviceIndex": attachment.device_index,
            "NetworkCardIndex": 0,
            "InstanceId": attachment.instance_id,
            "InstanceOwnerId": if managed { "amazon-aws" } else { account.as_str() },
            "Status": "attached",
        })
    });
    json!({
        "Association": association(interface.private_addresses.first().and_then(|address| address.public.as_ref())),
        "Attachment": attachment,
        "AvailabilityZone": interface.zone,
        "Description": interface.description,
        "Groups": show_groups(context, &interface.groups),
        "InterfaceType": if managed { "nat_gateway" } else { "interface" },
        "Ipv6Addresses": [],
        "MacAddress": interface.mac,
        "NetworkInterfaceId": interface.id,
        "OwnerId": account,
        "PrivateDnsName": private_dns_name(context, &interface.vpc_id, interface.private_ip()),
        "PrivateIpAddress": interface.private_ip(),
        "PrivateIpAddresses": addresses,
        "RequesterId": managed.then_some("amazon-nat-gateway"),
        "RequesterManaged": managed,
        "SourceDestCheck": interface.source_dest_check,
        "Status": if interface.attachment.is_some() { "in-use" } else { "available" },
        "SubnetId": interface.subnet_id,
        "TagSet": show_tags(&interface.tags),
        "VpcId": interface.vpc_id,
        "Operator": {"Managed": false},
        "AvailabilityZoneId": context.region.subnets.get(&interface.subnet_id).map(|subnet| &subnet.zone_id),
    })
}

/// The security groups that a request gives to an interface in a VPC, or the VPC's default one.
pub(super) fn read_groups(
    context: &Context<'_>,
    vpc_id: &str,
    subnet_id: &str,
    ids: &[&str],
) -> Result<Vec<String>, Fault> {
    let mut groups: Vec<String> = Vec::new();
    for id in ids {
        if context.security_group(id)?.vpc_id != vpc_id {
            let message = format!("Security group {id} and subnet {subnet_id} belong to different networks.");
            return Err(fault("InvalidParameter", message));
        }
        if !groups.iter().any(|other| other == id) {
            groups.push((*id).to_owned());
        }
    }
    if groups.len() > 5 {
        let message = "The maximum number of security groups per interface has been reached.";
        return Err(fault("SecurityGroupsPerInterfaceLimitExceeded", message));
    }
    if groups.is_empty() {
        groups.extend(context.region.default_security_group(vpc_id).map(|group| group.id.clone()));
    }
    Ok(groups)
}

/// The private addresses that a request names, the primary one first.
pub(super) fn read_private_ips(from: Params<'_>) -> Result<Vec<std::net::Ipv4Addr>, Fault> {
    let mut ips = Vec::new();
    for address in from.objects("PrivateIpAddresses") {
        let Some(ip) = address.address("PrivateIpAddress")? else { continue };
        if address.flag("Primary") {
            ips.insert(0, ip);
        } else {
            ips.push(ip);
        }
    }
    if let Some(ip) = from.address("PrivateIpAddress")? {
        if ips.contains(&ip) {
            return Err(invalid(format!("Address {ip} is specified more than once.")));
        }
        ips.insert(0, ip);
    }
    Ok(ips)
}

/// `SecondaryPrivateIpAddressCount`
pub(super) fn read_more_private_ips(from: Params<'_>) -> Result<usize, Fault> {
    match from.int("SecondaryPrivateIpAddressCount").unwrap_or(0) {
        count @ 0..=30 => Ok(count as usize),
        count => {
            Err(invalid(format!("Value ({count}) for parameter secondaryPrivateIpAddressCount is invalid.")))
        }
    }
}

pub(super) fn create(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    let subnet = context.subnet(params.need("SubnetId")?)?.clone();
    let groups = read_groups(context, &subnet.vpc_id, &subnet.id, &params.strings("Groups"))?;
    let tags = context.new_tags(&kind::NETWORK_INTERFACE)?;
    let new = NewInterface {
        description: params.str("Description").unwrap_or_default().to_owned(),
        groups,
        kind: InterfaceKind::Interface,
        private_ips: read_private_ips(params)?,
        more_private_ips: read_more_private_ips(params)?,
        tags,
    };
    let id = plug::make_interface(context, &subnet, new)?;
    let mut shown = show(context, context.interface(&id)?);
    shown["Status"] = json!("pending");
    Ok(json!({"NetworkInterface": shown, "ClientToken": params.str("ClientToken")}))
}

pub(super) fn describe(context: &mut Context<'_>) -> Result<Value, Fault> {
    let items = context.region.network_interfaces.iter().map(|interface| show(context, interface)).collect();
    LISTING.answer(context.params, items)
}

pub(super) fn delete(context: &mut Context<'_>) -> Result<Value, Fault> {
    let id = context.params.need("NetworkInterfaceId")?;
    if context.interface(id)?.attachment.is_some() {
        return Err(invalid(format!("Network interface '{id}' is currently in use.")));
    }
    plug::remove_interface(context.region, id);
    nothing()
}
