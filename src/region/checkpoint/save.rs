//! Keeps a moment of a running lab.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::CheckpointError;
use super::copy::copy;
use super::difference::{self, Seen};
use super::kept::{FORMAT, Kept};
use super::store::{DESCRIPTION, HIDDEN, Store};
use crate::private::Directory;
use crate::region::guest::Disk;
use crate::region::model::Account;
use crate::region::tree::{Cgroup, replace, show};

/// So much must be free afterwards: images, packages and running labs need room more.
const SPARE: u64 = 2 << 30;

/// Where so much is free, nobody has to measure disks before they are copied.
const PLENTY: u64 = 16 << 30;
/// A disk over more layers than this is copied whole the next time.
const MOST_LAYERS: usize = 24;

/// A lab that is to be kept.
pub(crate) struct Subject {
    pub region: String,
    pub owner: (u32, u32),
    /// The account's number as its answers show it.
    pub number: String,
    /// The laptop's home directory on the host.
    pub home: PathBuf,
    /// By instance id: the disk, and the group of the processes that write to it.
    pub machines: BTreeMap<String, (Disk, Cgroup)>,
}

/// What came of it.
pub(crate) struct Saved {
    pub id: String,
    pub bytes: u64,
    /// How long the instances stood still.
    pub frozen: Duration,
}

/// Copy everything while the machines stand still; `account` is asked for the control plane's part then.
pub(crate) fn save(
    store: &Store,
    subject: &Subject,
    account: impl FnOnce() -> Option<Account>,
) -> Result<Saved, CheckpointError> {
    let states = store.open()?;
    let free = store.free()?;
    let mut needed = SPARE;
    if free < PLENTY {
        for (disk, _) in subject.machines.values().filter(|(disk, _)| disk.upper().exists()) {
            needed += store.size(&disk.upper())?;
        }
    }
    if free < needed {
        return Err(CheckpointError::NoSpace { free_mib: free >> 20, place: states.to_owned() });
    }
    let id = uuid::Uuid::new_v4().simple().to_string();
    let half = states.join(format!("{HIDDEN}new-{id}"));
    fs::create_dir_all(half.join("disks")).map_err(CheckpointError::file("create", &half))?;
    let kept = fill(store, subject, account, &id, &half);
    let (bytes, frozen) = match kept {
        Ok(kept) => kept,
        Err(error) => {
            store.discard(&format!("{HIDDEN}new-{id}"));
            return Err(error);
        }
    };
    fs::rename(&half, states.join(&id)).map_err(CheckpointError::file("rename", &half))?;
    Ok(Saved { id, bytes, frozen })
}

fn fill(
    store: &Store,
    subject: &Subject,
    account: impl FnOnce() -> Option<Account>,
    id: &str,
    half: &Path,
) -> Result<(u64, Duration), CheckpointError> {
    let begun = Instant::now();
    let mut still = Vec::new();
    for (_, group) in subject.machines.values() {
        still.push(group.freeze().map_err(CheckpointError::file("freeze", group.path()))?);
    }
    let account = account().ok_or_else(|| CheckpointError::Unusable {
        id: id.to_owned(),
        reason: "its lab is gone".to_owned(),
    })?;
    let boot = this_boot();
    let (mut disks, mut seen) = (BTreeMap::new(), Vec::new());
    for (instance, (disk, _)) in &subject.machines {
        let upper = disk.upper();
        // An instance that was asked for at the last moment has no disk yet, and will get one.
        if !upper.exists() {
            continue;
        }
        let former = former(store, disk, &boot);
        let mut layers = vec![format!("{id}/disks/{instance}")];
        match &former {
            Some(former) => layers.extend(former.layers.iter().cloned()),
            None => layers.extend(below(store, disk, id)?),
        }
        let to = half.join("disks").join(instance);
        let now = difference::copy(&upper, former.as_ref(), &to);
        let now = now.map_err(CheckpointError::file("copy", &upper))?;
        seen.push((disk.kept(), now.kept_as(layers.clone(), &boot)));
        disks.insert(instance.clone(), layers);
    }
    copy_home(subject, &half.join("home")).map_err(CheckpointError::file("copy", &subject.home))?;
    drop(still);
    let frozen = begun.elapsed();
    let bytes = store.size(half)?;
    let kept = Kept {
        format: FORMAT,
        world: store.world().to_owned(),
        number: subject.number.clone(),
        region: subject.region.clone(),
        owner: subject.owner,
        account,
        disks,
        bytes,
    };
    let file = half.join(DESCRIPTION);
    let text =
        serde_json::to_vec(&kept).map_err(|error| CheckpointError::file("write", &file)(error.into()))?;
    fs::write(&file, text).map_err(CheckpointError::file("write", &file))?;
    for (file, seen) in seen {
        // Without it the next copy is of everything.
        let _ = serde_json::to_vec(&seen).map(|text| replace(&file, &text));
    }
    Ok((bytes, frozen))
}

