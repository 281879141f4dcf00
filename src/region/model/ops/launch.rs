//! `RunInstances`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::image;
use super::instance::show_new_reservation;
use super::interface::{read_more_private_ips, read_private_ips};
use super::launch_network::{
    check_nested, choose_groups, choose_subnet, read_count, read_existing_interface, zone_of_placement,
};
use super::launch_volume::{RootVolume, make_root_volume, read_root_volume};
use super::metadata::read_metadata_options;
use crate::region::model::catalog::{self, Image, InstanceType};
use crate::region::model::context::{Context, found};
use crate::region::model::fault::{fault, invalid, invalid_value};
use crate::region::model::kind::{self, Kind};
use crate::region::model::names;
use crate::region::model::params::Params;
use crate::region::model::plug::{self, NewInterface};
use crate::region::model::state::{
    Guest, Instance, InstanceState, InterfaceKind, MetadataOptions, Region, Subnet, Tags,
};
use crate::wire::Fault;

/// What can be tagged in a launch.
const TAGGABLE: &[&Kind] = &[&kind::INSTANCE, &kind::VOLUME, &kind::NETWORK_INTERFACE];

/// Everything that a launch asks for, checked, before anything is made.
struct Launch<'a> {
    image: Image,
    kind: &'static InstanceType,
    count: usize,
    subnet: Subnet,
    groups: Vec<String>,
    /// The interface structure of the request, or the request itself, where the address members have the same
    /// names.
    network: Params<'a>,
    existing_interface: Option<String>,
    public_ip: bool,
    key: Option<(String, String)>,
    user_data: Option<String>,
    metadata: MetadataOptions,
    root: RootVolume,
    tags: [Tags; 3],
}

pub(super) fn run(context: &mut Context<'_>) -> Result<Value, Fault> {
    let launch = read(context)?;
    let reservation_id = context.entropy.id("r");
    for index in 0..launch.count {
        make(context, &launch, &reservation_id, index)?;
    }
    Ok(show_new_reservation(context, &reservation_id))
}

/// The answer to a launch that is repeated with its client token: the same instances, as they are now.
pub(super) fn run_again(context: &Context<'_>, answer: &Value) -> Value {
    match answer["ReservationId"].as_str() {
        Some(id) => show_new_reservation(context, id),
        None => answer.clone(),
    }
}

fn read<'a>(context: &Context<'a>) -> Result<Launch<'a>, Fault> {
    let params = context.params;
    refuse_unsupported(params)?;
    read_wishes(params)?;
    let image = image::of_launch(context)?;
    let name = params.str("InstanceType").unwrap_or("t3.micro");
    let kind = catalog::instance_type(name)
        .ok_or_else(|| invalid(format!("Invalid value '{name}' for InstanceType.")))?;
    let interfaces: Vec<Params<'_>> = params.objects("NetworkInterfaces").collect();
    let (network, nested) = match interfaces.as_slice() {
        [] => (params, false),
        [only] => (*only, true),
        _ => {
            return Err(fault(
                "UnsupportedOperation",
                "A launch with several network interfaces is not available in this region.",
            ));
        }
    };
    if nested {
        check_nested(params, network)?;
    }
    let existing_interface = read_existing_interface(context, network, nested)?;
    let subnet = match &existing_interface {
        Some(id) => context.subnet(&context.interface(id)?.subnet_id)?.clone(),
        None => choose_subnet(context, network)?,
    };
    if let Some(zone) = zone_of_placement(context)?
        && zone != subnet.zone
    {
        let why = format!("The subnet {} is in zone {}.", subnet.id, subnet.zone);
        return Err(invalid_value("availabilityZone", zone, &why));
    }
    let groups = choose_groups(context, network, nested, &subnet)?;
    let count = read_count(context, &subnet, network, existing_interface.is_some())?;
    check_capacity(context.region, kind, count)?;
    let key = params.str("KeyName").filter(|name| !name.is_empty()).map(|name| {
        let key = context.region.key_pairs.iter().find(|key| key.name == name);
        key.map(|key| (name.to_owned(), key.public_key.clone())).ok_or_else(|| kind::KEY_NAME.not_found(name))
    });
    let public_ip =
        network.bool("AssociatePublicIpAddress").filter(|_| nested).unwrap_or(subnet.map_public_ip_on_launch);
    Ok(Launch {
        kind,
        count,
        groups,
        network,
        public_ip: public_ip && existing_interface.is_none(),
        existing_interface,
        key: key.transpose()?,
        user_data: read_user_data(params)?,
        metadata: read_metadata_options(params.object("MetadataOptions"), &default_metadata())?,
        root: read_root_volume(params, &image)?,
        tags: [
            context.tags_for(&kind::INSTANCE, TAGGABLE)?,
            context.tags_for(&kind::VOLUME, TAGGABLE)?,
            context.tags_for(&kind::NETWORK_INTERFACE, TAGGABLE)?,
        ],
        image,
        subnet,
    })
}

/// As images that ask for IMDSv2 (`ImdsSupport: v2.0`) have it.
fn default_metadata() -> MetadataOptions {
    MetadataOptions { tokens_required: true, hop_limit: 2, enabled: true, ipv6: false, tags: false }
}

fn refuse_unsupported(params: Params<'_>) -> Result<(), Fault> {
    let members = [
        "LaunchTemplate",
        "InstanceMarketOptions",
        "Ipv6AddressCount",
        "Ipv6Addresses",
        "KernelId",
        "RamdiskId",
        "ElasticGpuSpecification",
        "SecondaryInterfaces",
        "LicenseSpecifications",
    ];
    match members.iter().find(|member| params.has(member)) {
        Some(member) => {
            Err(fault("UnsupportedOperation", format!("{member} is not available in this region.")))
        }
        None => Ok(()),
    }
}

