//! Attaching network interfaces, and changing what they are.

use serde_json::{Value, json};

use super::interface::{read_groups, read_more_private_ips, show_groups};
use crate::region::model::addressing;
use crate::region::model::catalog;
use crate::region::model::context::{Context, done, found, nothing, show_time};
use crate::region::model::fault::{fault, invalid, invalid_value, missing};
use crate::region::model::kind;
use crate::region::model::plug;
use crate::region::model::state::{InstanceState, InterfaceKind, NetworkInterface};
use crate::wire::Fault;

/// An interface that the account may change.
fn own<'a>(context: &'a Context<'_>, id: &str) -> Result<&'a NetworkInterface, Fault> {
    let interface = context.interface(id)?;
    if interface.kind != InterfaceKind::Interface {
        return Err(fault(
            "OperationNotPermitted",
            "You are not allowed to manage 'ela-attach' attachments.",
        ));
    }
    Ok(interface)
}

pub(super) fn attach(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    let id = params.need("NetworkInterfaceId")?;
    let interface = own(context, id)?;
    let instance = context.instance(params.need("InstanceId")?)?;
    let index = params.int("DeviceIndex").ok_or_else(|| missing("DeviceIndex"))?;
    if interface.attachment.is_some() {
        return Err(invalid(format!("Network interface '{id}' is currently in use.")));
    }
    if interface.zone != instance.zone {
        let message = format!(
            "You may not attach a network interface to an instance if they are not in the same availability zone \
             ({} and {})",
            interface.zone, instance.zone
        );
        return Err(fault("InvalidParameterCombination", message));
    }
    if interface.vpc_id != instance.vpc_id {
        return Err(invalid(format!(
            "Interface {id} and instance {} belong to different networks",
            instance.id
        )));
    }
    if !matches!(instance.state, InstanceState::Running | InstanceState::Stopped) {
        let message = format!("Instance '{}' is not 'running' or 'stopped'", instance.id);
        return Err(fault("IncorrectState", message));
    }
    let attached: Vec<u32> = context
        .region
        .interfaces_of(&instance.id)
        .filter_map(|eni| Some(eni.attachment.as_ref()?.device_index))
        .collect();
    let index = u32::try_from(index)
        .map_err(|_| invalid_value("deviceIndex", index, "Expecting a positive number."))?;
    if attached.contains(&index) {
        let message = format!(
            "Instance '{}' already has an interface attached at device index '{index}'.",
            instance.id
        );
        return Err(invalid(message));
    }
    let most = catalog::instance_type(&instance.instance_type).map_or(2, |kind| kind.interfaces);
    if attached.len() >= most as usize {
        let message = format!(
            "Interface count {} exceeds the limit for {}",
            attached.len() + 1,
            instance.instance_type
        );
        return Err(fault("AttachmentLimitExceeded", message));
    }
    let instance_id = instance.id.clone();
    let attachment_id = plug::attach(context, id, Some(&instance_id), index, false);
    Ok(json!({"AttachmentId": attachment_id, "NetworkCardIndex": 0}))
}

pub(super) fn detach(context: &mut Context<'_>) -> Result<Value, Fault> {
    let id = context.params.need("AttachmentId")?;
    let is = |eni: &&NetworkInterface| eni.attachment.as_ref().is_some_and(|attachment| attachment.id == id);
    let interface =
        context.region.network_interfaces.iter().find(is).ok_or_else(|| kind::ATTACHMENT.not_found(id))?;
    let interface = own(context, &interface.id)?;
    let attachment = interface.attachment.as_ref().ok_or_else(|| kind::ATTACHMENT.not_found(id))?;
    if attachment.device_index == 0 {
        let message = "The network interface at device index 0 cannot be detached.";
        return Err(fault("OperationNotPermitted", message));
    }
    let interface_id = interface.id.clone();
    found(&mut context.region.network_interfaces, &interface_id).attachment = None;
    nothing()
}

