//! The directory of kept moments, and which of them somebody still needs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::CheckpointError;
use super::copy::size;
use super::kept::{FORMAT, Kept};
use crate::output::remark;
use crate::private::Directory;
use crate::region::client::Paths;
use crate::region::tree::Launch;

/// Names of unfinished and of doomed moments begin with it.
pub(super) const HIDDEN: char = '.';
/// Names of doomed ones begin with it.
const DOOMED: &str = ".old-";
/// The description, in a moment's directory.
pub(super) const DESCRIPTION: &str = "kept.json";
/// Who is laid over a moment's disks: one file for each, with the path of that disk.
const USERS: &str = "users";

/// All moments of a user's regions.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    /// What names moments, and is the user's, on the host.
    checkpoints: PathBuf,
    /// The user, and the user's group.
    owner: (u32, u32),
    states: PathBuf,
    /// The same on the host.
    states_there: PathBuf,
    /// The region's directory as it is seen from here, and on the host. Other regions lay their disks over the same
    /// moments, and look for each other's by their places on the host.
    region: (PathBuf, PathBuf),
    /// What this daemon's disks stand on.
    world: String,
}

impl Store {
    /// `inside` says where root's directories are seen from here.
    pub(crate) fn new(launch: &Launch, inside: &Paths, world: String) -> Store {
        Store {
            checkpoints: launch.paths.checkpoints(),
            owner: (launch.uid, launch.gid),
            states: inside.states(),
            states_there: launch.paths.states(),
            region: (inside.region(), launch.paths.region()),
            world,
        }
    }

    pub(super) fn world(&self) -> &str {
        &self.world
    }

    /// Make the directory, if need be, and make sure that nobody but root has been in it.
    pub(super) fn open(&self) -> Result<&Path, CheckpointError> {
        let failed = |doing| CheckpointError::file(doing, &self.states);
        if !self.states.exists() {
            fs::create_dir_all(&self.states).map_err(failed("create"))?;
            fs::set_permissions(&self.states, Permissions::from_mode(0o700))
                .map_err(failed("set the mode of"))?;
        }
        let meta = fs::symlink_metadata(&self.states).map_err(failed("look at"))?;
        let own = nix::unistd::Uid::effective().as_raw();
        if !meta.is_dir() || meta.uid() != own || meta.mode() & 0o077 != 0 {
            return Err(failed("trust")(io::Error::other("it is not root's alone")));
        }
        Ok(&self.states)
    }

    /// The same, to move something out of it: two mounts of one directory are two file systems to a move.
    pub(super) fn there(&self) -> Result<Directory, CheckpointError> {
        let own = nix::unistd::Uid::effective().as_raw();
        let opened = Directory::open(&self.states_there).and_then(|directory| directory.of(own));
        opened.map_err(CheckpointError::file("open", &self.states_there))
    }

    /// Where a layer is.
    pub(super) fn layer(&self, name: &str) -> PathBuf {
        self.states.join(name)
    }

    /// The name of the layer at `path`; none if it is no layer of this store.
    pub(super) fn layer_name(&self, path: &Path) -> Option<String> {
        path.strip_prefix(&self.states).ok()?.to_str().map(str::to_owned)
    }

    /// A moment that can be gone back to.
    pub(super) fn kept(&self, id: &str) -> Result<Kept, CheckpointError> {
        let unusable = |reason: String| CheckpointError::Unusable { id: id.to_owned(), reason };
        if !is_id(id) {
            return Err(unusable("that is no name of one".to_owned()));
        }
        self.open()?;
        let kept = self.read(id).map_err(&unusable)?;
        if kept.format != FORMAT {
            return Err(unusable(format!("its format is {}, not {FORMAT}", kept.format)));
        }
        if kept.world != self.world {
            return Err(unusable("its disks are laid over another image".to_owned()));
        }
        if let Some(missing) = kept.disks.values().flatten().find(|layer| !self.layer(layer).is_dir()) {
            return Err(unusable(format!("the layer {missing} is not there")));
        }
        Ok(kept)
    }

    /// The region of a kept lab.
    pub(crate) fn region(&self, id: &str) -> Result<String, CheckpointError> {
        self.kept(id).map(|kept| kept.region)
    }

    fn read(&self, id: &str) -> Result<Kept, String> {
        let text = fs::read(self.states.join(id).join(DESCRIPTION)).map_err(|error| error.to_string())?;
        serde_json::from_slice(&text).map_err(|error| error.to_string())
    }

