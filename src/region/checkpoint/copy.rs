//! Copies of whole directories, with all that an overlay keeps beside its files.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::region::tree::PATH;

/// Copy `from` to `to`, which must not be there: owners, modes, times, links, holes, device nodes (an overlay's
/// whiteouts) and extended attributes (its opaque directories). Blocks are shared where the file system can.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let output = Command::new("cp")
        .args(["--archive", "--reflink=auto", "--no-target-directory", "--"])
        .args([from, to])
        .env_clear()
        .env("PATH", PATH)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(said.lines().next().unwrap_or("cp failed without a word").to_owned()))
}

/// Bytes on the disk below `path`.
pub(super) fn size(path: &Path) -> io::Result<u64> {
    let meta = fs::symlink_metadata(path)?;
    let mut bytes = meta.blocks() * 512;
    if meta.is_dir() {
        for entry in fs::read_dir(path)? {
            match size(&entry?.path()) {
                // It was there a moment ago: a system is running.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                size => bytes += size?,
            }
        }
    }
    Ok(bytes)
}

/// Give everything below `path` that belongs to one user to another.
pub(super) fn give(path: &Path, from: (u32, u32), to: (u32, u32)) -> io::Result<()> {
    let meta = fs::symlink_metadata(path)?;
    let uid = if meta.uid() == from.0 { to.0 } else { meta.uid() };
    let gid = if meta.gid() == from.1 { to.1 } else { meta.gid() };
    if (uid, gid) != (meta.uid(), meta.gid()) {
        lchown(path, Some(uid), Some(gid))?;
    }
    if meta.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), from, to)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_copy_keeps_links_modes_and_holes() {
        let directory = tempfile::tempdir().expect("a directory");
        let (from, to) = (directory.path().join("a"), directory.path().join("b"));
        fs::create_dir_all(from.join("d")).expect("a directory");
        fs::write(from.join("d/one"), "text").expect("a file");
        fs::hard_link(from.join("d/one"), from.join("two")).expect("a link");
        symlink("nowhere", from.join("three")).expect("a link");
        fs::set_permissions(from.join("two"), fs::Permissions::from_mode(0o640)).expect("a mode");
        fs::File::create(from.join("holes")).and_then(|file| file.set_len(1 << 30)).expect("a large file");
        copy(&from, &to).expect("copies");
        let (one, two) =
            (fs::metadata(to.join("d/one")).expect("there"), fs::metadata(to.join("two")).expect("there"));
        assert_eq!((one.ino(), one.nlink(), one.mode() & 0o777), (two.ino(), 2, 0o640));
        assert_eq!(fs::read_link(to.join("three")).expect("a link"), Path::new("nowhere"));
        assert_eq!(fs::metadata(to.join("holes")).expect("there").len(), 1 << 30);
        assert!(size(&to).expect("a size") < 1 << 20, "holes take no room");
        assert!(copy(&directory.path().join("missing"), &directory.path().join("c")).is_err());
    }
}
