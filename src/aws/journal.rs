//! What a lab creates, written down before it is created.
//!
//! One JSON line an entry, append-only, on disk (`fsync`) before the request leaves: after `kill -9` the file still
//! names everything that may exist. An intent without an answer means "may have been created": its client token and its
//! tag find it again. An answer is kept beside it, so that a block which was cut short can go on (`replay`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::held::Held;
use crate::name::{BlockName, LessonId};
use crate::private;

/// The block on whose behalf a request was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub lesson: LessonId,
    pub block: BlockName,
}

impl Origin {
    /// One word that says it, for the environment of what a block starts.
    pub fn to_word(&self) -> String {
        format!("{}/{}", self.lesson, self.block)
    }

    /// From what [`Origin::to_word`] gave.
    pub fn from_word(word: &str) -> Option<Self> {
        let (lesson, block) = word.split_once('/')?;
        Some(Self { lesson: lesson.parse().ok()?, block: block.parse().ok()? })
    }
}

/// The block that runs at the moment, shared by the engine, which sets it, and the journal's writer, which reads it.
#[derive(Debug, Clone, Default)]
pub struct Current(std::sync::Arc<Mutex<Option<Origin>>>);

impl Current {
    /// Says which block runs now.
    pub fn set(&self, origin: Option<Origin>) {
        *self.0.lock().expect("nothing panics while it holds the lock") = origin;
    }

    /// The block that runs now.
    pub fn get(&self) -> Option<Origin> {
        self.0.lock().expect("nothing panics while it holds the lock").clone()
    }
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "entry")]
pub enum Entry {
    /// The request is about to leave.
    Intended {
        at: Timestamp,
        token: String,
        operation: String,
        region: String,
        origin: Option<Origin>,
        /// The digest of what is asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<String>,
    },
    /// It was answered, and these resources exist. A key pair is named by its id.
    Created {
        at: Timestamp,
        token: String,
        ids: Vec<String>,
        /// What was answered, without secrets.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<Value>,
    },
    /// A request that makes nothing which must be deleted on its own (a rule, a route, a deletion) was answered.
    Changed {
        at: Timestamp,
        operation: String,
        region: String,
        origin: Option<Origin>,
        /// The digest of what was asked.
        request: String,
        /// What was answered; not where there is a secret in it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<Value>,
    },
    /// It was refused, or its answer never came and EC2 knows nothing of it ([`NOTHING_FOUND`]): nothing was created.
    Refused { at: Timestamp, token: String, code: String },
    /// These resources are gone (by the lesson itself or by teardown).
    Deleted { at: Timestamp, ids: Vec<String> },
}

/// The code of a request whose answer never came and that has created nothing.
pub const NOTHING_FOUND: &str = "NothingFound";

/// What a block has made, as far as the journal knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// This exists, unless it was deleted in a way that the journal does not see.
    Resource { id: String, region: String },
    /// Whether this request made something is not known.
    Unanswered { at: Timestamp, token: String, operation: String, region: String },
}

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("open the journal {path}")]
    Open { path: PathBuf, source: io::Error },
    #[error("write to the journal {path}")]
    Write { path: PathBuf, source: io::Error },
    #[error("read line {line} of the journal {path}")]
    Parse { path: PathBuf, line: usize, source: serde_json::Error },
}

/// The journal of one lab.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    held: Held,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    entries: Vec<Entry>,
    /// Bytes of the lines that are whole.
    whole: u64,
    /// A line could not be written, and part of it may be there.
    torn: bool,
}

