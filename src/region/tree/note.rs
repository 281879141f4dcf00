//! Small files that the processes leave for each other and for `lab status`.

use std::fs;
use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::{Launch, durable};
use crate::output::remark;
use crate::private::Directory;
use crate::region::client::{LastExit, Paths};

/// Holds the front's process id while the daemon runs, and after it if nobody could take it away: that is how an
/// end that nobody asked for is known.
pub(super) const PID: &str = "pid";

/// The front's process id on the host, as the tree finds it; 0 if it is not known.
pub(crate) fn front_pid(inside: &Paths) -> u32 {
    let file = inside.region().join(PID);
    fs::read_to_string(file).ok().and_then(|pid| pid.trim().parse().ok()).unwrap_or(0)
}

/// Write a file, for root alone, so that readers see the old or the new text, never half of one, and that it is on the disk
/// afterwards. When this fails the old one is there. In directories that are root's own.
pub(crate) fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    Ok(durable::replace(&durable::System, path, text)?)
}

/// The daemon ended and nobody had asked for it.
pub(super) fn unexpected_end(launch: &Launch, region: &Directory, what: &str) -> io::Result<()> {
    remark!("region: {what}");
    let note = LastExit { at: Timestamp::now(), what: what.to_owned() };
    // Who started it may read it.
    let noted = region.replace(Paths::LAST_EXIT, &serde_json::to_vec(&note)?, (launch.uid, launch.gid));
    // Also where there is no room for a note: who looks for the process would find none.
    region.remove(PID)?;
    noted
}

/// The daemon ended as it was asked to.
pub(super) fn orderly_end(region: &Directory) -> io::Result<()> {
    region.remove(Paths::LAST_EXIT)?;
    region.remove(PID)
}
