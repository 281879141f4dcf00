//! What a lab was at one moment: its account, the disks of its instances, the laptop's home directory.
//!
//! Each moment is a directory of its own below `states`, made whole beside its place and renamed. It is root's: disks
//! hold programs with the set-user-id bit, and private keys. What the runner knows of the same moment (progress,
//! results) lies elsewhere and names the directory; one that nobody names and no disk is laid over is swept.
//!
//! Disks are copied while their guests are frozen, so each is as after a power cut, and nothing less. Restoring copies
//! no disk: the kept one becomes a read-only layer below a new, empty one. What was only in memory is not kept.

mod copy;
mod difference;
mod kept;
mod restore;
#[cfg(test)]
mod sample;
mod save;
mod store;
mod world;
mod xattr;

pub(super) use restore::{Restored, remove, restore};
pub(super) use save::{Subject, save};
pub(super) use store::Store;
pub(super) use world::note as note_world;
pub use world::read as world;

use std::io;
use std::path::PathBuf;

/// Why a moment was not kept, or cannot be gone back to.
#[derive(Debug, thiserror::Error)]
pub(super) enum CheckpointError {
    /// The file system is too full for copies that only save time.
    #[error("keep a checkpoint: only {free_mib} MiB are free in {}", .place.display())]
    NoSpace { free_mib: u64, place: PathBuf },
    /// There is no such moment, or it is not one that this daemon can use.
    #[error("use the checkpoint {id}: {reason}")]
    Unusable { id: String, reason: String },
    /// A file or directory.
    #[error("{doing} {}", .path.display())]
    File {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl CheckpointError {
    fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }
}
