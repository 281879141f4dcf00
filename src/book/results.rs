//! Which record belongs under a block.

use std::path::PathBuf;

use super::error::BookError;
use crate::lesson::{Block, Lesson};
use crate::snapshot::{Key, Record, Store};

/// The clouds in the order in which their records are preferred. The local region comes first: anybody can make that
/// record again.
const CLOUDS: [&str; 2] = ["local", "aws"];

/// The recorded results of a course.
pub(super) struct Results {
    store: Store,
}

impl Results {
    /// Those in this store.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// What is recorded of a block; none when nothing is, however similar the record of another system may be.
    pub fn of(&self, lesson: &Lesson, block: &Block) -> Result<Option<Record>, BookError> {
        let os = block.os.unwrap_or_default();
        for cloud in CLOUDS {
            let found = self.store.find(&key(lesson, block, cloud))?;
            // The store falls back to the record without a system's name, which may be the other variant's.
            let fits = |record: &Record| block.os.is_none() || record.origin.os == os.as_str();
            if let Some(found) = found.filter(|found| fits(&found.record)) {
                return Ok(Some(found.record));
            }
        }
        Ok(None)
    }

    /// The picture that was kept with it.
    pub fn picture_of(&self, lesson: &Lesson, block: &Block) -> Option<PathBuf> {
        let keys = CLOUDS.iter().map(|cloud| key(lesson, block, cloud));
        keys.filter_map(|key| self.store.picture(&key)).next()
    }
}

fn key(lesson: &Lesson, block: &Block, cloud: &str) -> Key {
    let (lesson, name) = (lesson.id.clone(), block.name.clone());
    Key { lesson, block: name, os: block.os.unwrap_or_default(), cloud: cloud.to_owned() }
}
