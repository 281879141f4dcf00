//! What is told while the daemon is being started.

use serde::{Deserialize, Serialize};

/// One step of starting the daemon. The first start on a machine builds the guest image, which takes half a minute;
/// every other start is over before anything is worth showing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "progress")]
pub enum Progress {
    /// Another process builds the same image; we wait for it.
    WaitingForImage,
    /// The image is being built.
    BuildingImage {
        /// What is being done: `downloading packages`.
        phase: String,
        /// How far the whole build is, 0 to 100; never goes back.
        percent: u8,
    },
    /// The image is there.
    ImageReady {
        /// Size on disk in MiB.
        size_mib: u64,
        /// How long it took to build in seconds; absent if it was in the cache.
        built_in_s: Option<u64>,
    },
    /// The daemon's processes are being started.
    Starting,
    /// Another build of the program has started the daemon that runs, and goes on.
    OtherBuild,
    /// The daemon answers.
    Ready,
}
