//! How the command line talks to the region's daemon: the only part of `region` that `cli` uses.
//!
//! ```no_run
//! # async fn f() -> Result<(), Box<dyn std::error::Error>> {
//! use lab::region::client::{Client, Paths};
//! let paths = Paths::from_environment()?;
//! let client = Client::ensure_running(&paths, |progress| eprintln!("{progress:?}")).await?;
//! let access = client.ensure_lab("default", "us-east-1").await?;
//! let stream = client.dial("default", "203.0.113.7".parse()?, 22, std::time::Duration::from_secs(5)).await?;
//! # Ok(()) }
//! ```
//!
//! Every call opens a connection of its own to the Unix socket, so calls do not wait for each other and a
//! [`Client`] can be cloned freely.

mod calls;
mod error;
mod image;
mod last_exit;
mod paths;
mod process;
mod progress;
mod start;

pub use calls::{Client, Offline};
pub use error::ClientError;
pub use image::has_image;
pub use last_exit::LastExit;
pub use paths::Paths;
pub use process::Process;
pub use progress::Progress;

pub use super::build::id as build;
pub use super::checkpoint::world;
pub use super::limits;
pub use super::model::is_region_name;

/// The number that the laptop's user has on the host, too: whoever calls from there runs as it.
pub const LAPTOP_USER: u32 = super::laptop::ID;

pub use super::server::{
    Exited, InstanceStatus, Kept, LabAccess, LabStatus, Pong, Refusal, RefusalCode, SignalScope, SpawnSpec,
    Status, Swept,
};
