//! The state's files: one that lists the labs, and one for each lab's account, so that a change writes no more than the
//! account that it is about.
//!
//! ```text
//! region/labs.json             which labs there are: what is not in here does not count
//! region/accounts/NUMBER.json  what an account holds
//! ```
//!
//! A new lab's account is written before the lab, a removed lab's file goes after it: whenever the machine goes down,
//! every lab has its account. Each file says which version of its format it is in. One that this program cannot read is
//! never written over: the daemon does not start, and [`set_aside`] keeps it under another name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::lab::Lab;
use super::plane::Saved;
use crate::output::remark;
use crate::region::model::{Account, State};
use crate::region::tree::durable::{self, ReplaceError, Steps};

/// The version of both kinds of files. Raise it when a program of before would misunderstand what this one writes.
const VERSION: u32 = 1;

const LABS: &str = "labs.json";
const ACCOUNTS: &str = "accounts";
/// Everything in one file without a version: how it was before there were versions.
const FORMER: &str = "state.json";

/// Why the state cannot be read. Each is for people, who may not know that there are such files.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    /// The text makes no sense.
    #[error(
        "read the region's state: {} is damaged ({source}); `lab region reset` keeps it under another name and begins anew",
        .file.display()
    )]
    Damaged {
        /// Which file.
        file: PathBuf,
        /// What makes no sense, and where.
        source: serde_json::Error,
    },
    /// A later program wrote it.
    #[error(
        "read the region's state: {} has version {found} of its format and this program knows {VERSION} (use the `lab` that \
         wrote it; or `lab region reset` keeps it under another name and begins anew)",
        .file.display()
    )]
    Newer {
        /// Which file.
        file: PathBuf,
        /// The version that it says it has.
        found: u32,
    },
    /// A lab is listed whose account is not there.
    #[error(
        "read the region's state: {} is missing, the account of the lab `{lab}` (put it back; or `lab region reset` keeps the \
         other files under another name and begins anew)",
        .file.display()
    )]
    Missing {
        /// Which file.
        file: PathBuf,
        /// Whose account.
        lab: String,
    },
    /// The file cannot be read or written.
    #[error("{doing} {}: {source}", .file.display())]
    File {
        /// `read the region's state: open`.
        doing: &'static str,
        /// Which file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Comes first in every file; all versions have it.
#[derive(Deserialize)]
struct Header {
    version: u32,
}

#[derive(Deserialize)]
struct LabsFile {
    labs: BTreeMap<String, Lab>,
}

#[derive(Deserialize)]
struct AccountFile {
    account: Account,
}

/// [`FORMER`].
#[derive(Deserialize)]
struct FormerFile {
    labs: BTreeMap<String, Lab>,
    state: State,
}

/// A directory of the daemon's own.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// As this process reaches it.
    pub directory: PathBuf,
    /// As its user knows it: for messages.
    pub shown: PathBuf,
}

impl Place {
    /// A file in it, as its user knows it.
    fn shown(&self, file: &Path) -> PathBuf {
        file.strip_prefix(&self.directory).map_or_else(|_| file.to_owned(), |name| self.shown.join(name))
    }

    fn failed(&self, doing: &'static str, file: &Path) -> impl FnOnce(io::Error) -> StateError + use<> {
        let file = self.shown(file);
        move |source| StateError::File { doing, file, source }
    }
}

/// Where the state is kept.
#[derive(Debug)]
pub(super) struct Store {
    place: Place,
    steps: Arc<dyn Steps>,
}

