//! Pictures of pages, kept beside the records for the book and never compared.

use std::path::PathBuf;

use crate::event::Outcome;
use crate::snapshot::{Key, Store, StoreError, Update, Written};

/// Pictures that wait for the lesson's end.
#[derive(Default)]
pub(super) struct Pictures(Vec<(Key, Vec<u8>, bool)>);

impl Pictures {
    /// Keeps one.
    pub fn keep(&mut self, key: Key, outcome: &Outcome, picture: Vec<u8>) {
        let changed = matches!(outcome, Outcome::Unrecorded | Outcome::Differed { .. });
        self.0.push((key, picture, changed));
    }

    /// Gives them to the store. Returns the files written.
    pub fn write(&mut self, store: &Store, update: Update) -> Result<Vec<PathBuf>, StoreError> {
        let mut written = Vec::new();
        for (key, picture, changed) in self.0.drain(..) {
            match store.keep_picture(&key, &picture, changed, update)? {
                Written::Pending(path) | Written::Recorded(path) => written.push(path),
                Written::Nothing => {}
            }
        }
        Ok(written)
    }
}
