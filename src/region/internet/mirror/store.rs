//! The files of the archive that have been fetched, by their paths.
//!
//! Several daemons may share the directory: files come into it by being renamed, whole, and nothing is changed in
//! place. A file's time is the archive's, which is what tells whether there is a newer one.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

use super::link::{Link, Order, Outcome};
use super::path::ArchivePath;
use crate::output::remark;

/// An index that was looked at is taken for the newest so long.
const FRESH: Duration = Duration::from_secs(300);
/// A file that was not there is not asked for again so soon.
const MISSING: Duration = Duration::from_secs(60);
/// Nor is an archive that could not be reached.
const UNREACHABLE: Duration = Duration::from_secs(15);
/// Files of a download that was broken off are removed when they are so old.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// Why a file is not there.
#[derive(Debug, thiserror::Error)]
pub(super) enum Miss {
    /// The archive does not have it.
    #[error("find the file in the archive")]
    NoSuchFile,
    /// We do not have it, and the archive cannot be asked.
    #[error(
        "reach the package archive, and the file is not in the cache (hint: `lab prepare` while online): {0}"
    )]
    Unreachable(String),
    #[error("keep the file in the cache")]
    Disk(#[source] io::Error),
}

/// The directory, and what is known about the archive at this moment.
#[derive(Debug)]
pub(super) struct Store {
    directory: PathBuf,
    link: Link,
    known: Mutex<Known>,
    /// How many want nothing to be fetched.
    offline: Arc<AtomicUsize>,
}

/// While it is there, the mirror asks nobody.
#[derive(Debug)]
pub(crate) struct Offline(Arc<AtomicUsize>);

impl Drop for Offline {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Debug, Default)]
struct Known {
    /// One lock a path, so that no file is fetched twice at the same time.
    locks: HashMap<ArchivePath, Arc<tokio::sync::Mutex<()>>>,
    looked_at: HashMap<ArchivePath, Instant>,
    missing: HashMap<ArchivePath, Instant>,
    unreachable: Option<(Instant, String)>,
    orders: u64,
}

/// Where files are while they come.
pub(super) fn partial(directory: &Path) -> PathBuf {
    directory.join(".partial")
}

/// A name that no other process uses.
pub(super) fn partial_name() -> String {
    format!("{:016x}", rand::random::<u64>())
}

impl Store {
    pub(super) fn new(directory: PathBuf, link: Link) -> Store {
        sweep(&partial(&directory));
        Store { directory, link, known: Mutex::default(), offline: Arc::default() }
    }

    pub(super) fn offline(&self) -> Offline {
        self.offline.fetch_add(1, Ordering::SeqCst);
        Offline(Arc::clone(&self.offline))
    }

    /// The file on disk, fetched or brought up to date if need be.
    pub(super) async fn get(&self, path: &ArchivePath) -> Result<PathBuf, Miss> {
        let place = self.directory.join(path.as_str());
        if path.is_immutable() && place.exists() {
            return Ok(place);
        }
        let lock = Arc::clone(self.known().locks.entry(path.clone()).or_default());
        let held = lock.lock().await;
        let found = self.get_alone(path, &place).await;
        drop(held);
        let mut known = self.known();
        // Ours and the table's: nobody else waits for it.
        if Arc::strong_count(&lock) == 2 {
            known.locks.remove(path);
        }
        found.map(|()| place)
    }

    async fn get_alone(&self, path: &ArchivePath, place: &Path) -> Result<(), Miss> {
        let have = place.metadata().ok();
        if have.is_some() && (path.is_immutable() || self.known().is_fresh(path)) {
            return Ok(());
        }
        if self.known().is_missing(path) {
            return Err(Miss::NoSuchFile);
        }
        let since = have.as_ref().and_then(|have| have.modified().ok()).and_then(http_date);
        match self.fetch(path, place, since).await? {
            Outcome::Fetched | Outcome::Unchanged => {
                self.known().looked_at.insert(path.clone(), Instant::now());
                Ok(())
            }
            Outcome::Missing => {
                self.known().missing.insert(path.clone(), Instant::now());
                Err(Miss::NoSuchFile)
            }
            // An old index is better than none: its packages are in the cache, too.
            Outcome::Failed(_) if have.is_some() => Ok(()),
            Outcome::Failed(reason) => Err(Miss::Unreachable(reason)),
        }
    }

