//! One EC2 call: what is the same for every operation, then the operation itself.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::action::{Action, Caller};
use super::context::Context;
use super::fault::{dry_run, fault};
use super::ops::{self, Effect};
use super::params::Params;
use super::state::{IdempotentCall, InstanceState, NatGatewayState, Region, State};
use super::{kind, quota};
use crate::wire::{Fault, Service};

/// How long what has ended stays visible.
const AFTERLIFE: SignedDuration = SignedDuration::from_hours(1);
/// How long a client token is remembered.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(24);

/// Carries out one call. `action.params` has been decoded (and its types and required members checked) by the
/// wire. An error leaves the state as it was; [`State::generation`] grows if and only if something changed.
///
/// # Errors
/// EC2's own codes and messages.
pub fn apply(state: &mut State, caller: &Caller, action: &Action, now: Timestamp) -> Result<Value, Fault> {
    let Some(operation) = ops::find(&action.operation) else {
        return Err(unknown(&action.operation));
    };
    let params = Params(&action.params);
    kind::check_ids(&action.operation, &action.params)?;

    // The call works on a copy, which takes the place of the original only if all went well.
    let before = state.region(&caller.account, &caller.region).cloned().unwrap_or_default();
    let mut kept = before.clone();
    forget_the_past(&mut kept, now);
    let mut region = kept.clone();
    let account = state.accounts.get(&caller.account);
    let mut issued = account.map(|account| account.issued_addresses.clone()).unwrap_or_default();
    // What answers show is the account's number.
    let shown = Caller { account: state.number(&caller.account).to_owned(), region: caller.region.clone() };
    let mut context = Context {
        caller: &shown,
        operation: operation.name,
        params,
        region: &mut region,
        issued: &mut issued,
        entropy: &mut state.entropy,
        now,
        key: action.key.as_ref(),
    };
    let result = match operation.effect {
        Effect::Reads => (operation.run)(&mut context),
        Effect::Changes => change(&mut context, operation),
    };
    let dry = params.flag("DryRun");
    if result.is_ok() && !dry {
        kept = region;
    }
    if kept != before {
        state.generation += 1;
        let account = state.accounts.entry(caller.account.clone()).or_default();
        account.regions.insert(caller.region.clone(), kept);
        if result.is_ok() && !dry {
            account.issued_addresses = issued;
        }
    }
    let mut answer = result?;
    if dry {
        return Err(dry_run());
    }
    prune(&mut answer);
    Ok(answer)
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
fn change(context: &mut Context<'_>, operation: &ops::Operation) -> Result<Value, Fault> {
    let token = context.params.str("ClientToken").filter(|token| !token.is_empty());
    let Some(token) = token else {
        let answer = (operation.run)(context)?;
        quota::check(context)?;
        return Ok(answer);
    };
    let known = |call: &&IdempotentCall| call.token == token && call.operation == operation.name;
    if let Some(call) = context.region.idempotent_calls.iter().find(known) {
        if call.params != *context.params.0 {
            let message = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).";
            return Err(fault("IdempotentParameterMismatch", message));
        }
        return ops::answer_again(context, &call.answer);
    }
    let answer = (operation.run)(context)?;
    quota::check(context)?;
    context.region.idempotent_calls.push(IdempotentCall {
        operation: operation.name.to_owned(),
        token: token.to_owned(),
        params: context.params.0.clone(),
        answer: answer.clone(),
        at: context.now,
    });
    Ok(answer)
}

/// Drops what EC2 no longer shows: instances and NAT gateways an hour after their end, old client tokens.
fn forget_the_past(region: &mut Region, now: Timestamp) {
    let old = |ended: Option<Timestamp>| ended.is_some_and(|at| now.duration_since(at) > AFTERLIFE);
    region.instances.retain(|i| i.state != InstanceState::Terminated || !old(i.terminated));
    region.nat_gateways.retain(|n| match n.state {
        NatGatewayState::Deleted => !old(n.deleted),
        // Within seconds of its creation, or never.
        NatGatewayState::Failed => !old(Some(n.created)),
        _ => true,
    });
    region.idempotent_calls.retain(|call| now.duration_since(call.at) <= TOKEN_LIFE);
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
