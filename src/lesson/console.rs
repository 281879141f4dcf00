//! `console` fences: a conversation with an interactive program on a terminal.
//!
//! ```text
//! $ telnet $WEB 8080
//! > GET / HTTP/1.1
//! >
//! ```
//!
//! Each line is a prompt and what the person types after it. This module only takes the lines apart; the waiting and
//! typing is not done here.

use std::time::Duration;

use crate::lesson::block::{Capture, Outcome, Place};
use crate::source::Span;

/// A conversation. The console begins as a child of the host's shell with a `$ ` prompt, and ends when that is back.
#[derive(Clone, Debug, PartialEq)]
pub struct Console {
    /// Where it is held.
    pub place: Place,
    /// What is typed, in order; the first at the `$ ` prompt. Never empty.
    pub entries: Vec<Entry>,
    /// The deadline of the whole conversation.
    pub timeout: Duration,
    /// Packets to record.
    pub capture: Option<Capture>,
    /// What becomes of what the terminal showed.
    pub outcome: Outcome,
}

impl Console {
    /// What is typed at prompts that ask for a password or passphrase, each with the number of its line.
    pub fn secrets(&self) -> impl Iterator<Item = (usize, &str)> {
        self.entries.iter().filter(|entry| entry.is_secret()).filter_map(|entry| match &entry.input {
            Input::Line(secret) => Some((entry.line, secret.as_str())),
            Input::Key(_) => None,
        })
    }

    /// The block's text with this in place of what is typed at such prompts, whatever its length.
    pub fn with_secrets_as(&self, mask: &str, body: &str) -> String {
        let mut lines: Vec<String> = body.split_inclusive('\n').map(str::to_owned).collect();
        for (line, secret) in self.secrets().filter(|(_, secret)| !secret.is_empty()) {
            if let Some(line) = lines.get_mut(line - 1)
                && let Some(at) = line.rfind(secret)
            {
                line.replace_range(at..at + secret.len(), mask);
            }
        }
        lines.concat()
    }
}

/// One thing typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What is waited for before it is typed.
    pub wait: Wait,
    /// What is typed.
    pub input: Input,
    /// Its line in the body, counted from one.
    pub line: usize,
    /// Its place in the lesson.
    pub span: Span,
}

/// What is waited for before something is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The screen's current line ends in this. Blanks at the end are not part of it, so cut those of the screen too.
    Prompt(String),
    /// Nothing has been printed for [`QUIET`].
    Quiet,
}

/// How long nothing must be printed before something is typed without a prompt.
pub const QUIET: Duration = Duration::from_millis(250);

/// What is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A line, sent with the return key.
    Line(String),
    /// A key, sent alone.
    Key(Key),
}

/// A control key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// `^]`, which takes telnet to its own prompt.
    Escape,
    /// `^C`, which interrupts.
    Interrupt,
    /// `^D`, the end of input.
    EndOfInput,
}

impl Key {
    /// How it is written in a lesson.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Escape => "^]",
            Self::Interrupt => "^C",
            Self::EndOfInput => "^D",
        }
    }

    /// The byte that a terminal sends for it.
    pub fn byte(self) -> u8 {
        match self {
            Self::Escape => 0x1d,
            Self::Interrupt => 0x03,
            Self::EndOfInput => 0x04,
        }
    }
}

impl Entry {
    /// Whether what is typed must not be recorded: it answers a prompt that asks for a password or passphrase.
    pub fn is_secret(&self) -> bool {
        match &self.wait {
            Wait::Prompt(prompt) => {
                let prompt = prompt.to_lowercase();
                prompt.contains("password") || prompt.contains("passphrase")
            }
            Wait::Quiet => false,
        }
    }
}
