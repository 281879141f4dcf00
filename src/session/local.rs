//! Programs on this machine.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, User, getuid, setsid};
use tokio::net::unix::pipe;
use tokio::process::Command;

use super::dial::BoxFuture;
use super::machine::{Child, Control, Exit, Machine, Program, WindowSize};
use super::terminal::Pty;
use crate::signals;

/// This machine: programs start as children of this process, each in a session of its own, with a clean environment.
#[derive(Debug, Clone)]
pub struct LocalMachine {
    home: PathBuf,
}

impl LocalMachine {
    /// A machine whose home directory (and `HOME`) is `home`.
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self { home: home.into() }
    }

    fn command(&self, program: &Program) -> io::Result<Command> {
        let mut command = match program.argv.split_first() {
            Some((name, arguments)) => {
                let mut command = Command::new(name);
                command.args(arguments);
                command
            }
            None => {
                let mut command = Command::new("bash");
                command.arg("--login");
                command
            }
        };
        command.env_clear().env("HOME", &self.home).env("LANG", "C.UTF-8").env("SHELL", "/bin/bash");
        command.env("TERM", if program.terminal.is_some() { "xterm-256color" } else { "dumb" });
        command
            .env("PATH", std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into()));
        if let Ok(Some(user)) = User::from_uid(getuid()) {
            command.env("USER", &user.name).env("LOGNAME", &user.name);
        }
        command.envs(program.env.iter().map(|(name, value)| (name, value)));
        command.current_dir(program.cwd.as_ref().unwrap_or(&self.home));
        Ok(command)
    }
}

impl Machine for LocalMachine {
    fn spawn<'a>(&'a self, program: Program) -> BoxFuture<'a, io::Result<Child>> {
        Box::pin(async move {
            let command = self.command(&program)?;
            match program.terminal {
                None => spawn_on_pipes(command, program.apart),
                Some(size) => spawn_on_terminal(command, size),
            }
        })
    }
}

fn spawn_on_pipes(mut command: Command, apart: bool) -> io::Result<Child> {
    let (reader, writer) = io::pipe()?;
    let mut errors = None;
    let error_writer = match apart {
        true => {
            let (reader, writer) = io::pipe()?;
            errors = Some(reader);
            writer
        }
        false => writer.try_clone()?,
    };
    command.stdin(Stdio::piped()).stdout(writer).stderr(error_writer);
    // SAFETY: these are async-signal-safe and touch no memory of the parent.
    unsafe {
        command.pre_exec(|| {
            signals::reset()?;
            Ok(setsid().map(drop)?)
        });
    }
    let mut child = command.spawn()?;
    // The command holds the writing ends, which would keep the output open after the program's end.
    drop(command);
    let stdin = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let reading = |reader: io::PipeReader| pipe::Receiver::from_owned_fd(OwnedFd::from(reader));
    let control = Arc::new(LocalControl::new(&child, None));
    Ok(Child {
        stdin: Child::input(stdin),
        stdout: Box::new(reading(reader)?),
        stderr: errors.map(reading).transpose()?.map(|errors| Box::new(errors) as _),
        exit: exit(child, Arc::clone(&control)),
        control,
    })
}

fn spawn_on_terminal(mut command: Command, size: WindowSize) -> io::Result<Child> {
    let (pty, terminal) = Pty::open(size)?;
    command.stdin(terminal.try_clone()?).stdout(terminal.try_clone()?).stderr(terminal);
    // SAFETY: these and one ioctl on descriptor 0 are async-signal-safe and touch no memory of the parent.
    unsafe {
        command.pre_exec(|| {
            signals::reset()?;
            setsid()?;
            super::terminal::make_controlling()
        });
    }
    let child = command.spawn()?;
    drop(command);
    let pty = Arc::new(pty);
    let control = Arc::new(LocalControl::new(&child, Some(Arc::clone(&pty))));
    Ok(Child {
        stdin: Box::new(pty.writer()),
        stdout: Box::new(pty.reader()),
        stderr: None,
        exit: exit(child, Arc::clone(&control)),
        control,
    })
}

fn exit(
    mut child: tokio::process::Child,
    control: Arc<LocalControl>,
) -> BoxFuture<'static, io::Result<Exit>> {
    use std::os::unix::process::ExitStatusExt as _;
    Box::pin(async move {
        let status = child.wait().await?;
        control.ended.store(true, Ordering::Release);
        Ok(match (status.code(), status.signal()) {
            (Some(code), _) => Exit::Status(code),
            (None, Some(signal)) => Exit::Signal(signal),
            (None, None) => Exit::Unknown,
        })
    })
}

struct LocalControl {
    group: Option<Pid>,
    ended: AtomicBool,
    pty: Option<Arc<Pty>>,
}

impl LocalControl {
    fn new(child: &tokio::process::Child, pty: Option<Arc<Pty>>) -> Self {
        let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        Self { group, ended: AtomicBool::new(false), pty }
    }
}

impl Control for LocalControl {
    fn signal(&self, signal: i32) {
        // After the end the number may belong to another process.
        if let (Some(group), false, Ok(signal)) =
            (self.group, self.ended.load(Ordering::Acquire), Signal::try_from(signal))
        {
            let _ = killpg(group, signal);
        }
    }

    fn resize(&self, size: WindowSize) {
        if let Some(pty) = &self.pty {
            pty.resize(size);
        }
    }
}
