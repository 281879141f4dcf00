use std::io;

/// Why the kernel did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// A system call failed.
    #[error("{doing} in namespace {namespace}")]
    Io {
        doing: String,
        namespace: String,
        #[source]
        source: io::Error,
    },
    /// A program could not be started or talked to.
    #[error("run {command} in namespace {namespace}")]
    Run {
        command: &'static str,
        namespace: String,
        #[source]
        source: io::Error,
    },
    /// A program refused its input.
    #[error("{command} in namespace {namespace}: {message}")]
    Refused { command: &'static str, namespace: String, message: String },
}

impl KernelError {
    pub(super) fn io(doing: impl Into<String>, namespace: &str, source: impl Into<io::Error>) -> Self {
        Self::Io { doing: doing.into(), namespace: namespace.to_owned(), source: source.into() }
    }
}

/// One line of a batch that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// Index into the lines that were given.
    pub index: usize,
    /// The line itself.
    pub line: String,
    /// What the program said about it.
    pub message: String,
}
