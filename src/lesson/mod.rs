//! Lessons: Markdown in, typed values out, with all mistakes reported at once.
//!
//! Pure. Nothing is read or run here: the texts come through a [`Library`], and the syntax of scripts is checked by
//! whatever [`ShellSyntax`] the caller gives. What a lesson means when it runs is not decided here either.
//!
//! ```text
//! SUMMARY.md --summary--> order
//! text --markdown--> fences --attributes--> raw --typed--> Block --lint--> diagnostics
//! ```

mod attributes;
mod aws_command;
mod block;
mod body;
mod console;
mod conversation;
mod course;
mod document;
mod duration;
mod fence;
mod fields;
mod fingerprint;
mod http;
mod lint;
mod markdown;
mod pattern;
mod problems;
mod request;
mod script;
mod summary;
mod syntax;
mod template;
mod typed;

pub use block::{
    Background, Block, BlockKind, Capture, Check, Compare, DEFAULT_TIMEOUT, Eventually, File, Logs, Outcome,
    Place, Ready, Shell, Show,
};
pub use body::Body;
pub use console::{Console, Entry, Input, Key, QUIET, Wait};
pub use course::{Course, Library, Loaded};
pub use document::{Item, Lesson};
pub use fingerprint::Fingerprint;
pub use http::{Http, Method, Request};
pub use pattern::Pattern;
pub use syntax::{NoShell, ShellError, ShellSyntax};
pub use template::{Part, Template};

#[cfg(test)]
mod tests;
