//! The life of one guest: boots, reboots, stops, and how each of them is noticed.

use std::io;
use std::net::SocketAddrV4;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use tokio::net::UnixDatagram;
use tokio::process::Child;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until, timeout};

use super::census::Census;
use super::console::Console;
use super::disk::Disk;
use super::{GuestEvent, GuestExit, GuestSpec, banner, nspawn};
use crate::output::remark;
use crate::region::limits;
use crate::region::tree::Cgroup;

/// How long an orderly shutdown may take before the guest is killed.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long killed processes may take to be gone.
const KILL: Duration = Duration::from_secs(10);
/// A guest that has booted and does not answer for so long is impaired.
const IMPAIRED: Duration = Duration::from_secs(2 * 60);
/// What asks an init for a reboot: SIGRTMIN+5.
const REBOOT_SIGNAL: i32 = 5;

/// What is asked of a guest.
#[derive(Debug)]
pub(super) enum Order {
    Start(Box<GuestSpec>),
    Stop,
    Reboot,
    Destroy,
}

/// One guest, from its first start to the end of its disk.
#[derive(Debug)]
pub(super) struct Life {
    id: String,
    disk: Disk,
    console: Console,
    cgroup: Cgroup,
    census: Census,
    events: UnboundedSender<GuestEvent>,
}

/// A boot that is going on.
struct Running {
    child: Child,
    notify: UnixDatagram,
    /// The guest's init, once nspawn has told.
    leader: Option<Pid>,
    reader: JoinHandle<()>,
    probe: Option<JoinHandle<()>>,
    booted: bool,
    /// When to kill it, if it was asked to stop.
    deadline: Option<Instant>,
}

/// How a run of the guest ended, and what is to happen next.
enum Next {
    Rest(GuestExit),
    StartAgain(Box<GuestSpec>),
    Gone,
}

impl Life {
    pub(super) fn new(
        id: &str,
        disk: Disk,
        console: Console,
        cgroups: &Cgroup,
        census: Census,
        events: UnboundedSender<GuestEvent>,
    ) -> Life {
        Life { id: id.to_owned(), disk, console, cgroup: cgroups.below(id), census, events }
    }

    /// Follow orders until the guest is destroyed or nobody is left to give any.
    pub(super) async fn live(self, mut orders: UnboundedReceiver<Order>) {
        let mut last = GuestExit::PoweredOff;
        while let Some(order) = orders.recv().await {
            let mut start = match order {
                Order::Start(spec) => Some(spec),
                Order::Stop | Order::Reboot => {
                    self.tell(GuestEvent::Stopped { id: self.id.clone(), exit: last.clone() });
                    None
                }
                Order::Destroy => return self.destroy().await,
            };
            while let Some(spec) = start.take() {
                match self.run(&spec, &mut orders).await {
                    Next::StartAgain(spec) => start = Some(spec),
                    Next::Rest(exit) => {
                        self.tell(GuestEvent::Stopped { id: self.id.clone(), exit: exit.clone() });
                        last = exit;
                    }
                    Next::Gone => return self.destroy().await,
                }
            }
        }
    }

    /// Boot, and follow the guest until no process of it is left.
    async fn run(&self, spec: &GuestSpec, orders: &mut UnboundedReceiver<Order>) -> Next {
        let _counted = match self.census.enter() {
            Ok(counted) => counted,
            Err(reason) => return Next::Rest(GuestExit::NoRoom { reason }),
        };
        let mut running = match self.boot(spec).await {
            Ok(running) => running,
            Err(error) => {
                self.clean().await;
                return Next::Rest(failed(format!("start the guest: {error}")));
            }
        };
        self.tell(GuestEvent::Started { id: self.id.clone() });
        let mut again = None;
        let mut destroy = false;
        let mut orphaned = false;
        let status = loop {
            let deadline = running.deadline.unwrap_or_else(|| Instant::now() + PATIENCE);
            tokio::select! {
                status = running.child.wait() => break status,
                message = receive(&running.notify) => self.hear(&message, spec, &mut running),
                () = sleep_until(deadline), if running.deadline.is_some() => {
                    running.deadline = None;
                    self.kill();
                }
                order = orders.recv(), if !orphaned => match order {
                    // A start that overtakes a stop is done after it.
                    Some(Order::Start(spec)) if running.deadline.is_some() => again = Some(spec),
                    Some(Order::Start(_)) => self.repeat(&running),
                    Some(Order::Stop) => { again = None; self.power_off(&mut running) }
                    Some(Order::Reboot) => self.ask_for_reboot(&running),
                    Some(Order::Destroy) => { destroy = true; self.kill() }
                    // Nobody is left to give any: it is to be destroyed, or the daemon ends and the kernel ends it.
                    None => { orphaned = true; self.kill() }
                },
            }
        };
        running.probe.inspect(JoinHandle::abort);
        // The console ends with the last process that holds it.
        let _ = timeout(KILL, running.reader).await;
        self.clean().await;
        match (destroy, again, status) {
            (true, ..) => Next::Gone,
            (_, Some(spec), _) => Next::StartAgain(spec),
            (.., Ok(status)) if status.code() == Some(nspawn::REBOOT) => {
                self.tell(GuestEvent::Rebooting { id: self.id.clone() });
                Next::StartAgain(Box::new(spec.clone()))
            }
            (.., Ok(status)) => Next::Rest(self.exit(status)),
            (.., Err(error)) => Next::Rest(GuestExit::Failed { reason: error.to_string() }),
        }
    }

