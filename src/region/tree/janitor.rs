//! Cleans up behind a daemon that could not do it itself.

use std::io::{self, Read};
use std::process::ExitCode;
use std::time::Duration;

use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::setsid;

use super::{Cgroup, Launch, cgroup, front, note};
use crate::output::remark;
use crate::private::Directory;
use crate::region::client::Paths;

pub(super) const VERB: &str = "region-janitor";

/// How long killed processes may take to be gone. Guests write back what they hold in memory first.
const PATIENCE: Duration = Duration::from_secs(30);

/// Wait for the end of standard input, which is the front's end, however it came; then end every process that is
/// left and remove what the host sees of the region.
pub(super) fn main(launch: &Launch) -> Result<ExitCode, String> {
    // Whoever interrupts the front's terminal means the front.
    let _ = setsid();
    for ignored in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        // SAFETY: ignoring a signal runs no code.
        unsafe { signal(ignored, SigHandler::SigIgn) }
            .map_err(|error| format!("ignore a signal: {error}"))?;
    }
    // While it is sure to be there: what happens to its name later is of no matter.
    let region = launch.region().map_err(|error| format!("open the region's directory: {error}"))?;
    // An error is as much of an end as the end itself.
    let _ = io::stdin().lock().read_to_end(&mut Vec::new());

    clean_up(launch, &region)?;
    Ok(ExitCode::SUCCESS)
}

/// End every process that is left and remove what the host sees of the region.
pub(super) fn clean_up(launch: &Launch, region: &Directory) -> Result<(), String> {
    let failed = |doing: &'static str| move |error: io::Error| format!("{doing}: {error}");
    if region.has(note::PID)
        && let Err(error) = note::unexpected_end(launch, region, "the daemon was killed")
    {
        // A full disk is no reason to leave the rest.
        remark!("{VERB}: note the end: {error}");
    }
    let removed = match cgroup::mount_point() {
        Some(mount) => Cgroup::at(mount.join(launch.host_name())).remove(PATIENCE),
        None => Ok(()),
    };
    front::release_limits(launch);
    removed.map_err(failed("remove the control group"))?;
    // Last, because its absence says that everything is gone.
    region.remove(Paths::CONTROL_SOCKET).map_err(failed("remove the control socket"))
}
