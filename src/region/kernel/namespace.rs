//! Network namespaces: made, removed and entered.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};

use super::KernelError;

const DIRECTORY: &str = "/run/netns";

/// Where a namespace's handle is, as `ip netns` and `systemd-nspawn --network-namespace-path` expect it.
pub fn path(namespace: &str) -> PathBuf {
    Path::new(DIRECTORY).join(namespace)
}

/// Whether a namespace of this name is there.
pub fn exists(namespace: &str) -> bool {
    path(namespace).exists()
}

/// Makes an empty namespace under this name.
///
/// A left-over file without a namespace behind it is replaced; a namespace that is there is an error.
pub(super) fn create(namespace: &str) -> Result<(), KernelError> {
    let failed = |doing: &str, source: io::Error| KernelError::io(doing, namespace, source);
    let handle = path(namespace);
    fs::create_dir_all(DIRECTORY).map_err(|e| failed("make the directory of namespaces", e))?;
    File::options()
        .write(true)
        .create_new(true)
        .open(&handle)
        .map_err(|e| failed("make the namespace's handle", e))?;
    let made = on_own_thread(|| {
        unshare(CloneFlags::CLONE_NEWNET)?;
        mount(Some("/proc/thread-self/ns/net"), &handle, None::<&str>, MsFlags::MS_BIND, None::<&str>)
    });
    made.map_err(|e| {
        // Without the mount the file would look like a namespace to the next attempt.
        let _ = fs::remove_file(&handle);
        failed("make a network namespace", e.into())
    })
}

/// Removes a name and its hold on the namespace. A name that is not there counts as removed.
pub(super) fn delete(namespace: &str) -> Result<(), KernelError> {
    let handle = path(namespace);
    match umount2(&handle, MntFlags::MNT_DETACH) {
        // EINVAL: a plain file, left by an attempt that was cut short.
        Ok(()) | Err(Errno::ENOENT | Errno::EINVAL) => {}
        Err(e) => return Err(KernelError::io("unmount the namespace", namespace, e)),
    }
    match fs::remove_file(&handle) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            Err(KernelError::io("remove the namespace's handle", namespace, e))
        }
        _ => Ok(()),
    }
}

/// Runs `work` inside a namespace, on a thread that ends with it. Processes that it starts are born in the namespace.
pub fn enter<T: Send>(namespace: &str, work: impl FnOnce() -> T + Send) -> Result<T, KernelError> {
    let handle =
        File::open(path(namespace)).map_err(|e| KernelError::io("open the namespace", namespace, e))?;
    on_own_thread(|| setns(&handle, CloneFlags::CLONE_NEWNET).map(|()| work()))
        .map_err(|e| KernelError::io("enter the namespace", namespace, e))
}

fn on_own_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| match scope.spawn(work).join() {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
