//! The calls that the daemon answers, one method each.

use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::UnixStream;

use super::super::server::{Console, Link, PROTOCOL, Request, Spawned};
use super::{
    ClientError, Kept, LabAccess, LastExit, Paths, Pong, Process, Progress, Refusal, SpawnSpec, Status, Swept,
};
use crate::private;

/// A way to the daemon of one state directory.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) paths: Paths,
}

/// While it is there, the region's package mirror asks nobody.
#[derive(Debug)]
pub struct Offline {
    _link: Link,
}

/// How an answer travels.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    Ok(Value),
    Error(Refusal),
}

impl Client {
    /// Reach the daemon that is running.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`] with the last daemon's end, if nobody answers; [`ClientError::OtherVersion`].
    pub async fn connect(paths: &Paths) -> Result<Client, ClientError> {
        let client = Client { paths: paths.clone() };
        let pong = client.ping().await?;
        let ours = crate::region::build::id();
        if pong.version == ours || pong.protocol == PROTOCOL {
            Ok(client)
        } else {
            Err(ClientError::OtherVersion { running: pong.version, ours: ours.to_owned() })
        }
    }

    /// Reach the daemon; start it if it is not running, which asks for a password by `sudo` if need be, and builds
    /// the guest image if this machine has none yet.
    ///
    /// # Errors
    /// [`ClientError::NotStarted`] with what the daemon said, and the errors of [`Client::connect`].
    pub async fn ensure_running(
        paths: &Paths,
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<Client, ClientError> {
        match Client::connect(paths).await {
            Ok(client) if client.is_of_this_build().await? => return Ok(client),
            // The program was built anew. A daemon in which nothing runs can be replaced without asking.
            Ok(client) => {
                if client.has_instances().await {
                    progress(Progress::OtherBuild);
                    return Ok(client);
                }
                client.stop().await?;
            }
            Err(ClientError::OtherVersion { running, ours }) => {
                let client = Client::unchecked(paths);
                if client.has_instances().await {
                    return Err(ClientError::OtherVersion { running, ours });
                }
                client.stop().await?;
            }
            Err(ClientError::NotRunning { .. }) => {}
            Err(error) => return Err(error),
        }
        super::start::start(paths, &mut progress).await?;
        let client = Client::connect(paths).await?;
        progress(Progress::Ready);
        Ok(client)
    }

    /// Where the daemon cannot start because its saved state cannot be read: keep that under another name, so that the next
    /// start begins anew. Answers in which directory it is then; `None` if it can be read.
    ///
    /// # Errors
    /// When a daemon runs, or the files cannot be moved.
    pub async fn set_aside(paths: &Paths) -> Result<Option<PathBuf>, ClientError> {
        super::start::set_aside(paths).await
    }

    /// A way to the daemon whatever its version: only [`Client::stop`] is sure to be understood.
    pub fn unchecked(paths: &Paths) -> Client {
        Client { paths: paths.clone() }
    }

    /// Version and process of the daemon.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`] if nobody answers.
    pub async fn ping(&self) -> Result<Pong, ClientError> {
        self.ask(&Request::Ping).await
    }

    /// Whether the daemon is of the same build as this program.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`] if nobody answers.
    pub async fn is_of_this_build(&self) -> Result<bool, ClientError> {
        Ok(self.ping().await?.version == crate::region::build::id())
    }

    /// Whether ending the daemon would end something, as far as it can be understood.
    async fn has_instances(&self) -> bool {
        let status = self.status().await;
        status.map_or(true, |status| status.labs.iter().any(|lab| !lab.instances.is_empty()))
    }

    /// What is running: the labs that the caller may see and their instances.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`] if nobody answers.
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.ask(&Request::Status).await
    }

    /// Make the lab unless it exists, and boot its laptop. The directories [`Paths::lab_home`] and
    /// [`Paths::lab_run`] are made here, by the caller and owned by it, and for it alone.
    ///
    /// # Errors
    /// When the lab is another user's, or cannot be built.
    pub async fn ensure_lab(&self, lab: &str, region: &str) -> Result<LabAccess, ClientError> {
        let place = self.paths.lab(lab);
        let is_new = !place.exists();
        for directory in [&place, &self.paths.lab_home(lab), &self.paths.lab_run(lab)] {
            private::directory(directory).map_err(|error| ClientError::at(directory, error))?;
        }
        let request = Request::EnsureLab { lab: lab.to_owned(), region: region.to_owned() };
        let answer = self.ask(&request).await;
        if answer.is_err() && is_new {
            // Nobody has put anything there.
            let _ = std::fs::remove_dir_all(&place);
        }
        answer
    }

    /// Remove the lab with everything in it, but for the caller's own directory of it.
    ///
    /// # Errors
    /// When there is no such lab, or it is another user's.
    pub async fn remove_lab(&self, lab: &str) -> Result<(), ClientError> {
        self.ask::<Value>(&Request::RemoveLab { lab: lab.to_owned() }).await.map(drop)
    }

    /// Keep the lab as it is now: its account, the disks of its instances, the laptop's home directory. The instances
    /// stand still meanwhile.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with code `no-space` where the disk is too full.
    pub async fn keep(&self, lab: &str) -> Result<Kept, ClientError> {
        self.ask(&Request::Keep { lab: lab.to_owned() }).await
    }

