//! Starting the daemon on demand, and waiting for its end.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::unistd::{Gid, Uid};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::super::limits::Report;
use super::super::tree::{Launch, VERB_DAEMON, VERB_SET_ASIDE};
use super::{ClientError, Paths, Progress};
use crate::private;

/// How long an ended daemon may take to vanish.
const END: Duration = Duration::from_secs(20);

/// Run the hidden verb that starts the daemon, as root, and relay what it reports. It returns when the daemon
/// answers or has failed; the daemon itself goes on in a session of its own.
pub(super) async fn start(
    paths: &Paths,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<(), ClientError> {
    let failed = |reason: String| ClientError::NotStarted { reason, log: paths.daemon_log() };
    let program =
        std::env::current_exe().map_err(|error| failed(format!("this program's own path: {error}")))?;
    // Made here, so that they belong to the user and not to root.
    let places = places(paths)?;
    let mut command = as_root(&program, VERB_DAEMON, &places, "to start the local region");
    let mut child = command
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("{}: {error}", command.as_std().get_program().display())))?;

    let mut said = None;
    if let Some(stdout) = child.stdout.take() {
        let mut lines = BufReader::new(stdout).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            match serde_json::from_str(&line) {
                Ok(step) => progress(step),
                Err(_) => said = Some(line),
            }
        }
    }
    match child.wait().await {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(said.unwrap_or_else(|| format!("it ended with {status}")))),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// If the saved state cannot be read, keep it under another name. Answers where it is then.
pub(super) async fn set_aside(paths: &Paths) -> Result<Option<PathBuf>, ClientError> {
    let failed = |reason: String| ClientError::NotSetAside { reason, place: paths.region() };
    let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
    let mut command =
        as_root(&program, VERB_SET_ASIDE, &places(paths)?, "to keep the region's state under another name");
    let output = command.stdin(Stdio::inherit()).stderr(Stdio::inherit()).output().await;
    let output = output.map_err(|error| failed(error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    match output.status.success() {
        true => Ok(Some(said).filter(|said| !said.is_empty()).map(PathBuf::from)),
        false => Err(failed(said)),
    }
}

/// The directories as root is to find them. Links on the way to them are followed here, with the user's rights; root follows
/// none.
fn places(paths: &Paths) -> Result<Paths, ClientError> {
    let place = |directory: &Path| {
        private::directory(directory)
            .and_then(|()| directory.canonicalize())
            .map_err(|error| ClientError::at(directory, error))
    };
    Ok(Paths { state: place(&paths.state)?, cache: place(&paths.cache)? })
}

/// A hidden verb of this program, run as root: by `sudo`, if need be, which says what it is for.
fn as_root(program: &Path, verb: &str, paths: &Paths, purpose: &str) -> Command {
    let launch = Launch {
        paths: paths.clone(),
        uid: Uid::current().as_raw(),
        gid: Gid::current().as_raw(),
        limits: Report::default(),
    };
    let mut command = if Uid::effective().is_root() {
        Command::new(program)
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["-p", &format!("[sudo] password for %u, {purpose}: "), "--"]).arg(program);
        sudo
    };
    command.arg(verb).args(launch.to_arguments());
    command
}

/// Wait until the daemon's socket is gone: its janitor removes it last.
pub(super) async fn wait_for_end(paths: &Paths) -> Result<(), ClientError> {
    let gone = async {
        while paths.control_socket().exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(END, gone).await.map_err(|_| ClientError::NotStopped(paths.daemon_log()))
}
