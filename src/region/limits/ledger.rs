//! Limits raised while daemons run: who has raised what, so that the last one puts it back.
//!
//! One note for the whole machine, since daemons of several users may run: whoever starts adds himself and raises what does
//! not suffice for all; whoever ends, or cleans up behind one that was killed, takes him out. When nobody is left, each
//! value goes back to what it was, unless somebody else has changed it meanwhile. The note lies where a restart of the
//! machine, which resets the values, removes it, too.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::sight::{number, sysctl};
use super::table::{Limit, Mend, TABLE};

/// Where the machine's note is. Only root may write there.
const DIRECTORY: &str = "/run/lab-limits";

/// A limit that was raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raised {
    pub name: String,
    /// What it was, and will be.
    pub before: u64,
    pub now: u64,
    /// Why it could not be raised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// A daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holder {
    /// That of its state directory on this machine.
    name: String,
    pid: u32,
    /// When that process began, in the kernel's ticks: numbers are used again.
    began: u64,
}

impl Holder {
    /// This process, for the daemon of this name.
    pub fn this_process(name: &str) -> Self {
        let pid = std::process::id();
        Self { name: name.to_owned(), pid, began: began(Path::new("/proc"), pid).unwrap_or(0) }
    }

    fn is_alive(&self, proc: &Path) -> bool {
        began(proc, self.pid) == Some(self.began)
    }
}

