//! Why there is no book.

use std::io;
use std::path::PathBuf;

use crate::snapshot::StoreError;

/// The book cannot be built or served.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// mdBook cannot read the book or write it.
    #[error("build the book: {0}")]
    Mdbook(String),
    /// Lessons with mistakes; the text shows each with its place.
    #[error("build the book: its lessons have mistakes\n{0}")]
    Lessons(String),
    /// A recorded result that cannot be read.
    #[error("read a recorded result")]
    Store(#[from] StoreError),
    /// A recording that is not of the form that the page needs.
    #[error("understand the {what} recorded for {lesson}#{block}")]
    Recording {
        /// `topology` or `packets`.
        what: &'static str,
        /// The lesson.
        lesson: String,
        /// The block.
        block: String,
        /// The parser's reason.
        source: serde_json::Error,
    },
    /// Nobody can be served at this address.
    #[error("listen on {address}")]
    Listen {
        /// Where.
        address: std::net::SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// A file or directory.
    #[error("{what} {path}")]
    Io {
        /// The verb: `create`.
        what: &'static str,
        /// What it was about.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl BookError {
    /// From mdBook's error. A mistake of ours passes through mdBook and comes out as it was.
    pub(super) fn mdbook(error: mdbook_driver::errors::Error) -> Self {
        error.downcast::<Self>().unwrap_or_else(|error| Self::Mdbook(format!("{error:#}")))
    }
}
