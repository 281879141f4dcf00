//! Starting a program somewhere: on this machine, in the local region's laptop, or on a host over SSH.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::dial::BoxFuture;

/// What to start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Program {
    /// The program and its arguments; the program is looked up in `PATH`. Empty: the user's login shell.
    pub argv: Vec<String>,
    /// Set in addition to the machine's own clean environment. Ignored by machines that cannot carry it (SSH).
    pub env: Vec<(String, String)>,
    /// Where it starts; the machine's home directory when `None`. Ignored over SSH.
    pub cwd: Option<PathBuf>,
    /// `Some`: the program gets a terminal of this size; stdin and stdout of the child are its other side.
    pub terminal: Option<WindowSize>,
    /// Whether standard error is a stream of its own ([`Child::stderr`]). Not with a terminal.
    pub apart: bool,
}

/// The size of a terminal in character cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowSize {
    /// Characters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// With this status (0 to 255).
    Status(i32),
    /// By this signal.
    Signal(i32),
    /// Not known: the connection to it ended first.
    Unknown,
}

/// What can be done to a running program besides talking to it.
pub trait Control: Send + Sync {
    /// Sends a signal to the program's process group. Does nothing when it has ended or the machine cannot.
    fn signal(&self, signal: i32);
    /// Tells the terminal's new size. Does nothing without a terminal.
    fn resize(&self, _size: WindowSize) {}
}

/// A running program. Dropping this closes its stdin, on which what `session` starts ends by itself.
pub struct Child {
    /// The program's standard input; shutting it down is end-of-file.
    pub stdin: Box<dyn AsyncWrite + Send + Unpin>,
    /// Standard output and error as one stream, in order; or only the former.
    pub stdout: Box<dyn AsyncRead + Send + Unpin>,
    /// Standard error of a program that has it [apart](Program::apart). Who reads one of the two has to read the other, too:
    /// they may come over one connection.
    pub stderr: Option<Box<dyn AsyncRead + Send + Unpin>>,
    /// Resolves when the program has ended (also while a child of it still holds `stdout` open).
    pub exit: BoxFuture<'static, io::Result<Exit>>,
    /// Signals and window size.
    pub control: Arc<dyn Control>,
}

/// A place where programs can be started.
pub trait Machine: Send + Sync {
    /// Starts a program in a session (`setsid`) of its own.
    fn spawn<'a>(&'a self, program: Program) -> BoxFuture<'a, io::Result<Child>>;

    /// Something started here does not answer any more: a machine behind a connection drops it, so that the next
    /// program goes over a new one.
    fn suspect(&self) {}
}

impl Child {
    /// Standard input over a pipe: there, end-of-file is the closing of the descriptor, not a shutdown of it.
    pub fn input(pipe: impl AsyncWrite + Send + Unpin + 'static) -> Box<dyn AsyncWrite + Send + Unpin> {
        Box::new(Input(Some(pipe)))
    }
}

/// The writing end of a pipe, dropped when it is shut down.
struct Input<W>(Option<W>);

impl<W: AsyncWrite + Unpin> AsyncWrite for Input<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Some(pipe) => Pin::new(pipe).poll_write(context, bytes),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Some(pipe) => Pin::new(pipe).poll_flush(context),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(pipe) = &mut self.0 {
            ready!(Pin::new(pipe).poll_shutdown(context))?;
        }
        self.0 = None;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::unix::pipe;

    use super::*;

    #[tokio::test]
    async fn shutting_input_down_is_end_of_file() {
        let (sender, mut receiver) = pipe::pipe().expect("a pipe");
        let mut input = Child::input(sender);
        input.write_all(b"text").await.expect("written");
        input.shutdown().await.expect("shut down");
        let mut read = String::new();
        receiver.read_to_string(&mut read).await.expect("ends, though `input` lives");
        assert_eq!(read, "text");
        assert!(input.write_all(b"more").await.is_err());
    }
}
