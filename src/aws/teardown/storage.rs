//! Volumes: those that a lesson made, and those of instances, which usually go with them.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Volume, VolumeState, VolumeType};

use super::Pass;
use super::error::{Unasked, described};

impl Pass<'_> {
    pub(super) async fn volumes(&mut self) -> Result<(), Unasked> {
        let mut found = BTreeMap::new();
        for filter in self.filters("volume-id", "vol-") {
            let pages = self.ec2.describe_volumes().filters(filter).into_paginator().items();
            let volumes = pages.send().collect::<Result<Vec<_>, _>>().await.map_err(described)?;
            found.extend(volumes.into_iter().filter_map(|volume| Some((volume.volume_id.clone()?, volume))));
        }
        for (id, volume) in found {
            let cents = cents_a_month(&volume);
            match volume.state() {
                // Until the instance is gone; then it goes with it or is free.
                Some(VolumeState::InUse) => self.going(&id, cents, "attached"),
                Some(VolumeState::Deleting) => self.going(&id, cents, "deleting"),
                Some(VolumeState::Deleted) => drop(self.deleted.insert(id)),
                _ => {
                    let result = self.ec2.delete_volume().volume_id(&id).send().await;
                    self.settle(&id, cents, result);
                }
            }
        }
        Ok(())
    }
}

/// gp3 is $0.08 and gp2 $0.10 a GiB and month; the others are somewhere near.
fn cents_a_month(volume: &Volume) -> u32 {
    let size = u32::try_from(volume.size().unwrap_or_default()).unwrap_or_default();
    size * if volume.volume_type() == Some(&VolumeType::Gp3) { 8 } else { 10 }
}
