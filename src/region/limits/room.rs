//! For how many instances there is room, and which limit says so.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ledger::Raised;
use super::sight::Sight;
use super::table::{Limit, Mend, TABLE};

/// Room for more instances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// So many more.
    pub instances: u64,
    /// The limit that has room for no more: its name, what it is now, and what of.
    pub by: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What the process in the host's namespaces tells those that are not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What was raised.
    pub raised: Vec<Raised>,
    /// What only it sees, by name.
    pub fixed: BTreeMap<String, u64>,
}

/// The room beside `instances`. What is raised when a daemon starts is thought to be so where `raised` says so.
pub fn room(sight: &Sight, instances: u64, raised: bool) -> Room {
    let rooms = TABLE.iter().filter_map(|limit| {
        let mut reading = sight.reading(limit)?;
        if raised && limit.mend == Mend::Raise {
            reading.value = reading.value.max(limit.wanted(1));
        }
        Some((limit.room(reading, instances), limit, reading.value))
    });
    match rooms.min_by_key(|(room, ..)| *room) {
        Some((instances, limit, value)) => Room { instances, by: named(limit, value), hint: hint(limit) },
        None => Room { instances: u64::MAX, by: "no limit".to_owned(), hint: None },
    }
}

/// The same for a process of root that can try: whether another instance would get its inotify instances, which the kernel
/// does not count for us.
pub fn room_here(sight: &Sight, instances: u64) -> Room {
    let room = room(sight, instances, false);
    let limit = &TABLE[0];
    let more = room.instances.min(1);
    if more > 0 && !can_watch(limit.each) {
        let value = sight.reading(limit).map_or(0, |reading| reading.value);
        return Room { instances: 0, by: named(limit, value), hint: hint(limit) };
    }
    room
}

fn named(limit: &Limit, value: u64) -> String {
    match limit.name {
        "memory" => format!("{} MiB of available memory", value >> 20),
        name => format!("{name} = {value} ({})", limit.what),
    }
}

fn hint(limit: &Limit) -> Option<String> {
    match limit.mend {
        Mend::Tell(hint) => Some(hint.to_owned()),
        // It has been tried; the log says why it did not work.
        Mend::Raise => Some(format!("sysctl -w {}={}", limit.name, limit.wanted(2))),
        Mend::Own => None,
    }
}

/// Whether this user may have so many inotify instances more.
fn can_watch(count: u64) -> bool {
    use std::os::fd::{FromRawFd as _, OwnedFd};
    let one = || {
        // SAFETY: a plain system call, whose descriptor is owned at once.
        let descriptor = unsafe { nix::libc::inotify_init1(nix::libc::IN_CLOEXEC) };
        // SAFETY: as above.
        (descriptor >= 0).then(|| unsafe { OwnedFd::from_raw_fd(descriptor) })
    };
    let held: Vec<Option<OwnedFd>> = (0..count).map(|_| one()).collect();
    held.iter().all(Option::is_some)
}

/// The limit that is to blame when a system could not be started, by what it had to say.
pub(crate) fn blame(said: &str) -> Option<&'static Limit> {
    let by = |name: &str| TABLE.iter().find(|limit| limit.name == name);
    let signs = [
        ("inotify watch", "fs.inotify.max_user_watches"),
        ("inotify", "fs.inotify.max_user_instances"),
        ("Too many open files in system", "fs.file-max"),
        // What init says when it gets no inotify instance.
        ("Too many open files", "fs.inotify.max_user_instances"),
        ("Disk quota exceeded", "kernel.keys.root_maxkeys"),
        ("fork: Resource temporarily unavailable", "kernel.pid_max"),
        ("Failed to fork", "kernel.pid_max"),
        ("Neighbour table overflow", "net.ipv4.neigh.default.gc_thresh3"),
        ("Cannot allocate memory", "memory"),
    ];
    signs.iter().find(|(sign, _)| said.contains(sign)).and_then(|(_, name)| by(name))
}

#[cfg(test)]
mod tests {
    use super::super::sight::tests::proc;
    use super::*;

    #[test]
    fn the_limit_that_gives_first_is_named() {
        let usual = proc(&[
            ("sys/fs/inotify/max_user_instances", "128\n"),
            ("sys/kernel/pid_max", "32768\n"),
            ("loadavg", "0 0 0 1/200 1\n"),
        ]);
        let neighbours = |count| BTreeMap::from([("net.ipv4.neigh.default.gc_thresh3".to_owned(), count)]);
        let sight = Sight::at(usual.path(), neighbours(1024));
        let now = room(&sight, 20, false);
        assert_eq!(
            (now.instances, now.by.as_str()),
            (8, "fs.inotify.max_user_instances = 128 (inotify instances of a user)")
        );
        // Raised, the next one gives.
        let raised = room(&sight, 20, true);
        assert_eq!(raised.instances, 234);
        assert!(raised.by.starts_with("net.ipv4.neigh.default.gc_thresh3 = 1024"), "{}", raised.by);
        assert!(raised.hint.expect("a hint").contains("sysctl -w net.ipv4"));
        assert_eq!(room(&Sight::at(usual.path(), neighbours(80)), 60, true).instances, 0);
    }

    #[test]
    fn what_a_system_says_names_the_limit() {
        let name = |said: &str| blame(said).map(|limit| limit.name);
        assert_eq!(
            name("Failed to create control group inotify object: Too many open files"),
            Some("fs.inotify.max_user_instances")
        );
        assert_eq!(
            name("Failed to allocate manager object: Too many open files"),
            Some("fs.inotify.max_user_instances")
        );
        assert_eq!(name("bash: fork: Resource temporarily unavailable"), Some("kernel.pid_max"));
        assert_eq!(name("Kernel panic - not syncing"), None);
        // Every sign leads to a limit of the table.
        for sign in [
            "inotify watch",
            "Too many open files in system",
            "Disk quota exceeded",
            "Failed to fork",
            "Neighbour table overflow",
            "Cannot allocate memory",
        ] {
            assert!(blame(sign).is_some(), "{sign}");
        }
    }
}
