//! `lab` runs tutorials: Markdown lessons whose blocks are executed for real and whose output is verified.
//!
//! ```text
//! SourceText -> Lesson -> Plan -> RunEvent* -> Reporter
//!                            |-> Transcript -> Verdict -> .snap.new
//!                            `-> Journal -> teardown
//! ```
//!
//! Modules stand in layer order: each imports only from those above it, and only `cli` knows `region`.
//! `ARCHITECTURE.md` has the whole picture.

pub mod name;
pub mod source;

pub mod diagnostic;
pub mod event;

pub mod output;
pub mod private;
pub mod secret;
pub mod signals;

pub mod wire;

pub mod lesson;

pub mod snapshot;

pub mod session;

pub mod aws;

pub mod plan;

pub mod run;

pub mod report;

pub mod book;

pub mod region;

pub mod cli;
