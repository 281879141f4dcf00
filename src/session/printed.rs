//! What a shell prints, and where the output of a block ends in it.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::{Instant, sleep, timeout};

use super::Output;
use super::reporter::{Kind, Messages};

/// How long the nonce may take to arrive while nothing else does, before the shell is given up.
const NONCE: Duration = Duration::from_secs(10);

/// How much of what is skipped is kept, in bytes.
const KEPT: usize = 64 * 1024;

/// The shell's output stream.
pub(super) struct Printed {
    from: Box<dyn AsyncRead + Send + Unpin>,
    open: bool,
    buffer: Vec<u8>,
    /// What was read of the stream and not taken yet; everything, while nothing is skipped.
    unread: Vec<u8>,
    /// Everything before this is nobody's output.
    mark: Option<String>,
    skipped: Vec<u8>,
}

/// Hears what is printed, as it comes.
type Listener<'a> = &'a mut (dyn FnMut(&[u8]) + Send);

impl Printed {
    pub(super) fn new(from: Box<dyn AsyncRead + Send + Unpin>) -> Self {
        let (unread, skipped) = (Vec::new(), Vec::new());
        Self { from, open: true, buffer: vec![0; 64 * 1024], unread, mark: None, skipped }
    }

    /// Everything up to this mark, which is to come, is skipped.
    pub(super) fn skip_to(&mut self, mark: String) {
        self.mark = Some(mark);
        self.skip();
    }

    /// The beginning of what was skipped.
    pub(super) fn skipped(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.skipped)
    }

    /// Skips in what was read.
    fn skip(&mut self) {
        let Some(mark) = &self.mark else { return };
        let (gone, over) = match place(&self.unread, mark.as_bytes()) {
            Some(at) => (at, mark.len()),
            None => (self.unread.len().saturating_sub(mark.len() - 1), 0),
        };
        let room = KEPT.saturating_sub(self.skipped.len());
        self.skipped.extend_from_slice(&self.unread[..gone.min(room)]);
        self.unread.drain(..gone + over);
        if over > 0 {
            self.mark = None;
        }
    }

    /// Reads on. False: the stream has ended. Cancel-safe.
    async fn read(&mut self) -> bool {
        let count = self.from.read(&mut self.buffer).await.unwrap_or(0);
        self.unread.extend_from_slice(&self.buffer[..count]);
        self.skip();
        count > 0
    }

    /// Hands on the first bytes of what was read.
    fn tell(&mut self, count: usize, output: &mut Output, on_output: Listener<'_>) {
        if count > 0 {
            output.push(&self.unread[..count]);
            on_output(&self.unread[..count]);
            self.unread.drain(..count);
        }
    }

    /// Takes what is printed next, or the end of the stream. Cancel-safe; after the end, never resolves.
    pub(super) async fn more(&mut self, output: &mut Output, on_output: Listener<'_>) {
        if !self.open {
            return std::future::pending().await;
        }
        if self.unread.is_empty() || self.mark.is_some() {
            self.open = self.read().await;
        }
        if self.mark.is_none() {
            self.tell(self.unread.len(), output, on_output);
        }
    }

    /// Reads on, while messages that nobody waits for are passed over. An error: nothing more will come.
    async fn read_on(&mut self, messages: &mut Messages) -> io::Result<()> {
        let ended = || Err(io::ErrorKind::UnexpectedEof.into());
        loop {
            tokio::select! {
                more = self.read() => return if more { Ok(()) } else { ended() },
                message = messages.next() => match message {
                    Ok(message) if message.kind != Kind::Lost => {}
                    _ => return ended(),
                },
                () = sleep(NONCE) => return ended(),
            }
        }
    }

    /// Waits for the mark to which everything is skipped, if there is one.
    pub(super) async fn until_mark(&mut self, messages: &mut Messages) -> io::Result<()> {
        while self.mark.is_some() {
            self.read_on(messages).await?;
        }
        Ok(())
    }

    /// Takes what is printed before the nonce, which was sent after the block's end was known. An error: the nonce will
    /// not come, because the block closed the descriptor for it or the shell has gone.
    pub(super) async fn up_to(
        &mut self,
        nonce: &str,
        messages: &mut Messages,
        output: &mut Output,
        on_output: Listener<'_>,
    ) -> io::Result<()> {
        self.until_mark(messages).await?;
        loop {
            if let Some(end) = place(&self.unread, nonce.as_bytes()) {
                self.tell(end, output, on_output);
                self.unread.drain(..nonce.len());
                return Ok(());
            }
            // The last bytes may be the beginning of the nonce.
            self.tell(self.unread.len().saturating_sub(nonce.len() - 1), output, on_output);
            if let Err(error) = self.read_on(messages).await {
                self.tell(self.unread.len(), output, on_output);
                return Err(error);
            }
        }
    }

    /// Takes what is still to come when nobody will say where the output ends: until it pauses, or ends.
    pub(super) async fn until_quiet(
        &mut self,
        quiet: Duration,
        output: &mut Output,
        on_output: Listener<'_>,
    ) {
        // A program left behind may print for ever.
        let limit = Instant::now() + 10 * quiet;
        while self.open && Instant::now() < limit {
            if timeout(quiet, self.more(output, on_output)).await.is_err() {
                break;
            }
        }
    }
}

fn place(bytes: &[u8], word: &[u8]) -> Option<usize> {
    // Most of what is printed is not hexadecimal: looking for the first byte only is fast.
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == word[0]) {
        if bytes[from + at..].starts_with(word) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn up_to(bytes: &'static [u8]) -> (io::Result<()>, String, u64) {
        let (_kept, silent) = tokio::io::duplex(1);
        let mut heard = 0;
        let mut output = Output::default();
        let mut printed = Printed::new(Box::new(bytes));
        let result = printed
            .up_to("0123abcd", &mut Messages::new(Box::new(silent)), &mut output, &mut |b| {
                heard += b.len() as u64
            })
            .await;
        (result, output.to_text(), heard)
    }

    #[tokio::test]
    async fn output_ends_at_the_nonce_and_not_at_what_looks_like_it() {
        let (result, output, heard) = up_to(b"0123abc 0123abcx 00123abcdmore").await;
        assert!(result.is_ok());
        assert_eq!((output.as_str(), heard), ("0123abc 0123abcx 0", 18));
    }

    #[tokio::test]
    async fn without_the_nonce_everything_is_output() {
        let (result, output, heard) = up_to(b"all of it 0123ab").await;
        assert!(result.is_err());
        assert_eq!((output.as_str(), heard), ("all of it 0123ab", 16));
    }

    #[tokio::test]
    async fn what_comes_before_a_mark_is_kept_apart() {
        let (_kept, silent) = tokio::io::duplex(1);
        let mut messages = Messages::new(Box::new(silent));
        let (mut output, mut heard) = (Output::default(), |_: &[u8]| {});
        let (first, second) = (&b"block one00nonce00tick\nti"[..], &b"ck\nthe mark block twoNONCE"[..]);
        let mut printed = Printed::new(Box::new(first.chain(second)));
        printed.up_to("00nonce00", &mut messages, &mut output, &mut heard).await.expect("the nonce");
        assert_eq!(output.to_text(), "block one");
        printed.skip_to("the mark".to_owned());
        let mut output = Output::default();
        printed.up_to("NONCE", &mut messages, &mut output, &mut heard).await.expect("the nonce");
        assert_eq!((output.to_text().as_str(), printed.skipped()), (" block two", b"tick\ntick\n".to_vec()));
        printed.skip_to("never".to_owned());
        assert!(printed.until_mark(&mut messages).await.is_err());
    }
}
