//! The book on a socket: built again whenever a file changes, and pages that are open reload.
//!
//! Each build goes to a fresh directory, and a link is turned to it when it is complete: a page asked for meanwhile is
//! the old one, never half of the new one. A build that fails leaves the book as it was.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tower_http::services::{ServeDir, ServeFile};

use super::build::build_with;
use super::error::BookError;
use super::watch::Stamp;
use crate::private;

/// Where pages wait for changes; mdBook's own pages know how.
const RELOAD: &str = "__livereload";
/// How often files are looked at.
const PAUSE: Duration = Duration::from_millis(400);

/// What a person should be told while the book is served.
#[derive(Debug)]
pub enum Served {
    /// The book can be read at this address.
    Listening(SocketAddr),
    /// The book was built again.
    Built(Duration),
    /// A change could not be built; the book is as it was.
    Failed(BookError),
}

/// Serves the book of the course at `root` until it is dropped or the socket fails.
///
/// # Errors
/// When the book cannot be built at first, or nobody can listen on `address`.
pub async fn serve(root: &Path, address: SocketAddr, mut tell: impl FnMut(Served)) -> Result<(), BookError> {
    let root = root.to_owned();
    let listen = |source| BookError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let shelf = Shelf::new()?;
    let mut stamp = Stamp::of(&root);
    let mut edition = shelf.build(&root, None).await?;

    let (reload, _) = broadcast::channel(16);
    let site =
        ServeDir::new(shelf.current()).not_found_service(ServeFile::new(shelf.current().join("404.html")));
    let router = Router::new()
        .route(&format!("/{RELOAD}"), get(wait_for_reload))
        .with_state(reload.clone())
        .fallback_service(site);
    tell(Served::Listening(listener.local_addr().map_err(listen)?));
    let server = axum::serve(listener, router).into_future();
    tokio::pin!(server);

    loop {
        tokio::select! {
            ended = &mut server => return ended.map_err(listen),
            () = tokio::time::sleep(PAUSE) => {}
        }
        let now = Stamp::of(&root);
        if now == stamp {
            continue;
        }
        stamp = now;
        let began = Instant::now();
        // The server goes on while the book is built.
        let built = tokio::select! {
            ended = &mut server => return ended.map_err(listen),
            built = shelf.build(&root, Some(edition)) => built,
        };
        match built {
            Ok(next) => {
                edition = next;
                tell(Served::Built(began.elapsed()));
                // Nobody may be listening.
                let _ = reload.send(());
            }
            Err(error) => tell(Served::Failed(error)),
        }
    }
}

async fn wait_for_reload(
    State(reload): State<broadcast::Sender<()>>,
    upgrade: WebSocketUpgrade,
) -> axum::response::Response {
    let receiver = reload.subscribe();
    upgrade.on_upgrade(|socket| tell_reload(socket, receiver))
}

/// The page reloads at any message, and asks again afterwards.
async fn tell_reload(mut socket: WebSocket, mut reload: broadcast::Receiver<()>) {
    loop {
        tokio::select! {
            told = reload.recv() => {
                // Too late for some of them is still in time for the last.
                if matches!(told, Err(broadcast::error::RecvError::Closed)) {
                    return;
                }
                // A page that is gone needs no message.
                let _ = socket.send(Message::Text(Utf8Bytes::from_static("reload"))).await;
                return;
            }
            message = socket.recv() => {
                if !matches!(message, Some(Ok(_))) {
                    return;
                }
            }
        }
    }
}

/// The directories of the editions, and the link to the one that is read.
struct Shelf {
    directory: tempfile::TempDir,
}

impl Shelf {
    fn new() -> Result<Self, BookError> {
        let directory = private::temporary(&std::env::temp_dir(), "lab-book-");
        let path = std::env::temp_dir();
        directory.map(|directory| Self { directory }).map_err(|source| BookError::Io {
            what: "write into",
            path,
            source,
        })
    }

    fn current(&self) -> PathBuf {
        self.directory.path().join("current")
    }

    /// Builds an edition, makes it the current one, and removes the one before `last`.
    async fn build(&self, root: &Path, last: Option<usize>) -> Result<usize, BookError> {
        let edition = last.map_or(0, |last| last + 1);
        let (root, out) = (root.to_owned(), self.directory.path().join(edition.to_string()));
        let build = move || {
            build_with(&root, Some(&out), |config| {
                config.set("output.html.live-reload-endpoint", RELOAD)?;
                config.set("output.html.site-url", "/")
            })
        };
        // mdBook's values cannot leave their thread.
        let built = tokio::task::spawn_blocking(build).await;
        built.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
        let failed = |source| BookError::Io { what: "link", path: self.current(), source };
        let link = self.directory.path().join("next");
        std::os::unix::fs::symlink(edition.to_string(), &link).map_err(failed)?;
        std::fs::rename(&link, self.current()).map_err(failed)?;
        if let Some(old) = last.and_then(|last| last.checked_sub(1)) {
            // Left behind, it goes with the whole shelf.
            let _ = std::fs::remove_dir_all(self.directory.path().join(old.to_string()));
        }
        Ok(edition)
    }
}
