//! The laptop's first process: sets the machine up, starts programs, tells how they end.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::Path;
use std::process::ExitCode;

use nix::libc;
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, dup2_stdin, fork, sethostname};
use tokio::net::UnixStream;
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};

use super::message::{Order, Report};
use super::{HOSTNAME, Settings, idmap, mounts, program, signals};
use crate::region::server::{Exited, Link};

/// Started by the daemon with the connection to the daemon as standard input. The first line there is the settings:
/// as arguments they would show in the laptop's list of processes.
pub(crate) fn main() -> Result<ExitCode, String> {
    let link = take_link().map_err(|error| format!("take over the link: {error}"))?;
    let settings = read_settings(&link).map_err(|error| format!("read the settings: {error}"))?;
    match set_up(&settings) {
        Ok(true) => serve(link, Report::Up),
        // The outer process: it only waited.
        Ok(false) => Ok(ExitCode::SUCCESS),
        Err(reason) => serve(link, Report::Down { reason }),
    }
}

/// The connection to the daemon is our standard input; programs must not find it there.
fn take_link() -> std::io::Result<StdUnixStream> {
    let link = std::io::stdin().as_fd().try_clone_to_owned()?;
    dup2_stdin(File::open("/dev/null")?)?;
    Ok(link.into())
}

fn read_settings(mut link: &StdUnixStream) -> std::io::Result<Settings> {
    // Byte by byte: what comes after the line is not for us to take.
    let mut line = Vec::new();
    let mut byte = [0];
    while link.read(&mut byte)? == 1 && byte != *b"\n" {
        line.push(byte[0]);
    }
    // The first digit counts descriptors; there are none.
    Ok(serde_json::from_slice(line.strip_prefix(b"0").unwrap_or(&line))?)
}

/// Make the namespaces. Returns true in the first process of the new process namespace, and false in the process
/// around it when that one has ended.
fn set_up(settings: &Settings) -> Result<bool, String> {
    let failed = |doing: &'static str| move |error: nix::Error| format!("{doing}: {error}");
    let take = |directory: &Path| {
        idmap::detach(directory, settings.uid, settings.gid)
            .map_err(|error| format!("take over {}: {error}", directory.display()))
    };
    let (home, run) = (take(&settings.home)?, take(&settings.run)?);
    let netns =
        File::open(&settings.netns).map_err(|error| format!("open the network namespace: {error}"))?;
    setns(netns, CloneFlags::CLONE_NEWNET).map_err(failed("enter the network namespace"))?;
    let flags = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    unshare(flags).map_err(failed("make the laptop's namespaces"))?;
    // SAFETY: this process has one thread.
    match unsafe { fork() }.map_err(failed("fork"))? {
        ForkResult::Parent { child } => {
            waitpid(child, None).map_err(failed("wait for the laptop"))?;
            Ok(false)
        }
        ForkResult::Child => {
            prctl::set_pdeathsig(Signal::SIGKILL).map_err(failed("tie the laptop to the daemon"))?;
            sethostname(HOSTNAME).map_err(failed("set the host name"))?;
            mounts::enter(settings, &home, &run)
                .map_err(|error| format!("set up the file system: {error}"))?;
            Ok(true)
        }
    }
}

fn serve(link: StdUnixStream, first: Report) -> Result<ExitCode, String> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("start the runtime: {error}"))?;
    runtime.block_on(async {
        link.set_nonblocking(true).map_err(|error| format!("set up the link: {error}"))?;
        let link = UnixStream::from_std(link).map_err(|error| format!("set up the link: {error}"))?;
        let init = Init { link: Link::new(link), programs: HashMap::new() };
        init.serve(first).await.map_err(|error| format!("talk to the daemon: {error}"))
    })?;
    Ok(ExitCode::SUCCESS)
}

struct Init {
    link: Link,
    /// Tokens by process id.
    programs: HashMap<i32, u64>,
}

impl Init {
    /// Follow orders until the daemon closes the connection; our end is the end of every program.
    async fn serve(mut self, first: Report) -> std::io::Result<()> {
        let mut ended = signal(SignalKind::child())?;
        self.link.send(&first, &[]).await?;
        if matches!(first, Report::Down { .. }) {
            return Ok(());
        }
        loop {
            tokio::select! {
                order = self.link.receive::<Order>() => match order? {
                    Some((order, descriptors)) => self.follow(order, descriptors).await?,
                    None => return Ok(()),
                },
                _ = ended.recv() => self.reap().await?,
            }
        }
    }

    async fn follow(&mut self, order: Order, descriptors: Vec<OwnedFd>) -> std::io::Result<()> {
        match order {
            Order::Spawn { token, command } => {
                let started = match <[OwnedFd; 3]>::try_from(descriptors) {
                    Ok(stdio) => program::start(&command, stdio).map_err(|error| error.to_string()),
                    Err(_) => Err("a program needs three descriptors".to_owned()),
                };
                let report = match started {
                    Ok(pid) => {
                        self.programs.insert(pid, token);
                        Report::Spawned { token, pid }
                    }
                    Err(reason) => Report::Refused { token, reason },
                };
                self.link.send(&report, &[]).await
            }
            Order::Signal { token, signal, scope } => {
                if let Some((pid, _)) = self.programs.iter().find(|(_, known)| **known == token) {
                    signals::send(*pid, signal, scope);
                }
                Ok(())
            }
        }
    }

    async fn reap(&mut self) -> std::io::Result<()> {
        while let Ok(status) = waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
            let (pid, exited) = match status {
                WaitStatus::Exited(pid, code) => (pid, Exited { code: Some(code), signal: None }),
                WaitStatus::Signaled(pid, signal, _) => {
                    (pid, Exited { code: None, signal: Some(signal as libc::c_int) })
                }
                WaitStatus::StillAlive => break,
                _ => continue,
            };
            if let Some(token) = self.programs.remove(&pid.as_raw()) {
                // What it left running in its session would be nobody's.
                signals::end_session(pid.as_raw());
                self.link.send(&Report::Exited { token, exited }, &[]).await?;
            }
        }
        Ok(())
    }
}
