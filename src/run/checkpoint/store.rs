//! The directory of checkpoints: the runner's part of each, found by key.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use jiff::Timestamp;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use super::{Key, Results};
use crate::name::{LessonId, Os};
use crate::private;
use crate::run::lab::Lab;

/// The file that makes a directory a checkpoint. The region's daemon reads `state` in it.
const MANIFEST: &str = "checkpoint.json";
/// Its time is when the checkpoint was last of use.
const USED: &str = "used";
/// Written when everything of the checkpoint has reached the disk.
const SYNCED: &str = "synced";
/// Names of unfinished ones begin with it.
const HALF: &str = ".new-";

/// What a checkpoint says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The lesson that had just ended.
    pub lesson: LessonId,
    /// When that was.
    pub at: Timestamp,
    pub os: Os,
    /// The region's name.
    pub region: String,
    /// What the cloud calls its part.
    pub state: String,
    /// What that part takes on the disk.
    pub bytes: u64,
    /// The value of the tag `lab:session` in it.
    pub session: String,
    /// The machine's boot, by the kernel's id of it. Copies reach the disk some time later; a power cut before that
    /// would leave half of them.
    pub boot: String,
}

impl Manifest {
    /// The kernel's id of this boot of the machine.
    pub fn this_boot() -> String {
        fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
    }
}

/// A checkpoint that is there.
#[derive(Debug, Clone)]
pub struct Entry {
    pub key: Key,
    pub manifest: Manifest,
    pub results: Results,
    path: PathBuf,
}

/// One checkpoint among those to choose from when there is too little room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    pub key: Key,
    pub bytes: u64,
    pub used: SystemTime,
}

/// Held while a checkpoint is made or gone back to: nobody takes its parts away meanwhile.
#[derive(Debug)]
pub struct Hold(#[expect(dead_code, reason = "held until it is dropped")] Flock<File>);

/// All checkpoints of a user.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Those in this directory.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Keeps others from removing anything until the answer is dropped.
    ///
    /// # Errors
    /// As the file system says.
    pub fn hold(&self) -> io::Result<Hold> {
        Flock::lock(self.lock()?, FlockArg::LockShared).map(Hold).map_err(|(_, errno)| errno.into())
    }

    /// The checkpoint with this key; `None` when there is none.
    ///
    /// # Errors
    /// When there is one that cannot be read.
    pub fn find(&self, key: &Key) -> io::Result<Option<Entry>> {
        let path = self.root.join(key.as_str());
        let text = match fs::read(path.join(MANIFEST)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        let manifest: Manifest = serde_json::from_slice(&text)?;
        if manifest.boot != Manifest::this_boot() && !path.join(SYNCED).exists() {
            return Err(io::Error::other("the machine went down before all of it was on the disk"));
        }
        let results = Results::read(&path.join(Lab::RESULTS))?;
        Ok(Some(Entry { key: key.clone(), manifest, results, path }))
    }

    /// Whether there is something with this key.
    pub fn has(&self, key: &Key) -> bool {
        self.root.join(key.as_str()).join(MANIFEST).exists()
    }

    /// Adds the runner's part of a lab, whole or not at all. One that is there is replaced. Under a hold that is older
    /// than the cloud's part: until the last step nothing names that.
    ///
    /// # Errors
    /// As the file system says.
    pub fn add(&self, key: &Key, lab: &Lab, manifest: &Manifest) -> io::Result<()> {
        let half = private::temporary(&self.root, HALF)?;
        for name in Lab::KEPT {
            copy(&lab.path().join(name), &half.path().join(name))?;
        }
        private::create_anew(&half.path().join(USED))?;
        let mut file = private::create_anew(&half.path().join(MANIFEST))?;
        file.write_all(&serde_json::to_vec_pretty(manifest)?)?;
        file.sync_all()?;
        let place = self.root.join(key.as_str());
        if place.exists() {
            self.remove(key)?;
        }
        fs::rename(half.keep(), &place)?;
        sync_later(&place);
        Ok(())
    }

    /// Notes that a checkpoint was of use.
    pub fn touch(&self, key: &Key) {
        // Whose time cannot be set is removed a little early.
        let _ = fs::write(self.root.join(key.as_str()).join(USED), "");
    }

    /// Removes the runner's part; the cloud's goes when it is swept. Under a hold, so that nobody tidies meanwhile.
    ///
    /// # Errors
    /// As the file system says.
    pub fn remove(&self, key: &Key) -> io::Result<()> {
        let doomed = private::temporary(&self.root, HALF)?;
        fs::rename(self.root.join(key.as_str()), doomed.path().join("old"))?;
        doomed.close()
    }

    /// All that are there.
    pub fn list(&self) -> Vec<Usage> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let key = Key::parse(entry.file_name().to_str()?)?;
                let text = fs::read(entry.path().join(MANIFEST)).ok();
                let manifest = text.and_then(|text| serde_json::from_slice::<Manifest>(&text).ok());
                let used = fs::metadata(entry.path().join(USED)).and_then(|meta| meta.modified());
                // What cannot be read is the first to go.
                Some(Usage {
                    key,
                    bytes: manifest.as_ref().map_or(0, |manifest| manifest.bytes),
                    used: used.ok().filter(|_| manifest.is_some()).unwrap_or(SystemTime::UNIX_EPOCH),
                })
            })
            .collect()
    }

    /// Removes what a command that was killed has left half done. Does nothing while somebody is at work
    /// ([`Store::hold`]): what is half done is theirs perhaps.
    ///
    /// # Errors
    /// When the lock cannot be opened.
    pub fn tidy(&self) -> io::Result<()> {
        let Ok(_lock) = Flock::lock(self.lock()?, FlockArg::LockExclusiveNonblock) else { return Ok(()) };
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(HALF)) {
            // The next one tries again.
            let _ = fs::remove_dir_all(entry.path());
        }
        Ok(())
    }

    /// The lock's file, in a directory that is made if need be.
    fn lock(&self) -> io::Result<File> {
        private::directory(&self.root)?;
        private::open(&self.root.join("lock"))
    }
}

