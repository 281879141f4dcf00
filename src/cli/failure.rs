//! What ends a command, and with which exit status.

use std::error::Error;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

use crate::cli::class::{Class, Classified};
use crate::cli::secrets;
use crate::output::remark;
pub use crate::run::chain;

const BAD: Style = AnsiColor::Red.on_default().bold();

/// A message for people and an exit status.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    message: String,
    hint: Option<String>,
}

/// A lesson failed or differs.
pub const DIFFERENT: u8 = 1;
/// Wrong usage, or mistakes in lessons.
pub const USAGE: u8 = 2;
/// Something that `lab` needs is not there.
pub const NEEDS: u8 = 3;
/// Teardown left something behind.
pub const LEFT: u8 = 4;
/// `lab` itself went wrong: `EX_SOFTWARE` of `sysexits.h`.
pub const INTERNAL: u8 = 70;
/// The person interrupted it.
pub const INTERRUPTED: u8 = 130;

impl Failure {
    /// Wrong usage, or mistakes in lessons.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, message)
    }

    /// Something that `lab` needs is not there or broke.
    pub fn needs(message: impl Into<String>) -> Self {
        Self::new(NEEDS, message)
    }

    /// `lab` itself went wrong.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(INTERNAL, message).hint("this is a mistake in `lab`: please report it")
    }

    fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    /// From an error whose message fits "failed to ..", by its class.
    pub fn failed<E: Error + Classified>(error: &E) -> Self {
        let message = format!("failed to {}", chain(error));
        match error.class() {
            Class::Usage => Self::usage(message),
            Class::Needs => Self::needs(message),
            Class::Internal => Self::internal(message),
        }
    }

    /// The same message as of a teardown that left something behind.
    #[must_use]
    pub fn left_behind(self) -> Self {
        Self { code: LEFT, ..self }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What failed, for programs.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The status that it ends the program with.
    pub fn code(&self) -> u8 {
        self.code
    }

    /// Prints it, and gives the status.
    pub fn tell(self) -> ExitCode {
        let secrets = secrets::known();
        remark!("{BAD}error{BAD:#}: {}", secrets.mask(&self.message));
        if let Some(hint) = self.hint {
            remark!("hint: {}", secrets.mask(&hint));
        }
        ExitCode::from(self.code)
    }
}

impl<E: Error + Classified> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::failed(&error)
    }
}
