//! The verb that keeps a state which cannot be read under another name, so that a region can begin anew.

use std::process::ExitCode;

use super::{Launch, daemon, front};
use crate::output::say;
use crate::region::server::{self, Place};

pub(crate) const VERB: &str = "region-set-aside";

/// Prints the directory that the files are in now, or nothing if there was nothing to do; what failed as a plain line.
pub(super) fn main(launch: &Launch) -> Result<ExitCode, String> {
    match set_aside(launch) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(message) => {
            say!("{message}");
            Ok(ExitCode::FAILURE)
        }
    }
}

fn set_aside(launch: &Launch) -> Result<(), String> {
    let region = launch.region().map_err(|error| format!("open the region's directory: {error}"))?;
    let _starts = daemon::lock_starts(&region)?;
    if daemon::is_running(&region) {
        return Err("the region runs".to_owned());
    }
    let _lock = front::take_lock(&region)?;
    let place = Place { directory: region.inside(), shown: launch.paths.region() };
    if let Some(aside) = server::set_aside(place).map_err(|error| error.to_string())? {
        say!("{}", aside.display());
    }
    Ok(())
}