/// When a process began: the 22nd word of its `stat`, whose second is its name in parentheses, whatever that holds.
fn began(proc: &Path, pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(proc.join(pid.to_string()).join("stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut words = rest.split_whitespace();
    // A zombie has ended.
    (words.next()? != "Z").then_some(())?;
    words.nth(18)?.parse().ok()
}

/// What is written down.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Note {
    holders: Vec<Holder>,
    raised: BTreeMap<String, Values>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Values {
    before: u64,
    now: u64,
}

/// The note of a machine.
#[derive(Debug)]
pub(crate) struct Ledger {
    directory: PathBuf,
    proc: PathBuf,
}

impl Ledger {
    /// This machine's.
    pub fn of_host() -> Self {
        Self { directory: DIRECTORY.into(), proc: "/proc".into() }
    }

    /// Raises what does not suffice for this daemon beside the others that run. Tells all that is raised.
    ///
    /// # Errors
    /// The note cannot be read or written; then nothing is raised.
    pub fn take(&self, holder: Holder) -> io::Result<Vec<Raised>> {
        let _lock = self.lock()?;
        let mut note = self.read()?;
        note.holders.retain(|other| other.name != holder.name && other.is_alive(&self.proc));
        note.holders.push(holder);
        let daemons = note.holders.len() as u64;
        let mut failed = Vec::new();
        for limit in TABLE.iter().filter(|limit| limit.mend == Mend::Raise) {
            let Some(value) = number(&sysctl(&self.proc, limit.name)) else { continue };
            let known = note.raised.get(limit.name).filter(|values| values.now == value).copied();
            // What is neither ours nor what it was is somebody's decision.
            let before = known.map_or(value, |values| values.before);
            let now = limit.wanted(daemons).max(value);
            if now == value {
                match known {
                    Some(_) => {}
                    None => drop(note.raised.remove(limit.name)),
                }
                continue;
            }
            let was = note.raised.insert(limit.name.to_owned(), Values { before, now });
            // Written down first: a daemon that is killed now has at worst put back what was not raised.
            self.write(&note)?;
            if let Err(error) = self.set(limit, now) {
                failed.push(Raised {
                    name: limit.name.to_owned(),
                    before,
                    now,
                    failed: Some(error.to_string()),
                });
                match was {
                    Some(was) => drop(note.raised.insert(limit.name.to_owned(), was)),
                    None => drop(note.raised.remove(limit.name)),
                }
            }
        }
        self.write(&note)?;
        let one = |(name, values): (&String, &Values)| Raised {
            name: name.clone(),
            before: values.before,
            now: values.now,
            failed: None,
        };
        Ok(note.raised.iter().map(one).chain(failed).collect())
    }

    /// The daemon of this name has ended. Where it was the last, everything is put back.
    ///
    /// # Errors
    /// The note cannot be read or written, or a value cannot be put back; then the next one to end tries again.
    pub fn release(&self, name: &str) -> io::Result<()> {
        if !self.directory.exists() {
            return Ok(());
        }
        let _lock = self.lock()?;
        let mut note = self.read()?;
        note.holders.retain(|other| other.name != name && other.is_alive(&self.proc));
        if note.holders.is_empty() {
            for limit in TABLE {
                let Some(values) = note.raised.get(limit.name).copied() else { continue };
                if number(&sysctl(&self.proc, limit.name)) == Some(values.now) {
                    self.set(limit, values.before)?;
                }
                note.raised.remove(limit.name);
            }
        }
        self.write(&note)
    }

    fn set(&self, limit: &Limit, value: u64) -> io::Result<()> {
        fs::write(sysctl(&self.proc, limit.name), value.to_string())
    }

    fn lock(&self) -> io::Result<File> {
        match DirBuilder::new().mode(0o700).create(&self.directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let lock = File::create(self.directory.join("lock"))?;
        lock.lock()?;
        Ok(lock)
    }

    fn note(&self) -> PathBuf {
        self.directory.join("note.json")
    }

    fn read(&self) -> io::Result<Note> {
        match fs::read(self.note()) {
            Ok(text) => Ok(serde_json::from_slice(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Note::default()),
            Err(error) => Err(error),
        }
    }

    fn write(&self, note: &Note) -> io::Result<()> {
        let new = self.directory.join("note.json.new");
        fs::write(&new, serde_json::to_vec(note)?)?;
        fs::rename(new, self.note())
    }
}

#[cfg(test)]
mod tests {
    use super::super::sight::tests::proc;
    use super::*;

    const INSTANCES: &str = "sys/fs/inotify/max_user_instances";

    struct Machine(tempfile::TempDir);

    impl Machine {
        fn new() -> Self {
            Self(proc(&[(INSTANCES, "128\n"), ("sys/kernel/pid_max", "4194304\n")]))
        }

        fn ledger(&self) -> Ledger {
            Ledger { directory: self.0.path().join("note"), proc: self.0.path().to_owned() }
        }

        fn value(&self) -> u64 {
            number(&self.0.path().join(INSTANCES)).expect("a number")
        }

        /// A process that runs.
        fn daemon(&self, name: &str, pid: u32) -> Holder {
            let stat = format!("{pid} (a ) name) S 1{} 77 0", " 0".repeat(17));
            let directory = self.0.path().join(pid.to_string());
            fs::create_dir_all(&directory).expect("a directory");
            fs::write(directory.join("stat"), stat).expect("written");
            Holder { name: name.to_owned(), pid, began: 77 }
        }

        fn kill(&self, pid: u32) {
            fs::remove_dir_all(self.0.path().join(pid.to_string())).expect("removed");
        }
    }

    #[test]
    fn a_limit_is_raised_for_as_long_as_a_daemon_runs() {
        let machine = Machine::new();
        let ledger = machine.ledger();
        let raised = ledger.take(machine.daemon("a", 1)).expect("taken");
        let names: Vec<&str> = raised.iter().map(|raised| raised.name.as_str()).collect();
        assert_eq!(names, ["fs.inotify.max_user_instances"], "what suffices stays");
        assert_eq!((raised[0].before, raised[0].now), (128, 1128));
        assert_eq!(machine.value(), 1128);
        // A second one has its own share.
        ledger.take(machine.daemon("b", 2)).expect("taken");
        assert_eq!(machine.value(), 2128);
        ledger.release("a").expect("released");
        assert_eq!(machine.value(), 2128, "the other one still runs");
        ledger.release("b").expect("released");
        assert_eq!(machine.value(), 128);
        ledger.release("b").expect("nothing happens");
        assert_eq!(machine.value(), 128);
    }

    #[test]
    fn what_a_killed_daemon_had_raised_is_put_back_by_the_next_to_end() {
        let machine = Machine::new();
        let ledger = machine.ledger();
        ledger.take(machine.daemon("a", 1)).expect("taken");
        // With its janitor.
        machine.kill(1);
        let raised = ledger.take(machine.daemon("b", 2)).expect("taken");
        assert_eq!((raised[0].before, raised[0].now), (128, 1128), "what it was is not forgotten");
        // The same state directory again, and a process that has got an old number.
        machine.kill(2);
        ledger.take(machine.daemon("b", 2)).expect("taken");
        let stale = Holder { began: 5, ..machine.daemon("c", 3) };
        ledger.take(stale).expect("taken");
        ledger.release("b").expect("released");
        assert_eq!(machine.value(), 128);
    }

    #[test]
    fn what_somebody_else_has_set_stays() {
        let machine = Machine::new();
        let ledger = machine.ledger();
        ledger.take(machine.daemon("a", 1)).expect("taken");
        fs::write(machine.0.path().join(INSTANCES), "8192\n").expect("written");
        assert!(ledger.take(machine.daemon("b", 2)).expect("taken").is_empty(), "8192 is nobody's of ours");
        ledger.release("a").expect("released");
        ledger.release("b").expect("released");
        assert_eq!(machine.value(), 8192);
        // And what is enough already is not touched.
        assert!(ledger.take(machine.daemon("a", 1)).expect("taken").is_empty());
        ledger.release("a").expect("released");
        assert_eq!(machine.value(), 8192);
    }

    #[test]
    fn what_cannot_be_raised_is_told_and_not_put_back() {
        let machine = Machine::new();
        // A number of the kernel's that not even root can write.
        let file = machine.0.path().join(INSTANCES);
        fs::remove_file(&file).expect("removed");
        std::os::unix::fs::symlink("/proc/sys/kernel/cap_last_cap", &file).expect("a link");
        let before = machine.value();
        let ledger = machine.ledger();
        let raised = ledger.take(machine.daemon("a", 1)).expect("taken");
        assert_eq!(raised.len(), 1);
        assert!(raised[0].failed.is_some(), "{raised:?}");
        ledger.release("a").expect("there is nothing to put back");
        assert_eq!(machine.value(), before);
    }
}
