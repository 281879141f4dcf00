//! Keeps a moment of a running lab.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::CheckpointError;
use super::copy::copy;
use super::kept::{FORMAT, Kept};
use super::store::{DESCRIPTION, HIDDEN, Store};
use crate::region::guest::Disk;
use crate::region::model::Account;
use crate::region::tree::Cgroup;

/// So much must be free afterwards: images, packages and running labs need room more.
const SPARE: u64 = 2 << 30;

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
    for (disk, _) in subject.machines.values().filter(|(disk, _)| disk.upper().exists()) {
        needed += store.size(&disk.upper())?;
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
    let mut disks = BTreeMap::new();
    for (instance, (disk, _)) in &subject.machines {
        let upper = disk.upper();
        // An instance that was asked for at the last moment has no disk yet, and will get one.
        if !upper.exists() {
            continue;
        }
        let own = format!("{id}/disks/{instance}");
        copy(&upper, &half.join("disks").join(instance)).map_err(CheckpointError::file("copy", &upper))?;
        let mut layers = vec![own];
        for below in disk.layers().map_err(CheckpointError::file("read the layers of", &upper))? {
            let name = store.layer_name(&below);
            layers.push(name.ok_or_else(|| CheckpointError::Unusable {
                id: id.to_owned(),
                reason: format!("{} is no layer of this store", below.display()),
            })?);
        }
        disks.insert(instance.clone(), layers);
    }
    copy(&subject.home, &half.join("home")).map_err(CheckpointError::file("copy", &subject.home))?;
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
    Ok((bytes, frozen))
}
