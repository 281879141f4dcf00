//! Makes the disks and the home directory of a lab that goes on from a kept moment.

use std::fs;
use std::path::Path;

use super::CheckpointError;
use super::copy::{copy, give};
use super::kept::Kept;
use super::store::{HIDDEN, Store};
use crate::region::guest::Disk;
use crate::region::model::{Account, CheckStatus, InstanceState};

/// What the control plane has to take up.
pub(crate) struct Restored {
    /// As it was kept, with its number.
    pub account: Account,
    /// Instances that ran and had passed their checks.
    pub running: Vec<String>,
}

/// Lay a new disk over each kept one, and put the home directory in its place. `disk` tells where an instance's disk
/// goes; `home` must not be there, and gets the owner `owner`.
pub(crate) fn restore(
    store: &Store,
    id: &str,
    disk: impl Fn(&str) -> Disk,
    home: &Path,
    owner: (u32, u32),
) -> Result<Restored, CheckpointError> {
    let kept = store.kept(id)?;
    for (instance, layers) in &kept.disks {
        lay(store, layers, &disk(instance))?;
    }
    place_home(store, id, &kept, home, owner)?;
    let Kept { mut account, number, .. } = kept;
    account.number = Some(number);
    let running = account.regions.values().flat_map(|region| &region.instances);
    let running = running
        .filter(|i| i.state == InstanceState::Running && i.guest.check == CheckStatus::Ok)
        .map(|i| i.id.clone())
        .collect();
    Ok(Restored { account, running })
}

fn lay(store: &Store, layers: &[String], disk: &Disk) -> Result<(), CheckpointError> {
    let paths: Vec<_> = layers.iter().map(|layer| store.layer(layer)).collect();
    store.hold(layers, disk.path())?;
    disk.lay_over(&paths).map_err(CheckpointError::file("make", disk.path()))
}

/// The directory above `home` is its owner's, who could lead a copy elsewhere: it is made where only root writes, and
/// moved.
fn place_home(
    store: &Store,
    id: &str,
    kept: &Kept,
    home: &Path,
    owner: (u32, u32),
) -> Result<(), CheckpointError> {
    let ready = store.layer(&format!("{HIDDEN}new-home-{}", uuid::Uuid::new_v4().simple()));
    let place = || {
        copy(&store.layer(&format!("{id}/home")), &ready)?;
        give(&ready, kept.owner, owner)?;
        match fs::rename(&ready, home) {
            // The cache and the state may be on different file systems.
            Err(error) if error.kind() == std::io::ErrorKind::CrossesDevices => copy(&ready, home),
            result => result,
        }
    };
    let placed = place().map_err(CheckpointError::file("put in place", home));
    let _ = fs::remove_dir_all(&ready);
    placed
}
