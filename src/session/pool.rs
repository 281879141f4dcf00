//! The shells of a lesson: one a host, opened when first used, closed together at the lesson's end.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::dial::BoxFuture;
use super::ssh::KnownHosts;
use super::{Dial, Error, Machine, Setup, Shell};

/// How to reach one host by SSH.
#[derive(Debug, Clone)]
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
#[derive(Clone)]
pub struct KeyFile {
    /// Its path as the learner would write it (`~/web-key.pem`); for messages and for the book's `ssh` command.
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
    fn resolve<'a>(&'a self, host: &'a str, via: Option<&'a str>) -> BoxFuture<'a, Result<Target, ResolveError>>;

    /// The instance's console output so far, from which its host keys are read. Asked again, with back-off, until the
    /// keys are in it.
    fn console_output<'a>(&'a self, instance: &'a str) -> BoxFuture<'a, Result<String, ResolveError>>;
}

/// The name of the learner's own machine.
pub const LAPTOP: &str = "laptop";

/// Shells by host name.
pub struct Pool {
    _laptop: Arc<dyn Machine>,
    _dial: Arc<dyn Dial>,
    _resolve: Arc<dyn Resolve>,
    _known_hosts: Arc<dyn KnownHosts>,
    _shells: HashMap<String, Shell>,
}

impl Pool {
    /// A pool with no shell open. `setup` is how the laptop's shell begins.
    pub fn new(
        _laptop: Arc<dyn Machine>,
        _setup: Setup,
        _dial: Arc<dyn Dial>,
        _resolve: Arc<dyn Resolve>,
        _known_hosts: Arc<dyn KnownHosts>,
    ) -> Self {
        todo!()
    }

    /// The shell of `host` ([`LAPTOP`] or an instance's name), reached through `via`. Resolves the host anew each time:
    /// when the name now means another instance, its shell is a new one. Waits for a fresh instance's SSH.
    pub async fn shell(&mut self, _host: &str, _via: Option<&str>) -> Result<&mut Shell, Error> {
        todo!()
    }

    /// The `ssh` command that a person would type to get to `host`: `ssh -i web-key.pem admin@203.0.113.7`.
    pub async fn ssh_command(&self, _host: &str, _via: Option<&str>) -> Result<String, Error> {
        todo!()
    }

    /// Closes all shells and connections of other hosts; the laptop's shell stays.
    pub async fn close_hosts(&mut self) {
        todo!()
    }

    /// Closes everything.
    pub async fn close(&mut self) {
        todo!()
    }
}
