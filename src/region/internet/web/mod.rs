//! Web sites of the simulated Internet, over HTTP and HTTPS, and the certificate authority that makes the latter work.

mod authority;
mod certificates;
mod pages;
pub(crate) mod trust;

pub(crate) use authority::{Authority, TrustError};
pub(super) use certificates::certificates;
pub(super) use pages::app;
