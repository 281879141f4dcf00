//! Makes the disks and the home directory of a lab that goes on from a kept moment.

use std::fs;
use std::path::Path;

use super::CheckpointError;
use super::copy::{copy, give};
use super::kept::Kept;
use super::store::{HIDDEN, Store};
use crate::output::remark;
use crate::private::Directory;
use crate::region::guest::Disk;
use crate::region::model::{Account, CheckStatus, InstanceState};
use crate::region::tree::show;

/// What the control plane has to take up.
pub(crate) struct Restored {
    /// As it was kept, with its number.
    pub account: Account,
    /// Instances that ran and had passed their checks.
    pub running: Vec<String>,
    /// What was laid for its instances.
    pub disks: Vec<Disk>,
}

/// Lay a new disk over each kept one, and put the home directory in its place. `disk` tells where an instance's disk
/// goes; `home` must not be there, and gets the owner `owner`. Where that fails no disk is left: it would keep all layers
/// below it from being swept.
pub(crate) fn restore(
    store: &Store,
    id: &str,
    disk: impl Fn(&str) -> Disk,
    home: &Path,
    owner: (u32, u32),
) -> Result<Restored, CheckpointError> {
    let kept = store.kept(id)?;
    let mut disks = Vec::new();
    let mut place = || {
        for (instance, layers) in &kept.disks {
            disks.push(disk(instance));
            lay(store, layers, &disk(instance))?;
        }
        place_home(store, id, &kept, home, owner)
    };
    if let Err(error) = place() {
        remove(&disks);
        return Err(error);
    }
    let Kept { mut account, number, .. } = kept;
    account.number = Some(number);
    let running = account.regions.values().flat_map(|region| &region.instances);
    let running = running
        .filter(|i| i.state == InstanceState::Running && i.guest.check == CheckStatus::Ok)
        .map(|i| i.id.clone())
        .collect();
    Ok(Restored { account, running, disks })
}

/// Remove disks over which no system ever ran.
pub(crate) fn remove(disks: &[Disk]) {
    for disk in disks {
        if let Err(error) = disk.remove() {
            // The next daemon removes it: no instance has it.
            remark!("disk {}: remove it: {error}", disk.path().display());
        }
    }
}

fn lay(store: &Store, layers: &[String], disk: &Disk) -> Result<(), CheckpointError> {
    let paths: Vec<_> = layers.iter().map(|layer| store.layer(layer)).collect();
    store.hold(layers, disk.path())?;
    disk.lay_over(&paths).map_err(CheckpointError::file("make", disk.path()))
}

/// The directory above `home` is its owner's, who could lead a copy elsewhere: it is made where only root writes, and
/// moved into the one that was there when we looked.
fn place_home(
    store: &Store,
    id: &str,
    kept: &Kept,
    home: &Path,
    owner: (u32, u32),
) -> Result<(), CheckpointError> {
    let name = format!("{HIDDEN}new-home-{}", uuid::Uuid::new_v4().simple());
    let ready = store.layer(&name);
    let states = store.there()?;
    let place = || {
        copy(&store.layer(&format!("{id}/home")), &ready)?;
        give(&ready, kept.owner, owner)?;
        let lab = Directory::open(home.parent().unwrap_or(home))?.of(owner.0)?;
        let own = home.file_name().and_then(|own| own.to_str()).unwrap_or_default();
        match states.hand_over(&name, &lab, own) {
            // The cache and the state may be on different file systems.
            Err(error) if error.kind() == std::io::ErrorKind::CrossesDevices => {
                let lab = show(&lab)?;
                copy(&ready, &lab.path().join(own))
            }
            result => result,
        }
    };
    let placed = place().map_err(CheckpointError::file("put in place", home));
    let _ = fs::remove_dir_all(&ready);
    placed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::checkpoint::sample::{A, World, world};

    /// Goes back to the moment `A` of two disks. Answers whether that worked, and what is there of the disks.
    fn restored(world: &World) -> (bool, Vec<String>) {
        let own = (nix::unistd::Uid::effective().as_raw(), nix::unistd::Gid::effective().as_raw());
        let guests = world.directory.path().join("guests");
        let disk = |id: &str| Disk::at(guests.join(id));
        let done = restore(&world.store, A, disk, &world.directory.path().join("home"), own);
        let entries = fs::read_dir(&guests).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        (done.is_ok(), names)
    }

    fn two_disks() -> World {
        let world = world();
        let mut kept = world.moment(A, &[A]);
        fs::create_dir_all(world.store.layer(&format!("{A}/disks/i-2"))).expect("a layer");
        kept.disks.insert("i-2".to_owned(), vec![format!("{A}/disks/i-2")]);
        world.write(A, &kept);
        world
    }

    #[test]
    fn without_a_home_directory_no_disk_is_left() {
        let world = two_disks();
        assert_eq!(restored(&world), (false, vec![]));
        assert_eq!(world.store.sweep().expect("sweeps"), 0, "nothing lies over it");
        assert!(world.there().is_empty());
    }

    #[test]
    fn when_one_disk_fails_the_others_go() {
        let world = two_disks();
        fs::create_dir_all(world.store.layer(&format!("{A}/home"))).expect("a directory");
        // What stands in the second one's place cannot be removed as a disk is.
        let guests = world.directory.path().join("guests");
        fs::create_dir_all(&guests).expect("a directory");
        fs::write(guests.join("i-2"), "no directory").expect("written");
        assert_eq!(restored(&world), (false, vec!["i-2".to_owned()]));
        fs::remove_file(guests.join("i-2")).expect("removed");
        assert_eq!(restored(&world), (true, vec!["i-1".to_owned(), "i-2".to_owned()]));
    }
}
