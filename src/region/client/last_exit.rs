//! How the last daemon ended, kept in a file so that `lab status` can say it.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The end of a daemon that was not asked to end. An orderly end removes the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastExit {
    /// When it was noticed.
    pub at: Timestamp,
    /// What happened: `the region's first process was killed by signal 9`.
    pub what: String,
}

impl LastExit {
    /// Read the file, if there is one.
    pub fn read(path: &Path) -> Option<LastExit> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }

    /// ` (it ended at TIME: WHAT)`, to be put behind another sentence.
    pub fn sentence(&self) -> String {
        format!(" (the last one ended at {:.0}: {})", self.at, self.what)
    }
}
