use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::{Duration, Instant};

use super::backoff::{Backoff, Trouble};
use super::goal::Goal;
use super::machinery::{Ground, Machinery};
use super::machines::Machines;
use crate::region::fabric::{self, Action, Cable, Change, Desired, End, Ruleset, Step, plan};
use crate::region::guest::GuestEvent;
use crate::region::kernel::{Kernel, LineError};
use crate::region::model::{Observation, Seen, State};

/// When to look again for the network of a machine that could not start, if nothing has failed.
const WAIT_FOR_NETWORK: Duration = Duration::from_secs(1);

/// Makes kernel and machines agree with the state, and knows what it has made so far.
///
/// A pass blocks for some milliseconds (about 30 for a new instance) and belongs on a thread of its own. It may be
/// repeated at any time: with nothing changed it does nothing.
#[derive(Debug)]
pub struct Reconciler<K, M> {
    kernel: K,
    machines: M,
    applied: Desired,
    machinery: Machinery,
    backoff: Backoff,
}

/// What came of a pass.
#[derive(Debug, Default)]
pub struct Pass {
    /// For the model, in order.
    pub observations: Vec<Seen>,
    /// What failed; everything else was done.
    pub problems: Vec<Problem>,
    /// When to try again, whether or not the state has changed. None if nothing is left to do.
    pub retry_in: Option<Duration>,
}

/// Something that could not be done now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// Where.
    pub namespace: String,
    /// What, with its causes; fits "failed to ..".
    pub message: String,
}

impl<K: Kernel, M: Machines> Reconciler<K, M> {
    /// A reconciler for a kernel that has no namespace of the region yet.
    pub fn new(kernel: K, machines: M) -> Self {
        Self {
            kernel,
            machines,
            applied: Desired::default(),
            machinery: Machinery::default(),
            backoff: Backoff::default(),
        }
    }

    /// Reads the state and makes it so.
    pub fn pass(&mut self, state: &State) -> Pass {
        self.reach(&Goal::of(state), Instant::now())
    }

    /// Makes a goal so that was read before.
    pub fn reach(&mut self, goal: &Goal, now: Instant) -> Pass {
        let mut pass = Pass::default();
        let plan = plan(&self.applied, &goal.packets);
        self.run(&plan.build, &mut pass.problems);
        // Systems boot while the filters of their interfaces are loaded; until then routers let nothing through.
        let applied = &self.applied;
        let ready = |name: &str| is_configured(applied, &goal.packets, name);
        let hopeless = |name: &str| hopeless(&self.backoff, &goal.packets, name);
        let complete = self.machinery.pass(
            &mut self.machines,
            &goal.machines,
            |name| {
                if ready(name) {
                    Ground::Ready
                } else {
                    hopeless(name).map_or(Ground::Missing, Ground::Hopeless)
                }
            },
            &mut pass.observations,
        );
        self.run(&plan.settle, &mut pass.problems);

        pass.retry_in = self.backoff.pass(&pass.problems, now);
        self.watch_gateways(goal, &mut pass.observations);
        if !complete {
            pass.retry_in = pass.retry_in.or(Some(WAIT_FOR_NETWORK));
        }
        pass
    }

    /// Where the kernel does not follow, as of the last pass.
    pub fn troubles(&self) -> Vec<Trouble> {
        self.backoff.troubles().collect()
    }

    /// Takes in what happened to a machine. Returns what it means to the control plane, if anything. A pass has to
    /// follow.
    pub fn heard(&mut self, event: &GuestEvent) -> Option<Seen> {
        if let GuestEvent::Rebooting { id } = event
            && let Some(namespace) = self.machinery.namespace(id)
        {
            // Whatever its former life did to the link: a system that boots finds it configured.
            self.applied.doubt(namespace);
        }
        self.machinery.heard(event)
    }

    /// What has been made, as far as known.
    pub fn applied(&self) -> &Desired {
        &self.applied
    }

    /// The machines.
    pub fn machines(&mut self) -> &mut M {
        &mut self.machines
    }

    fn run(&mut self, steps: &[Step], problems: &mut Vec<Problem>) {
        // Without its namespace nothing of what follows makes sense.
        let mut missing = BTreeSet::new();
        for step in steps {
            if missing.contains(&step.namespace) || self.is_unmade(step) {
                continue;
            }
            let done = match &step.action {
                Action::Ip(changes) => {
                    self.run_batch(&step.namespace, changes, problems);
                    continue;
                }
                Action::Create(sysctls) => self.kernel.create_namespace(&step.namespace, sysctls),
                Action::Nft { script, .. } => self.kernel.nft(&step.namespace, script),
                Action::Forget { addresses, .. } => self.kernel.forget_flows(&step.namespace, addresses),
                Action::Delete => self.kernel.delete_namespace(&step.namespace),
            };
            match done {
                Ok(()) => self.applied.note_step(step),
                Err(error) => {
                    self.heal(step);
                    if matches!(step.action, Action::Create(_)) {
                        missing.insert(step.namespace.clone());
                    }
                    let message = chain(&error);
                    problems.push(Problem { namespace: step.namespace.clone(), message });
                }
            }
        }
    }

    /// Whether a step is for a namespace that could not be made in this pass.
    fn is_unmade(&self, step: &Step) -> bool {
        !matches!(step.action, Action::Create(_)) && !self.applied.namespaces.contains_key(&step.namespace)
    }

