//! The lock of a lab: one command uses a lab at a time, and others can ask whether one does.
//!
//! Asking takes nothing. A `flock` cannot be asked for without being taken, and a command that begins at that moment
//! would fail as busy; record locks that belong to the open file can (`F_OFD_GETLK`). The `flock` is held all the same,
//! because it is what older programs know.

use std::fs::File;
use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, Flock, FlockArg, fcntl};
use nix::libc;

use crate::private;

/// The lock, held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held until it is dropped")] Flock<File>);

impl Lock {
    /// Takes the lock whose file is at `path`; `None` when another process holds it.
    ///
    /// # Errors
    /// As the file system says.
    pub fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = match Flock::lock(private::open(path)?, FlockArg::LockExclusiveNonblock) {
            Ok(file) => file,
            Err((_, Errno::EWOULDBLOCK)) => return Ok(None),
            Err((_, errno)) => return Err(errno.into()),
        };
        match fcntl(&*file, FcntlArg::F_OFD_SETLK(&whole())) {
            Ok(_) => Ok(Some(Self(file))),
            Err(Errno::EAGAIN | Errno::EACCES) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Whether some process holds the lock. Neither makes the file nor touches the lock.
    pub fn is_held(path: &Path) -> bool {
        let Ok(file) = File::open(path) else { return false };
        let mut found = whole();
        fcntl(&file, FcntlArg::F_OFD_GETLK(&mut found)).is_ok() && i32::from(found.l_type) != libc::F_UNLCK
    }
}

/// An exclusive lock of the whole file.
fn whole() -> libc::flock {
    // SAFETY: all bits zero is a valid value of this plain structure: from the beginning to the end, whatever that is.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    #[expect(clippy::cast_possible_truncation, reason = "the constants are small")]
    let (kind, from) = (libc::F_WRLCK as libc::c_short, libc::SEEK_SET as libc::c_short);
    (lock.l_type, lock.l_whence) = (kind, from);
    lock
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn asking_keeps_nobody_from_taking_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("lock");
        assert!(!Lock::is_held(&path) && !path.exists(), "asking makes nothing");
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        Lock::is_held(&path);
                    }
                });
            }
            let taken = (0..5000).filter(|_| Lock::take(&path).expect("opens").is_some()).count();
            done.store(true, Ordering::Relaxed);
            assert_eq!(taken, 5000, "so often it was free and could be taken");
        });
        let held = Lock::take(&path).expect("opens").expect("is free");
        assert!(Lock::is_held(&path) && Lock::take(&path).expect("opens").is_none());
        // An older program is kept out, too.
        let old = Flock::lock(File::open(&path).expect("opens"), FlockArg::LockExclusiveNonblock);
        assert!(old.is_err());
        drop(held);
        assert!(!Lock::is_held(&path));
    }
}
