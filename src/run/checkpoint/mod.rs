//! The state after a lesson, kept so that nobody has to wait for it again.
//!
//! A checkpoint is a directory named by the [`Key`] of everything that led to it. Here is what the runner knows:
//! progress, results of all blocks so far, journal, known hosts, the laptop's variables. The cloud's part lies elsewhere;
//! the [`Manifest`] names it, and a [`Keeper`] sees to it. Going back to a checkpoint is the same for all who do it:
//! [`Entry::fill`] a new lab, restore the cloud's part, `retell` the results against what is recorded now.
//!
//! Results are kept as they really were, not as verdicts: a snapshot that was changed since is noticed.

mod key;
mod results;
mod retell;
mod store;

pub use key::Key;
pub use results::{BlockResult, Results};
pub(super) use retell::Retelling;
pub use retell::{Earlier, retell_all};
pub use store::{Entry, Manifest, Store, Usage, doomed};

use std::time::Duration;

use crate::name::LessonId;
use crate::run::lab::Lab;
use crate::session::BoxFuture;

/// Keeps the state of a lab after a lesson.
pub trait Keeper: Send + Sync {
    /// Called when `lesson` has ended well in `lab`, before the next one begins.
    fn keep<'a>(&'a self, lab: &'a Lab, lesson: &'a LessonId) -> BoxFuture<'a, Keeping>;
}

/// What came of keeping a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeping {
    /// It is there, with so many bytes; the instances stood still for so long.
    Kept { bytes: u64, still: Duration },
    /// It was there before, or nobody wants it.
    Nothing,
    /// Why it was not kept. A run goes on without.
    Failed(String),
}
