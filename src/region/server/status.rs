//! What is going on, for `lab status`.

use std::fs;

use super::plane::Saved;
use super::{InstanceStatus, LabStatus, TroubleStatus};
use crate::region::fabric;
use crate::region::model::{Instance, InstanceState, Region};
use crate::region::reconcile::Trouble;
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

/// Where the kernel does not follow, as far as a caller may see it: in his labs, and root in what is left of others.
pub(super) fn troubles(saved: &Saved, caller: u32, all: &[Trouble]) -> Vec<TroubleStatus> {
    let visible = all.iter().filter_map(|trouble| {
        let (account, _) = fabric::owner(&trouble.namespace);
        let lab = saved.labs.iter().find(|(_, lab)| lab.account == account);
        let may_see = caller == 0 || lab.is_some_and(|(_, lab)| lab.uid == caller);
        may_see.then(|| TroubleStatus {
            lab: lab.map(|(name, _)| name.clone()),
            namespace: trouble.namespace.clone(),
            seconds: trouble.since.elapsed().as_secs(),
            reason: trouble.message.clone(),
        })
    });
    visible.collect()
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
    fn troubles_are_shown_to_whom_they_concern() {
        let lab = super::super::lab::Lab::new("us-east-1", 1000, 1000);
        let namespace = fabric::nat_gateway(&lab.account, "nat-1");
        let mut saved = Saved::default();
        saved.labs.insert("mine".to_owned(), lab);
        let of = |namespace: &str| Trouble {
            namespace: namespace.to_owned(),
            since: std::time::Instant::now(),
            message: "make it".to_owned(),
        };
        let all = [of(&namespace), of("999999999999-nat-2")];
        let seen = |caller| {
            let seen = troubles(&saved, caller, &all);
            seen.into_iter().map(|trouble| trouble.lab).collect::<Vec<_>>()
        };
        assert_eq!(seen(1000), [Some("mine".to_owned())]);
        assert_eq!(seen(0), [Some("mine".to_owned()), None]);
        assert!(seen(1001).is_empty());
    }

    #[test]
    fn the_share_of_a_process_is_read_in_kib() {
        let rollup =
            "55d0-7ffe ---p 00000000 00:00 0    [rollup]\nRss:    884 kB\nPss:    385 kB\nPss_Dirty: 68 kB\n";
        assert_eq!(share(rollup), Some(385));
        assert_eq!(share(""), None);
    }
}
