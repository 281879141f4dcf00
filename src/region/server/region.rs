//! The labs of the daemon: made, entered and removed.

use std::io;
use std::net::SocketAddrV4;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::lab::{self, Lab};
use super::laptops::Laptops;
use super::plane::Plane;
use super::{LabAccess, Refusal, RefusalCode, SpawnSpec};
use crate::region::checkpoint::Store;
use crate::region::client::Paths;
use crate::region::laptop::{Laptop, Running, Settings};
use crate::region::model::Account;
use crate::region::supervisor::Supervisor;
use crate::region::tree::Cgroup;
use crate::region::{fabric, kernel};

/// How long the kernel may take to follow a change of the state.
const FOLLOW: Duration = Duration::from_secs(30);
/// How long the processes of a laptop may take to be gone.
const LAPTOP_END: Duration = Duration::from_secs(10);

/// Everything that control connections share.
#[derive(Debug)]
pub(super) struct Region {
    pub plane: Arc<Plane>,
    /// The user's directories, on the host: for what is the user's own.
    pub paths: Paths,
    /// Root's directories, as they are seen from here.
    pub inside: Paths,
    /// Root directory of the image.
    pub image: PathBuf,
    /// Files that are laid over the image.
    pub additions: PathBuf,
    /// This program, which is `aws` on laptops. Its path is taken when the daemon starts: a program that is installed
    /// anew meanwhile is found there, too.
    pub program: PathBuf,
    pub endpoint_url: String,
    pub cgroup: Cgroup,
    pub reached: watch::Receiver<u64>,
    pub supervisor: Supervisor,
    pub laptops: Laptops,
    pub store: Store,
}

impl Region {
    /// The lab of this name, if the caller may use it.
    pub(super) fn lab(&self, name: &str, caller: u32) -> Result<Lab, Refusal> {
        let lab = self.plane.read(|saved| saved.labs.get(name).cloned());
        let lab = lab.ok_or_else(|| refusal(RefusalCode::NoSuchLab, format!("find a lab named `{name}`")))?;
        if caller == 0 || caller == lab.uid {
            Ok(lab)
        } else {
            Err(refusal(RefusalCode::NotYours, format!("use the lab `{name}`: it belongs to another user")))
        }
    }

    /// Make the lab unless it exists, and see that its laptop runs.
    pub(super) async fn ensure_lab(
        &self,
        name: &str,
        region: &str,
        uid: u32,
        gid: u32,
    ) -> Result<LabAccess, Refusal> {
        lab::check_name(name)?;
        lab::check_region(region)?;
        let (lab, created) = match self.lab(name, uid) {
            Ok(lab) => (lab, false),
            Err(Refusal { code: RefusalCode::NoSuchLab, .. }) => {
                let made = self.add(name, Lab::new(region, uid, gid), Account::default()).await?;
                // Somebody else was faster.
                (self.lab(name, uid)?, made)
            }
            Err(refusal) => return Err(refusal),
        };
        if let Err(refusal) = self.laptop(name, &lab).await {
            if created {
                // Nothing but a name, and the reason why it cannot be used is told.
                let _ = self.remove_lab(name, uid).await;
            }
            return Err(refusal);
        }
        Ok(self.access(lab, created))
    }

    pub(super) fn access(&self, lab: Lab, created: bool) -> LabAccess {
        LabAccess {
            account_id: self.plane.read(|saved| saved.state.number(&lab.account).to_owned()),
            region: lab.region,
            access_key_id: lab.access_key_id,
            secret_access_key: lab.secret_access_key,
            endpoint_url: self.endpoint_url.clone(),
            laptop_address: fabric::LAPTOP_ADDRESS,
            created,
        }
    }

    /// Make a lab with this account; answers false, and does nothing, if there is one of this name.
    pub(super) async fn add(&self, name: &str, lab: Lab, account: Account) -> Result<bool, Refusal> {
        let slot = self.laptops.slot(name);
        let _slot = slot.lock().await;
        // What is left of a lab of this name that was removed.
        self.clean_up(name).await.map_err(|reason| failed("make", name, &reason))?;
        let (plane, own) = (Arc::clone(&self.plane), name.to_owned());
        let added = spawn_blocking(move || plane.add_lab(&own, &lab, account)).await;
        added.map_err(|error| failed("make", name, &error))?.map_err(|error| failed("make", name, &error))
    }

    /// Remove a lab with everything in it, but for its owner's directory.
    pub(super) async fn remove_lab(&self, name: &str, caller: u32) -> Result<(), Refusal> {
        let lab = self.lab(name, caller)?;
        let slot = self.laptops.slot(name);
        let mut laptop = slot.lock().await;
        // First what decides: if it cannot be saved, the lab is there as it was.
        let (plane, own) = (Arc::clone(&self.plane), name.to_owned());
        let removed = spawn_blocking(move || plane.remove_lab(&own, &lab.account)).await;
        removed
            .map_err(|error| failed("remove", name, &error))?
            .map_err(|error| failed("remove", name, &error))?;
        *laptop = None;
        self.clean_up(name).await.map_err(|reason| failed("remove", name, &reason))?;
        drop(laptop);
        self.laptops.forget(name, slot);
        self.followed().await
    }

