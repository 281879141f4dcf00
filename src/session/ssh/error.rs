//! What can be wrong with an SSH connection, told apart so that a learner knows what to change.

use std::io;
use std::time::Duration;

/// Why a host could not be reached or logged in to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something answered that nothing listens there.
    #[error("connect to {address}: connection refused")]
    Refused {
        /// `ADDRESS:PORT`.
        address: String,
    },
    /// Nothing answered: usually a security group, a route, or an address that is not reachable from there.
    #[error("connect to {address}: no answer within {} s", .after.as_secs())]
    Timeout {
        /// `ADDRESS:PORT`.
        address: String,
        /// How long it was tried.
        after: Duration,
    },
    /// Another failure to connect.
    #[error("connect to {address}")]
    Unreachable {
        /// `ADDRESS:PORT`.
        address: String,
        /// The network's answer.
        #[source]
        source: io::Error,
    },
    /// The server ended the connection before it was secured; a system that is booting does that.
    #[error("connect to {address}: the server ended the connection at once")]
    ClosedEarly {
        /// `ADDRESS:PORT`.
        address: String,
    },
    /// The host through which the connection goes would not open it.
    #[error("connect to {address} through {via}: the host there says: {reason}")]
    ViaRefused {
        /// `ADDRESS:PORT`.
        address: String,
        /// The instance in between.
        via: String,
        /// `connect failed`, `administratively prohibited`, ..
        reason: String,
    },
    /// The host through which the connection goes cannot be reached itself.
    #[error("go through {via}")]
    Via {
        /// The instance in between.
        via: String,
        /// Why.
        #[source]
        source: Box<Error>,
    },
    /// The console output shows no host keys (yet).
    #[error("check the host key of {instance}: its console output shows no host keys yet")]
    NoHostKeys {
        /// The instance's id.
        instance: String,
    },
    /// The console output cannot be had.
    #[error("check the host key of {instance}")]
    Console {
        /// The instance's id.
        instance: String,
        /// Why.
        #[source]
        source: crate::session::ResolveError,
    },
    /// The server's key is none of those pinned for the instance.
    #[error(
        "trust {address}: it shows the host key {offered}, which is not a key of {instance} ({expected})"
    )]
    HostKey {
        /// `ADDRESS:PORT`.
        address: String,
        /// The instance's id.
        instance: String,
        /// Fingerprint of the key shown.
        offered: String,
        /// Fingerprints of the keys pinned.
        expected: String,
    },
    /// The pinned keys cannot be written down.
    #[error("pin the host keys of {instance}")]
    Pin {
        /// The instance's id.
        instance: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The private key's text is not a key.
    #[error("read the private key {path}: {reason}")]
    KeyFile {
        /// As the learner would write it.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server accepts neither this user nor this key; which of the two, it does not tell.
    #[error("log in to {address} as {user} with {path} ({fingerprint}): permission denied (publickey)")]
    Denied {
        /// `ADDRESS:PORT`.
        address: String,
        /// The login user.
        user: String,
        /// The key file.
        path: String,
        /// The key's fingerprint.
        fingerprint: String,
    },
    /// The server allows no (more) programs on one connection.
    #[error(
        "start a program at {address}: the server allows none, not even on a connection of its own (MaxSessions in its sshd_config)"
    )]
    Full {
        /// `ADDRESS:PORT`.
        address: String,
    },
    /// The connection ended or misbehaved in another way.
    #[error("talk to {address}")]
    Protocol {
        /// `ADDRESS:PORT`.
        address: String,
        /// What `russh` says.
        #[source]
        source: russh::Error,
    },
}

impl Error {
    /// Whether a system that is still booting may give a better answer: soon (`Some(false)`: for a few seconds, since
    /// its keys may just be being installed), or for as long as one cares to wait (`Some(true)`).
    pub(super) fn may_pass(&self) -> Option<bool> {
        match self {
            Self::Refused { .. }
            | Self::Timeout { .. }
            | Self::Unreachable { .. }
            | Self::ClosedEarly { .. }
            | Self::ViaRefused { .. }
            | Self::NoHostKeys { .. }
            | Self::Protocol { .. } => Some(true),
            Self::Via { source, .. } => source.may_pass(),
            Self::HostKey { .. } | Self::Denied { .. } | Self::Console { .. } => Some(false),
            Self::Pin { .. } | Self::KeyFile { .. } | Self::Full { .. } => None,
        }
    }
}
