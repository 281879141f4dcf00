//! What is known of a block when it has ended.

use std::time::Duration;

use super::output::Output;

/// The result of one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The exit status. `None` when the block did not get so far (deadline, interrupt, cut connection, killed shell).
    pub status: Option<i32>,
    /// How it ended.
    pub ended: Ended,
    /// Standard output and error in order.
    pub output: Output,
    /// What the block assigned, in the order of the text; variables set in other ways (by a function, by `read`) after them by name.
    pub variables: Vec<Variable>,
    /// From sending the block to its end.
    pub took: Duration,
    /// What earlier blocks have left running printed meanwhile; no part of the output.
    pub strays: Vec<Stray>,
}

/// Output of something that an earlier block has left running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// The name of the block that started it.
    pub block: String,
    /// What was printed since it was last told; at most some 64 KiB of all that it prints.
    pub text: String,
}

/// How a block came to its end. After anything but [`Ended::Normally`] the next block gets a new shell that starts
/// from the last state saved (directory, variables, functions, options); background jobs are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The last command, or the first failing one, ended; the shell lives on.
    Normally,
    /// `exit`, or an error on which bash leaves (`set -u`, `${x:?}`). The state at that point was saved.
    Exited,
    /// `exec PROGRAM` replaced the shell; the status is that program's.
    ReplacedByExec,
    /// The block took longer than its timeout and was ended, with all that it had started.
    Deadline,
    /// The person interrupted it.
    Interrupted,
    /// The shell itself was killed by this signal (`kill -9 $$`).
    Killed(i32),
    /// The connection ended while the block ran; what it did is not known.
    Cut(String),
}

/// A shell variable that a block assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// A scalar's value, or an array as bash writes it: `([0]="a" [1]="b")`.
    pub value: String,
}
