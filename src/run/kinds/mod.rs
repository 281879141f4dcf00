//! What each kind of block does when it runs: one file a kind, each with one function that gives a [`Did`].
//!
//! None of them judges its result against the record; that is [`super::attempt`]'s.

mod background;
mod console;
mod diagram;
mod file;
mod http;
mod port;
mod ready;
mod shell;

use background::Backgrounds;

use std::sync::Arc;
use std::time::Duration;

use crate::aws::journal::Origin;
use crate::event::{Event, EventKind, Sink};
use crate::lesson::{Block, BlockKind, Capture, Lesson, Place};
use crate::name::{BlockName, HostName, LessonId};
use crate::run::capture::Capturing;
use crate::run::chain;
use crate::run::engine::event;
use crate::run::recorder::Recorder;
use crate::secret::Masked;
use crate::session::{Ended, Interrupt, LAPTOP, Outcome, Output, Pool};
use crate::snapshot::SSH;

/// Whether pictures of pages can be made on this machine.
pub fn has_browser() -> bool {
    http::browser::find().is_some()
}

/// What a block did.
pub(super) struct Did {
    /// Status, output and variables.
    pub outcome: Outcome,
    /// Why it is wrong whatever its status is.
    pub wrong: Option<Wrong>,
    /// Kept with the record, by name.
    pub extra: Vec<(String, String)>,
    /// Why it cannot count as passed although nothing is wrong: this machine lacks something.
    pub lacking: Option<String>,
    /// A picture for the book, as PNG.
    pub picture: Option<Vec<u8>>,
}

/// Why a result is wrong, and what may help.
pub(super) struct Wrong {
    pub reason: String,
    pub hint: Option<String>,
}

impl Did {
    /// It ended with status 0 and printed this.
    fn printed(text: &str, took: Duration) -> Self {
        Self::from(Outcome {
            status: Some(0),
            ended: Ended::Normally,
            output: Output::from_bytes(text.as_bytes()),
            variables: Vec::new(),
            took,
            strays: Vec::new(),
        })
    }

    /// The same, but wrong.
    fn but_wrong(mut self, reason: String, hint: Option<String>) -> Self {
        self.wrong = Some(Wrong { reason, hint });
        self
    }
}

impl From<Outcome> for Did {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, wrong: None, extra: Vec::new(), lacking: None, picture: None }
    }
}

/// What lasts for the length of a lesson besides the hosts' shells.
#[derive(Default)]
pub(super) struct Lasting {
    pub backgrounds: Backgrounds,
    /// The file on the laptop in which `http` blocks keep their cookies.
    pub cookies: Option<String>,
}

impl Lasting {
    /// Ends everything that is left running, and forgets the cookies.
    pub async fn end(&mut self, pool: &mut Pool) {
        self.backgrounds.stop_all().await;
        if let Some(jar) = self.cookies.take() {
            http::forget(pool, &jar).await;
        }
    }
}

/// Everything that a kind of block may use while it runs.
pub(super) struct Stage<'a> {
    pub lesson: &'a Lesson,
    pub block: &'a Block,
    pub pool: &'a mut Pool,
    pub lasting: &'a mut Lasting,
    pub recorder: &'a mut Recorder,
    pub ec2: &'a aws_sdk_ec2::Client,
    pub sink: &'a Arc<dyn Sink>,
    pub interrupt: &'a Interrupt,
    /// How long it may take.
    pub deadline: Duration,
}

impl Stage<'_> {
    /// Runs the block once. An error is why it could not run at all.
    pub async fn run(&mut self) -> Result<Did, String> {
        let mut did = match capture(self.block) {
            None => self.act().await?,
            Some(capture) => {
                let capturing = tokio::select! {
                    started = Capturing::start(self.pool, self.lesson, self.block, capture) => started?,
                    () = self.interrupt.triggered() => return Err(INTERRUPTED.to_owned()),
                };
                let did = self.act().await;
                let packets = capturing.finish().await;
                let mut did = did?;
                did.extra.push((crate::run::capture::RECORDED.to_owned(), packets?));
                did
            }
        };
        let way = self.block.host().and_then(|host| self.pool.ssh_command(host.as_str()));
        did.extra.extend(way.map(|command| (SSH.to_owned(), command)));
        Ok(did)
    }

    async fn act(&mut self) -> Result<Did, String> {
        match &self.block.kind {
            BlockKind::Shell(shell) => shell::run(self, &shell.place).await,
            BlockKind::Check(check) => shell::run(self, &check.place).await,
            BlockKind::File(file) => file::run(self, file).await,
            BlockKind::Console(console) => console::run(self, console).await,
            BlockKind::Background(block) => background::start(self, block).await,
            BlockKind::Logs(logs) => background::logs(self, logs).await,
            BlockKind::Stop { target } => background::stop(self, target).await,
            BlockKind::Http(http) => http::run(self, http).await,
            BlockKind::Diagram => diagram::run(self).await,
        }
    }

    /// What tells the laptop's `aws` for which block it runs; other hosts have none.
    fn origin(&self) -> String {
        let here = self.block.host().is_some_and(HostName::is_laptop);
        let origin = || Origin { lesson: self.lesson.id.clone(), block: self.block.name.clone() };
        if here { origin().to_word() } else { String::new() }
    }

    /// The values of the laptop's variables that go with the block.
    async fn with(&mut self, place: &Place) -> Result<Vec<(String, String)>, String> {
        let mut with = Vec::new();
        for name in &place.with {
            let value = self.laptop_variable(name.as_str()).await?;
            let value = value.ok_or_else(|| format!("`with={name}`: the laptop has no variable {name}"))?;
            with.push((name.to_string(), value));
        }
        Ok(with)
    }

    async fn laptop_variable(&mut self, name: &str) -> Result<Option<String>, String> {
        let laptop = self.pool.shell(LAPTOP, None).await.map_err(|error| chain(&error))?;
        Ok(laptop.state().variable(name))
    }

    /// Tells what was printed, without its secrets.
    fn tell(&self) -> impl FnMut(&[u8]) + Send + use<> {
        let mut telling = Telling {
            sink: Arc::clone(self.sink),
            place: (self.lesson.id.clone(), self.block.name.clone()),
            masked: Masked::new(self.recorder.secrets().clone()),
        };
        move |bytes: &[u8]| {
            let text = telling.masked.push(bytes);
            telling.tell(text);
        }
    }
}

/// What a block prints, on its way to the reporters.
struct Telling {
    sink: Arc<dyn Sink>,
    place: (LessonId, BlockName),
    masked: Masked,
}

impl Telling {
    fn tell(&self, text: String) {
        if text.is_empty() {
            return;
        }
        let (lesson, block) = self.place.clone();
        let told = Event {
            lesson: Some(lesson),
            block: Some(block),
            ..event(None, None, EventKind::OutputArrived { text })
        };
        self.sink.take(&told);
    }
}

impl Drop for Telling {
    /// Nothing more comes, so what was held back is no part of a secret.
    fn drop(&mut self) {
        let text = self.masked.finish();
        self.tell(text);
    }
}

fn capture(block: &Block) -> Option<&Capture> {
    match &block.kind {
        BlockKind::Shell(shell) => shell.capture.as_ref(),
        BlockKind::Console(console) => console.capture.as_ref(),
        BlockKind::Http(http) => http.capture.as_ref(),
        _ => None,
    }
}

/// Said when a run is interrupted while something is waited for.
const INTERRUPTED: &str = "interrupted";