    /// End what runs on a lab's laptop, and remove its disk.
    async fn clean_up(&self, name: &str) -> io::Result<()> {
        if self.plane.read(|saved| saved.labs.contains_key(name)) {
            return Ok(());
        }
        let (cgroup, disk) = (self.laptop_group(name), self.laptop_disk(name));
        spawn_blocking(move || {
            cgroup.remove(LAPTOP_END)?;
            match std::fs::remove_dir_all(disk) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }
        })
        .await
        .map_err(io::Error::other)?
    }

    /// Open a connection from a lab's laptop.
    pub(super) async fn dial(
        &self,
        name: &str,
        caller: u32,
        address: SocketAddrV4,
        timeout: Duration,
    ) -> Result<OwnedFd, Refusal> {
        let namespace = fabric::laptop(&self.lab(name, caller)?.account);
        let connected = spawn_blocking(move || kernel::tcp_connect(&namespace, address, timeout)).await;
        match connected {
            Ok(Ok(stream)) => Ok(stream.into()),
            Ok(Err(error)) => Err(unreachable(address, &error)),
            Err(error) => Err(refusal(RefusalCode::Failed, format!("connect to {address}: {error}"))),
        }
    }

    /// Start a program on a lab's laptop.
    pub(super) async fn spawn(
        &self,
        name: &str,
        caller: u32,
        command: SpawnSpec,
        stdio: [OwnedFd; 3],
    ) -> Result<Running, Refusal> {
        let lab = self.lab(name, caller)?;
        let laptop = self.laptop(name, &lab).await?;
        let started = laptop.spawn(command, stdio).await;
        started.map_err(|reason| {
            refusal(RefusalCode::Failed, format!("start a program on the laptop: {reason}"))
        })
    }

    /// The console of an instance of the lab.
    pub(super) fn console(&self, name: &str, caller: u32, instance: &str) -> Result<String, Refusal> {
        let lab = self.lab(name, caller)?;
        let console = self
            .plane
            .read(|saved| Some(saved.state.instance(&lab.account, instance)?.guest.console.clone()));
        console.ok_or_else(|| {
            refusal(RefusalCode::NoSuchInstance, format!("find an instance {instance} in the lab `{name}`"))
        })
    }

    /// The lab's laptop, started if it does not run (any more).
    pub(super) async fn laptop(&self, name: &str, lab: &Lab) -> Result<Laptop, Refusal> {
        let slot = self.laptops.slot(name);
        let mut present = slot.lock().await;
        if let Some(laptop) = present.as_ref().filter(|laptop| laptop.is_up()) {
            return Ok(laptop.clone());
        }
        if self.plane.read(|saved| saved.labs.get(name) != Some(lab)) {
            // Removed while this waited.
            return Err(refusal(RefusalCode::NoSuchLab, format!("find a lab named `{name}`")));
        }
        self.followed().await?;
        let settings = Settings {
            netns: kernel::path(&fabric::laptop(&lab.account)),
            image: self.image.clone(),
            additions: self.additions.clone(),
            disk: self.laptop_disk(name),
            home: self.paths.lab_home(name),
            run: self.paths.lab_run(name),
            uid: lab.uid,
            gid: lab.gid,
            program: self.program.clone(),
        };
        let started = Laptop::start(&settings, &self.laptop_group(name), &self.supervisor).await;
        let laptop = started.map_err(|reason| failed("start the laptop of", name, &reason))?;
        *present = Some(laptop.clone());
        Ok(laptop)
    }

    /// Wait until the kernel has followed every change that has been made so far.
    async fn followed(&self) -> Result<(), Refusal> {
        let wanted = self.plane.read(|saved| saved.state.generation);
        let mut reached = self.reached.clone();
        match tokio::time::timeout(FOLLOW, reached.wait_for(|generation| *generation >= wanted)).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(refusal(RefusalCode::Failed, "build the lab's network in time".to_owned())),
        }
    }

    fn laptop_group(&self, name: &str) -> Cgroup {
        self.cgroup.below(&format!("laptop-{name}"))
    }

    fn laptop_disk(&self, name: &str) -> PathBuf {
        self.inside.region().join("laptops").join(name)
    }
}

/// Something that could not be done to a lab.
fn failed(doing: &str, name: &str, reason: &dyn std::fmt::Display) -> Refusal {
    refusal(RefusalCode::Failed, format!("{doing} the lab `{name}`: {reason}"))
}

pub(super) fn refusal(code: RefusalCode, message: String) -> Refusal {
    Refusal { code, message }
}

/// Tell a silence from a refusal by the cause at the end of the chain.
fn unreachable(address: SocketAddrV4, error: &(dyn std::error::Error + 'static)) -> Refusal {
    let cause = std::iter::successors(Some(error), |error| error.source())
        .find_map(|e| e.downcast_ref::<io::Error>());
    let (code, reason) = match cause {
        Some(cause) if cause.kind() == io::ErrorKind::TimedOut => {
            (RefusalCode::TimedOut, "no answer".to_owned())
        }
        Some(cause) => (RefusalCode::Unreachable, cause.to_string()),
        None => (RefusalCode::Failed, error.to_string()),
    };
    refusal(code, format!("connect to {address}: {reason}"))
}
