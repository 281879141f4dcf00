//! Pictures of pages, kept beside the records for the book and never compared.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::event::Outcome;
use crate::snapshot::{Key, Update};

/// Pictures that wait for the lesson's end.
#[derive(Default)]
pub(super) struct Pictures(Vec<(Key, Vec<u8>, bool)>);

impl Pictures {
    /// Keeps one. A picture that is there stays as long as the page's text is the recorded one: browsers draw the same
    /// page in other bytes.
    pub fn keep(&mut self, key: Key, outcome: &Outcome, picture: Vec<u8>) {
        let replaces = matches!(outcome, Outcome::Unrecorded | Outcome::Differed { .. });
        self.0.push((key, picture, replaces));
    }

    /// Writes them as `LESSON__BLOCK.png` into the directory of the records. Returns the files written.
    pub fn write(&mut self, directory: &Path, update: Update) -> io::Result<Vec<PathBuf>> {
        let mut written = Vec::new();
        for (key, picture, replaces) in self.0.drain(..) {
            let path = path(directory, &key);
            if update == Update::No || path.exists() && !replaces {
                continue;
            }
            fs::create_dir_all(directory)?;
            fs::write(&path, picture)?;
            written.push(path);
        }
        Ok(written)
    }
}

/// A record's name without the cloud: the page is the same on all.
fn path(directory: &Path, key: &Key) -> PathBuf {
    let names = Key { cloud: "local".to_owned(), ..key.clone() }.names();
    directory.join(format!("{}.png", names.first().map_or("page", String::as_str)))
}
