//! What has changed on a disk since it was last kept.
//!
//! A disk that is kept after each lesson is mostly what it was after the lesson before: what is new goes into a layer of its
//! own, over the former one. A file is the same while its inode has not been changed, which nothing on the disk can hide.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::stat::{Mode, SFlag, UtimensatFlags, mknod, utimensat};
use nix::sys::time::TimeSpec;
use serde::{Deserialize, Serialize};

use super::xattr;
use crate::region::tree::PATH;

/// What an upper layer held when it was kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    /// The layers that it was kept as, the uppermost first, by their names in the store.
    pub layers: Vec<String>,
    /// The machine's boot in which that was. They reach the disk some time later.
    #[serde(default)]
    pub boot: String,
    entries: Entries,
}

impl Seen {
    /// The same, now that it has layers, in this boot of the machine.
    pub(super) fn kept_as(self, layers: Vec<String>, boot: &str) -> Self {
        Self { layers, boot: boot.to_owned(), ..self }
    }
}

/// By path below the layer's root; the root itself is the empty path.
type Entries = BTreeMap<PathBuf, Stamp>;

/// What is another when the entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    inode: u64,
    /// Seconds and nanoseconds.
    changed: (i64, i64),
    is_directory: bool,
    /// Whether nothing below shows through.
    is_opaque: bool,
}

/// How to make a layer out of an upper one.
#[derive(Debug, Default, PartialEq, Eq)]
struct Plan {
    /// Directories and files, without what is in the directories.
    copied: Vec<PathBuf>,
    /// What is gone: hidden in the new layer.
    hidden: Vec<PathBuf>,
    /// Opaque directories whose content is in the former layer, in part: it must show through.
    opened: Vec<PathBuf>,
    /// Directories that were made anew: nothing of their former content may show through.
    closed: Vec<PathBuf>,
}

/// Make the layer `to`, which with `layers` below it holds what `upper` does with what is below that. `layers` are those
/// that `former` was kept as, if any. Answers what was seen, to be kept with the names of the new layers.
pub(super) fn copy(upper: &Path, former: Option<&Seen>, to: &Path) -> io::Result<Seen> {
    let mut entries = Entries::new();
    look(upper, Path::new(""), &mut entries)?;
    let plan = plan(former.map(|seen| &seen.entries), &entries);
    carry(upper, &plan.copied, to)?;
    for path in &plan.opened {
        xattr::clear_opaque(&to.join(path))?;
    }
    for path in &plan.closed {
        xattr::set_opaque(&to.join(path))?;
    }
    for path in &plan.hidden {
        mknod(&to.join(path), SFlag::S_IFCHR, Mode::empty(), 0)?;
    }
    // Hiding something is no change that the system inside should see.
    let touched: BTreeSet<&Path> = plan.hidden.iter().filter_map(|path| path.parent()).collect();
    for path in touched {
        let was = fs::symlink_metadata(upper.join(path))?;
        let time = TimeSpec::new(was.mtime(), was.mtime_nsec());
        utimensat(nix::fcntl::AT_FDCWD, &to.join(path), &time, &time, UtimensatFlags::NoFollowSymlink)?;
    }
    Ok(Seen { entries, ..Seen::default() })
}

fn look(upper: &Path, path: &Path, entries: &mut Entries) -> io::Result<()> {
    let place = upper.join(path);
    let meta = fs::symlink_metadata(&place)?;
    let is_directory = meta.is_dir();
    let stamp = Stamp {
        inode: meta.ino(),
        changed: (meta.ctime(), meta.ctime_nsec()),
        is_directory,
        is_opaque: is_directory && xattr::is_opaque(&place)?,
    };
    entries.insert(path.to_owned(), stamp);
    if is_directory {
        for entry in fs::read_dir(&place)? {
            look(upper, &path.join(entry?.file_name()), entries)?;
        }
    }
    Ok(())
}

fn plan(former: Option<&Entries>, now: &Entries) -> Plan {
    let mut plan = Plan::default();
    let none = Entries::new();
    let former = former.unwrap_or(&none);
    // Directories that have nothing to do with what was there under their names. Parents come before what is in them.
    let mut anew: BTreeSet<&Path> = BTreeSet::new();
    for (path, stamp) in now {
        let was = former.get(path).filter(|_| path.parent().is_none_or(|parent| !anew.contains(parent)));
        match was {
            Some(was) if stamp.is_directory && was.is_directory && was.inode == stamp.inode => {
                match (was.is_opaque, stamp.is_opaque) {
                    (true, true) => plan.opened.push(path.clone()),
                    // It has become opaque: so it stays, and all of it is new.
                    (false, true) => drop(anew.insert(path)),
                    (_, false) => {}
                }
            }
            Some(was) if stamp.is_directory && was.is_directory => {
                plan.closed.push(path.clone());
                anew.insert(path);
            }
            _ if stamp.is_directory => drop(anew.insert(path)),
            Some(was) if was == stamp => continue,
            _ => {}
        }
        plan.copied.push(path.clone());
    }
    let is_merged = |parent: &Path| now.get(parent).is_some_and(|p| p.is_directory) && !anew.contains(parent);
    plan.hidden = former
        .keys()
        .filter(|path| !now.contains_key(*path) && path.parent().is_some_and(is_merged))
        .cloned()
        .collect();
    plan
}

