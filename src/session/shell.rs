//! One persistent bash and the protocol by which it evaluates blocks.

use std::io;
use std::sync::Arc;

use super::{Block, Machine, Outcome, State};

/// Why a block could not be run at all. What happens to a block that runs is an [`Outcome`], never an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The machine could not start bash.
    #[error("start a shell")]
    Start(#[source] io::Error),
    /// Bash started, but did not answer as it should.
    #[error("talk to the shell: {0}")]
    Protocol(String),
    /// The script cannot be given to bash (it holds a NUL character).
    #[error("run a script that holds a NUL character")]
    Nul,
}

/// How a shell begins.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// Exported into every shell, also over SSH, before the state is brought back.
    pub env: Vec<(String, String)>,
    /// The state to start from; a fresh shell in the machine's home when `None`.
    pub state: Option<State>,
}

/// One persistent bash on a machine. It is started when first needed, and again after it was lost.
pub struct Shell {
    _machine: Arc<dyn Machine>,
    _setup: Setup,
}

impl Shell {
    /// A shell on `machine`; nothing is started yet.
    pub fn new(machine: Arc<dyn Machine>, setup: Setup) -> Self {
        Self { _machine: machine, _setup: setup }
    }

    /// Runs one block to its end and tells `on_output` what it prints, as it comes.
    pub async fn run(
        &mut self,
        _block: &Block,
        _on_output: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<Outcome, Error> {
        todo!()
    }

    /// The state after the last block (or the one that the shell began with).
    pub fn state(&self) -> &State {
        todo!()
    }

    /// Ends the shell and what still runs in it, and removes its files. Bounded in time; never fails.
    pub async fn close(&mut self) {
        todo!()
    }
}
