//! The machines' side of a pass: what was asked of each, what to ask next, and what their events mean.

use std::collections::BTreeMap;

use super::goal::Wish;
use super::machines::Machines;
use crate::region::fabric;
use crate::region::guest::{GuestEvent, GuestExit};
use crate::region::model::{Observation, Seen};

/// What has been asked of the machines that may be running, by their names.
#[derive(Debug, Default)]
pub(super) struct Machinery {
    asked: BTreeMap<String, Asked>,
    /// Where the machines run that were started.
    namespaces: BTreeMap<String, String>,
}

/// The last thing that was asked of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Run { boot: u64, up: bool },
    Stop,
    Destroy,
}

/// Whether there is a network for a machine to start in.
#[derive(Debug)]
pub(super) enum Ground {
    Ready,
    /// Not yet.
    Missing,
    /// It could not be made, for this reason, and nobody waits for it any more.
    Hopeless(String),
}

impl Machinery {
    /// Asks what the wishes differ by from what was asked before. A machine starts once `ground` says that its
    /// namespace is configured; until then it is left for the next pass, and the answer is false.
    pub(super) fn pass(
        &mut self,
        machines: &mut impl Machines,
        wishes: &BTreeMap<String, Wish>,
        ground: impl Fn(&str) -> Ground,
        observations: &mut Vec<Seen>,
    ) -> bool {
        let mut complete = true;
        for (id, wish) in wishes {
            complete &= self.ask(machines, id, wish, &ground, observations);
        }
        // The control plane has forgotten them, for example because their lab was removed.
        let forgotten: Vec<String> = self
            .asked
            .iter()
            .filter(|(id, asked)| **asked != Asked::Destroy && !wishes.contains_key(*id))
            .map(|(id, _)| id.clone())
            .collect();
        for id in forgotten {
            self.ask(machines, &id, &Wish::Destroy, &ground, observations);
        }
        complete
    }

    fn ask(
        &mut self,
        machines: &mut impl Machines,
        id: &str,
        wish: &Wish,
        ground: impl Fn(&str) -> Ground,
        observations: &mut Vec<Seen>,
    ) -> bool {
        let asked = self.asked.get(id).copied();
        let (next, outcome) = match (wish, asked) {
            (Wish::Run { boot, spec }, None) => {
                match ground(&spec.namespace) {
                    Ground::Ready => {}
                    Ground::Missing => return false,
                    Ground::Hopeless(reason) => {
                        let message = format!("Its network could not be built: failed to {reason}");
                        observations.push(seen(id, |instance_id| Observation::InstanceFailed {
                            instance_id,
                            message,
                        }));
                        return true;
                    }
                }
                self.namespaces.insert(id.to_owned(), spec.namespace.clone());
                (Asked::Run { boot: *boot, up: false }, machines.start(spec.as_ref().clone()))
            }
            (Wish::Run { boot, .. }, Some(Asked::Run { boot: present, .. })) if present < *boot => {
                (Asked::Run { boot: *boot, up: false }, machines.reboot(id))
            }
            (Wish::Stop, Some(Asked::Run { .. })) => (Asked::Stop, machines.stop(id)),
            (Wish::Stop, None) => {
                // Nothing ever ran, or it ended together with the daemon that knew of it.
                observations.push(seen(id, |instance_id| Observation::InstanceStopped { instance_id }));
                return true;
            }
            (Wish::Destroy, None | Some(Asked::Run { .. } | Asked::Stop)) => {
                (Asked::Destroy, machines.destroy(id))
            }
            // Asked already, or the end of the former machine is still to come.
            (Wish::Run { .. }, _) | (Wish::Stop | Wish::Destroy, _) | (Wish::Rest, _) => return true,
        };
        match outcome {
            Ok(()) => {
                self.asked.insert(id.to_owned(), next);
            }
            Err(error) => {
                let message = error.to_string();
                observations
                    .push(seen(id, |instance_id| Observation::InstanceFailed { instance_id, message }));
            }
        }
        true
    }

    /// The namespace of a machine.
    pub(super) fn namespace(&self, id: &str) -> Option<&str> {
        self.namespaces.get(id).map(String::as_str)
    }

    /// What an event means to the control plane, if anything.
    pub(super) fn heard(&mut self, event: &GuestEvent) -> Option<Seen> {
        match event {
            GuestEvent::Booted { id } => {
                let boot = self.present_boot(id, true)?;
                Some(seen(id, |instance_id| Observation::InstanceBooted { instance_id, boot }))
            }
            GuestEvent::StatusOk { id } => {
                let boot = self.present_boot(id, true)?;
                Some(seen(id, |instance_id| Observation::InstanceReady { instance_id, boot }))
            }
            GuestEvent::StatusImpaired { id } => {
                self.present_boot(id, true)?;
                Some(seen(id, |instance_id| Observation::InstanceImpaired { instance_id }))
            }
            GuestEvent::Rebooting { id } => {
                self.present_boot(id, false)?;
                None
            }
            GuestEvent::Stopped { id, exit } => {
                self.namespaces.remove(id);
                let asked = self.asked.remove(id)?;
                Some(seen(id, |instance_id| match (asked, exit) {
                    (Asked::Destroy, _) => Observation::InstanceTerminated { instance_id },
                    (Asked::Run { up: false, .. }, GuestExit::Failed { reason }) => {
                        Observation::InstanceFailed { instance_id, message: reason.clone() }
                    }
                    (Asked::Run { up: false, .. }, GuestExit::NoRoom { reason }) => {
                        Observation::InstanceLackedRoom { instance_id, message: reason.clone() }
                    }
                    (Asked::Stop | Asked::Run { .. }, _) => Observation::InstanceStopped { instance_id },
                }))
            }
            // The text of the console goes another way; started processes are not yet a system.
            GuestEvent::Started { .. } | GuestEvent::ConsoleGrew { .. } => None,
        }
    }

    fn present_boot(&mut self, id: &str, is_up: bool) -> Option<u64> {
        match self.asked.get_mut(id)? {
            Asked::Run { boot, up } => {
                *up = is_up;
                Some(*boot)
            }
            // Too late: it is on its way down.
            Asked::Stop | Asked::Destroy => None,
        }
    }
}

/// What was seen of a machine, told about its instance.
fn seen(machine: &str, what: impl FnOnce(String) -> Observation) -> Seen {
    let (account, instance) = fabric::owner(machine);
    what(instance.to_owned()).of(account)
}
