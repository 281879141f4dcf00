//! What the kernel side reports back. Transitional states (`pending`, `stopping`, `shutting-down`) end here,
//! when the machine really got there, and nowhere else.

use jiff::Timestamp;

use super::plug;
use super::state::{
    Account, CheckStatus, Instance, InstanceState, NatGatewayState, Region, State, StateReason,
};

/// Something that was seen to have happened to a machine or a gateway.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// The guest runs (its init has started): `pending` becomes `running`, status checks start.
    /// `boot` is the [`super::Instance::boot`] that was acted on.
    InstanceBooted { instance_id: String, boot: u64 },
    /// The guest answers (SSH banner seen, system up): both status checks become `ok`.
    InstanceReady { instance_id: String, boot: u64 },
    /// The guest runs and does not answer.
    InstanceImpaired { instance_id: String },
    /// The guest has powered off, by request or from inside.
    InstanceStopped { instance_id: String },
    /// The guest and its disk are gone.
    InstanceTerminated { instance_id: String },
    /// The guest could not be started: `pending` becomes `terminated`, or `stopped` if it ran before.
    InstanceFailed { instance_id: String, message: String },
    /// The same, for lack of something that the machine under the region has too little of.
    InstanceLackedRoom { instance_id: String, message: String },
    /// More text on the console.
    Console { instance_id: String, text: String },
    /// The gateway forwards: `pending` becomes `available`.
    NatGatewayUp { nat_gateway_id: String },
    /// The gateway could not be made.
    NatGatewayFailed { nat_gateway_id: String, code: String, message: String },
    /// The gateway's namespace is gone: `deleting` becomes `deleted`.
    NatGatewayGone { nat_gateway_id: String },
}

/// An observation, and the key of the account whose machine or gateway it is about: ids are unique in an account only.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub account: String,
    pub what: Observation,
}

impl Observation {
    /// Whether it is text alone, which is not worth saving for its own sake.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Observation::Console { .. })
    }

    /// About the machine or gateway of this account.
    pub fn of(self, account: &str) -> Seen {
        Seen { account: account.to_owned(), what: self }
    }
}

/// The console keeps this much of its end.
const CONSOLE_LIMIT: usize = 64 * 1024;

/// Takes a report into the state. Reports about what is gone, or about a boot that has been asked for again
/// since, are ignored: the kernel side may be late. Console text does not move [`State::generation`].
pub fn observe(state: &mut State, seen: &Seen, now: Timestamp) {
    let Some(account) = state.accounts.get_mut(&seen.account) else { return };
    let mut changed = false;
    for region in account.regions.values_mut() {
        changed |= observe_in(region, &seen.what, now);
    }
    if changed && !seen.what.is_text() {
        state.generation += 1;
    }
}

/// The daemon has restarted: every guest of every account has lost power.
pub fn power_cut(state: &mut State) {
    let mut changed = false;
    for account in state.accounts.values_mut() {
        changed |= power_cut_of(account);
    }
    if changed {
        state.generation += 1;
    }
}

/// The guests of one account have lost power and have to boot again. Says whether that changed anything.
pub fn power_cut_of(account: &mut Account) -> bool {
    let mut changed = false;
    for region in account.regions.values_mut() {
        changed |= lose_power(region);
    }
    changed
}

