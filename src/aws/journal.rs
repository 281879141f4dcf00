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
mod tests {
    use super::*;

    fn intended(token: &str, operation: &str, block: &str) -> Entry {
        Entry::Intended {
            at: Timestamp::UNIX_EPOCH,
            token: token.into(),
            operation: operation.into(),
            region: "us-east-1".into(),
            origin: Some(origin(block)),
            request: None,
        }
    }

    fn origin(block: &str) -> Origin {
        Origin { lesson: LessonId::new("01-a").expect("valid"), block: BlockName::new(block).expect("valid") }
    }

    #[test]
    fn a_block_is_named_in_one_word() {
        assert_eq!(Origin::from_word(&origin("a").to_word()), Some(origin("a")));
        assert_eq!(origin("a").to_word(), "01-a/a");
        for word in ["", "/", "01-a", "01-a/", "a b/c", "01-a/a/b"] {
            assert_eq!(Origin::from_word(word), None, "{word}");
        }
    }

    fn created(token: &str, id: &str) -> Entry {
        Entry::Created { at: Timestamp::UNIX_EPOCH, token: token.into(), ids: vec![id.into()], answer: None }
    }

    #[test]
    fn what_was_created_and_not_deleted_lives_also_after_reopening() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("journal.jsonl");
        let journal = Journal::open(&path).expect("opens");
        journal.write(intended("t1", "CreateVpc", "a")).expect("writes");
        journal.write(created("t1", "vpc-1")).expect("writes");
        journal.write(intended("t2", "CreateSubnet", "b")).expect("writes");
        journal.write(created("t2", "subnet-1")).expect("writes");
        journal
            .write(Entry::Deleted { at: Timestamp::UNIX_EPOCH, ids: vec!["subnet-1".into()] })
            .expect("writes");
        drop(journal);
        let journal = Journal::open(&path).expect("opens again");
        assert_eq!(journal.living(), ["vpc-1"]);
        assert_eq!(journal.created_by(&origin("a")), ["vpc-1"]);
        assert!(journal.created_by(&origin("b")).is_empty());
    }

    #[test]
    fn an_intent_without_an_answer_is_not_forgotten() {
        let dir = tempfile::tempdir().expect("a directory");
        let journal = Journal::open(&dir.path().join("j")).expect("opens");
        journal.write(intended("t1", "RunInstances", "a")).expect("writes");
        assert_eq!(journal.unanswered(), [("t1".to_owned(), "RunInstances".to_owned())]);
        assert_eq!(journal.created_by(&origin("a")).len(), 1);
        journal
            .write(Entry::Refused { at: Timestamp::UNIX_EPOCH, token: "t1".into(), code: "X".into() })
            .expect("writes");
        assert!(journal.unanswered().is_empty());
        assert!(journal.created_by(&origin("a")).is_empty());
    }

    #[test]
    fn each_region_has_what_was_created_there() {
        let dir = tempfile::tempdir().expect("a directory");
        let journal = Journal::open(&dir.path().join("j")).expect("opens");
        assert!(journal.regions().is_empty());
        journal.write(intended("t1", "CreateVpc", "a")).expect("writes");
        journal.write(created("t1", "vpc-1")).expect("writes");
        let mut elsewhere = intended("t2", "CreateVpc", "a");
        let Entry::Intended { region, .. } = &mut elsewhere else { panic!("it is one") };
        *region = "eu-west-1".to_owned();
        journal.write(elsewhere).expect("writes");
        assert_eq!(journal.living_in("eu-west-1"), Vec::<String>::new());
        journal.write(created("t2", "vpc-2")).expect("writes");
        assert_eq!(journal.living_in("us-east-1"), ["vpc-1"]);
        assert_eq!(journal.living_in("eu-west-1"), ["vpc-2"]);
        assert_eq!(journal.regions().into_iter().collect::<Vec<_>>(), ["eu-west-1", "us-east-1"]);
    }

    #[test]
    fn a_torn_last_line_is_dropped() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("j");
        let journal = Journal::open(&path).expect("opens");
        journal.write(created("t1", "vpc-1")).expect("writes");
        drop(journal);
        let mut file = File::options().append(true).open(&path).expect("opens");
        file.write_all(b"{\"entry\":\"crea").expect("writes");
        drop(file);
        let journal = Journal::open(&path).expect("opens in spite of it");
        journal.write(created("t2", "vpc-2")).expect("writes");
        assert_eq!(Journal::open(&path).expect("opens").living(), ["vpc-1", "vpc-2"]);
    }

    #[test]
    fn a_line_that_could_not_be_written_spoils_no_other() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("j");
        let journal = Journal::open(&path).expect("opens");
        journal.write(created("t1", "vpc-1")).expect("writes");
        // As after a write that a full disk has cut short.
        let mut half = File::options().append(true).open(&path).expect("opens");
        half.write_all(b"{\"entry\":\"crea").expect("writes");
        journal.inner.lock().expect("not poisoned").torn = true;
        journal.write(created("t2", "vpc-2")).expect("writes");
        journal.write(created("t3", "vpc-3")).expect("writes");
        assert_eq!(read_living(&path).expect("reads"), ["vpc-1", "vpc-2", "vpc-3"]);
    }

    #[test]
    fn who_only_looks_writes_nothing_and_makes_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("j");
        assert_eq!(read_living(&path).expect("reads"), Vec::<String>::new());
        assert!(!path.exists());
        let mut text = serde_json::to_vec(&created("t1", "vpc-1")).expect("serialises");
        text.extend_from_slice(b"\n{\"entry\":\"crea");
        std::fs::write(&path, &text).expect("written");
        assert_eq!(read_living(&path).expect("reads in spite of it"), ["vpc-1"]);
        assert_eq!(std::fs::read(&path).expect("reads"), text, "the half line may be on its way");
        // What cannot be understood is told with its line, and stays.
        std::fs::write(&path, "{}\n").expect("written");
        assert!(matches!(read_living(&path), Err(JournalError::Parse { line: 1, .. })));
    }

    #[test]
    fn no_line_is_lost_under_those_who_look() {
        const LINES: usize = 400;
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("j");
        let journal = Journal::open(&path).expect("opens");
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !done.load(std::sync::atomic::Ordering::Relaxed) {
                        read_living(&path).expect("reads");
                    }
                });
            }
            for n in 0..LINES {
                journal.write(created(&format!("t{n}"), &format!("vpc-{n}"))).expect("writes");
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        assert_eq!(read_living(&path).expect("reads").len(), LINES);
        assert_eq!(Journal::open(&path).expect("opens").living().len(), LINES);
    }
}
