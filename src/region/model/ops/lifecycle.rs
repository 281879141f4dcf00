//! Stop, start, reboot, terminate, monitor. The states that these begin end by observation.

use serde_json::{Value, json};

use super::instance::show_state;
use crate::region::model::context::{Context, found, nothing};
use crate::region::model::fault::{fault, missing};
use crate::region::model::kind;
use crate::region::model::plug;
use crate::region::model::state::{CheckStatus, Guest, InstanceState, StateReason};
use crate::wire::Fault;

/// The instances that a request names, each looked up.
fn named<'a>(context: &Context<'a>) -> Result<Vec<&'a str>, Fault> {
    let ids = context.params.strings("InstanceIds");
    if ids.is_empty() {
        return Err(missing("InstanceId"));
    }
    let unknown: Vec<&str> =
        ids.iter().copied().filter(|id| !context.region.instances.contains(id)).collect();
    if unknown.is_empty() { Ok(ids) } else { Err(kind::INSTANCE.none_found(&unknown)) }
}

fn wrong_state(message: String) -> Fault {
    fault("IncorrectInstanceState", message)
}

/// Moves each named instance on, and shows what changed.
fn change(
    context: &mut Context<'_>,
    member: &str,
    next: fn(&mut Context<'_>, &str, InstanceState) -> Result<(), Fault>,
) -> Result<Value, Fault> {
    let mut changes = Vec::new();
    for id in named(context)? {
        let previous = context.instance(id)?.state;
        next(context, id, previous)?;
        let current = context.instance(id)?.state;
        changes.push(json!({
            "InstanceId": id,
            "CurrentState": show_state(current),
            "PreviousState": show_state(previous),
        }));
    }
    Ok(json!({member: changes}))
}

/// Notes that the user ended the instance's run.
fn user_initiated(context: &mut Context<'_>, id: &str, state: InstanceState) {
    let now = context.now.strftime("%Y-%m-%d %H:%M:%S GMT").to_string();
    let instance = found(&mut context.region.instances, id);
    instance.state = state;
    instance.transition_reason = format!("User initiated ({now})");
    instance.state_reason = Some(StateReason {
        code: "Client.UserInitiatedShutdown".to_owned(),
        message: "Client.UserInitiatedShutdown: User initiated shutdown".to_owned(),
    });
}

pub(super) fn stop(context: &mut Context<'_>) -> Result<Value, Fault> {
    if context.params.flag("Hibernate") {
        return Err(fault(
            "UnsupportedHibernationConfiguration",
            "Hibernation is not configured for this instance.",
        ));
    }
    change(context, "StoppingInstances", |context, id, state| match state {
        InstanceState::Running if context.instance(id)?.disable_api_stop => {
            let message = format!(
                "The instance '{id}' may not be stopped. Modify its 'disableApiStop' instance attribute and try again."
            );
            Err(fault("OperationNotPermitted", message))
        }
        InstanceState::Running => {
            user_initiated(context, id, InstanceState::Stopping);
            Ok(())
        }
        InstanceState::Stopping | InstanceState::Stopped => Ok(()),
        _ => {
            Err(wrong_state(format!("This instance '{id}' is not in a state from which it can be stopped.")))
        }
    })
}

pub(super) fn start(context: &mut Context<'_>) -> Result<Value, Fault> {
    change(context, "StartingInstances", |context, id, state| match state {
        InstanceState::Stopped => begin(context, id),
        InstanceState::Pending | InstanceState::Running => Ok(()),
        _ => Err(wrong_state(format!("The instance '{id}' is not in a state from which it can be started."))),
    })
}

fn begin(context: &mut Context<'_>, id: &str) -> Result<(), Fault> {
    let now = context.now;
    let instance = found(&mut context.region.instances, id);
    instance.state = InstanceState::Pending;
    instance.boot += 1;
    instance.launch_time = now;
    instance.state_reason = None;
    instance.transition_reason = String::new();
    instance.guest = Guest::default();
    let primary = context.region.primary_interface(id);
    let without =
        primary.filter(|eni| eni.assigns_public_ip && eni.public_ip().is_none()).map(|eni| eni.id.clone());
    match without {
        Some(interface_id) if context.region.interfaces_of(id).count() == 1 => {
            plug::give_public_ip(context, &interface_id)
        }
        _ => Ok(()),
    }
}

pub(super) fn reboot(context: &mut Context<'_>) -> Result<Value, Fault> {
    for id in named(context)? {
        let state = context.instance(id)?.state;
        let instance = found(&mut context.region.instances, id);
        match state {
            InstanceState::Running => {
                instance.boot += 1;
                instance.guest.check = CheckStatus::Initializing;
            }
            // It is about to boot anyway.
            InstanceState::Pending => {}
            _ => {
                return Err(wrong_state(format!(
                    "The instance '{id}' is not in a state from which it can be rebooted."
                )));
            }
        }
    }
    nothing()
}

pub(super) fn terminate(context: &mut Context<'_>) -> Result<Value, Fault> {
    change(context, "TerminatingInstances", |context, id, state| {
        if matches!(state, InstanceState::ShuttingDown | InstanceState::Terminated) {
            return Ok(());
        }
        if context.instance(id)?.disable_api_termination {
            let message = format!(
                "The instance '{id}' may not be terminated. \
                 Modify its 'disableApiTermination' instance attribute and try again."
            );
            return Err(fault("OperationNotPermitted", message));
        }
        user_initiated(context, id, InstanceState::ShuttingDown);
        Ok(())
    })
}

pub(super) fn monitor(context: &mut Context<'_>) -> Result<Value, Fault> {
    set_monitoring(context, true)
}

pub(super) fn unmonitor(context: &mut Context<'_>) -> Result<Value, Fault> {
    set_monitoring(context, false)
}

fn set_monitoring(context: &mut Context<'_>, on: bool) -> Result<Value, Fault> {
    let ids = named(context)?;
    let state = if on { "pending" } else { "disabling" };
    for id in &ids {
        found(&mut context.region.instances, id).monitoring = on;
    }
    let shown: Value =
        ids.iter().map(|id| json!({"InstanceId": id, "Monitoring": {"State": state}})).collect();
    Ok(json!({"InstanceMonitorings": shown}))
}
