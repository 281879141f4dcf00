//! What a shell prints, and where the output of a block ends in it.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::{Instant, sleep, timeout};

use super::Output;
use super::reporter::{Kind, Messages};

/// How long the nonce may take to arrive while nothing else does, before the shell is given up.
const NONCE: Duration = Duration::from_secs(10);

/// The shell's output stream.
pub(super) struct Printed {
    from: Box<dyn AsyncRead + Send + Unpin>,
    open: bool,
    buffer: Vec<u8>,
}

/// Hears what is printed, as it comes.
type Listener<'a> = &'a mut (dyn FnMut(&[u8]) + Send);

impl Printed {
    pub(super) fn new(from: Box<dyn AsyncRead + Send + Unpin>) -> Self {
        Self { from, open: true, buffer: vec![0; 64 * 1024] }
    }

    /// Takes what is printed next, or the end of the stream. Cancel-safe; after the end, never resolves.
    pub(super) async fn more(&mut self, output: &mut Output, on_output: Listener<'_>) {
        if !self.open {
            return std::future::pending().await;
        }
        match self.from.read(&mut self.buffer).await {
            Ok(0) | Err(_) => self.open = false,
            Ok(count) => {
                output.push(&self.buffer[..count]);
                on_output(&self.buffer[..count]);
            }
        }
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
        let nonce = nonce.as_bytes();
        // The last bytes that may be the beginning of the nonce.
        let mut held: Vec<u8> = Vec::with_capacity(self.buffer.len() + nonce.len());
        loop {
            let count = tokio::select! {
                count = self.from.read(&mut self.buffer) => count.unwrap_or(0),
                message = messages.next() => match message {
                    Ok(message) if message.kind != Kind::Lost => continue,
                    _ => 0,
                },
                () = sleep(NONCE) => 0,
            };
            held.extend_from_slice(&self.buffer[..count]);
            let end = held.windows(nonce.len()).position(|window| window == nonce);
            let told = match end {
                Some(end) => end,
                None if count == 0 => held.len(),
                None => held.len().saturating_sub(nonce.len() - 1),
            };
            if told > 0 {
                output.push(&held[..told]);
                on_output(&held[..told]);
            }
            if end.is_some() {
                return Ok(());
            }
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            held.drain(..told);
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
}
