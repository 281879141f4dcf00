//! The words between the mirror in the region and the fetcher on the host: one JSON value a line, answers in any order.
//!
//! A fetcher may die and another be started on the same socket. It says so first ([`STARTED`]) and takes no notice of what
//! was meant for the one before, until it hears [`AGAIN`]; behind that come all orders that were not answered.

use std::collections::HashMap;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};

use crate::region::supervisor::Supervisor;

/// What a new fetcher says first.
pub(super) const STARTED: &str = r#""started""#;
/// What it is told before anything that is meant for it.
pub(super) const AGAIN: &str = r#""again""#;

/// What is to be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Order {
    pub id: u64,
    /// As in [`super::path::ArchivePath`].
    pub path: String,
    /// Name of the new file, in the mirror's directory for partial ones.
    pub to: String,
    /// Time of the file that we have, as in an HTTP header.
    pub since: Option<String>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    /// The file is there, with the time that the archive says.
    Fetched,
    /// It has not changed since; there is no new file.
    Unchanged,
    /// The archive has no such file.
    Missing,
    /// It could not be asked, or gave no sensible answer.
    Failed(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Report {
    pub id: u64,
    pub outcome: Outcome,
}

/// The region's end.
#[derive(Debug)]
pub(super) struct Link {
    words: mpsc::UnboundedSender<Word>,
}

#[derive(Debug)]
enum Word {
    Fetch(Order, oneshot::Sender<Outcome>),
    /// A fetcher has started.
    Again,
}

type Waiting = Arc<Mutex<HashMap<u64, (Order, oneshot::Sender<Outcome>)>>>;

impl Link {
    /// Takes up the talk with the fetcher.
    pub(super) fn start(socket: StdUnixStream, supervisor: &Supervisor) -> std::io::Result<Link> {
        socket.set_nonblocking(true)?;
        let (reading, writing) = UnixStream::from_std(socket)?.into_split();
        let (words, queue) = mpsc::unbounded_channel();
        let waiting = Waiting::default();
        supervisor.until_done("way to the fetcher", write(queue, writing, Arc::clone(&waiting)));
        // Ends with the fetcher, where that was given up: then whoever waits is told so.
        supervisor.until_done("way from the fetcher", read(reading, words.downgrade(), waiting));
        Ok(Link { words })
    }

    /// Have something fetched.
    pub(super) async fn fetch(&self, order: Order) -> Outcome {
        let (answer, outcome) = oneshot::channel();
        let gone = || Outcome::Failed("the fetcher has ended".to_owned());
        if self.words.send(Word::Fetch(order, answer)).is_err() {
            return gone();
        }
        outcome.await.unwrap_or_else(|_| gone())
    }
}

async fn write(mut queue: mpsc::UnboundedReceiver<Word>, mut socket: OwnedWriteHalf, waiting: Waiting) {
    while let Some(word) = queue.recv().await {
        let text = match word {
            Word::Fetch(order, answer) => {
                let text = line(&order);
                lock(&waiting).insert(order.id, (order, answer));
                text
            }
            Word::Again => {
                let waiting = lock(&waiting);
                let mut orders: Vec<&Order> = waiting.values().map(|(order, _)| order).collect();
                orders.sort_by_key(|order| order.id);
                orders.into_iter().fold(format!("{AGAIN}\n"), |text, order| text + &line(order))
            }
        };
        if socket.write_all(text.as_bytes()).await.is_err() {
            // Forgotten, so that whoever waits hears that there will be no answer.
            lock(&waiting).clear();
        }
    }
}

async fn read(socket: OwnedReadHalf, words: mpsc::WeakUnboundedSender<Word>, waiting: Waiting) {
    let mut lines = BufReader::new(socket).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        // One that died may have left half a line.
        if line.ends_with(STARTED) {
            let _ = words.upgrade().map(|words| words.send(Word::Again));
        } else if let Ok(report) = serde_json::from_str::<Report>(&line) {
            let _ = lock(&waiting).remove(&report.id).map(|(_, answer)| answer.send(report.outcome));
        }
    }
    lock(&waiting).clear();
}

fn line(order: &Order) -> String {
    // Strings and numbers: nothing in it can fail.
    serde_json::to_string(order).map(|text| text + "\n").unwrap_or_default()
}

fn lock(waiting: &Waiting) -> MutexGuard<'_, HashMap<u64, (Order, oneshot::Sender<Outcome>)>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::time::Duration;

    use super::*;

    fn order(id: u64) -> Order {
        Order { id, path: "debian/x".into(), to: "a".into(), since: None }
    }

    /// The other end, as a fetcher that is about to die sees it: nothing else of the socket is lost with it.
    fn fetcher(socket: &StdUnixStream) -> std::io::BufReader<StdUnixStream> {
        std::io::BufReader::with_capacity(1, socket.try_clone().expect("a copy"))
    }

    fn heard(from: &mut impl std::io::BufRead) -> String {
        let mut line = String::new();
        from.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_fetcher_that_dies_is_followed_by_one_that_gets_its_orders_once() {
        let (ours, theirs) = StdUnixStream::pair().expect("a pair");
        theirs.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
        let link = Arc::new(Link::start(ours, &Supervisor::new().0).expect("starts"));
        let asked = [1, 2].map(|id| {
            let link = Arc::clone(&link);
            tokio::spawn(async move { link.fetch(order(id)).await })
        });
        // The first takes one order and dies in the middle of its answer; the other order is still in the socket.
        assert!(heard(&mut fetcher(&theirs)).contains("debian/x"));
        (&theirs).write_all(br#"{"id": 1, "outc"#).expect("written");
        (&theirs).write_all(format!("{STARTED}\n").as_bytes()).expect("written");
        let mut second = fetcher(&theirs);
        while heard(&mut second) != AGAIN {}
        let mut ids: Vec<u64> = (0..2)
            .map(|_| serde_json::from_str::<Order>(&heard(&mut second)).expect("an order").id)
            .collect();
        ids.sort_unstable();
        assert_eq!(ids, [1, 2]);
        for id in ids {
            let report =
                serde_json::to_string(&Report { id, outcome: Outcome::Fetched }).expect("serialises");
            (&theirs).write_all(format!("{report}\n").as_bytes()).expect("written");
        }
        for asked in asked {
            assert_eq!(asked.await.expect("no panic"), Outcome::Fetched);
        }
        // When no other comes, whoever waits hears so.
        let waits = Arc::clone(&link);
        let waits = tokio::spawn(async move { waits.fetch(order(3)).await });
        assert!(heard(&mut second).contains("\"id\":3"));
        drop((second, theirs));
        assert_eq!(waits.await.expect("no panic"), Outcome::Failed("the fetcher has ended".to_owned()));
    }
}