pub(super) fn modify_attribute(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    let id = params.need("NetworkInterfaceId")?;
    let interface = own(context, id)?.clone();
    let groups = params.strings("Groups");
    let groups = match groups.is_empty() {
        true => None,
        false => Some(read_groups(context, &interface.vpc_id, &interface.subnet_id, &groups)?),
    };
    let attachment = params.object("Attachment");
    if let Some(attachment) = attachment {
        let given = attachment.need("AttachmentId")?;
        if interface.attachment.as_ref().is_none_or(|present| present.id != given) {
            return Err(kind::ATTACHMENT.not_found(given));
        }
    }
    let target = found(&mut context.region.network_interfaces, id);
    if let Some(groups) = groups {
        target.groups = groups;
    }
    if let Some(check) = params.attribute("SourceDestCheck") {
        target.source_dest_check = check;
    }
    if let Some(description) = params.object("Description").and_then(|wrapped| wrapped.str("Value")) {
        target.description = description.to_owned();
    }
    if let (Some(new), Some(present)) = (attachment, &mut target.attachment)
        && let Some(delete) = new.bool("DeleteOnTermination")
    {
        present.delete_on_termination = delete;
    }
    mirror_check(context, id);
    nothing()
}

/// The instance shows the source/destination check of its primary interface.
pub(super) fn mirror_check(context: &mut Context<'_>, interface_id: &str) {
    let Some(interface) = context.region.network_interfaces.get(interface_id) else { return };
    let check = interface.source_dest_check;
    let Some(attachment) = interface.attachment.as_ref().filter(|attachment| attachment.device_index == 0)
    else {
        return;
    };
    if let Some(instance_id) = attachment.instance_id.clone()
        && let Some(instance) = context.region.instances.get_mut(&instance_id)
    {
        instance.source_dest_check = check;
    }
}

pub(super) fn describe_attribute(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    let interface = context.interface(params.need("NetworkInterfaceId")?)?;
    let mut answer = json!({"NetworkInterfaceId": interface.id});
    match params.need("Attribute")? {
        "description" => answer["Description"] = json!({"Value": interface.description}),
        "groupSet" => answer["Groups"] = show_groups(context, &interface.groups),
        "sourceDestCheck" => answer["SourceDestCheck"] = json!({"Value": interface.source_dest_check}),
        "attachment" => {
            answer["Attachment"] = interface.attachment.as_ref().map_or(Value::Null, |attachment| {
                json!({
                    "AttachTime": show_time(attachment.at),
                    "AttachmentId": attachment.id,
                    "DeleteOnTermination": attachment.delete_on_termination,
                    "DeviceIndex": attachment.device_index,
                    "NetworkCardIndex": 0,
                    "InstanceId": attachment.instance_id,
                    "InstanceOwnerId": context.caller.account,
                    "Status": "attached",
                })
            });
        }
        other => return Err(invalid(format!("Value ({other}) for parameter attribute is invalid."))),
    }
    Ok(answer)
}

pub(super) fn assign_private(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    let id = params.need("NetworkInterfaceId")?;
    let subnet = context.subnet(&own(context, id)?.subnet_id)?.clone();
    let mut assigned = Vec::new();
    let named = params.strings("PrivateIpAddresses");
    for text in &named {
        let ip = text
            .parse()
            .map_err(|_| invalid_value("privateIpAddress", text, "This is not a valid IP address."))?;
        addressing::check_private(context.region, &subnet, ip)?;
        plug::add_private(context.region, id, ip);
        assigned.push(ip);
    }
    let more = read_more_private_ips(params)?;
    if named.is_empty() && more == 0 {
        return Err(missing("SecondaryPrivateIpAddressCount"));
    }
    for _ in 0..more {
        let ip = addressing::free_private(context, &subnet)?;
        plug::add_private(context.region, id, ip);
        assigned.push(ip);
    }
    let shown: Value = assigned.iter().map(|ip| json!({"PrivateIpAddress": ip})).collect();
    Ok(json!({"NetworkInterfaceId": id, "AssignedPrivateIpAddresses": shown}))
}

pub(super) fn unassign_private(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    let id = params.need("NetworkInterfaceId")?;
    let interface = own(context, id)?.clone();
    for text in params.strings("PrivateIpAddresses") {
        let address = interface.private_addresses.iter().find(|address| address.ip.to_string() == text);
        let Some(address) = address.filter(|address| !address.primary) else {
            let message = format!("Some of the specified addresses are not assigned to interface {id}");
            return Err(invalid(message));
        };
        if let Some(allocation) = address.public.as_ref().and_then(|public| public.allocation_id.clone()) {
            plug::take_elastic_ip(context, &allocation);
        }
        found(&mut context.region.network_interfaces, id)
            .private_addresses
            .retain(|other| other.ip != address.ip);
    }
    done()
}
