//! Pictures of pages: they stand beside the records, go the same way through review, and are never compared.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::{Key, Pending, Store, StoreError, Written};
use crate::snapshot::Update;

impl Store {
    /// The picture that belongs to this, if there is one: a PNG.
    pub fn picture(&self, key: &Key) -> Option<PathBuf> {
        key.names().iter().map(|name| self.picture_of(name)).find(|path| path.exists())
    }

    /// Keeps a new picture, as `update` says: beside the records under the name without the cloud (the page is the same
    /// on all), or to be reviewed with its record. One that is there stays, unless the page has `changed`: browsers
    /// draw the same page in other bytes.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_picture(
        &self,
        key: &Key,
        picture: &[u8],
        changed: bool,
        update: Update,
    ) -> Result<Written, StoreError> {
        let name = Key { cloud: "local".to_owned(), ..key.clone() }.names().swap_remove(0);
        let path = self.picture_of(&name);
        let unseen = !path.exists();
        let path = match update {
            _ if !unseen && !changed => return Ok(Written::Nothing),
            Update::No => return Ok(Written::Nothing),
            Update::Always | Update::Force => path,
            Update::Unseen if unseen => path,
            Update::New | Update::Unseen => self.waiting_picture(&name),
        };
        let write = |path: &Path| {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(path, picture)
        };
        write(&path).map_err(|source| StoreError::Io { what: "write", path: path.clone(), source })?;
        Ok(if path == self.picture_of(&name) { Written::Recorded(path) } else { Written::Pending(path) })
    }

    /// Makes the picture that waits with a result the one that the book shows.
    pub(super) fn accept_picture(&self, pending: &Pending) -> Result<(), StoreError> {
        let (from, to) = (self.waiting_picture(&pending.name), self.picture_of(&pending.name));
        match fs::rename(&from, to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::Io { what: "accept", path: from, source: error })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn picture_of(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.png"))
    }

    pub(super) fn waiting_picture(&self, name: &str) -> PathBuf {
        self.pending.join(format!("{name}.png.new"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::{BlockName, LessonId, Os};
    use crate::snapshot::Record;

    #[test]
    fn a_picture_goes_the_way_of_its_record() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::with_pending_dir(root.path(), None);
        let key = Key {
            lesson: LessonId::new("03-apache").unwrap(),
            block: BlockName::new("see-page").unwrap(),
            os: Os::Debian,
            cloud: "aws".to_owned(),
        };
        let shown = || store.picture(&key).map(|path| fs::read(path).unwrap());
        let keep = |bytes: &[u8], changed, update| store.keep_picture(&key, bytes, changed, update).unwrap();
        let pend = |output: &str| {
            let record = Record { output: output.to_owned(), ..Record::default() };
            store.record(&key, &record, Update::New).unwrap();
            store.pending().unwrap().remove(0)
        };

        assert_eq!(keep(b"one", true, Update::No), Written::Nothing);
        assert!(matches!(keep(b"one", true, Update::New), Written::Pending(_)));
        assert_eq!(shown(), None);
        store.accept(&pend("first")).unwrap();
        assert_eq!(shown().unwrap(), b"one");

        assert_eq!(keep(b"the same page", false, Update::Always), Written::Nothing);
        keep(b"two", true, Update::New);
        store.reject(&pend("second")).unwrap();
        assert_eq!(shown().unwrap(), b"one");
        keep(b"three", true, Update::New);
        pend("third");
        store.settle(&key).unwrap();
        keep(b"four", true, Update::Always);
        assert_eq!(shown().unwrap(), b"four");
        store.prune(&["03-apache__see-page".to_owned()]).unwrap();
        assert_eq!(fs::read_dir(store.directory()).unwrap().count(), 0, "nothing is left behind");
    }
}
