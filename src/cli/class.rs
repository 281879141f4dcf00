//! What kind of failure each error is. An error that has no class does not compile where a command could end by it, and
//! each `match` here names every variant, so that a new one is given its class by whoever adds it.

use std::io;

use crate::aws::journal::JournalError;
use crate::book::BookError;
use crate::region::client::{ClientError, Refusal, RefusalCode};
use crate::run::{LabError, RunError};
use crate::session;
use crate::snapshot::{FileError, StoreError, UpdateError};

/// Whose turn it is when a command has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The caller's: something was asked for that cannot be meant, or a lesson has mistakes.
    Usage,
    /// Whoever keeps this machine, the network or the account: something that `lab` needs is not there, or broke.
    Needs,
    /// Ours: `lab` itself went wrong.
    Internal,
}

/// An error that has a class.
pub trait Classified {
    /// Which one.
    fn class(&self) -> Class;
}

/// What the system refuses is this machine's affair.
impl Classified for io::Error {
    fn class(&self) -> Class {
        Class::Needs
    }
}

/// Only what this program itself has in memory is written as JSON without a type of error around it.
impl Classified for serde_json::Error {
    fn class(&self) -> Class {
        Class::Internal
    }
}

/// A task has panicked.
impl Classified for tokio::task::JoinError {
    fn class(&self) -> Class {
        Class::Internal
    }
}

impl Classified for LabError {
    fn class(&self) -> Class {
        match self {
            // Busy: it is free when the other command has ended. Parse: its file is damaged. Newer: another `lab` can.
            Self::Io { .. }
            | Self::Parse { .. }
            | Self::Newer { .. }
            | Self::Stateless { .. }
            | Self::Busy(_) => Class::Needs,
            Self::BadName(_) => Class::Usage,
        }
    }
}

impl Classified for JournalError {
    fn class(&self) -> Class {
        match self {
            Self::Open { .. } | Self::Write { .. } | Self::Parse { .. } => Class::Needs,
        }
    }
}

impl Classified for RunError {
    fn class(&self) -> Class {
        match self {
            Self::Lab(error) => error.class(),
            Self::Store(error) => error.class(),
            Self::HadCreated { .. } => Class::Usage,
            Self::Left { .. } => Class::Needs,
        }
    }
}

impl Classified for StoreError {
    fn class(&self) -> Class {
        match self {
            Self::File(error) => error.class(),
            Self::Io { .. } => Class::Needs,
        }
    }
}

/// Recorded results are part of a course: one that cannot be understood is a mistake in it.
impl Classified for FileError {
    fn class(&self) -> Class {
        match self {
            Self::Read { .. } | Self::Write { .. } => Class::Needs,
            Self::Yaml { .. } | Self::Form { .. } => Class::Usage,
        }
    }
}

impl Classified for UpdateError {
    fn class(&self) -> Class {
        Class::Usage
    }
}

impl Classified for BookError {
    fn class(&self) -> Class {
        match self {
            Self::Mdbook(_) | Self::Listen { .. } | Self::Io { .. } => Class::Needs,
            Self::Lessons(_) | Self::Recording { .. } => Class::Usage,
            Self::Store(error) => error.class(),
        }
    }
}

impl Classified for session::Error {
    fn class(&self) -> Class {
        match self {
            Self::Start(_) | Self::Protocol(_) | Self::Resolve { .. } => Class::Needs,
            Self::Nul => Class::Usage,
        }
    }
}

impl Classified for ClientError {
    fn class(&self) -> Class {
        match self {
            Self::NoHome
            | Self::Directory { .. }
            | Self::NotRunning { .. }
            | Self::NotStarted { .. }
            | Self::NotSetAside { .. }
            | Self::NotStopped(_)
            | Self::OtherVersion { .. }
            | Self::Broken(_) => Class::Needs,
            Self::Refused(refusal) => refusal.class(),
            Self::Unexpected(_) => Class::Internal,
        }
    }
}

