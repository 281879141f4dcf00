//! The thread that makes kernel and machines agree with the state, whenever one of them has changed.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

use super::plane::Plane;
use crate::region::fabric;
use crate::region::guest::{GuestEvent, GuestMachines};
use crate::region::kernel::Linux;
use crate::region::model::{self, Observation, Seen, State};
use crate::region::reconcile::{Goal, Reconciler, Trouble};
use crate::region::supervisor::Supervisor;

/// Look again after so long even if nothing seems to have happened.
const IDLE: Duration = Duration::from_secs(60);
/// What could not be saved is tried again after so long.
const UNSAVED: Duration = Duration::from_secs(1);

/// Why a pass is made.
enum Wake {
    State,
    Guest(GuestEvent),
}

/// Start the thread. The answer tells up to which generation the kernel has followed.
pub(super) fn start(
    plane: Arc<Plane>,
    machines: GuestMachines,
    events: UnboundedReceiver<GuestEvent>,
    troubles: watch::Sender<Vec<Trouble>>,
    supervisor: &Supervisor,
) -> std::io::Result<watch::Receiver<u64>> {
    let (wakes, receiver) = channel();
    forward(wakes, plane.generations(), events, supervisor);
    let (reached, followers) = watch::channel(0);
    let runtime = Handle::current();
    supervisor.thread("reconciling thread", move || {
        // Machines start tasks of their own.
        let _runtime = runtime.enter();
        work(&plane, &mut Reconciler::new(Linux, machines), &receiver, (&reached, &troubles));
    })?;
    Ok(followers)
}

/// Two asynchronous sources into one channel that a thread can wait for.
fn forward(
    wakes: Sender<Wake>,
    mut generations: watch::Receiver<u64>,
    mut events: UnboundedReceiver<GuestEvent>,
    supervisor: &Supervisor,
) {
    let guests = wakes.clone();
    supervisor.forever("way from the guests", async move {
        while let Some(event) = events.recv().await {
            if guests.send(Wake::Guest(event)).is_err() {
                return;
            }
        }
    });
    supervisor.forever("way from the state", async move {
        // The state that was found on disk is news, too.
        while wakes.send(Wake::State).is_ok() && generations.changed().await.is_ok() {}
    });
}

