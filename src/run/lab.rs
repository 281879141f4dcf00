//! A lab on disk: one account, one laptop, one journal, one position in the course.
//!
//! Everything of a lab lies in one directory (`labs/NAME` under the state directory), is written atomically after each
//! block, and is locked by the one command that uses it at a time.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::aws::journal::read_living;
use crate::name::Os;
use crate::plan::Progress;
use crate::private;
use crate::run::boots::Boots;
use crate::run::checkpoint::{BlockResult, Results};
use crate::run::lock::Lock;
use crate::snapshot::Renaming;

/// Which cloud a lab is on. The word on the command line and in reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CloudKind {
    /// The embedded region on this machine.
    Local,
    /// AWS itself, or what `AWS_ENDPOINT_URL` names.
    Aws,
}

impl CloudKind {
    /// The word used on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Aws => "aws",
        }
    }
}

impl std::fmt::Display for CloudKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// The version of the form in which a lab's state is written. A file without one is of before there were any, and is read
/// as the first.
const VERSION: u32 = 1;

/// What is known of a lab.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LabState {
    /// Of the form of the file.
    #[serde(default)]
    version: u32,
    pub name: String,
    pub cloud: CloudKind,
    pub region: String,
    pub os: Os,
    /// Marks what this lab creates: the value of the `lab:session` tag.
    pub session: String,
    pub created: Timestamp,
    /// The course's directory.
    pub course: PathBuf,
    /// How far it has come.
    #[serde(default)]
    pub progress: Progress,
    /// Somebody worked by hand (`lab ssh`, `lab shell`), so no shared checkpoint may be written.
    #[serde(default)]
    pub by_hand: bool,
    /// A block failed or was cut short here, or tests ran: the state does not follow from the lessons alone.
    #[serde(default)]
    pub strayed: bool,
    /// What the ids and addresses of this lab are called in the recorded results.
    #[serde(default)]
    pub renaming: Renaming,
    /// Which boots of its hosts have been seen.
    #[serde(default)]
    pub boots: Boots,
}

impl LabState {
    /// A lab in which nothing has happened.
    pub fn new(name: &str, cloud: CloudKind, region: &str, os: Os, course: &Path) -> Self {
        Self {
            version: VERSION,
            name: name.to_owned(),
            cloud,
            region: region.to_owned(),
            os,
            session: format!("{name}-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]),
            created: Timestamp::now(),
            course: course.to_owned(),
            progress: Progress::default(),
            by_hand: false,
            strayed: false,
            renaming: Renaming::default(),
            boots: Boots::default(),
        }
    }
}

/// The file that makes a directory a lab's.
const STATE: &str = "lab.json";
/// The file that is locked by the command that uses the lab.
const LOCK: &str = "lock";
/// A file that says that somebody worked by hand.
const BY_HAND: &str = "by-hand";

/// Why a lab cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    #[error("use the lab at {path}")]
    Io { path: PathBuf, source: io::Error },
    #[error(
        "read the state of the lab at {path} (put that file back, or remove it: `lab down` then takes away what the local region \
         has of the lab)"
    )]
    Parse { path: PathBuf, source: serde_json::Error },
    #[error(
        "read the state of the lab at {path}: a later `lab` has written it (form {version}); use that one"
    )]
    Newer { path: PathBuf, version: u32 },
    #[error(
        "remove a lab whose state {path} is gone: {journal} names what it has made, which may still be there (delete that by \
         hand, then the directory)"
    )]
    Stateless { path: PathBuf, journal: PathBuf },
    #[error(
        "use the lab `{0}`: another `lab` command is using it (wait for it, or choose another with --lab)"
    )]
    Busy(String),
    #[error("accept `{0}` as a lab's name: use at most 32 lower-case letters, digits and hyphens")]
    BadName(String),
}

/// A lab's directory, held by this process.
#[derive(Debug)]
pub struct Lab {
    path: PathBuf,
    pub state: LabState,
    _lock: Lock,
}

/// Checks a lab's name: it becomes part of paths and interface names.
pub fn check_name(name: &str) -> Result<(), LabError> {
    let fits = (1..=32).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !name.starts_with('-');
    if fits { Ok(()) } else { Err(LabError::BadName(name.to_owned())) }
}

impl Lab {
    /// Opens the lab in `path`; `fresh` makes its state when there is none.
    pub fn open(path: &Path, fresh: impl FnOnce() -> LabState) -> Result<Self, LabError> {
        let io_error = |source| LabError::Io { path: path.to_owned(), source };
        for dir in ["", "home", "run"] {
            // Keys, passwords and a socket with somebody's credentials are in there.
            private::directory(&path.join(dir)).map_err(io_error)?;
        }
        let lock = lock(path)?;
        let state = match read_state(path)? {
            Some(state) => LabState { version: VERSION, ..state },
            None => fresh(),
        };
        let lab = Self { path: path.to_owned(), state, _lock: lock };
        lab.save()?;
        Ok(lab)
    }

    /// Writes the state to disk, atomically.
    pub fn save(&self) -> Result<(), LabError> {
        let io_error = |source| LabError::Io { path: self.path.clone(), source };
        let text = serde_json::to_string_pretty(&self.state).map_err(|e| io_error(io::Error::other(e)))?;
        let mut file = tempfile::NamedTempFile::new_in(&self.path).map_err(io_error)?;
        file.write_all(text.as_bytes()).map_err(io_error)?;
        file.persist(self.path.join(STATE)).map_err(|e| io_error(e.error))?;
        Ok(())
    }

