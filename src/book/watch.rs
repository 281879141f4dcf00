//! Notices that a file of the book has changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What of a course's directory makes its book.
const WATCHED: [&str; 4] = ["lessons", "snapshots", "theme", "book.toml"];

/// When each file was changed, and how long it was. Asked again and again instead of being told by the kernel: a few
/// hundred files take less than a millisecond, it works on every file system, and nothing can be missed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp(BTreeMap<PathBuf, (Option<SystemTime>, u64)>);

impl Stamp {
    /// Of the course at `root` as it is now.
    pub fn of(root: &Path) -> Self {
        let mut stamp = Self::default();
        WATCHED.iter().for_each(|name| stamp.add(&root.join(name)));
        stamp
    }

    fn add(&mut self, path: &Path) {
        // A file that vanishes meanwhile is one that is not there.
        let Ok(metadata) = fs::metadata(path) else { return };
        if metadata.is_dir() {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            entries.for_each(|entry| self.add(&entry.path()));
        } else {
            self.0.insert(path.to_owned(), (metadata.modified().ok(), metadata.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_lessons_and_records_are_noticed_and_of_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("lessons")).unwrap();
        fs::write(root.path().join("lessons/01-a.md"), "a").unwrap();
        let first = Stamp::of(root.path());
        fs::write(root.path().join("other"), "x").unwrap();
        assert_eq!(Stamp::of(root.path()), first);
        fs::write(root.path().join("lessons/01-a.md"), "ab").unwrap();
        let second = Stamp::of(root.path());
        assert_ne!(second, first);
        fs::create_dir_all(root.path().join("snapshots")).unwrap();
        fs::write(root.path().join("snapshots/01-a__b.snap"), "").unwrap();
        assert_ne!(Stamp::of(root.path()), second);
    }
}