impl Entry {
    /// Gives a new lab what the runner knew then. Under a hold, which keeps the cloud's part where it is.
    ///
    /// # Errors
    /// As the file system says, and when the checkpoint is another by now, or gone: it may have been replaced since it
    /// was found, and its two parts are good only together.
    pub fn fill(&self, lab: &mut Lab) -> io::Result<()> {
        for name in Lab::KEPT {
            copy(&self.path.join(name), &lab.path().join(name))?;
        }
        let now: Manifest = match fs::read(self.path.join(MANIFEST)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(io::Error::other("it was removed in the meantime"));
            }
            text => serde_json::from_slice(&text?)?,
        };
        if now != self.manifest {
            return Err(io::Error::other("it was made anew in the meantime"));
        }
        lab.state.session = self.manifest.session.clone();
        Ok(())
    }
}

/// Sees to it that everything reaches the disk, and that this is noted then. Nobody waits for it, neither this process nor
/// the region's: a program of its own does.
fn sync_later(checkpoint: &Path) {
    let mut command = Command::new("sh");
    command.args(["-c", "umask 077; sync -f \"$1\" && : > \"$1/$2\"", "sync"]).arg(checkpoint).arg(SYNCED);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    // Without it the checkpoint is good until the machine goes down.
    if let Ok(mut child) = command.spawn() {
        std::thread::spawn(move || child.wait());
    }
}

/// Which checkpoints are to go so that all take at most `limit` bytes: those that were of use longest ago, never those
/// in `keep`.
pub fn doomed(mut all: Vec<Usage>, limit: u64, keep: &BTreeSet<Key>) -> Vec<Key> {
    all.sort_by(|a, b| (a.used, &a.key).cmp(&(b.used, &b.key)));
    let mut total: u64 = all.iter().map(|usage| usage.bytes).sum();
    let mut doomed = Vec::new();
    for usage in all.into_iter().filter(|usage| !keep.contains(&usage.key)) {
        if total <= limit {
            break;
        }
        total -= usage.bytes;
        doomed.push(usage.key);
    }
    doomed
}

