//! A program on the other side of a channel, as a [`Child`].

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::connection::Connection;
use super::prelude::{LATE, Prelude, noisy};
use crate::session::machine::{Child, Control, Exit, Program, WindowSize};

/// How long the login shell may take until the program begins: what it reads at its start (`~/.bashrc`) may be slow.
const BEGINNING: Duration = Duration::from_secs(20);

/// Starts a program on a channel that was just opened; without `argv`, the user's login shell.
pub(super) async fn spawn(
    connection: Arc<Connection>,
    channel: russh::Channel<Msg>,
    program: &Program,
) -> io::Result<Child> {
    let (mut reader, writer) = channel.split();
    if let Some(size) = program.terminal {
        writer
            .request_pty(false, "xterm-256color", size.columns.into(), size.rows.into(), 0, 0, &[])
            .await
            .map_err(io::Error::other)?;
    }
    let prelude = Prelude::new(program.terminal.is_some());
    let started = if program.argv.is_empty() {
        writer.request_shell(true).await
    } else {
        writer.exec(true, prelude.command(&program.argv)).await
    };
    started.map_err(io::Error::other)?;
    let mut early = Vec::new();
    loop {
        match reader.wait().await {
            Some(ChannelMsg::Success) => break,
            Some(ChannelMsg::Failure) => return Err(io::Error::other("the server starts no programs")),
            None | Some(ChannelMsg::Close) => return Err(io::ErrorKind::ConnectionAborted.into()),
            Some(other) => early.push(other),
        }
    }
    if !program.argv.is_empty() {
        early = begin(&connection, prelude, early, &mut reader).await?;
    }
    let stdin = Box::new(writer.make_writer());
    let writer = Arc::new(writer);
    let (printed, stdout) = mpsc::channel(16);
    let (told, stderr) = mpsc::channel(16);
    let errors = program.apart.then_some(told);
    let (ended, exit) = oneshot::channel();
    tokio::spawn(pump(early, reader, Arc::clone(&writer), (printed, errors), ended, connection));
    Ok(Child {
        stdin: Box::new(Stdin(stdin)),
        stdout: Box::new(Stdout { from: stdout, unread: Default::default() }),
        stderr: program
            .apart
            .then(|| Box::new(Stdout { from: stderr, unread: Default::default() }) as Box<_>),
        exit: Box::pin(async move { Ok(exit.await.unwrap_or(Exit::Unknown)) }),
        control: Arc::new(ChannelControl(writer)),
    })
}

/// Waits until the login shell has given way to the program. What comes from the program by then.
async fn begin(
    connection: &Connection,
    mut prelude: Prelude,
    early: Vec<ChannelMsg>,
    reader: &mut ChannelReadHalf,
) -> io::Result<Vec<ChannelMsg>> {
    let mut early = early.into_iter();
    let mut others = Vec::new();
    let beginning = async {
        while !prelude.is_over() {
            let message = match early.next() {
                Some(message) => Some(message),
                None => reader.wait().await,
            };
            match message {
                Some(ChannelMsg::Data { data }) => prelude.output(&data),
                Some(ChannelMsg::ExtendedData { data, .. }) => prelude.errors(&data),
                None | Some(ChannelMsg::Close) => return false,
                Some(other) => others.push(other),
            }
        }
        true
    };
    match timeout(BEGINNING, beginning).await {
        Ok(true) => {}
        Ok(false) if connection.is_closed() => return Err(io::ErrorKind::ConnectionAborted.into()),
        Ok(false) => {
            return Err(io::Error::other(noisy("ends before it has started a program", &prelude.said())));
        }
        Err(_) => return Err(io::Error::other(noisy(LATE, &prelude.said()))),
    }
    if !prelude.said().is_empty() {
        connection.note_noise();
    }
    let (output, errors) = prelude.rest();
    let mut messages = Vec::new();
    if !output.is_empty() {
        messages.push(ChannelMsg::Data { data: output.into() });
    }
    if !errors.is_empty() {
        messages.push(ChannelMsg::ExtendedData { data: errors.into(), ext: 1 });
    }
    messages.extend(others);
    messages.extend(early);
    Ok(messages)
}

