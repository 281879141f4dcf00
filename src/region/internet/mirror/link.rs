//! The words between the mirror in the region and the fetcher on the host: one JSON object a line, answers in any
//! order.

use std::collections::HashMap;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};

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
    orders: mpsc::UnboundedSender<(Order, oneshot::Sender<Outcome>)>,
}

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Outcome>>>>;

impl Link {
    /// Takes up the talk with the fetcher.
    pub(super) fn start(socket: StdUnixStream) -> std::io::Result<Link> {
        socket.set_nonblocking(true)?;
        let (reading, mut writing) = UnixStream::from_std(socket)?.into_split();
        let (orders, mut queue) = mpsc::unbounded_channel::<(Order, oneshot::Sender<Outcome>)>();
        let waiting = Waiting::default();
        let asked = Arc::clone(&waiting);
        tokio::spawn(async move {
            while let Some((order, answer)) = queue.recv().await {
                let Ok(mut line) = serde_json::to_vec(&order) else { continue };
                line.push(b'\n');
                lock(&asked).insert(order.id, answer);
                if writing.write_all(&line).await.is_err() {
                    // Forgotten, so that whoever waits hears that there will be no answer.
                    lock(&asked).remove(&order.id);
                }
            }
        });
        tokio::spawn(async move {
            let mut lines = BufReader::new(reading).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let Ok(report) = serde_json::from_str::<Report>(&line) else { continue };
                let _ = lock(&waiting).remove(&report.id).map(|answer| answer.send(report.outcome));
            }
            lock(&waiting).clear();
        });
        Ok(Link { orders })
    }

    /// Have something fetched.
    pub(super) async fn fetch(&self, order: Order) -> Outcome {
        let (answer, outcome) = oneshot::channel();
        let gone = || Outcome::Failed("the fetcher has ended".to_owned());
        if self.orders.send((order, answer)).is_err() {
            return gone();
        }
        outcome.await.unwrap_or_else(|_| gone())
    }
}

fn lock(waiting: &Waiting) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<Outcome>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
