//! The verb that keeps a state which cannot be read under another name, so that a region can begin anew.

use std::process::ExitCode;

use super::{Launch, daemon, front};
use crate::region::server;

pub(crate) const VERB: &str = "region-set-aside";

/// Prints the directory that the files are in now, or nothing if there was nothing to do; what failed as a plain line.
pub(super) fn main(launch: &Launch) -> Result<ExitCode, String> {
    match set_aside(launch) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(message) => {
            println!("{message}");
            Ok(ExitCode::FAILURE)
        }
    }
}

fn set_aside(launch: &Launch) -> Result<(), String> {
    let _starts = daemon::lock_starts(launch)?;
    if daemon::is_running(launch) {
        return Err("the region runs".to_owned());
    }
    let _lock = front::take_lock(launch)?;
    if let Some(place) = server::set_aside(&launch.paths.region()).map_err(|error| error.to_string())? {
        println!("{}", place.display());
    }
    Ok(())
}
