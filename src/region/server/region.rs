//! The labs of the daemon: made, entered and removed.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddrV4;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::task::spawn_blocking;

use super::lab::{self, Lab};
use super::plane::Plane;
use super::{LabAccess, Refusal, RefusalCode, SpawnSpec};
use crate::region::checkpoint::Store;
use crate::region::client::Paths;
use crate::region::laptop::{Laptop, Running, Settings};
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
    /// By lab. Locked while one is started, so that no lab gets two.
    pub laptops: Mutex<HashMap<String, Laptop>>,
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
            Err(Refusal { code: RefusalCode::NoSuchLab, .. }) => (self.create(name, region, uid, gid)?, true),
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

    fn create(&self, name: &str, region: &str, uid: u32, gid: u32) -> Result<Lab, Refusal> {
        let made = self.plane.change(|saved| {
            let lab = std::iter::repeat_with(|| Lab::new(region, uid, gid))
                .find(|lab| !saved.state.accounts.contains_key(&lab.account))?;
            saved.state.accounts.entry(lab.account.clone()).or_default();
            saved.state.generation += 1;
            saved.labs.insert(name.to_owned(), lab.clone());
            Some(lab)
        });
        let failed =
            |reason: String| refusal(RefusalCode::Failed, format!("make the lab `{name}`: {reason}"));
        made.map_err(|error| failed(error.to_string()))?
            .ok_or_else(|| failed("no account number is left".to_owned()))
    }

    /// Remove a lab with everything in it, but for its owner's directory.
    pub(super) async fn remove_lab(&self, name: &str, caller: u32) -> Result<(), Refusal> {
        let lab = self.lab(name, caller)?;
        let failed =
            |reason: String| refusal(RefusalCode::Failed, format!("remove the lab `{name}`: {reason}"));
        self.laptops.lock().await.remove(name);
        let (cgroup, disk) = (self.laptop_group(name), self.laptop_disk(name));
        spawn_blocking(move || {
            cgroup.remove(LAPTOP_END)?;
            match std::fs::remove_dir_all(disk) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }
        })
        .await
        .map_err(|error| failed(error.to_string()))?
        .map_err(|error| failed(error.to_string()))?;
        self.plane
            .change(|saved| {
                saved.labs.remove(name);
                saved.state.accounts.remove(&lab.account);
                saved.state.generation += 1;
            })
            .map_err(|error| failed(error.to_string()))?;
        self.followed().await
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
        let mut laptops = self.laptops.lock().await;
        if let Some(laptop) = laptops.get(name).filter(|laptop| laptop.is_up()) {
            return Ok(laptop.clone());
        }
        self.followed().await?;
        let failed =
            |reason: String| refusal(RefusalCode::Failed, format!("start the laptop of `{name}`: {reason}"));
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
        let laptop = Laptop::start(&settings, &self.laptop_group(name)).await.map_err(failed)?;
        laptops.insert(name.to_owned(), laptop.clone());
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
