//! The processes of the region, and what is left of them when they die: nothing.
//!
//! ```text
//! daemon   (root, ends when the region answers)  builds the image, starts the front
//! front    host's namespaces                      lock, sockets, control group; waits
//! |- janitor   host's namespaces                  waits for the front's end, then kills and removes what is left
//! |- fetcher   host's namespaces                  asks the package archive, and nobody else
//! `- tree      pid 1 of new namespaces            mounts, reaps; its death is the death of all below it
//!    `- server    tokio: EC2 endpoint, control socket, state, reconciling
//!       |- systemd-nspawn (one a guest)           `guest`
//!       `- laptop (one a lab)                     `laptop`
//! ```
//!
//! Every process below the front is in one control group, so that killing is one write; every mount, interface and
//! rule is in a namespace that only these processes hold. Listening sockets are opened by the front and inherited,
//! so the server accepts connections of the host without having a foot in the host's network namespace.

mod aside;
mod cgroup;
mod daemon;
pub(crate) mod durable;
mod front;
mod helper;
mod init;
mod janitor;
mod launch;
mod leash;
mod mounts;
mod note;
mod places;
mod tools;
mod words;

use std::ffi::OsString;
use std::process::ExitCode;

pub(crate) use aside::VERB as VERB_SET_ASIDE;
pub(crate) use cgroup::{Cgroup, mount_point as cgroup_mount};
pub(crate) use launch::{Launch, VERB_DAEMON};
pub(crate) use mounts::CGROUPS;
pub(crate) use note::{front_pid, replace};
pub(crate) use places::{inside, show};

use super::internet::mirror::fetcher;
use crate::output::remark;
pub(crate) use tools::PATH;
pub(crate) use words::Words;

/// Verbs that the program understands besides those for people. Only root can use them.
pub const VERBS: &[&str] = &[
    VERB_DAEMON,
    VERB_SET_ASIDE,
    front::VERB,
    janitor::VERB,
    fetcher::VERB,
    init::VERB,
    crate::region::laptop::VERB,
];

/// Run a hidden verb; `args` begins with it.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args = args.into_iter();
    let verb = args.next().unwrap_or_default();
    let result = match verb.to_str() {
        Some(crate::region::laptop::VERB) => crate::region::laptop::main(),
        Some(verb) if VERBS.contains(&verb) => Launch::parse(args).and_then(|launch| match verb {
            VERB_DAEMON => daemon::main(&launch),
            VERB_SET_ASIDE => aside::main(&launch),
            front::VERB => front::main(&launch),
            janitor::VERB => janitor::main(&launch),
            fetcher::VERB => fetcher::main(&launch),
            _ => init::main(launch),
        }),
        _ => Err(format!("no such verb: {}", verb.display())),
    };
    match result {
        Ok(code) => code,
        Err(message) => {
            // The last line of the log; the daemon's verb says it to the command line.
            remark!("{}: {message}", verb.display());
            ExitCode::FAILURE
        }
    }
}
