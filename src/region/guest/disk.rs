//! An instance's disk: a directory that holds what differs from the image.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{GuestSpec, cloud_config};

/// The disk of one instance. It outlives the instance's processes, and the daemon.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    path: PathBuf,
}

impl Disk {
    pub(super) fn at(path: PathBuf) -> Disk {
        Disk { path }
    }

    /// Upper layer of the overlay.
    pub(super) fn upper(&self) -> PathBuf {
        self.path.join("upper")
    }

    /// Work directory of the overlay, on the same file system.
    pub(super) fn work(&self) -> PathBuf {
        self.path.join("work")
    }

    pub(super) fn console(&self) -> PathBuf {
        self.path.join("console.log")
    }

    /// Make the disk if it is new, and write what a guest is told before it boots. A disk that is there keeps
    /// everything but the name service's settings, which follow the network that the instance is in.
    pub(super) fn prepare(&self, spec: &GuestSpec) -> io::Result<()> {
        let upper = self.upper();
        let new = !upper.exists();
        fs::create_dir_all(self.work())?;
        fs::set_permissions(&self.path, Permissions::from_mode(0o700))?;
        // The kernel refuses a volatile overlay whose last user did not unmount it; for us that is the usual end.
        match fs::remove_dir_all(self.work().join("work/incompat")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        if new {
            // Made whole under another name: a daemon killed in between leaves no half disk.
            let half = self.path.join("upper.new");
            match fs::remove_dir_all(&half) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            first_files(&half, spec)?;
            fs::rename(&half, &upper)?;
        }
        // A guest that has made a link of its /etc must not lead us out of its disk.
        if upper.join("etc").is_symlink() {
            return Ok(());
        }
        write(&upper, "etc/resolv.conf", &resolv_conf(spec))
    }

    /// Everything goes.
    pub(super) fn remove(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn first_files(upper: &Path, spec: &GuestSpec) -> io::Result<()> {
    directory(upper, upper)?;
    write(upper, "etc/hostname", &format!("{}\n", spec.hostname))?;
    write(upper, "etc/hosts", &hosts(spec))?;
    write(upper, "etc/machine-id", &format!("{}\n", machine_id(&spec.id)))?;
    let seed = "var/lib/cloud/seed/lab";
    write(upper, &format!("{seed}/instance-id"), &format!("{}\n", spec.id))?;
    write(upper, &format!("{seed}/login"), &format!("{}\n", spec.login))?;
    let keys: String = spec.authorized_keys.iter().map(|key| format!("{}\n", key.trim_end())).collect();
    write(upper, &format!("{seed}/authorized_keys"), &keys)?;
    if let Some(script) = spec.user_data.as_deref().and_then(cloud_config::script) {
        fs::write(upper.join(seed).join("user-data"), script)?;
    }
    // User data may hold secrets.
    fs::set_permissions(upper.join("var/lib/cloud/seed"), Permissions::from_mode(0o700))
}

/// As cloud-init writes it on Debian.
fn hosts(spec: &GuestSpec) -> String {
    format!(
        "127.0.1.1 {0}.{1} {0}\n127.0.0.1 localhost\n\n\
         ::1 localhost ip6-localhost ip6-loopback\nff02::1 ip6-allnodes\nff02::2 ip6-allrouters\n",
        spec.hostname, spec.domain
    )
}

fn resolv_conf(spec: &GuestSpec) -> String {
    format!("search {}\nnameserver {}\n", spec.domain, spec.resolver)
}

/// 32 hexadecimal digits that follow from the instance's id, so that a disk made twice is the same machine.
fn machine_id(id: &str) -> String {
    let digest = Sha256::digest(format!("machine-id of {id}"));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn write(upper: &Path, path: &str, text: &str) -> io::Result<()> {
    let path = upper.join(path);
    if let Some(parent) = path.parent() {
        directory(upper, parent)?;
    }
    if path.is_symlink() {
        fs::remove_file(&path)?;
    }
    fs::write(&path, text)?;
    fs::set_permissions(&path, Permissions::from_mode(0o644))
}

/// Make `path` and what is missing above it, with the modes that the image's directories have.
fn directory(upper: &Path, path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|_| path != upper) {
        directory(upper, parent)?;
    }
    fs::create_dir(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o755))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> GuestSpec {
        GuestSpec {
            id: "i-0123456789abcdef0".into(),
            hostname: "ip-10-0-1-10".into(),
            domain: "ec2.internal".into(),
            address: [10, 0, 1, 10].into(),
            resolver: [10, 0, 0, 2].into(),
            namespace: "n".into(),
            image: "/image".into(),
            login: "admin".into(),
            authorized_keys: vec!["ssh-ed25519 AAAA key\n".into()],
            user_data: Some(b"#!/bin/sh\nid\n".to_vec()),
            memory_mib: 1024,
        }
    }

    #[test]
    fn a_new_disk_tells_the_guest_who_it_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let disk = Disk::at(directory.path().join("i"));
        disk.prepare(&spec()).expect("prepare");
        let read = |path: &str| fs::read_to_string(disk.upper().join(path)).expect(path);
        assert_eq!(read("etc/hostname"), "ip-10-0-1-10\n");
        assert!(read("etc/hosts").starts_with("127.0.1.1 ip-10-0-1-10.ec2.internal ip-10-0-1-10\n"));
        assert_eq!(read("var/lib/cloud/seed/lab/authorized_keys"), "ssh-ed25519 AAAA key\n");
        assert_eq!(read("etc/machine-id").trim().len(), 32);
    }

    #[test]
    fn a_disk_that_is_there_keeps_what_the_guest_changed() {
        let directory = tempfile::tempdir().expect("a directory");
        let disk = Disk::at(directory.path().join("i"));
        disk.prepare(&spec()).expect("prepare");
        fs::write(disk.upper().join("etc/hostname"), "mine\n").expect("write");
        disk.prepare(&GuestSpec { resolver: [10, 9, 0, 2].into(), ..spec() }).expect("prepare again");
        assert_eq!(fs::read_to_string(disk.upper().join("etc/hostname")).expect("read"), "mine\n");
        assert!(fs::read_to_string(disk.upper().join("etc/resolv.conf")).expect("read").contains("10.9.0.2"));
        disk.remove().expect("remove");
        disk.remove().expect("removing twice is no error");
    }

    #[test]
    fn a_link_in_the_guests_disk_does_not_lead_out_of_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let disk = Disk::at(directory.path().join("i"));
        disk.prepare(&spec()).expect("prepare");
        let outside = directory.path().join("outside");
        fs::write(&outside, "untouched").expect("write");
        let inside = disk.upper().join("etc/resolv.conf");
        fs::remove_file(&inside).expect("remove");
        std::os::unix::fs::symlink(&outside, &inside).expect("link");
        disk.prepare(&spec()).expect("prepare again");
        assert_eq!(fs::read_to_string(outside).expect("read"), "untouched");
    }
}
