//! Instances as `DescribeInstances` and `RunInstances` show them.

use serde_json::{Value, json};

use super::instance_listing::LISTING;
use super::interface::{private_dns_name, public_dns_name, show_groups};
use super::metadata::show_metadata_options;
use crate::region::model::catalog;
use crate::region::model::context::{Context, show_some_tags, show_time};
use crate::region::model::state::{Instance, InstanceState, NetworkInterface, PublicAddress};
use crate::wire::Fault;

fn show_association(context: &Context<'_>, interface: &NetworkInterface, public: &PublicAddress) -> Value {
    let owner = if public.allocation_id.is_some() { context.caller.account.as_str() } else { "amazon" };
    json!({
        "IpOwnerId": owner,
        "PublicDnsName": public_dns_name(context, &interface.vpc_id, public.ip),
        "PublicIp": public.ip,
    })
}

fn show_interface(context: &Context<'_>, interface: &NetworkInterface) -> Value {
    let association =
        |public: Option<&PublicAddress>| public.map(|p| show_association(context, interface, p));
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
            "Status": "attached",
            "NetworkCardIndex": 0,
        })
    });
    json!({
        "Association": association(interface.private_addresses.first().and_then(|address| address.public.as_ref())),
        "Attachment": attachment,
        "Description": interface.description,
        "Groups": show_groups(context, &interface.groups),
        "Ipv6Addresses": [],
        "MacAddress": interface.mac,
        "NetworkInterfaceId": interface.id,
        "OwnerId": context.caller.account,
        "PrivateDnsName": private_dns_name(context, &interface.vpc_id, interface.private_ip()),
        "PrivateIpAddress": interface.private_ip(),
        "PrivateIpAddresses": addresses,
        "SourceDestCheck": interface.source_dest_check,
        "Status": "in-use",
        "SubnetId": interface.subnet_id,
        "VpcId": interface.vpc_id,
        "InterfaceType": "interface",
        "Operator": {"Managed": false},
    })
}

pub(super) fn show_state(state: InstanceState) -> Value {
    json!({"Code": state.code(), "Name": state.as_str()})
}

/// The volumes of an instance, as its answers list them.
pub(super) fn show_block_devices(context: &Context<'_>, instance_id: &str) -> Value {
    let attached = context.region.volumes.iter().filter_map(|volume| {
        let attachment =
            volume.attachment.as_ref().filter(|attachment| attachment.instance_id == instance_id)?;
        Some(json!({
            "DeviceName": attachment.device,
            "Ebs": {
                "AttachTime": show_time(attachment.at),
                "DeleteOnTermination": attachment.delete_on_termination,
                "Status": "attached",
                "VolumeId": volume.id,
            },
        }))
    });
    attached.collect()
}

fn show(context: &Context<'_>, instance: &Instance) -> Value {
    let region = &*context.region;
    let primary = region.primary_interface(&instance.id);
    let gone = instance.state == InstanceState::Terminated;
    let public = primary.and_then(NetworkInterface::public_ip);
    let kind = catalog::instance_type(&instance.instance_type);
    let (cores, vcpus) = kind.map_or((1, 1), |kind| (kind.cores, kind.vcpus));
    let zone_id = region.subnets.get(&instance.subnet_id).map(|subnet| &subnet.zone_id);
    let public_name = public.map_or(String::new(), |ip| public_dns_name(context, &instance.vpc_id, ip));
    let mut shown = same_for_all();
    let own = json!({
        "BlockDeviceMappings": show_block_devices(context, &instance.id),
        "ClientToken": instance.client_token,
        "EbsOptimized": instance.ebs_optimized,
        "IamInstanceProfile": instance.iam_profile.as_ref().map(|arn| json!({"Arn": arn})),
        "NetworkInterfaces": region.interfaces_of(&instance.id).map(|eni| show_interface(context, eni)).collect::<Value>(),
        "RootDeviceName": instance.root_device,
        "SecurityGroups": primary.map_or(json!([]), |eni| show_groups(context, &eni.groups)),
        "SourceDestCheck": (!gone).then_some(instance.source_dest_check),
        "StateReason": instance.state_reason.as_ref().map(|why| json!({"Code": why.code, "Message": why.message})),
        "Tags": show_some_tags(&instance.tags),
        "CpuOptions": {"CoreCount": cores, "ThreadsPerCore": vcpus / cores},
        "MetadataOptions": show_metadata_options(&instance.metadata_options, if gone { "pending" } else { "applied" }),
        "UsageOperationUpdateTime": show_time(instance.launch_time),
        "CurrentInstanceBootMode": if kind.is_some_and(|kind| kind.nitro) { "uefi" } else { "legacy-bios" },
        "InstanceId": instance.id,
        "ImageId": instance.image_id,
        "State": show_state(instance.state),
        "PrivateDnsName": if gone { "" } else { instance.private_dns_name.as_str() },
        "PublicDnsName": public_name,
        "StateTransitionReason": instance.transition_reason,
        "KeyName": instance.key_name,
        "AmiLaunchIndex": instance.launch_index,
        "InstanceType": instance.instance_type,
        "LaunchTime": show_time(instance.launch_time),
        "Placement": {
            "AvailabilityZoneId": zone_id,
            "GroupName": "",
            "Tenancy": "default",
            "AvailabilityZone": instance.zone,
        },
        "Monitoring": {"State": if instance.monitoring { "enabled" } else { "disabled" }},
        "SubnetId": (!gone).then_some(&instance.subnet_id),
        "VpcId": (!gone).then_some(&instance.vpc_id),
        "PrivateIpAddress": primary.map(NetworkInterface::private_ip),
        "PublicIpAddress": public,
    });
    let own = own.as_object().cloned().unwrap_or_default();
    shown.as_object_mut().expect("made as an object").extend(own);
    shown
}

