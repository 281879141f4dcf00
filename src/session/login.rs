//! A person on a machine: an interactive program on a terminal, joined to the person's own.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::signal::unix::{SignalKind, signal};

use super::machine::{Exit, Machine, Program};
use super::protocol;
use super::state::State;
use super::terminal::{RawMode, window_size};

/// Runs a program on a terminal of its own and joins it to the person's: keys, output, window size. Returns how it
/// ended. The person's terminal is in raw mode meanwhile, and is restored on every path.
pub async fn login(machine: &dyn Machine, program: Program) -> io::Result<Exit> {
    let program = Program { terminal: Some(window_size()), ..program };
    let mut child = machine.spawn(program).await?;
    let mut resized = signal(SignalKind::window_change())?;
    let mut keys = Keys::open()?;
    let raw = RawMode::enter()?;
    // A terminal that a person reads takes what it is given; waiting for it holds back nothing else.
    let mut output = io::stdout();
    let mut printed = vec![0; 16 * 1024];
    let mut typed = vec![0; 4 * 1024];
    let mut typing = true;
    loop {
        tokio::select! {
            count = child.stdout.read(&mut printed) => match count {
                Ok(0) | Err(_) => break,
                Ok(count) => {
                    output.write_all(&printed[..count])?;
                    output.flush()?;
                }
            },
            count = keys.read(&mut typed), if typing => match count? {
                0 => {
                    typing = false;
                    // End-of-file on a terminal is a key.
                    child.stdin.write_all(&[4]).await?;
                }
                count => child.stdin.write_all(&typed[..count]).await?,
            },
            _ = resized.recv() => child.control.resize(window_size()),
        }
    }
    drop(raw);
    child.exit.await
}

/// An interactive bash that begins with a shell's state: what the lessons have set is there.
pub fn interactive_bash(env: &[(String, String)], state: &State) -> Program {
    bash_with(env, state, "PS1='\\w \\$ '\n", &[])
}

/// An interactive bash that begins with a shell's state and then runs `more`. `options` are bash's own.
pub(super) fn bash_with(env: &[(String, String)], state: &State, more: &str, options: &[&str]) -> Program {
    let fixed: Vec<&str> = env.iter().map(|(name, _)| name.as_str()).filter(|name| *name != "PATH").collect();
    let begin = format!(
        "{{ {}:; }} 2>/dev/null\n{}unset -f __lab_b __lab_end __lab_exit __lab_save __lab_n __lab_p __lab_r\n{more}",
        state.restoring_script(&fixed),
        protocol::exports(env)
    );
    // The text of the state comes through a pipe, so that it is in no file and not among the arguments of what runs.
    let start = format!("exec bash --noprofile {} --rcfile <(printf %s \"$1\") -i", options.join(" "));
    Program {
        argv: ["bash", "--noprofile", "--norc", "-c", &start, "lab", &begin].map(str::to_owned).to_vec(),
        env: env.to_vec(),
        ..Program::default()
    }
}

/// What the person types. Reading is left to the kernel's readiness, so that no thread is stuck in a read when the
/// program has ended, and the descriptor, which the person's shell shares, is never made non-blocking.
enum Keys {
    Polled(AsyncFd<OwnedFd>),
    /// A file: always ready.
    Plain(std::fs::File),
}

impl Keys {
    fn open() -> io::Result<Self> {
        let own = io::stdin().as_fd().try_clone_to_owned()?;
        let plain = std::fs::File::from(own.try_clone()?);
        // SAFETY: the descriptor is owned and never replaced while registered.
        Ok(unsafe { AsyncFd::register(own) }.map_or_else(|_| Self::Plain(plain), Self::Polled))
    }

    async fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(into),
            Self::Polled(fd) => loop {
                let mut ready = fd.readable().await?;
                let mut polled = [PollFd::new(fd.get_ref().as_fd(), PollFlags::POLLIN)];
                if poll(&mut polled, PollTimeout::ZERO)? == 0 {
                    ready.clear_ready();
                    continue;
                }
                return Ok(nix::unistd::read(fd.get_ref(), into)?);
            },
        }
    }
}
