//! Where the region keeps its things on disk.

use std::ffi::OsString;
use std::path::PathBuf;

use super::ClientError;

/// The two directories that everything is kept in. Both belong to the user who runs the command line; they are
/// handed to the daemon explicitly, because the daemon runs as root with another home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Labs, disks, sockets: `$XDG_STATE_HOME/lab` or `~/.local/state/lab`.
    pub state: PathBuf,
    /// Images: `$XDG_CACHE_HOME/lab` or `~/.cache/lab`.
    pub cache: PathBuf,
}

impl Paths {
    /// The directories that the environment asks for.
    ///
    /// # Errors
    /// When neither the XDG variables (as absolute paths) nor `HOME` say where.
    pub fn from_environment() -> Result<Paths, ClientError> {
        let state = base("XDG_STATE_HOME", ".local/state").ok_or(ClientError::NoHome)?;
        let cache = base("XDG_CACHE_HOME", ".cache").ok_or(ClientError::NoHome)?;
        Ok(Paths { state: state.join("lab"), cache: cache.join("lab") })
    }

    /// The control socket's name in [`Paths::region`].
    pub(crate) const CONTROL_SOCKET: &str = "control.sock";
    /// The log's.
    pub(crate) const DAEMON_LOG: &str = "daemon.log";
    /// That of the note on the last daemon's end.
    pub(crate) const LAST_EXIT: &str = "last-exit.json";

    /// Everything of the daemon: lock, log, saved state, disks.
    pub fn region(&self) -> PathBuf {
        self.state.join("region")
    }

    /// The control socket.
    pub fn control_socket(&self) -> PathBuf {
        self.region().join(Self::CONTROL_SOCKET)
    }

    /// What the daemon writes about itself.
    pub fn daemon_log(&self) -> PathBuf {
        self.region().join(Self::DAEMON_LOG)
    }

    /// How the last daemon ended ([`super::LastExit`]).
    pub fn last_exit(&self) -> PathBuf {
        self.region().join(Self::LAST_EXIT)
    }

    /// One directory for each guest image, named by its key.
    pub fn images(&self) -> PathBuf {
        self.cache.join("images")
    }

    /// Files of the package archive that guests have asked for.
    pub fn packages(&self) -> PathBuf {
        self.cache.join("packages")
    }

    /// The certificate authority of the simulated Internet: one for all regions of a user, because disks that trust it
    /// may go from one to another.
    pub fn authority(&self) -> PathBuf {
        self.cache.join("ca")
    }

    /// States after lessons, for going on from them.
    pub fn checkpoints(&self) -> PathBuf {
        self.cache.join("checkpoints")
    }

    /// The region's part of these: disks and home directories, which only root may see.
    pub fn states(&self) -> PathBuf {
        self.checkpoints().join("states")
    }

    /// What belongs to one lab and its owner: `home` and `run` of its laptop.
    pub fn lab(&self, lab: &str) -> PathBuf {
        self.state.join("labs").join(lab)
    }

    /// The laptop's home directory (`/home/me` there), owned by the lab's owner.
    pub fn lab_home(&self, lab: &str) -> PathBuf {
        self.lab(lab).join("home")
    }

    /// Where the runner puts its socket; `/run/lab` on the laptop.
    pub fn lab_run(&self, lab: &str) -> PathBuf {
        self.lab(lab).join("run")
    }
}

fn base(variable: &str, below_home: &str) -> Option<PathBuf> {
    // The XDG specification says that relative values are to be ignored.
    let absolute = |value: OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
    std::env::var_os(variable)
        .and_then(absolute)
        .or_else(|| std::env::var_os("HOME").and_then(absolute).map(|home| home.join(below_home)))
}
