//! Recorded results: what a block printed once, and whether it prints the same now.
//!
//! [`Record`] is a block's result. [`compare`] decides whether two of them are the same *up to a consistent renaming*
//! of what changes from run to run ([`Renaming`]); it is pure, and the one place where that is decided. [`Store`]
//! keeps records as `.snap` files and pending ones as `.snap.new`; only [`file`] knows their format. [`ReviewItem`] is
//! one pending record as a person reviews it.
//!
//! Raw output becomes a record's text in three steps: [`ansi::clean`], then [`crate::secret::Secrets::mask`], then
//! nothing more: a record never holds placeholders, so identifiers stay comparable.
//!
//! Limits: nothing here runs anything or knows lessons beyond their names.

pub mod ansi;
mod comparator;
mod compare;
mod diff;
mod file;
pub mod gap;
mod mentions;
mod record;
mod renaming;
mod review;
mod rules;
mod store;
mod update;
mod verdict;
mod volatile;
mod yaml;

pub use comparator::UpToRenaming;
pub use compare::compare;
pub use diff::render;
pub use file::FileError;
pub use mentions::{Mention, mentions};
pub use record::{BESIDE, Origin, Record, SSH, line_breaks};
pub use renaming::Renaming;
pub use review::ReviewItem;
pub use rules::{Chosen, Matching, Rules, VaryError};
pub use store::{Key, Pending, Snapshot, Store, StoreError, Written};
pub use update::{Update, UpdateError};
pub use verdict::{Difference, Line, Place, Reason, Verdict};
pub use volatile::{Named, named_in};
