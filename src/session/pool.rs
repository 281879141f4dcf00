//! The shells of a lesson: one a host, opened when first used, closed together at the lesson's end.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::dial::BoxFuture;
use super::ssh::{Host, KnownHosts};
use super::{Dial, Error, Machine, Setup, Shell};

/// How to reach one host by SSH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The instance's id; host keys are pinned by it.
    pub instance: String,
    /// The address to connect to: public, or private when reached through another host.
    pub address: String,
    /// Usually 22.
    pub port: u16,
    /// The login user of the image.
    pub user: String,
    /// The private key.
    pub key: KeyFile,
}

/// A private key.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyFile {
    /// Its path as the learner would write it (`web-key.pem`, `~/.ssh/id_rsa`); for messages and for the book's `ssh` command.
    pub path: String,
    /// Its text (PEM: PKCS#1, PKCS#8 or OpenSSH; without passphrase).
    pub text: String,
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Why a host's name led nowhere; a lower-case fragment, such as `no running instance has the Name tag "web"`.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct ResolveError(pub String);

/// What host names mean: implemented over the cloud's inventory.
pub trait Resolve: Send + Sync {
    /// Finds the host. With `via`, the address must be one that `via` reaches (the private one).
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        via: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Target, ResolveError>>;

    /// The instance's console output so far, from which its host keys are read. Asked again, with back-off, until the
    /// keys are in it.
    fn console_output<'a>(&'a self, instance: &'a str) -> BoxFuture<'a, Result<String, ResolveError>>;
}

/// The name of the learner's own machine.
pub const LAPTOP: &str = "laptop";

/// Shells by host name.
pub struct Pool {
    laptop: Shell,
    dial: Arc<dyn Dial>,
    resolve: Arc<dyn Resolve>,
    known_hosts: Arc<dyn KnownHosts>,
    hosts: HashMap<String, Entry>,
}

struct Entry {
    /// Through which host it is reached.
    via: Option<String>,
    host: Arc<Host>,
    shell: Shell,
}

impl Pool {
    /// A pool with no shell open. `setup` is how the laptop's shell begins.
    pub fn new(
        laptop: Arc<dyn Machine>,
        setup: Setup,
        dial: Arc<dyn Dial>,
        resolve: Arc<dyn Resolve>,
        known_hosts: Arc<dyn KnownHosts>,
    ) -> Self {
        Self { laptop: Shell::new(laptop, setup), dial, resolve, known_hosts, hosts: HashMap::new() }
    }

    /// The shell of `host` ([`LAPTOP`] or an instance's name), reached through `via`. A host whose shell is open is not
    /// looked up again; one whose connection has ended is, and when the name now means another instance, its shell is a
    /// new one. Waits for a fresh instance's SSH when the shell runs its first block.
    pub async fn shell(&mut self, host: &str, via: Option<&str>) -> Result<&mut Shell, Error> {
        if host == LAPTOP {
            return Ok(&mut self.laptop);
        }
        self.ensure(host, via).await?;
        self.hosts.get_mut(host).map(|entry| &mut entry.shell).ok_or_else(|| unknown(host))
    }

    /// Which boot of `host` its shell last ran in; see [`Shell::boot`].
    pub fn boot(&self, host: &str) -> Option<&str> {
        if host == LAPTOP { self.laptop.boot() } else { self.hosts.get(host)?.shell.boot() }
    }

    /// How connections from the laptop are opened.
    pub fn dial(&self) -> &Arc<dyn Dial> {
        &self.dial
    }

    /// The host itself, for programs beside its shell.
    pub async fn host(&mut self, host: &str, via: Option<&str>) -> Result<Arc<Host>, Error> {
        self.ensure(host, via).await?;
        self.hosts.get(host).map(|entry| Arc::clone(&entry.host)).ok_or_else(|| unknown(host))
    }

    async fn ensure(&mut self, name: &str, via: Option<&str>) -> Result<(), Error> {
        let open =
            self.hosts.get(name).is_some_and(|entry| entry.via.as_deref() == via && entry.host.is_open());
        if open {
            return Ok(());
        }
        let between = match via {
            Some(via) => {
                Box::pin(self.ensure(via, None)).await?;
                self.hosts.get(via).map(|entry| Arc::clone(&entry.host))
            }
            None => None,
        };
        let target = self.resolve.resolve(name, via).await;
        let target = target.map_err(|source| Error::Resolve { host: name.to_owned(), source })?;
        let same = self.hosts.get(name).is_some_and(|entry| {
            entry.host.target() == &target
                && entry.via.as_deref() == via
                && entry.host.via_is(between.as_ref())
        });
        if same {
            return Ok(());
        }
        let before = self.hosts.remove(name);
        let host = Arc::new(Host::new(
            target,
            Arc::clone(&self.dial),
            between,
            Arc::clone(&self.known_hosts),
            Arc::clone(&self.resolve),
        ));
        let mut setup = Setup::default();
        if let Some(mut before) = before {
            before.shell.close().await;
            before.host.close().await;
            // Another way, or another address after a stop and a start: it is still the same system.
            if before.host.target().instance == host.target().instance {
                setup.state = Some(before.shell.state().clone());
            }
        }
        let machine: Arc<dyn Machine> = Arc::clone(&host) as _;
        let entry = Entry { via: via.map(str::to_owned), host, shell: Shell::new(machine, setup) };
        self.hosts.insert(name.to_owned(), entry);
        Ok(())
    }

    /// The `ssh` command that a person would type to get to `host`: `ssh -i web-key.pem admin@203.0.113.7`. None for the
    /// laptop, and for a host that nothing has been done on yet.
    pub fn ssh_command(&self, host: &str) -> Option<String> {
        self.hosts.get(host).map(|entry| entry.host.command())
    }

    /// Closes all shells and connections of other hosts, those behind others first; the laptop's shell stays.
    pub async fn close_hosts(&mut self) {
        let mut entries: Vec<Entry> = self.hosts.drain().map(|(_, entry)| entry).collect();
        entries.sort_by_key(|entry| entry.via.is_none());
        for mut entry in entries {
            entry.shell.close().await;
            entry.host.close().await;
        }
    }

    /// Closes everything.
    pub async fn close(&mut self) {
        self.close_hosts().await;
        self.laptop.close().await;
    }
}

fn unknown(host: &str) -> Error {
    Error::Resolve { host: host.to_owned(), source: ResolveError("nothing is known of it".to_owned()) }
}
