//! SSH by `russh`: no `ssh` program is needed.

mod known_hosts;

pub use known_hosts::{FileKnownHosts, KnownHosts, parse_console_keys};
