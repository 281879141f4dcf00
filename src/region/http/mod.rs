//! What all servers of the region have in common: how many may be connected, for how long who says nothing may stay, and
//! who has to leave when it is full.
//!
//! [`Crowd`] counts those who are connected, whatever they speak; [`serve`] speaks HTTP with one of them.

mod crowd;
mod presence;
mod serve;

pub(crate) use crowd::{Crowd, Seat};
pub(crate) use presence::Presence;
pub(crate) use serve::serve;