    fn run_batch(&mut self, namespace: &str, changes: &[Change], problems: &mut Vec<Problem>) {
        let changes = self.possible(changes);
        let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
        let failures = match self.kernel.ip(namespace, &lines) {
            Ok(failures) => failures,
            Err(error) => {
                let message = chain(&error);
                return problems.push(Problem { namespace: namespace.to_owned(), message });
            }
        };
        for (index, change) in changes.into_iter().enumerate() {
            match failures.iter().find(|failure| failure.index == index) {
                None => self.applied.note(namespace, change),
                Some(failure) if is_so_already(change, failure) => self.applied.note(namespace, change),
                Some(failure) => {
                    self.heal_line(namespace, change, failure);
                    let message =
                        format!("run `ip {}` in namespace {namespace}: {}", failure.line, failure.message);
                    problems.push(Problem { namespace: namespace.to_owned(), message });
                }
            }
        }
    }

    /// The changes without those to cables that lead to a namespace which could not be made: one such line ends the whole
    /// batch.
    fn possible<'a>(&self, changes: &'a [Change]) -> Vec<&'a Change> {
        let mut missing = BTreeSet::new();
        let mut is_possible = |change: &Change| {
            if let Change::Connect(near, cable) = change
                && !self.applied.namespaces.contains_key(&cable.far.namespace)
            {
                missing.insert(near.link.clone());
                return false;
            }
            change.link().is_none_or(|link| !missing.contains(link))
        };
        changes.iter().filter(|change| is_possible(change)).collect()
    }

    /// Makes sure that the next attempt does not fail for the same reason: if a link stands where a cable should
    /// begin, or one that should be there is gone, the cable is made anew.
    fn heal_line(&mut self, namespace: &str, change: &Change, failure: &LineError) {
        let near = match change {
            Change::Connect(near, _) if failure.message.contains("File exists") => Some(near.clone()),
            _ if failure.message.contains("Cannot find device") => {
                change.link().and_then(|link| self.applied.near_end(namespace, link).cloned())
            }
            _ => None,
        };
        if let Some(near) = near {
            let far = End { namespace: String::new(), link: String::new() };
            let unknown = Cable { mac: None, group: 0, far, far_mac: None };
            // First as if it were cut, so that all that hung on it is made anew, too.
            self.applied.note(&near.namespace, &Change::Cut(near.clone()));
            self.applied.note(&near.namespace, &Change::Connect(near.clone(), unknown));
        }
    }

    /// The same for a step that is no batch.
    fn heal(&mut self, step: &Step) {
        match &step.action {
            Action::Create(_) => {
                // Perhaps a handle without a namespace stands in the way. If this fails too, creating says why.
                let _ = self.kernel.delete_namespace(&step.namespace);
            }
            Action::Nft { .. } => {
                // The rules there are not those that the difference was made for: load the whole ruleset.
                if let Some(namespace) = self.applied.namespaces.get_mut(&step.namespace) {
                    namespace.ruleset = Ruleset::default();
                }
            }
            Action::Ip(_) | Action::Forget { .. } | Action::Delete => {}
        }
    }

    fn watch_gateways(&self, goal: &Goal, observations: &mut Vec<Seen>) {
        for (namespace, wanted) in &goal.gateways {
            let (account, id) = fabric::owner(namespace);
            let nat_gateway_id = id.to_owned();
            let made = self.applied.namespaces.get(namespace);
            if *wanted && made.is_some() && made == goal.packets.namespaces.get(namespace) {
                observations.push(Observation::NatGatewayUp { nat_gateway_id }.of(account));
            } else if !*wanted && made.is_none() {
                observations.push(Observation::NatGatewayGone { nat_gateway_id }.of(account));
            } else if let Some(reason) = self.backoff.given_up(namespace).filter(|_| *wanted) {
                // EC2's code and words for what is its own fault, with the reason that it keeps to itself.
                let message = format!(
                    "The network interface that is created and used internally by this NAT gateway is in an invalid \
                     state. Please try again. (failed to {reason})"
                );
                let code = "InternalError".to_owned();
                observations
                    .push(Observation::NatGatewayFailed { nat_gateway_id, code, message }.of(account));
            }
        }
    }
}

/// Whether a guest's namespace has its links, addresses and routes.
fn is_configured(applied: &Desired, desired: &Desired, name: &str) -> bool {
    let (Some(made), Some(wanted)) = (applied.namespaces.get(name), desired.namespaces.get(name)) else {
        return false;
    };
    let mut cables = desired.cables.iter().filter(|(_, cable)| cable.far.namespace == name);
    cables.all(|(near, cable)| applied.cables.get(near) == Some(cable))
        && made.up == wanted.up
        && made.addresses == wanted.addresses
        && made.routes == wanted.routes
}

/// Why the network of a guest is not to be expected any more, if it is not: its own namespace or one that its cables
/// begin in cannot be made as it should be.
fn hopeless(backoff: &Backoff, desired: &Desired, name: &str) -> Option<String> {
    let cables = desired.cables.iter().filter(|(_, cable)| cable.far.namespace == name);
    let near = cables.map(|(near, _)| near.namespace.as_str());
    std::iter::once(name).chain(near).find_map(|namespace| backoff.given_up(namespace)).map(str::to_owned)
}

/// Whether a line failed only because there was nothing to do.
fn is_so_already(change: &Change, failure: &LineError) -> bool {
    let said = |text: &str| failure.message.contains(text);
    match change {
        Change::AddMark(..) => said("File exists"),
        Change::Cut(_) => said("Cannot find device"),
        Change::RemoveAddress(_) => {
            ["Cannot assign requested address", "Address not found", "Cannot find device"]
                .into_iter()
                .any(said)
        }
        Change::RemoveNeighbour(_) | Change::RemoveMark(..) => said("No such file or directory"),
        Change::RemoveRoute(..) => said("No such process"),
        Change::Connect(..)
        | Change::AddAddress(_)
        | Change::Raise(_)
        | Change::SetNeighbour(..)
        | Change::SetRoute(..) => false,
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing into a String cannot fail.
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}
