//! What can go wrong between the command line and the daemon.

use std::io;
use std::path::{Path, PathBuf};

use super::{LastExit, Refusal};

/// A call to the daemon that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Neither `HOME` nor the XDG variables are set.
    #[error("find a place for the lab's files: HOME is not set")]
    NoHome,
    /// A directory of the caller's cannot be used.
    #[error("use the directory {}", .path.display())]
    Directory {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No daemon answers; `last` tells how the last one ended, if there was one.
    #[error("reach the local region: it is not running{}", .last.as_ref().map(LastExit::sentence).unwrap_or_default())]
    NotRunning {
        /// How the last daemon ended.
        last: Option<LastExit>,
    },
    /// The daemon could not be started; the reason is its own.
    #[error("start the local region: {reason} (log: {})", .log.display())]
    NotStarted {
        /// What its log says, or what the failing step said.
        reason: String,
        /// Where its log is.
        log: PathBuf,
    },
    /// The saved state could not be kept under another name.
    #[error("keep the region's state under another name: {reason} (it is in {})", .place.display())]
    NotSetAside {
        /// Why.
        reason: String,
        /// Where it is.
        place: PathBuf,
    },
    /// The daemon was asked to end and has not.
    #[error("stop the local region: it has not ended (log: {})", .0.display())]
    NotStopped(PathBuf),
    /// Another version of the program runs the daemon, and the two do not understand each other.
    #[error(
        "use the local region: version {running} of `lab` runs it, which speaks otherwise than this one, {ours} (hint: \
         `lab region stop` ends it and its instances; the next command starts this one, and they boot again)"
    )]
    OtherVersion {
        /// The daemon's.
        running: String,
        /// This program's.
        ours: String,
    },
    /// The daemon answered and said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The connection to the daemon broke.
    #[error("talk to the local region: the connection broke")]
    Broken(#[source] io::Error),
    /// The daemon said something that makes no sense.
    #[error("talk to the local region: unexpected answer {0}")]
    Unexpected(String),
}

impl ClientError {
    pub(super) fn at(path: &Path, source: io::Error) -> Self {
        Self::Directory { path: path.to_owned(), source }
    }
}