/// Wishes about hardware and billing, of which a guest sees nothing.
fn read_wishes(params: Params<'_>) -> Result<(), Fault> {
    params.needs_nothing(&["CapacityReservationSpecification", "CreditSpecification", "MaintenanceOptions"]);
    match params.object("Placement").and_then(|placement| placement.str("Tenancy")) {
        None | Some("default") => Ok(()),
        Some(tenancy) => {
            let message = format!("The tenancy {tenancy} is not available in this region.");
            Err(fault("UnsupportedOperation", message))
        }
    }
}

/// The limit of a new account: 32 virtual processors at a time.
fn check_capacity(region: &Region, kind: &InstanceType, count: usize) -> Result<(), Fault> {
    let used: u32 = region
        .instances
        .iter()
        .filter(|instance| instance.state.wants_to_run())
        .filter_map(|instance| Some(catalog::instance_type(&instance.instance_type)?.vcpus))
        .sum();
    if used as usize + kind.vcpus as usize * count > 32 {
        let message = "You have requested more vCPU capacity than your current vCPU limit of 32 allows for the \
                       instance bucket that the specified instance type belongs to. Please visit \
                       http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.";
        return Err(fault("VcpuLimitExceeded", message));
    }
    Ok(())
}

fn read_user_data(params: Params<'_>) -> Result<Option<String>, Fault> {
    let Some(text) = params.str("UserData").filter(|text| !text.is_empty()) else { return Ok(None) };
    let compact: String = text.split_whitespace().collect();
    let bytes = STANDARD
        .decode(&compact)
        .map_err(|_| fault("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data."))?;
    if bytes.len() > 16_384 {
        return Err(invalid("User data is limited to 16384 bytes"));
    }
    Ok(Some(compact))
}

fn make(
    context: &mut Context<'_>,
    launch: &Launch<'_>,
    reservation_id: &str,
    index: usize,
) -> Result<(), Fault> {
    let params = context.params;
    let id = context.id(&kind::INSTANCE);
    let [tags, volume_tags, interface_tags] = launch.tags.clone();
    let delete_interface =
        launch.network.bool("DeleteOnTermination").unwrap_or(launch.existing_interface.is_none());
    let interface_id = match &launch.existing_interface {
        Some(interface_id) => interface_id.clone(),
        None => {
            let new = NewInterface {
                description: launch.network.str("Description").unwrap_or_default().to_owned(),
                groups: launch.groups.clone(),
                kind: InterfaceKind::Interface,
                private_ips: read_private_ips(launch.network)?,
                more_private_ips: read_more_private_ips(launch.network)?,
                tags: interface_tags,
            };
            plug::make_interface(context, &launch.subnet, new)?
        }
    };
    plug::attach(context, &interface_id, Some(&id), 0, delete_interface);
    if launch.public_ip {
        found(&mut context.region.network_interfaces, &interface_id).assigns_public_ip = true;
        plug::give_public_ip(context, &interface_id)?;
    }
    let interface = context.interface(&interface_id)?;
    let private_dns_name = names::private_dns_name(&context.caller.region, interface.private_ip());
    let source_dest_check = interface.source_dest_check;
    make_root_volume(context, &launch.root, &launch.image, &launch.subnet.zone, &id, volume_tags);
    let now = context.now;
    context.region.instances.insert(Instance {
        id: id.clone(),
        reservation_id: reservation_id.to_owned(),
        image_id: launch.image.id.clone(),
        instance_type: launch.kind.name.to_owned(),
        key_name: launch.key.as_ref().map(|(name, _)| name.clone()),
        public_key: launch.key.as_ref().map(|(_, public)| public.clone()),
        user_data: launch.user_data.clone(),
        state: InstanceState::Pending,
        boot: 1,
        state_reason: None,
        transition_reason: String::new(),
        launch_time: now,
        launch_index: index as u32,
        vpc_id: launch.subnet.vpc_id.clone(),
        subnet_id: launch.subnet.id.clone(),
        zone: launch.subnet.zone.clone(),
        source_dest_check,
        ebs_optimized: params.flag("EbsOptimized"),
        monitoring: params.object("Monitoring").is_some_and(|monitoring| monitoring.flag("Enabled")),
        disable_api_termination: params.flag("DisableApiTermination"),
        disable_api_stop: params.flag("DisableApiStop"),
        terminate_on_shutdown: params.str("InstanceInitiatedShutdownBehavior") == Some("terminate"),
        metadata_options: launch.metadata.clone(),
        root_device: launch.image.root_device.to_owned(),
        iam_profile: params
            .object("IamInstanceProfile")
            .and_then(|p| p.str("Arn").or(p.str("Name")))
            .map(str::to_owned),
        client_token: params.str("ClientToken").unwrap_or_default().to_owned(),
        private_dns_name,
        guest: Guest::default(),
        terminated: None,
        tags,
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn user_data_is_base64_and_limited() {
        let read =
            |text: &str| read_user_data(Params::of(&json!({"UserData": text}))).map_err(|fault| fault.code);
        assert_eq!(read("aGVs\nbG8="), Ok(Some("aGVsbG8=".to_owned())));
        assert_eq!(read("#!/bin/sh"), Err("InvalidUserData.Malformed".to_owned()));
        assert_eq!(read(&STANDARD.encode(vec![b'x'; 16_384])).map(|data| data.is_some()), Ok(true));
        assert_eq!(read(&STANDARD.encode(vec![b'x'; 16_385])), Err("InvalidParameterValue".to_owned()));
    }
}
