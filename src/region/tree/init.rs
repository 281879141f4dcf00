//! The first process of the namespaces: sets them up, starts the server, and reaps.

use std::net::TcpListener;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::ExitCode;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::stat::{Mode, umask};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, sethostname};

use super::{Launch, Words, front, mounts};
use crate::output::remark;
use crate::region::server::{self, Inherited};

pub(super) const VERB: &str = "region-tree";

/// So many descriptors the server may have: enough for all guests that limits are raised for, and their callers.
const DESCRIPTORS: u64 = 16_384;

pub(super) fn main(launch: Launch) -> Result<ExitCode, String> {
    if std::process::id() != 1 {
        return Err("this is started by the front alone".to_owned());
    }
    let mut inherited = inherited()?;
    prepare(&launch).inspect_err(|reason| inherited.words.last(reason))?;
    let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGCHLD]);
    // SAFETY: this process has one thread.
    match unsafe { fork() }.map_err(|error| format!("fork: {error}"))? {
        ForkResult::Child => {
            signals.thread_unblock().map_err(|error| format!("unblock signals: {error}"))?;
            server::main(launch, inherited)
        }
        ForkResult::Parent { child } => {
            signals.thread_block().map_err(|error| format!("block signals: {error}"))?;
            // Only the server speaks for the region; these would stay open behind its back.
            drop(inherited);
            Ok(reap(child, &signals))
        }
    }
}

/// Everything that the server finds around it.
fn prepare(launch: &Launch) -> Result<(), String> {
    mounts::set_up(launch)?;
    sethostname("region").map_err(|error| format!("set the host name: {error}"))?;
    umask(Mode::from_bits_truncate(0o022));
    // Each guest and each connection takes a few.
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let enough = most.max(DESCRIPTORS);
        // More than the machine allows anybody is refused; then it is as much as we have.
        if setrlimit(Resource::RLIMIT_NOFILE, enough, enough).is_err() {
            let _ = setrlimit(Resource::RLIMIT_NOFILE, most, most);
        }
    }
    Ok(())
}

/// What the front has opened for us.
fn inherited() -> Result<Inherited, String> {
    let take = |offset: RawFd| -> Result<OwnedFd, String> {
        // SAFETY: the front has put them there for us, and this is called once in a process.
        let descriptor = unsafe { OwnedFd::from_raw_fd(front::INHERITED + offset) };
        fcntl(&descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))
            .map_err(|error| format!("take over descriptor {}: {error}", front::INHERITED + offset))?;
        Ok(descriptor)
    };
    let (endpoint, control) = (TcpListener::from(take(0)?), UnixListener::from(take(1)?));
    let fetcher = UnixStream::from(take(2)?);
    let words = Words { start: Some(take(3)?.into()), end: take(4)?.into() };
    Ok(Inherited { endpoint, control, fetcher, words })
}

/// Wait for whoever ends below us, until the server does. Our own end is the end of all others.
fn reap(server: Pid, signals: &SigSet) -> ExitCode {
    loop {
        match signals.wait() {
            Ok(Signal::SIGCHLD) => {
                while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                    match status {
                        WaitStatus::StillAlive => break,
                        WaitStatus::Exited(pid, code) if pid == server => {
                            return ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX));
                        }
                        WaitStatus::Signaled(pid, signal, _) if pid == server => {
                            remark!("region-tree: the server was killed by signal {}", signal as i32);
                            // As a shell tells it.
                            return ExitCode::from(128 + u8::try_from(signal as i32).unwrap_or_default());
                        }
                        _ => {}
                    }
                }
            }
            Ok(signal) => {
                let _ = kill(server, signal);
            }
            Err(_) => {}
        }
    }
}
