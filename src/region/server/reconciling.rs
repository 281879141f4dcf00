//! The thread that makes kernel and machines agree with the state, whenever one of them has changed.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

use super::plane::Plane;
use crate::output::remark;
use crate::region::fabric;
use crate::region::guest::{GuestEvent, GuestMachines};
use crate::region::kernel::Linux;
use crate::region::model::{Observation, Seen};
use crate::region::reconcile::{Goal, Reconciler};

/// Look again after so long even if nothing seems to have happened.
const IDLE: Duration = Duration::from_secs(60);

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
) -> std::io::Result<watch::Receiver<u64>> {
    let (wakes, receiver) = channel();
    forward(wakes, plane.generations(), events);
    let (reached, followers) = watch::channel(0);
    let runtime = Handle::current();
    std::thread::Builder::new().name("reconcile".to_owned()).spawn(move || {
        // Machines start tasks of their own.
        let _runtime = runtime.enter();
        let _guard = Guard;
        work(&plane, &mut Reconciler::new(Linux, machines), &receiver, &reached);
    })?;
    Ok(followers)
}

/// A region that does not follow its state any more had better end, and say so, than pretend.
struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            remark!("reconcile: this thread has failed; the region ends");
            std::process::exit(70);
        }
    }
}

/// Two asynchronous sources into one channel that a thread can wait for.
fn forward(
    wakes: Sender<Wake>,
    mut generations: watch::Receiver<u64>,
    mut events: UnboundedReceiver<GuestEvent>,
) {
    let guests = wakes.clone();
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            if guests.send(Wake::Guest(event)).is_err() {
                return;
            }
        }
    });
    tokio::spawn(async move {
        // The state that was found on disk is news, too.
        while wakes.send(Wake::State).is_ok() && generations.changed().await.is_ok() {}
    });
}

fn work(
    plane: &Plane,
    reconciler: &mut Reconciler<Linux, GuestMachines>,
    wakes: &Receiver<Wake>,
    reached: &watch::Sender<u64>,
) {
    let mut patience = IDLE;
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
        note(plane, observations);

        let (goal, generation) = plane.read(|saved| (Goal::of(&saved.state), saved.state.generation));
        let pass = reconciler.reach(&goal, Instant::now());
        for problem in &pass.problems {
            remark!("reconcile: {problem}");
        }
        note(plane, pass.observations);
        reached.send_replace(generation);
        patience = pass.retry_in.unwrap_or(IDLE);
    }
}

fn hear(reconciler: &mut Reconciler<Linux, GuestMachines>, event: &GuestEvent) -> Option<Seen> {
    if let GuestEvent::ConsoleGrew { id } = event {
        let text = reconciler.machines().new_console_text(id)?;
        let (account, instance) = fabric::owner(id);
        return Some(Observation::Console { instance_id: instance.to_owned(), text }.of(account));
    }
    if let GuestEvent::Stopped { id, exit } = event {
        remark!("guest {id}: {exit:?}");
    }
    reconciler.heard(event)
}

fn note(plane: &Plane, observations: Vec<Seen>) {
    if observations.is_empty() {
        return;
    }
    if let Err(error) = plane.observe(observations) {
        remark!("reconcile: save the state: {error}");
    }
}
