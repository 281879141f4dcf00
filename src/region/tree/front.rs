//! The process that stays in the host's namespaces: it owns what the host sees of the region, and waits.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, PipeWriter, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, clone, unshare};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::stat::{Mode, umask};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, dup2_stdin, execv};

use super::helper::Fetcher;
use super::leash::Janitor;
use super::{Cgroup, Launch, cgroup, init, note, words};
use crate::output::remark;
use crate::private::Directory;
use crate::region::client::Paths;
use crate::region::limits::{self, Holder, Ledger, Raised, Report};

pub(super) const VERB: &str = "region-front";

/// Descriptors of the tree's first process, in this order from number 3 on.
pub(super) const INHERITED: RawFd = 3;

/// Holds the port of the EC2 endpoint.
const PORT: &str = "port";
/// Who owns what nobody else has to read.
const ROOT: (u32, u32) = (0, 0);

/// How long left-overs of an earlier daemon may take to die.
const LEFT_OVERS: Duration = Duration::from_secs(10);

pub(super) fn main(launch: &Launch) -> Result<ExitCode, String> {
    // Standard input is the way to tell that the region is ready, or why it is not; the tree takes it over.
    let start = take_ready_pipe().map_err(|error| format!("take over the ready pipe: {error}"))?;
    let mut start = Some(start);
    run(launch, &mut start).inspect_err(|reason| words::say(start.take(), reason))
}

fn run(launch: &Launch, start: &mut Option<PipeWriter>) -> Result<ExitCode, String> {
    let failed = |doing: &'static str| move |error: io::Error| format!("{doing}: {error}");
    let region = launch.region().map_err(failed("open the region's directory"))?;
    let lock = take_lock(&region)?;

    let mount = cgroup::mount_point().ok_or("no version 2 control groups are mounted on this machine")?;
    let group = Cgroup::at(mount.join(launch.host_name()));
    // We hold the lock: whatever is in there is left of a daemon that is dead.
    group.remove(LEFT_OVERS).map_err(failed("remove an earlier daemon's control group"))?;
    let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGCHLD]);
    signals.thread_block().map_err(|error| format!("block signals: {error}"))?;
    let mut janitor = Janitor::start(launch, &lock).map_err(failed("start the janitor"))?;
    region
        .replace(note::PID, format!("{}\n", std::process::id()).as_bytes(), ROOT)
        .map_err(failed("write the pid file"))?;
    group.make().map_err(failed("create a control group"))?;

    let endpoint = listen(&region).map_err(failed("listen on loopback"))?;
    let control = listen_for_control(launch, &region).map_err(failed("listen on the control socket"))?;
    let (mut fetcher, link) = Fetcher::start(launch).map_err(failed("start the fetcher"))?;
    let (last_words, to_us) = io::pipe().map_err(failed("make a pipe"))?;
    let ready = start.as_ref().map_or(to_us.as_raw_fd(), AsRawFd::as_raw_fd);
    let inherited = [endpoint.as_raw_fd(), control.as_raw_fd(), link.as_raw_fd(), ready, to_us.as_raw_fd()];
    let launch = &Launch { limits: raise_limits(launch), ..launch.clone() };
    let tree = start_tree(launch, &group, &inherited)?;
    drop((endpoint, control, link, start.take(), to_us));

    let end = wait(tree, &signals, &mut fetcher, &mut janitor);
    // The janitor does it, too; but it may have been killed.
    release_limits(launch);
    // The janitor goes by the pid file; it has to be right before our end of the leash goes.
    let code = if end == WaitStatus::Exited(tree, 0) {
        note::orderly_end(&region).map_err(failed("clear the notes"))?;
        ExitCode::SUCCESS
    } else {
        let what = words::hear(&last_words).unwrap_or_else(|| match end {
            WaitStatus::Signaled(_, signal, _) => {
                format!("the region's first process was killed by signal {}", signal as i32)
            }
            WaitStatus::Exited(_, code) => format!("the region's server ended with status {code}"),
            end => format!("the region's first process ended: {end:?}"),
        });
        note::unexpected_end(launch, &region, &what).map_err(failed("note the end"))?;
        ExitCode::FAILURE
    };
    janitor.release(&region);
    Ok(code)
}

/// Raise what many instances need more of, for as long as this process lives. Without it there are fewer of them.
fn raise_limits(launch: &Launch) -> Report {
    let raised = Ledger::of_host().take(Holder::this_process(&launch.host_name())).unwrap_or_else(|error| {
        remark!("region-front: raise the limits of this machine: {error}");
        Vec::new()
    });
    for Raised { name, now, failed, .. } in &raised {
        if let Some(reason) = failed {
            remark!("region-front: set {name} to {now}: {reason}");
        }
    }
    Report { raised, fixed: limits::host_only() }
}

/// Put back what was raised for this daemon, if nobody else needs it.
pub(super) fn release_limits(launch: &Launch) {
    if let Err(error) = Ledger::of_host().release(&launch.host_name()) {
        remark!("region: put back the limits of this machine: {error}");
    }
}

