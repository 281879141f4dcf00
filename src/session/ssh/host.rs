//! A host behind SSH, with its connections kept open.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use russh::client::Msg;

use super::connection::{Connection, Route};
use super::{Error, KnownHosts, channel, files, parse_console_keys};
use crate::session::{BoxFuture, Child, Dial, Machine, Program, Resolve, Target, write_file};

/// How long a fresh instance may take until its SSH answers.
const READY: Duration = Duration::from_secs(120);
/// How long a refused login or another host key is tried again: the keys of a fresh instance may just be being installed.
const SETTLING: Duration = Duration::from_secs(4);

/// A host behind SSH.
pub struct Host {
    target: Target,
    dial: Arc<dyn Dial>,
    via: Option<Arc<Host>>,
    known_hosts: Arc<dyn KnownHosts>,
    console: Arc<dyn Resolve>,
    /// The first is for everything that finds room on it.
    connections: Mutex<Vec<Arc<Connection>>>,
    suspected: AtomicBool,
    ready_within: Duration,
}

impl Host {
    /// A host; nothing is connected yet. With `via`, connections go through that host.
    pub fn new(
        target: Target,
        dial: Arc<dyn Dial>,
        via: Option<Arc<Host>>,
        known_hosts: Arc<dyn KnownHosts>,
        console: Arc<dyn Resolve>,
    ) -> Self {
        Self {
            target,
            dial,
            via,
            known_hosts,
            console,
            connections: Mutex::default(),
            suspected: AtomicBool::new(false),
            ready_within: READY,
        }
    }

    /// Sets how long the host may take until its SSH answers; 120 s unless set.
    #[must_use]
    pub fn ready_within(mut self, limit: Duration) -> Self {
        self.ready_within = limit;
        self
    }

    /// How the host is reached.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Whether its connection is open, as far as is known.
    pub fn is_open(&self) -> bool {
        // A held lock means that it is being opened.
        let open =
            |connections: &[Arc<Connection>]| connections.first().is_some_and(|first| !first.is_closed());
        !self.suspected.load(Ordering::Acquire)
            && self.connections.try_lock().is_ok_and(|connections| open(&connections))
    }

