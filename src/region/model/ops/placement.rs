//! Regions and zones.

use serde_json::{Value, json};

use crate::region::model::context::Context;
use crate::region::model::kind;
use crate::region::model::listing::Listing;
use crate::region::model::names;
use crate::wire::Fault;

static REGIONS: Listing = Listing {
    member: "Regions",
    ids: &[("RegionNames", "RegionName", &kind::REGION_NAME)],
    filters: &[("endpoint", "Endpoint"), ("opt-in-status", "OptInStatus"), ("region-name", "RegionName")],
    tags: "",
    page: (1, 1000),
};

static ZONES: Listing = Listing {
    member: "AvailabilityZones",
    ids: &[("ZoneNames", "ZoneName", &kind::ZONE_NAME), ("ZoneIds", "ZoneId", &kind::ZONE_NAME)],
    filters: &[
        ("group-name", "GroupName"),
        ("group-long-name", "GroupLongName"),
        ("message", "Messages[].Message"),
        ("opt-in-status", "OptInStatus"),
        ("parent-zone-id", "ParentZoneId"),
        ("parent-zone-name", "ParentZoneName"),
        ("region-name", "RegionName"),
        ("state", "State"),
        ("zone-id", "ZoneId"),
        ("zone-name", "ZoneName"),
        ("zone-type", "ZoneType"),
    ],
    tags: "",
    page: (1, 1000),
};

pub(super) fn regions(context: &mut Context<'_>) -> Result<Value, Fault> {
    let own = context.caller.region.as_str();
    let mut all: Vec<&str> = names::REGIONS.to_vec();
    if !all.contains(&own) {
        all.push(own);
    }
    let show = |name: &str| {
        json!({
            "OptInStatus": "opt-in-not-required",
            "RegionName": name,
            "Endpoint": format!("ec2.{name}.amazonaws.com"),
        })
    };
    REGIONS.answer(context.params, all.into_iter().map(show).collect())
}

pub(super) fn zones(context: &mut Context<'_>) -> Result<Value, Fault> {
    let region = context.caller.region.as_str();
    let show = |(zone, id): (String, String)| {
        json!({
            "OptInStatus": "opt-in-not-required",
            "Messages": [],
            "RegionName": region,
            "ZoneName": zone,
            "ZoneId": id,
            "GroupName": format!("{region}-zg-1"),
            "NetworkBorderGroup": region,
            "ZoneType": "availability-zone",
            "State": "available",
        })
    };
    ZONES.answer(context.params, names::zones(region).into_iter().map(show).collect())
}