    async fn boot(&self, spec: &GuestSpec) -> io::Result<Running> {
        let (disk, cgroup, spec) = (self.disk.clone(), self.cgroup.clone(), spec.clone());
        let notify_path = self.notify_path();
        if let Some(directory) = notify_path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let _ = std::fs::remove_file(&notify_path);
        let notify = UnixDatagram::bind(&notify_path)?;
        let mut child = spawn_blocking(move || {
            disk.prepare(&spec)?;
            cgroup.make()?;
            cgroup.limit("memory.max", spec.memory_mib << 20);
            cgroup.limit("pids.max", 8192);
            nspawn::spawn(&spec, &disk, &cgroup, &notify_path)
        })
        .await
        .map_err(io::Error::other)??;
        let output = child.stdout.take().ok_or_else(|| io::Error::other("no console"))?;
        let (console, id, events) = (self.console.clone(), self.id.clone(), self.events.clone());
        let reader = tokio::spawn(async move {
            let grew = || drop(events.send(GuestEvent::ConsoleGrew { id: id.clone() }));
            console.follow(output, grew).await;
        });
        Ok(Running { child, notify, leader: None, reader, probe: None, booted: false, deadline: None })
    }

    /// Take a message that nspawn has passed on.
    fn hear(&self, message: &str, spec: &GuestSpec, running: &mut Running) {
        for line in message.lines() {
            if let Some(pid) = line.strip_prefix("X_NSPAWN_LEADER_PID=") {
                running.leader = pid.parse().ok().map(Pid::from_raw);
            } else if line == "READY=1" && !running.booted {
                running.booted = true;
                self.tell(GuestEvent::Booted { id: self.id.clone() });
                let (id, events) = (self.id.clone(), self.events.clone());
                let (namespace, address) = (spec.namespace.clone(), SocketAddrV4::new(spec.address, 22));
                running.probe = Some(tokio::spawn(async move {
                    let mut answers = pin!(banner::wait(namespace, address));
                    if timeout(IMPAIRED, &mut answers).await.is_err() {
                        let _ = events.send(GuestEvent::StatusImpaired { id: id.clone() });
                        answers.await;
                    }
                    let _ = events.send(GuestEvent::StatusOk { id });
                }));
            }
        }
    }

    /// Say again how far it has come.
    fn repeat(&self, running: &Running) {
        if running.booted {
            self.tell(GuestEvent::Booted { id: self.id.clone() });
        }
        if running.probe.as_ref().is_some_and(JoinHandle::is_finished) {
            self.tell(GuestEvent::StatusOk { id: self.id.clone() });
        }
    }

    fn power_off(&self, running: &mut Running) {
        if running.deadline.is_none() {
            running.deadline = Some(Instant::now() + PATIENCE);
            if let Some(pid) = running.child.id() {
                // It may end at this very moment, which is what we want.
                let _ = signal::kill(Pid::from_raw(pid.cast_signed()), Signal::SIGTERM);
            }
        }
    }

    fn ask_for_reboot(&self, running: &Running) {
        match running.leader {
            Some(leader) => {
                // SAFETY: plain system call; nix has no name for real-time signals.
                unsafe { nix::libc::kill(leader.as_raw(), nix::libc::SIGRTMIN() + REBOOT_SIGNAL) };
            }
            // Not even its init is known: it has only just been started.
            None => self.tell(GuestEvent::Rebooting { id: self.id.clone() }),
        }
    }

    fn kill(&self) {
        // Without `cgroup.kill` there is no version 2 hierarchy, and then nothing was started.
        let _ = self.cgroup.kill();
    }

    fn exit(&self, status: ExitStatus) -> GuestExit {
        match (status.code(), status.signal()) {
            (Some(0), _) => GuestExit::PoweredOff,
            (_, Some(nix::libc::SIGKILL)) => GuestExit::Killed,
            _ => failed(format!("the guest ended with {status}: {}", self.console.last_lines(4))),
        }
    }

    /// What a run leaves in the tree.
    async fn clean(&self) {
        let (cgroup, notify) = (self.cgroup.clone(), self.notify_path());
        let cleaned = spawn_blocking(move || {
            let _ = std::fs::remove_file(notify);
            cgroup.remove(KILL)
        });
        if let Ok(Err(error)) = cleaned.await {
            remark!("guest {}: remove its control group: {error}", self.id);
        }
    }

    async fn destroy(self) {
        let disk = self.disk.clone();
        if let Ok(Err(error)) = spawn_blocking(move || disk.remove()).await {
            // The next daemon sweeps disks that belong to nobody.
            remark!("guest {}: remove its disk: {error}", self.id);
        }
        self.tell(GuestEvent::Stopped { id: self.id.clone(), exit: GuestExit::Killed });
    }

    fn notify_path(&self) -> PathBuf {
        Path::new("/run/lab/notify").join(&self.id)
    }

    fn tell(&self, event: GuestEvent) {
        // Nobody listens only while the daemon ends.
        let _ = self.events.send(event);
    }
}

/// Why a guest could not be started: for lack of something where that is known, or otherwise.
fn failed(reason: String) -> GuestExit {
    match limits::blame(&reason) {
        Some(limit) => GuestExit::NoRoom {
            reason: format!("{} ({}) does not suffice: {reason}", limit.name, limit.what),
        },
        None => GuestExit::Failed { reason },
    }
}

async fn receive(notify: &UnixDatagram) -> String {
    let mut buffer = [0; 4096];
    match notify.recv(&mut buffer).await {
        Ok(count) => String::from_utf8_lossy(&buffer[..count]).into_owned(),
        // A datagram socket of ours has no errors that pass.
        Err(_) => std::future::pending().await,
    }
}
