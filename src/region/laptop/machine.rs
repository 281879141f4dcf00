//! A lab's laptop as the daemon sees it.

use std::collections::HashMap;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::sync::{mpsc, oneshot};

use super::message::{Order, Report};
use super::{Settings, VERB};
use crate::output::remark;
use crate::region::server::{Exited, Link, SignalScope, SpawnSpec};
use crate::region::supervisor::Supervisor;
use crate::region::tree::Cgroup;

/// A running laptop. Dropping the last copy ends it, with everything that runs on it.
#[derive(Debug, Clone)]
pub(crate) struct Laptop {
    requests: mpsc::UnboundedSender<Request>,
    tokens: Arc<AtomicU64>,
}

/// A program on the laptop. Dropping it kills its whole session.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) pid: i32,
    token: u64,
    requests: mpsc::UnboundedSender<Request>,
    exited: oneshot::Receiver<Exited>,
}

type Started = oneshot::Sender<Result<i32, String>>;

#[derive(Debug)]
enum Request {
    Spawn {
        token: u64,
        command: SpawnSpec,
        stdio: [OwnedFd; 3],
        started: Started,
        exited: oneshot::Sender<Exited>,
    },
    Signal {
        token: u64,
        signal: i32,
        scope: SignalScope,
    },
}

impl Laptop {
    /// Start it; returns when programs can be started on it.
    pub(crate) async fn start(
        settings: &Settings,
        cgroup: &Cgroup,
        supervisor: &Supervisor,
    ) -> Result<Laptop, String> {
        let (ours, theirs) = StdUnixStream::pair().map_err(|error| format!("make a socket: {error}"))?;
        cgroup.make().map_err(|error| format!("make a control group: {error}"))?;
        let mut door = cgroup.door().map_err(|error| format!("open the control group: {error}"))?;
        // Our own file, even if it has been replaced or removed since we started.
        let mut command = Command::new("/proc/self/exe");
        command.arg0("init").arg(VERB).env_clear().stdin(Stdio::from(OwnedFd::from(theirs)));
        // SAFETY: one write between fork and exec.
        unsafe {
            command.pre_exec(move || door.write_all(b"0"));
        }
        let mut child = command.spawn().map_err(|error| format!("start the laptop: {error}"))?;
        drop(command);

        let link = (|| {
            ours.set_nonblocking(true)?;
            UnixStream::from_std(ours)
        })();
        let mut link = Link::new(link.map_err(|error| format!("set up the link: {error}"))?);
        link.send(settings, &[]).await.map_err(|error| format!("send the settings: {error}"))?;
        match link.receive::<Report>().await {
            Ok(Some((Report::Up, _))) => {}
            Ok(Some((Report::Down { reason }, _))) => return Err(reason),
            Ok(_) => return Err("the laptop ended before it was up".to_owned()),
            Err(error) => return Err(format!("talk to the laptop: {error}")),
        }
        let (requests, receiver) = mpsc::unbounded_channel();
        supervisor.until_done("keeper of a laptop", async move {
            serve(link, receiver).await;
            // Closing the link has ended it; this reaps it.
            let _ = child.wait().await;
        });
        Ok(Laptop { requests, tokens: Arc::default() })
    }

    /// Whether its processes are still there.
    pub(crate) fn is_up(&self) -> bool {
        !self.requests.is_closed()
    }

    /// Start a program.
    pub(crate) async fn spawn(&self, command: SpawnSpec, stdio: [OwnedFd; 3]) -> Result<Running, String> {
        let token = self.tokens.fetch_add(1, Ordering::Relaxed);
        let (started, answer) = oneshot::channel();
        let (exit, exited) = oneshot::channel();
        let gone = "the laptop has ended";
        self.requests
            .send(Request::Spawn { token, command, stdio, started, exited: exit })
            .map_err(|_| gone.to_owned())?;
        // Made before the answer is there: whoever stops waiting for it leaves no program behind.
        let mut running = Running { pid: 0, token, requests: self.requests.clone(), exited };
        running.pid = answer.await.map_err(|_| gone.to_owned())??;
        Ok(running)
    }
}

impl Running {
    /// Wait for its end; `None` if the laptop ends first. Cancel-safe.
    pub(crate) async fn wait(&mut self) -> Option<Exited> {
        (&mut self.exited).await.ok()
    }

    pub(crate) fn signal(&self, signal: i32, scope: SignalScope) {
        // A laptop that has ended has nobody to signal.
        let _ = self.requests.send(Request::Signal { token: self.token, signal, scope });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ignored if the program has ended: its token is forgotten then.
        self.signal(nix::libc::SIGKILL, SignalScope::Session);
    }
}

/// Carry requests to the laptop and its reports back, until one side ends.
async fn serve(mut link: Link, mut requests: mpsc::UnboundedReceiver<Request>) {
    let mut starting: HashMap<u64, Started> = HashMap::new();
    let mut running: HashMap<u64, oneshot::Sender<Exited>> = HashMap::new();
    loop {
        let done: io::Result<()> = tokio::select! {
            request = requests.recv() => match request {
                Some(Request::Spawn { token, command, stdio, started, exited }) => {
                    starting.insert(token, started);
                    running.insert(token, exited);
                    let stdio = stdio.each_ref().map(AsFd::as_fd);
                    link.send(&Order::Spawn { token, command }, &stdio).await
                }
                Some(Request::Signal { token, signal, scope }) => {
                    link.send(&Order::Signal { token, signal, scope }, &[]).await
                }
                None => return,
            },
            report = link.receive::<Report>() => match report {
                Ok(Some((report, _))) => {
                    match report {
                        Report::Spawned { token, pid } => {
                            let _ = starting.remove(&token).map(|started| started.send(Ok(pid)));
                        }
                        Report::Refused { token, reason } => {
                            running.remove(&token);
                            let _ = starting.remove(&token).map(|started| started.send(Err(reason)));
                        }
                        Report::Exited { token, exited } => {
                            let _ = running.remove(&token).map(|waiting| waiting.send(exited));
                        }
                        Report::Up | Report::Down { .. } => {}
                    }
                    Ok(())
                }
                Ok(None) => return,
                Err(error) => Err(error),
            },
        };
        if let Err(error) = done {
            remark!("laptop: talk to it: {error}");
            return;
        }
    }
}
