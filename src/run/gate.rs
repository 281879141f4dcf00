//! What a person who steps through a lesson can say before each block.

use crate::lesson::Block;
use crate::session::BoxFuture;

/// What to do with the next block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Run it.
    Go,
    /// Run it and all that follow without asking.
    GoOn,
    /// Stop here; the lab stays where it is.
    Stop,
}

/// Asked before each block. Apart from an interrupt it is the only way into a run.
pub trait Gate: Send + Sync {
    /// What to do with `block`.
    fn before<'a>(&'a self, block: &'a Block) -> BoxFuture<'a, Step>;
}

/// Lets everything through.
#[derive(Debug, Clone, Copy, Default)]
pub struct Open;

impl Gate for Open {
    fn before<'a>(&'a self, _block: &'a Block) -> BoxFuture<'a, Step> {
        Box::pin(async { Step::GoOn })
    }
}
