//! Control groups (version 2): where the region's processes are counted, limited and ended together.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::output::remark;

/// How long processes may take to stand still.
const FREEZE: Duration = Duration::from_secs(5);

/// A group whose processes stand still. They go on when this is dropped.
#[derive(Debug)]
pub(crate) struct Frozen(PathBuf);

impl Drop for Frozen {
    fn drop(&mut self) {
        if let Err(error) = fs::write(&self.0, "0")
            && error.kind() != io::ErrorKind::NotFound
        {
            remark!("{}: let its processes go on: {error}", self.0.display());
        }
    }
}

/// A control group, by its directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cgroup {
    path: PathBuf,
}

impl Cgroup {
    /// A group that may exist or not.
    pub(crate) fn at(path: impl Into<PathBuf>) -> Cgroup {
        Cgroup { path: path.into() }
    }

    /// A group below this one, that may exist or not.
    pub(crate) fn below(&self, name: &str) -> Cgroup {
        Cgroup { path: self.path.join(name) }
    }

    /// Make the group unless it exists.
    pub(crate) fn make(&self) -> io::Result<()> {
        match fs::create_dir(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    /// A process that writes `0` into this file moves into the group. Open before a fork, written after it.
    pub(crate) fn door(&self) -> io::Result<File> {
        File::options().write(true).open(self.path.join("cgroup.procs"))
    }

    /// Hand these controllers on to the groups below, as far as the machine offers them here. Machines with version
    /// 1 hierarchies offer none.
    pub(crate) fn delegate(&self, controllers: &[&str]) {
        let offered = fs::read_to_string(self.path.join("cgroup.controllers")).unwrap_or_default();
        for controller in offered.split_whitespace().filter(|offered| controllers.contains(offered)) {
            // A limit that cannot be had is no reason not to run.
            let _ = fs::write(self.path.join("cgroup.subtree_control"), format!("+{controller}"));
        }
    }

    /// Set a limit (`memory.max`), if the machine has it.
    pub(crate) fn limit(&self, file: &str, value: u64) {
        let path = self.path.join(file);
        if path.exists() {
            let _ = fs::write(path, value.to_string());
        }
    }

    /// Memory in use by the group and all below it, in bytes, if the machine tells.
    pub(crate) fn memory(&self) -> Option<u64> {
        fs::read_to_string(self.path.join("memory.current")).ok()?.trim().parse().ok()
    }

    /// Its directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Let every process of the group stand still until the answer is dropped; `None` where there is no such group.
    ///
    /// # Errors
    /// When they do not stand still in time; then they go on.
    pub(crate) fn freeze(&self) -> io::Result<Option<Frozen>> {
        let switch = self.path.join("cgroup.freeze");
        match fs::write(&switch, "1") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            result => result?,
        }
        let frozen = Frozen(switch);
        let deadline = Instant::now() + FREEZE;
        loop {
            let events = match fs::read_to_string(self.path.join("cgroup.events")) {
                // The last process has ended, and somebody has cleaned up.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                events => events?,
            };
            if events.lines().any(|line| line == "frozen 1") {
                return Ok(Some(frozen));
            }
            if Instant::now() > deadline {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "its processes do not stand still"));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// End every process of the group and of those below it.
    pub(crate) fn kill(&self) -> io::Result<()> {
        match fs::write(self.path.join("cgroup.kill"), "1") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// Kill and remove the group with all groups below it. Waits for the processes to be gone, at most `patience`.
    pub(crate) fn remove(&self, patience: Duration) -> io::Result<()> {
        let deadline = Instant::now() + patience;
        self.kill()?;
        loop {
            match remove_below(&self.path) {
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
                Ok(()) => return Ok(()),
            }
        }
    }
}

fn remove_below(path: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_below(&entry.path())?;
        }
    }
    fs::remove_dir(path)
}

/// Where version 2 is mounted on this machine.
pub(crate) fn mount_point() -> Option<PathBuf> {
    find_mount(&fs::read_to_string("/proc/self/mountinfo").ok()?)
}

fn find_mount(mountinfo: &str) -> Option<PathBuf> {
    mountinfo.lines().find_map(|line| {
        let (mount, filesystem) = line.split_once(" - ")?;
        let place = mount.split(' ').nth(4)?;
        (filesystem.split(' ').next()? == "cgroup2").then(|| PathBuf::from(place))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_2_is_found_beside_version_1() {
        let mountinfo = "30 20 0:25 / /sys/fs/cgroup/pids rw,relatime shared:9 - cgroup cgroup rw,pids\n\
                         31 20 0:26 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
        assert_eq!(find_mount(mountinfo), Some(PathBuf::from("/sys/fs/cgroup/unified")));
        assert_eq!(find_mount("1 0 8:1 / / rw - ext4 /dev/root rw\n"), None);
    }
}
