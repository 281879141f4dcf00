//! How a TCP connection to an address is opened: the one thing about the network that differs between clouds.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use tokio::net::TcpStream;

/// A boxed future, for traits that are used as objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Opens TCP connections as seen from the laptop.
///
/// On the local region the connection is made inside the laptop's network and its descriptor handed over.
pub trait Dial: Send + Sync {
    /// Connects to `host` (an address or a name), or fails with `TimedOut` after `timeout`.
    fn dial<'a>(
        &'a self,
        host: &'a str,
        port: u16,
        timeout: Duration,
    ) -> BoxFuture<'a, io::Result<TcpStream>>;
}

/// Plain connections from this machine (on AWS the laptop is this machine).
#[derive(Debug, Clone, Copy, Default)]
pub struct DirectDial;

impl Dial for DirectDial {
    fn dial<'a>(
        &'a self,
        host: &'a str,
        port: u16,
        timeout: Duration,
    ) -> BoxFuture<'a, io::Result<TcpStream>> {
        Box::pin(async move {
            let stream = tokio::time::timeout(timeout, TcpStream::connect((host, port)))
                .await
                .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no answer"))??;
            stream.set_nodelay(true)?;
            Ok(stream)
        })
    }
}
