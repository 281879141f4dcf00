//! A running bash with its reporter: the other side of [`protocol`](super::protocol).

use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use super::dial::BoxFuture;
use super::machine::{Exit, Machine, Program};
use super::printed::Printed;
use super::reporter::{Kind, Message, Messages};
use super::{Block, Error, Output, State, Stray, protocol, random_hex};

/// How long a new bash, or an idle one, may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// How long an idle shell may take to say that it is there.
const ALIVE: Duration = Duration::from_secs(4);
/// After the end of the shell's process, or when the nonce cannot be printed: how long output may pause before it is
/// taken to have ended.
const QUIET: Duration = Duration::from_millis(200);

/// Why [`Live::run`] stopped.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The block ended with this status.
    Done(i32),
    /// The shell left with this status and saved its state.
    Exit(i32),
    /// The shell's process ended with this status without having said so.
    Gone(i32),
    /// The shell's process was killed.
    Killed(i32),
    Deadline,
    Interrupted,
    Cut(String),
}

/// What came of a block.
pub(super) struct Run {
    /// What the block was called in it.
    pub(super) id: String,
    pub(super) stopped: Stopped,
    pub(super) output: Output,
    /// The state after the block, if it was saved.
    pub(super) state: Option<State>,
    /// What earlier blocks have left running printed meanwhile.
    pub(super) strays: Vec<Stray>,
}

/// A bash that waits for blocks.
pub(super) struct Live {
    commands: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    printed: Printed,
    exit: BoxFuture<'static, io::Result<Exit>>,
    exited: Option<Exit>,
    messages: Messages,
    directory: String,
    boot: String,
    pid: u32,
    state: State,
    whole: bool,
    /// The names of blocks by what they were called in the protocol.
    names: HashMap<String, String>,
    /// What the last block was called.
    last: String,
}

impl Live {
    /// Starts bash and brings `state` back in it.
    pub(super) async fn start(
        machine: &dyn Machine,
        env: &[(String, String)],
        state: &State,
    ) -> Result<Self, Error> {
        let argv = ["bash", "--noprofile", "--norc", "-c", protocol::START, "lab", protocol::REPORTER];
        let program = Program { argv: argv.map(str::to_owned).to_vec(), apart: true, ..Program::default() };
        let shell = machine.spawn(program).await.map_err(Error::Start)?;
        let no_reporter =
            || Error::Protocol("no directory can be made on the host for its status".to_owned());
        let mut messages = Messages::new(shell.stderr.ok_or_else(no_reporter)?);
        let (directory, boot) = timeout(ANSWER, messages.beginning())
            .await
            .map_err(|_| Error::Protocol("its reporter does not answer".to_owned()))?
            .map_err(|_| no_reporter())?;
        if directory.is_empty() {
            return Err(no_reporter());
        }
        let mut live = Self {
            commands: Some(shell.stdin),
            printed: Printed::new(shell.stdout),
            exit: shell.exit,
            exited: None,
            messages,
            directory,
            boot,
            pid: 0,
            state: State::default(),
            whole: true,
            names: HashMap::new(),
            last: String::new(),
        };
        live.begin(env, state).await?;
        Ok(live)
    }

