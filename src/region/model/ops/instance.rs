//! Instances as `DescribeInstances` and `RunInstances` show them.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::instance_listing::LISTING;
use super::interface::{private_dns_name, public_dns_name, show_groups};
use super::metadata::show_metadata_options;
use crate::region::model::catalog;
use crate::region::model::context::{Context, show_some_tags, show_time};
use crate::region::model::state::{Instance, InstanceState, NetworkInterface, PublicAddress, Region, Volume};
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

/// What is plugged into each instance. Looked up once for all: there may be many.
struct Plugged<'a> {
    /// In order of creation.
    interfaces: HashMap<&'a str, Vec<&'a NetworkInterface>>,
    volumes: HashMap<&'a str, Vec<&'a Volume>>,
}

impl<'a> Plugged<'a> {
    fn of(region: &'a Region) -> Plugged<'a> {
        let mut plugged = Plugged { interfaces: HashMap::new(), volumes: HashMap::new() };
        for interface in region.network_interfaces.iter() {
            if let Some(id) = interface.attachment.as_ref().and_then(|a| a.instance_id.as_deref()) {
                plugged.interfaces.entry(id).or_default().push(interface);
            }
        }
        for volume in region.volumes.iter() {
            if let Some(attachment) = &volume.attachment {
                plugged.volumes.entry(&attachment.instance_id).or_default().push(volume);
            }
        }
        plugged
    }

    fn interfaces(&self, instance_id: &str) -> &[&'a NetworkInterface] {
        self.interfaces.get(instance_id).map_or(&[], Vec::as_slice)
    }

    fn primary(&self, instance_id: &str) -> Option<&'a NetworkInterface> {
        let is_first =
            |eni: &&&NetworkInterface| eni.attachment.as_ref().is_some_and(|a| a.device_index == 0);
        self.interfaces(instance_id).iter().find(is_first).copied()
    }

    fn show_block_devices(&self, instance_id: &str) -> Value {
        let volumes = self.volumes.get(instance_id).map_or(&[][..], Vec::as_slice);
        block_devices(volumes.iter().copied())
    }
}

/// The volumes of an instance, as its answers list them.
pub(super) fn show_block_devices(context: &Context<'_>, instance_id: &str) -> Value {
    let is_own = |volume: &&Volume| volume.attachment.as_ref().is_some_and(|a| a.instance_id == instance_id);
    block_devices(context.region.volumes.iter().filter(is_own))
}

fn block_devices<'a>(volumes: impl Iterator<Item = &'a Volume>) -> Value {
    let attached = volumes.filter_map(|volume| {
        let attachment = volume.attachment.as_ref()?;
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

fn show(context: &Context<'_>, plugged: &Plugged<'_>, instance: &Instance) -> Value {
    let region = &*context.region;
    let primary = plugged.primary(&instance.id);
    let gone = instance.state == InstanceState::Terminated;
    let public = primary.and_then(NetworkInterface::public_ip);
    let kind = catalog::instance_type(&instance.instance_type);
    let (cores, vcpus) = kind.map_or((1, 1), |kind| (kind.cores, kind.vcpus));
    let zone_id = region.subnets.get(&instance.subnet_id).map(|subnet| &subnet.zone_id);
    let public_name = public.map_or(String::new(), |ip| public_dns_name(context, &instance.vpc_id, ip));
    let mut shown = same_for_all();
    let own = json!({
        "BlockDeviceMappings": plugged.show_block_devices(&instance.id),
        "ClientToken": instance.client_token,
        "EbsOptimized": instance.ebs_optimized,
        "IamInstanceProfile": instance.iam_profile.as_ref().map(|arn| json!({"Arn": arn})),
        "NetworkInterfaces": plugged.interfaces(&instance.id).iter().map(|eni| show_interface(context, eni)).collect::<Value>(),
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
    if let (Value::Object(shown), Value::Object(own)) = (&mut shown, own) {
        shown.extend(own);
    }
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
    let plugged = Plugged::of(context.region);
    let instances: Value = members
        .map(|instance| {
            let mut shown = show(context, &plugged, instance);
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
    let mut preselection = LISTING.preselect(context.params)?;
    let plugged = Plugged::of(context.region);
    let mut items = Vec::new();
    for instance in context.region.instances.iter() {
        if preselection.admits(&instance.id, &instance.tags)? {
            let mut shown = show(context, &plugged, instance);
            shown["ReservationId"] = json!(instance.reservation_id);
            items.push(shown);
        }
    }
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
