//! Instance types and where they are offered.

use serde_json::{Value, json};

use crate::region::model::catalog::{INSTANCE_TYPES, InstanceType};
use crate::region::model::context::Context;
use crate::region::model::fault::invalid;
use crate::region::model::kind;
use crate::region::model::listing::Listing;
use crate::region::model::names;
use crate::wire::Fault;

static TYPES: Listing = Listing {
    member: "InstanceTypes",
    ids: &[("InstanceTypes", "InstanceType", &kind::TYPE_NAME)],
    filters: &[
        ("auto-recovery-supported", "AutoRecoverySupported"),
        ("bare-metal", "BareMetal"),
        ("burstable-performance-supported", "BurstablePerformanceSupported"),
        ("current-generation", "CurrentGeneration"),
        ("free-tier-eligible", "FreeTierEligible"),
        ("hibernation-supported", "HibernationSupported"),
        ("hypervisor", "Hypervisor"),
        ("instance-storage-supported", "InstanceStorageSupported"),
        ("instance-type", "InstanceType"),
        ("memory-info.size-in-mib", "MemoryInfo.SizeInMiB"),
        ("network-info.ipv6-supported", "NetworkInfo.Ipv6Supported"),
        ("network-info.maximum-network-interfaces", "NetworkInfo.MaximumNetworkInterfaces"),
        ("processor-info.supported-architecture", "ProcessorInfo.SupportedArchitectures[]"),
        ("supported-root-device-type", "SupportedRootDeviceTypes[]"),
        ("supported-usage-class", "SupportedUsageClasses[]"),
        ("supported-virtualization-type", "SupportedVirtualizationTypes[]"),
        ("vcpu-info.default-cores", "VCpuInfo.DefaultCores"),
        ("vcpu-info.default-threads-per-core", "VCpuInfo.DefaultThreadsPerCore"),
        ("vcpu-info.default-vcpus", "VCpuInfo.DefaultVCpus"),
        ("dedicated-hosts-supported", "DedicatedHostsSupported"),
        ("ebs-info.attachment-limit-type", "EbsInfo.AttachmentLimitType"),
        (
            "ebs-info.ebs-optimized-info.baseline-bandwidth-in-mbps",
            "EbsInfo.EbsOptimizedInfo.BaselineBandwidthInMbps",
        ),
        ("ebs-info.ebs-optimized-info.baseline-iops", "EbsInfo.EbsOptimizedInfo.BaselineIops"),
        (
            "ebs-info.ebs-optimized-info.baseline-throughput-in-mbps",
            "EbsInfo.EbsOptimizedInfo.BaselineThroughputInMBps",
        ),
        (
            "ebs-info.ebs-optimized-info.maximum-bandwidth-in-mbps",
            "EbsInfo.EbsOptimizedInfo.MaximumBandwidthInMbps",
        ),
        ("ebs-info.ebs-optimized-info.maximum-iops", "EbsInfo.EbsOptimizedInfo.MaximumIops"),
        (
            "ebs-info.ebs-optimized-info.maximum-throughput-in-mbps",
            "EbsInfo.EbsOptimizedInfo.MaximumThroughputInMBps",
        ),
        ("ebs-info.ebs-optimized-support", "EbsInfo.EbsOptimizedSupport"),
        ("ebs-info.encryption-support", "EbsInfo.EncryptionSupport"),
        ("ebs-info.maximum-ebs-attachments", "EbsInfo.MaximumEbsAttachments"),
        ("ebs-info.nvme-support", "EbsInfo.NvmeSupport"),
        ("instance-storage-info.disk.count", "InstanceStorageInfo.Disks[].Count"),
        ("instance-storage-info.disk.size-in-gb", "InstanceStorageInfo.Disks[].SizeInGB"),
        ("instance-storage-info.disk.type", "InstanceStorageInfo.Disks[].Type"),
        ("instance-storage-info.encryption-support", "InstanceStorageInfo.EncryptionSupport"),
        ("instance-storage-info.nvme-support", "InstanceStorageInfo.NvmeSupport"),
        ("instance-storage-info.total-size-in-gb", "InstanceStorageInfo.TotalSizeInGB"),
        ("network-info.bandwidth-weightings", "NetworkInfo.BandwidthWeightings[]"),
        ("network-info.efa-info.maximum-efa-interfaces", "NetworkInfo.EfaInfo.MaximumEfaInterfaces"),
        ("network-info.efa-supported", "NetworkInfo.EfaSupported"),
        ("network-info.ena-support", "NetworkInfo.EnaSupport"),
        ("network-info.encryption-in-transit-supported", "NetworkInfo.EncryptionInTransitSupported"),
        ("network-info.flexible-ena-queues-support", "NetworkInfo.FlexibleEnaQueuesSupport"),
        ("network-info.ipv4-addresses-per-interface", "NetworkInfo.Ipv4AddressesPerInterface"),
        ("network-info.ipv6-addresses-per-interface", "NetworkInfo.Ipv6AddressesPerInterface"),
        ("network-info.maximum-network-cards", "NetworkInfo.MaximumNetworkCards"),
        ("network-info.network-performance", "NetworkInfo.NetworkPerformance"),
        ("nitro-enclaves-support", "NitroEnclavesSupport"),
        ("nitro-tpm-info.supported-versions", "NitroTpmInfo.SupportedVersions[]"),
        ("nitro-tpm-support", "NitroTpmSupport"),
        ("processor-info.supported-features", "ProcessorInfo.SupportedFeatures[]"),
        ("processor-info.sustained-clock-speed-in-ghz", "ProcessorInfo.SustainedClockSpeedInGhz"),
        ("reboot-migration-support", "RebootMigrationSupport"),
        ("supported-boot-mode", "SupportedBootModes[]"),
        ("vcpu-info.valid-cores", "VCpuInfo.ValidCores[]"),
        ("vcpu-info.valid-threads-per-core", "VCpuInfo.ValidThreadsPerCore[]"),
    ],
    tags: "",
    page: (5, 100),
};

