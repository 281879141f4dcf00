//! One authenticated connection to a server whose host key is one of those expected.

use std::borrow::Cow;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::Preferred;
use russh::client::{self, AuthResult};
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::Error;
use crate::session::{Dial, Target};

/// How long one attempt may take to connect, and again to get through key exchange and login.
const ATTEMPT: Duration = Duration::from_secs(5);
const LOGIN: Duration = Duration::from_secs(15);

/// An open connection.
pub(super) struct Connection {
    handle: client::Handle<Checker>,
    address: String,
    /// The connection through which this one goes lives as long.
    _via: Option<Arc<Connection>>,
    /// The login shell prints something before it starts a program.
    noise: AtomicBool,
}

/// The way to a server.
pub(super) enum Route {
    Direct(Arc<dyn Dial>),
    /// Through this host's connection; the name is for messages.
    Through(Arc<Connection>, String),
}

impl Connection {
    /// Connects and logs in.
    pub(super) async fn open(target: &Target, expected: &[String], route: Route) -> Result<Self, Error> {
        let address = format!("{}:{}", target.address, target.port);
        let key = russh::keys::decode_secret_key(&target.key.text, None)
            .map_err(|error| Error::KeyFile { path: target.key.path.clone(), reason: error.to_string() })?;
        match route {
            Route::Direct(dial) => {
                let stream = timeout(ATTEMPT, dial.dial(&target.address, target.port, ATTEMPT))
                    .await
                    .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
                    .map_err(|source| connect_error(&address, source))?;
                // Small packets go back and forth; waiting to fill one costs 40 ms each time.
                let _ = stream.set_nodelay(true);
                Self::log_in(target, expected, address, key, stream, None).await
            }
            Route::Through(via, name) => {
                let opened = via.handle.channel_open_direct_tcpip(
                    target.address.clone(),
                    u32::from(target.port),
                    "127.0.0.1",
                    0,
                );
                let channel = match timeout(ATTEMPT, opened).await {
                    Err(_) => return Err(Error::Timeout { address, after: ATTEMPT }),
                    Ok(Err(russh::Error::ChannelOpenFailure(reason))) => {
                        let reason = format!("{reason:?}");
                        return Err(Error::ViaRefused { address, via: name, reason });
                    }
                    Ok(Err(source)) => return Err(Error::Protocol { address, source }),
                    Ok(Ok(channel)) => channel,
                };
                Self::log_in(target, expected, address, key, channel.into_stream(), Some(via)).await
            }
        }
    }