impl Store {
    /// Read what is there.
    pub(super) fn open(place: Place, steps: Arc<dyn Steps>) -> Result<(Store, Saved), StateError> {
        let store = Store { place, steps };
        let accounts = store.place.directory.join(ACCOUNTS);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&accounts)
            .map_err(store.place.failed("create", &accounts))?;
        store.take_over()?;
        let Some(LabsFile { labs }) = store.read(&store.labs())? else {
            return Ok((store, Saved::default()));
        };
        let mut state = State::new();
        for (name, lab) in &labs {
            let file = store.account(&lab.account);
            let Some(AccountFile { account }) = store.read(&file)? else {
                return Err(StateError::Missing { file: store.place.shown(&file), lab: name.clone() });
            };
            state.accounts.insert(lab.account.clone(), account.into());
        }
        store.sweep(&state);
        Ok((store, Saved { labs: labs.into(), state }))
    }

    /// Write down which labs there are.
    pub(super) fn save_labs(&self, labs: &BTreeMap<String, Lab>) -> Result<(), ReplaceError> {
        #[derive(Serialize)]
        struct File<'a> {
            version: u32,
            labs: &'a BTreeMap<String, Lab>,
        }
        self.save(&self.labs(), &File { version: VERSION, labs })
    }

    /// Write down what an account holds.
    pub(super) fn save_account(&self, key: &str, account: &Account) -> Result<(), ReplaceError> {
        #[derive(Serialize)]
        struct File<'a> {
            version: u32,
            account: &'a Account,
        }
        self.save(&self.account(key), &File { version: VERSION, account })
    }

    /// Remove the account of a lab that is gone, or that came to nothing.
    pub(super) fn remove_account(&self, key: &str) {
        let file = self.account(key);
        if let Err(error) = durable::remove(&*self.steps, &file) {
            // The next daemon removes it: no lab has it.
            remark!("state: remove {}: {error}", file.display());
        }
    }

    fn save(&self, file: &Path, content: &impl Serialize) -> Result<(), ReplaceError> {
        let text = serde_json::to_vec(content).map_err(|error| ReplaceError::Unchanged(error.into()))?;
        durable::replace(&*self.steps, file, &text)
    }

    /// Turn the one file of before into those of today.
    fn take_over(&self) -> Result<(), StateError> {
        let former = self.place.directory.join(FORMER);
        let written = |file: &Path| {
            let failed = self.place.failed("take over the region's state: write", file);
            move |error: ReplaceError| failed(error.into())
        };
        if !self.labs().exists() {
            let text = match fs::read(&former) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                text => text.map_err(self.place.failed("read the region's state: open", &former))?,
            };
            let FormerFile { labs, mut state } = serde_json::from_slice(&text)
                .map_err(|source| StateError::Damaged { file: self.place.shown(&former), source })?;
            for lab in labs.values() {
                let account = state.accounts.remove(&lab.account).unwrap_or_default();
                self.save_account(&lab.account, &account).map_err(written(&self.account(&lab.account)))?;
            }
            self.save_labs(&labs).map_err(written(&self.labs()))?;
        }
        durable::remove(&*self.steps, &former)
            .map_err(self.place.failed("take over the region's state: remove", &former))
    }

    /// Remove accounts without a lab, and what a replacement that was cut short has left.
    fn sweep(&self, state: &State) {
        let known: BTreeSet<PathBuf> = state.accounts.keys().map(|key| self.account(key)).collect();
        let entries = fs::read_dir(self.place.directory.join(ACCOUNTS)).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()).filter(|path| !known.contains(path)) {
            let _ = fs::remove_file(path);
        }
    }

    /// Read one file; `None` if there is none.
    fn read<T: DeserializeOwned>(&self, file: &Path) -> Result<Option<T>, StateError> {
        let text = match fs::read(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(self.place.failed("read the region's state: open", file))?,
        };
        let damaged = |source| StateError::Damaged { file: self.place.shown(file), source };
        let Header { version } = serde_json::from_slice(&text).map_err(damaged)?;
        if version > VERSION {
            return Err(StateError::Newer { file: self.place.shown(file), found: version });
        }
        serde_json::from_slice(&text).map(Some).map_err(damaged)
    }

    fn labs(&self) -> PathBuf {
        self.place.directory.join(LABS)
    }

    fn account(&self, key: &str) -> PathBuf {
        self.place.directory.join(ACCOUNTS).join(format!("{key}.json"))
    }
}

/// If the state of this place cannot be read, move its files into a new directory beside them, so that a daemon can begin
/// anew. Answers where they are. No daemon may run.
///
/// # Errors
/// When they cannot be moved.
pub(crate) fn set_aside(place: Place) -> Result<Option<PathBuf>, StateError> {
    if Store::open(place.clone(), Arc::new(durable::System)).is_ok() {
        return Ok(None);
    }
    let name = format!("unreadable-{}", Timestamp::now().strftime("%Y%m%dT%H%M%S%.6fZ"));
    let aside = place.directory.join(name);
    DirBuilder::new().mode(0o700).create(&aside).map_err(place.failed("create", &aside))?;
    // The list last: without it the accounts are nobody's.
    for name in [FORMER, ACCOUNTS, LABS] {
        let file = place.directory.join(name);
        match fs::rename(&file, aside.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            moved => moved.map_err(place.failed("move", &file))?,
        }
    }
    Ok(Some(place.shown(&aside)))
}

#[cfg(test)]
mod tests;
