//! What a shell is asked to run.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// The variable that tells what a block starts, and may leave running, for which block it runs. It is nobody's result, and
/// is not brought back in a new shell.
pub const BLOCK_VARIABLE: &str = "LAB_BLOCK";

/// One block for a shell.
#[derive(Debug, Clone)]
pub struct Block {
    /// What it is called where something that it left running is told of.
    pub name: String,
    /// The value of [`BLOCK_VARIABLE`]; not set when empty.
    pub origin: String,
    /// The bash text.
    pub script: String,
    /// Variables set before it; they stay set, and do not count as assigned by the block.
    pub with: Vec<(String, String)>,
    /// Its deadline.
    pub timeout: Duration,
    /// Ends the block early when triggered.
    pub interrupt: Interrupt,
}

impl Block {
    /// A block with the default deadline of 60 s.
    pub fn new(script: impl Into<String>) -> Self {
        Self {
            name: String::new(),
            origin: String::new(),
            script: script.into(),
            with: Vec::new(),
            timeout: Duration::from_secs(60),
            interrupt: Interrupt::new(),
        }
    }
}

/// A switch that a person (Ctrl-C) or the engine turns once to end a running block. Clones share it.
#[derive(Debug, Clone)]
pub struct Interrupt(Arc<watch::Sender<bool>>);

impl Interrupt {
    /// A switch that is off.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Turns it on, for good.
    pub fn trigger(&self) {
        self.0.send_replace(true);
    }

    /// Whether it is on.
    pub fn is_triggered(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves when it is on.
    pub async fn triggered(&self) {
        let mut watched = self.0.subscribe();
        // The sender lives in self, so waiting cannot fail.
        let _ = watched.wait_for(|on| *on).await;
    }
}

impl Default for Interrupt {
    fn default() -> Self {
        Self::new()
    }
}
