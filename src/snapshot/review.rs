//! One pending result as a person reviews it.

use super::{Pending, Record, Rules, Store, StoreError};

/// A pending result with what it would replace.
#[derive(Clone, Debug)]
pub struct ReviewItem {
    /// The files.
    pub pending: Pending,
    /// What is recorded; `None` for a block that was never recorded.
    pub old: Option<Record>,
    /// What waits.
    pub new: Record,
}

impl ReviewItem {
    /// All that waits, in the course's order.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn all(store: &Store) -> Result<Vec<Self>, StoreError> {
        todo!()
    }

    /// The item as text for a terminal: heading, what changed besides the output, the output's diff (a new result in
    /// full). With `colour`, ANSI codes.
    pub fn render(&self, colour: bool, width: usize) -> String {
        todo!()
    }
}
