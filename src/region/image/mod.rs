//! The guest image: one Debian 13 system, built once on this machine and shared read-only by all guests and laptops.
//!
//! [`ensure`] answers from the cache, or builds: packages by `mmdebstrap` from the archive that this machine's own
//! package manager uses, verified with this machine's own archive keys, then a few files of our own. A build happens
//! in a directory beside its final place and is renamed when it is whole; a lock makes a second builder wait.
//! It needs root and the host's network, so it runs before the region's namespaces exist.

mod archive;
mod build;
mod customise;
mod error;
mod meter;
mod recipe;

pub(crate) use archive::{ArchiveBases, RELEASE, archive_bases, keyring as archive_keyring};
pub use build::{Image, cached, ensure};
pub use error::ImageError;
pub(crate) use recipe::key;
