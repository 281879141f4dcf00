//! EBS volumes, as far as `Describe` shows them: root volumes of instances.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Tags;

/// A volume.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    /// `vol-…`
    pub id: String,
    /// GiB.
    pub size: u32,
    /// `gp3`, `gp2`, ..
    pub kind: String,
    pub iops: Option<u32>,
    /// MiB/s.
    pub throughput: Option<u32>,
    pub encrypted: bool,
    /// `snap-…`
    pub snapshot_id: String,
    pub zone: String,
    pub created: Timestamp,
    pub attachment: Option<VolumeAttachment>,
    pub tags: Tags,
}

/// A volume's place in an instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VolumeAttachment {
    pub instance_id: String,
    /// For example `/dev/xvda`.
    pub device: String,
    pub at: Timestamp,
    pub delete_on_termination: bool,
}
