//! Whether two results are the same up to a consistent renaming: the one place where that is decided.

use super::{Record, Renaming, Rules, Verdict};

/// Compares a new result with the recorded one.
///
/// The renaming grows only when the verdict is [`Verdict::Matches`]; else it is as it was.
pub fn compare(expected: &Record, actual: &Record, rules: &Rules, renaming: &mut Renaming) -> Verdict {
    todo!()
}