    /// Note that the disk in `disk` is laid over `layers`: they stay while it is there.
    pub(super) fn hold(&self, layers: &[String], disk: &Path) -> Result<(), CheckpointError> {
        let disk = match disk.strip_prefix(&self.region.0) {
            Ok(below) => self.region.1.join(below),
            Err(_) => disk.to_owned(),
        };
        let name = Sha256::digest(disk.as_os_str().as_encoded_bytes());
        let name: String = name.iter().take(10).map(|byte| format!("{byte:02x}")).collect();
        for moment in layers.iter().filter_map(|layer| layer.split('/').next()) {
            let users = self.states.join(moment).join(USERS);
            fs::create_dir_all(&users).map_err(CheckpointError::file("create", &users))?;
            let file = users.join(&name);
            fs::write(&file, disk.as_os_str().as_encoded_bytes())
                .map_err(CheckpointError::file("write", &file))?;
        }
        Ok(())
    }

    /// Remove every moment that no checkpoint names and no disk is laid over, directly or through another. Returns the
    /// bytes of those that stay. Does nothing while somebody keeps or restores one.
    pub(crate) fn sweep(&self) -> Result<u64, CheckpointError> {
        self.open()?;
        let file = self.lock().map_err(CheckpointError::file("open the lock of", &self.checkpoints))?;
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock);
        let moments = self.moments()?;
        let needed = match lock {
            Ok(_) => needed(&moments, self.named()),
            Err(_) => return Ok(moments.values().filter_map(|(kept, _)| Some(kept.as_ref()?.bytes)).sum()),
        };
        let mut bytes = 0;
        for (name, (kept, _)) in &moments {
            if needed.contains(name) {
                bytes += kept.as_ref().map_or(0, |kept| kept.bytes);
            } else {
                self.discard(name);
            }
        }
        Ok(bytes)
    }

    /// What is there, whether or not it can be read, and whether a disk is laid over it.
    fn moments(&self) -> Result<BTreeMap<String, (Option<Kept>, bool)>, CheckpointError> {
        let entries = fs::read_dir(&self.states).map_err(CheckpointError::file("list", &self.states))?;
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        Ok(names
            .map(|name| {
                let content = (self.read(&name).ok(), self.is_used(&name));
                (name, content)
            })
            .collect())
    }

    fn is_used(&self, id: &str) -> bool {
        let users = fs::read_dir(self.states.join(id).join(USERS)).into_iter().flatten().flatten();
        let mut used = false;
        for user in users {
            let disk = fs::read(user.path()).ok().map(|path| {
                use std::os::unix::ffi::OsStringExt as _;
                PathBuf::from(std::ffi::OsString::from_vec(path))
            });
            if disk.is_some_and(|disk| disk.exists()) {
                used = true;
            } else {
                let _ = fs::remove_file(user.path());
            }
        }
        used
    }

    /// The moments that checkpoints name.
    fn named(&self) -> BTreeSet<String> {
        self.naming().map(|(_, state)| state).collect()
    }

    /// Whether the runner has noted that all of a moment is on the disk.
    pub(super) fn is_synced(&self, id: &str) -> bool {
        self.naming().any(|(checkpoint, state)| state == id && checkpoint.has("synced"))
    }

    /// The runner's part of every checkpoint, with the name of the moment. What is half written has no checkpoint's name
    /// yet: whoever writes it holds the lock, and who was killed at it has left nothing that anybody can use.
    fn naming(&self) -> impl Iterator<Item = (Directory, String)> {
        let users = self.users().ok();
        let names = users.iter().flat_map(|users| users.names().unwrap_or_default());
        let keys: Vec<String> = names.filter(|name| is_key(name)).collect();
        keys.into_iter().filter_map(move |key| {
            let checkpoint = users.as_ref()?.below(&key).ok()?;
            let described: Value = serde_json::from_slice(&checkpoint.read("checkpoint.json").ok()?).ok()?;
            Some((checkpoint, described.get("state")?.as_str()?.to_owned()))
        })
    }

    /// The user's part. Whatever its owner has put there, nothing leads out of it.
    fn users(&self) -> io::Result<Directory> {
        Directory::open(&self.checkpoints)?.of(self.owner.0)
    }

    /// The lock that the runner knows too, and has to be able to open.
    fn lock(&self) -> io::Result<File> {
        let file = self.users()?.write("lock")?;
        fchown(&file, Some(self.owner.0), Some(self.owner.1))?;
        Ok(file)
    }

    /// First out of sight, so that a removal that is cut short leaves nothing that looks whole.
    pub(super) fn discard(&self, name: &str) {
        let mut place = self.states.join(name);
        if !name.starts_with(DOOMED) {
            let doomed = self.states.join(format!("{DOOMED}{}", name.trim_start_matches(HIDDEN)));
            if let Err(error) = fs::rename(&place, &doomed) {
                remark!("checkpoint {name}: remove it: {error}");
                return;
            }
            place = doomed;
        }
        // Thousands of files: nobody waits for that.
        std::thread::spawn(move || match fs::remove_dir_all(&place) {
            // Another is at it.
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                remark!("checkpoint {}: remove it: {error}", place.display());
            }
            _ => {}
        });
    }

    /// What is free on the file system, in bytes.
    pub(super) fn free(&self) -> Result<u64, CheckpointError> {
        let stat = nix::sys::statvfs::statvfs(self.open()?)
            .map_err(|error| CheckpointError::file("look at", &self.states)(error.into()))?;
        Ok(stat.blocks_available() * stat.fragment_size())
    }

    pub(super) fn size(&self, path: &Path) -> Result<u64, CheckpointError> {
        size(path).map_err(CheckpointError::file("measure", path))
    }
}

