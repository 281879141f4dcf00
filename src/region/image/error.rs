//! What can go wrong while an image is made.

use std::io;
use std::path::PathBuf;

/// The image could not be built.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A directory or file of the cache.
    #[error("{doing} {}", .path.display())]
    File {
        /// A verb: `create`, `write`.
        doing: &'static str,
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A program that is needed and cannot be started.
    #[error("run {program} (hint: apt install {package})")]
    Program {
        /// Its name.
        program: &'static str,
        /// The Debian package that has it.
        package: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The machine's package manager knows no Debian archive.
    #[error(
        "find a Debian archive in this machine's package sources (hint: a `deb` line for Debian's main archive)"
    )]
    NoArchive,
    /// The machine has none of Debian's archive keys.
    #[error("find Debian's archive keys (hint: apt install debian-archive-keyring)")]
    NoKeyring,
    /// The build itself failed.
    #[error("build the guest image: {reason}")]
    Build {
        /// The last lines that the builder printed.
        reason: String,
    },
}

impl ImageError {
    pub(super) fn file(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> ImageError {
        let path = path.into();
        move |source| ImageError::File { doing, path, source }
    }
}