impl Classified for Refusal {
    fn class(&self) -> Class {
        match self.code {
            RefusalCode::NoSuchLab => Class::Usage,
            RefusalCode::NoSuchInstance
            | RefusalCode::NotYours
            | RefusalCode::NoSpace
            | RefusalCode::Unusable
            | RefusalCode::TimedOut
            | RefusalCode::Unreachable
            | RefusalCode::Failed => Class::Needs,
            // We have checked what a person can say before we ask.
            RefusalCode::BadRequest => Class::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::cli::failure::{Failure, INTERNAL, NEEDS, USAGE};

    fn io() -> io::Error {
        io::ErrorKind::PermissionDenied.into()
    }

    fn json() -> serde_json::Error {
        serde_json::from_str::<u8>("{").expect_err("no number")
    }

    fn path() -> PathBuf {
        "/p".into()
    }

    fn refused(code: RefusalCode) -> Failure {
        ClientError::from(Refusal { code, message: "do it".to_owned() }).into()
    }

    /// Each kind of error that can end a command, with the status that it ends it with.
    fn all() -> Vec<(u8, Failure)> {
        let file = FileError::Form { path: path(), what: "it is torn" };
        let missing = StoreError::File(FileError::Read { path: path(), source: io() });
        vec![
            (NEEDS, io().into()),
            (INTERNAL, json().into()),
            (NEEDS, LabError::Busy("a".to_owned()).into()),
            (NEEDS, LabError::Io { path: path(), source: io() }.into()),
            (NEEDS, LabError::Parse { path: path(), source: json() }.into()),
            (USAGE, LabError::BadName("/".to_owned()).into()),
            (NEEDS, JournalError::Write { path: path(), source: io() }.into()),
            (NEEDS, JournalError::Open { path: path(), source: io() }.into()),
            (NEEDS, JournalError::Parse { path: path(), line: 1, source: json() }.into()),
            (USAGE, RunError::Lab(LabError::BadName("/".to_owned())).into()),
            (USAGE, RunError::Store(StoreError::File(file)).into()),
            (NEEDS, missing.into()),
            (NEEDS, StoreError::Io { what: "list", path: path(), source: io() }.into()),
            (USAGE, UpdateError("x".to_owned()).into()),
            (USAGE, BookError::Lessons("one".to_owned()).into()),
            (NEEDS, BookError::Mdbook("one".to_owned()).into()),
            (NEEDS, BookError::Io { what: "create", path: path(), source: io() }.into()),
            (NEEDS, session::Error::Start(io()).into()),
            (USAGE, session::Error::Nul.into()),
            (NEEDS, ClientError::NoHome.into()),
            (NEEDS, ClientError::NotRunning { last: None }.into()),
            (NEEDS, ClientError::NotStarted { reason: "x".to_owned(), log: path() }.into()),
            (NEEDS, ClientError::NotStopped(path()).into()),
            (NEEDS, ClientError::OtherVersion { running: "1".to_owned(), ours: "2".to_owned() }.into()),
            (NEEDS, ClientError::Broken(io()).into()),
            (INTERNAL, ClientError::Unexpected("x".to_owned()).into()),
            (USAGE, refused(RefusalCode::NoSuchLab)),
            (NEEDS, refused(RefusalCode::NotYours)),
            (NEEDS, refused(RefusalCode::NoSpace)),
            (INTERNAL, refused(RefusalCode::BadRequest)),
        ]
    }

    #[test]
    fn each_error_ends_a_command_with_the_status_of_its_class() {
        for (status, failure) in all() {
            assert_eq!(failure.code(), status, "{failure:?}");
        }
    }

    #[tokio::test]
    async fn a_task_that_panics_is_our_mistake() {
        let panicked = tokio::spawn(async { panic!("on purpose") }).await.expect_err("it has panicked");
        assert_eq!(Failure::from(panicked).code(), INTERNAL);
    }
}
