//! What runs inside the tree: the single writer around the state, the EC2 endpoint, and the control socket.
//!
//! ```text
//! EC2 over HTTP --> endpoint --.                      .--> reconciling (thread) --> kernel, guests
//!                               >--> plane (state) --<            |
//! control socket -> connections'         ^            `--> file   |
//!                                        `------ observations ----'
//! ```

mod capacity;
mod connections;
mod control;
mod endpoint;
mod keeping;
mod lab;
mod link;
mod plane;
mod reconciling;
mod region;
mod run;
mod status;

pub use control::{
    Console, Exited, InstanceStatus, Kept, LabAccess, LabStatus, Pong, Refusal, RefusalCode, Request,
    SignalScope, SpawnSpec, Spawned, Status, Swept,
};
pub(crate) use link::Link;
pub(crate) use run::{Inherited, main};
