//! The verb that starts the region: what the command line runs as root, and waits for.

use std::fs::{File, Permissions};
use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, fchown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

use nix::unistd::{Uid, setsid};

use super::{Launch, front, tools, words};
use crate::output::say;
use crate::private::Directory;
use crate::region::client::{Paths, Progress};
use crate::region::image;
use crate::signals;

/// The log is begun anew when it has grown beyond this.
const LONGEST_LOG: u64 = 4 << 20;

/// Build the image if there is none, start the front, and return when the region answers. Prints [`Progress`] as
/// JSON lines, and what failed as a plain last line.
pub(super) fn main(launch: &Launch) -> Result<ExitCode, String> {
    match start(launch) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(message) => {
            say!("{}", message.replace('\n', " "));
            Ok(ExitCode::FAILURE)
        }
    }
}

fn start(launch: &Launch) -> Result<(), String> {
    if !Uid::effective().is_root() {
        return Err("only root can start the region".to_owned());
    }
    tools::check()?;
    let region = launch.region().map_err(|error| format!("open the region's directory: {error}"))?;
    // Of two that start it at the same time, the second finds it running.
    let _lock = lock_starts(&region)?;
    if is_running(&region) {
        return Ok(());
    }

    // What is in the way is said here, and not in the log of a process that cannot go on.
    launch.take().map_err(|error| format!("use the region's directories: {error}"))?;
    let images = launch.images().map_err(|error| format!("open the directory of images: {error}"))?;
    image::ensure(&images, &mut tell).map_err(|error| chain(&error))?;
    tell(Progress::Starting);
    let (ready, theirs) = std::io::pipe().map_err(|error| format!("make a pipe: {error}"))?;
    let log = open_log(launch, &region).map_err(|error| format!("open the log: {error}"))?;
    let program = std::env::current_exe().map_err(|error| format!("find this program: {error}"))?;
    let mut command = Command::new(program);
    command.arg(front::VERB).args(launch.to_arguments()).current_dir("/");
    // Of the caller's environment only what is for finding mistakes.
    command.env_clear().env("PATH", tools::PATH).env("LC_ALL", "C.UTF-8");
    command.envs(std::env::var_os("RUST_BACKTRACE").map(|value| ("RUST_BACKTRACE", value)));
    // The front's end of the pipe is its standard input: the one descriptor that it has no other use for.
    command.stdin(Stdio::from(OwnedFd::from(theirs)));
    command.stdout(log.try_clone().map_err(|error| format!("share the log: {error}"))?).stderr(log);
    // SAFETY: only system calls.
    unsafe {
        command.pre_exec(|| {
            // Whoever has started us in the background ignores some, and guests would, too.
            signals::reset()?;
            setsid().map(drop).map_err(Into::into)
        });
    }
    let mut front = command.spawn().map_err(|error| format!("start the front: {error}"))?;
    drop(command);

    // When it is ready nobody waits for it: it goes on when this process has ended.
    match BufReader::new(ready).lines().next() {
        Some(Ok(line)) if line == words::READY => Ok(()),
        Some(Ok(reason)) if !reason.is_empty() => Err(reason),
        // Killed, most likely: all who could tell why are gone.
        _ => Err(match front.wait() {
            Ok(status) => format!("it ended ({status}) before it was ready"),
            Err(error) => format!("it ended before it was ready ({error})"),
        }),
    }
}

/// Only one process may start a daemon, or see to it that none runs.
pub(super) fn lock_starts(region: &Directory) -> Result<File, String> {
    let lock = region.write("start.lock").map_err(|error| format!("open the start lock: {error}"))?;
    lock.lock().map_err(|error| format!("lock the start lock: {error}"))?;
    Ok(lock)
}

/// Whether a daemon answers.
pub(super) fn is_running(region: &Directory) -> bool {
    UnixStream::connect(region.inside().join(Paths::CONTROL_SOCKET)).is_ok()
}

fn tell(progress: Progress) {
    if let Ok(line) = serde_json::to_string(&progress) {
        // Whoever started us may have stopped listening; the image is worth finishing all the same.
        say!("{line}");
    }
}

fn open_log(launch: &Launch, region: &Directory) -> std::io::Result<File> {
    let log = region.append(Paths::DAEMON_LOG)?;
    if log.metadata()?.len() > LONGEST_LOG {
        log.set_len(0)?;
    }
    // One of an older program is wider.
    log.set_permissions(Permissions::from_mode(0o600))?;
    fchown(&log, Some(launch.uid), Some(launch.gid))?;
    Ok(log)
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
