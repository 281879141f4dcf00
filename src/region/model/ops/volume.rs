//! Volumes, as `Describe` shows them: the root volumes of instances.

use serde_json::{Value, json};

use crate::region::model::context::{Context, nothing, show_some_tags, show_time};
use crate::region::model::fault::fault;
use crate::region::model::kind;
use crate::region::model::listing::Listing;
use crate::region::model::names;
use crate::region::model::state::Volume;
use crate::wire::Fault;

static LISTING: Listing = Listing {
    member: "Volumes",
    ids: &[("VolumeIds", "VolumeId", &kind::VOLUME)],
    filters: &[
        ("attachment.attach-time", "Attachments[].AttachTime"),
        ("attachment.delete-on-termination", "Attachments[].DeleteOnTermination"),
        ("attachment.device", "Attachments[].Device"),
        ("attachment.instance-id", "Attachments[].InstanceId"),
        ("attachment.status", "Attachments[].State"),
        ("availability-zone", "AvailabilityZone"),
        ("availability-zone-id", "AvailabilityZoneId"),
        ("create-time", "CreateTime"),
        ("encrypted", "Encrypted"),
        ("multi-attach-enabled", "MultiAttachEnabled"),
        ("size", "Size"),
        ("snapshot-id", "SnapshotId"),
        ("status", "State"),
        ("volume-id", "VolumeId"),
        ("volume-type", "VolumeType"),
        ("fast-restored", "FastRestored"),
        ("operator.managed", "Operator.Managed"),
        ("operator.principal", "Operator.Principal"),
    ],
    tags: "Tags",
    page: (5, 1000),
};

fn show(context: &Context<'_>, volume: &Volume) -> Value {
    let mut zones = names::zones(&context.caller.region).into_iter();
    let zone_id = zones.find(|(zone, _)| *zone == volume.zone).map(|(_, id)| id);
    let attachments: Vec<Value> = volume
        .attachment
        .iter()
        .map(|attachment| {
            json!({
                "DeleteOnTermination": attachment.delete_on_termination,
                "VolumeId": volume.id,
                "InstanceId": attachment.instance_id,
                "Device": attachment.device,
                "State": "attached",
                "AttachTime": show_time(attachment.at),
            })
        })
        .collect();
    json!({
        "AvailabilityZoneId": zone_id,
        "Iops": volume.iops,
        "Tags": show_some_tags(&volume.tags),
        "VolumeType": volume.kind,
        "MultiAttachEnabled": false,
        "Throughput": volume.throughput,
        "Operator": {"Managed": false},
        "VolumeId": volume.id,
        "Size": volume.size,
        "SnapshotId": volume.snapshot_id,
        "AvailabilityZone": volume.zone,
        "State": if attachments.is_empty() { "available" } else { "in-use" },
        "CreateTime": show_time(volume.created),
        "Attachments": attachments,
        "Encrypted": volume.encrypted,
    })
}

pub(super) fn describe(context: &mut Context<'_>) -> Result<Value, Fault> {
    LISTING
        .answer(context.params, context.region.volumes.iter().map(|volume| show(context, volume)).collect())
}

/// Deletes a volume that an instance has left behind.
pub(super) fn delete(context: &mut Context<'_>) -> Result<Value, Fault> {
    let id = context.params.need("VolumeId")?;
    let volume = context.region.volumes.get(id).ok_or_else(|| kind::VOLUME.not_found(id))?;
    if let Some(attachment) = &volume.attachment {
        let message = format!("Volume {id} is currently attached to {}", attachment.instance_id);
        return Err(fault("VolumeInUse", message));
    }
    context.region.volumes.remove(id);
    nothing()
}
