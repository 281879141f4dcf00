//! How far a lab has come.

use serde::{Deserialize, Serialize};

use crate::name::{BlockName, LessonId};

/// A block that has run, and what it was then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoneBlock {
    pub lesson: LessonId,
    pub block: BlockName,
    /// Of its text and execution attributes, in hexadecimal.
    pub fingerprint: String,
}

/// Everything that has run in a lab.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Blocks, in the order in which they ran.
    pub done: Vec<DoneBlock>,
    /// The block that has begun and has not passed: what a failure, an interrupt or a `kill -9` leaves.
    pub running: Option<DoneBlock>,
    /// Why it failed; `None` where it was interrupted.
    #[serde(default)]
    pub reason: Option<String>,
}

impl Progress {
    /// The blocks of a lesson that ran.
    pub fn done_in<'a>(&'a self, lesson: &'a LessonId) -> impl Iterator<Item = &'a DoneBlock> {
        self.done.iter().filter(move |done| done.lesson == *lesson)
    }
}
