//! The words of the control protocol: what the command line asks of the daemon over its Unix socket.
//!
//! One JSON object a line in each direction, preceded by the number of descriptors that travel with it (`SCM_RIGHTS`). A
//! connection carries one request after another; after `spawn` it belongs to the new process: the caller may send
//! `signal` lines, the daemon ends with one `exited` line, and a connection that is closed before ends the process.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::region::limits::{Raised, Room};

/// Which words are spoken. A command line and a daemon of different builds understand each other as long as this is the
/// same: raise it when one of another build would misunderstand a word. New requests, new members that may be missing and
/// new members of answers are no reason: who does not know them refuses or ignores them.
pub const PROTOCOL: u32 = 1;

/// What a caller asks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "op")]
pub enum Request {
    /// Are you there, and which version are you? Answer: [`Pong`].
    Ping,
    /// What is going on? Answer: [`Status`].
    Status,
    /// Make the lab (account, laptop, Internet) unless it exists. Answer: [`LabAccess`].
    EnsureLab {
        /// Name of the lab.
        lab: String,
        /// Region name that a new lab gets, such as `us-east-1`; a lab that exists keeps its own.
        region: String,
    },
    /// Remove the lab with all its instances, disks and its laptop's system. The home directory stays: it is the
    /// caller's.
    RemoveLab {
        /// Name of the lab.
        lab: String,
    },
    /// Open a TCP connection from the lab's laptop. Answer: empty, with the connected socket.
    Dial {
        /// Name of the lab.
        lab: String,
        /// Destination, an address as the laptop sees it.
        address: Ipv4Addr,
        /// Destination port.
        port: u16,
        /// Give up after so many milliseconds.
        timeout_ms: u64,
    },
    /// Start a process on the lab's laptop. Comes with three descriptors: its standard input, output and error.
    /// Answer: [`Spawned`], later [`Exited`].
    Spawn {
        /// Name of the lab.
        lab: String,
        /// What to run.
        #[serde(flatten)]
        command: SpawnSpec,
    },
    /// Signal the process of this connection. No answer.
    Signal {
        /// Signal number.
        signal: i32,
        /// Who gets it.
        scope: SignalScope,
    },
    /// The console output of an instance, newest 64 KiB. Answer: [`Console`].
    Console {
        /// Name of the lab.
        lab: String,
        /// Instance id.
        instance: String,
    },
    /// As long as this connection is open, fetch nothing for the package mirror: it serves what it has.
    Offline,
    /// Keep the lab as it is now. Its instances stand still meanwhile. Answer: [`Kept`].
    Keep {
        /// Name of the lab.
        lab: String,
    },
    /// Make a lab that goes on from a kept moment; there must be none of this name. Its instances boot as after a power
    /// cut; the answer comes when those that had passed their checks have passed them again, or after half a minute.
    /// For the daemon's owner only. Answer: [`LabAccess`].
    Restore {
        /// Name of the new lab.
        lab: String,
        /// The moment, as [`Kept::id`] named it.
        state: String,
    },
    /// Remove the kept moments that no checkpoint of the daemon's owner names. Answer: [`Swept`].
    Sweep,
    /// End the daemon; what is running stops as at a power cut and boots again with the next daemon.
    Stop,
    /// Remove all labs of the caller (all labs, if the caller is root).
    Reset,
}

/// A process to start on the laptop.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SpawnSpec {
    /// Program (looked up in the laptop's `PATH`) and its arguments.
    pub argv: Vec<String>,
    /// Added to, or replacing, the laptop's own environment (`HOME`, `USER`, `PATH`, `TERM`, `LANG`..).
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Working directory; the home directory if absent.
    #[serde(default)]
    pub cwd: Option<PathBuf>,
}

/// Which processes a signal goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignalScope {
    /// The spawned process alone.
    Process,
    /// Its process group.
    Group,
    /// Every process of the session that it leads, whatever their groups.
    Session,
}

