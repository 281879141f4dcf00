//! One EC2 call: what is the same for every operation, then the operation itself.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::action::{Action, Caller};
use super::context::Context;
use super::entropy::Entropy;
use super::fault::{dry_run, fault};
use super::ops::{self, Effect};
use super::params::{Params, Read};
use super::state::{
    IdempotentCall, Instance, InstanceState, NatGateway, NatGatewayState, Region, Shared, State,
};
use super::{kind, quota};
use crate::wire::{Fault, Service};

/// How long what has ended stays visible.
const AFTERLIFE: SignedDuration = SignedDuration::from_hours(1);
/// How long a client token is remembered.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(24);

/// Whether an operation only looks, as far as its name tells: what is not known changes nothing.
pub fn only_reads(operation: &str) -> bool {
    ops::find(operation).is_none_or(|operation| operation.effect == Effect::Reads)
}

/// Answers a call that [`only_reads`]. What would change something changes nothing here.
///
/// # Errors
/// EC2's own codes and messages.
pub fn answer(state: &State, caller: &Caller, action: &Action, now: Timestamp) -> Result<Value, Fault> {
    run(state, &mut state.entropy.clone(), caller, action, now).0
}

/// Carries out one call. `action.params` has been decoded (and its types and required members checked) by the
/// wire. An error leaves the state as it was; [`State::generation`] grows if and only if something changed.
///
/// # Errors
/// EC2's own codes and messages.
pub fn apply(state: &mut State, caller: &Caller, action: &Action, now: Timestamp) -> Result<Value, Fault> {
    let mut entropy = state.entropy.clone();
    let (answer, change) = run(state, &mut entropy, caller, action, now);
    state.entropy = entropy;
    if let Some(Change { region, issued }) = change {
        state.generation += 1;
        let account = state.accounts.entry(caller.account.clone()).or_default();
        account.regions.insert(caller.region.clone(), region);
        account.issued_addresses = issued;
    }
    answer
}

/// What a call leaves behind.
struct Change {
    region: Shared<Region>,
    issued: Shared<BTreeSet<Ipv4Addr>>,
}

/// Carries out one call on a copy, which shares with the original what the call does not touch.
fn run(
    state: &State,
    entropy: &mut Entropy,
    caller: &Caller,
    action: &Action,
    now: Timestamp,
) -> (Result<Value, Fault>, Option<Change>) {
    let Some(operation) = ops::find(&action.operation) else {
        return (Err(unknown(&action.operation)), None);
    };
    let read = Read::default();
    let params = Params::noting(&action.params, &read);
    if let Err(fault) = kind::check_ids(&action.operation, &action.params) {
        return (Err(fault), None);
    }
    let account = state.accounts.get(&caller.account);
    let before = account.and_then(|account| account.regions.get(&caller.region)).cloned().unwrap_or_default();
    let mut region = before.clone();
    forget_the_past(&mut region, now);
    let mut issued = account.map(|account| account.issued_addresses.clone()).unwrap_or_default();
    // What answers show is the account's number.
    let shown = Caller { account: state.number(&caller.account).to_owned(), region: caller.region.clone() };
    let mut context = Context {
        caller: &shown,
        operation: operation.name,
        params,
        region: &mut region,
        issued: &mut issued,
        entropy,
        now,
        key: action.key.as_ref(),
    };
    let dry = params.flag("DryRun");
    let result = match operation.effect {
        Effect::Reads => (operation.run)(&mut context),
        Effect::Changes => change(&mut context, operation, &read),
    };
    let mut answer = match result {
        Ok(_) if dry => return (Err(dry_run()), None),
        Ok(answer) => answer,
        Err(fault) => return (Err(fault), None),
    };
    prune(&mut answer);
    // Who only looks writes nothing down, not even what it did not see any more.
    let changed = operation.effect == Effect::Changes && region != before;
    (Ok(answer), changed.then_some(Change { region, issued }))
}

/// An operation that this region does not have; EC2 may have it.
fn unknown(operation: &str) -> Fault {
    if Service::all().iter().any(|service| service.operation(operation).is_some()) {
        return fault(
            "UnsupportedOperation",
            "The functionality you requested is not available in this region.",
        );
    }
    fault("InvalidAction", format!("The action {operation} is not valid for this web service."))
}

/// Runs a changing operation, or answers again what an equal call with the same client token was answered.
fn change(context: &mut Context<'_>, operation: &ops::Operation, read: &Read) -> Result<Value, Fault> {
    let token = context.params.str("ClientToken").filter(|token| !token.is_empty());
    let Some(token) = token else { return carry_out(context, operation, read) };
    let known = |call: &&Shared<IdempotentCall>| call.token == token && call.operation == operation.name;
    if let Some(call) = context.region.idempotent_calls.iter().find(known) {
        if call.params != *context.params.whole() {
            let message = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).";
            return Err(fault("IdempotentParameterMismatch", message));
        }
        return ops::answer_again(context, &call.answer);
    }
    let answer = carry_out(context, operation, read)?;
    let call = IdempotentCall {
        operation: operation.name.to_owned(),
        token: token.to_owned(),
        params: context.params.whole().clone(),
        answer: answer.clone(),
        at: context.now,
    };
    context.region.idempotent_calls.push(call.into());
    Ok(answer)
}

/// Runs a changing operation and sees that it did all that was asked: what EC2 has and this region has not is refused,
/// never left undone in silence.
fn carry_out(context: &mut Context<'_>, operation: &ops::Operation, read: &Read) -> Result<Value, Fault> {
    let answer = (operation.run)(context)?;
    quota::check(context)?;
    match read.first_unread(context.params.whole()) {
        None => Ok(answer),
        Some(member) => {
            let message =
                format!("The parameter {member} of {} is not part of this local region.", operation.name);
            Err(fault("UnsupportedOperation", message))
        }
    }
}

/// Drops what EC2 no longer shows: instances and NAT gateways an hour after their end, old client tokens.
fn forget_the_past(region: &mut Shared<Region>, now: Timestamp) {
    let old = |ended: Option<Timestamp>| ended.is_some_and(|at| now.duration_since(at) > AFTERLIFE);
    let terminated = |i: &Instance| i.state == InstanceState::Terminated && old(i.terminated);
    let ended = |n: &NatGateway| match n.state {
        NatGatewayState::Deleted => old(n.deleted),
        // Within seconds of its creation, or never.
        NatGatewayState::Failed => old(Some(n.created)),
        _ => false,
    };
    let expired = |call: &Shared<IdempotentCall>| now.duration_since(call.at) > TOKEN_LIFE;
    // A copy is made only where there is something to forget.
    if region.instances.iter().any(terminated) {
        region.instances.retain(|instance| !terminated(instance));
    }
    if region.nat_gateways.iter().any(ended) {
        region.nat_gateways.retain(|gateway| !ended(gateway));
    }
    if region.idempotent_calls.iter().any(expired) {
        region.idempotent_calls.retain(|call| !expired(call));
    }
}

/// Takes out members without a value, at any depth: an answer leaves them out.
fn prune(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(prune);
        }
        Value::Array(items) => items.iter_mut().for_each(prune),
        _ => {}
    }
}
