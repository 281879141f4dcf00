//! Secrets, masked in everything that is told or kept.
//!
//! [`Secrets`] is the one place that knows and decides: *by value* what a run has learned (passwords that are typed,
//! credentials, private keys, variables whose names say so), as it is and in the encodings of base64, hexadecimal and
//! URLs; *by pattern* what a text itself shows to be a secret. [`Masking`] stands before all reporters, so that no event
//! passes by; what is kept on disk is masked when it is made; [`Masked`] masks output as it comes.
//!
//! Limits: pictures are not read. A secret that nobody knows, has no name beside it and looks like nothing is not
//! recognised, nor is one in an encoding other than those named; of a known one, not fewer than two dozen characters in
//! a row. Cookies are no secrets here: lessons compare them.

mod encoded;
mod key;
mod known;
mod name;
mod pattern;
mod secrets;
mod sink;
mod span;
mod stream;

pub use secrets::{MASK, Secrets};
pub use sink::Masking;
pub use stream::Masked;
