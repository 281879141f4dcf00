//! The command that boots one guest.

use std::ffi::CString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use sha2::{Digest, Sha256};
use tokio::process::{Child, Command};

use super::GuestSpec;
use super::disk::Disk;
use crate::region::kernel;
use crate::region::tree::{Cgroup, PATH};

/// Below this a guest's overlay is mounted, in a mount namespace of its own, so that nobody else holds the mount and it
/// goes with the guest's processes. Each guest has its own place, because nspawn locks the path.
const ROOTS: &str = "/run/lab/guests";

/// Where layers have short names, in the tree's own `/run`.
const SHORT: &str = "/run/lab/layers";

/// Exit status of `systemd-nspawn --keep-unit` when the system inside wants to be rebooted.
pub(super) const REBOOT: i32 = 133;

/// Start the guest's processes. Its console comes out of the child's standard output; what `systemd-nspawn` itself
/// has to say comes there too.
pub(super) fn spawn(spec: &GuestSpec, disk: &Disk, cgroup: &Cgroup, notify: &Path) -> io::Result<Child> {
    let root = Path::new(ROOTS).join(&spec.id);
    std::fs::create_dir_all(&root)?;
    let mount_point = CString::new(root.as_os_str().as_bytes())?;
    let mut lower = short(&disk.layers()?)?;
    lower.extend([spec.additions.clone(), spec.image.clone()]);
    let layers = overlay_options(&lower, disk)?;
    let mut door = cgroup.door()?;

    let mut command = Command::new("systemd-nspawn");
    command
        .args(["--quiet", "--register=no", "--keep-unit", "--boot", "--notify-ready=yes"])
        // Orderly power-off is what SIGTERM to nspawn asks for.
        .arg("--kill-signal=SIGRTMIN+4")
        .arg(format!("--network-namespace-path={}", kernel::path(&spec.namespace).display()))
        // An instance's root may configure its own network, as on EC2; the router does not believe it.
        .arg("--capability=CAP_NET_ADMIN")
        .args(["--console=read-only", "--link-journal=no", "--resolv-conf=off", "--timezone=off"])
        .arg("--setenv=TERM=dumb")
        .arg(format!("--machine={}", spec.id))
        .arg(format!("--hostname={}", spec.hostname))
        .arg(format!("--directory={}", root.display()))
        .env_clear()
        .env("PATH", PATH)
        .env("LC_ALL", "C.UTF-8")
        .env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1")
        .env("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "network")
        .env("NOTIFY_SOCKET", notify)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    // SAFETY: between fork and exec only system calls, with values that were made before.
    unsafe {
        command.pre_exec(move || {
            door.write_all(b"0")?;
            unshare(CloneFlags::CLONE_NEWNS)?;
            // Slave, not private: a network namespace that is unmounted outside must not be held here.
            let slave = MsFlags::MS_REC | MsFlags::MS_SLAVE;
            mount(None::<&str>, c"/", None::<&str>, slave, None::<&str>)?;
            mount(
                Some(c"overlay"),
                mount_point.as_c_str(),
                Some(c"overlay"),
                MsFlags::empty(),
                Some(&*layers),
            )?;
            // nspawn makes a directory here and, when it is killed, leaves it.
            mount(Some(c"tmpfs"), c"/tmp", Some(c"tmpfs"), MsFlags::empty(), None::<&str>)?;
            if nix::libc::dup2(1, 2) < 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(())
        });
    }
    command.spawn()
}

/// Links to these directories with short names: all options of a mount have to fit into one page of memory.
fn short(layers: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    if !layers.is_empty() {
        std::fs::create_dir_all(SHORT)?;
    }
    let link = |layer: &PathBuf| {
        let name = Sha256::digest(layer.as_os_str().as_bytes());
        let name: String = name.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let link = Path::new(SHORT).join(name);
        match std::os::unix::fs::symlink(layer, &link) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(link),
        }
    };
    layers.iter().map(link).collect()
}

/// `volatile`: nothing is synced to the disk for the guest's sake. Killing a guest loses nothing by it; a crash of
/// the whole machine may.
fn overlay_options(lower: &[PathBuf], disk: &Disk) -> io::Result<CString> {
    let (upper, work) = (disk.upper(), disk.work());
    let below = lower.iter().enumerate().map(|(n, path)| (if n == 0 { "lowerdir=" } else { ":" }, path));
    let mut options = Vec::new();
    for (name, path) in below.chain([(",upperdir=", &upper), (",workdir=", &work)]) {
        options.extend_from_slice(name.as_bytes());
        for byte in path.as_os_str().as_bytes() {
            // These separate options and layers.
            if matches!(byte, b',' | b':' | b'\\') {
                options.push(b'\\');
            }
            options.push(*byte);
        }
    }
    options.extend_from_slice(b",volatile");
    CString::new(options).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a path holds a zero byte"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_cannot_add_options() {
        let options =
            overlay_options(&["/a,b:c".into(), "/i".into()], &Disk::at("/d".into())).expect("no zero byte");
        assert_eq!(options.to_bytes(), br"lowerdir=/a\,b\:c:/i,upperdir=/d/upper,workdir=/d/work,volatile");
    }
}