impl Journal {
    /// Opens the journal at `path` for writing, reading what is there. For whoever holds the lab's lock, and nobody else: a
    /// last line that is not whole is what a power cut left (its request never left), and is taken away. For others
    /// there is [`read_living`].
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let open_error = |source| JournalError::Open { path: path.to_owned(), source };
        let (entries, whole) = whole_lines(path)?;
        let file = private::append(path).map_err(open_error)?;
        if file.metadata().map_err(open_error)?.len() > whole {
            file.set_len(whole).map_err(open_error)?;
        }
        Ok(Self {
            path: path.to_owned(),
            held: Held::beside(path),
            inner: Mutex::new(Inner { file, entries, whole, torn: false }),
        })
    }

    /// Appends one entry and returns after it is on the disk.
    pub fn write(&self, entry: Entry) -> Result<(), JournalError> {
        let error = |source| JournalError::Write { path: self.path.clone(), source };
        let mut line = serde_json::to_string(&entry).map_err(|e| error(io::Error::other(e)))?;
        line.push('\n');
        let mut inner = self.inner.lock().expect("no thread panics while it holds the journal");
        if inner.torn {
            // The next line must not become a part of it.
            inner.file.set_len(inner.whole).map_err(error)?;
            inner.torn = false;
        }
        let written = inner.file.write_all(line.as_bytes()).and_then(|()| inner.file.sync_data());
        if let Err(source) = written {
            inner.torn = true;
            return Err(error(source));
        }
        inner.whole += line.len() as u64;
        inner.entries.push(entry);
        Ok(())
    }

    /// Holds an answer with a secret, beside the journal and not in it, until [`Journal::release`].
    pub(super) fn hold(&self, token: &str, answer: &Value) -> Result<(), JournalError> {
        self.held
            .hold(token, answer)
            .map_err(|source| JournalError::Write { path: self.path.clone(), source })
    }

    /// An answer that is held.
    pub(super) fn held(&self, token: &str) -> Option<Value> {
        self.held.answer(token)
    }

    /// The block that runs has come to its end: nothing needs to be held any more.
    pub fn release(&self) -> Result<(), JournalError> {
        self.held.release().map_err(|source| JournalError::Write { path: self.path.clone(), source })
    }

    /// Ids of everything that was created and not yet seen deleted, in the order of creation.
    pub fn living(&self) -> Vec<String> {
        living(&self.inner.lock().expect("no thread panics while it holds the journal").entries)
    }

    /// The regions in which something may have been created.
    pub fn regions(&self) -> BTreeSet<String> {
        let inner = self.inner.lock().expect("no thread panics while it holds the journal");
        let intended = inner.entries.iter().filter_map(|entry| match entry {
            Entry::Intended { region, .. } => Some(region.clone()),
            _ => None,
        });
        intended.collect()
    }

    /// Those of [`Journal::living`] that were created in a region.
    pub fn living_in(&self, region: &str) -> Vec<String> {
        let mut living = self.living();
        let inner = self.inner.lock().expect("no thread panics while it holds the journal");
        let mut here = BTreeSet::new();
        for entry in &inner.entries {
            if let Entry::Intended { token, region: own, .. } = entry
                && own == region
                && let Some(Entry::Created { ids, .. }) = answer_to(&inner.entries, token)
            {
                here.extend(ids.iter().cloned());
            }
        }
        living.retain(|id| here.contains(id));
        living
    }

    /// Intents that were never answered: `(token, operation)`.
    pub fn unanswered(&self) -> Vec<(String, String)> {
        let inner = self.inner.lock().expect("no thread panics while it holds the journal");
        let mut open: BTreeMap<&str, &str> = BTreeMap::new();
        for entry in &inner.entries {
            match entry {
                Entry::Intended { token, operation, .. } => {
                    open.insert(token, operation);
                }
                Entry::Created { token, .. } | Entry::Refused { token, .. } => {
                    open.remove(token.as_str());
                }
                Entry::Deleted { .. } | Entry::Changed { .. } => {}
            }
        }
        open.into_iter().map(|(token, operation)| (token.to_owned(), operation.to_owned())).collect()
    }

    /// Whether a block has asked for anything that changes something.
    pub fn knows(&self, origin: &Origin) -> bool {
        let inner = self.inner.lock().expect("no thread panics while it holds the journal");
        inner.entries.iter().any(|entry| match entry {
            Entry::Intended { origin: by, .. } | Entry::Changed { origin: by, .. } => {
                by.as_ref() == Some(origin)
            }
            Entry::Created { .. } | Entry::Refused { .. } | Entry::Deleted { .. } => false,
        })
    }

    /// What a block has created that is not known to be gone; empty where it may safely run again.
    pub fn made_by(&self, origin: &Origin) -> Vec<Made> {
        let living = self.living();
        let inner = self.inner.lock().expect("no thread panics while it holds the journal");
        let mut found = Vec::new();
        for entry in &inner.entries {
            let Entry::Intended { at, token, operation, region, origin: Some(by), .. } = entry else {
                continue;
            };
            if by != origin {
                continue;
            }
            let region = region.clone();
            match answer_to(&inner.entries, token) {
                Some(Entry::Created { ids, .. }) => {
                    let ids = ids.iter().filter(|id| living.contains(id)).cloned();
                    found.extend(ids.map(|id| Made::Resource { id, region: region.clone() }));
                }
                Some(_) => {}
                None => {
                    let (token, operation) = (token.clone(), operation.clone());
                    found.push(Made::Unanswered { at: *at, token, operation, region });
                }
            }
        }
        found
    }

    /// [`Journal::made_by`] in words.
    pub fn created_by(&self, origin: &Origin) -> Vec<String> {
        let words = |made| match made {
            Made::Resource { id, .. } => id,
            Made::Unanswered { operation, .. } => {
                format!("something by {operation} (its answer never came)")
            }
        };
        self.made_by(origin).into_iter().map(words).collect()
    }

    /// All entries so far.
    pub(super) fn entries(&self) -> Vec<Entry> {
        self.inner.lock().expect("no thread panics while it holds the journal").entries.clone()
    }

    /// Ids of everything that was ever created.
    pub fn known(&self) -> BTreeSet<String> {
        let inner = self.inner.lock().expect("no thread panics while it holds the journal");
        let created = inner.entries.iter().filter_map(|entry| match entry {
            Entry::Created { ids, .. } => Some(ids),
            _ => None,
        });
        created.flatten().cloned().collect()
    }
}

