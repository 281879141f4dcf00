//! A directory held by its descriptor, so that nobody can lead who works in it elsewhere.

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, OpenHow, ResolveFlag, openat2, renameat};
use nix::sys::stat::{FileStat, Mode, fstatat, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchownat, unlinkat};

use super::FILE;

/// A directory that was reached without following a symbolic link, anywhere on the way. Names in it are single names,
/// and what they name is never followed either: a link in the place of a file is an error.
///
/// Whoever owns a directory above may rename things there as much as he likes; this one stays what it was when it was
/// opened. [`Directory::of`] says whose it is.
#[derive(Debug)]
pub struct Directory {
    descriptor: OwnedFd,
    /// Where it was found: for messages.
    path: PathBuf,
}

impl Directory {
    /// The directory at an absolute path without links in it.
    ///
    /// # Errors
    /// As the file system says; a link on the way is told as what it is.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_RDONLY;
        let descriptor = walk(AT_FDCWD, path, flags, 0, ResolveFlag::RESOLVE_NO_SYMLINKS)
            .map_err(|errno| told(errno, path))?;
        Ok(Self { descriptor, path: path.to_owned() })
    }

    /// A handle of the file at an absolute path without links in it; not for reading.
    ///
    /// # Errors
    /// As those of [`Directory::open`].
    pub fn file(path: &Path) -> io::Result<OwnedFd> {
        walk(AT_FDCWD, path, OFlag::O_PATH, 0, ResolveFlag::RESOLVE_NO_SYMLINKS)
            .map_err(|errno| told(errno, path))
    }

    /// The same directory, if it belongs to this user.
    ///
    /// # Errors
    /// When it is another's. For root's own, also when others may write in it.
    pub fn of(self, uid: u32) -> io::Result<Self> {
        let meta = self.stat()?;
        let wrong = if meta.st_uid != uid {
            format!("{} belongs to user {}, not to user {uid}", self.path.display(), meta.st_uid)
        } else if uid == Uid::effective().as_raw() && uid == 0 && meta.st_mode & 0o002 != 0 {
            format!("everybody may write in {}", self.path.display())
        } else {
            return Ok(self);
        };
        Err(io::Error::new(io::ErrorKind::PermissionDenied, wrong))
    }

    /// The directory of this name in here.
    ///
    /// # Errors
    /// As the file system says.
    pub fn below(&self, name: &str) -> io::Result<Self> {
        let path = self.path.join(name);
        let descriptor = self
            .walk(name, OFlag::O_DIRECTORY | OFlag::O_RDONLY, 0)
            .map_err(|error| with_path(&error, &path))?;
        Ok(Self { descriptor, path })
    }

    /// The directory of this name in here, made with this mode unless it is there, and whether it was made.
    ///
    /// # Errors
    /// As the file system says.
    pub fn make(&self, name: &str, mode: u32) -> io::Result<(Self, bool)> {
        let made = match mkdirat(&self.descriptor, name, Mode::from_bits_truncate(mode)) {
            Ok(()) => true,
            Err(Errno::EEXIST) => false,
            Err(errno) => return Err(told(errno, &self.path.join(name))),
        };
        let directory = self.below(name)?;
        if made {
            // Not less by the umask.
            directory.set_mode(mode)?;
        }
        Ok((directory, made))
    }

    /// Root's own directory of this name in here, made unless it is there, with this mode in any case.
    ///
    /// # Errors
    /// As the file system says, and when it is another user's: whoever runs this as root is not to work in it.
    pub fn own(&self, name: &str, mode: u32) -> io::Result<Self> {
        let directory = self.make(name, mode)?.0.of(Uid::effective().as_raw())?;
        directory.set_mode(mode)?;
        Ok(directory)
    }

    /// Opens a file for writing without changing what is in it; makes it, with mode 0600, unless it is there.
    ///
    /// # Errors
    /// As the file system says; what is no ordinary file is refused.
    pub fn write(&self, name: &str) -> io::Result<File> {
        self.ordinary(name, OFlag::O_RDWR | OFlag::O_CREAT, FILE)
    }

    /// The same, for writing at its end.
    ///
    /// # Errors
    /// As those of [`Directory::write`].
    pub fn append(&self, name: &str) -> io::Result<File> {
        self.ordinary(name, OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CREAT, FILE)
    }

    /// What is in a file.
    ///
    /// # Errors
    /// As the file system says; what is no ordinary file is refused.
    pub fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        self.ordinary(name, OFlag::O_RDONLY, 0)?.read_to_end(&mut text)?;
        Ok(text)
    }

    /// Puts a file of mode 0600 in the place of whatever has this name, so that readers see the old or the new one. It
    /// is given to `owner`.
    ///
    /// # Errors
    /// As the file system says.
    pub fn replace(&self, name: &str, text: &[u8], owner: (u32, u32)) -> io::Result<()> {
        // A name of its own: two programs may replace the same file at once.
        let new = format!("{name}.{}.new", uuid::Uuid::new_v4().simple());
        let mut file = self.ordinary(&new, OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL, FILE)?;
        let mut fill = || {
            file.write_all(text)?;
            fchown(&file, Some(owner.0), Some(owner.1))?;
            // On the disk before it has the name: what was told (a port) stays true when the machine goes down.
            file.sync_all()?;
            renameat(&self.descriptor, new.as_str(), &self.descriptor, name)?;
            Ok(nix::unistd::fsync(&self.descriptor)?)
        };
        fill().inspect_err(|_| drop(self.remove(&new)))
    }

    /// Removes a file, a link or a socket; nothing where there is none.
    ///
    /// # Errors
    /// As the file system says.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match unlinkat(&self.descriptor, name, UnlinkatFlags::NoRemoveDir) {
            Err(errno) if errno != Errno::ENOENT => Err(told(errno, &self.path.join(name))),
            _ => Ok(()),
        }
    }

    /// Whether there is something of this name.
    pub fn has(&self, name: &str) -> bool {
        self.look(name).is_ok()
    }

    /// Gives what has this name to a user, a link itself and not what it leads to.
    ///
    /// # Errors
    /// As the file system says.
    pub fn give(&self, name: &str, uid: u32, gid: u32) -> io::Result<()> {
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        Ok(fchownat(&self.descriptor, name, Some(uid), Some(gid), AtFlags::AT_SYMLINK_NOFOLLOW)?)
    }

    /// Gives the directory itself to a user.
    ///
    /// # Errors
    /// As the file system says.
    pub fn give_itself(&self, uid: u32, gid: u32) -> io::Result<()> {
        fchown(&self.descriptor, Some(uid), Some(gid))
    }

    /// Moves what has this name into another directory.
    ///
    /// # Errors
    /// As the file system says.
    pub fn hand_over(&self, name: &str, to: &Directory, as_name: &str) -> io::Result<()> {
        Ok(renameat(&self.descriptor, name, &to.descriptor, as_name)?)
    }

    /// The names of what is in here.
    ///
    /// # Errors
    /// As the file system says.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let entries = std::fs::read_dir(self.inside())?.flatten();
        Ok(entries.filter_map(|entry| entry.file_name().into_string().ok()).collect())
    }

    /// A path that leads here, whatever becomes of the names above, for as long as this is open: for this process and
    /// its children. Good for going further in a directory in which only root can make links.
    pub fn inside(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), self.descriptor.as_raw_fd()))
    }

    /// Where it was found: for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn set_mode(&self, mode: u32) -> io::Result<()> {
        if self.stat()?.st_mode & 0o7777 == mode {
            return Ok(());
        }
        File::from(self.descriptor.try_clone()?).set_permissions(Permissions::from_mode(mode))
    }

    fn stat(&self) -> io::Result<FileStat> {
        Ok(nix::sys::stat::fstat(&self.descriptor)?)
    }

    fn look(&self, name: &str) -> io::Result<FileStat> {
        Ok(fstatat(&self.descriptor, name, AtFlags::AT_SYMLINK_NOFOLLOW)?)
    }

    fn ordinary(&self, name: &str, flags: OFlag, mode: u32) -> io::Result<File> {
        let path = self.path.join(name);
        // Somebody's pipe must not make us wait.
        let descriptor = self.walk(name, flags | OFlag::O_NONBLOCK | OFlag::O_NOCTTY, mode);
        let file = File::from(descriptor.map_err(|error| with_path(&error, &path))?);
        let meta = file.metadata()?;
        if !meta.is_file() {
            let reason = format!("{} is no ordinary file", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        // One that an older program has made.
        if mode != 0 && meta.mode() & 0o777 != mode && meta.uid() == Uid::effective().as_raw() {
            file.set_permissions(Permissions::from_mode(mode))?;
        }
        Ok(file)
    }

    fn walk(&self, name: &str, flags: OFlag, mode: u32) -> io::Result<OwnedFd> {
        let mut parts = Path::new(name).components();
        if !matches!((parts.next(), parts.next()), (Some(Component::Normal(one)), None) if one == OsStr::new(name))
        {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("`{name}` is no name of a file"),
            ));
        }
        let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS;
        Ok(walk(self.descriptor.as_fd(), Path::new(name), flags, mode, resolve)?)
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

fn walk(from: impl AsFd, path: &Path, flags: OFlag, mode: u32, resolve: ResolveFlag) -> nix::Result<OwnedFd> {
    // Without O_NOFOLLOW, with which a link in the last place is opened itself, or told as no directory.
    let flags = flags | OFlag::O_CLOEXEC;
    let how = OpenHow::new().flags(flags).mode(Mode::from_bits_truncate(mode));
    openat2(from, path, how.resolve(resolve | ResolveFlag::RESOLVE_NO_MAGICLINKS))
}

fn told(errno: Errno, path: &Path) -> io::Error {
    with_path(&errno.into(), path)
}

/// A link is told by its name: "too many levels of symbolic links" leads nobody to the one that is in the way.
fn with_path(error: &io::Error, path: &Path) -> io::Error {
    if error.raw_os_error() == Some(Errno::ELOOP as i32) {
        let link = path.ancestors().filter(|place| place.is_symlink()).last().unwrap_or(path);
        return io::Error::new(
            error.kind(),
            format!("{} is a symbolic link, which is not followed here", link.display()),
        );
    }
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A directory with a file outside of it that nobody may touch.
    struct Place {
        _root: tempfile::TempDir,
        directory: Directory,
        outside: PathBuf,
    }

    fn place() -> Place {
        let root = tempfile::tempdir().expect("a directory");
        let path = root.path().canonicalize().expect("it is there");
        fs::create_dir(path.join("in")).expect("a directory");
        fs::write(path.join("outside"), "untouched").expect("a file");
        let directory = Directory::open(&path.join("in")).expect("opens");
        Place { directory, outside: path.join("outside"), _root: root }
    }

    #[test]
    fn a_link_in_the_place_of_a_file_is_never_followed() {
        let place = place();
        let link = |name: &str| symlink(&place.outside, place.directory.path().join(name)).expect("a link");
        for name in ["a", "b", "c", "d", "e.new"] {
            link(name);
        }
        let refused = |error: io::Error| assert!(error.to_string().contains("symbolic link"), "{error}");
        refused(place.directory.write("a").expect_err("a link"));
        refused(place.directory.append("b").expect_err("a link"));
        refused(place.directory.read("c").expect_err("a link"));
        refused(place.directory.below("d").expect_err("a link"));
        place.directory.replace("e", b"new", own()).expect("put there");
        assert_eq!(place.directory.read("e").expect("read"), b"new");
        place.directory.replace("a", b"new", own()).expect("in the link's place");
        assert!(!place.directory.path().join("a").is_symlink());
        place.directory.remove("b").expect("the link goes");
        assert!(!place.directory.has("b") && place.directory.has("c"));
        assert_eq!(fs::read_to_string(&place.outside).expect("there"), "untouched");
    }

    fn own() -> (u32, u32) {
        (Uid::effective().as_raw(), Gid::effective().as_raw())
    }

    #[test]
    fn nothing_waits_at_a_pipe_and_nothing_leads_out() {
        let place = place();
        let pipe = place.directory.path().join("pipe");
        nix::unistd::mkfifo(&pipe, Mode::from_bits_truncate(0o600)).expect("a pipe");
        assert!(place.directory.write("pipe").is_err());
        assert!(place.directory.read("pipe").is_err());
        for name in ["../outside", "..", ".", "", "a/b", "/etc/passwd"] {
            assert!(place.directory.write(name).is_err(), "{name}");
            assert!(place.directory.below(name).is_err(), "{name}");
        }
    }

    #[test]
    fn it_stays_what_it_was_when_names_above_change() {
        let place = place();
        let (before, after) = (place.directory.path().to_owned(), place.outside.with_file_name("moved"));
        fs::rename(&before, &after).expect("renamed");
        symlink("/etc", &before).expect("a link");
        assert!(Directory::open(&before).expect_err("a link").to_string().contains("symbolic link"));
        place.directory.write("file").expect("written where it is now");
        assert!(after.join("file").exists());
        assert!(place.directory.inside().join("file").exists());
        // A link further above is none the better.
        fs::remove_file(&before).expect("removed");
        symlink(after.parent().expect("a parent"), &before).expect("a link");
        let error = Directory::open(&before.join("moved")).expect_err("through a link").to_string();
        assert!(error.contains(&format!("{} is a symbolic link", before.display())), "{error}");
    }

    #[test]
    fn what_is_made_has_its_mode_and_what_is_anothers_is_refused() {
        let place = place();
        let mine = place.directory.own("mine", 0o711).expect("made");
        assert_eq!(mine.stat().expect("there").st_mode & 0o777, 0o711);
        File::from(mine.descriptor.try_clone().expect("a copy"))
            .set_permissions(Permissions::from_mode(0o755))
            .expect("a mode");
        let again = place.directory.own("mine", 0o700).expect("is there");
        assert_eq!(again.stat().expect("there").st_mode & 0o777, 0o700);
        let file = again.write("file").expect("made").metadata().expect("there");
        assert_eq!(file.mode() & 0o777, 0o600);
        let uid = Uid::effective().as_raw();
        let error = place.directory.below("mine").expect("there").of(uid + 1).expect_err("it is ours");
        assert!(error.to_string().contains("belongs to user"), "{error}");
    }
}
