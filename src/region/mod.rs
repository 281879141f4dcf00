//! The local region: an EC2-compatible cloud on this machine whose instances are real Linux systems and whose
//! VPCs carry real packets.
//!
//! ```text
//! EC2 request -> api -> model (pure state and rules) -> reconcile -> fabric (desired links, routes, rules: pure) -> kernel
//!                         ^------------------- observed (booted, stopped, gateway up) <-------------------'
//! ```
//!
//! Processes, from the outside in (see [`tree`]): the `front` stays in the host's namespaces and owns what the host
//! sees (lock, sockets, cgroup); the `tree` is the first process of namespaces of its own and everything of the
//! region lives below it; a `janitor` waits for both to be gone. Nothing is ever changed in the host's network
//! namespace. `model` knows nothing else of the region, `api` never touches the kernel, `kernel` never decides
//! policy. Outside, only `cli` knows this module, and it talks to the daemon through [`client`] alone.

#[macro_use]
mod log;

pub mod api;
mod build;
mod checkpoint;
pub mod client;
pub mod fabric;
pub mod guest;
mod http;
pub mod image;
pub mod internet;
pub mod kernel;
pub mod laptop;
pub mod model;
pub mod reconcile;
pub mod server;
mod supervisor;
pub mod tree;
