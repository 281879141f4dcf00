//! The limits, and what an instance takes of each: measured on Debian 13 guests, with room to spare.

/// For so many instances a daemon raises limits.
pub const CAPACITY: u64 = 250;

/// One limit of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// As `sysctl` calls it, or in words.
    pub name: &'static str,
    /// What there may be so many of.
    pub what: &'static str,
    /// How many of them an instance takes.
    pub each: u64,
    /// How many are left to everything else on the machine.
    pub others: u64,
    pub used: Used,
    pub mend: Mend,
}

/// Where it is seen how many are in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Used {
    /// The kernel does not tell: the instances are counted.
    Unknown,
    /// `fs.file-nr`.
    Files,
    /// The number of tasks in `/proc/loadavg`.
    Tasks,
    /// `kernel.pty.nr`, and those that `kernel.pty.reserve` keeps for the host.
    Ptys,
    /// The keys of root, or the bytes in them, in `/proc/key-users`.
    Keys { bytes: bool },
    /// What there is of it is what is free.
    None,
}

/// What is done where it does not suffice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mend {
    /// It is raised while a daemon runs.
    Raise,
    /// The daemon sees to it for itself.
    Own,
    /// It is named, with this hint.
    Tell(&'static str),
}

const fn sysctl(name: &'static str, what: &'static str, each: u64, others: u64, used: Used) -> Limit {
    Limit { name, what, each, others, used, mend: Mend::Raise }
}

/// Bytes of memory in use by an instance that has just booted, with its processes outside; see `benches/RESULTS.md`.
const MEMORY: u64 = 25 << 20;

/// All limits that are looked at. The first is the one that gives first on a usual host.
#[rustfmt::skip]
pub const TABLE: &[Limit] = &[
    // systemd has three as root and agetty one; those of the message bus are another user's, and fewer.
    sysctl("fs.inotify.max_user_instances", "inotify instances of a user", 4, 128, Used::Unknown),
    sysctl("fs.inotify.max_user_watches", "inotify watches of a user", 32, 4096, Used::Unknown),
    sysctl("kernel.keys.root_maxkeys", "keys of root", 2, 100, Used::Keys { bytes: false }),
    sysctl("kernel.keys.root_maxbytes", "bytes in keys of root", 100, 10_000, Used::Keys { bytes: true }),
    // Seven at rest, some twenty while it boots.
    sysctl("kernel.pid_max", "processes", 24, 2048, Used::Tasks),
    sysctl("kernel.threads-max", "threads", 24, 2048, Used::Tasks),
    sysctl("fs.file-max", "open files", 256, 8192, Used::Files),
    // Its console, and terminals of people.
    sysctl("kernel.pty.max", "pseudo-terminals", 4, 64, Used::Ptys),
    sysctl("user.max_net_namespaces", "network namespaces of a user", 1, 200, Used::Unknown),
    // nspawn's, the system's, and those of services that have a private view of their own.
    sysctl("user.max_mnt_namespaces", "mount namespaces of a user", 10, 200, Used::Unknown),
    sysctl("user.max_pid_namespaces", "process namespaces of a user", 1, 200, Used::Unknown),
    sysctl("user.max_uts_namespaces", "host-name namespaces of a user", 4, 200, Used::Unknown),
    sysctl("user.max_ipc_namespaces", "IPC namespaces of a user", 2, 200, Used::Unknown),
    sysctl("user.max_cgroup_namespaces", "control-group namespaces of a user", 1, 200, Used::Unknown),
    Limit {
        name: "open files of the region's server", what: "descriptors",
        each: 6, others: 256, used: Used::Unknown, mend: Mend::Own,
    },
    Limit {
        name: "pids.max of the control group", what: "processes",
        each: 24, others: 256, used: Used::Unknown,
        mend: Mend::Tell("give the control group that lab runs in a higher `pids.max` (a container: --pids-limit)"),
    },
    // Its router's entry for it, its own for the router, and two neighbours.
    Limit {
        name: "net.ipv4.neigh.default.gc_thresh3", what: "neighbours of all network namespaces together",
        each: 4, others: 64, used: Used::Unknown,
        mend: Mend::Tell("sysctl -w net.ipv4.neigh.default.gc_thresh3=8192 (lab changes nothing in the host's network)"),
    },
    Limit {
        name: "memory", what: "bytes of available memory",
        each: MEMORY, others: 128 << 20, used: Used::None,
        mend: Mend::Tell("end something else, or give the machine more memory"),
    },
];

/// What is seen of a limit now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    pub value: u64,
    /// How many are in use, where the kernel tells.
    pub used: Option<u64>,
}

impl Limit {
    /// What it has to be for so many daemons, each with as many instances as it can have.
    pub fn wanted(&self, daemons: u64) -> u64 {
        self.others + daemons * CAPACITY * self.each
    }

    /// For how many more instances there is room, when there are `instances`. What the kernel does not tell is thought
    /// to be in use for them, and a little for others.
    pub fn room(&self, reading: Reading, instances: u64) -> u64 {
        let spare = self.others / 8;
        match reading.used {
            Some(used) => reading.value.saturating_sub(used + spare) / self.each,
            None => (reading.value.saturating_sub(spare) / self.each).saturating_sub(instances),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_inotify_limit_has_room_for_few_and_the_wanted_one_for_all() {
        let limit = &TABLE[0];
        let at = |value| Reading { value, used: None };
        assert_eq!(limit.room(at(128), 0), 28);
        assert_eq!(limit.room(at(128), 25), 3);
        assert_eq!(limit.room(at(128), 60), 0);
        assert!(limit.room(at(limit.wanted(1)), CAPACITY - 1) >= 1);
        // What one daemon has taken is not another's.
        assert!(limit.wanted(2) >= limit.wanted(1) + CAPACITY * limit.each);
    }

    #[test]
    fn what_is_in_use_is_not_free() {
        let files = TABLE.iter().find(|limit| limit.name == "fs.file-max").expect("in the table");
        assert_eq!(files.room(Reading { value: 100_000, used: Some(90_000) }, 7), (10_000 - 1024) / 256);
        assert_eq!(files.room(Reading { value: 100, used: Some(200) }, 0), 0);
    }

    #[test]
    fn every_limit_can_be_raised_or_says_what_to_do() {
        let mut names: Vec<&str> = TABLE.iter().map(|limit| limit.name).collect();
        for limit in TABLE {
            assert!(limit.each > 0 && !limit.what.is_empty(), "{}", limit.name);
            let in_the_host_network = limit.name.starts_with("net.");
            assert!(!(in_the_host_network && limit.mend == Mend::Raise), "{}", limit.name);
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
    }
}