fn work(
    plane: &Plane,
    reconciler: &mut Reconciler<Linux, GuestMachines>,
    wakes: &Receiver<Wake>,
    (reached, troubles): (&watch::Sender<u64>, &watch::Sender<Vec<Trouble>>),
) {
    let mut patience = IDLE;
    let mut unsaved = Unsaved::default();
    loop {
        let mut observations = Vec::new();
        match wakes.recv_timeout(patience) {
            Ok(wake) => {
                for wake in std::iter::once(wake).chain(wakes.try_iter()) {
                    if let Wake::Guest(event) = wake {
                        observations.extend(hear(reconciler, &event));
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        unsaved.note(plane, observations);

        let (goal, generation) = plane.read(|saved| {
            // What has happened has happened, also where it could not be written down yet.
            (Goal::of(&unsaved.seen_in(&saved.state)), saved.state.generation)
        });
        let pass = reconciler.reach(&goal, Instant::now());
        tell(&troubles.send_replace(reconciler.troubles()), &troubles.borrow());
        unsaved.note(plane, pass.observations);
        reached.send_replace(generation);
        patience = pass.retry_in.unwrap_or(IDLE).min(unsaved.patience());
    }
}

/// What was seen and could not be saved yet. It is told again until it can be: nobody will see it a second time.
#[derive(Debug, Default)]
struct Unsaved(Vec<Seen>);

impl Unsaved {
    fn note(&mut self, plane: &Plane, seen: Vec<Seen>) {
        let before = self.0.len();
        for seen in seen {
            // Gateways are seen at every pass until the state knows it.
            if seen.what.is_text() || !self.0.contains(&seen) {
                self.0.push(seen);
            }
        }
        if let Err((left, error)) = plane.observe(std::mem::take(&mut self.0)) {
            self.0 = left;
            if before == 0 {
                eprintln!("reconcile: note what has happened: {error}; it is tried again");
            }
        } else if before > 0 {
            eprintln!("reconcile: what has happened is noted");
        }
    }

    /// The state as it would be if all of it had been saved.
    fn seen_in(&self, state: &State) -> State {
        let mut state = state.clone();
        for seen in &self.0 {
            model::observe(&mut state, seen, Timestamp::now());
        }
        state
    }

    /// When to try again.
    fn patience(&self) -> Duration {
        if self.0.is_empty() { IDLE } else { UNSAVED }
    }
}

/// Says what has begun to fail, and what has come about at last: each once, however often it is tried.
fn tell(before: &[Trouble], now: &[Trouble]) {
    let same = |a: &Trouble, b: &Trouble| a.namespace == b.namespace;
    for trouble in now.iter().filter(|trouble| !before.iter().any(|old| same(old, trouble))) {
        eprintln!("reconcile: {}; it is tried again", trouble.message);
    }
    for trouble in before.iter().filter(|trouble| !now.iter().any(|new| same(new, trouble))) {
        eprintln!("reconcile: {} is as it should be again", trouble.namespace);
    }
}

fn hear(reconciler: &mut Reconciler<Linux, GuestMachines>, event: &GuestEvent) -> Option<Seen> {
    if let GuestEvent::ConsoleGrew { id } = event {
        let text = reconciler.machines().new_console_text(id)?;
        let (account, instance) = fabric::owner(id);
        return Some(Observation::Console { instance_id: instance.to_owned(), text }.of(account));
    }
    if let GuestEvent::Stopped { id, exit } = event {
        eprintln!("guest {id}: {exit:?}");
    }
    reconciler.heard(event)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::region::model::{Account, Action, Caller, Observation, catalog};
    use crate::region::server::lab::Lab;
    use crate::region::tree::durable::tests::Faulty;

    #[test]
    fn what_could_not_be_saved_is_acted_on_at_once_and_saved_later() {
        let directory = tempfile::tempdir().expect("a directory");
        let device = Faulty::sound();
        let plane =
            Plane::open(directory.path(), Arc::new(device.clone()), Supervisor::new().0).expect("opens");
        let lab = Lab::new("us-east-1", 0, 0);
        plane.add_lab("one", &lab, Account::default()).expect("saved");
        let call = |operation: &str, params: Value, pointer: &str| {
            let caller = Caller { account: lab.account.clone(), region: lab.region.clone() };
            let answer = plane.apply(&caller, &Action::new(operation, params)).answer;
            answer.expect("made").pointer(pointer).and_then(Value::as_str).expect(pointer).to_owned()
        };
        let vpc = call("CreateVpc", json!({"CidrBlock": "10.0.0.0/16"}), "/Vpc/VpcId");
        let subnet = json!({"VpcId": vpc, "CidrBlock": "10.0.0.0/24"});
        let subnet = call("CreateSubnet", subnet, "/Subnet/SubnetId");
        let image = catalog::images("us-east-1")[0].id.clone();
        let launch = json!({"ImageId": image, "MinCount": 1, "MaxCount": 1, "SubnetId": subnet});
        let id = call("RunInstances", launch, "/Instances/0/InstanceId");
        let state = |state: &State| state.instance(&lab.account, &id).expect("there").state.as_str();

        let mut unsaved = Unsaved::default();
        device.fail(0, 2);
        let booted = Observation::InstanceBooted { instance_id: id.clone(), boot: 1 }.of(&lab.account);
        unsaved.note(&plane, vec![booted.clone()]);
        unsaved.note(&plane, vec![booted]);
        assert_eq!((unsaved.0.len(), unsaved.patience()), (1, UNSAVED));
        plane.read(|saved| {
            assert_eq!(state(&saved.state), "pending", "it is not on the disk");
            assert_eq!(state(&unsaved.seen_in(&saved.state)), "running", "and has happened all the same");
        });
        unsaved.note(&plane, Vec::new());
        assert_eq!((unsaved.0.len(), unsaved.patience()), (0, IDLE));
        assert_eq!(plane.read(|saved| state(&saved.state)), "running");
    }
}
