//! The directory of recorded results: which file holds what, which are pending, which belong to nothing any more.
//!
//! `snapshots/LESSON__BLOCK[@al2023][@aws].snap`; of several that fit, the most specific is read. What is pending
//! stands beside it as `.snap.new`, or below `INSTA_PENDING_DIR` when that is set, as insta does it.
//!
//! Limits: two programs that record into one directory at once overwrite each other's pending files, never damage
//! them: every file is written elsewhere and renamed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use super::Update;
use super::file::{self, FileError};
use super::record::Record;
use crate::name::{BlockName, LessonId, Os};

/// Whose result: a block of a lesson, on an operating system and a cloud.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The lesson.
    pub lesson: LessonId,
    /// The block.
    pub block: BlockName,
    /// The guests' system.
    pub os: Os,
    /// `local` or `aws`.
    pub cloud: String,
}

impl Key {
    /// The names that a record of this may have, without extension, the most specific first.
    pub fn names(&self) -> Vec<String> {
        let base = format!("{}__{}", self.lesson, self.block);
        let os = (self.os != Os::default()).then(|| format!("@{}", self.os));
        let cloud = (self.cloud != "local").then(|| format!("@{}", self.cloud));
        let mut names = Vec::new();
        if let (Some(os), Some(cloud)) = (&os, &cloud) {
            names.push(format!("{base}{os}{cloud}"));
        }
        names.extend(os.iter().chain(&cloud).map(|suffix| format!("{base}{suffix}")));
        names.push(base);
        names
    }
}

/// A recorded result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The file's name without `.snap`: `05-private-subnet__ping-db`.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// What it holds.
    pub record: Record,
}

/// A result that waits for review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The name that it will have without `.snap`.
    pub name: String,
    /// The `.snap.new` file.
    pub path: PathBuf,
    /// The `.snap` file that it would become.
    pub target: PathBuf,
}

/// What recording a result came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It waits for review in this `.snap.new`.
    Pending(PathBuf),
    /// It is recorded in this `.snap`.
    Recorded(PathBuf),
    /// Nothing was written: `INSTA_UPDATE=no`, or CI.
    Nothing,
}

/// The store cannot do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file that is not as it should be, or cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A directory or a file cannot be listed, moved or removed.
    #[error("{what} {path}")]
    Io {
        /// The verb: `list`, `remove`, `accept`.
        what: &'static str,
        /// What it was about.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// The directory `snapshots` of a course.
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
    pending: PathBuf,
}

impl Store {
    /// The store of the course at `root` (the directory that holds `lessons` and `snapshots`), with pending files
    /// where `INSTA_PENDING_DIR` says. Nothing need exist yet.
    pub fn new(root: &Path) -> Self {
        let pending = env::var_os("INSTA_PENDING_DIR").filter(|dir| !dir.is_empty());
        Self::with_pending_dir(root, pending.map(PathBuf::from).as_deref())
    }

    /// The same with the directory for pending files given; `None` is beside the records.
    pub fn with_pending_dir(root: &Path, pending: Option<&Path>) -> Self {
        Self { directory: root.join("snapshots"), pending: pending.unwrap_or(root).join("snapshots") }
    }

