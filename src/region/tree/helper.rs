//! The fetcher, kept alive by the front: it is started anew when it dies, ever later, and given up when it does so again
//! and again.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;

use super::Launch;
use crate::output::remark;
use crate::region::internet::mirror::fetcher;

/// So often it may die in a row.
const DEATHS: u32 = 5;
/// The pause before it is first started anew; each further one is twice as long. The front can wait so long.
const PAUSE: Duration = Duration::from_millis(50);
/// After this time its next death is the first again.
const WELL: Duration = Duration::from_secs(60);

/// The fetcher stays with us in the host's namespaces and ends with us; the region holds the other end of its socket.
pub(super) struct Fetcher<'a> {
    launch: &'a Launch,
    /// Its end of the socket, which outlives it; none when it is not to be started any more.
    socket: Option<UnixStream>,
    pid: Pid,
    begun: Instant,
    deaths: u32,
}

impl<'a> Fetcher<'a> {
    /// Starts it. The region's end of its socket.
    pub fn start(launch: &'a Launch) -> io::Result<(Self, UnixStream)> {
        let (ours, theirs) = UnixStream::pair()?;
        let pid = spawn(launch, &theirs)?;
        Ok((Self { launch, socket: Some(theirs), pid, begun: Instant::now(), deaths: 0 }, ours))
    }

    /// Hears that some child has ended.
    pub fn ended(&mut self, status: WaitStatus) {
        if status.pid() != Some(self.pid) {
            return;
        }
        // It ends by itself only when the region has closed the other end.
        if matches!(status, WaitStatus::Exited(_, 0)) {
            self.socket = None;
        }
        self.deaths = if self.begun.elapsed() > WELL { 1 } else { self.deaths + 1 };
        let Some(socket) = self.socket.take() else { return };
        if self.deaths > DEATHS {
            // With our copy of the socket gone, the region hears that nothing will come.
            remark!(
                "region-front: the fetcher has died {DEATHS} times in a row: nothing is fetched any more"
            );
            return;
        }
        remark!("region-front: the fetcher has died ({status:?}); it is started anew");
        sleep(PAUSE * 2_u32.pow(self.deaths - 1));
        match spawn(self.launch, &socket) {
            Ok(pid) => (self.pid, self.begun, self.socket) = (pid, Instant::now(), Some(socket)),
            Err(error) => remark!("region-front: start the fetcher anew: {error}"),
        }
    }
}

fn spawn(launch: &Launch, socket: &UnixStream) -> io::Result<Pid> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(fetcher::VERB).args(launch.to_arguments()).current_dir("/");
    let child = command.stdin(Stdio::from(OwnedFd::from(socket.try_clone()?))).spawn()?;
    Ok(Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?))
}