    /// Writes the laptop's shell state (variables, functions, directory) beside the lab's.
    pub fn save_laptop_state(&self, state: &str) -> Result<(), LabError> {
        let io_error = |source| LabError::Io { path: self.path.clone(), source };
        let mut file = tempfile::NamedTempFile::new_in(&self.path).map_err(io_error)?;
        file.write_all(state.as_bytes()).map_err(io_error)?;
        file.persist(self.path.join("laptop.state")).map_err(|e| io_error(e.error))?;
        Ok(())
    }

    /// The laptop's shell state as last written.
    pub fn laptop_state(&self) -> Option<String> {
        fs::read_to_string(self.path.join("laptop.state")).ok()
    }

    /// The lab's directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The laptop's scratch home, where the laptop is this machine.
    pub fn home(&self) -> PathBuf {
        self.path.join("home")
    }

    /// Where sockets for the laptop are.
    pub fn run_dir(&self) -> PathBuf {
        self.path.join("run")
    }

    /// Whether somebody has worked in it by hand, also while a command uses it.
    pub fn is_by_hand(&self) -> bool {
        self.state.by_hand || self.path.join(BY_HAND).exists()
    }

    /// The journal's file.
    pub const JOURNAL: &str = "journal.jsonl";
    /// The results of all blocks, one JSON line each.
    pub(super) const RESULTS: &str = "results.jsonl";
    /// What a lab that goes on from this one's state has to know, besides [`LabState`].
    pub(super) const KEPT: [&str; 4] = [Self::RESULTS, Self::JOURNAL, "known-hosts", "laptop.state"];

    /// Adds the result of a block.
    pub fn add_result(&self, result: &BlockResult) -> Result<(), LabError> {
        let path = self.path.join(Self::RESULTS);
        Results::append(&path, result).map_err(|source| LabError::Io { path, source })
    }

    /// The results of all blocks that ran here.
    pub fn results(&self) -> Result<Results, LabError> {
        let path = self.path.join(Self::RESULTS);
        Results::read(&path).map_err(|source| LabError::Io { path, source })
    }

    /// The journal's file.
    pub fn journal_path(&self) -> PathBuf {
        self.path.join(Self::JOURNAL)
    }

    /// Removes the lab's directory. What it had created must be gone before.
    pub fn remove(&mut self) -> Result<(), LabError> {
        fs::remove_dir_all(&self.path).map_err(|source| LabError::Io { path: self.path.clone(), source })
    }
}

/// Notes that somebody has got the means to work by hand in the lab in `path`, whoever holds it.
pub fn note_by_hand(path: &Path) -> io::Result<()> {
    private::open(&path.join(BY_HAND)).map(drop)
}

/// Removes the state of the lab in `path`, in which nothing has happened, and leaves everything else.
pub fn forget(path: &Path) -> io::Result<()> {
    fs::remove_file(path.join(STATE))
}

/// Removes the directory at `path` of a lab that has no state: what `lab region env` makes for programs outside. Says
/// whether there was one. `is_gone` says that all that it may have made is known to be gone.
///
/// # Errors
/// [`LabError::Busy`] when a command uses it, or has made it a lab in the meantime. [`LabError::Stateless`] when its journal
/// names what may still be there: somebody has lost a file, and is not to lose the other one.
pub fn remove_stateless(path: &Path, is_gone: bool) -> Result<bool, LabError> {
    if !path.exists() {
        return Ok(false);
    }
    let _lock = lock(path)?;
    if path.join(STATE).exists() {
        return Err(busy(path));
    }
    let journal = path.join(Lab::JOURNAL);
    if !is_gone && !read_living(&journal).is_ok_and(|living| living.is_empty()) {
        return Err(LabError::Stateless { path: path.join(STATE), journal });
    }
    fs::remove_dir_all(path).map_err(|source| LabError::Io { path: path.to_owned(), source })?;
    Ok(true)
}

/// The one member of the file that every version has.
#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    version: u32,
}

/// Reads a lab's state without holding it; `None` when there is no lab.
pub fn read_state(path: &Path) -> Result<Option<LabState>, LabError> {
    let file = path.join(STATE);
    match fs::read_to_string(&file) {
        Ok(text) => {
            let parse_error = |source| LabError::Parse { path: file.clone(), source };
            // The version alone: of the rest nothing is known if it is a later one.
            let Form { version } = serde_json::from_str(&text).map_err(parse_error)?;
            if version > VERSION {
                return Err(LabError::Newer { path: file, version });
            }
            Ok(Some(serde_json::from_str(&text).map_err(parse_error)?))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(LabError::Io { path: file, source }),
    }
}

/// Whether some process holds the lab in `path`.
pub fn is_busy(path: &Path) -> bool {
    Lock::is_held(&path.join(LOCK))
}

fn lock(path: &Path) -> Result<Lock, LabError> {
    let file = path.join(LOCK);
    let lock = Lock::take(&file).map_err(|source| LabError::Io { path: file, source })?;
    lock.ok_or_else(|| busy(path))
}

fn busy(path: &Path) -> LabError {
    LabError::Busy(path.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests;