    /// Make a lab that goes on from a kept moment. Its directories are made by the caller, the home directory empty.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with code `unusable` if the moment is not there or not for this region.
    pub async fn restore(&self, lab: &str, state: &str) -> Result<LabAccess, ClientError> {
        self.ask(&Request::Restore { lab: lab.to_owned(), state: state.to_owned() }).await
    }

    /// Remove the kept moments that no checkpoint names any more.
    ///
    /// # Errors
    /// When nobody answers or the directory cannot be read.
    pub async fn sweep(&self) -> Result<Swept, ClientError> {
        self.ask(&Request::Sweep).await
    }

    /// A TCP connection from the lab's laptop to `address:port`. It stays usable when the daemon ends, as far as the
    /// other end lives.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with code `timed-out` or `unreachable` (nobody listens, no route).
    pub async fn dial(
        &self,
        lab: &str,
        address: Ipv4Addr,
        port: u16,
        timeout: Duration,
    ) -> Result<TcpStream, ClientError> {
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        let mut link = self.link().await?;
        let request = Request::Dial { lab: lab.to_owned(), address, port, timeout_ms };
        link.send(&request, &[]).await.map_err(ClientError::Broken)?;
        let (_, descriptors): (Value, _) = answer(&mut link).await?;
        let socket = descriptors.into_iter().next().ok_or_else(|| unexpected("no socket came with it"))?;
        Ok(TcpStream::from(socket))
    }

    /// Start a process on the lab's laptop, as its user, in a session of its own (with a controlling terminal if
    /// its input is one). Dropping the [`Process`] ends the whole session.
    ///
    /// # Errors
    /// When there is no such lab, or the program cannot be started.
    pub async fn spawn(
        &self,
        lab: &str,
        command: SpawnSpec,
        stdio: [OwnedFd; 3],
    ) -> Result<Process, ClientError> {
        let mut link = self.link().await?;
        let request = Request::Spawn { lab: lab.to_owned(), command };
        let stdio = stdio.each_ref().map(AsFd::as_fd);
        link.send(&request, &stdio).await.map_err(ClientError::Broken)?;
        let (spawned, _): (Spawned, _) = answer(&mut link).await?;
        Ok(Process::new(link, spawned.pid))
    }

    /// The newest 64 KiB of an instance's console.
    ///
    /// # Errors
    /// When the lab has no such instance.
    pub async fn console(&self, lab: &str, instance: &str) -> Result<String, ClientError> {
        let request = Request::Console { lab: lab.to_owned(), instance: instance.to_owned() };
        self.ask::<Console>(&request).await.map(|console| console.output)
    }

    /// Has the package mirror fetch nothing until what this gives is dropped.
    ///
    /// # Errors
    /// When nobody answers, or another user started the daemon.
    pub async fn offline(&self) -> Result<Offline, ClientError> {
        let mut link = self.link().await?;
        link.send(&Request::Offline, &[]).await.map_err(ClientError::Broken)?;
        answer::<Value>(&mut link).await?;
        Ok(Offline { _link: link })
    }

    /// End the daemon and everything that runs in it; labs and disks stay. Returns when it has ended.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn stop(&self) -> Result<(), ClientError> {
        let mut link = self.link().await?;
        link.send(&Request::Stop, &[]).await.map_err(ClientError::Broken)?;
        answer::<Value>(&mut link).await?;
        super::start::wait_for_end(&self.paths).await
    }

    /// Remove all labs of the caller; all labs, if the caller is root.
    ///
    /// # Errors
    /// When nobody answers or something cannot be removed.
    pub async fn reset(&self) -> Result<(), ClientError> {
        self.ask::<Value>(&Request::Reset).await.map(drop)
    }

    async fn link(&self) -> Result<Link, ClientError> {
        match UnixStream::connect(self.paths.control_socket()).await {
            Ok(stream) => Ok(Link::new(stream)),
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) =>
            {
                Err(ClientError::NotRunning { last: LastExit::read(&self.paths.last_exit()) })
            }
            Err(error) => Err(ClientError::Broken(error)),
        }
    }

    async fn ask<T: DeserializeOwned>(&self, request: &Request) -> Result<T, ClientError> {
        let mut link = self.link().await?;
        link.send(request, &[]).await.map_err(ClientError::Broken)?;
        answer(&mut link).await.map(|(value, _)| value)
    }
}

async fn answer<T: DeserializeOwned>(link: &mut Link) -> Result<(T, Vec<OwnedFd>), ClientError> {
    let (answer, descriptors) = link
        .receive::<Answer>()
        .await
        .map_err(ClientError::Broken)?
        .ok_or_else(|| ClientError::Broken(io::ErrorKind::UnexpectedEof.into()))?;
    match answer {
        Answer::Ok(value) => {
            let value = serde_json::from_value(value).map_err(|error| unexpected(&error.to_string()))?;
            Ok((value, descriptors))
        }
        Answer::Error(refusal) => Err(refusal.into()),
    }
}

fn unexpected(what: &str) -> ClientError {
    ClientError::Unexpected(what.to_owned())
}
