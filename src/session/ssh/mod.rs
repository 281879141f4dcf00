//! SSH by `russh`: no `ssh` program is needed.
//!
//! [`Host`] is a machine behind SSH: a connection, opened when needed, through another host where the address demands
//! it, to a server that shows a host key pinned for that instance; and more of them when the server allows no more programs
//! on the first.

mod channel;
mod connection;
mod error;
mod files;
mod host;
mod known_hosts;
mod prelude;

pub use error::Error;
pub use host::Host;
pub use known_hosts::{FileKnownHosts, KnownHosts, parse_console_keys};