fn take_ready_pipe() -> io::Result<PipeWriter> {
    let pipe = PipeWriter::from(std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned()?);
    dup2_stdin(File::open("/dev/null")?)?;
    Ok(pipe)
}

/// Take the lock. The janitor of a daemon that was killed holds it until it has cleaned up; were it not waited for, it
/// would remove the next daemon's control group and socket.
pub(super) fn take_lock(region: &Directory) -> Result<File, String> {
    let lock = region.write("lock").map_err(|error| format!("open the lock: {error}"))?;
    let deadline = Instant::now() + LEFT_OVERS;
    while lock.try_lock().is_err() {
        if Instant::now() > deadline {
            return Err("another daemon runs in this state directory".to_owned());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(lock)
}

/// The EC2 endpoint: at the port that this state directory had before, so that what clients were told stays true.
fn listen(region: &Directory) -> io::Result<TcpListener> {
    let before = region.read(PORT).ok().and_then(|port| String::from_utf8(port).ok()?.trim().parse().ok());
    let before: u16 = before.unwrap_or(0);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, before))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    region.replace(PORT, format!("{}\n", listener.local_addr()?.port()).as_bytes(), ROOT)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The user who started us may connect, and root. What they may do is decided by who they are, all the same.
fn listen_for_control(launch: &Launch, region: &Directory) -> io::Result<UnixListener> {
    region.remove(Paths::CONTROL_SOCKET)?;
    // It has its mode before anybody can connect.
    let before = umask(Mode::from_bits_truncate(0o177));
    let listener = UnixListener::bind(region.inside().join(Paths::CONTROL_SOCKET));
    umask(before);
    let listener = listener?;
    region.give(Paths::CONTROL_SOCKET, launch.uid, launch.gid)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Start the first process of the namespaces. This process has one thread, so the child may do what it likes.
fn start_tree(launch: &Launch, group: &Cgroup, inherited: &[RawFd]) -> Result<Pid, String> {
    let text = |bytes: &[u8]| CString::new(bytes).map_err(|_| "a path holds a zero byte".to_owned());
    let program = std::env::current_exe().map_err(|error| format!("find this program: {error}"))?;
    let program = text(program.as_os_str().as_bytes())?;
    let mut arguments = vec![program.clone(), text(init::VERB.as_bytes())?];
    for argument in launch.to_arguments() {
        arguments.push(text(argument.as_bytes())?);
    }
    let mut door = group.door().map_err(|error| format!("open the control group: {error}"))?;
    let enter = || -> io::Result<()> {
        // The tree dies with the front, whatever becomes of the janitor.
        prctl::set_pdeathsig(Signal::SIGKILL)?;
        door.write_all(b"0")?;
        // Its root is the group that we are in by now.
        unshare(CloneFlags::CLONE_NEWCGROUP)?;
        hand_down(inherited)?;
        execv(&program, &arguments)?;
        Ok(())
    };
    let mut enter = Some(enter);
    let child = move || -> isize {
        if let Some(Err(error)) = enter.take().map(|mut enter| enter()) {
            remark!("region-front: enter the tree: {error}");
        }
        1
    };
    let flags = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC;
    let mut stack = vec![0; 1 << 20];
    // SAFETY: without CLONE_VM the child has a copy of everything, its stack included.
    unsafe { clone(Box::new(child), &mut stack, flags, Some(nix::libc::SIGCHLD)) }
        .map_err(|error| format!("create the region's namespaces: {error}"))
}

/// Give these descriptors the numbers from [`INHERITED`] on, and let them pass the exec.
fn hand_down(inherited: &[RawFd]) -> io::Result<()> {
    const ASIDE: RawFd = 100;
    for (offset, descriptor) in (0..).zip(inherited) {
        // First out of the way, so that no target number is still in use by another one of them.
        // SAFETY: plain system calls on descriptors of ours, in a process that is about to exec.
        let moved = unsafe { nix::libc::dup2(*descriptor, ASIDE + offset) };
        if moved < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    for offset in (0..).take(inherited.len()) {
        // SAFETY: as above.
        let moved = unsafe { nix::libc::dup2(ASIDE + offset, INHERITED + offset) };
        // SAFETY: as above.
        if moved < 0 || unsafe { nix::libc::close(ASIDE + offset) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Wait for the tree's end; pass a request to end on to it.
fn wait(tree: Pid, signals: &SigSet, fetcher: &mut Fetcher<'_>, janitor: &mut Janitor<'_>) -> WaitStatus {
    loop {
        match signals.wait() {
            Ok(Signal::SIGCHLD) => {
                while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                    match status {
                        WaitStatus::StillAlive => break,
                        status if status.pid() == Some(tree) => return status,
                        status => {
                            fetcher.ended(status);
                            janitor.ended(status);
                        }
                    }
                }
            }
            Ok(_) => {
                // It may have ended at this very moment; then the next signal says so.
                let _ = kill(tree, Signal::SIGTERM);
            }
            Err(_) => {}
        }
    }
}
