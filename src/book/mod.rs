//! The book: lessons and their recorded results as static pages.
//!
//! ```text
//! lessons/*.md ---\
//!                  Lab (preprocessor) -> Markdown with HTML -> mdBook -> pages
//! snapshots/*.snap /
//! ```
//!
//! [`build`] and [`serve`] run mdBook in this process; [`preprocess`] is the same preprocessor as a program, for a
//! plain `mdbook build`. Everything on a page is made here once: it prints and works without scripts. `theme/lab.css`
//! and `theme/lab.js` stand on mdBook's variables and only add comfort.
//!
//! Limits: nothing is run, and no network is touched but the socket that [`serve`] listens on. What is not recorded is
//! said to be so, never made up.

mod block;
mod build;
mod contents;
mod conversation;
mod drawing;
mod error;
mod exchange;
mod html;
mod identity;
mod names;
mod output;
pub mod packets;
mod page;
mod pictures;
mod preprocessor;
mod prose;
mod recordings;
mod results;
mod serve;
mod shell;
mod ssh;
mod tabs;
pub mod topology;
mod watch;

pub use build::build;
pub use error::BookError;
pub use preprocessor::{Lab, preprocess};
pub use serve::{Served, serve};
