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
