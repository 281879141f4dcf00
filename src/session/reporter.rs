//! The messages of the reporter, the program beside a shell that tells how its blocks ended.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::State;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: Kind,
    /// Which request it answers.
    pub(super) id: String,
    /// An exit status, or a process id.
    pub(super) number: i64,
    /// The state at the end of a block; `None` when it could not be written whole.
    pub(super) state: Option<State>,
    /// What was printed ([`Kind::Left`]).
    pub(super) text: String,
}

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The shell has begun, or is still there.
    Ready,
    /// A block ended and the shell goes on.
    Done,
    /// The shell is leaving.
    Exit,
    /// The nonce could not be printed.
    Lost,
    /// What the block with that id has left running printed something.
    Left,
}

/// Reads messages from the reporter's output.
pub(super) struct Messages {
    from: Box<dyn AsyncRead + Send + Unpin>,
    unread: Vec<u8>,
}

impl Messages {
    pub(super) fn new(from: Box<dyn AsyncRead + Send + Unpin>) -> Self {
        Self { from, unread: Vec::new() }
    }

    /// The next NUL-ended parts. Cancel-safe: what was read stays for the next call.
    async fn parts<const N: usize>(&mut self) -> io::Result<[String; N]> {
        loop {
            let ends: Vec<usize> =
                self.unread.iter().enumerate().filter(|(_, b)| **b == 0).map(|(i, _)| i).take(N).collect();
            if let [.., last] = ends[..]
                && ends.len() == N
            {
                let message: Vec<u8> = self.unread.drain(..=last).collect();
                let mut parts =
                    message.split(|b| *b == 0).map(|part| String::from_utf8_lossy(part).into_owned());
                return Ok(std::array::from_fn(|_| parts.next().unwrap_or_default()));
            }
            if self.from.read_buf(&mut self.unread).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// What the reporter says first: the directory that it made, and which boot of the machine this is.
    pub(super) async fn beginning(&mut self) -> io::Result<(String, String)> {
        let [directory, boot] = self.parts().await?;
        Ok((directory, boot))
    }

    /// The next message. Cancel-safe. Lines that are no message (anybody who finds the pipe can write to it) are skipped.
    pub(super) async fn next(&mut self) -> io::Result<Message> {
        loop {
            let [line, variables, functions, options, directory, end] = self.parts().await?;
            let state = (end == "end").then(|| State::new(&variables, &functions, &options, &directory));
            if let Some(message) = parse(&line, state, variables) {
                return Ok(message);
            }
        }
    }
}

fn parse(line: &str, state: Option<State>, text: String) -> Option<Message> {
    let mut words = line.split(' ');
    let kind = match words.next()? {
        "ready" => Kind::Ready,
        "done" => Kind::Done,
        "exit" => Kind::Exit,
        "lost" => Kind::Lost,
        "left" => Kind::Left,
        _ => return None,
    };
    let text = if kind == Kind::Left { text } else { String::new() };
    Some(Message { kind, id: words.next()?.to_owned(), number: words.next()?.parse().ok()?, state, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_are_read_in_order_and_others_skipped() {
        let bytes: &[u8] = b"/dev/shm/lab.x\0boot 7\0junk\0\0\0\0\0\0done a1 3\0declare -- A=\"1\"\n\0\0umask 0022\n\0/root\n\0end\0exit b 0\0cut";
        let mut messages = Messages::new(Box::new(bytes));
        let (directory, boot) = messages.beginning().await.expect("a beginning");
        assert_eq!((directory.as_str(), boot.as_str()), ("/dev/shm/lab.x", "boot 7"));
        let done = messages.next().await.expect("a message");
        assert_eq!((done.kind, done.id.as_str(), done.number), (Kind::Done, "a1", 3));
        assert_eq!(done.state.expect("a state").variable("A").as_deref(), Some("1"));
        assert_eq!(messages.next().await.expect_err("the end").kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn a_state_that_was_not_written_whole_is_none() {
        let bytes: &[u8] = b"done a1 0\0declare -- A=\"1\"\n\0\0\0\0\0";
        let message = Messages::new(Box::new(bytes)).next().await.expect("a message");
        assert_eq!(message.state, None);
    }
}
