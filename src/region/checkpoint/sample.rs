//! A store with moments to test with.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::kept::{FORMAT, Kept};
use super::store::{DESCRIPTION, HIDDEN, Store};
use crate::region::client::Paths;
use crate::region::limits::Report;
use crate::region::tree::Launch;

/// Names of moments.
pub(super) const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub(super) const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
pub(super) const C: &str = "cccccccccccccccccccccccccccccccc";
/// The name of a checkpoint.
pub(super) const KEY: &str = "0123456789abcdef0123456789abcdef01234567";

pub(super) struct World {
    pub directory: tempfile::TempDir,
    pub store: Store,
    checkpoints: PathBuf,
}

pub(super) fn world() -> World {
    let directory = tempfile::tempdir().expect("a directory");
    let paths = Paths { state: directory.path().join("state"), cache: directory.path().join("cache") };
    fs::create_dir_all(paths.checkpoints()).expect("a directory");
    let (uid, gid) = (nix::unistd::Uid::effective().as_raw(), nix::unistd::Gid::effective().as_raw());
    let launch = Launch { paths: paths.clone(), uid, gid, limits: Report::default() };
    let store = Store::new(&launch, &paths, "world".to_owned());
    store.open().expect("opens");
    World { directory, store, checkpoints: paths.checkpoints() }
}

impl World {
    /// A moment whose one disk has these layers.
    pub fn moment(&self, id: &str, layers: &[&str]) -> Kept {
        let disks = layers.iter().map(|moment| format!("{moment}/disks/i-1")).collect();
        let kept = Kept {
            format: FORMAT,
            world: "world".to_owned(),
            number: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
            owner: (0, 0),
            account: crate::region::model::Account::default(),
            disks: BTreeMap::from([("i-1".to_owned(), disks)]),
            bytes: 1,
        };
        fs::create_dir_all(self.store.layer(&format!("{id}/disks/i-1"))).expect("a layer");
        self.write(id, &kept);
        kept
    }

    /// Describes the moment anew.
    pub fn write(&self, id: &str, kept: &Kept) {
        let text = serde_json::to_vec(kept).expect("serialises");
        fs::write(self.store.layer(id).join(DESCRIPTION), text).expect("written");
    }

    /// A runner's part in a directory of this name; answers the directory.
    pub fn name(&self, checkpoint: &str, id: &str) -> PathBuf {
        let directory = self.checkpoints.join(checkpoint);
        fs::create_dir_all(&directory).expect("a directory");
        fs::write(directory.join("checkpoint.json"), format!("{{\"state\": \"{id}\"}}")).expect("written");
        directory
    }

    /// The moments that are not on their way out.
    pub fn there(&self) -> Vec<String> {
        let entries = fs::read_dir(self.store.layer("")).expect("lists").flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<_> = names.filter(|name| !name.starts_with(HIDDEN)).collect();
        names.sort();
        names
    }
}
