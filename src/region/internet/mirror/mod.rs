//! Debian's archive on the simulated Internet: fetched once by a process on the host, kept on disk, served to all labs.
//!
//! ```text
//! guest's apt --HTTP--> pages --> store (disk) --> link ==socket==> fetcher (host) --> apt's own transport
//! ```
//!
//! The [`fetcher`] takes paths and never addresses: it asks the one archive that the machine's package manager uses,
//! by the package manager's own transport, so that proxies, certificates and logins are those of the machine. What a
//! guest installs is verified by the guest's own apt, with Debian's keys.

mod apt;
mod debian;
pub(crate) mod fetcher;
mod link;
mod path;
mod store;
mod wordpress;

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Request, StatusCode, header};
use tower_http::services::ServeFile;

use path::ArchivePath;
pub(crate) use store::Offline;
use store::{Miss, Store};

use crate::output::remark;
use crate::region::supervisor::Supervisor;

/// The mirror. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub(crate) struct Mirror(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    wordpress: wordpress::Maker,
}

impl Mirror {
    /// A mirror that keeps its files below `cache` and asks the fetcher at the other end of `link`. Needs a runtime.
    ///
    /// # Errors
    /// When the link cannot be used.
    pub(crate) fn new(cache: PathBuf, link: UnixStream, supervisor: &Supervisor) -> std::io::Result<Mirror> {
        let store = Store::new(cache.clone(), link::Link::start(link, supervisor)?);
        Ok(Mirror(Arc::new(Inner { store, wordpress: wordpress::Maker::new(cache) })))
    }

    /// Nothing is fetched until what this gives is dropped; what is there is served.
    pub(crate) fn offline(&self) -> Offline {
        self.0.store.offline()
    }

    /// Answers a request for a file of the archive.
    pub(super) async fn packages(&self, path: &str, headers: &HeaderMap) -> Response {
        let Some(path) = ArchivePath::parse(path) else { return StatusCode::NOT_FOUND.into_response() };
        match self.0.store.get(&path).await {
            Ok(file) => send(file, headers).await,
            Err(miss) => refuse(&miss),
        }
    }

    /// Answers a request to the site that WordPress is downloaded from.
    pub(super) async fn wordpress(&self, path: &str, headers: &HeaderMap) -> Response {
        match self.0.wordpress.get(&self.0.store, path).await {
            Ok(wordpress::Answer::Page(html)) => {
                ([(header::CONTENT_TYPE, "text/html; charset=UTF-8")], html).into_response()
            }
            Ok(wordpress::Answer::Archive(file)) => send(file, headers).await,
            Ok(wordpress::Answer::Nothing) => StatusCode::NOT_FOUND.into_response(),
            Err(error) => {
                let reason = chain(&error);
                remark!("internet: {reason}");
                (StatusCode::GATEWAY_TIMEOUT, format!("failed to {reason}\n")).into_response()
            }
        }
    }
}

/// A file with its time, in parts if it is asked for so, or not at all if the asker has it.
async fn send(file: PathBuf, headers: &HeaderMap) -> Response {
    let mut request = Request::new(Body::empty());
    *request.headers_mut() = headers.clone();
    match ServeFile::new(file).try_call(request).await {
        Ok(response) => response.map(Body::new),
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("failed to read the file: {error}\n")).into_response()
        }
    }
}

fn refuse(miss: &Miss) -> Response {
    match miss {
        Miss::NoSuchFile => StatusCode::NOT_FOUND.into_response(),
        // What apt shows of an error is the status line alone; the reason is for people and the log.
        Miss::Unreachable(_) | Miss::Disk(_) => {
            let reason = chain(miss);
            remark!("internet: package mirror: {reason}");
            (StatusCode::GATEWAY_TIMEOUT, format!("failed to {reason}\n")).into_response()
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