    async fn fetch(&self, path: &ArchivePath, place: &Path, since: Option<String>) -> Result<Outcome, Miss> {
        if self.offline.load(Ordering::SeqCst) > 0 {
            return Ok(Outcome::Failed("somebody rehearses being offline".to_owned()));
        }
        let id = {
            let mut known = self.known();
            if let Some((at, reason)) = &known.unreachable
                && at.elapsed() < UNREACHABLE
            {
                return Ok(Outcome::Failed(reason.clone()));
            }
            known.orders += 1;
            known.orders
        };
        let partial = partial(&self.directory);
        fs::create_dir_all(&partial).map_err(Miss::Disk)?;
        let to = partial_name();
        let file = partial.join(&to);
        let order = Order { id, path: path.as_str().to_owned(), to, since };
        let outcome = self.link.fetch(order).await;
        match &outcome {
            Outcome::Fetched => {
                if let Some(directory) = place.parent() {
                    fs::create_dir_all(directory).map_err(Miss::Disk)?;
                }
                fs::rename(&file, place).map_err(Miss::Disk)?;
                self.known().unreachable = None;
            }
            Outcome::Failed(reason) => {
                remark!("internet: package mirror: {}: {reason}", path.as_str());
                self.known().unreachable = Some((Instant::now(), reason.clone()));
            }
            Outcome::Unchanged | Outcome::Missing => {}
        }
        // What has not been renamed is of no use.
        let _ = fs::remove_file(&file);
        Ok(outcome)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn is_fresh(&self, path: &ArchivePath) -> bool {
        self.looked_at.get(path).is_some_and(|at| at.elapsed() < FRESH)
    }

    fn is_missing(&self, path: &ArchivePath) -> bool {
        self.missing.get(path).is_some_and(|at| at.elapsed() < MISSING)
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
fn http_date(time: SystemTime) -> Option<String> {
    let time = Timestamp::try_from(time).ok()?;
    Some(time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

fn sweep(partial: &Path) {
    let Ok(entries) = fs::read_dir(partial) else { return };
    for entry in entries.flatten() {
        let age =
            entry.metadata().and_then(|file| file.modified()).map(|time| time.elapsed().unwrap_or_default());
        if age.is_ok_and(|age| age > ABANDONED) {
            // It costs space, nothing else.
            let _ = fs::remove_dir_all(entry.path()).or_else(|_| fs::remove_file(entry.path()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::UnixStream;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::link::Report;
    use super::*;

    /// An archive that answers as told, and counts.
    struct Archive {
        _directory: tempfile::TempDir,
        store: Arc<Store>,
        asked: Arc<AtomicUsize>,
    }

    fn archive(answer: impl Fn(&Order, &Path) -> Outcome + Send + 'static) -> Archive {
        let directory = tempfile::tempdir().unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let (count, place) = (Arc::clone(&asked), partial(directory.path()));
        std::thread::spawn(move || {
            let mut writer = theirs.try_clone().unwrap();
            for line in BufReader::new(theirs).lines().map_while(Result::ok) {
                let order: Order = serde_json::from_str(&line).unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let report = Report { id: order.id, outcome: answer(&order, &place.join(&order.to)) };
                if writeln!(writer, "{}", serde_json::to_string(&report).unwrap()).is_err() {
                    return;
                }
            }
        });
        let store = Store::new(
            directory.path().to_owned(),
            Link::start(ours, &crate::region::supervisor::Supervisor::new().0).unwrap(),
        );
        Archive { _directory: directory, store: Arc::new(store), asked }
    }

    fn path(text: &str) -> ArchivePath {
        ArchivePath::parse(text).unwrap()
    }

    #[tokio::test]
    async fn a_package_is_fetched_once_whoever_asks() {
        let archive = archive(|_, to| {
            fs::write(to, "deb").unwrap();
            Outcome::Fetched
        });
        let asking: Vec<_> = (0..20)
            .map(|_| {
                let store = Arc::clone(&archive.store);
                tokio::spawn(async move { store.get(&path("/debian/pool/main/a/a.deb")).await.unwrap() })
            })
            .collect();
        for task in asking {
            assert_eq!(fs::read_to_string(task.await.unwrap()).unwrap(), "deb");
        }
        assert_eq!(archive.asked.load(Ordering::SeqCst), 1);
        assert!(archive.store.known().locks.is_empty());
    }

    #[tokio::test]
    async fn an_index_is_asked_for_with_its_time_and_served_old_when_nobody_answers() {
        let archive = archive(|order, to| match &order.since {
            None => {
                fs::write(to, "first").unwrap();
                let time = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
                fs::File::options().write(true).open(to).unwrap().set_modified(time).unwrap();
                Outcome::Fetched
            }
            Some(since) => {
                assert_eq!(since, "Sun, 06 Nov 1994 08:49:37 GMT");
                Outcome::Failed("offline".to_owned())
            }
        });
        let index = path("/debian/dists/trixie/InRelease");
        archive.store.get(&index).await.unwrap();
        archive.store.get(&index).await.unwrap();
        assert_eq!(archive.asked.load(Ordering::SeqCst), 1);
        archive.store.known().looked_at.clear();
        let file = archive.store.get(&index).await.unwrap();
        assert_eq!(fs::read_to_string(file).unwrap(), "first");
        assert_eq!(archive.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn what_is_not_there_is_told_from_what_cannot_be_asked() {
        let missing = archive(|_, _| Outcome::Missing);
        let index = path("/debian/dists/trixie/Release");
        assert!(matches!(missing.store.get(&index).await, Err(Miss::NoSuchFile)));
        assert!(matches!(missing.store.get(&index).await, Err(Miss::NoSuchFile)));
        assert_eq!(missing.asked.load(Ordering::SeqCst), 1);
        let offline = archive(|_, _| Outcome::Failed("no route".to_owned()));
        let error = offline.store.get(&index).await.unwrap_err();
        assert!(error.to_string().ends_with("no route"), "{error}");
        // Nor is the next file asked for at once.
        assert!(offline.store.get(&path("/debian/pool/b.deb")).await.is_err());
        assert_eq!(offline.asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn offline_serves_what_is_there_and_asks_for_nothing() {
        let archive = archive(|_, to| {
            fs::write(to, "text").unwrap();
            Outcome::Fetched
        });
        let index = path("/debian/dists/trixie/InRelease");
        archive.store.get(&index).await.unwrap();
        archive.store.known().looked_at.clear();
        let (one, other) = (archive.store.offline(), archive.store.offline());
        drop(one);
        archive.store.get(&index).await.unwrap();
        let error = archive.store.get(&path("/debian/pool/b.deb")).await.unwrap_err();
        assert!(error.to_string().ends_with("offline"), "{error}");
        assert_eq!(archive.asked.load(Ordering::SeqCst), 1);
        drop(other);
        archive.store.get(&path("/debian/pool/b.deb")).await.unwrap();
        assert_eq!(archive.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_fetcher_that_ends_leaves_nobody_waiting() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let store = Store::new(
            directory.path().to_owned(),
            Link::start(ours, &crate::region::supervisor::Supervisor::new().0).unwrap(),
        );
        drop(theirs);
        assert!(matches!(store.get(&path("/debian/pool/a.deb")).await, Err(Miss::Unreachable(_))));
    }
}
