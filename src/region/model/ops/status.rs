//! Status checks and the console.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::instance::show_state;
use crate::region::model::context::{Context, show_time};
use crate::region::model::kind;
use crate::region::model::listing::Listing;
use crate::region::model::state::{CheckStatus, Instance, InstanceState};
use crate::wire::Fault;

static LISTING: Listing = Listing {
    member: "InstanceStatuses",
    ids: &[("InstanceIds", "InstanceId", &kind::INSTANCE)],
    filters: &[
        ("availability-zone", "AvailabilityZone"),
        ("availability-zone-id", "AvailabilityZoneId"),
        ("event.code", "Events[].Code"),
        ("instance-state-code", "InstanceState.Code"),
        ("instance-state-name", "InstanceState.Name"),
        ("instance-status.reachability", "InstanceStatus.Details[].Status"),
        ("instance-status.status", "InstanceStatus.Status"),
        ("system-status.reachability", "SystemStatus.Details[].Status"),
        ("system-status.status", "SystemStatus.Status"),
        ("application-status.status", "ApplicationStatus.Status"),
        ("attached-ebs-status.status", "AttachedEbsStatus.Status"),
        ("event.description", "Events[].Description"),
        ("event.instance-event-id", "Events[].InstanceEventId"),
        ("event.not-after", "Events[].NotAfter"),
        ("event.not-before", "Events[].NotBefore"),
        ("event.not-before-deadline", "Events[].NotBeforeDeadline"),
        ("operator.managed", "Operator.Managed"),
        ("operator.principal", "Operator.Principal"),
    ],
    tags: "",
    page: (5, 1000),
};

fn show(context: &Context<'_>, instance: &Instance) -> Value {
    let check = |impaired_too: bool| {
        if instance.state != InstanceState::Running {
            return json!({"Status": "not-applicable"});
        }
        let (status, detail) = match instance.guest.check {
            CheckStatus::Initializing => ("initializing", "initializing"),
            CheckStatus::Impaired if impaired_too => ("impaired", "failed"),
            CheckStatus::Impaired | CheckStatus::Ok => ("ok", "passed"),
        };
        let since = (detail == "failed").then(|| instance.guest.checked_since.map(show_time));
        json!({"Details": [{"ImpairedSince": since, "Name": "reachability", "Status": detail}], "Status": status})
    };
    json!({
        "AvailabilityZone": instance.zone,
        "AvailabilityZoneId": context.region.subnets.get(&instance.subnet_id).map(|subnet| &subnet.zone_id),
        "Operator": {"Managed": false},
        "InstanceId": instance.id,
        "InstanceState": show_state(instance.state),
        "InstanceStatus": check(true),
        // The host under the guest is this machine: when the guest fails, that one still stands.
        "SystemStatus": check(false),
        "AttachedEbsStatus": check(false),
    })
}

pub(super) fn describe(context: &mut Context<'_>) -> Result<Value, Fault> {
    let context = &*context;
    let all = context.params.flag("IncludeAllInstances");
    let wanted = context.params.strings("InstanceIds");
    if let Some(id) = wanted.iter().find(|id| !context.region.instances.contains(id)) {
        return Err(kind::INSTANCE.not_found(id));
    }
    let visible = |instance: &&Instance| all || instance.state == InstanceState::Running;
    let named = |instance: &&Instance| wanted.is_empty() || wanted.contains(&instance.id.as_str());
    let items =
        context.region.instances.iter().filter(visible).filter(named).map(|i| show(context, i)).collect();
    // Ids that are not running are left out, not refused: the listing must not look for them again.
    let mut params = context.params.whole().clone();
    if let Some(members) = params.as_object_mut() {
        members.shift_remove("InstanceIds");
    }
    LISTING.answer(crate::region::model::params::Params::of(&params), items)
}

/// `GetConsoleOutput`: the text in base64, as on the wire.
pub(super) fn console(context: &mut Context<'_>) -> Result<Value, Fault> {
    let instance = context.instance(context.params.need("InstanceId")?)?;
    let output = (!instance.guest.console.is_empty()).then(|| STANDARD.encode(&instance.guest.console));
    Ok(json!({
        "InstanceId": instance.id,
        "Timestamp": show_time(instance.guest.console_at.unwrap_or(instance.launch_time)),
        "Output": output,
    }))
}
