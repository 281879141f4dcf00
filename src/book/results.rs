//! Which record belongs under a block.

use std::path::PathBuf;

use super::error::BookError;
use crate::lesson::{Block, Lesson};
use crate::secret::Secrets;
use crate::snapshot::{Key, Record, Store};

/// The clouds in the order in which their records are preferred. The local region comes first: anybody can make that
/// record again.
const CLOUDS: [&str; 2] = ["local", "aws"];

/// The recorded results of a course.
pub(super) struct Results {
    store: Store,
    secrets: Secrets,
}

impl Results {
    /// Those in this store. A record is masked when it is made; one that was made long ago, or written by hand, is here.
    pub fn new(store: Store, secrets: Secrets) -> Self {
        Self { store, secrets }
    }

    /// What the pages do not show.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// What is recorded of a block; none when nothing is, however similar the record of another system may be.
    pub fn of(&self, lesson: &Lesson, block: &Block) -> Result<Option<Record>, BookError> {
        let os = block.os.unwrap_or_default();
        for cloud in CLOUDS {
            let found = self.store.find(&key(lesson, block, cloud))?;
            // The store falls back to the record without a system's name, which may be the other variant's.
            let fits = |record: &Record| block.os.is_none() || record.origin.os == os.as_str();
            if let Some(mut found) = found.filter(|found| fits(&found.record)) {
                found.record.mask(&self.secrets);
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
