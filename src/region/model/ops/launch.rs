//! `RunInstances`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::image;
use super::instance::show_new_reservation;
use super::interface::{read_groups, read_more_private_ips, read_private_ips};
use super::metadata::read_metadata_options;
use crate::region::model::addressing;
use crate::region::model::catalog::{self, Image, InstanceType};
use crate::region::model::context::{Context, found};
use crate::region::model::fault::{combination, fault, invalid, invalid_value, missing};
use crate::region::model::kind::{self, Kind};
use crate::region::model::names;
use crate::region::model::params::Params;
use crate::region::model::plug::{self, NewInterface};
use crate::region::model::state::{
    Guest, Instance, InstanceState, InterfaceKind, MetadataOptions, Region, Subnet, Tags, Volume,
    VolumeAttachment,
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
    /// The interface structure of the request, or the request itself, where the address members have the same names.
    network: Params<'a>,
    existing_interface: Option<String>,
    public_ip: bool,
    key: Option<(String, String)>,
    user_data: Option<String>,
    metadata: MetadataOptions,
    root: RootVolume,
    tags: [Tags; 3],
}

struct RootVolume {
    size: u32,
    kind: String,
    iops: Option<u32>,
    throughput: Option<u32>,
    encrypted: bool,
    delete_on_termination: bool,
}

pub(super) fn run(context: &mut Context<'_>) -> Result<Value, Fault> {
    let launch = read(context)?;
    let reservation_id = context.entropy.id("r");
    let mut ids = Vec::new();
    for index in 0..launch.count {
        ids.push(make(context, &launch, &reservation_id, index)?);
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
    if let Some(zone) = params.object("Placement").and_then(|placement| placement.str("AvailabilityZone"))
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

/// What may not be said both for the instance and for its interface.
fn check_nested(params: Params<'_>, network: Params<'_>) -> Result<(), Fault> {
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

fn read_existing_interface(
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

/// The subnet asked for, or the default VPC's in the zone asked for.
fn choose_subnet(context: &Context<'_>, network: Params<'_>) -> Result<Subnet, Fault> {
    if let Some(id) = network.str("SubnetId") {
        return Ok(context.subnet(id)?.clone());
    }
    let Some(vpc) = context.region.vpcs.iter().find(|vpc| vpc.is_default) else {
        let message =
            "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.";
        return Err(fault("VPCIdNotSpecified", message));
    };
    let zone = context.params.object("Placement").and_then(|placement| placement.str("AvailabilityZone"));
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

fn choose_groups(
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
fn read_count(
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

fn read_root_volume(params: Params<'_>, image: &Image) -> Result<RootVolume, Fault> {
    let mut root = RootVolume {
        size: image.root_size,
        kind: "gp3".to_owned(),
        iops: Some(3000),
        throughput: Some(125),
        encrypted: false,
        delete_on_termination: true,
    };
    for mapping in params.objects("BlockDeviceMappings") {
        let device = mapping.need("DeviceName")?;
        if device != image.root_device {
            let message = format!(
                "The device {device} is not available in this region: instances have a root volume only."
            );
            return Err(fault("UnsupportedOperation", message));
        }
        let Some(ebs) = mapping.object("Ebs") else { continue };
        if let Some(size) = ebs.int("VolumeSize") {
            if size < i64::from(image.root_size) {
                let message = format!(
                    "Volume of size {size}GB is smaller than snapshot '{}', expect size >= {}GB",
                    image::snapshot_of(image),
                    image.root_size
                );
                return Err(fault("InvalidBlockDeviceMapping", message));
            }
            root.size =
                u32::try_from(size).map_err(|_| invalid_value("volumeSize", size, "It is too large."))?;
        }
        if let Some(kind) = ebs.str("VolumeType") {
            if !matches!(kind, "gp2" | "gp3" | "standard" | "io1" | "io2" | "st1" | "sc1") {
                return Err(invalid(format!("Value ({kind}) for parameter volumeType is invalid.")));
            }
            root.kind = kind.to_owned();
            if kind != "gp3" {
                root.throughput = None;
                root.iops = matches!(kind, "gp2").then_some(100.max(root.size * 3));
            }
        }
        root.iops = ebs.int("Iops").map(|iops| iops as u32).or(root.iops);
        root.throughput = ebs.int("Throughput").map(|value| value as u32).or(root.throughput);
        root.encrypted = ebs.flag("Encrypted");
        root.delete_on_termination = ebs.bool("DeleteOnTermination").unwrap_or(true);
    }
    Ok(root)
}

fn make(
    context: &mut Context<'_>,
    launch: &Launch<'_>,
    reservation_id: &str,
    index: usize,
) -> Result<String, Fault> {
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
    make_root_volume(context, launch, &id, volume_tags);
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
    Ok(id)
}

fn make_root_volume(context: &mut Context<'_>, launch: &Launch<'_>, instance_id: &str, tags: Tags) {
    let id = context.id(&kind::VOLUME);
    let attachment = VolumeAttachment {
        instance_id: instance_id.to_owned(),
        device: launch.image.root_device.to_owned(),
        at: context.now,
        delete_on_termination: launch.root.delete_on_termination,
    };
    context.region.volumes.insert(Volume {
        id,
        size: launch.root.size,
        kind: launch.root.kind.clone(),
        iops: launch.root.iops,
        throughput: launch.root.throughput,
        encrypted: launch.root.encrypted,
        snapshot_id: image::snapshot_of(&launch.image),
        zone: launch.subnet.zone.clone(),
        created: context.now,
        attachment: Some(attachment),
        tags,
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn user_data_is_base64_and_limited() {
        let read =
            |text: &str| read_user_data(Params(&json!({"UserData": text}))).map_err(|fault| fault.code);
        assert_eq!(read("aGVs\nbG8="), Ok(Some("aGVsbG8=".to_owned())));
        assert_eq!(read("#!/bin/sh"), Err("InvalidUserData.Malformed".to_owned()));
        assert_eq!(read(&STANDARD.encode(vec![b'x'; 16_384])).map(|data| data.is_some()), Ok(true));
        assert_eq!(read(&STANDARD.encode(vec![b'x'; 16_385])), Err("InvalidParameterValue".to_owned()));
    }
}
