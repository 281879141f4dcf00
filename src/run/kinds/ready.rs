//! What the lesson waits for after a `background` block was started.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::port::Port;
use crate::lesson::Ready;
use crate::session::Machine;
use crate::snapshot::ansi;

/// When nothing has been printed for this long, what was printed is taken to be whole: what a request caused may be printed
/// after its answer.
const QUIET: Duration = Duration::from_millis(250);
/// How long a program that listens may go on printing before that is taken for its usual business.
const TALKING: Duration = Duration::from_secs(2);
/// Said when a text does not come.
const BUFFERED: &str = "a program that prints into a pipe may hold its output back until there is much of it: start it with `stdbuf -oL` \
     (Python: `python3 -u`), or wait for its port with `ready=:8080`";

/// What is waited for.
pub(super) enum Awaited {
    /// Nothing: the lesson goes on at once.
    Nothing,
    /// This text.
    Text(String),
    /// A program that listens on this port.
    Listening(u16, Port),
}

/// Why it cannot be waited for.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("another program listens on port {0} already")]
    Taken(u16),
    #[error("look at port {0}")]
    Look(u16, #[source] io::Error),
}

impl Awaited {
    /// Before the block is started: a port on which something listens already would say nothing.
    pub(super) async fn begin(ready: Option<&Ready>, machine: &Arc<dyn Machine>) -> Result<Self, Error> {
        match ready {
            None => Ok(Self::Nothing),
            Some(Ready::Text(text)) => Ok(Self::Text(text.clone())),
            Some(&Ready::Port(port)) => {
                let watched = Port::watch(machine, port).await.map_err(|source| Error::Look(port, source))?;
                watched.map(|watched| Self::Listening(port, watched)).ok_or(Error::Taken(port))
            }
        }
    }

    /// Waits for it: how much had been printed by then. None when the block has ended before.
    pub(super) async fn until(&mut self, printed: &mut watch::Receiver<Vec<u8>>) -> Option<usize> {
        match self {
            Self::Nothing => Some(0),
            Self::Text(text) => until_text(printed, text.as_bytes()).await,
            Self::Listening(_, port) => until_listening(printed, port).await,
        }
    }

    /// What it is, after it has come.
    pub(super) fn what(&self) -> String {
        match self {
            Self::Nothing => "it was ready".to_owned(),
            Self::Text(text) => format!("`{text}` appeared"),
            Self::Listening(port, _) => format!("something listened on port {port}"),
        }
    }

    /// That it has not come in time.
    pub(super) fn missed(&self, limit: Duration) -> String {
        let limit = limit.as_secs();
        match self {
            Self::Nothing => format!("it was not ready within {limit} s"),
            Self::Text(text) => format!("`{text}` did not appear within {limit} s"),
            Self::Listening(port, _) => format!("nothing listened on port {port} within {limit} s"),
        }
    }

    /// Why it may not come although nothing is wrong with the program.
    pub(super) fn hint(&self) -> Option<String> {
        matches!(self, Self::Text(_)).then(|| BUFFERED.to_owned())
    }
}

/// The end of the line with the text, once it is there, whatever its colours are.
async fn until_text(printed: &mut watch::Receiver<Vec<u8>>, text: &[u8]) -> Option<usize> {
    // Where the first line begins that may still get the text.
    let mut from = 0;
    loop {
        let found = look(&printed.borrow_and_update(), &mut from, text);
        match found {
            Some(Line::Whole(end)) => return Some(end),
            Some(Line::Begun) => return Some(end_of_line(printed, from).await),
            None => printed.changed().await.ok()?,
        }
    }
}

/// The line with the text.
enum Line {
    /// It ends here.
    Whole(usize),
    /// Its end has not come.
    Begun,
}

/// Looks for the text in the lines from `from` on, and leaves that at the first that is not whole or has it.
fn look(printed: &[u8], from: &mut usize, text: &[u8]) -> Option<Line> {
    while let Some(line) = printed[*from..].split_inclusive(|byte| *byte == b'\n').next() {
        let end = *from + line.len();
        match (contains(&ansi::plain(line), text), line.ends_with(b"\n")) {
            (true, true) => return Some(Line::Whole(end)),
            (true, false) => return Some(Line::Begun),
            (false, true) => *from = end,
            (false, false) => return None,
        }
    }
    None
}

/// The end of the line that begins at `from`. The rest of it is on its way, unless it is a prompt.
async fn end_of_line(printed: &mut watch::Receiver<Vec<u8>>, from: usize) -> usize {
    let end = |all: &Vec<u8>| all[from..].iter().position(|byte| *byte == b'\n').map(|at| from + at + 1);
    let _ = timeout(QUIET, printed.wait_for(|all| end(all).is_some())).await.map(drop);
    let all = printed.borrow();
    end(&all).unwrap_or(all.len())
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len().max(1)).any(|window| window == text)
}

/// What was printed when something listens on the port and says no more about it.
async fn until_listening(printed: &mut watch::Receiver<Vec<u8>>, port: &mut Port) -> Option<usize> {
    let up = async {
        if port.up().await.is_err() {
            // Whether something listens is not known; that the block ends is.
            std::future::pending::<()>().await;
        }
    };
    let mut watched = printed.clone();
    let ended = async { while watched.changed().await.is_ok() {} };
    tokio::select! {
        biased;
        () = up => {}
        () = ended => return None,
    }
    let _ = timeout(TALKING, until_quiet(printed)).await;
    Some(printed.borrow().len())
}

/// Waits until it has printed nothing for a while.
pub(super) async fn until_quiet(printed: &mut watch::Receiver<Vec<u8>>) {
    while timeout(QUIET, printed.changed()).await.is_ok_and(|changed| changed.is_ok()) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_text_ends_with_its_line() {
        let (prints, mut printed) = watch::channel(b"a\nlistening on 80".to_vec());
        let late = tokio::spawn(async move {
            prints.send_modify(|all| all.extend(b"80\nnext\n"));
            prints
        });
        assert_eq!(until_text(&mut printed, b"listening").await, Some("a\nlistening on 8080\n".len()));
        drop(late.await);
        assert_eq!(until_text(&mut printed, b"never").await, None);
    }

    #[tokio::test]
    async fn colours_and_movements_hide_no_text() {
        for (bytes, end) in [
            (&b"\x1b[1mlis\x1b[0mtening\x1b[K\nmore"[..], 21),
            (b"10%\r\x1b[Klistening\n", 17),
            (b"one\nlistening> ", 15),
        ] {
            let (_prints, mut printed) = watch::channel(bytes.to_vec());
            assert_eq!(until_text(&mut printed, b"listening").await, Some(end), "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn a_text_that_comes_in_pieces_is_found() {
        let (prints, mut printed) = watch::channel(b"noise\nlist".to_vec());
        let late = tokio::spawn(async move {
            for piece in [&b"en"[..], b"\x1b[0", b"ming\n", b"more\n"] {
                tokio::time::sleep(Duration::from_millis(5)).await;
                prints.send_modify(|all| all.extend(piece));
            }
            prints
        });
        assert_eq!(until_text(&mut printed, b"listening").await, Some("noise\nlisten\x1b[0ming\n".len()));
        drop(late.await);
    }
}
