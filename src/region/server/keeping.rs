//! Keeping a lab as it is, and making labs that go on from there.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::spawn_blocking;

use super::lab::{self, Lab};
use super::region::{Region, refusal};
use super::{Kept, LabAccess, Refusal, RefusalCode, Swept};
use crate::region::checkpoint::{self, CheckpointError, Restored, Subject};
use crate::region::fabric;
use crate::region::guest::Disk;
use crate::region::model::{self, Account, CheckStatus, InstanceState};

/// How long the instances of a restored lab may take until they answer. Blocks wait for their hosts themselves.
const READY: Duration = Duration::from_secs(30);

impl Region {
    /// Keep a lab as it is now.
    pub(super) async fn keep(&self, name: &str, caller: u32) -> Result<Kept, Refusal> {
        let lab = self.lab(name, caller)?;
        let account = lab.account.clone();
        let (number, ids) = self.plane.read(|saved| {
            let regions = saved.state.accounts.get(&account).map(|account| &account.regions);
            let instances =
                regions.into_iter().flat_map(|regions| regions.values()).flat_map(|r| &r.instances);
            let ids: Vec<String> =
                instances.filter(|i| !i.state.wants_to_be_gone()).map(|i| i.id.clone()).collect();
            (saved.state.number(&account).to_owned(), ids)
        });
        let machine = |id: String| {
            let group = self.cgroup.below(&fabric::guest(&account, &id));
            let disk = self.disk(&account, &id);
            (id, (disk, group))
        };
        let subject = Subject {
            region: lab.region,
            owner: (lab.uid, lab.gid),
            number,
            home: self.paths.lab_home(name),
            machines: ids.into_iter().map(machine).collect::<BTreeMap<_, _>>(),
        };
        let (store, plane) = (self.store.clone(), self.plane.clone());
        let saved = spawn_blocking(move || {
            checkpoint::save(&store, &subject, || {
                plane.read(|saved| saved.state.accounts.get(&account).map(|account| Account::clone(account)))
            })
        });
        let saved = saved.await.map_err(panicked)?.map_err(|error| refused(&error))?;
        let frozen_ms = u64::try_from(saved.frozen.as_millis()).unwrap_or(u64::MAX);
        Ok(Kept { id: saved.id, bytes: saved.bytes, frozen_ms })
    }

    /// Make a lab that goes on from a kept moment.
    pub(super) async fn restore(
        &self,
        name: &str,
        state: &str,
        uid: u32,
        gid: u32,
    ) -> Result<LabAccess, Refusal> {
        lab::check_name(name)?;
        if self.plane.read(|saved| saved.labs.contains_key(name)) {
            return Err(exists(name));
        }
        let (lab, Restored { account, running, disks }) = {
            let (store, state, home) = (self.store.clone(), state.to_owned(), self.paths.lab_home(name));
            let region = store.region(&state).map_err(|error| refused(&error))?;
            lab::check_region(&region)?;
            let lab = Lab::new(&region, uid, gid);
            let (key, guests) = (lab.account.clone(), self.guests());
            let restored = spawn_blocking(move || {
                let disk = |id: &str| Disk::at(guests.join(fabric::guest(&key, id)));
                checkpoint::restore(&store, &state, disk, &home, (uid, gid))
            });
            (lab, restored.await.map_err(panicked)?.map_err(|error| refused(&error))?)
        };
        let key = lab.account.clone();
        let mut account = account;
        model::power_cut_of(&mut account);
        match self.add(name, lab.clone(), account).await {
            Ok(true) => {}
            refused => {
                // Without its account a disk is nothing.
                let _ = spawn_blocking(move || checkpoint::remove(&disks)).await;
                refused?;
                return Err(exists(name));
            }
        }
        if let Err(refusal) = self.laptop(name, &lab).await {
            // The reason why it cannot be used is told; nobody can use what is there.
            let _ = self.remove_lab(name, uid).await;
            return Err(refusal);
        }
        self.ready(&key, &running).await;
        Ok(self.access(lab, true))
    }

    /// Wait until these instances have passed their checks.
    async fn ready(&self, account: &str, instances: &[String]) {
        let ready = || {
            self.plane.read(|saved| {
                instances.iter().all(|id| {
                    saved.state.instance(account, id).is_none_or(|instance| {
                        instance.guest.check == CheckStatus::Ok || instance.state != InstanceState::Running
                    })
                })
            })
        };
        let mut generations = self.plane.generations();
        let wait = async { while !ready() && generations.changed().await.is_ok() {} };
        // Who is late is waited for by the block that needs it.
        let _ = tokio::time::timeout(READY, wait).await;
    }

    /// Remove what nobody needs.
    pub(super) async fn sweep(&self) -> Result<Swept, Refusal> {
        let store = self.store.clone();
        let bytes = spawn_blocking(move || store.sweep()).await.map_err(panicked)?;
        Ok(Swept { bytes: bytes.map_err(|error| refused(&error))? })
    }

    fn disk(&self, account: &str, id: &str) -> Disk {
        Disk::at(self.guests().join(fabric::guest(account, id)))
    }

    fn guests(&self) -> std::path::PathBuf {
        self.inside.region().join("guests")
    }
}

fn refused(error: &CheckpointError) -> Refusal {
    let code = match error {
        CheckpointError::NoSpace { .. } => RefusalCode::NoSpace,
        CheckpointError::Unusable { .. } => RefusalCode::Unusable,
        CheckpointError::File { .. } => RefusalCode::Failed,
    };
    refusal(code, super::run::chain(error))
}

fn panicked(error: tokio::task::JoinError) -> Refusal {
    refusal(RefusalCode::Failed, format!("use the checkpoints: {error}"))
}

fn exists(name: &str) -> Refusal {
    refusal(RefusalCode::BadRequest, format!("restore the lab `{name}`: there is one of this name"))
}
