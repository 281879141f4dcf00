//! Machine images.

use serde_json::{Value, json};

use crate::region::model::catalog::{self, Image};
use crate::region::model::context::Context;
use crate::region::model::fault::{invalid, missing};
use crate::region::model::kind;
use crate::region::model::listing::Listing;
use crate::wire::Fault;

static LISTING: Listing = Listing {
    member: "Images",
    ids: &[("ImageIds", "ImageId", &kind::IMAGE)],
    filters: &[
        ("architecture", "Architecture"),
        ("block-device-mapping.delete-on-termination", "BlockDeviceMappings[].Ebs.DeleteOnTermination"),
        ("block-device-mapping.device-name", "BlockDeviceMappings[].DeviceName"),
        ("block-device-mapping.snapshot-id", "BlockDeviceMappings[].Ebs.SnapshotId"),
        ("block-device-mapping.volume-size", "BlockDeviceMappings[].Ebs.VolumeSize"),
        ("block-device-mapping.volume-type", "BlockDeviceMappings[].Ebs.VolumeType"),
        ("creation-date", "CreationDate"),
        ("description", "Description"),
        ("ena-support", "EnaSupport"),
        ("hypervisor", "Hypervisor"),
        ("image-id", "ImageId"),
        ("image-type", "ImageType"),
        ("is-public", "Public"),
        ("manifest-location", "ImageLocation"),
        ("name", "Name"),
        ("owner-alias", "ImageOwnerAlias"),
        ("owner-id", "OwnerId"),
        ("platform", "Platform"),
        ("root-device-name", "RootDeviceName"),
        ("root-device-type", "RootDeviceType"),
        ("state", "State"),
        ("virtualization-type", "VirtualizationType"),
        ("block-device-mapping.encrypted", "BlockDeviceMappings[].Ebs.Encrypted"),
        ("boot-mode", "BootMode"),
        ("free-tier-eligible", "FreeTierEligible"),
        ("image-allowed", "ImageAllowed"),
        ("image-watermark.source-image-creation-time", "ImageWatermarks[].SourceImageCreationTime"),
        ("image-watermark.source-image-id", "ImageWatermarks[].SourceImageId"),
        ("image-watermark.source-image-region", "ImageWatermarks[].SourceImageRegion"),
        ("image-watermark.watermark-creation-time", "ImageWatermarks[].WatermarkCreationTime"),
        ("image-watermark.watermark-key", "ImageWatermarks[].WatermarkKey"),
        ("kernel-id", "KernelId"),
        ("product-code", "ProductCodes[].ProductCodeId"),
        ("product-code.type", "ProductCodes[].ProductCodeType"),
        ("public-ssm-parameter-name", "PublicSsmParameterName"),
        ("ramdisk-id", "RamdiskId"),
        ("scan-result.critical-fix-available-since", "ScanResults.CriticalFixAvailableSince"),
        ("scan-result.finding-scan-date", "ScanResults.FindingScanDate"),
        ("scan-result.high-fix-available-since", "ScanResults.HighFixAvailableSince"),
        ("scan-result.highest-finding-severity-label", "ScanResults.HighestFindingSeverityLabel"),
        ("scan-result.informational-fix-available-since", "ScanResults.InformationalFixAvailableSince"),
        ("scan-result.low-fix-available-since", "ScanResults.LowFixAvailableSince"),
        ("scan-result.medium-fix-available-since", "ScanResults.MediumFixAvailableSince"),
        ("source-image-id", "SourceImageId"),
        ("source-image-region", "SourceImageRegion"),
        ("source-instance-id", "SourceInstanceId"),
        ("sriov-net-support", "SriovNetSupport"),
        ("state-reason-code", "StateReason.Code"),
        ("state-reason-message", "StateReason.Message"),
    ],
    tags: "Tags",
    page: (1, 1000),
};

/// The snapshot that an image's root volume comes from.
pub(super) fn snapshot_of(image: &Image) -> String {
    image.id.replacen("ami-", "snap-", 1)
}

fn show(image: &Image) -> Value {
    json!({
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "BlockDeviceMappings": [{
            "Ebs": {
                "DeleteOnTermination": true,
                "Iops": 3000,
                "SnapshotId": snapshot_of(image),
                "VolumeSize": image.root_size,
                "VolumeType": "gp3",
                "Throughput": 125,
                "Encrypted": false,
            },
            "DeviceName": image.root_device,
        }],
        "Description": image.description,
        "EnaSupport": true,
        "Hypervisor": "xen",
        "Name": image.name,
        "RootDeviceName": image.root_device,
        "RootDeviceType": "ebs",
        "SriovNetSupport": "simple",
        "VirtualizationType": "hvm",
        "BootMode": "uefi-preferred",
        "ImdsSupport": "v2.0",
        "ImageId": image.id,
        "ImageLocation": format!("amazon/{}", image.name),
        "State": "available",
        "OwnerId": image.owner,
        "CreationDate": image.created,
        "Public": true,
        "Architecture": "x86_64",
        "ImageType": "machine",
    })
}

pub(super) fn describe(context: &mut Context<'_>) -> Result<Value, Fault> {
    let owners = context.params.strings("Owners");
    let owned = |image: &&Image| owners.is_empty() || owners.contains(&image.owner);
    let images = catalog::images(&context.caller.region);
    LISTING.answer(context.params, images.iter().filter(owned).map(show).collect())
}

/// The image that a launch asks for: by id, or by a public parameter (`resolve:ssm:NAME`).
pub(super) fn of_launch(context: &Context<'_>) -> Result<Image, Fault> {
    let given = context.params.str("ImageId").ok_or_else(|| missing("ImageId"))?;
    let region = &context.caller.region;
    let id = match given.strip_prefix("resolve:ssm:") {
        Some(name) => catalog::public_parameter(region, name).ok_or_else(|| {
            invalid(format!(
                "The Systems Manager parameter '{name}' could not be resolved: parameter not found."
            ))
        })?,
        None => {
            kind::IMAGE.check(given)?;
            given.to_owned()
        }
    };
    catalog::image(region, &id).ok_or_else(|| kind::IMAGE.not_found(&id))
}
