//! The verb that starts the region: what the command line runs as root, and waits for.

use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use nix::unistd::{Uid, setsid};

use super::{Launch, front, tools, words};
use crate::region::client::Progress;
use crate::region::image;

/// The log is begun anew when it has grown beyond this.
const LONGEST_LOG: u64 = 4 << 20;

/// Build the image if there is none, start the front, and return when the region answers. Prints [`Progress`] as
/// JSON lines, and what failed as a plain last line.
pub(super) fn main(launch: &Launch) -> Result<ExitCode, String> {
    match start(launch) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(message) => {
            println!("{}", message.replace('\n', " "));
            Ok(ExitCode::FAILURE)
        }
    }
}

fn start(launch: &Launch) -> Result<(), String> {
    if !Uid::effective().is_root() {
        return Err("only root can start the region".to_owned());
    }
    tools::check()?;
    let region = launch.paths.region();
    let failed = |doing: &str, path: &Path| format!("{doing} {}", path.display());
    fs::create_dir_all(&region).map_err(|error| format!("{}: {error}", failed("create", &region)))?;
    fs::set_permissions(&region, Permissions::from_mode(0o755))
        .map_err(|error| format!("{}: {error}", failed("set the mode of", &region)))?;

    // Of two that start it at the same time, the second finds it running.
    let _lock = lock_starts(launch)?;
    if is_running(launch) {
        return Ok(());
    }

    image::ensure(&launch.paths.images(), &mut say).map_err(|error| chain(&error))?;
    say(Progress::Starting);
    let (ready, theirs) = std::io::pipe().map_err(|error| format!("make a pipe: {error}"))?;
    let log = open_log(launch).map_err(|error| format!("open the log: {error}"))?;
    let program = std::env::current_exe().map_err(|error| format!("find this program: {error}"))?;
    let mut command = Command::new(program);
    command.arg(front::VERB).args(launch.to_arguments()).current_dir("/");
    // Of the caller's environment only what is for finding mistakes.
    command.env_clear().env("PATH", tools::PATH).env("LC_ALL", "C.UTF-8");
    command.envs(std::env::var_os("RUST_BACKTRACE").map(|value| ("RUST_BACKTRACE", value)));
    // The front's end of the pipe is its standard input: the one descriptor that it has no other use for.
    command.stdin(Stdio::from(OwnedFd::from(theirs)));
    command.stdout(log.try_clone().map_err(|error| format!("share the log: {error}"))?).stderr(log);
    // SAFETY: one system call.
    unsafe {
        command.pre_exec(|| setsid().map(drop).map_err(Into::into));
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
pub(super) fn lock_starts(launch: &Launch) -> Result<File, String> {
    let path = launch.paths.region().join("start.lock");
    let lock = File::create(path).map_err(|error| format!("open the start lock: {error}"))?;
    lock.lock().map_err(|error| format!("lock the start lock: {error}"))?;
    Ok(lock)
}

/// Whether a daemon answers.
pub(super) fn is_running(launch: &Launch) -> bool {
    UnixStream::connect(launch.paths.control_socket()).is_ok()
}

fn say(progress: Progress) {
    if let Ok(line) = serde_json::to_string(&progress) {
        // Whoever started us may have stopped listening; the image is worth finishing all the same.
        let mut stdout = std::io::stdout().lock();
        let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
    }
}

fn open_log(launch: &Launch) -> std::io::Result<File> {
    let path = launch.paths.daemon_log();
    let long = fs::metadata(&path).is_ok_and(|log| log.len() > LONGEST_LOG);
    let mut options = File::options();
    options.create(true);
    let log = if long { options.write(true).truncate(true) } else { options.append(true) }.open(&path)?;
    chown(&path, Some(launch.uid), Some(launch.gid))?;
    fs::set_permissions(&path, Permissions::from_mode(0o640))?;
    Ok(log)
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
