//! The control plane of the region, as a pure synchronous state machine: [`apply`] is one EC2 call, [`observe`] one
//! report from the kernel side. Both change [`State`] and nothing else; there is no I/O, no clock and no thread here.
//!
//! Start reading at `state` (the data), then `apply` (what is the same for every operation), then one file of `ops`.

mod action;
mod entropy;
mod observe;
mod state;

pub use action::{Action, Caller};
pub use observe::Observation;
pub use state::*;
