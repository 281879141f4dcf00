//! Packets in words, as JSON for the book, and as text to be compared.
//!
//! Sequence and acknowledgement numbers count from the first packet seen of their direction, as in Wireshark. Compared
//! is what hosts said to each other and in which order, not what the moment decides: times, lengths, how bytes are
//! divided into segments, bare acknowledgements, repetitions, and which of two sides closes first.

mod compared;
#[cfg(test)]
mod course;
#[cfg(test)]
mod tests;
mod words;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(in crate::run) use compared::{appended, translate};
pub(in crate::run::capture) use words::json;

/// A packet as a host saw it.
pub(super) struct Seen {
    pub host: String,
    /// Since 1970.
    pub at: Duration,
    /// On the wire.
    pub length: u32,
    pub bytes: Vec<u8>,
}

/// In the form in which the book reads it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Packet {
    host: String,
    at: f64,
    from: String,
    to: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from_port: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to_port: Option<u16>,
    protocol: String,
    length: u32,
    info: String,
}
