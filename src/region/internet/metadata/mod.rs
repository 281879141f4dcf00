//! The instance metadata service at 169.254.169.254, versions 1 and 2.
//!
//! Who asks is known by VPC and source address. `tree` says what there is to know about an instance, `tokens` who has
//! shown that he may ask, `serve` speaks HTTP.

mod serve;
mod tokens;
mod tree;

pub(super) use serve::app;
