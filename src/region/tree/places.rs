//! The directories of the region, as root works in them.
//!
//! They lie in two directories of a user (`~/.local/state/lab` and `~/.cache/lab`), who can put links there and rename what
//! is there at any moment. So each is opened from its user's directory without following a link, has to be root's own,
//! and is used by its descriptor from then on. The tree sees them at [`INSIDE`], as mounts of these descriptors below a
//! directory that only root can change: there a path can be trusted.
//!
//! The one directory that is a user's own and that root works in is that of the checkpoints; it is used by
//! [`Directory`] alone. Home directories of labs are too; no link in them is followed while they are copied.

use std::io;
use std::path::{Path, PathBuf};

use super::Launch;
use crate::private::Directory;
use crate::region::client::Paths;
use crate::region::kernel::{Attached, Detached};

/// Where the tree sees them.
const INSIDE: &str = "/run/lab/disk";
/// Where it sees directories of users while it copies them.
const FOREIGN: &str = "/run/lab/foreign";

/// Others may pass, because the socket, the log and the note on the last end in it are the user's.
const PASSABLE: u32 = 0o711;
/// For root alone.
const CLOSED: u32 = 0o700;
/// What is in the package archive is known to everybody.
const READABLE: u32 = 0o755;

impl Launch {
    /// Lock, log, saved state, disks.
    pub(crate) fn region(&self) -> io::Result<Directory> {
        self.own(&self.paths.region(), PASSABLE)
    }

    /// Guest images. Programs with the set-user-id bit lie below.
    pub(crate) fn images(&self) -> io::Result<Directory> {
        self.own(&self.paths.images(), CLOSED)
    }

    /// Files of the package archive.
    pub(crate) fn packages(&self) -> io::Result<Directory> {
        self.own(&self.paths.packages(), READABLE)
    }

    /// Key and certificate of the authority.
    fn authority(&self) -> io::Result<Directory> {
        self.own(&self.paths.authority(), CLOSED)
    }

    /// The user's part of the checkpoints, which is the user's.
    pub(crate) fn checkpoints(&self) -> io::Result<Directory> {
        let path = self.paths.checkpoints();
        let (directory, made) = self.users(&path)?.make(name(&path)?, CLOSED)?;
        if made {
            directory.give_itself(self.uid, self.gid)?;
        }
        directory.of(self.uid)
    }

    /// Root's part of the checkpoints.
    fn states(&self) -> io::Result<Directory> {
        self.checkpoints()?.own(name(&self.paths.states())?, CLOSED)
    }

    fn own(&self, path: &Path, mode: u32) -> io::Result<Directory> {
        self.users(path)?.own(name(path)?, mode)
    }

    /// The directory around this one, which is the user's.
    fn users(&self, path: &Path) -> io::Result<Directory> {
        Directory::open(path.parent().unwrap_or(path))?.of(self.uid)
    }

    /// Takes a hold of all of root's directories; what this gives shows them in the tree.
    pub(super) fn take(&self) -> io::Result<Taken> {
        let inside = inside();
        let taken = [
            (self.region()?, inside.region()),
            (self.images()?, inside.images()),
            (self.packages()?, inside.packages()),
            (self.authority()?, inside.authority()),
            (self.states()?, inside.states()),
        ];
        let detach = |(directory, place): (Directory, PathBuf)| Ok((Detached::of(directory)?, place));
        taken.into_iter().map(detach).collect::<io::Result<_>>().map(Taken)
    }
}

/// Root's directories, on their way into the tree.
#[derive(Debug)]
pub(super) struct Taken(Vec<(Detached, PathBuf)>);

impl Taken {
    /// Shows them where [`inside`] says.
    pub(super) fn show(self) -> io::Result<()> {
        for (mount, place) in self.0 {
            std::fs::create_dir_all(&place)?;
            mount.attach(&place)?;
        }
        Ok(())
    }
}

/// Where the tree sees root's directories. The others of these paths mean nothing.
pub(crate) fn inside() -> Paths {
    Paths { state: INSIDE.into(), cache: INSIDE.into() }
}

/// A directory of a user, shown in the tree without any link in it that leads anywhere, as long as the answer is there.
pub(crate) fn show(directory: &Directory) -> io::Result<Attached> {
    let place = Path::new(FOREIGN).join(uuid::Uuid::new_v4().simple().to_string());
    Detached::of(directory)?.without_links()?.at(place)
}

fn name(path: &Path) -> io::Result<&str> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.ok_or_else(|| io::Error::other("a directory without a name"))
}
