//! The local region behind the seams of `session`: how connections are opened and where the laptop's shell runs.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use nix::unistd::pipe;
use tokio::net::TcpStream;
use tokio::net::unix::pipe as async_pipe;
use tokio::sync::mpsc;

use crate::region::client::{Client, ClientError, Exited, RefusalCode, SignalScope, SpawnSpec};
use crate::session::{BoxFuture, Child, Control, Dial, Exit, Machine, Program, Pty, WindowSize};

/// A lab's laptop on the local region: connections from it, programs on it.
#[derive(Clone)]
pub struct LocalLaptop {
    client: Client,
    lab: String,
}

impl LocalLaptop {
    /// The laptop of the lab with that name.
    pub fn new(client: Client, lab: &str) -> Self {
        Self { client, lab: lab.to_owned() }
    }
}

fn as_io(error: ClientError) -> io::Error {
    let kind = match &error {
        ClientError::Refused(refusal) => match refusal.code {
            RefusalCode::TimedOut => io::ErrorKind::TimedOut,
            RefusalCode::Unreachable => io::ErrorKind::ConnectionRefused,
            _ => io::ErrorKind::Other,
        },
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

impl Dial for LocalLaptop {
    fn dial<'a>(
        &'a self,
        host: &'a str,
        port: u16,
        timeout: Duration,
    ) -> BoxFuture<'a, io::Result<TcpStream>> {
        Box::pin(async move {
            let address: Ipv4Addr = host.parse().map_err(|_| {
                io::Error::new(io::ErrorKind::InvalidInput, format!("`{host}` is no IPv4 address"))
            })?;
            let stream = self.client.dial(&self.lab, address, port, timeout).await.map_err(as_io)?;
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            TcpStream::from_std(stream)
        })
    }
}

impl Machine for LocalLaptop {
    fn spawn<'a>(&'a self, program: Program) -> BoxFuture<'a, io::Result<Child>> {
        Box::pin(async move {
            match program.terminal {
                None => self.with_pipes(program).await,
                Some(size) => self.with_terminal(program, size).await,
            }
        })
    }
}

impl LocalLaptop {
    async fn with_pipes(&self, program: Program) -> io::Result<Child> {
        let (in_read, in_write) = pipe().map_err(io::Error::from)?;
        let (out_read, out_write) = pipe().map_err(io::Error::from)?;
        // Error output is the same pipe as output, so that both stay in order, unless it is wanted apart.
        let (errors, error_write) = match program.apart {
            true => {
                let (read, write) = pipe().map_err(io::Error::from)?;
                (Some(async_pipe::Receiver::from_owned_fd(nonblocking(read)?)?), write)
            }
            false => (None, out_write.try_clone()?),
        };
        let stdin = async_pipe::Sender::from_owned_fd(nonblocking(in_write)?)?;
        let stdout = async_pipe::Receiver::from_owned_fd(nonblocking(out_read)?)?;
        let (exit, control) = self.start(program, [in_read, out_write, error_write], None).await?;
        let stderr = errors.map(|errors| Box::new(errors) as _);
        Ok(Child { stdin: Child::input(stdin), stdout: Box::new(stdout), stderr, exit, control })
    }

    async fn with_terminal(&self, program: Program, size: WindowSize) -> io::Result<Child> {
        let (pty, terminal) = Pty::open(size)?;
        let pty = Arc::new(pty);
        let stdio = [terminal.try_clone()?, terminal.try_clone()?, terminal];
        let (exit, control) = self.start(program, stdio, Some(Arc::clone(&pty))).await?;
        let (stdin, stdout) = (Box::new(pty.writer()), Box::new(pty.reader()));
        Ok(Child { stdin, stdout, stderr: None, exit, control })
    }

    async fn start(
        &self,
        program: Program,
        stdio: [OwnedFd; 3],
        terminal: Option<Arc<Pty>>,
    ) -> io::Result<(BoxFuture<'static, io::Result<Exit>>, Arc<dyn Control>)> {
        let command =
            SpawnSpec { argv: program.argv, env: program.env.into_iter().collect(), cwd: program.cwd };
        let mut process = self.client.spawn(&self.lab, command, stdio).await.map_err(as_io)?;
        let (signals, mut wanted) = mpsc::unbounded_channel::<i32>();
        let control = Arc::new(LaptopControl { signals, terminal });
        // The task owns the process: dropping that would end it, and the child's future may be dropped early.
        let watched = tokio::spawn(async move {
            loop {
                tokio::select! {
                    exited = process.wait() => return exited,
                    Some(signal) = wanted.recv() => drop(process.signal(signal, SignalScope::Session).await),
                }
            }
        });
        let exit = Box::pin(async move {
            match watched.await {
                Ok(Ok(Exited { code: Some(code), .. })) => Ok(Exit::Status(code)),
                Ok(Ok(Exited { signal: Some(signal), .. })) => Ok(Exit::Signal(signal)),
                // The daemon went away with everything in it.
                Ok(_) => Ok(Exit::Unknown),
                Err(error) => Err(io::Error::other(error)),
            }
        });
        Ok((exit, control))
    }
}

fn nonblocking(fd: OwnedFd) -> io::Result<OwnedFd> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    fcntl(&fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(io::Error::from)?;
    Ok(fd)
}

struct LaptopControl {
    signals: mpsc::UnboundedSender<i32>,
    terminal: Option<Arc<Pty>>,
}

impl Control for LaptopControl {
    fn signal(&self, signal: i32) {
        // The receiver is gone when the process is.
        let _ = self.signals.send(signal);
    }

    fn resize(&self, size: WindowSize) {
        if let Some(terminal) = &self.terminal {
            terminal.resize(size);
        }
    }
}
