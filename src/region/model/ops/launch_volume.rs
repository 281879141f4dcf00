//! The root volume of a launch.

use super::image;
use crate::region::model::catalog::Image;
use crate::region::model::context::Context;
use crate::region::model::fault::{fault, invalid, invalid_value};
use crate::region::model::kind;
use crate::region::model::params::Params;
use crate::region::model::state::{Tags, Volume, VolumeAttachment};
use crate::wire::Fault;

/// What the root volume is to be like.
pub(super) struct RootVolume {
    size: u32,
    kind: String,
    iops: Option<u32>,
    throughput: Option<u32>,
    encrypted: bool,
    delete_on_termination: bool,
}

/// The root volume that a request asks for: the image's, with what is said otherwise.
pub(super) fn read_root_volume(params: Params<'_>, image: &Image) -> Result<RootVolume, Fault> {
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

/// Makes the root volume of an instance.
pub(super) fn make_root_volume(
    context: &mut Context<'_>,
    root: &RootVolume,
    image: &Image,
    zone: &str,
    instance_id: &str,
    tags: Tags,
) {
    let id = context.id(&kind::VOLUME);
    let attachment = VolumeAttachment {
        instance_id: instance_id.to_owned(),
        device: image.root_device.to_owned(),
        at: context.now,
        delete_on_termination: root.delete_on_termination,
    };
    context.region.volumes.insert(Volume {
        id,
        size: root.size,
        kind: root.kind.clone(),
        iops: root.iops,
        throughput: root.throughput,
        encrypted: root.encrypted,
        snapshot_id: image::snapshot_of(image),
        zone: zone.to_owned(),
        created: context.now,
        attachment: Some(attachment),
        tags,
    });
}
