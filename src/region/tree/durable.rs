//! Replacing a file so that it is the old one or the new one, whatever fails and whenever the machine goes down.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::private::create_anew;

/// The steps that the file system is asked for, so that tests can let each of them fail.
pub(crate) trait Steps: Debug + Send + Sync {
    /// Open a directory.
    fn open_directory(&self, path: &Path) -> io::Result<File> {
        File::open(path)
    }

    /// Make an empty file, for root alone, in the place of one that may be there.
    fn create(&self, path: &Path) -> io::Result<File> {
        create_anew(path)
    }

    /// Write a file's content.
    fn write(&self, file: &mut File, text: &[u8]) -> io::Result<()> {
        file.write_all(text)
    }

    /// Wait until a file or a directory is on the disk.
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    /// Give a file another name of the same directory; what had that name is gone.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }
}

/// The steps as the system does them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct System;

impl Steps for System {}

/// A file that could not be replaced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplaceError {
    /// It is as it was before.
    #[error(transparent)]
    Unchanged(io::Error),
    /// Nobody knows which of the two it is: the new one could neither be made safe nor taken back.
    #[error("{error}; and to put back what was there failed: {back}")]
    Unknown { error: io::Error, back: io::Error },
}

impl From<ReplaceError> for io::Error {
    fn from(error: ReplaceError) -> Self {
        match error {
            ReplaceError::Unchanged(error) => error,
            unknown => io::Error::other(unknown),
        }
    }
}

/// Replace a file: readers see the old or the new text, never half of one, and when this answers `Ok` the new one is on
/// the disk. When it fails, the old one is there.
pub(crate) fn replace(steps: &dyn Steps, path: &Path, text: &[u8]) -> Result<(), ReplaceError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    // Whatever takes a descriptor or room comes before the first change that anybody could see.
    let directory = steps.open_directory(directory).map_err(ReplaceError::Unchanged)?;
    let (new, old) = (beside(path, ".new"), beside(path, ".old"));
    let write = || {
        let mut file = steps.create(&new)?;
        steps.write(&mut file, text)?;
        steps.sync(&file)?;
        keep(path, &old)
    };
    let kept = write().inspect_err(|_| discard(&new)).map_err(ReplaceError::Unchanged)?;
    if let Err(error) = steps.rename(&new, path) {
        discard(&new);
        discard(&old);
        return Err(ReplaceError::Unchanged(error));
    }
    if let Err(error) = steps.sync(&directory) {
        let back = if kept { steps.rename(&old, path) } else { fs::remove_file(path) };
        return Err(match back {
            Ok(()) => ReplaceError::Unchanged(error),
            Err(back) => ReplaceError::Unknown { error, back },
        });
    }
    discard(&old);
    Ok(())
}

/// Remove a file for good; one that is gone already is gone.
pub(crate) fn remove(steps: &dyn Steps, path: &Path) -> io::Result<()> {
    let directory = steps.open_directory(path.parent().unwrap_or(Path::new(".")))?;
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => steps.sync(&directory),
    }
}

/// Give the present file a second name. Says whether there is one.
fn keep(path: &Path, old: &Path) -> io::Result<bool> {
    discard(old);
    match fs::hard_link(path, old) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A second name or an unfinished file: were it to stay, the next replacement would take its place.
fn discard(path: &Path) {
    let _ = fs::remove_file(path);
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A device whose steps fail from a certain one on, and go well again when it has been mended.
    #[derive(Debug, Clone)]
    pub(crate) struct Faulty {
        /// So many more steps go well; below zero: all.
        good: Arc<AtomicI64>,
        /// So many fail after those.
        bad: Arc<AtomicI64>,
        pub(crate) log: Arc<Mutex<Vec<&'static str>>>,
    }

    impl Faulty {
        pub(crate) fn sound() -> Faulty {
            Faulty { good: Arc::new(AtomicI64::new(-1)), bad: Arc::default(), log: Arc::default() }
        }

        /// After `good` more steps, `bad` fail.
        pub(crate) fn fail(&self, good: i64, bad: i64) {
            self.good.store(good, Ordering::Relaxed);
            self.bad.store(bad, Ordering::Relaxed);
        }

        pub(crate) fn mend(&self) {
            self.fail(-1, 0);
        }

        fn step(&self, name: &'static str) -> io::Result<()> {
            self.log.lock().expect("no panic").push(name);
            let good = self.good.load(Ordering::Relaxed);
            if good < 0 {
                return Ok(());
            }
            if good > 0 {
                self.good.store(good - 1, Ordering::Relaxed);
                return Ok(());
            }
            if self.bad.fetch_sub(1, Ordering::Relaxed) > 0 {
                return Err(io::Error::other(format!("the device fails to {name}")));
            }
            self.mend();
            Ok(())
        }
    }

    impl Steps for Faulty {
        fn open_directory(&self, path: &Path) -> io::Result<File> {
            self.step("open")?;
            System.open_directory(path)
        }

        fn create(&self, path: &Path) -> io::Result<File> {
            self.step("create")?;
            System.create(path)
        }

        fn write(&self, file: &mut File, text: &[u8]) -> io::Result<()> {
            // As a full disk does it: some of it is there.
            if let Err(error) = self.step("write") {
                System.write(file, &text[..text.len() / 2])?;
                return Err(error);
            }
            System.write(file, text)
        }

        fn sync(&self, file: &File) -> io::Result<()> {
            self.step("sync")?;
            System.sync(file)
        }

        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            self.step("rename")?;
            System.rename(from, to)
        }
    }

    fn content(directory: &Path) -> Vec<(String, String)> {
        let entries = fs::read_dir(directory).expect("readable").map(|entry| entry.expect("readable"));
        let mut found: Vec<_> = entries
            .map(|entry| {
                let text = fs::read_to_string(entry.path()).expect("text");
                (entry.file_name().to_string_lossy().into_owned(), text)
            })
            .collect();
        found.sort();
        found
    }

    #[test]
    fn file_and_directory_are_on_the_disk_before_it_answers() {
        let directory = tempfile::tempdir().expect("a directory");
        let device = Faulty::sound();
        replace(&device, &directory.path().join("f"), b"new").expect("replaced");
        assert_eq!(
            *device.log.lock().expect("no panic"),
            ["open", "create", "write", "sync", "rename", "sync"]
        );
        assert_eq!(content(directory.path()), [("f".to_owned(), "new".to_owned())]);
    }

    #[test]
    fn whatever_step_fails_the_old_file_is_there_and_nothing_else() {
        for there in [true, false] {
            for step in 0..6 {
                let directory = tempfile::tempdir().expect("a directory");
                let file = directory.path().join("f");
                if there {
                    fs::write(&file, "old").expect("written");
                }
                let before = content(directory.path());
                let device = Faulty::sound();
                device.fail(step, 1);
                let error = replace(&device, &file, b"new").expect_err("it fails");
                assert!(matches!(error, ReplaceError::Unchanged(_)), "{error}");
                assert_eq!(content(directory.path()), before, "step {step}");
                replace(&device, &file, b"new").expect("the device is well again");
                assert_eq!(content(directory.path()), [("f".to_owned(), "new".to_owned())]);
            }
        }
    }

    #[test]
    fn what_cannot_be_put_back_is_said_to_be_unknown() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("f");
        fs::write(&file, "old").expect("written");
        let device = Faulty::sound();
        device.fail(5, 2);
        let error = replace(&device, &file, b"new").expect_err("it fails");
        assert!(matches!(error, ReplaceError::Unknown { .. }), "{error}");
    }
}
