//! A block of a lesson, typed: what a fence with braces says, after all of it has been understood.
//!
//! Combinations that make no sense cannot be written down here: a diagram has no host, a console no exit status, and
//! only what may be repeated has [`Eventually`]. What a combination means when it runs is not decided here.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::lesson::body::Body;
use crate::lesson::console::Console;
use crate::lesson::http::Http;
use crate::lesson::pattern::Pattern;
use crate::name::{BlockName, HostName, Os, VarName};
use crate::source::Span;

/// A fence with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The name under which its result is recorded.
    pub name: BlockName,
    /// The operating system that it is a variant for; none means all.
    pub os: Option<Os>,
    /// Run, but not shown in the book.
    pub hidden: bool,
    /// The fence's language as written: `sh`, `console`, `ini`.
    pub language: String,
    /// What is between the fences.
    pub body: Body,
    /// What it does.
    pub kind: BlockKind,
    /// The whole fence in the lesson's text, from the first backtick to the last.
    pub span: Span,
    /// `#name` in the lesson's text.
    pub name_span: Span,
    /// Each attribute as written, in order, with its place in the lesson.
    pub attributes: Vec<(String, Span)>,
}

/// What a block does.
#[derive(Clone, Debug, PartialEq)]
pub enum BlockKind {
    /// Commands, run to their end.
    Shell(Shell),
    /// A conversation with an interactive program.
    Console(Console),
    /// A request, as a browser on the laptop would make it.
    Http(Http),
    /// A picture of the cloud's state at this point.
    Diagram,
    /// The body, written to a file.
    File(File),
    /// Commands that are left running.
    Background(Background),
    /// The end of a background block.
    Stop {
        /// The background block.
        target: BlockName,
    },
    /// What a background block has printed since it was last asked.
    Logs(Logs),
    /// A test of what the learner has built; no part of the story.
    Check(Check),
}

/// Where commands run, and with what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The host.
    pub on: HostName,
    /// The host to go through.
    pub via: Option<HostName>,
    /// Laptop variables that are set on the host too.
    pub with: Vec<VarName>,
}

/// How a block's result is recorded, compared and shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// What is compared.
    pub compare: Compare,
    /// What is volatile in this block.
    pub vary: Option<Pattern>,
    /// How much of the output the book prints.
    pub show: Show,
}

/// What of a result is compared with the record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compare {
    /// Everything.
    #[default]
    All,
    /// Everything, but the lines may come in any order.
    Lines,
    /// The exit status.
    Exit,
}

/// How much of a block's output the book prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Show {
    /// All of it.
    #[default]
    All,
    /// None of it.
    None,
    /// The first lines.
    Head(usize),
    /// The last lines.
    Tail(usize),
}

/// Repetition until the result is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Eventually {
    /// How long at most.
    pub within: Duration,
    /// The text that must appear in the output too.
    pub until: Option<String>,
}

/// Packets recorded while a block runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// Which ones, in tcpdump's language; empty means all.
    pub filter: String,
    /// The hosts on which they are recorded; never empty.
    pub hosts: Vec<HostName>,
}

/// How long a block may take unless it says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// Commands, run to their end. The script is the block's body.
#[derive(Clone, Debug, PartialEq)]
pub struct Shell {
    /// Where they run.
    pub place: Place,
    /// The status with which they must end.
    pub exit: u8,
    /// The deadline; of each attempt, when there may be several.
    pub timeout: Duration,
    /// Whether they are run again until the result is right.
    pub eventually: Option<Eventually>,
    /// Packets to record.
    pub capture: Option<Capture>,
    /// What becomes of the result.
    pub outcome: Outcome,
}

/// A file to write. The contents are the block's body, verbatim.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// The host.
    pub on: HostName,
    /// The host to go through.
    pub via: Option<HostName>,
    /// Absolute, or relative to the directory in which the host's shell stands; `~/` is its home.
    pub path: PathBuf,
    /// The deadline.
    pub timeout: Duration,
}

/// What says that commands which are left running have got ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    /// This text in what they print.
    Text(String),
    /// A program that listens on this TCP port of the host.
    Port(u16),
}

impl fmt::Display for Ready {
    /// As it is written in a lesson.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Port(port) => write!(f, ":{port}"),
        }
    }
}

