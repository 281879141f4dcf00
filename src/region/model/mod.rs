//! The control plane of the region, as a pure synchronous state machine: [`apply`] is one EC2 call ([`answer`] one that only looks),
//! [`observe`] one report from the kernel side. Both change [`State`] and nothing else; there is no I/O, no
//! clock and no thread here.
//!
//! Start reading at `state` (the data), then `apply` (what is the same for every operation), then one file of
//! `ops`.

mod action;
mod addressing;
mod apply;
pub mod catalog;
mod context;
mod entropy;
mod fault;
mod keys;
mod kind;
mod listing;
mod names;
mod observe;
mod ops;
mod params;
mod pattern;
mod plug;
mod quota;
mod state;

pub use action::{Action, Caller};
pub use addressing::usable;
pub use apply::{answer, apply, only_reads};
pub use names::{is_region_name, private_dns_name, private_domain, public_dns_name, zones};
pub use observe::{Observation, Seen, observe, power_cut, power_cut_of};
pub use state::*;

#[cfg(test)]
mod tests;
