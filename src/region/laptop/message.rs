//! What the daemon and a laptop's first process say to each other.

use serde::{Deserialize, Serialize};

use crate::region::server::{Exited, SignalScope, SpawnSpec};

/// To the laptop.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Order {
    /// Start a program; three descriptors come with it.
    Spawn { token: u64, command: SpawnSpec },
    /// Signal a program that was started.
    Signal { token: u64, signal: i32, scope: SignalScope },
}

/// From the laptop.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Report {
    /// The machine is up; said once.
    Up,
    /// The machine could not be set up; said instead.
    Down { reason: String },
    /// A program runs.
    Spawned { token: u64, pid: i32 },
    /// A program could not be started.
    Refused { token: u64, reason: String },
    /// A program has ended, and nothing of its session is left.
    Exited { token: u64, exited: Exited },
}
