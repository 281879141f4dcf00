//! What is going on, for `lab status`.

use std::fs;

use super::plane::Saved;
use super::{InstanceStatus, LabStatus};
use crate::region::model::{Instance, InstanceState, Region};
use crate::region::tree::Cgroup;

/// Memory of everything in the region in MiB: what the control group counts, or else, on machines where version 2
/// groups count nothing, the share of each process.
pub(super) fn memory_mib(region: &Cgroup) -> Option<u64> {
    region.memory().map(|bytes| bytes >> 20).or_else(|| Some(shares(fs::read_dir("/proc").ok()?) >> 10))
}

/// Sum of the proportional shares in KiB. The tree's `/proc` has the region's processes and no others.
fn shares(processes: fs::ReadDir) -> u64 {
    let rollups =
        processes.flatten().filter_map(|entry| fs::read_to_string(entry.path().join("smaps_rollup")).ok());
    rollups.filter_map(|rollup| share(&rollup)).sum()
}

fn share(rollup: &str) -> Option<u64> {
    rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?.split_whitespace().next()?.parse().ok()
}

/// The labs that a caller may see.
pub(super) fn labs(saved: &Saved, caller: u32) -> Vec<LabStatus> {
    let visible = saved.labs.iter().filter(|(_, lab)| caller == 0 || caller == lab.uid);
    visible
        .map(|(name, lab)| {
            let regions = saved.state.accounts.get(&lab.account).map(|account| &account.regions);
            let mut instances: Vec<(&Region, &Instance)> = regions
                .into_iter()
                .flat_map(|regions| regions.values())
                .flat_map(|region| region.instances.iter().map(move |instance| (&**region, instance)))
                .filter(|(_, instance)| instance.state != InstanceState::Terminated)
                .collect();
            instances.sort_by_key(|(_, instance)| instance.launch_time);
            LabStatus {
                name: name.clone(),
                region: lab.region.clone(),
                account_id: saved.state.number(&lab.account).to_owned(),
                owner: lab.uid,
                instances: instances.into_iter().map(|(region, instance)| one(region, instance)).collect(),
            }
        })
        .collect()
}

fn one(region: &Region, instance: &Instance) -> InstanceStatus {
    let interface = region.primary_interface(&instance.id);
    InstanceStatus {
        id: instance.id.clone(),
        name: instance.tags.get("Name").cloned(),
        state: instance.state.as_str().to_owned(),
        private_address: interface.map(|interface| interface.private_ip()),
        public_address: interface.and_then(|interface| interface.public_ip()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_a_process_is_read_in_kib() {
        let rollup =
            "55d0-7ffe ---p 00000000 00:00 0    [rollup]\nRss:    884 kB\nPss:    385 kB\nPss_Dirty: 68 kB\n";
        assert_eq!(share(rollup), Some(385));
        assert_eq!(share(""), None);
    }
}