/// What every instance of this region shows alike.
fn same_for_all() -> Value {
    json!({
        "Architecture": "x86_64",
        "EnaSupport": true,
        "Hypervisor": "xen",
        "RootDeviceType": "ebs",
        "VirtualizationType": "hvm",
        "CapacityReservationSpecification": {"CapacityReservationPreference": "open"},
        "HibernationOptions": {"Configured": false},
        "EnclaveOptions": {"Enabled": false},
        "BootMode": "uefi-preferred",
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "PrivateDnsNameOptions": {
            "HostnameType": "ip-name",
            "EnableResourceNameDnsARecord": false,
            "EnableResourceNameDnsAAAARecord": false,
        },
        "MaintenanceOptions": {"AutoRecovery": "default", "RebootMigration": "default"},
        "NetworkPerformanceOptions": {"BandwidthWeighting": "default"},
        "Operator": {"Managed": false},
        "ProductCodes": [],
    })
}

/// The answer of a launch: the machines are there and have nothing yet.
pub(super) fn show_new_reservation(context: &Context<'_>, reservation_id: &str) -> Value {
    let members =
        context.region.instances.iter().filter(|instance| instance.reservation_id == reservation_id);
    let instances: Value = members
        .map(|instance| {
            let mut shown = show(context, instance);
            for member in ["PublicIpAddress", "UsageOperationUpdateTime"] {
                shown[member] = Value::Null;
            }
            shown["PublicDnsName"] = json!("");
            shown["BlockDeviceMappings"] = json!([]);
            shown["StateReason"] = json!({"Code": "pending", "Message": "pending"});
            shown["MetadataOptions"]["State"] = json!("pending");
            for interface in shown["NetworkInterfaces"].as_array_mut().into_iter().flatten() {
                interface["Association"] = Value::Null;
                interface["Attachment"]["Status"] = json!("attaching");
                for address in interface["PrivateIpAddresses"].as_array_mut().into_iter().flatten() {
                    address["Association"] = Value::Null;
                }
            }
            shown
        })
        .collect();
    json!({"ReservationId": reservation_id, "OwnerId": context.caller.account, "Groups": [], "Instances": instances})
}

pub(super) fn describe(context: &mut Context<'_>) -> Result<Value, Fault> {
    let context = &*context;
    let may_select = LISTING.may_select(context.params);
    let items = context
        .region
        .instances
        .iter()
        .filter(|instance| may_select(&instance.id))
        .map(|instance| {
            let mut shown = show(context, instance);
            shown["ReservationId"] = json!(instance.reservation_id);
            shown
        })
        .collect();
    let mut answer = LISTING.answer(context.params, items)?;
    let mut reservations: Vec<Value> = Vec::new();
    for mut instance in answer["Instances"].as_array_mut().map(std::mem::take).into_iter().flatten() {
        let id = instance.as_object_mut().and_then(|members| members.shift_remove("ReservationId"));
        let id = id.unwrap_or_default();
        match reservations.last_mut().filter(|reservation| reservation["ReservationId"] == id) {
            Some(reservation) => {
                reservation["Instances"].as_array_mut().expect("made as a list").push(instance)
            }
            None => reservations.push(json!({
                "ReservationId": id,
                "OwnerId": context.caller.account,
                "Groups": [],
                "Instances": [instance],
            })),
        }
    }
    Ok(json!({"Reservations": reservations, "NextToken": answer["NextToken"]}))
}
