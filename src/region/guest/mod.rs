//! Instances as real systems: an overlay over the image, booted by `systemd-nspawn` in a network namespace that
//! somebody else prepared.
//!
//! [`Guests`] owns every guest of the daemon: it makes and removes their disks, boots, stops and kills them, keeps
//! their consoles, and tells what happened as [`GuestEvent`]s. It knows neither EC2 nor the fabric: all that a
//! guest needs to know about itself comes in a [`GuestSpec`].

mod banner;
mod census;
mod cloud_config;
mod console;
mod disk;
mod guests;
mod host_keys;
mod life;
mod machines;
mod nspawn;
mod spec;

pub(crate) use disk::Disk;
pub use guests::Guests;
pub use machines::GuestMachines;
pub use spec::{GuestEvent, GuestExit, GuestSpec};
