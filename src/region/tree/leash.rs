//! The janitor as the front keeps it: started anew when it dies, and replaced by the front itself when there is none at
//! the end.

use std::fs::File;
use std::io;
use std::process::{ChildStdin, Command, Stdio};

use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;

use super::{Launch, janitor};
use crate::output::remark;
use crate::private::Directory;

/// So often it may die. It only waits: what kills it more often will not stop.
const DEATHS: u32 = 5;

/// The process that cleans up behind us.
pub(super) struct Janitor<'a> {
    launch: &'a Launch,
    lock: &'a File,
    /// None when it is dead.
    running: Option<(Pid, ChildStdin)>,
    deaths: u32,
}

impl<'a> Janitor<'a> {
    /// Starts it.
    pub(super) fn start(launch: &'a Launch, lock: &'a File) -> io::Result<Self> {
        let running = Some(spawn(launch, lock)?);
        Ok(Self { launch, lock, running, deaths: 0 })
    }

    /// Hears that some child has ended.
    pub(super) fn ended(&mut self, status: WaitStatus) {
        if self.running.as_ref().is_none_or(|(pid, _)| status.pid() != Some(*pid)) {
            return;
        }
        self.running = None;
        self.deaths += 1;
        if self.deaths > DEATHS {
            remark!(
                "region-front: the janitor has died {DEATHS} times: if the front is killed, the next start cleans up"
            );
            return;
        }
        remark!("region-front: the janitor has died ({status:?}); it is started anew");
        match spawn(self.launch, self.lock) {
            Ok(running) => self.running = Some(running),
            Err(error) => remark!("region-front: start the janitor anew: {error}"),
        }
    }

    /// The region has ended, and the notes are written: now everything else of it goes.
    pub(super) fn release(self, region: &Directory) {
        match self.running {
            // Its leash goes with this.
            Some(_) => {}
            None => {
                if let Err(reason) = janitor::clean_up(self.launch, region) {
                    remark!("region-front: {reason}");
                }
            }
        }
    }
}

/// The janitor waits for the end of its standard input: our end of that pipe is its leash. It shares the lock (as its
/// standard output, on which it has nothing to say), so that it ends with both.
fn spawn(launch: &Launch, lock: &File) -> io::Result<(Pid, ChildStdin)> {
    let program = std::env::current_exe()?;
    let mut command = Command::new(program);
    command.arg(janitor::VERB).args(launch.to_arguments()).current_dir("/").stdin(Stdio::piped());
    command.stdout(lock.try_clone()?);
    let mut child = command.spawn()?;
    let leash = child.stdin.take().ok_or_else(|| io::Error::other("it has no leash"))?;
    Ok((Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?), leash))
}