    async fn log_in<S>(
        target: &Target,
        expected: &[String],
        address: String,
        key: PrivateKey,
        stream: S,
        via: Option<Arc<Connection>>,
    ) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let expected: Vec<PublicKey> = expected.iter().filter_map(|key| key.parse().ok()).collect();
        let offered = Arc::new(Mutex::new(None));
        let checker = Checker { expected: expected.clone(), offered: Arc::clone(&offered) };
        let logged_in = timeout(LOGIN, async {
            let mut handle = client::connect_stream(config(&expected), stream, checker).await?;
            let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
            let hash = match key.algorithm().is_rsa() {
                // An RSA key signs with SHA-2; servers that do not tell what they take have taken that since 2016.
                true => handle.best_supported_rsa_hash().await?.unwrap_or(Some(HashAlg::Sha256)),
                false => None,
            };
            let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
            let answer = handle.authenticate_publickey(&target.user, key).await?;
            Ok((handle, answer, fingerprint))
        });
        let (handle, answer, fingerprint) = match logged_in.await {
            Err(_) => return Err(Error::Timeout { address, after: LOGIN }),
            Ok(Err(russh::Error::UnknownKey)) => {
                let offered = offered.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
                return Err(Error::HostKey {
                    address,
                    instance: target.instance.clone(),
                    offered: offered.unwrap_or_else(|| "none".to_owned()),
                    expected: expected.iter().map(fingerprint_of).collect::<Vec<_>>().join(", "),
                });
            }
            Ok(Err(source)) => return Err(session_error(address, source)),
            Ok(Ok(parts)) => parts,
        };
        match answer {
            AuthResult::Success => Ok(Self { handle, address, _via: via, noise: AtomicBool::new(false) }),
            AuthResult::Failure { .. } => Err(Error::Denied {
                address,
                user: target.user.clone(),
                path: target.key.path.clone(),
                fingerprint,
            }),
        }
    }

    /// Whether it is known to have ended.
    pub(super) fn is_closed(&self) -> bool {
        self.handle.is_closed() || self._via.as_ref().is_some_and(|via| via.is_closed())
    }

    /// Takes note that the login shell prints something before it starts a program.
    pub(super) fn note_noise(&self) {
        self.noise.store(true, Ordering::Relaxed);
    }

    /// Whether the login shell is known to print something before it starts a program.
    pub(super) fn is_noisy(&self) -> bool {
        self.noise.load(Ordering::Relaxed)
    }

    /// A new session channel; [`Error::Full`] when the server allows no more of them on this connection.
    pub(super) async fn session(&self) -> Result<russh::Channel<client::Msg>, Error> {
        let failed = |source| Error::Protocol { address: self.address.clone(), source };
        match timeout(ATTEMPT, self.handle.channel_open_session()).await {
            Ok(Err(russh::Error::ChannelOpenFailure(_))) => {
                Err(Error::Full { address: self.address.clone() })
            }
            Ok(channel) => channel.map_err(failed),
            Err(_) => Err(failed(russh::Error::ConnectionTimeout)),
        }
    }

    /// Says good-bye to the server.
    pub(super) async fn close(&self) {
        let bye = self.handle.disconnect(russh::Disconnect::ByApplication, "", "en");
        let _ = timeout(Duration::from_millis(500), bye).await;
    }
}

fn connect_error(address: &str, source: io::Error) -> Error {
    let address = address.to_owned();
    match source.kind() {
        io::ErrorKind::ConnectionRefused => Error::Refused { address },
        io::ErrorKind::TimedOut => Error::Timeout { address, after: ATTEMPT },
        _ => Error::Unreachable { address, source },
    }
}

fn session_error(address: String, source: russh::Error) -> Error {
    match source {
        russh::Error::HUP | russh::Error::Disconnect => Error::ClosedEarly { address },
        russh::Error::IO(io)
            if matches!(
                io.kind(),
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
            ) =>
        {
            Error::ClosedEarly { address }
        }
        source => Error::Protocol { address, source },
    }
}

fn config(expected: &[PublicKey]) -> Arc<client::Config> {
    let known = |algorithm: &russh::keys::Algorithm| {
        expected.iter().any(|key| match (algorithm, key.algorithm()) {
            (russh::keys::Algorithm::Rsa { .. }, russh::keys::Algorithm::Rsa { .. }) => true,
            (offered, pinned) => *offered == pinned,
        })
    };
    let keys: Vec<_> = Preferred::DEFAULT.key.iter().filter(|algorithm| known(algorithm)).cloned().collect();
    Arc::new(client::Config {
        // Only keys of pinned types: a server's other keys are good keys too, but nobody has told us them.
        preferred: Preferred { key: Cow::Owned(keys), ..Preferred::DEFAULT },
        keepalive_interval: Some(Duration::from_secs(5)),
        keepalive_max: 3,
        // What a shell prints between two blocks waits here; when it is full, the whole connection waits.
        channel_buffer_size: 1024,
        ..client::Config::default()
    })
}

fn fingerprint_of(key: &PublicKey) -> String {
    format!("{} {}", key.algorithm(), key.fingerprint(HashAlg::Sha256))
}

/// Accepts the expected host keys and nothing else.
struct Checker {
    expected: Vec<PublicKey>,
    offered: Arc<Mutex<Option<String>>>,
}

impl client::Handler for Checker {
    type Error = russh::Error;

    async fn check_server_key(&mut self, server: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = server else {
            return Ok(false);
        };
        let mut offered = self.offered.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *offered = Some(fingerprint_of(key));
        Ok(self.expected.iter().any(|expected| expected.key_data() == key.key_data()))
    }
}