/// Ids of everything that was created and not yet seen deleted, of the journal at `path`, for those who do not hold the
/// lab. Nothing is written, and nothing is made: a last line that is not whole may be on its way at this moment.
pub fn read_living(path: &Path) -> Result<Vec<String>, JournalError> {
    whole_lines(path).map(|(entries, _)| living(&entries))
}

/// The entries of the lines that are whole, and how many bytes these are. A journal that is not there has none.
fn whole_lines(path: &Path) -> Result<(Vec<Entry>, u64), JournalError> {
    let open_error = |source| JournalError::Open { path: path.to_owned(), source };
    let mut reader = match File::open(path) {
        Ok(file) => BufReader::new(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        Err(error) => return Err(open_error(error)),
    };
    let (mut entries, mut whole) = (Vec::new(), 0);
    let (mut text, mut line) = (String::new(), 0);
    while reader.read_line(&mut text).map_err(open_error)? > 0 && text.ends_with('\n') {
        line += 1;
        let parse_error = |source| JournalError::Parse { path: path.to_owned(), line, source };
        entries.push(serde_json::from_str(&text).map_err(parse_error)?);
        whole += text.len() as u64;
        text.clear();
    }
    Ok((entries, whole))
}

fn living(entries: &[Entry]) -> Vec<String> {
    let mut living: Vec<String> = Vec::new();
    for entry in entries {
        match entry {
            Entry::Created { ids, .. } => {
                for id in ids {
                    if !living.contains(id) {
                        living.push(id.clone());
                    }
                }
            }
            Entry::Deleted { ids, .. } => living.retain(|id| !ids.contains(id)),
            Entry::Intended { .. } | Entry::Refused { .. } | Entry::Changed { .. } => {}
        }
    }
    living
}

/// What became of the request with this token; `None` while nobody knows.
pub(super) fn answer_to<'a>(entries: &'a [Entry], token: &str) -> Option<&'a Entry> {
    entries.iter().find(|entry| match entry {
        Entry::Created { token: t, .. } | Entry::Refused { token: t, .. } => t == token,
        Entry::Intended { .. } | Entry::Deleted { .. } | Entry::Changed { .. } => false,
    })
}

#[cfg(test)]
mod tests;