static OFFERINGS: Listing = Listing {
    member: "InstanceTypeOfferings",
    ids: &[],
    filters: &[("instance-type", "InstanceType"), ("location", "Location")],
    tags: "",
    page: (5, 1000),
};

fn show(kind: &InstanceType) -> Value {
    let mut architectures = vec!["x86_64"];
    if !kind.nitro {
        architectures.insert(0, "i386");
    }
    json!({
        "InstanceType": kind.name,
        "CurrentGeneration": true,
        "FreeTierEligible": kind.free_tier,
        "SupportedUsageClasses": ["on-demand"],
        "SupportedRootDeviceTypes": ["ebs"],
        "SupportedVirtualizationTypes": ["hvm"],
        "BareMetal": false,
        "Hypervisor": if kind.nitro { "nitro" } else { "xen" },
        "ProcessorInfo": {
            "SupportedArchitectures": architectures,
            "SustainedClockSpeedInGhz": 2.5,
            "Manufacturer": "Intel",
        },
        "VCpuInfo": {
            "DefaultVCpus": kind.vcpus,
            "DefaultCores": kind.cores,
            "DefaultThreadsPerCore": kind.vcpus / kind.cores,
        },
        "MemoryInfo": {"SizeInMiB": kind.memory_mib},
        "InstanceStorageSupported": false,
        "EbsInfo": {
            "EbsOptimizedSupport": if kind.nitro { "default" } else { "unsupported" },
            "EncryptionSupport": "supported",
            "NvmeSupport": if kind.nitro { "required" } else { "unsupported" },
        },
        "NetworkInfo": {
            "NetworkPerformance": kind.network,
            "MaximumNetworkInterfaces": kind.interfaces,
            "MaximumNetworkCards": 1,
            "DefaultNetworkCardIndex": 0,
            "NetworkCards": [{
                "NetworkCardIndex": 0,
                "NetworkPerformance": kind.network,
                "MaximumNetworkInterfaces": kind.interfaces,
            }],
            "Ipv4AddressesPerInterface": kind.addresses_per_interface,
            "Ipv6AddressesPerInterface": 0,
            "Ipv6Supported": false,
            "EnaSupport": if kind.nitro { "required" } else { "unsupported" },
            "EfaSupported": false,
            "EncryptionInTransitSupported": false,
        },
        "PlacementGroupInfo": {"SupportedStrategies": ["partition", "spread"]},
        "HibernationSupported": false,
        "BurstablePerformanceSupported": true,
        "DedicatedHostsSupported": false,
        "AutoRecoverySupported": true,
        "SupportedBootModes": ["legacy-bios", "uefi"],
    })
}

pub(super) fn types(context: &mut Context<'_>) -> Result<Value, Fault> {
    TYPES.answer(context.params, INSTANCE_TYPES.iter().map(show).collect())
}

pub(super) fn offerings(context: &mut Context<'_>) -> Result<Value, Fault> {
    let region = &context.caller.region;
    let kind = context.params.str("LocationType").unwrap_or("region");
    let locations: Vec<String> = match kind {
        "region" => vec![region.clone()],
        "availability-zone" => names::zones(region).into_iter().map(|(name, _)| name).collect(),
        "availability-zone-id" => names::zones(region).into_iter().map(|(_, id)| id).collect(),
        "outpost" => Vec::new(),
        other => return Err(invalid(format!("Value ({other}) for parameter locationType is invalid."))),
    };
    let items = locations
        .iter()
        .flat_map(|location| INSTANCE_TYPES.iter().map(move |t| (location, t)))
        .map(|(location, t)| json!({"InstanceType": t.name, "LocationType": kind, "Location": location}))
        .collect();
    OFFERINGS.answer(context.params, items)
}
