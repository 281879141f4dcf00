//! A directory of the lab's owner, shown as a directory of the laptop's user (an id-mapped mount).
//!
//! The files stay the owner's on the host, so the command line can read them there; on the laptop they are `me`'s.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::libc;
use nix::sched::{CloneFlags, clone};
use nix::sys::wait::waitpid;

use super::ID;

/// A mount that is not in the tree yet.
#[derive(Debug)]
pub(super) struct Detached(OwnedFd);

/// Take a copy of `directory`, which must belong to `uid` itself: nobody is shown a directory through the daemon
/// that he could not open himself.
pub(super) fn detach(directory: &Path, uid: u32, gid: u32) -> io::Result<Detached> {
    let source =
        File::options().read(true).custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW).open(directory)?;
    if source.metadata()?.uid() != uid {
        let message = format!("{} does not belong to the lab's owner", directory.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    // SAFETY: plain system call with a valid descriptor and a constant empty path.
    let tree = unsafe {
        libc::syscall(
            libc::SYS_open_tree,
            source.as_raw_fd(),
            c"".as_ptr(),
            libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | libc::AT_EMPTY_PATH.cast_unsigned(),
        )
    };
    let tree = Detached(owned(tree)?);
    if (uid, gid) != (ID, ID) {
        let namespace = user_namespace(uid, gid)?;
        // SAFETY: all bits zero is a valid value of this plain structure.
        let mut attributes: libc::mount_attr = unsafe { std::mem::zeroed() };
        attributes.attr_set = libc::MOUNT_ATTR_IDMAP;
        attributes.userns_fd = u64::try_from(namespace.as_raw_fd()).unwrap_or_default();
        // SAFETY: plain system call with valid descriptors and a structure of the size given.
        let set = unsafe {
            libc::syscall(
                libc::SYS_mount_setattr,
                tree.0.as_raw_fd(),
                c"".as_ptr(),
                libc::AT_EMPTY_PATH,
                &raw const attributes,
                size_of::<libc::mount_attr>(),
            )
        };
        if set < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(tree)
}

impl Detached {
    /// Put it where it belongs.
    pub(super) fn attach(&self, place: &Path) -> io::Result<()> {
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
}

/// A user namespace that says: who is `uid` on the disk is [`ID`] here. It is kept by its descriptor alone.
fn user_namespace(uid: u32, gid: u32) -> io::Result<OwnedFd> {
    let (mut wait, go) = io::pipe()?;
    let go_there = go.as_raw_fd();
    let hold = Box::new(move || -> isize {
        // Until the other end is closed; its copy in this process must not count.
        // SAFETY: the descriptor is this process's own copy, which nobody else uses.
        unsafe { libc::close(go_there) };
        isize::from(wait.read(&mut [0]).is_err())
    });
    let mut stack = vec![0; 64 * 1024];
    // SAFETY: without CLONE_VM the child has a copy of everything; this process has one thread.
    let child = unsafe { clone(hold, &mut stack, CloneFlags::CLONE_NEWUSER, Some(libc::SIGCHLD)) }?;
    let namespace = (|| {
        std::fs::write(format!("/proc/{child}/uid_map"), format!("{uid} {ID} 1"))?;
        std::fs::write(format!("/proc/{child}/gid_map"), format!("{gid} {ID} 1"))?;
        Ok(File::open(format!("/proc/{child}/ns/user"))?.into())
    })();
    drop(go);
    waitpid(child, None)?;
    namespace
}

fn owned(descriptor: libc::c_long) -> io::Result<OwnedFd> {
    match i32::try_from(descriptor) {
        // SAFETY: the kernel has just made it for us.
        Ok(raw) if raw >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(raw) }),
        _ => Err(io::Error::last_os_error()),
    }
}