    async fn begin(&mut self, env: &[(String, String)], state: &State) -> Result<(), Error> {
        let fixed: Vec<&str> =
            env.iter().map(|(name, _)| name.as_str()).filter(|name| *name != "PATH").collect();
        let (id, mark) = (random_hex(8), random_hex(16));
        let text = [
            protocol::beginning(env),
            protocol::restore(&state.restoring_script(&fixed)),
            protocol::functions(&self.directory),
            protocol::next(&mark),
            protocol::answer(&id),
        ]
        .concat();
        // Whatever bash prints so far is nobody's output.
        self.printed.skip_to(mark);
        let answered = timeout(ANSWER, async {
            self.send(&text).await?;
            let ready = self.message(&id).await?;
            self.pid = u32::try_from(ready.number).unwrap_or(0);
            self.state = ready.state.unwrap_or_default();
            self.printed.until_mark(&mut self.messages).await
        });
        let answered = answered.await;
        let printed = self.printed.skipped();
        let printed = String::from_utf8_lossy(&printed);
        match answered {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Error::Protocol(format!("bash did not begin: {}", printed.trim()))),
            Err(_) => Err(Error::Protocol(format!("bash does not answer: {}", printed.trim()))),
        }
    }

    pub(super) fn directory(&self) -> &str {
        &self.directory
    }

    /// Which boot of the machine the shell runs in: the same text for all shells of one boot, and never again.
    pub(super) fn boot(&self) -> &str {
        &self.boot
    }

    /// The shell's process id, which is also its session's.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// The state with which the shell began.
    pub(super) fn first_state(&self) -> &State {
        &self.state
    }

    /// Whether the shell can take another block.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Whether the shell is still there: its process has not ended, and, when `ask`, it answers.
    pub(super) async fn is_there(&mut self, ask: bool) -> bool {
        let exited = poll_fn(|cx| Poll::Ready(self.exit.as_mut().poll(cx).is_ready())).await;
        if exited {
            self.exited = Some(Exit::Unknown);
            return false;
        }
        if !ask {
            return true;
        }
        let id = random_hex(8);
        let answered = timeout(ALIVE, async {
            self.send(&protocol::answer(&id)).await?;
            self.message(&id).await
        });
        matches!(answered.await, Ok(Ok(_)))
    }

    /// Evaluates a block.
    pub(super) async fn run(&mut self, block: &Block, on_output: &mut (dyn FnMut(&[u8]) + Send)) -> Run {
        let id = random_hex(8);
        self.names.insert(id.clone(), block.name.clone());
        let mut run = Run {
            id,
            stopped: Stopped::Deadline,
            output: Output::default(),
            state: None,
            strays: Vec::new(),
        };
        // `timeout` is looked at even while output never pauses; a timer beside it in `select!` would not be.
        let stopped = tokio::select! {
            biased;
            () = block.interrupt.triggered() => Stopped::Interrupted,
            stopped = timeout(block.timeout, self.evaluate(block, &mut run, on_output)) => {
                stopped.unwrap_or(Stopped::Deadline)
            }
        };
        if matches!(stopped, Stopped::Interrupted | Stopped::Deadline) {
            // What was printed before is shown; what is printed while it is being ended is not.
            self.printed.until_quiet(Duration::from_millis(20), &mut run.output, on_output).await;
        }
        // Between the blocks, before it was told apart.
        let skipped = self.printed.skipped();
        if !skipped.is_empty() {
            let text = String::from_utf8_lossy(&skipped).into_owned();
            self.note_stray(&mut run.strays, &self.last, text, true);
        }
        self.last.clone_from(&run.id);
        run.stopped = stopped;
        run
    }

    /// Takes note of what a block has left running printed.
    fn note_stray(&self, strays: &mut Vec<Stray>, id: &str, text: String, before: bool) {
        let block = self.names.get(id).cloned().unwrap_or_default();
        match strays.iter_mut().find(|stray| stray.block == block) {
            Some(stray) if before => stray.text.insert_str(0, &text),
            Some(stray) => stray.text.push_str(&text),
            None => strays.push(Stray { block, text }),
        }
    }

    async fn evaluate(
        &mut self,
        block: &Block,
        run: &mut Run,
        on_output: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Stopped {
        let id = run.id.clone();
        // A block larger than the pipe is taken in by bash only as it parses; nothing is printed before that.
        if self.send(&protocol::evaluate(&id, block)).await.is_err() {
            return self.ended_early(run, on_output).await;
        }
        let Some(message) = self.status(&id, run, on_output).await else {
            return self.ended_early(run, on_output).await;
        };
        let status = i32::try_from(message.number).unwrap_or(-1);
        run.state = message.state;
        if self.end_output(message.kind, run, on_output).await.is_err() {
            self.whole = false;
            self.printed.until_quiet(QUIET, &mut run.output, on_output).await;
        }
        if message.kind == Kind::Exit { Stopped::Exit(status) } else { Stopped::Done(status) }
    }

    /// Takes what the block has printed to its last byte, and has what it left running told apart from then on.
    async fn end_output(
        &mut self,
        kind: Kind,
        run: &mut Run,
        on_output: &mut (dyn FnMut(&[u8]) + Send),
    ) -> io::Result<()> {
        // The shell goes on to the slot that was chosen when the mark of the last one was sent.
        self.printed.until_mark(&mut self.messages).await?;
        let nonce = random_hex(16);
        self.send(&protocol::nonce(&nonce)).await?;
        self.printed.up_to(&nonce, &mut self.messages, &mut run.output, on_output).await?;
        if kind == Kind::Exit {
            return Ok(());
        }
        let mark = random_hex(16);
        self.printed.skip_to(mark.clone());
        self.send(&protocol::next(&mark)).await
    }

    /// Waits for the block's status while its output arrives. `None` when the shell ends without telling one.
    async fn status(
        &mut self,
        id: &str,
        run: &mut Run,
        on_output: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Option<Message> {
        loop {
            tokio::select! {
                message = self.messages.next() => match message {
                    Ok(message) if message.id == id && matches!(message.kind, Kind::Done | Kind::Exit) => {
                        return Some(message);
                    }
                    Ok(Message { kind: Kind::Left, id, text, .. }) => {
                        self.note_stray(&mut run.strays, &id, text, false);
                    }
                    Ok(_) => {}
                    Err(_) => return None,
                },
                () = self.printed.more(&mut run.output, on_output) => {}
                exit = &mut self.exit => {
                    self.exited = Some(exit.unwrap_or(Exit::Unknown));
                    return None;
                }
            }
        }
    }

    /// The shell, its reporter or the connection ended without a status.
    async fn ended_early(&mut self, run: &mut Run, on_output: &mut (dyn FnMut(&[u8]) + Send)) -> Stopped {
        self.whole = false;
        self.printed.until_quiet(QUIET, &mut run.output, on_output).await;
        if self.exited.is_none() {
            // The end of the streams may be known a moment before the end of the process.
            self.exited = timeout(QUIET, &mut self.exit).await.ok().and_then(Result::ok);
        }
        match self.exited {
            Some(Exit::Status(status)) => Stopped::Gone(status),
            Some(Exit::Signal(signal)) => Stopped::Killed(signal),
            Some(Exit::Unknown) => Stopped::Cut("it was closed without a status".to_owned()),
            None => Stopped::Cut("the shell does not tell its status any more".to_owned()),
        }
    }

    async fn send(&mut self, text: &str) -> io::Result<()> {
        let commands = self.commands.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        commands.write_all(text.as_bytes()).await?;
        commands.flush().await
    }

    /// The message that answers `id`; output that comes meanwhile is nobody's.
    async fn message(&mut self, id: &str) -> io::Result<Message> {
        let (mut output, mut unheard) = (Output::default(), |_: &[u8]| {});
        loop {
            tokio::select! {
                message = self.messages.next() => {
                    let message = message?;
                    if message.id == id {
                        return Ok(message);
                    }
                }
                () = self.printed.more(&mut output, &mut unheard) => {}
                _ = &mut self.exit => {
                    self.exited = Some(Exit::Unknown);
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
            }
        }
    }

    /// Tells bash that it will be ended.
    pub(super) async fn say_bye(&mut self) {
        let _ = timeout(QUIET, self.send(protocol::BYE)).await;
    }

    /// Tells bash that no more commands come, on which it leaves.
    pub(super) async fn hang_up(&mut self) {
        if let Some(mut commands) = self.commands.take() {
            let _ = timeout(QUIET, commands.shutdown()).await;
        }
    }
}
