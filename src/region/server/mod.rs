//! What runs inside the tree: the state with its writers, the EC2 endpoint, and the control socket.
//!
//! ```text
//! EC2 over HTTP --> endpoint --.                      .--> reconciling (thread) --> kernel, guests
//!                               >--> plane (state) --<            |
//! control socket -> connections'         ^   |        `<-- read   |
//!                                        |   `--> store (files)   |
//!                                        `------ observations ----'
//! ```

mod capacity;
mod connections;
mod control;
mod endpoint;
mod keeping;
mod lab;
mod laptops;
mod link;
mod plane;
mod reconciling;
mod region;
mod run;
mod status;
mod store;
mod turns;

pub use control::{
    Console, Exited, InstanceStatus, Kept, LabAccess, LabStatus, PROTOCOL, Pong, Refusal, RefusalCode,
    Request, SignalScope, SpawnSpec, Spawned, Status, Swept, TroubleStatus,
};
pub(crate) use link::Link;
pub(crate) use run::{Inherited, main};
pub(crate) use store::{Place, set_aside};
