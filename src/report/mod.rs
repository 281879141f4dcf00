//! Consumers of events: each turns the same events into another form, and none can influence the run.

mod github;
mod json;
mod junit;
mod seen;
mod terminal;

pub use github::GitHub;
pub use json::JsonLines;
pub use junit::JUnit;
pub use seen::Seen;
pub use terminal::{Detail, Terminal};
