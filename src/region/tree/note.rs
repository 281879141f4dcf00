//! Small files that the processes leave for each other and for `lab status`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::durable;
use crate::region::client::{LastExit, Paths};

/// Holds the front's process id while the daemon runs, and after it if nobody could take it away: that is how an
/// end that nobody asked for is known.
pub(super) fn pid_file(paths: &Paths) -> PathBuf {
    paths.region().join("pid")
}

/// The front's process id on the host; 0 if it is not known.
pub(crate) fn front_pid(paths: &Paths) -> u32 {
    fs::read_to_string(pid_file(paths)).ok().and_then(|pid| pid.trim().parse().ok()).unwrap_or(0)
}

/// Write a file so that readers see the old or the new text, never half of one, and that it is on the disk afterwards.
/// When this fails the old one is there.
pub(crate) fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    Ok(durable::replace(&durable::System, path, text)?)
}

/// Remove a file that may be gone already.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The daemon ended and nobody had asked for it.
pub(super) fn unexpected_end(paths: &Paths, what: &str) -> io::Result<()> {
    eprintln!("region: {what}");
    let note = LastExit { at: Timestamp::now(), what: what.to_owned() };
    let noted = replace(&paths.last_exit(), &serde_json::to_vec(&note)?);
    // Also where there is no room for a note: who looks for the process would find none.
    remove(&pid_file(paths))?;
    noted
}

/// The daemon ended as it was asked to.
pub(super) fn orderly_end(paths: &Paths) -> io::Result<()> {
    remove(&paths.last_exit())?;
    remove(&pid_file(paths))
}