    /// Whether its connections go through that host (`None`: directly).
    pub(in crate::session) fn via_is(&self, via: Option<&Arc<Self>>) -> bool {
        match (&self.via, via) {
            (None, None) => true,
            (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
            _ => false,
        }
    }

    /// The `ssh` command that a person would type: `ssh -i web-key.pem admin@203.0.113.7`. Through another host it is
    /// longer than `-J`, which hands on no key.
    pub fn command(&self) -> String {
        self.command_with("")
    }

    fn command_with(&self, options: &str) -> String {
        let Target { key, user, address, port, .. } = &self.target;
        let port = if *port == 22 { String::new() } else { format!(" -p {port}") };
        let jump = self.via.as_ref().map_or(String::new(), |via| {
            // A key's path is a name in the laptop's home: nothing in it ends the quotes.
            format!(" -o ProxyCommand='{}'", via.command_with(" -W %h:%p"))
        });
        format!("ssh -i {}{jump}{options}{port} {user}@{address}", key.path)
    }

    /// The open connection, or a new one; waits for a host that is booting.
    async fn connection(&self) -> Result<Arc<Connection>, Error> {
        let mut connections = self.connections.lock().await;
        if self.suspected.swap(false, Ordering::AcqRel) {
            for old in connections.drain(..) {
                old.close().await;
            }
        }
        connections.retain(|connection| !connection.is_closed());
        if let Some(open) = connections.first() {
            return Ok(Arc::clone(open));
        }
        let begun = Instant::now();
        let mut pause = Duration::from_millis(25);
        loop {
            let error = match self.connect().await {
                Ok(open) => {
                    let open = Arc::new(open);
                    connections.push(Arc::clone(&open));
                    return Ok(open);
                }
                Err(error) => error,
            };
            let limit = match error.may_pass() {
                Some(true) => self.ready_within,
                Some(false) => SETTLING.min(self.ready_within),
                None => return Err(error),
            };
            if begun.elapsed() + pause > limit {
                return Err(match error {
                    Error::Timeout { address, .. } => Error::Timeout { address, after: begun.elapsed() },
                    other => other,
                });
            }
            sleep(pause).await;
            pause = (pause * 3 / 2).min(Duration::from_secs(1));
        }
    }

    /// A channel for a program, on the first connection that has room for it, or on one more.
    async fn session(&self) -> Result<(Arc<Connection>, russh::Channel<Msg>), Error> {
        self.connection().await?;
        let open = self.connections.lock().await.clone();
        for connection in open {
            match connection.session().await {
                Err(Error::Full { .. }) => {}
                channel => return Ok((connection, channel?)),
            }
        }
        let more = Arc::new(self.connect().await?);
        let channel = more.session().await?;
        self.connections.lock().await.push(Arc::clone(&more));
        Ok((more, channel))
    }

    async fn has_lost_one(&self) -> bool {
        self.connections.lock().await.iter().any(|connection| connection.is_closed())
    }

    async fn connect(&self) -> Result<Connection, Error> {
        let route = match &self.via {
            None => Route::Direct(Arc::clone(&self.dial)),
            Some(via) => {
                let name = via.target.instance.clone();
                let connection = Box::pin(via.connection())
                    .await
                    .map_err(|source| Error::Via { via: name.clone(), source: Box::new(source) })?;
                Route::Through(connection, name)
            }
        };
        let keys = self.host_keys().await?;
        Connection::open(&self.target, &keys, route).await
    }

    /// The pinned host keys; read from the console output, and pinned, the first time.
    async fn host_keys(&self) -> Result<Vec<String>, Error> {
        let instance = &self.target.instance;
        let pinned = self.known_hosts.keys(instance);
        if !pinned.is_empty() {
            return Ok(pinned);
        }
        let console = self.console.console_output(instance).await;
        let console = console.map_err(|source| Error::Console { instance: instance.clone(), source })?;
        let keys = parse_console_keys(&console);
        if keys.is_empty() {
            return Err(Error::NoHostKeys { instance: instance.clone() });
        }
        self.known_hosts
            .pin(instance, &keys)
            .map_err(|source| Error::Pin { instance: instance.clone(), source })?;
        Ok(keys)
    }

    /// Writes a whole file by SFTP, and replaces the contents of one that is there; by a program where there is no SFTP, or
    /// where the login shell prints into it. A relative path begins at the login user's home.
    pub async fn write_file(&self, path: &str, contents: &[u8]) -> io::Result<()> {
        let mut tries = 0;
        loop {
            tries += 1;
            let (connection, channel) = self.session().await.map_err(io::Error::other)?;
            let written = match connection.is_noisy() {
                false => files::write(channel, path, contents).await,
                true => Err(files::Error::NoSftp),
            };
            match written {
                // Writing the same again is safe.
                Err(_) if connection.is_closed() && tries == 1 => {}
                Err(files::Error::NoSftp) => return write_file(self, path, contents).await,
                Err(files::Error::File(error)) => return Err(error),
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Ends the connections.
    pub async fn close(&self) {
        for connection in self.connections.lock().await.drain(..) {
            connection.close().await;
        }
    }
}

impl Machine for Host {
    fn spawn<'a>(&'a self, program: Program) -> BoxFuture<'a, io::Result<Child>> {
        Box::pin(async move {
            let mut tries = 0;
            loop {
                tries += 1;
                let started = match self.session().await {
                    Ok((connection, channel)) => channel::spawn(connection, channel, &program).await,
                    Err(error) => Err(io::Error::other(error)),
                };
                match started {
                    // A connection that was dead without our knowing it has started nothing: one more try is safe.
                    Err(_) if tries == 1 && self.has_lost_one().await => {}
                    other => return other,
                }
            }
        })
    }

    fn suspect(&self) {
        self.suspected.store(true, Ordering::Release);
    }
}
