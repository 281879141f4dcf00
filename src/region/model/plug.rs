//! What happens between interfaces and addresses: making an interface, mapping public addresses, taking
//! things apart. Shared by several operations and by observations.

use std::net::Ipv4Addr;

use super::addressing;
use super::context::{Context, found};
use super::kind;
use super::state::{
    AddressAssociation, Attachment, InstanceState, InterfaceKind, NetworkInterface, PrivateAddress,
    PublicAddress, Region, Subnet, Tags,
};
use crate::wire::Fault;

/// What a new interface is to be like.
pub(crate) struct NewInterface {
    pub(crate) description: String,
    pub(crate) groups: Vec<String>,
    pub(crate) kind: InterfaceKind,
    /// The first is the primary one; none means any free one.
    pub(crate) private_ips: Vec<Ipv4Addr>,
    /// How many more addresses of the subnet's choice.
    pub(crate) more_private_ips: usize,
    pub(crate) tags: Tags,
}

/// Makes an interface in a subnet, plugged into nothing.
pub(crate) fn make_interface(
    context: &mut Context<'_>,
    subnet: &Subnet,
    new: NewInterface,
) -> Result<String, Fault> {
    let id = context.id(&kind::NETWORK_INTERFACE);
    let mac = context.entropy.mac();
    context.region.network_interfaces.insert(NetworkInterface {
        id: id.clone(),
        vpc_id: subnet.vpc_id.clone(),
        subnet_id: subnet.id.clone(),
        zone: subnet.zone.clone(),
        description: new.description,
        mac,
        private_addresses: Vec::new(),
        groups: new.groups,
        source_dest_check: true,
        kind: new.kind,
        assigns_public_ip: false,
        attachment: None,
        tags: new.tags,
    });
    let any = if new.private_ips.is_empty() { 1 } else { 0 };
    for ip in new.private_ips {
        addressing::check_private(context.region, subnet, ip)?;
        add_private(context.region, &id, ip);
    }
    for _ in 0..any + new.more_private_ips {
        let ip = addressing::free_private(context, subnet)?;
        add_private(context.region, &id, ip);
    }
    Ok(id)
}

/// Adds a private address, which has been found free, to an interface.
pub(crate) fn add_private(region: &mut Region, interface_id: &str, ip: Ipv4Addr) {
    let addresses = &mut found(&mut region.network_interfaces, interface_id).private_addresses;
    addresses.push(PrivateAddress { ip, primary: addresses.is_empty(), public: None });
}

/// Plugs an interface into an instance.
pub(crate) fn attach(
    context: &mut Context<'_>,
    interface_id: &str,
    instance_id: Option<&str>,
    device_index: u32,
    delete_on_termination: bool,
) -> String {
    let id = context.id(&kind::ATTACHMENT);
    let at = context.now;
    let instance_id = instance_id.map(str::to_owned);
    found(&mut context.region.network_interfaces, interface_id).attachment =
        Some(Attachment { id: id.clone(), instance_id, device_index, delete_on_termination, at });
    id
}

/// Maps an Elastic IP, which is free, to a private address; an address that was assigned at launch goes away
/// for it.
pub(crate) fn give_elastic_ip(
    context: &mut Context<'_>,
    allocation_id: &str,
    interface_id: &str,
    private_ip: Ipv4Addr,
) -> String {
    let id = context.id(&kind::ADDRESS_ASSOCIATION);
    let address = found(&mut context.region.addresses, allocation_id);
    address.association = Some(AddressAssociation {
        id: id.clone(),
        network_interface_id: interface_id.to_owned(),
        private_ip,
    });
    let public = PublicAddress {
        ip: address.public_ip,
        allocation_id: Some(allocation_id.to_owned()),
        association_id: Some(id.clone()),
    };
    let interface = found(&mut context.region.network_interfaces, interface_id);
    let slot = interface.private_addresses.iter_mut().find(|address| address.ip == private_ip);
    slot.expect("the caller looked it up").public = Some(public);
    id
}

