//! A directory of the lab's owner, shown as a directory of the laptop's user (an id-mapped mount).
//!
//! The files stay the owner's on the host, so the command line can read them there; on the laptop they are `me`'s.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use nix::libc;
use nix::sched::{CloneFlags, clone};
use nix::sys::wait::waitpid;

use super::ID;
use crate::private::Directory;
use crate::region::kernel::Detached;

/// A copy of `directory`, which must belong to `uid` itself: nobody is shown a directory through the daemon that he
/// could not open himself, and nobody leads it elsewhere by a link.
pub(super) fn detach(directory: &Path, uid: u32, gid: u32) -> io::Result<Detached> {
    let tree = Detached::of(Directory::open(directory)?.of(uid)?)?;
    if (uid, gid) == (ID, ID) { Ok(tree) } else { tree.mapped(user_namespace(uid, gid)?) }
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
