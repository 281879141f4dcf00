//! What a kept moment says of itself.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::region::model::Account;

/// Raise it when a kept moment of before cannot be read any more.
pub(super) const FORMAT: u32 = 1;

/// The description of a moment, beside its copies.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub format: u32,
    /// What the disks are laid over and trust: see [`super::world`].
    pub world: String,
    /// The account's number as its answers show it.
    pub number: String,
    /// The lab's region.
    pub region: String,
    /// The lab's owner, to whom the files of its laptop's home belong.
    pub owner: (u32, u32),
    pub account: Account,
    /// By instance id: the layers of its disk below the new one, the uppermost first, as paths below `states`.
    pub disks: BTreeMap<String, Vec<String>>,
    /// What the copies take on the disk.
    pub bytes: u64,
}

impl Kept {
    /// The other moments that hold lower layers of these disks.
    pub(super) fn needed(&self) -> BTreeSet<&str> {
        self.disks.values().flatten().filter_map(|layer| layer.split('/').next()).collect()
    }
}