    /// The directory with the records.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The most specific record of this, if there is one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn find(&self, key: &Key) -> Result<Option<Snapshot>, StoreError> {
        for name in key.names() {
            let path = self.directory.join(format!("{name}.snap"));
            if let Some(record) = file::read(&path)? {
                return Ok(Some(Snapshot { name, path, record }));
            }
        }
        Ok(None)
    }

    /// Writes a new result, as `update` says: beside the record that [`Store::find`] finds, or under the name
    /// without the cloud when there is none (one record serves both clouds until one is made for a cloud by hand), or
    /// when that one was recorded on another system.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn record(&self, key: &Key, record: &Record, update: Update) -> Result<Written, StoreError> {
        let os = key.os.to_string();
        let existing = self.find(key)?.filter(|found| [&os, ""].contains(&found.record.origin.os.as_str()));
        let existing = existing.map(|found| found.name);
        let unseen = existing.is_none();
        let name = existing
            .unwrap_or_else(|| Key { cloud: "local".to_owned(), ..key.clone() }.names().swap_remove(0));
        let in_place = match update {
            Update::No => return Ok(Written::Nothing),
            Update::New => false,
            Update::Unseen => unseen,
            Update::Always | Update::Force => true,
        };
        if in_place {
            let path = self.target(&name);
            file::write(&path, record, file::Kind::Accepted)?;
            self.remove_if_there(&self.waiting(&name))?;
            Ok(Written::Recorded(path))
        } else {
            let path = self.waiting(&name);
            file::write(&path, record, file::Kind::Pending)?;
            Ok(Written::Pending(path))
        }
    }

    /// Removes what an earlier run left pending for this: the result matches now.
    ///
    /// # Errors
    /// When a file is there and cannot be removed.
    pub fn settle(&self, key: &Key) -> Result<(), StoreError> {
        key.names().iter().try_for_each(|name| self.forget_pending(name))
    }

    /// What waits for review, in the course's order.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn pending(&self) -> Result<Vec<Pending>, StoreError> {
        let names = list(&self.pending, ".snap.new")?;
        Ok(names
            .into_iter()
            .map(|name| Pending { path: self.waiting(&name), target: self.target(&name), name })
            .collect())
    }

    /// What waits, read, with the record that it would replace.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn load(&self, pending: &Pending) -> Result<(Option<Record>, Record), StoreError> {
        let old = file::read(&pending.target)?;
        let new = file::read(&pending.path)?.ok_or_else(|| StoreError::Io {
            what: "read",
            path: pending.path.clone(),
            source: io::ErrorKind::NotFound.into(),
        })?;
        Ok((old, new))
    }

    /// Makes a pending result the recorded one.
    ///
    /// # Errors
    /// When the files cannot be read or written.
    pub fn accept(&self, pending: &Pending) -> Result<(), StoreError> {
        let (_, record) = self.load(pending)?;
        file::write(&pending.target, &record, file::Kind::Accepted)?;
        self.accept_picture(pending)?;
        self.remove_if_there(&pending.path)
    }

    /// Throws a pending result away.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn reject(&self, pending: &Pending) -> Result<(), StoreError> {
        self.remove_if_there(&self.waiting_picture(&pending.name))?;
        self.remove_if_there(&pending.path)
    }

    /// The names of all records, sorted.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn names(&self) -> Result<Vec<String>, StoreError> {
        list(&self.directory, ".snap")
    }

    /// The names of the records that belong to none of these blocks. A record for a system or a cloud belongs to the
    /// block whatever systems it is for.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn orphans<'a>(
        &self,
        blocks: impl IntoIterator<Item = (&'a LessonId, &'a BlockName)>,
    ) -> Result<Vec<String>, StoreError> {
        let known: BTreeSet<String> =
            blocks.into_iter().map(|(lesson, block)| format!("{lesson}__{block}")).collect();
        let mut names = self.names()?;
        names.retain(|name| !known.contains(name.split('@').next().unwrap_or(name)));
        Ok(names)
    }

    /// Removes these records with their pictures, and what is pending for them.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn prune(&self, names: &[String]) -> Result<(), StoreError> {
        for name in names {
            self.remove_if_there(&self.target(name))?;
            self.remove_if_there(&self.picture_of(name))?;
            self.forget_pending(name)?;
        }
        Ok(())
    }

    /// Removes what waits under this name.
    fn forget_pending(&self, name: &str) -> Result<(), StoreError> {
        self.remove_if_there(&self.waiting(name))?;
        self.remove_if_there(&self.waiting_picture(name))
    }

    fn target(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.snap"))
    }

    fn waiting(&self, name: &str) -> PathBuf {
        self.pending.join(format!("{name}.snap.new"))
    }

    fn remove_if_there(&self, path: &Path) -> Result<(), StoreError> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::Io { what: "remove", path: path.to_owned(), source: error })
            }
            _ => Ok(()),
        }
    }
}

/// The names of the files in `directory` that end in `extension`, without it, sorted; none when there is no directory.
fn list(directory: &Path, extension: &str) -> Result<Vec<String>, StoreError> {
    let failed = |source| StoreError::Io { what: "list", path: directory.to_owned(), source };
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        // Names of ours are ASCII; a file with another name is not ours.
        if let Some(name) = name.to_str().and_then(|name| name.strip_suffix(extension)) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

mod pictures;
#[cfg(test)]
mod tests;
