//! What a guest is told about itself, and what it tells.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Everything that is needed to boot an instance. The network namespace exists already and has its `eth0` up, with
/// address and default route; the guest finds it ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestSpec {
    /// The machine's name, unique in the daemon; names its disk and its control group.
    pub id: String,
    /// The instance's id (`i-0…`), as it knows itself.
    pub instance: String,
    /// Host name without domain: `ip-10-0-1-10`.
    pub hostname: String,
    /// Domain of the host name: `ec2.internal` or `ap-northeast-1.compute.internal`.
    pub domain: String,
    /// Primary private address, where its SSH server is looked for.
    pub address: Ipv4Addr,
    /// The VPC's resolver (its second address); goes into `/etc/resolv.conf`.
    pub resolver: Ipv4Addr,
    /// Name of the network namespace under `/run/netns`.
    pub namespace: String,
    /// Root directory of the image (lower layer of the overlay).
    pub image: PathBuf,
    /// A tree of files that is laid over the image before the disk is: what all guests of this region share.
    pub additions: PathBuf,
    /// Login user of the image that gets the keys: `admin` on Debian.
    pub login: String,
    /// Lines for the login user's `authorized_keys`, as in OpenSSH's public key files.
    pub authorized_keys: Vec<String>,
    /// Decoded user data (`#!` script or `#cloud-config`), run at the first boot only.
    pub user_data: Option<Vec<u8>>,
    /// Memory of the instance type in MiB. An upper limit where the machine's control groups can limit memory.
    pub memory_mib: u64,
}

/// Why a guest is not running any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "exit")]
pub enum GuestExit {
    /// Its system shut down in order: asked from outside, or by `poweroff` inside.
    PoweredOff,
    /// It was killed on request (terminate, forced stop).
    Killed,
    /// It was not started, or could not boot, for lack of something that this machine has too little of.
    NoRoom {
        /// For the instance's state reason: what there is too little of.
        reason: String,
    },
    /// It ended in another way; the text says how, and ends with the last lines of the console.
    Failed {
        /// For the daemon's log and for the instance's state reason.
        reason: String,
    },
}

/// What happened to a guest, in the order in which it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum GuestEvent {
    /// Its processes have been started.
    Started {
        /// The machine's name.
        id: String,
    },
    /// systemd has reached its default target, so sshd listens. Also after a reboot.
    Booted {
        /// The machine's name.
        id: String,
    },
    /// The SSH server has answered with its banner on the primary address, seen from inside the namespace.
    StatusOk {
        /// The machine's name.
        id: String,
    },
    /// It has booted, and its SSH server has said nothing for minutes. It may still do so.
    StatusImpaired {
        /// The machine's name.
        id: String,
    },
    /// The system inside has asked for a reboot, or was asked to; it is being started again.
    Rebooting {
        /// The machine's name.
        id: String,
    },
    /// No process of the guest is left.
    Stopped {
        /// The machine's name.
        id: String,
        /// How it ended.
        exit: GuestExit,
    },
    /// There is more on the console than when this was last said (coalesced: at most a few a second).
    ConsoleGrew {
        /// The machine's name.
        id: String,
    },
}