/// The directory is its owner's, who may change it at this moment: root follows no link in it.
fn copy_home(subject: &Subject, to: &Path) -> io::Result<()> {
    let home = show(&Directory::open(&subject.home)?.of(subject.owner.0)?)?;
    copy(home.path(), to)
}

/// What the disk held when it was last kept, if that is still there to be built upon. Where the machine went down before
/// all of it was on the disk, the uppermost layer may have lost some; those below were good when it was put over them.
fn former(store: &Store, disk: &Disk, boot: &str) -> Option<Seen> {
    let seen: Seen = serde_json::from_slice(&fs::read(disk.kept()).ok()?).ok()?;
    let is_there = |layer: &String| store.layer(layer).is_dir();
    let last = seen.layers.first()?.split('/').next()?;
    let is_whole = (!boot.is_empty() && seen.boot == boot) || store.is_synced(last);
    (is_whole && seen.layers.len() < MOST_LAYERS && seen.layers.iter().all(is_there)).then_some(seen)
}

/// The kernel's id of this boot of the machine; empty where it tells none.
fn this_boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// The layers that the disk was laid over when it was made.
fn below(store: &Store, disk: &Disk, id: &str) -> Result<Vec<String>, CheckpointError> {
    let layers = disk.layers().map_err(CheckpointError::file("read the layers of", disk.path()))?;
    let name = |layer: PathBuf| {
        store.layer_name(&layer).ok_or_else(|| CheckpointError::Unusable {
            id: id.to_owned(),
            reason: format!("{} is no layer of this store", layer.display()),
        })
    };
    layers.into_iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::checkpoint::sample::{A, B, KEY, world};

    #[test]
    fn what_may_not_have_reached_the_disk_is_no_base_for_more() {
        let world = world();
        world.moment(A, &[A]);
        world.moment(B, &[B, A]);
        let disk = Disk::at(world.directory.path().join("disk"));
        disk.lay_over(&[]).expect("a disk");
        let layers = vec![format!("{B}/disks/i-1"), format!("{A}/disks/i-1")];
        let seen = Seen::default().kept_as(layers.clone(), "one");
        fs::write(disk.kept(), serde_json::to_vec(&seen).expect("serialises")).expect("written");
        let base = |boot| former(&world.store, &disk, boot).map(|seen| seen.layers);
        assert_eq!(base("one"), Some(layers.clone()), "nothing has happened since");
        assert_eq!(base("two"), None, "nobody knows");
        let checkpoint = world.name(KEY, B);
        assert_eq!(base("two"), None, "not noted");
        fs::write(checkpoint.join("synced"), "").expect("written");
        assert_eq!(base("two"), Some(layers), "it was on the disk");
        world.name(KEY, A);
        assert_eq!(base("two"), None, "that is said of another");
        // What an older program wrote tells no boot.
        let seen = seen.kept_as(vec![format!("{B}/disks/i-1")], "");
        fs::write(disk.kept(), serde_json::to_vec(&seen).expect("serialises")).expect("written");
        assert_eq!(base(""), None);
    }
}
