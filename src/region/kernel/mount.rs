//! Mounts that show a directory somewhere else, made of the directory itself and not of its name.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::libc;
use nix::mount::{MntFlags, umount2};

use crate::output::remark;

/// A mount that is not in the tree of any namespace yet, and goes when it is dropped.
#[derive(Debug)]
pub(crate) struct Detached(OwnedFd);

impl Detached {
    /// Of a directory, without what is mounted below it.
    pub(crate) fn of(directory: impl AsFd) -> io::Result<Detached> {
        let flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | libc::AT_EMPTY_PATH.cast_unsigned();
        // SAFETY: plain system call with a valid descriptor and a constant empty path.
        let tree =
            unsafe { libc::syscall(libc::SYS_open_tree, directory.as_fd().as_raw_fd(), c"".as_ptr(), flags) };
        match i32::try_from(tree) {
            // SAFETY: the kernel has just made it for us.
            Ok(raw) if raw >= 0 => Ok(Detached(unsafe { OwnedFd::from_raw_fd(raw) })),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// The same, in which no symbolic link is followed, whoever puts one there, and whoever comes across it.
    pub(crate) fn without_links(self) -> io::Result<Detached> {
        let set = libc::MOUNT_ATTR_NOSYMFOLLOW;
        self.change(&libc::mount_attr { attr_set: set, attr_clr: 0, propagation: 0, userns_fd: 0 })?;
        Ok(self)
    }

    /// The same, with the owners of its files as a user namespace maps them.
    pub(crate) fn mapped(self, namespace: impl AsFd) -> io::Result<Detached> {
        let set = libc::MOUNT_ATTR_IDMAP;
        let userns_fd = u64::try_from(namespace.as_fd().as_raw_fd()).unwrap_or_default();
        self.change(&libc::mount_attr { attr_set: set, attr_clr: 0, propagation: 0, userns_fd })?;
        Ok(self)
    }

    fn change(&self, attributes: &libc::mount_attr) -> io::Result<()> {
        // SAFETY: plain system call with valid descriptors and a structure of the size given.
        let set = unsafe {
            libc::syscall(
                libc::SYS_mount_setattr,
                self.0.as_raw_fd(),
                c"".as_ptr(),
                libc::AT_EMPTY_PATH,
                std::ptr::from_ref(attributes),
                size_of::<libc::mount_attr>(),
            )
        };
        if set < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Put it where it belongs, for as long as the namespace lives.
    pub(crate) fn attach(&self, place: &Path) -> io::Result<()> {
        let place = CString::new(place.as_os_str().as_bytes())?;
        // SAFETY: plain system call with a valid descriptor and strings that end with zero.
        let moved = unsafe {
            libc::syscall(
                libc::SYS_move_mount,
                self.0.as_raw_fd(),
                c"".as_ptr(),
                libc::AT_FDCWD,
                place.as_ptr(),
                libc::MOVE_MOUNT_F_EMPTY_PATH,
            )
        };
        if moved < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Put it at a new directory of this path, for as long as what this gives is there.
    pub(crate) fn at(&self, place: PathBuf) -> io::Result<Attached> {
        std::fs::create_dir_all(&place)?;
        self.attach(&place)?;
        Ok(Attached(place))
    }
}

/// A mount that goes with this, and the directory that it is at.
#[derive(Debug)]
pub(crate) struct Attached(PathBuf);

impl Attached {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let gone = umount2(&self.0, MntFlags::MNT_DETACH).map_err(io::Error::from);
        // Never what is in it: an empty directory alone can be removed so.
        if let Err(error) = gone.and_then(|()| std::fs::remove_dir(&self.0)) {
            remark!("{}: unmount it: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use nix::mount::{MsFlags, mount};
    use nix::sched::{CloneFlags, unshare};
    use nix::unistd::Uid;

    use super::*;
    use crate::private::Directory;

    #[test]
    fn where_no_link_is_followed_links_can_still_be_read_and_copied() {
        if !Uid::effective().is_root() {
            // Nobody else may mount.
            return;
        }
        let root = tempfile::tempdir().expect("a directory");
        let path = root.path().canonicalize().expect("there");
        fs::create_dir_all(path.join("home/in")).expect("a directory");
        fs::write(path.join("secret"), "secret").expect("a file");
        fs::write(path.join("home/in/plain"), "plain").expect("a file");
        symlink(path.join("secret"), path.join("home/link")).expect("a link");
        symlink("in", path.join("home/dir")).expect("a link");
        // On a thread of its own, whose mounts are its own.
        let mounting = || {
            unshare(CloneFlags::CLONE_NEWNS).expect("mounts of its own");
            let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
            mount(None::<&str>, "/", None::<&str>, private, None::<&str>).expect("private");
            let home = Directory::open(&path.join("home")).expect("opens");
            let shown = Detached::of(&home).and_then(Detached::without_links).expect("a mount");
            let shown = shown.at(path.join("shown")).expect("attached");
            assert!(fs::read(path.join("home/link")).is_ok(), "elsewhere it is followed");
            for link in ["link", "dir/plain"] {
                let error = fs::read(shown.path().join(link)).expect_err("a link");
                assert_eq!(error.raw_os_error(), Some(libc::ELOOP), "{link}: {error}");
            }
            assert_eq!(fs::read_to_string(shown.path().join("in/plain")).expect("no link"), "plain");
            assert_eq!(fs::read_link(shown.path().join("dir")).expect("a link"), Path::new("in"));
        };
        std::thread::scope(|scope| scope.spawn(mounting).join().expect("no panic"));
        assert!(!path.join("shown").exists(), "the mount and its place are gone");
        assert!(path.join("home/in/plain").exists(), "and nothing that was in it");
    }
}
