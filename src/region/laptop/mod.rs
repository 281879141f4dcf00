//! The learner's machine: a shell's worth of system from the guests' image, on the lab's simulated Internet.
//!
//! It is no guest: nothing boots. One process (`init`) of our own program is the first of a process namespace; it
//! sees the image under an overlay, the lab's home directory as `/home/me`, the runner's socket directory as
//! `/run/lab`, this program as `/usr/bin/aws`, and nothing else of the host. It starts programs on request as user
//! `me` (1000) without capabilities and without a way to new ones, and tells how they ended. Starting the machine is
//! a matter of milliseconds, starting a program on it too.
//!
//! `Laptop` is the daemon's side; everything else here runs in the laptop's processes.

mod idmap;
mod init;
mod machine;
mod message;
mod mounts;
mod program;
mod settings;
mod signals;

pub(crate) use init::main;
pub(crate) use machine::{Laptop, Running};
pub(crate) use settings::Settings;

/// The hidden verb of the laptop's first process.
pub(crate) const VERB: &str = "region-laptop";

/// Host name.
const HOSTNAME: &str = "laptop";
/// Its user.
const USER: &str = "me";
/// The user's and its group's number.
pub(crate) const ID: u32 = 1000;
/// The user's home directory.
const HOME: &str = "/home/me";
