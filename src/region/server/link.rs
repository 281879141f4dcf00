//! One end of a control connection: JSON lines, and descriptors that travel with them.
//!
//! Each line begins with the number of its descriptors, one digit: the kernel may hand over several lines at once,
//! and then does not say which of them the descriptors came with.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::cmsg_space;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr, recvmsg, sendmsg};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::Interest;
use tokio::net::UnixStream;

/// No line is longer; more is a mistake or an attack.
const LONGEST_LINE: usize = 1 << 20;
/// More descriptors than these never belong to one line.
const MOST_DESCRIPTORS: usize = 4;
/// More descriptors than these never wait for their lines.
const MOST_WAITING: usize = 4 * MOST_DESCRIPTORS;

/// A control connection. Both sides use it.
#[derive(Debug)]
pub(crate) struct Link {
    stream: UnixStream,
    received: Vec<u8>,
    descriptors: Vec<OwnedFd>,
}

impl Link {
    pub(crate) fn new(stream: UnixStream) -> Link {
        Link { stream, received: Vec::new(), descriptors: Vec::new() }
    }

    /// Send one line, and these descriptors with its first byte.
    pub(crate) async fn send<T: Serialize + Sync>(
        &self,
        line: &T,
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<()> {
        let mut bytes = format!("{}", descriptors.len()).into_bytes();
        serde_json::to_writer(&mut bytes, line)?;
        bytes.push(b'\n');
        let raw: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
        let mut sent = 0;
        while sent < bytes.len() {
            self.stream.writable().await?;
            let result = self.stream.try_io(Interest::WRITABLE, || {
                let rights = [ControlMessage::ScmRights(&raw)];
                let messages: &[ControlMessage<'_>] =
                    if sent == 0 && !raw.is_empty() { &rights } else { &[] };
                let parts = [IoSlice::new(&bytes[sent..])];
                Ok(sendmsg::<UnixAddr>(
                    self.stream.as_raw_fd(),
                    &parts,
                    messages,
                    MsgFlags::MSG_NOSIGNAL,
                    None,
                )?)
            });
            match result {
                Ok(count) => sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The next line and the descriptors that came with it; `None` when the other side has closed.
    /// Dropping the future loses nothing: what has been received so far is kept.
    pub(crate) async fn receive<T: DeserializeOwned>(&mut self) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
        loop {
            if let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.received.drain(..=end).collect();
                let (count, line) = line.split_first().ok_or(io::ErrorKind::InvalidData)?;
                let count = usize::from(count.wrapping_sub(b'0'));
                if count > self.descriptors.len() {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "descriptors are missing"));
                }
                return Ok(Some((serde_json::from_slice(line)?, self.descriptors.drain(..count).collect())));
            }
            if self.received.len() > LONGEST_LINE {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is too long"));
            }
            if self.descriptors.len() > MOST_WAITING {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "too many descriptors"));
            }
            self.stream.readable().await?;
            match self.stream.try_io(Interest::READABLE, || receive_once(self.stream.as_raw_fd())) {
                Ok((bytes, _)) if bytes.is_empty() => return Ok(None),
                Ok((bytes, mut descriptors)) => {
                    self.received.extend_from_slice(&bytes);
                    self.descriptors.append(&mut descriptors);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn receive_once(socket: RawFd) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let mut bytes = vec![0; 8192];
    let mut space = cmsg_space!([RawFd; MOST_DESCRIPTORS]);
    let mut descriptors = Vec::new();
    let count = {
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let message = recvmsg::<UnixAddr>(socket, &mut parts, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
        for control in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(received) = control {
                // SAFETY: the kernel has just made these descriptors for us and nobody else knows them.
                descriptors.extend(received.into_iter().map(|raw| unsafe { OwnedFd::from_raw_fd(raw) }));
            }
        }
        message.bytes
    };
    bytes.truncate(count);
    Ok((bytes, descriptors))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::AsFd;

    use super::*;

    #[tokio::test]
    async fn lines_and_descriptors_arrive_together() {
        let (ours, theirs) = UnixStream::pair().expect("socket pair");
        let (ours, mut theirs) = (Link::new(ours), Link::new(theirs));
        let (mut reader, writer) = std::io::pipe().expect("pipe");
        ours.send(&"before", &[]).await.expect("send");
        ours.send(&"with", &[writer.as_fd()]).await.expect("send");
        ours.send(&"without", &[]).await.expect("send");
        drop((ours, writer));

        let (line, descriptors) = theirs.receive::<String>().await.expect("receive").expect("a line");
        assert_eq!((line.as_str(), descriptors.len()), ("before", 0));
        let (line, descriptors) = theirs.receive::<String>().await.expect("receive").expect("a line");
        assert_eq!((line.as_str(), descriptors.len()), ("with", 1));
        std::fs::File::from(descriptors.into_iter().next().expect("one"))
            .write_all(b"through")
            .expect("write");
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("every writer is closed by now");
        assert_eq!(text, "through");

        let (line, descriptors) = theirs.receive::<String>().await.expect("receive").expect("a line");
        assert_eq!((line.as_str(), descriptors.len()), ("without", 0));
        assert!(theirs.receive::<String>().await.expect("receive").is_none());
    }

    /// A line that never ends could bring as many as it has bytes, and more than a process may have.
    #[tokio::test]
    async fn descriptors_without_a_line_are_not_collected_for_ever() {
        let (ours, theirs) = UnixStream::pair().expect("socket pair");
        let mut theirs = Link::new(theirs);
        let (reader, _writer) = std::io::pipe().expect("pipe");
        let raw = [reader.as_raw_fd(); MOST_DESCRIPTORS];
        let flood = async {
            for _ in 0..100 {
                ours.writable().await.expect("a socket");
                let sent = ours.try_io(Interest::WRITABLE, || {
                    let rights = [ControlMessage::ScmRights(&raw)];
                    let parts = [IoSlice::new(b"x")];
                    Ok(sendmsg::<UnixAddr>(ours.as_raw_fd(), &parts, &rights, MsgFlags::MSG_NOSIGNAL, None)?)
                });
                match sent {
                    Err(error) if error.kind() != io::ErrorKind::WouldBlock => break,
                    _ => tokio::task::yield_now().await,
                }
            }
            std::future::pending::<()>().await;
        };
        let error = tokio::select! {
            received = theirs.receive::<String>() => received.expect_err("no line comes"),
            () = flood => unreachable!(),
        };
        assert_eq!(error.to_string(), "too many descriptors");
    }
}
