//! What is going on, for `lab status`.

use super::plane::Saved;
use super::{InstanceStatus, LabStatus};
use crate::region::model::{Instance, InstanceState, Region};

/// The labs that a caller may see.
pub(super) fn labs(saved: &Saved, caller: u32) -> Vec<LabStatus> {
    let visible = saved.labs.iter().filter(|(_, lab)| caller == 0 || caller == lab.uid);
    visible
        .map(|(name, lab)| {
            let regions = saved.state.accounts.get(&lab.account).map(|account| &account.regions);
            let mut instances: Vec<(&Region, &Instance)> = regions
                .into_iter()
                .flat_map(|regions| regions.values())
                .flat_map(|region| region.instances.iter().map(move |instance| (region, instance)))
                .filter(|(_, instance)| instance.state != InstanceState::Terminated)
                .collect();
            instances.sort_by_key(|(_, instance)| instance.launch_time);
            LabStatus {
                name: name.clone(),
                region: lab.region.clone(),
                account_id: lab.account.clone(),
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