/// Says whether anything changed.
fn observe_in(region: &mut Region, observation: &Observation, now: Timestamp) -> bool {
    match observation {
        Observation::InstanceBooted { instance_id, boot } => {
            with(region, instance_id, |i| booted(i, *boot, now))
        }
        Observation::InstanceReady { instance_id, boot } => with(region, instance_id, |i| {
            let booted = booted(i, *boot, now);
            let ready =
                i.state == InstanceState::Running && i.boot == *boot && i.guest.check != CheckStatus::Ok;
            if ready {
                i.guest.check = CheckStatus::Ok;
                i.guest.checked_since = Some(now);
            }
            booted || ready
        }),
        Observation::InstanceImpaired { instance_id } => with(region, instance_id, |i| {
            let impaired = i.state == InstanceState::Running && i.guest.check != CheckStatus::Impaired;
            if impaired {
                i.guest.check = CheckStatus::Impaired;
                i.guest.checked_since = Some(now);
            }
            impaired
        }),
        Observation::InstanceStopped { instance_id } => stopped(region, instance_id),
        Observation::InstanceTerminated { instance_id } => {
            let reason = StateReason {
                code: "Server.InternalError".to_owned(),
                message: "Server.InternalError: Internal error on launch".to_owned(),
            };
            ended(region, instance_id, reason, now)
        }
        Observation::InstanceFailed { instance_id, message }
        | Observation::InstanceLackedRoom { instance_id, message } => {
            let lacks_room = matches!(observation, Observation::InstanceLackedRoom { .. });
            let code =
                if lacks_room { "Server.InsufficientInstanceCapacity" } else { "Server.InternalError" };
            let reason = StateReason { message: format!("{code}: {message}"), code: code.to_owned() };
            match region.instances.get(instance_id) {
                // It has had a life, and so has its disk: that is kept.
                Some(instance)
                    if instance.state.wants_to_run() && (instance.boot > 1 || instance.guest.booted > 0) =>
                {
                    plug::drop_assigned_ips(region, instance_id);
                    with(region, instance_id, |i| {
                        i.state = InstanceState::Stopped;
                        i.state_reason = Some(reason.clone());
                        i.transition_reason = "Server.InternalError".to_owned();
                        i.guest.check = CheckStatus::Initializing;
                        true
                    })
                }
                _ => ended(region, instance_id, reason, now),
            }
        }
        Observation::Console { instance_id, text } => with(region, instance_id, |i| {
            i.guest.console.push_str(text);
            let excess = i.guest.console.len().saturating_sub(CONSOLE_LIMIT);
            if excess > 0 {
                let cut = (excess..).find(|at| i.guest.console.is_char_boundary(*at)).unwrap_or(excess);
                i.guest.console.drain(..cut);
            }
            i.guest.console_at = Some(now);
            true
        }),
        Observation::NatGatewayUp { nat_gateway_id } => {
            let gateway = region.nat_gateways.get_mut(nat_gateway_id);
            let gateway = gateway.filter(|gateway| gateway.state == NatGatewayState::Pending);
            gateway.map(|gateway| gateway.state = NatGatewayState::Available).is_some()
        }
        Observation::NatGatewayFailed { nat_gateway_id, code, message } => {
            let gateway = region.nat_gateways.get_mut(nat_gateway_id);
            let Some(gateway) = gateway.filter(|gateway| gateway.state == NatGatewayState::Pending) else {
                return false;
            };
            gateway.state = NatGatewayState::Failed;
            gateway.failure = Some((code.clone(), message.clone()));
            let interface_id = gateway.network_interface_id.clone();
            plug::remove_interface(region, &interface_id);
            true
        }
        Observation::NatGatewayGone { nat_gateway_id } => {
            let gateway = region.nat_gateways.get_mut(nat_gateway_id);
            let Some(gateway) = gateway.filter(|gateway| gateway.state == NatGatewayState::Deleting) else {
                return false;
            };
            gateway.state = NatGatewayState::Deleted;
            gateway.deleted = Some(now);
            let interface_id = gateway.network_interface_id.clone();
            plug::remove_interface(region, &interface_id);
            true
        }
    }
}

fn with(region: &mut Region, instance_id: &str, change: impl FnOnce(&mut Instance) -> bool) -> bool {
    region.instances.get_mut(instance_id).is_some_and(change)
}

fn booted(instance: &mut Instance, boot: u64, now: Timestamp) -> bool {
    if instance.boot != boot || !instance.state.wants_to_run() {
        return false;
    }
    let news = instance.state != InstanceState::Running || instance.guest.booted != boot;
    if news {
        instance.state = InstanceState::Running;
        instance.guest.booted = boot;
        instance.guest.check = CheckStatus::Initializing;
        instance.guest.checked_since = Some(now);
    }
    news
}

/// The guest is off: as asked, or by itself.
fn stopped(region: &mut Region, instance_id: &str) -> bool {
    let by_itself = StateReason {
        code: "Client.InstanceInitiatedShutdown".to_owned(),
        message: "Client.InstanceInitiatedShutdown: Instance initiated shutdown".to_owned(),
    };
    let Some(instance) = region.instances.get_mut(instance_id) else { return false };
    match instance.state {
        InstanceState::Stopping => instance.state = InstanceState::Stopped,
        InstanceState::Pending | InstanceState::Running => {
            instance.state_reason = Some(by_itself);
            instance.transition_reason = String::new();
            if instance.terminate_on_shutdown {
                instance.state = InstanceState::ShuttingDown;
                return true;
            }
            instance.state = InstanceState::Stopped;
        }
        InstanceState::ShuttingDown | InstanceState::Terminated | InstanceState::Stopped => return false,
    }
    instance.guest.check = CheckStatus::Initializing;
    plug::drop_assigned_ips(region, instance_id);
    true
}

/// The guest is gone for good. `reason` is told when nobody had asked for that.
fn ended(region: &mut Region, instance_id: &str, reason: StateReason, now: Timestamp) -> bool {
    let Some(instance) = region.instances.get_mut(instance_id) else { return false };
    if instance.state == InstanceState::Terminated {
        return false;
    }
    if instance.state != InstanceState::ShuttingDown {
        instance.state_reason = Some(reason);
        instance.transition_reason = "Server.InternalError".to_owned();
    }
    instance.state = InstanceState::Terminated;
    instance.terminated = Some(now);
    plug::take_apart(region, instance_id);
    true
}

/// Nothing runs any more: what was stopping has stopped, what was running has to boot and to be checked
/// again.
fn lose_power(region: &mut Region) -> bool {
    let mut changed = false;
    let mut off = Vec::new();
    for instance in region.instances.iter_mut() {
        match instance.state {
            InstanceState::Stopping => off.push(instance.id.clone()),
            InstanceState::Running => {
                instance.guest.check = CheckStatus::Initializing;
                changed = true;
            }
            _ => {}
        }
    }
    for id in off {
        changed |= stopped(region, &id);
    }
    changed
}