/// Takes an Elastic IP from what it is mapped to, if anything.
pub(crate) fn take_elastic_ip(context: &mut Context<'_>, allocation_id: &str) {
    unmap(context.region, allocation_id);
}

fn unmap(region: &mut Region, allocation_id: &str) {
    if let Some(address) = region.addresses.get_mut(allocation_id) {
        address.association = None;
    }
    for interface in region.network_interfaces.iter_mut() {
        for address in &mut interface.private_addresses {
            if address
                .public
                .as_ref()
                .is_some_and(|public| public.allocation_id.as_deref() == Some(allocation_id))
            {
                address.public = None;
            }
        }
    }
}

/// Assigns a public address to an interface's primary private one.
pub(crate) fn give_public_ip(context: &mut Context<'_>, interface_id: &str) -> Result<(), Fault> {
    let ip = addressing::issue_public(context)?;
    let interface = found(&mut context.region.network_interfaces, interface_id);
    interface.private_addresses[0].public =
        Some(PublicAddress { ip, allocation_id: None, association_id: None });
    Ok(())
}

/// A running instance that was launched with a public address gets a new one when it has lost its Elastic IP,
/// if it has one interface only.
pub(crate) fn give_public_ip_again(context: &mut Context<'_>, interface_id: &str) -> Result<(), Fault> {
    let Some(interface) = context.region.network_interfaces.get(interface_id) else { return Ok(()) };
    let instance_id = interface.attachment.as_ref().and_then(|attachment| attachment.instance_id.clone());
    let Some(instance_id) =
        instance_id.filter(|_| interface.assigns_public_ip && interface.public_ip().is_none())
    else {
        return Ok(());
    };
    let running =
        context.region.instances.get(&instance_id).is_some_and(|i| i.state == InstanceState::Running);
    if running && context.region.interfaces_of(&instance_id).count() == 1 {
        give_public_ip(context, interface_id)?;
    }
    Ok(())
}

/// Drops the public addresses of an instance that were assigned at launch (a stop does this); Elastic IPs
/// stay.
pub(crate) fn drop_assigned_ips(region: &mut Region, instance_id: &str) {
    for interface in region.network_interfaces.iter_mut() {
        if interface.attachment.as_ref().is_some_and(|a| a.instance_id.as_deref() == Some(instance_id)) {
            for address in &mut interface.private_addresses {
                if address.public.as_ref().is_some_and(|public| public.allocation_id.is_none()) {
                    address.public = None;
                }
            }
        }
    }
}

/// Removes an interface; Elastic IPs on it become free.
pub(crate) fn remove_interface(region: &mut Region, interface_id: &str) {
    let Some(interface) = region.network_interfaces.get(interface_id) else { return };
    let publics = interface.private_addresses.iter().filter_map(|address| address.public.as_ref());
    let elastic: Vec<String> = publics.filter_map(|public| public.allocation_id.clone()).collect();
    for allocation_id in elastic {
        unmap(region, &allocation_id);
    }
    region.network_interfaces.remove(interface_id);
}

/// Unplugs everything from an instance that has ended: interfaces and volumes go with it or become free.
pub(crate) fn take_apart(region: &mut Region, instance_id: &str) {
    let interfaces: Vec<(String, bool)> = region
        .interfaces_of(instance_id)
        .filter_map(|eni| Some((eni.id.clone(), eni.attachment.as_ref()?.delete_on_termination)))
        .collect();
    drop_assigned_ips(region, instance_id);
    for (id, delete) in interfaces {
        if delete {
            remove_interface(region, &id);
        } else {
            found(&mut region.network_interfaces, &id).attachment = None;
        }
    }
    let of_instance = |a: &super::state::VolumeAttachment| a.instance_id == instance_id;
    region.volumes.retain(|volume| {
        !volume.attachment.as_ref().is_some_and(|a| of_instance(a) && a.delete_on_termination)
    });
    for volume in region.volumes.iter_mut() {
        if volume.attachment.as_ref().is_some_and(of_instance) {
            volume.attachment = None;
        }
    }
}
