//! Reads the limits of this machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::resource::{Resource, getrlimit};

use super::table::{Limit, Mend, Reading, TABLE, Used};

/// Where limits are read.
#[derive(Debug, Clone)]
pub struct Sight {
    /// `/proc`, or a test's picture of it.
    proc: PathBuf,
    /// What only a process in the host's namespaces sees, by name.
    fixed: BTreeMap<String, u64>,
    /// Whether this process is the region's server.
    is_server: bool,
}

impl Sight {
    /// What a process in the host's namespaces sees.
    pub fn of_host() -> Self {
        Self { proc: "/proc".into(), fixed: host_only(), is_server: false }
    }

    /// What the region's server sees, which has been told what it cannot.
    pub(crate) fn of_server(fixed: BTreeMap<String, u64>) -> Self {
        Self { proc: "/proc".into(), fixed, is_server: true }
    }

    #[cfg(test)]
    pub(super) fn at(proc: &Path, fixed: BTreeMap<String, u64>) -> Self {
        Self { proc: proc.to_owned(), fixed, is_server: false }
    }

    /// What is seen of a limit; `None` where the machine has none of it, or does not tell.
    pub fn reading(&self, limit: &Limit) -> Option<Reading> {
        let value = match (self.fixed.get(limit.name), limit.name) {
            (Some(value), _) => *value,
            (None, "memory") => self.available_memory()?,
            (None, _) if limit.mend == Mend::Own => {
                self.is_server.then(|| getrlimit(Resource::RLIMIT_NOFILE).ok()).flatten()?.0
            }
            (None, name) => number(&sysctl(&self.proc, name))?,
        };
        let word = |file: &str, at: usize| {
            let text = fs::read_to_string(self.proc.join(file)).ok()?;
            text.split_whitespace().nth(at)?.parse::<u64>().ok()
        };
        let used = match limit.used {
            Used::Unknown => None,
            Used::None => Some(0),
            Used::Files => word("sys/fs/file-nr", 0),
            Used::Tasks => self.tasks(),
            Used::Ptys => {
                let reserve = word("sys/kernel/pty/reserve", 0).unwrap_or(0);
                word("sys/kernel/pty/nr", 0).map(|used| used + reserve)
            }
            Used::Keys { bytes } => self.keys(bytes),
        };
        Some(Reading { value, used })
    }

    /// The fourth word of `loadavg`: those that run and all that there are.
    fn tasks(&self) -> Option<u64> {
        let text = fs::read_to_string(self.proc.join("loadavg")).ok()?;
        text.split_whitespace().nth(3)?.split_once('/')?.1.parse().ok()
    }

    /// A line is `UID: USAGE NUMBER/INSTANTIATED KEYS/MAXIMUM BYTES/MAXIMUM`.
    fn keys(&self, bytes: bool) -> Option<u64> {
        let text = fs::read_to_string(self.proc.join("key-users")).ok()?;
        let line = text.lines().find(|line| line.trim_start().starts_with("0:"))?;
        let at = if bytes { 4 } else { 3 };
        line.split_whitespace().nth(at)?.split_once('/')?.0.parse().ok()
    }

    fn available_memory(&self) -> Option<u64> {
        let text = fs::read_to_string(self.proc.join("meminfo")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        Some(line.split_whitespace().next()?.parse::<u64>().ok()? << 10)
    }
}

/// The file of a sysctl.
pub(super) fn sysctl(proc: &Path, name: &str) -> PathBuf {
    proc.join("sys").join(name.replace('.', "/"))
}

/// The number in a file.
pub(super) fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// What only a process in the host's namespaces sees: the network's sysctls, and the control groups above the region's.
pub(crate) fn host_only() -> BTreeMap<String, u64> {
    let mut seen = BTreeMap::new();
    for limit in TABLE {
        let value = match limit.name {
            name if name.starts_with("net.") => number(&sysctl(Path::new("/proc"), name)),
            name if name.starts_with("pids.max") => pids_max(),
            _ => None,
        };
        if let Some(value) = value {
            seen.insert(limit.name.to_owned(), value);
        }
    }
    seen
}

/// The least `pids.max` of the version 1 groups that this process is in, and of the version 2 group in which the region's
/// is made.
fn pids_max() -> Option<u64> {
    let mine = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let path = mine.lines().find_map(|line| line.split_once(":pids:")).map_or("/", |(_, path)| path);
    let first = Path::new("/sys/fs/cgroup/pids").join(path.trim_start_matches('/'));
    let ancestors = first.ancestors().take_while(|group| group.starts_with("/sys/fs/cgroup/pids"));
    let groups = ancestors.map(Path::to_owned).chain(crate::region::tree::cgroup_mount());
    groups.filter_map(|group| number(&group.join("pids.max"))).min()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A `/proc` with these files.
    pub fn proc(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("a directory");
        for (file, text) in files {
            let path = directory.path().join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(path, text).expect("written");
        }
        directory
    }

    fn limit(name: &str) -> &'static Limit {
        TABLE.iter().find(|limit| limit.name == name).expect("in the table")
    }

    #[test]
    fn each_limit_is_read_with_what_is_in_use() {
        let proc = proc(&[
            ("sys/fs/file-max", "1000\n"),
            ("sys/fs/file-nr", "300\t0\t1000\n"),
            ("sys/kernel/pid_max", "32768\n"),
            ("loadavg", "0.1 0.2 0.3 2/345 6789\n"),
            ("sys/kernel/pty/max", "4096"),
            ("sys/kernel/pty/nr", "3"),
            ("sys/kernel/pty/reserve", "1024"),
            ("sys/kernel/keys/root_maxkeys", "1000"),
            ("key-users", "    0:    22 21/21 16/1000 105/25000\n 1000: 1 1/1 9/200 9/20000\n"),
            ("sys/fs/inotify/max_user_instances", "128\n"),
            ("meminfo", "MemTotal: 8 kB\nMemAvailable:    2048 kB\n"),
        ]);
        let fixed = BTreeMap::from([("net.ipv4.neigh.default.gc_thresh3".to_owned(), 1024)]);
        let sight = Sight::at(proc.path(), fixed);
        for (name, value, used) in [
            ("fs.file-max", 1000, Some(300)),
            ("kernel.pid_max", 32768, Some(345)),
            ("kernel.pty.max", 4096, Some(1027)),
            ("kernel.keys.root_maxkeys", 1000, Some(16)),
            ("fs.inotify.max_user_instances", 128, None),
            ("net.ipv4.neigh.default.gc_thresh3", 1024, None),
            ("memory", 2 << 20, Some(0)),
        ] {
            assert_eq!(sight.reading(limit(name)), Some(Reading { value, used }), "{name}");
        }
        // What this machine does not have limits nothing.
        assert_eq!(sight.reading(limit("user.max_net_namespaces")), None);
        assert_eq!(sight.reading(limit("open files of the region's server")), None);
    }

    #[test]
    fn this_machine_tells_its_limits() {
        let sight = Sight::of_host();
        for name in ["fs.inotify.max_user_instances", "kernel.pid_max", "fs.file-max", "memory"] {
            assert!(sight.reading(limit(name)).is_some_and(|reading| reading.value > 0), "{name}");
        }
    }
}
