//! Connections from many listeners into one HTTP server, each with what it is known by.

use std::net::SocketAddrV4;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use nix::sys::socket::{setsockopt, sockopt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use super::wanted::Place;
use crate::region::supervisor::Supervisor;

/// So many accepted connections may wait for the server to take them.
const QUEUE: usize = 64;
/// A visitor who has connected has to say something intelligible in this time.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Where a connection comes from and arrives at.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub place: Place,
    pub from: SocketAddrV4,
    pub to: SocketAddrV4,
    pub encrypted: bool,
    /// The connection's socket, to set options on.
    pub socket: Arc<OwnedFd>,
}

pub(super) trait Bytes: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Bytes for T {}
type Stream = Pin<Box<dyn Bytes>>;

/// The way into a server.
pub(super) type Door = mpsc::Sender<(Stream, Peer)>;

/// The server's end of the doors.
struct Inbox(mpsc::Receiver<(Stream, Peer)>);

impl Listener for Inbox {
    type Io = Stream;
    type Addr = Peer;

    async fn accept(&mut self) -> (Stream, Peer) {
        match self.0.recv().await {
            Some(connection) => connection,
            // All doors are gone: there will never be another one.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Peer> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

impl Connected<IncomingStream<'_, Inbox>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Inbox>) -> Peer {
        stream.remote_addr().clone()
    }
}

/// Start an HTTP server; what comes through the door is served by `app`, which finds the [`Peer`] with each request.
pub(super) fn start(name: &'static str, app: Router, supervisor: &Supervisor) -> Door {
    let (door, inbox) = mpsc::channel(QUEUE);
    supervisor.forever(name, async move {
        let service = app.into_make_service_with_connect_info::<Peer>();
        axum::serve(Inbox(inbox), service).await
    });
    door
}

/// Accept connections for ever and pass them on, decrypted if need be.
pub(super) async fn accept(listener: TcpListener, place: Place, tls: Option<TlsAcceptor>, door: Door) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (place, tls, door) = (place.clone(), tls.clone(), door.clone());
                tokio::spawn(async move {
                    // Whoever breaks off before the first request has nobody to be told.
                    let _: std::io::Result<()> = pass(stream, place, tls, door).await;
                });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn pass(stream: TcpStream, place: Place, tls: Option<TlsAcceptor>, door: Door) -> std::io::Result<()> {
    let (std::net::SocketAddr::V4(from), std::net::SocketAddr::V4(to)) =
        (stream.peer_addr()?, stream.local_addr()?)
    else {
        return Ok(());
    };
    stream.set_nodelay(true)?;
    detect_silence(&stream)?;
    let socket = Arc::new(stream.as_fd().try_clone_to_owned()?);
    let peer = Peer { place, from, to, encrypted: tls.is_some(), socket };
    let stream: Stream = match tls {
        Some(tls) => Box::pin(tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await??),
        None => Box::pin(stream),
    };
    // The server is gone only when the daemon is.
    let _ = door.send((stream, peer)).await;
    Ok(())
}

/// A guest that was killed says no goodbye. Its connections, which hold its network, are given up after a minute.
fn detect_silence(stream: &TcpStream) -> nix::Result<()> {
    setsockopt(stream, sockopt::KeepAlive, &true)?;
    setsockopt(stream, sockopt::TcpKeepIdle, &30)?;
    setsockopt(stream, sockopt::TcpKeepInterval, &10)?;
    setsockopt(stream, sockopt::TcpKeepCount, &3)
}
