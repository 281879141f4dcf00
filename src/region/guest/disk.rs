//! An instance's disk: a directory that holds what differs from the image.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{GuestSpec, cloud_config, host_keys};
use crate::region::tree::replace;

/// Names the layers below, in the disk's directory.
const LAYERS: &str = "layers.json";

/// The disk of one instance. It outlives the instance's processes, and the daemon.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    path: PathBuf,
}

impl Disk {
    pub(crate) fn at(path: PathBuf) -> Disk {
        Disk { path }
    }

    /// Its directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The read-only layers between the upper one and the image, the uppermost first: disks of kept moments. None for
    /// a disk that began as the image's.
    pub(crate) fn layers(&self) -> io::Result<Vec<PathBuf>> {
        match fs::read(self.path.join(LAYERS)) {
            Ok(text) => Ok(serde_json::from_slice(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Look for the layers below in `states`, whatever the directory around them was called before.
    pub(super) fn relay(&self, states: &Path) -> io::Result<()> {
        let layers = self.layers()?;
        let name = Path::new(states.file_name().unwrap_or_default());
        // `states/MOMENT/disks/INSTANCE`
        let moved = |layer: &PathBuf| {
            let before = layer.ancestors().nth(3).filter(|before| before.ends_with(name))?;
            Some(states.join(layer.strip_prefix(before).ok()?))
        };
        let now: Vec<_> = layers.iter().map(|layer| moved(layer).unwrap_or_else(|| layer.clone())).collect();
        if now == layers {
            return Ok(());
        }
        replace(&self.path.join(LAYERS), &serde_json::to_vec(&now)?)
    }

    /// A file for whoever keeps copies of it: what the last one held.
    pub(crate) fn kept(&self) -> PathBuf {
        self.path.join("kept.json")
    }

    /// Make it anew as an empty layer over these.
    pub(crate) fn lay_over(&self, layers: &[PathBuf]) -> io::Result<()> {
        self.remove()?;
        fs::create_dir_all(&self.path)?;
        fs::set_permissions(&self.path, Permissions::from_mode(0o700))?;
        replace(&self.path.join(LAYERS), &serde_json::to_vec(layers)?)?;
        let upper = self.upper();
        fs::create_dir(&upper)?;
        if let Some(below) = layers.first() {
            // The root directory of a mount is the upper layer's.
            let below = fs::metadata(below)?;
            chown(&upper, Some(below.uid()), Some(below.gid()))?;
            fs::set_permissions(&upper, Permissions::from_mode(below.mode() & 0o7777))?;
        }
        Ok(())
    }

    /// Upper layer of the overlay.
    pub(crate) fn upper(&self) -> PathBuf {
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
        let mut own = vec![upper.clone()];
        own.extend(self.layers()?);
        let shown = |path: &str| {
            own.iter().map(|layer| layer.join(path)).find(|path| path.is_symlink() || path.exists())
        };
        if shown("etc").is_some_and(|etc| etc.is_symlink()) {
            return Ok(());
        }
        let text = resolv_conf(spec);
        let same = |file: PathBuf| {
            file.metadata().is_ok_and(|meta| meta.is_file())
                && fs::read(file).is_ok_and(|now| now == text.as_bytes())
        };
        if shown("etc/resolv.conf").is_some_and(same) {
            return Ok(());
        }
        Layer { upper: &upper, image: &spec.image }.write("etc/resolv.conf", text, 0o644)
    }

    /// Everything goes.
    pub(crate) fn remove(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// What cloud-init would do at the first boot, done beforehand: it costs the guest no time, and who boots finds
/// itself already named.
fn first_files(upper: &Path, spec: &GuestSpec) -> io::Result<()> {
    let layer = Layer { upper, image: &spec.image };
    layer.directory(upper)?;
    layer.write("etc/hostname", format!("{}\n", spec.hostname), 0o644)?;
    layer.write("etc/hosts", hosts(spec), 0o644)?;
    layer.write("etc/machine-id", format!("{}\n", machine_id(&spec.instance)), 0o444)?;
    for key in host_keys::generate(&spec.hostname).map_err(io::Error::other)? {
        layer.write(&format!("etc/ssh/ssh_host_{}_key", key.name), &key.private, 0o600)?;
        layer.write(&format!("etc/ssh/ssh_host_{}_key.pub", key.name), &key.public, 0o644)?;
    }
    let keys: String = spec.authorized_keys.iter().map(|key| format!("{}\n", key.trim_end())).collect();
    let (directory, file) = (format!("home/{}/.ssh", spec.login), "authorized_keys");
    let owner = fs::metadata(spec.image.join("home").join(&spec.login))?;
    layer.write(&format!("{directory}/{file}"), &keys, 0o600)?;
    fs::set_permissions(upper.join(&directory), Permissions::from_mode(0o700))?;
    for path in [upper.join(&directory), upper.join(&directory).join(file)] {
        chown(path, Some(owner.uid()), Some(owner.gid()))?;
    }

    let instance = "var/lib/cloud/instance";
    layer.write(&format!("{instance}/instance-id"), format!("{}\n", spec.instance), 0o644)?;
    if let Some(script) = spec.user_data.as_deref().and_then(cloud_config::script) {
        layer.write(&format!("{instance}/scripts/part-001"), script, 0o700)?;
        layer.write(&format!("{instance}/user-data-pending"), "", 0o644)?;
        // User data may hold secrets.
        fs::set_permissions(upper.join(instance).join("scripts"), Permissions::from_mode(0o700))?;
    }
    Ok(())
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

/// An upper layer that is being filled.
struct Layer<'a> {
    upper: &'a Path,
    image: &'a Path,
}

impl Layer<'_> {
    fn write(&self, path: &str, content: impl AsRef<[u8]>, mode: u32) -> io::Result<()> {
        let path = self.upper.join(path);
        if let Some(parent) = path.parent() {
            self.directory(parent)?;
        }
        // A link leads out of the disk; a file that the guest has removed is a device node here.
        if fs::symlink_metadata(&path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir()) {
            fs::remove_file(&path)?;
        }
        fs::write(&path, content)?;
        fs::set_permissions(&path, Permissions::from_mode(mode))
    }

    /// Make `path` and what is missing above it. A directory here covers the image's own, so it gets its owner and
    /// mode.
    fn directory(&self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        if let Some(parent) = path.parent().filter(|_| path != self.upper) {
            self.directory(parent)?;
        }
        fs::create_dir(path)?;
        let below = path.strip_prefix(self.upper).unwrap_or(path);
        let (mode, owner) = match fs::metadata(self.image.join(below)) {
            Ok(covered) => (covered.mode() & 0o7777, Some((covered.uid(), covered.gid()))),
            Err(_) => (0o755, None),
        };
        if let Some((uid, gid)) = owner {
            chown(path, Some(uid), Some(gid))?;
        }
        fs::set_permissions(path, Permissions::from_mode(mode))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A spec whose image is the directory `image` beside the disk.
    fn spec(directory: &Path) -> GuestSpec {
        fs::create_dir_all(directory.join("image/home/admin")).expect("create");
        GuestSpec {
            id: "111122223333-i-0123456789abcdef0".into(),
            instance: "i-0123456789abcdef0".into(),
            hostname: "ip-10-0-1-10".into(),
            domain: "ec2.internal".into(),
            address: [10, 0, 1, 10].into(),
            resolver: [10, 0, 0, 2].into(),
            namespace: "n".into(),
            image: directory.join("image"),
            additions: directory.join("additions"),
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
        disk.prepare(&spec(directory.path())).expect("prepare");
        let read = |path: &str| fs::read_to_string(disk.upper().join(path)).expect(path);
        assert_eq!(read("etc/hostname"), "ip-10-0-1-10\n");
        assert!(read("etc/hosts").starts_with("127.0.1.1 ip-10-0-1-10.ec2.internal ip-10-0-1-10\n"));
        assert_eq!(read("home/admin/.ssh/authorized_keys"), "ssh-ed25519 AAAA key\n");
        assert_eq!(read("var/lib/cloud/instance/scripts/part-001"), "#!/bin/sh\nid\n");
        assert!(read("etc/ssh/ssh_host_ed25519_key.pub").ends_with(" root@ip-10-0-1-10\n"));
        let key = fs::metadata(disk.upper().join("etc/ssh/ssh_host_ed25519_key")).expect("a key");
        assert_eq!(key.mode() & 0o777, 0o600);
        assert_eq!(read("etc/machine-id").trim().len(), 32);
    }

    #[test]
    fn a_disk_that_is_there_keeps_what_the_guest_changed() {
        let directory = tempfile::tempdir().expect("a directory");
        let disk = Disk::at(directory.path().join("i"));
        disk.prepare(&spec(directory.path())).expect("prepare");
        fs::write(disk.upper().join("etc/hostname"), "mine\n").expect("write");
        disk.prepare(&GuestSpec { resolver: [10, 9, 0, 2].into(), ..spec(directory.path()) })
            .expect("prepare again");
        assert_eq!(fs::read_to_string(disk.upper().join("etc/hostname")).expect("read"), "mine\n");
        assert!(fs::read_to_string(disk.upper().join("etc/resolv.conf")).expect("read").contains("10.9.0.2"));
        disk.remove().expect("remove");
        disk.remove().expect("removing twice is no error");
    }

    #[test]
    fn a_link_in_the_guests_disk_does_not_lead_out_of_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let disk = Disk::at(directory.path().join("i"));
        disk.prepare(&spec(directory.path())).expect("prepare");
        let outside = directory.path().join("outside");
        fs::write(&outside, "untouched").expect("write");
        let inside = disk.upper().join("etc/resolv.conf");
        fs::remove_file(&inside).expect("remove");
        std::os::unix::fs::symlink(&outside, &inside).expect("link");
        disk.prepare(&spec(directory.path())).expect("prepare again");
        assert_eq!(fs::read_to_string(outside).expect("read"), "untouched");
    }

    #[test]
    fn layers_are_found_where_they_are_seen_now() {
        let directory = tempfile::tempdir().expect("a directory");
        let disk = Disk::at(directory.path().join("i"));
        let before = ["/home/u/.cache/lab/checkpoints/states/aa/disks/i-1", "/elsewhere/x/disks/i-1"];
        disk.lay_over(&[]).expect("a disk");
        disk.relay(Path::new("/run/lab/disk/checkpoints/states")).expect("nothing to do");
        replace(&disk.path.join(LAYERS), &serde_json::to_vec(&before).expect("serialises")).expect("written");
        for _ in 0..2 {
            disk.relay(Path::new("/run/lab/disk/checkpoints/states")).expect("renamed");
            let layers = disk.layers().expect("reads");
            assert_eq!(layers[0], Path::new("/run/lab/disk/checkpoints/states/aa/disks/i-1"));
            assert_eq!(layers[1], Path::new(before[1]));
        }
    }
}
