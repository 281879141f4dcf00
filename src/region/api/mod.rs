//! The EC2 endpoint of the region: HTTP requests in, HTTP responses out, no socket and no state of its own.
//! One endpoint serves all accounts and regions, and EC2, STS and the public part of SSM: a request's
//! signature says which.
//!
//! Decoding and encoding are the wire's; rules are the model's. What this module adds is the outer shape:
//! signatures, request ids, status codes, and the language in which each service says no.

mod core;
mod endpoint;
mod reply;
mod signature;

pub use core::{Core, Credential};
pub use endpoint::{answer, serve};
