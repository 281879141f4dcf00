//! What runs inside the tree: the single writer around the state, the EC2 endpoint, and the control socket.

mod control;
mod link;

pub use control::{
    Console, Exited, InstanceStatus, LabAccess, LabStatus, Pong, Refusal, RefusalCode, Request, SignalScope,
    SpawnSpec, Spawned, Status,
};

pub(crate) use link::Link;
