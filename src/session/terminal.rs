//! Terminals: the pseudo-terminal of a program, and the person's own in raw mode.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use nix::libc;
use nix::pty::{Winsize, openpty};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::machine::WindowSize;

/// The side of a pseudo-terminal on which a person would sit.
pub struct Pty(AsyncFd<File>);

impl Pty {
    /// A new pseudo-terminal: our side, and the side for the program.
    pub fn open(size: WindowSize) -> io::Result<(Self, OwnedFd)> {
        let pair = openpty(&winsize(size), None)?;
        for fd in [&pair.master, &pair.slave] {
            nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
        }
        let nonblocking = nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK);
        nix::fcntl::fcntl(&pair.master, nonblocking)?;
        // SAFETY: the file owns its descriptor and is never replaced while registered.
        let master = unsafe { AsyncFd::register(File::from(pair.master))? };
        Ok((Self(master), pair.slave))
    }

    pub fn resize(&self, size: WindowSize) {
        let size = winsize(size);
        // SAFETY: TIOCSWINSZ reads one winsize, which outlives the call, and the descriptor is open.
        unsafe { libc::ioctl(self.0.get_ref().as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
    }

    pub fn reader(self: &Arc<Self>) -> PtyReader {
        PtyReader(Arc::clone(self))
    }

    pub fn writer(self: &Arc<Self>) -> PtyWriter {
        PtyWriter(Arc::clone(self))
    }
}

fn winsize(size: WindowSize) -> Winsize {
    Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// Makes descriptor 0 the controlling terminal of the calling session. For use between fork and exec.
pub(super) fn make_controlling() -> io::Result<()> {
    // SAFETY: TIOCSCTTY takes a number.
    match unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// What the program prints.
pub struct PtyReader(Arc<Pty>);

impl AsyncRead for PtyReader {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.0.0.poll_read_ready(cx))?;
            match guard.try_io(|fd| fd.get_ref().read(buf.initialize_unfilled())) {
                Ok(Ok(count)) => {
                    buf.advance(count);
                    return Poll::Ready(Ok(()));
                }
                // Linux says EIO when the last process on the terminal has gone: the end of the output.
                Ok(Err(error)) if error.raw_os_error() == Some(libc::EIO) => return Poll::Ready(Ok(())),
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_would_block) => {}
            }
        }
    }
}

/// What the person types.
pub struct PtyWriter(Arc<Pty>);

impl AsyncWrite for PtyWriter {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.0.0.poll_write_ready(cx))?;
            if let Ok(result) = guard.try_io(|fd| fd.get_ref().write(bytes)) {
                return Poll::Ready(result);
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The person's terminal in raw mode; dropping it restores the terminal, on every path.
pub struct RawMode {
    terminal: OwnedFd,
    before: Termios,
}

impl RawMode {
    /// Puts the terminal on standard input in raw mode. `None` when standard input is no terminal.
    pub fn enter() -> io::Result<Option<Self>> {
        let stdin = io::stdin();
        if !nix::unistd::isatty(stdin.as_fd())? {
            return Ok(None);
        }
        let terminal = stdin.as_fd().try_clone_to_owned()?;
        let before = tcgetattr(&terminal)?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        tcsetattr(&terminal, SetArg::TCSADRAIN, &raw)?;
        Ok(Some(Self { terminal, before }))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, SetArg::TCSADRAIN, &self.before);
    }
}

/// The size of the person's terminal; 80 by 24 when there is none.
pub fn window_size() -> WindowSize {
    let mut size = winsize(WindowSize { columns: 0, rows: 0 });
    // SAFETY: TIOCGWINSZ writes one winsize, which outlives the call.
    unsafe { libc::ioctl(1, libc::TIOCGWINSZ, &raw mut size) };
    match (size.ws_col, size.ws_row) {
        (0, _) | (_, 0) => WindowSize { columns: 80, rows: 24 },
        (columns, rows) => WindowSize { columns, rows },
    }
}