/// Copies a file or a directory of files, if it is there.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return fs::copy(from, to).map(drop),
        Err(error) => return Err(error),
    };
    fs::create_dir_all(to)?;
    for entry in entries {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::run::lab::{CloudKind, LabState};

    fn key(n: u8) -> Key {
        Key::parse(&format!("{n:040x}")).expect("a key")
    }

    fn manifest(lab: &Lab) -> Manifest {
        Manifest {
            lesson: LessonId::new("01-a").expect("valid"),
            at: Timestamp::UNIX_EPOCH,
            os: Os::Debian,
            region: "us-east-1".to_owned(),
            state: "s".to_owned(),
            bytes: 5,
            session: lab.state.session.clone(),
            boot: Manifest::this_boot(),
        }
    }

    fn lab(path: &Path) -> Lab {
        let fresh =
            || LabState::new("default", CloudKind::Local, "us-east-1", Os::Debian, Path::new("lessons"));
        Lab::open(path, fresh).expect("opens")
    }

    #[test]
    fn a_new_lab_gets_what_another_knew() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::new(directory.path().join("checkpoints"));
        let _hold = store.hold().expect("holds");
        let one = lab(&directory.path().join("one"));
        one.save_laptop_state("A=1").expect("saves");
        assert!(store.find(&key(1)).expect("reads").is_none());
        store.add(&key(1), &one, &manifest(&one)).expect("adds");
        store.add(&key(1), &one, &manifest(&one)).expect("replaces");
        let entry = store.find(&key(1)).expect("reads").expect("is there");
        let mut two = lab(&directory.path().join("two"));
        entry.fill(&mut two).expect("fills");
        assert_eq!(two.laptop_state().as_deref(), Some("A=1"));
        assert_eq!(two.state.session, one.state.session);
        assert_eq!(store.list().len(), 1);
        store.remove(&key(1)).expect("removes");
        assert!(store.find(&key(1)).expect("reads").is_none() && store.list().is_empty());
    }

    #[test]
    fn what_is_half_written_or_torn_is_never_found_whole() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::new(directory.path().to_owned());
        fs::create_dir_all(directory.path().join(".new-abc")).expect("a leftover");
        fs::write(directory.path().join(".new-abc").join(MANIFEST), "{}").expect("written");
        fs::create_dir_all(directory.path().join(key(1).as_str())).expect("a directory");
        assert!(store.find(&key(1)).expect("reads").is_none(), "no manifest");
        fs::write(directory.path().join(key(1).as_str()).join(MANIFEST), "{\"lesson\"").expect("written");
        assert!(store.find(&key(1)).is_err(), "torn");
        assert_eq!(store.list().len(), 1);
        let hold = store.hold().expect("holds");
        store.tidy().expect("looks");
        assert!(directory.path().join(".new-abc").exists(), "it may be the work of whoever holds");
        drop(hold);
        store.tidy().expect("tidies");
        assert!(!directory.path().join(".new-abc").exists());
        assert_eq!(store.list().len(), 1);
    }

    #[test]
    fn a_lab_of_two_checkpoints_halves_is_never_made() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::new(directory.path().join("checkpoints"));
        let _hold = store.hold().expect("holds");
        let one = lab(&directory.path().join("one"));
        one.save_laptop_state("A=1").expect("saves");
        store.add(&key(1), &one, &manifest(&one)).expect("adds");
        let found = store.find(&key(1)).expect("reads").expect("is there");
        // Another command makes the same state anew; the cloud's part has another name.
        store.add(&key(1), &one, &Manifest { state: "t".to_owned(), ..manifest(&one) }).expect("replaces");
        let error = found.fill(&mut lab(&directory.path().join("two"))).expect_err("it is another");
        assert!(error.to_string().contains("made anew"), "{error}");
        let found = store.find(&key(1)).expect("reads").expect("is there");
        found.fill(&mut lab(&directory.path().join("three"))).expect("it is the same");
        store.remove(&key(1)).expect("removes");
        let error = found.fill(&mut lab(&directory.path().join("four"))).expect_err("it is gone");
        assert!(error.to_string().contains("removed"), "{error}");
    }

    #[test]
    fn what_may_never_have_reached_the_disk_is_not_used() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::new(directory.path().join("checkpoints"));
        let _hold = store.hold().expect("holds");
        let one = lab(&directory.path().join("one"));
        let manifest = Manifest { boot: "before".to_owned(), ..manifest(&one) };
        store.add(&key(1), &one, &manifest).expect("adds");
        let synced = store.root.join(key(1).as_str()).join(SYNCED);
        while !synced.exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(store.find(&key(1)).is_ok());
        fs::remove_file(&synced).expect("removed");
        assert!(store.find(&key(1)).is_err());
    }

    #[test]
    fn the_least_recently_used_go_first_and_the_courses_own_stay() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let all: Vec<Usage> =
            (1..=4).map(|n| Usage { key: key(n), bytes: 10, used: at(100 - u64::from(n)) }).collect();
        let keep = BTreeSet::from([key(4)]);
        assert_eq!(doomed(all.clone(), 40, &keep), []);
        assert_eq!(doomed(all.clone(), 39, &keep), [key(3)]);
        assert_eq!(doomed(all.clone(), 15, &keep), [key(3), key(2), key(1)]);
        assert_eq!(doomed(all, 0, &(1..=4).map(key).collect()), []);
    }
}
