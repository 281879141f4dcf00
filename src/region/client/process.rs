//! A process on the laptop, seen from here.

use std::io;

use super::super::server::{Link, Request};
use super::{ClientError, Exited, SignalScope};

/// A process that [`super::Client::spawn`] started. Dropping it ends the process and its whole session.
#[derive(Debug)]
pub struct Process {
    link: Link,
    pid: i32,
    exited: Option<Exited>,
}

impl Process {
    pub(super) fn new(link: Link, pid: i32) -> Process {
        Process { link, pid, exited: None }
    }

    /// Its number on the laptop: what `echo $$` says there.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// How it ends. Cancel-safe; after the end it answers the same again.
    ///
    /// # Errors
    /// When the daemon ends first.
    pub async fn wait(&mut self) -> Result<Exited, ClientError> {
        if let Some(exited) = self.exited {
            return Ok(exited);
        }
        let line = self.link.receive::<Exited>().await.map_err(ClientError::Broken)?;
        let (exited, _) = line.ok_or_else(|| ClientError::Broken(io::ErrorKind::UnexpectedEof.into()))?;
        self.exited = Some(exited);
        Ok(exited)
    }

    /// Send it a signal, also to its group or its whole session. Nothing happens if it has ended.
    ///
    /// # Errors
    /// When the daemon has ended.
    pub async fn signal(&self, signal: i32, scope: SignalScope) -> Result<(), ClientError> {
        self.link.send(&Request::Signal { signal, scope }, &[]).await.map_err(ClientError::Broken)
    }
}