/// Answer to [`Request::Ping`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pong {
    /// Version of the daemon's binary.
    pub version: String,
    /// [`PROTOCOL`]; 0 of a daemon from before there was one.
    #[serde(default)]
    pub protocol: u32,
    /// Process id of the front, in the host's numbering.
    pub pid: u32,
}

/// Answer to [`Request::EnsureLab`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LabAccess {
    /// Twelve digits.
    pub account_id: String,
    /// Region name of the lab.
    pub region: String,
    /// Access key of the lab's account.
    pub access_key_id: String,
    /// Secret of the access key.
    pub secret_access_key: String,
    /// `http://127.0.0.1:PORT`.
    pub endpoint_url: String,
    /// Address of the laptop on the lab's Internet.
    pub laptop_address: Ipv4Addr,
    /// Whether this call made the lab.
    pub created: bool,
}

/// Answer to [`Request::Spawn`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Spawned {
    /// Process id in the laptop's numbering.
    pub pid: i32,
}

/// Last line of a connection that spawned a process: exactly one of the two is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exited {
    /// Exit status.
    pub code: Option<i32>,
    /// Signal that ended it.
    pub signal: Option<i32>,
}

/// Answer to [`Request::Console`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Console {
    /// As it came from the guest's terminal, with bytes that are not UTF-8 replaced.
    pub output: String,
}

/// Answer to [`Request::Keep`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kept {
    /// Names the moment.
    pub id: String,
    /// What it takes on the disk.
    pub bytes: u64,
    /// How long the instances stood still, in milliseconds.
    pub frozen_ms: u64,
}

/// Answer to [`Request::Sweep`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Swept {
    /// What all kept moments take on the disk.
    pub bytes: u64,
}

/// Answer to [`Request::Status`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// Version of the daemon's binary.
    pub version: String,
    /// Process id of the front, in the host's numbering.
    pub pid: u32,
    /// Seconds since the daemon started.
    pub uptime_s: u64,
    /// Memory of all processes of the region in MiB, where the kernel tells.
    pub memory_mib: Option<u64>,
    /// `http://127.0.0.1:PORT`.
    pub endpoint_url: String,
    /// Labs that the caller may see, by name.
    pub labs: Vec<LabStatus>,
    /// Where the kernel does not follow what the labs ask for.
    #[serde(default)]
    pub troubles: Vec<TroubleStatus>,
    /// For how many more instances this machine has room.
    #[serde(default)]
    pub room: Option<Room>,
    /// Limits of this machine that are raised while the daemon runs.
    #[serde(default)]
    pub raised: Vec<Raised>,
}

/// Something in [`Status`] that could not be built, and is tried again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TroubleStatus {
    /// Name of the lab that it belongs to; none for what is left of one.
    pub lab: Option<String>,
    /// Name of the network namespace, which begins with the account and goes on with what it is made for.
    pub namespace: String,
    /// For so many seconds.
    pub seconds: u64,
    /// What failed the last time, with its causes; fits "failed to ..".
    pub reason: String,
}

/// One lab in [`Status`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LabStatus {
    /// Its name.
    pub name: String,
    /// Its region's name.
    pub region: String,
    /// Twelve digits.
    pub account_id: String,
    /// User id of its owner on the host.
    pub owner: u32,
    /// Its instances, newest last, terminated ones left out.
    pub instances: Vec<InstanceStatus>,
}

/// One instance in [`LabStatus`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InstanceStatus {
    /// Instance id.
    pub id: String,
    /// `Name` tag, if any.
    pub name: Option<String>,
    /// EC2's word for its state.
    pub state: String,
    /// Private address.
    pub private_address: Option<Ipv4Addr>,
    /// Public address.
    pub public_address: Option<Ipv4Addr>,
}

/// A refusal or a failure, as it travels.
#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Which kind: for programs.
    pub code: RefusalCode,
    /// What failed, where, and what to do: for people. A lower-case fragment.
    pub message: String,
}

