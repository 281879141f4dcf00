//! What answers on the simulated Internet and inside each VPC: name servers, the metadata service, web sites, the
//! package mirror.
//!
//! ```text
//! state --> wanted (pure) --> keeper: opens and closes sockets inside namespaces
//!   |                            |
//!   `--> dns, metadata (pure) <--+--> web --> mirror --> (link) --> fetcher, a process on the host
//! ```
//!
//! No process lives in the namespaces: the sockets are opened there and served by tasks of the daemon's server. Which
//! VPC a question comes from is known by the socket that hears it, and the instance by its source address, which the
//! router does not let anybody forge. The only thing that leaves the machine is what `mirror::fetcher` asks of the
//! archive that the machine's own package manager uses.

mod dns;
mod keeper;
mod metadata;
pub(crate) mod mirror;
pub(crate) mod places;
#[cfg(test)]
mod sample;
mod stream;
mod wanted;
mod web;

pub(crate) use keeper::Services;
pub(crate) use web::{Authority, TrustError, trust};

use crate::region::model::State;

/// The control plane's state, to look at.
pub(crate) trait World: Send + Sync + 'static {
    /// Looks at the state; nothing changes it meanwhile, so `read` has to be quick.
    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T;
}
