//! What is ours in the image, put into the finished tree.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use super::ImageError;
use super::recipe::{ENABLED, FILES, LOGIN, MASKED, sources_list};

/// Groups that Debian's image for EC2 puts its login user in.
const GROUPS: &str = "adm,dialout,cdrom,floppy,sudo,audio,dip,video,plugdev";

/// What the build leaves behind and no guest should inherit. The builder's configuration of apt names the machine's
/// own archive.
const REMOVED: &[&str] = &[
    "etc/apt/apt.conf.d/99mmdebstrap",
    "etc/apt/sources.list.d",
    "etc/fstab",
    "etc/machine-id",
    "etc/resolv.conf",
    "etc/hostname",
    "etc/hosts",
    "var/lib/dbus/machine-id",
    "var/log/apt",
    "var/log/alternatives.log",
    "var/log/bootstrap.log",
    "var/log/dpkg.log",
    "var/log/journal",
    "var/cache/debconf/templates.dat-old",
    "var/lib/dpkg/status-old",
];

/// Make the tree at `root` a guest image.
pub(super) fn customise(root: &Path) -> Result<(), ImageError> {
    let useradd = Command::new("chroot")
        .arg(root)
        .args([
            "useradd",
            "--create-home",
            "--shell",
            "/bin/bash",
            "--comment",
            "Debian",
            "--groups",
            GROUPS,
            LOGIN,
        ])
        .output()
        .map_err(|source| ImageError::Program { program: "chroot", package: "coreutils", source })?;
    if !useradd.status.success() {
        return Err(ImageError::Build { reason: String::from_utf8_lossy(&useradd.stderr).trim().to_owned() });
    }
    for path in REMOVED {
        remove(&root.join(path))?;
    }
    // Host keys that the package made are the same in every guest.
    for entry in read_directory(&root.join("etc/ssh"))? {
        if entry.starts_with("ssh_host_") {
            remove(&root.join("etc/ssh").join(entry))?;
        }
    }
    for file in FILES {
        write(&root.join(file.path), file.text, file.mode)?;
    }
    write(&root.join("etc/apt/sources.list"), &sources_list(), 0o644)?;

    let units = root.join("etc/systemd/system");
    for unit in MASKED {
        link(Path::new("/dev/null"), &units.join(unit))?;
    }
    for unit in ENABLED {
        link(
            &Path::new("/etc/systemd/system").join(unit),
            &units.join("multi-user.target.wants").join(unit),
        )?;
    }
    link(Path::new("/usr/lib/systemd/system/multi-user.target"), &units.join("default.target"))?;
    up_to_date(root)
}

/// systemd compares these files with `/usr` and otherwise rebuilds its caches at the first boot of each guest.
fn up_to_date(root: &Path) -> Result<(), ImageError> {
    for directory in ["etc", "var"] {
        write(&root.join(directory).join(".updated"), "", 0o644)?;
    }
    Ok(())
}

fn read_directory(path: &Path) -> Result<Vec<String>, ImageError> {
    let entries = fs::read_dir(path).map_err(ImageError::file("list", path))?;
    Ok(entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

fn remove(path: &Path) -> Result<(), ImageError> {
    let result =
        if path.is_dir() && !path.is_symlink() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(ImageError::file("remove", path)(error))
        }
        _ => Ok(()),
    }
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), ImageError> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(ImageError::file("create", directory))?;
    }
    fs::write(path, text).map_err(ImageError::file("write", path))?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(ImageError::file("set the mode of", path))
}

fn link(target: &Path, path: &Path) -> Result<(), ImageError> {
    remove(path)?;
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(ImageError::file("create", directory))?;
    }
    symlink(target, path).map_err(ImageError::file("link", path))
}
