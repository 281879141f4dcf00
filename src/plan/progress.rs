//! How far a lab has come.

use serde::{Deserialize, Serialize};

use crate::lesson::Lesson;
use crate::name::{BlockName, LessonId, Os};

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
    /// Of a lab that has run these lessons on `os` and nothing else.
    pub fn after<'a>(lessons: impl IntoIterator<Item = &'a Lesson>, os: Os) -> Self {
        let done = lessons.into_iter().flat_map(|lesson| {
            lesson.story(os).map(|block| DoneBlock {
                lesson: lesson.id.clone(),
                block: block.name.clone(),
                fingerprint: block.fingerprint().to_string(),
            })
        });
        Self { done: done.collect(), ..Self::default() }
    }

    /// The blocks of a lesson that ran.
    pub fn done_in<'a>(&'a self, lesson: &'a LessonId) -> impl Iterator<Item = &'a DoneBlock> {
        self.done.iter().filter(move |done| done.lesson == *lesson)
    }
}
