//! What a laptop is made of.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One lab's laptop, as its first process is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// Handle of its network namespace, which is ready.
    pub netns: PathBuf,
    /// Root directory of the image.
    pub image: PathBuf,
    /// A tree of files that is laid over the image: what all laptops of this region share.
    pub additions: PathBuf,
    /// Directory for what differs from the image; made if need be.
    pub disk: PathBuf,
    /// The lab's home directory on the host; belongs to `uid`.
    pub home: PathBuf,
    /// The directory of the runner's socket on the host; belongs to `uid`.
    pub run: PathBuf,
    /// The lab's owner on the host, whose files in these two directories are `me`'s on the laptop.
    pub uid: u32,
    pub gid: u32,
    /// This program, which is `aws` there.
    pub program: PathBuf,
}
