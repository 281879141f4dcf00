//! The kernel side of the region: does what it is told in network namespaces, and decides nothing.
//!
//! A namespace is kept alive by a bind mount under `/run/netns`, which is a private tmpfs of the region's tree: when
//! the tree dies, so do the mounts, the namespaces and all that is in them. Whatever has to happen inside a namespace
//! happens on a thread made for it that ends there; a thread that has entered a namespace never serves anything else.
//!
//! [`Kernel`] is the seam that reconciling is tested through; [`Linux`] is the real one.

mod batch;
mod conntrack;
mod error;
mod linux;
mod mount;
mod namespace;
mod nft;
mod process;
mod socket;
mod sysctl;

pub use error::{KernelError, LineError};
pub use linux::Linux;
pub(crate) use mount::{Attached, Detached};
pub use namespace::{enter, exists, path};
pub use socket::{tcp_connect, tcp_listen, udp_bind};

use std::net::Ipv4Addr;

/// What reconciling needs of a kernel. Namespaces are named as under `/run/netns`.
pub trait Kernel {
    /// Makes an empty namespace with these settings (`net.ipv4.ip_forward`, `1`) written.
    fn create_namespace(&mut self, namespace: &str, sysctls: &[(String, String)]) -> Result<(), KernelError>;

    /// Removes the name; the namespace is gone when no process is left in it.
    fn delete_namespace(&mut self, namespace: &str) -> Result<(), KernelError>;

    /// Runs lines of `ip -batch`, all of them even if some fail; returns those that failed.
    fn ip(&mut self, namespace: &str, lines: &[String]) -> Result<Vec<LineError>, KernelError>;

    /// Runs an nft script as one transaction: all of it, or nothing.
    fn nft(&mut self, namespace: &str, script: &str) -> Result<(), KernelError>;

    /// Forgets every tracked flow that has one of these addresses at either end, before or after translation.
    fn forget_flows(&mut self, namespace: &str, addresses: &[Ipv4Addr]) -> Result<(), KernelError>;
}