/// Hands on what comes over the channel until it is closed. When nobody reads the output any more, closes it.
async fn pump(
    early: Vec<ChannelMsg>,
    mut reader: ChannelReadHalf,
    writer: Arc<ChannelWriteHalf<Msg>>,
    (printed, mut errors): (mpsc::Sender<Vec<u8>>, Option<mpsc::Sender<Vec<u8>>>),
    ended: oneshot::Sender<Exit>,
    _connection: Arc<Connection>,
) {
    let mut printed = Some(printed);
    let mut ended = Some(ended);
    let mut early = early.into_iter();
    loop {
        let message = match early.next() {
            Some(message) => Some(message),
            None => tokio::select! {
                message = reader.wait() => message,
                () = nobody_reads(printed.as_ref()) => {
                    (printed, errors) = (None, None);
                    let _ = writer.close().await;
                    continue;
                }
            },
        };
        match message {
            Some(ChannelMsg::ExtendedData { data, .. }) if errors.is_some() => {
                if let Some(errors) = &errors {
                    let _ = errors.send(data.to_vec()).await;
                }
            }
            Some(ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. }) => {
                if let Some(printed) = &printed {
                    let _ = printed.send(data.to_vec()).await;
                }
            }
            Some(ChannelMsg::Eof) => (printed, errors) = (None, None),
            Some(ChannelMsg::ExitStatus { exit_status }) => {
                tell(&mut ended, Exit::Status(i32::try_from(exit_status).unwrap_or(-1)));
            }
            Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                tell(&mut ended, Exit::Signal(number(&signal_name)))
            }
            Some(ChannelMsg::Close) | None => break,
            Some(_) => {}
        }
    }
}

async fn nobody_reads(printed: Option<&mpsc::Sender<Vec<u8>>>) {
    match printed {
        Some(printed) => printed.closed().await,
        None => std::future::pending().await,
    }
}

fn tell(ended: &mut Option<oneshot::Sender<Exit>>, exit: Exit) {
    if let Some(ended) = ended.take() {
        let _ = ended.send(exit);
    }
}

fn number(signal: &Sig) -> i32 {
    match signal {
        Sig::HUP => 1,
        Sig::INT => 2,
        Sig::QUIT => 3,
        Sig::ILL => 4,
        Sig::ABRT => 6,
        Sig::FPE => 8,
        Sig::KILL => 9,
        Sig::USR1 => 10,
        Sig::SEGV => 11,
        Sig::PIPE => 13,
        Sig::ALRM => 14,
        Sig::TERM => 15,
        Sig::Custom(_) => 0,
    }
}

fn named(signal: i32) -> Option<Sig> {
    [Sig::HUP, Sig::INT, Sig::QUIT, Sig::ABRT, Sig::KILL, Sig::USR1, Sig::TERM]
        .into_iter()
        .find(|named| number(named) == signal)
}

struct ChannelControl(Arc<ChannelWriteHalf<Msg>>);

impl Control for ChannelControl {
    fn signal(&self, signal: i32) {
        if let Some(signal) = named(signal) {
            let channel = Arc::clone(&self.0);
            tokio::spawn(async move { channel.signal(signal).await });
        }
    }

    fn resize(&self, size: WindowSize) {
        let channel = Arc::clone(&self.0);
        tokio::spawn(async move { channel.window_change(size.columns.into(), size.rows.into(), 0, 0).await });
    }
}

/// The writing side; dropping it is end-of-file.
struct Stdin<W: AsyncWrite + Send + Unpin + 'static>(Box<W>);

impl<W: AsyncWrite + Send + Unpin + 'static> AsyncWrite for Stdin<W> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        Pin::new(&mut *self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(cx)
    }
}

/// What the program prints.
struct Stdout {
    from: mpsc::Receiver<Vec<u8>>,
    unread: io::Cursor<Vec<u8>>,
}

impl AsyncRead for Stdout {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unread.position() == self.unread.get_ref().len() as u64 {
            match ready!(self.from.poll_recv(cx)) {
                Some(bytes) => self.unread = io::Cursor::new(bytes),
                None => return Poll::Ready(Ok(())),
            }
        }
        Pin::new(&mut self.unread).poll_read(cx, buf)
    }
}
