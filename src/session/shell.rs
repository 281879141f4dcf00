//! One persistent bash, as its user sees it: blocks go in, outcomes come out, and lost shells are replaced.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ending::end_session;
use super::live::{Live, Run, Stopped};
use super::{Block, Ended, Machine, Outcome, State};

/// Why a block could not be run at all. What happens to a block that runs is an [`Outcome`], never an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The machine could not start bash.
    #[error("start a shell")]
    Start(#[source] io::Error),
    /// Bash was started, but did not answer as it should.
    #[error("talk to the shell: {0}")]
    Protocol(String),
    /// The script cannot be given to bash.
    #[error("run a script that holds a NUL character")]
    Nul,
    /// The host's name led nowhere.
    #[error("find the host `{host}`")]
    Resolve {
        /// The name.
        host: String,
        /// Why.
        #[source]
        source: super::ResolveError,
    },
}

/// After this long without a block, a shell is asked whether it is still there before it gets the next one.
const IDLE: Duration = Duration::from_secs(1);

/// How a shell begins.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// Exported into every shell, also over SSH; values of a restored state do not replace them, except for `PATH`.
    pub env: Vec<(String, String)>,
    /// The state to start from; a fresh shell in the machine's home when `None`.
    pub state: Option<State>,
}

/// One persistent bash on a machine. It is started when first needed, and again, from the last state, after it was lost.
pub struct Shell {
    machine: Arc<dyn Machine>,
    env: Vec<(String, String)>,
    state: State,
    live: Option<Live>,
    /// Reporter directories and process ids of shells that may still run something, since they were cut off.
    lost: Vec<(String, u32)>,
    used: Instant,
    boot: Option<String>,
}

impl Shell {
    /// A shell on `machine`; nothing is started yet.
    pub fn new(machine: Arc<dyn Machine>, setup: Setup) -> Self {
        let state = setup.state.unwrap_or_default();
        Self {
            machine,
            env: setup.env,
            state,
            live: None,
            lost: Vec::new(),
            used: Instant::now(),
            boot: None,
        }
    }

    /// Runs one block to its end and tells `on_output` what it prints, as it comes. Dropping the future leaves the
    /// shell in the middle of the block, and the next one gets a new shell.
    pub async fn run(
        &mut self,
        block: &Block,
        on_output: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<Outcome, Error> {
        let texts = block.with.iter().flat_map(|(name, value)| [name, value]);
        if texts.chain([&block.script]).any(|text| text.contains('\0')) {
            return Err(Error::Nul);
        }
        // A shell may leave between two blocks without our knowing it; one that was just started does not.
        let outcome = match self.try_run(block, on_output).await? {
            Some(outcome) => outcome,
            None => self
                .try_run(block, on_output)
                .await?
                .ok_or_else(|| Error::Protocol("bash leaves before it runs anything".to_owned()))?,
        };
        self.used = Instant::now();
        Ok(outcome)
    }

    /// Runs the block; `None` when the shell had left before it began.
    async fn try_run(
        &mut self,
        block: &Block,
        on_output: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<Option<Outcome>, Error> {
        let mut live = self.take_live().await?;
        let started = Instant::now();
        // Should the caller give up and drop this future, the next shell ends what this one has started.
        self.lost.push((live.directory().to_owned(), live.pid()));
        let mut run = live.run(block, on_output).await;
        let took = started.elapsed();
        match &run.stopped {
            Stopped::Done(_) if live.is_whole() => {
                self.lost.pop();
                self.live = Some(live);
            }
            Stopped::Cut(_) => {
                live.hang_up().await;
                self.machine.suspect();
            }
            stopped => {
                live.hang_up().await;
                let silent = matches!(stopped, Stopped::Gone(_) | Stopped::Killed(_));
                self.lost.pop();
                match end_session(&*self.machine, live.directory(), live.pid()).await {
                    Some(begun) if silent && begun != run.id => return Ok(None),
                    // Nothing shows that this is the block's status and not that of something before it.
                    None if matches!(stopped, Stopped::Gone(_)) => {
                        run.stopped = Stopped::Cut("the shell left without a word".to_owned());
                    }
                    _ => {}
                }
            }
        }
        Ok(Some(self.outcome(block, run, took)))
    }

    fn outcome(&mut self, block: &Block, run: Run, took: Duration) -> Outcome {
        let Run { stopped, output, state, strays, .. } = run;
        let (status, ended) = match stopped {
            Stopped::Done(status) => (Some(status), Ended::Normally),
            Stopped::Exit(status) => (Some(status), Ended::Exited),
            // Bash tells of its own exit, unless the block put another EXIT trap in the place of ours. That the block had
            // begun is certain here.
            Stopped::Gone(status) if says_exec(&block.script) => (Some(status), Ended::ReplacedByExec),
            Stopped::Gone(status) => (Some(status), Ended::Exited),
            Stopped::Killed(signal) => (None, Ended::Killed(signal)),
            Stopped::Deadline => (None, Ended::Deadline),
            Stopped::Interrupted => (None, Ended::Interrupted),
            Stopped::Cut(why) => (None, Ended::Cut(why)),
        };
        let mut variables = Vec::new();
        if let Some(state) = state {
            variables = state.assigned_since(&self.state, &block.script, &block.with);
            self.state = state;
        }
        Outcome { status, ended, output, variables, took, strays }
    }

    /// The live shell, or a new one.
    async fn take_live(&mut self) -> Result<Live, Error> {
        if let Some(mut live) = self.live.take() {
            if live.is_there(self.used.elapsed() > IDLE).await {
                return Ok(live);
            }
            self.machine.suspect();
            self.lost.push((live.directory().to_owned(), live.pid()));
        }
        let live = Live::start(&*self.machine, &self.env, &self.state).await?;
        self.state = live.first_state().clone();
        self.boot = Some(live.boot().to_owned());
        for (directory, pid) in std::mem::take(&mut self.lost) {
            end_session(&*self.machine, &directory, pid).await;
        }
        Ok(live)
    }

    /// Makes sure that a bash runs here now, so that [`Shell::state`] and [`Shell::boot`] tell how things are.
    pub async fn wake(&mut self) -> Result<(), Error> {
        self.live = Some(self.take_live().await?);
        self.used = Instant::now();
        Ok(())
    }

    /// Which boot of its machine the shell last ran in: a word that is the same for all shells of one boot, and for no
    /// other boot of any machine. `None` before the first.
    pub fn boot(&self) -> Option<&str> {
        self.boot.as_deref()
    }

    /// The state after the last block (or the one that the shell began with).
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Another shell on the same machine, which begins with this one's state as it is now; nothing is started yet. What
    /// happens in one does not happen in the other.
    #[must_use]
    pub fn beside(&self) -> Self {
        let setup = Setup { env: self.env.clone(), state: Some(self.state.clone()) };
        Self::new(Arc::clone(&self.machine), setup)
    }

    /// The machine, for programs beside the shell.
    pub fn machine(&self) -> &Arc<dyn Machine> {
        &self.machine
    }

    /// What is exported into every shell here.
    pub(super) fn env(&self) -> &[(String, String)] {
        &self.env
    }

    /// Whether a bash runs now (the connection may have ended since it was last used).
    pub fn is_open(&self) -> bool {
        self.live.is_some()
    }

    /// Ends the shell and what still runs in it, and removes its files. Bounded in time; never fails.
    pub async fn close(&mut self) {
        if let Some(mut live) = self.live.take() {
            live.say_bye().await;
            end_session(&*self.machine, live.directory(), live.pid()).await;
        }
    }
}

fn says_exec(script: &str) -> bool {
    script.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "exec")
}
