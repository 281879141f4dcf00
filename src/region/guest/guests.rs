//! All guests of the daemon, by the names of their machines.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::census::Census;
use super::console::Console;
use super::disk::Disk;
use super::life::{Life, Order};
use super::{GuestEvent, GuestSpec};
use crate::output::remark;
use crate::region::limits::Sight;
use crate::region::supervisor::Supervisor;
use crate::region::tree::Cgroup;

/// Owns the guests. Each has a task of its own, so no call waits; what becomes of a call is told as [`GuestEvent`]s.
/// Must be used within a tokio runtime.
#[derive(Debug)]
pub struct Guests {
    disks: PathBuf,
    cgroup: Cgroup,
    census: Census,
    events: UnboundedSender<GuestEvent>,
    supervisor: Supervisor,
    guests: HashMap<String, Guest>,
}

#[derive(Debug)]
struct Guest {
    orders: UnboundedSender<Order>,
    console: Console,
}

impl Guests {
    /// No guests yet; `disks` holds a directory for each machine, `cgroup` will hold a group for each.
    /// `sight` is asked for room before one is started.
    pub(crate) fn new(
        disks: PathBuf,
        cgroup: Cgroup,
        sight: Sight,
        supervisor: Supervisor,
    ) -> (Guests, UnboundedReceiver<GuestEvent>) {
        let (events, receiver) = unbounded_channel();
        let census = Census::new(sight);
        (Guests { disks, cgroup, census, events, supervisor, guests: HashMap::new() }, receiver)
    }

    /// Boot it, with the disk that it has or a new one. Repeats the closing events if it runs already.
    pub fn start(&mut self, spec: GuestSpec) {
        let id = spec.id.clone();
        self.order(&id, Order::Start(Box::new(spec)));
    }

    /// Shut it down in order; kill it if it does not end within half a minute.
    pub fn stop(&mut self, id: &str) {
        self.order(id, Order::Stop);
    }

    /// Reboot it in order.
    pub fn reboot(&mut self, id: &str) {
        self.order(id, Order::Reboot);
    }

    /// Kill it and remove its disk.
    pub fn destroy(&mut self, id: &str) {
        self.order(id, Order::Destroy);
        self.guests.remove(id);
    }

    /// What has come out of its console since this was last asked; `None` for a guest that was never asked for.
    pub fn new_console_text(&self, id: &str) -> Option<String> {
        self.guests.get(id).map(|guest| guest.console.fresh())
    }

    /// Give disks the names of their machines: a daemon of before had named them by their instances alone.
    pub fn rename<'a>(&self, machines: impl Iterator<Item = (&'a str, String)>) {
        for (instance, machine) in machines {
            let (old, new) = (self.disks.join(instance), self.disks.join(machine));
            if old.exists() && !new.exists() {
                // What cannot be renamed gets a new disk.
                let _ = std::fs::rename(old, new);
            }
        }
    }

    /// Name the layers that disks lie over as they are seen now: a daemon of before saw them at their place on the host.
    /// `states` is where they are.
    pub(crate) fn relay(&self, states: &Path) {
        for entry in std::fs::read_dir(&self.disks).into_iter().flatten().flatten() {
            let id = entry.file_name().to_string_lossy().into_owned();
            if let Err(error) = self.disk(&id).relay(states) {
                remark!("guest {id}: name the layers of its disk: {error}");
            }
        }
    }

    /// Remove the disks of machines that are not among these: left by a daemon that was killed while it removed
    /// them.
    pub fn sweep(&self, keep: impl Fn(&str) -> bool) {
        for entry in std::fs::read_dir(&self.disks).into_iter().flatten().flatten() {
            let id = entry.file_name().to_string_lossy().into_owned();
            if !keep(&id) {
                // It is tried again at the next start.
                let _ = self.disk(&id).remove();
            }
        }
    }

    fn order(&mut self, id: &str, order: Order) {
        // The task ends with its daemon or after a destroy, when this guest is forgotten.
        let _ = self.guest(id).orders.send(order);
    }

    fn guest(&mut self, id: &str) -> &Guest {
        let disk = self.disk(id);
        self.guests.entry(id.to_owned()).or_insert_with(|| {
            let (orders, receiver) = unbounded_channel();
            let console = Console::open(disk.console());
            let life =
                Life::new(id, disk, console.clone(), &self.cgroup, self.census.clone(), self.events.clone());
            self.supervisor.until_done("keeper of a guest", life.live(receiver));
            Guest { orders, console }
        })
    }

    fn disk(&self, id: &str) -> Disk {
        Disk::at(self.disks.join(id))
    }
}