/// Copy these, and nothing that is in them, with all that an overlay keeps beside files. Links among them stay links.
fn carry(upper: &Path, paths: &[PathBuf], to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    let list = tempfile::NamedTempFile::new_in(to.parent().unwrap_or(to))?;
    let mut writer = io::BufWriter::new(list.as_file());
    for path in paths {
        writer.write_all(b"./")?;
        writer.write_all(path.as_os_str().as_bytes())?;
        writer.write_all(b"\0")?;
    }
    writer.flush()?;
    drop(writer);
    let tar = |directory: &Path| {
        let mut command = Command::new("tar");
        command.env_clear().env("PATH", PATH).env("LC_ALL", "C.UTF-8");
        command.args(["--format=posix", "--numeric-owner", "--acls", "--xattrs", "--xattrs-include=*"]);
        command.arg("--directory").arg(directory);
        command
    };
    let mut reader = tar(upper)
        .args(["--create", "--file=-", "--sparse", "--no-recursion", "--null", "--files-from"])
        .arg(list.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let stream = reader.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
    let written = tar(to)
        .args(["--extract", "--file=-", "--preserve-permissions", "--same-owner"])
        .stdin(stream)
        .output();
    let read = reader.wait()?;
    let written = written?;
    if read.success() && written.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&written.stderr);
    Err(io::Error::other(said.lines().next().unwrap_or("tar cannot read all of it").to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `d` and `o` are directories (`o` opaque), others files; the number is the inode.
    fn entries(list: &[(&str, char, u64)]) -> Entries {
        let entry = |(path, kind, inode): &(&str, char, u64)| {
            let (is_directory, is_opaque) = (*kind != 'f', *kind == 'o');
            let stamp = Stamp { inode: *inode, changed: (0, 0), is_directory, is_opaque };
            (PathBuf::from(path), stamp)
        };
        list.iter().map(entry).collect()
    }

    fn words(paths: &[PathBuf]) -> Vec<&str> {
        paths.iter().map(|path| path.to_str().expect("text")).collect()
    }

    #[test]
    fn only_what_is_new_is_copied_and_what_is_gone_is_hidden() {
        let former = entries(&[
            ("", 'd', 1),
            ("a", 'd', 2),
            ("a/same", 'f', 3),
            ("a/other", 'f', 4),
            ("a/gone", 'f', 5),
            ("b", 'd', 6),
            ("b/x", 'f', 7),
        ]);
        let now = entries(&[
            ("", 'd', 1),
            ("a", 'd', 2),
            ("a/same", 'f', 3),
            ("a/other", 'f', 40),
            ("a/new", 'f', 8),
        ]);
        let plan = plan(Some(&former), &now);
        assert_eq!(words(&plan.copied), ["", "a", "a/new", "a/other"]);
        assert_eq!(words(&plan.hidden), ["a/gone", "b"]);
        assert!(plan.opened.is_empty() && plan.closed.is_empty());
    }

    #[test]
    fn a_directory_that_was_made_anew_is_copied_whole_and_shows_nothing_of_the_former() {
        let former = entries(&[("", 'd', 1), ("a", 'd', 2), ("a/x", 'f', 3), ("a/y", 'f', 4), ("c", 'f', 9)]);
        let now = entries(&[("", 'd', 1), ("a", 'o', 5), ("a/x", 'f', 3), ("c", 'd', 9), ("c/z", 'f', 10)]);
        let plan = plan(Some(&former), &now);
        assert_eq!(words(&plan.copied), ["", "a", "a/x", "c", "c/z"]);
        assert_eq!(words(&plan.closed), ["a"]);
        assert!(plan.hidden.is_empty() && plan.opened.is_empty());
    }

    #[test]
    fn the_former_content_of_an_opaque_directory_shows_through() {
        let former = entries(&[("", 'd', 1), ("a", 'o', 2), ("a/x", 'f', 3), ("a/y", 'f', 4)]);
        let now = entries(&[("", 'd', 1), ("a", 'o', 2), ("a/x", 'f', 3), ("a/z", 'f', 5)]);
        let plan = plan(Some(&former), &now);
        assert_eq!(words(&plan.copied), ["", "a", "a/z"]);
        assert_eq!(words(&plan.hidden), ["a/y"]);
        assert_eq!(words(&plan.opened), ["a"]);
    }

    #[test]
    fn a_disk_that_was_never_kept_is_copied_whole() {
        let now = entries(&[("", 'd', 1), ("a", 'o', 2), ("a/x", 'f', 3)]);
        let plan = plan(None, &now);
        assert_eq!(words(&plan.copied), ["", "a", "a/x"]);
        assert!(plan.hidden.is_empty() && plan.opened.is_empty() && plan.closed.is_empty());
    }
}