/// Commands that are left running. The script is the block's body.
#[derive(Clone, Debug, PartialEq)]
pub struct Background {
    /// Where they run.
    pub place: Place,
    /// What the lesson goes on after; none means at once.
    pub ready: Option<Ready>,
    /// The deadline for `ready`.
    pub timeout: Duration,
    /// What becomes of what they print until they are ready.
    pub outcome: Outcome,
}

/// What a background block has printed since it was last asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Logs {
    /// The background block.
    pub target: BlockName,
    /// The deadline.
    pub timeout: Duration,
    /// The text that is waited for, when there may be a wait.
    pub eventually: Option<Eventually>,
    /// What becomes of it.
    pub outcome: Outcome,
}

/// A test of what the learner has built. The script is the block's body; status `exit` means that it passed.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Where it runs.
    pub place: Place,
    /// The status of success.
    pub exit: u8,
    /// The deadline.
    pub timeout: Duration,
    /// Whether it is run again until it passes.
    pub eventually: Option<Eventually>,
    /// What to tell a learner for whom it fails.
    pub hint: Option<String>,
}

impl Block {
    /// Whether the block is part of a run on `os`.
    pub fn runs_on(&self, os: Os) -> bool {
        self.os.is_none_or(|own| own == os)
    }

    /// Where its commands or its file go. None for what touches no host: diagrams, and blocks about another block.
    pub fn host(&self) -> Option<&HostName> {
        match &self.kind {
            BlockKind::File(file) => Some(&file.on),
            BlockKind::Http(http) => Some(&http.on),
            _ => self.place().map(|place| &place.on),
        }
    }

    /// The host that it goes through.
    pub fn via(&self) -> Option<&HostName> {
        match &self.kind {
            BlockKind::File(file) => file.via.as_ref(),
            _ => self.place().and_then(|place| place.via.as_ref()),
        }
    }

    /// Where its commands run, when it has commands.
    pub fn place(&self) -> Option<&Place> {
        match &self.kind {
            BlockKind::Shell(shell) => Some(&shell.place),
            BlockKind::Console(console) => Some(&console.place),
            BlockKind::Background(background) => Some(&background.place),
            BlockKind::Check(check) => Some(&check.place),
            BlockKind::Http(_) | BlockKind::Diagram | BlockKind::File(_) => None,
            BlockKind::Stop { .. } | BlockKind::Logs(_) => None,
        }
    }

    /// Its shell script: the body of those kinds that have one.
    pub fn script(&self) -> Option<&str> {
        match &self.kind {
            BlockKind::Shell(_) | BlockKind::Background(_) | BlockKind::Check(_) => Some(&self.body.text),
            _ => None,
        }
    }

    /// How its result is recorded, compared and shown. None for those that record nothing.
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.kind {
            BlockKind::Shell(shell) => Some(&shell.outcome),
            BlockKind::Console(console) => Some(&console.outcome),
            BlockKind::Http(http) => Some(&http.outcome),
            BlockKind::Background(background) => Some(&background.outcome),
            BlockKind::Logs(logs) => Some(&logs.outcome),
            BlockKind::Diagram | BlockKind::File(_) | BlockKind::Stop { .. } | BlockKind::Check(_) => None,
        }
    }

    /// Where the attribute `key` stands in the lesson, as a whole: `with=A,B`.
    pub fn attribute(&self, key: &str) -> Option<Span> {
        self.attributes.iter().find(|(known, _)| known == key).map(|(_, span)| *span)
    }

    /// What is typed in it at prompts that ask for a password or passphrase.
    pub fn typed_secrets(&self) -> impl Iterator<Item = &str> {
        let console = match &self.kind {
            BlockKind::Console(console) => Some(console),
            _ => None,
        };
        console.into_iter().flat_map(|console| console.secrets().map(|(_, secret)| secret))
    }

    /// Whether it is a test and no part of the story.
    pub fn is_check(&self) -> bool {
        matches!(self.kind, BlockKind::Check(_))
    }
}

impl BlockKind {
    /// The kind in one word, for reports and plans: `shell`, `console`, `http`, `diagram`, `file`, `background`, `stop`,
    /// `logs` or `check`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Shell(_) => "shell",
            Self::Console(_) => "console",
            Self::Http(_) => "http",
            Self::Diagram => "diagram",
            Self::File(_) => "file",
            Self::Background(_) => "background",
            Self::Stop { .. } => "stop",
            Self::Logs(_) => "logs",
            Self::Check(_) => "check",
        }
    }
}
