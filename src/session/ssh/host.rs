//! A host behind SSH, with its connection kept open.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::connection::{Connection, Route};
use super::{Error, KnownHosts, channel, files, parse_console_keys};
use crate::session::{BoxFuture, Child, Dial, Machine, Program, Resolve, Target};

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
    connection: Mutex<Option<Arc<Connection>>>,
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
            connection: Mutex::new(None),
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
        let open = |connection: &Option<Arc<Connection>>| {
            connection.as_ref().is_some_and(|connection| !connection.is_closed())
        };
        !self.suspected.load(Ordering::Acquire)
            && self.connection.try_lock().is_ok_and(|connection| open(&connection))
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
        let mut connection = self.connection.lock().await;
        if self.suspected.swap(false, Ordering::AcqRel)
            && let Some(old) = connection.take()
        {
            old.close().await;
        }
        if let Some(open) = connection.as_ref().filter(|connection| !connection.is_closed()) {
            return Ok(Arc::clone(open));
        }
        let begun = Instant::now();
        let mut pause = Duration::from_millis(25);
        loop {
            let error = match self.connect().await {
                Ok(open) => {
                    let open = Arc::new(open);
                    *connection = Some(Arc::clone(&open));
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

    /// Writes a whole file by SFTP, and replaces the contents of one that is there. A relative path begins at the login
    /// user's home.
    pub async fn write_file(&self, path: &str, contents: &[u8]) -> io::Result<()> {
        let connection = self.connection().await.map_err(io::Error::other)?;
        match files::write(Arc::clone(&connection), path, contents).await {
            // Writing the same again is safe.
            Err(_) if connection.is_closed() => {
                let connection = self.connection().await.map_err(io::Error::other)?;
                files::write(connection, path, contents).await
            }
            other => other,
        }
    }

    /// Ends the connection.
    pub async fn close(&self) {
        if let Some(connection) = self.connection.lock().await.take() {
            connection.close().await;
        }
    }
}

impl Machine for Host {
    fn spawn<'a>(&'a self, program: Program) -> BoxFuture<'a, io::Result<Child>> {
        Box::pin(async move {
            let connection = self.connection().await.map_err(io::Error::other)?;
            match channel::spawn(Arc::clone(&connection), &program).await {
                // A connection that was dead without our knowing it has started nothing: one more try is safe.
                Err(_) if connection.is_closed() => {
                    let connection = self.connection().await.map_err(io::Error::other)?;
                    channel::spawn(connection, &program).await
                }
                other => other,
            }
        })
    }

    fn suspect(&self) {
        self.suspected.store(true, Ordering::Release);
    }
}
