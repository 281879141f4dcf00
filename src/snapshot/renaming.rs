//! What of the recording stands for what of this run.

use serde::{Deserialize, Serialize};

use super::Record;

/// A one-to-one map between the identities of the recording and those of this run. One for a lab: it is kept with the
/// lab's state (it serialises) and goes on where the lab goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renaming {}

impl Renaming {
    /// This run's text in the vocabulary of the recording, with all derived forms; what has no counterpart stays.
    pub fn translate_back(&self, text: &str) -> String {
        todo!()
    }

    /// A whole result likewise, for a pending file.
    pub fn translate_record_back(&self, record: &Record) -> Record {
        todo!()
    }
}