/// Closes over the layers that others need.
fn needed(moments: &BTreeMap<String, (Option<Kept>, bool)>, named: BTreeSet<String>) -> BTreeSet<String> {
    let used = moments.iter().filter(|(_, (_, used))| *used).map(|(name, _)| name.clone());
    let mut open: Vec<String> = named.into_iter().chain(used).collect();
    let mut needed = BTreeSet::new();
    while let Some(name) = open.pop() {
        if name.starts_with(HIDDEN) || !needed.insert(name.clone()) {
            continue;
        }
        if let Some((Some(kept), _)) = moments.get(&name) {
            open.extend(kept.needed().into_iter().map(str::to_owned));
        }
    }
    needed
}

/// Names become parts of paths.
fn is_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a directory of this name is a whole checkpoint's.
fn is_key(name: &str) -> bool {
    name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::region::checkpoint::sample::{A, B, C, KEY, world};

    #[test]
    fn what_is_named_stays_with_all_that_it_lies_over() {
        let world = world();
        world.moment(A, &[A]);
        world.moment(B, &[B, A]);
        world.moment(C, &[C]);
        fs::create_dir_all(world.store.layer(".new-half")).expect("a leftover");
        world.name(KEY, B);
        assert_eq!(world.store.sweep().expect("sweeps"), 2);
        assert_eq!(world.there(), [A, B]);
    }

    #[test]
    fn what_a_killed_command_has_half_written_names_nothing() {
        let world = world();
        world.moment(A, &[A]);
        world.moment(B, &[B, A]);
        world.name(".new-x7Kq2a", B);
        // While somebody writes, it may be theirs.
        let file = File::create(world.store.checkpoints.join("lock")).expect("a lock");
        let lock = Flock::lock(file, FlockArg::LockSharedNonblock).expect("locks");
        world.store.sweep().expect("looks");
        assert_eq!(world.there(), [A, B]);
        drop(lock);
        assert_eq!(world.store.sweep().expect("sweeps"), 0);
        assert!(world.there().is_empty());
    }

    #[test]
    fn what_a_disk_is_laid_over_stays_until_the_disk_is_gone() {
        let world = world();
        world.moment(A, &[A]);
        let disk = world.directory.path().join("disk");
        fs::create_dir_all(&disk).expect("a disk");
        world.store.hold(&[format!("{A}/disks/i-1")], &disk).expect("noted");
        world.store.sweep().expect("sweeps");
        assert_eq!(world.there(), [A]);
        fs::remove_dir_all(&disk).expect("removed");
        world.store.sweep().expect("sweeps");
        assert!(world.there().is_empty());
    }

    #[test]
    fn nothing_is_swept_while_somebody_keeps_or_restores() {
        let world = world();
        world.moment(A, &[A]);
        let file = File::create(world.store.checkpoints.join("lock")).expect("a lock");
        let lock = Flock::lock(file, FlockArg::LockSharedNonblock).expect("locks");
        assert_eq!(world.store.sweep().expect("looks"), 1);
        assert_eq!(world.there(), [A]);
        drop(lock);
        world.store.sweep().expect("sweeps");
        assert!(world.there().is_empty());
    }

    #[test]
    fn what_is_not_whole_is_not_used() {
        let world = world();
        let good = world.moment(A, &[A]);
        assert!(world.store.kept(A).is_ok());
        for bad in ["", "../../etc", B] {
            assert!(world.store.kept(bad).is_err(), "{bad}");
        }
        world.write(A, &Kept { world: "other".to_owned(), ..good.clone() });
        assert!(world.store.kept(A).is_err(), "over another image");
        world.write(A, &Kept { format: FORMAT + 1, ..good.clone() });
        assert!(world.store.kept(A).is_err(), "of another format");
        fs::write(world.store.layer(A).join(DESCRIPTION), "{\"format\": 1,").expect("written");
        assert!(world.store.kept(A).is_err(), "torn");
        world.write(A, &good);
        fs::remove_dir_all(world.store.layer(A).join("disks")).expect("removed");
        assert!(world.store.kept(A).is_err(), "without its disk");
    }

    #[test]
    fn a_directory_that_others_can_enter_is_not_trusted() {
        let world = world();
        world.moment(A, &[A]);
        fs::set_permissions(&world.store.states, Permissions::from_mode(0o755)).expect("a mode");
        assert!(world.store.kept(A).is_err());
    }
}