/// Kinds of [`Refusal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalCode {
    /// No lab of that name that the caller owns.
    NoSuchLab,
    /// No such instance in the lab.
    NoSuchInstance,
    /// The lab belongs to another user.
    NotYours,
    /// The request makes no sense.
    BadRequest,
    /// The disk is too full.
    NoSpace,
    /// The kept moment is not there, or is not for this region.
    Unusable,
    /// Nobody answered within the time given.
    TimedOut,
    /// The other side refused, or the network said that it cannot be reached.
    Unreachable,
    /// Something broke; the message says what.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As protocol 1 speaks: what was once said must be understood as long as [`PROTOCOL`] is the same.
    #[test]
    fn the_words_of_this_protocol_are_understood_as_they_were_first_spoken() {
        assert_eq!(PROTOCOL, 1, "with another number, write down here how it speaks");
        for request in [
            r#"{"op":"ping"}"#,
            r#"{"op":"status"}"#,
            r#"{"op":"ensure-lab","lab":"a","region":"us-east-1"}"#,
            r#"{"op":"remove-lab","lab":"a"}"#,
            r#"{"op":"dial","lab":"a","address":"10.0.0.1","port":22,"timeout_ms":1000}"#,
            r#"{"op":"spawn","lab":"a","argv":["true"],"env":{"A":"1"},"cwd":"/"}"#,
            r#"{"op":"spawn","lab":"a","argv":["true"]}"#,
            r#"{"op":"signal","signal":15,"scope":"process"}"#,
            r#"{"op":"signal","signal":15,"scope":"group"}"#,
            r#"{"op":"signal","signal":15,"scope":"session"}"#,
            r#"{"op":"console","lab":"a","instance":"i-1"}"#,
            r#"{"op":"offline"}"#,
            r#"{"op":"keep","lab":"a"}"#,
            r#"{"op":"restore","lab":"a","state":"s"}"#,
            r#"{"op":"sweep"}"#,
            r#"{"op":"stop"}"#,
            r#"{"op":"reset"}"#,
        ] {
            serde_json::from_str::<Request>(request).unwrap_or_else(|error| panic!("{request}: {error}"));
            let more = request.replacen('{', r#"{"later":{"x":1},"#, 1);
            serde_json::from_str::<Request>(&more).unwrap_or_else(|error| panic!("{more}: {error}"));
        }
        fn understood<T: serde::de::DeserializeOwned>(answer: &str) {
            serde_json::from_str::<T>(answer).unwrap_or_else(|error| panic!("{answer}: {error}"));
        }
        understood::<Pong>(r#"{"version":"0.1.0","pid":1}"#);
        understood::<Pong>(r#"{"version":"0.1.0","protocol":1,"pid":1}"#);
        understood::<LabAccess>(
            r#"{"account_id":"1","region":"r","access_key_id":"k","secret_access_key":"s","endpoint_url":"u",
                "laptop_address":"198.51.100.10","created":true}"#,
        );
        understood::<Spawned>(r#"{"pid":1}"#);
        understood::<Exited>(r#"{"code":0,"signal":null}"#);
        understood::<Console>(r#"{"output":""}"#);
        understood::<Kept>(r#"{"id":"a","bytes":1,"frozen_ms":1}"#);
        understood::<Swept>(r#"{"bytes":1}"#);
        understood::<Status>(
            r#"{"version":"v","pid":1,"uptime_s":1,"memory_mib":null,"endpoint_url":"u","labs":[{"name":"a","region":"r",
                "account_id":"1","owner":0,"instances":[{"id":"i","name":null,"state":"running","private_address":null,
                "public_address":null}]}]}"#,
        );
        for code in [
            "no-such-lab",
            "no-such-instance",
            "not-yours",
            "bad-request",
            "no-space",
            "unusable",
            "timed-out",
            "unreachable",
            "failed",
        ] {
            understood::<Refusal>(&format!(r#"{{"code":"{code}","message":"m"}}"#));
        }
    }
}
