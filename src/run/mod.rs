//! The one engine behind `run`, `verify` and `check`.
//!
//! It owns the order of things: for each lesson of a [`crate::plan::Plan`] it runs the blocks on their hosts, compares
//! what they did with what is recorded, writes down how far the lab has come, and emits events. It knows no terminal
//! and no region; what differs between clouds comes in as a [`Backdrop`].
//!
//! ```text
//! Plan -> Engine -> Event*            (to the reporters)
//!           |  `--> Renaming, .snap.new   (snapshot)
//!           |-----> Shell on a host       (session)
//!           `-----> Journal               (aws, through the laptop's `aws`)
//! ```

mod again;
mod attempt;
mod backdrop;
mod boots;
mod capture;
mod chain;
mod check;
pub mod checkpoint;
mod engine;
mod gate;
mod hosts;
mod keys;
mod kinds;
mod lab;
mod lock;
mod pictures;
mod recorder;

pub use backdrop::Backdrop;
pub use boots::Boots;
pub use chain::chain;
pub use engine::{Engine, Options, RunError, Summary};
pub use gate::{Gate, Open, Step};
pub use hosts::Hosts;
pub use keys::learn as learn_keys;
pub use kinds::has_browser;
pub use lab::{
    CloudKind, Lab, LabError, LabState, check_name, forget, is_busy, note_by_hand, read_state,
    remove_stateless,
};
pub use recorder::Recorder;
