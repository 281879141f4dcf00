//! Connections from many listeners, each served with what it is known by.

use std::hash::Hash;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper_util::service::TowerToHyperService;
use nix::sys::socket::{setsockopt, sockopt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::wanted::Place;
use crate::region::http::{self, Crowd, Seat};

/// So many may be connected to a server at the same time, and so many of them from one address of one network.
const CONNECTIONS: usize = 2048;
const FROM_ONE: usize = 256;

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

/// Whom a connection is counted for: an address means somebody else in each network.
pub(super) type Source = (Place, Ipv4Addr);

/// An empty crowd of visitors of the simulated Internet.
pub(super) fn crowd() -> Arc<Crowd<Source>> {
    Crowd::new(CONNECTIONS, FROM_ONE)
}

/// The way into a server. Copies lead into the same.
#[derive(Clone)]
pub(super) struct Door {
    app: Router,
    crowd: Arc<Crowd<Source>>,
}

/// Makes the way into a server: what comes through the door is served by `app`, which finds the [`Peer`] and a
/// [`http::Presence`] with each request.
pub(super) fn door(app: Router) -> Door {
    Door { app, crowd: crowd() }
}

/// Accept connections for ever and serve them, decrypted if need be.
pub(super) async fn accept(listener: TcpListener, place: Place, tls: Option<TlsAcceptor>, door: Door) {
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                let std::net::SocketAddr::V4(from) = from else { continue };
                let Some(seat) = door.crowd.enter((place.clone(), *from.ip())) else { continue };
                let (place, tls, app) = (place.clone(), tls.clone(), door.app.clone());
                tokio::spawn(async move {
                    // Whoever breaks off before the first request has nobody to be told.
                    let _: std::io::Result<()> = pass(stream, from, place, tls, app, seat).await;
                });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn pass(
    stream: TcpStream,
    from: SocketAddrV4,
    place: Place,
    tls: Option<TlsAcceptor>,
    app: Router,
    seat: Seat<Source>,
) -> std::io::Result<()> {
    let std::net::SocketAddr::V4(to) = stream.local_addr()? else { return Ok(()) };
    stream.set_nodelay(true)?;
    detect_silence(&stream)?;
    let socket = Arc::new(stream.as_fd().try_clone_to_owned()?);
    let peer = Peer { place, from, to, encrypted: tls.is_some(), socket };
    match tls {
        Some(tls) => {
            let stream = tokio::select! {
                stream = tls.accept(stream) => stream?,
                () = seat.is_over() => return Ok(()),
            };
            serve(stream, app, peer, seat).await;
        }
        None => serve(stream, app, peer, seat).await,
    }
    Ok(())
}

async fn serve<S, F>(stream: S, app: Router, peer: Peer, seat: Seat<F>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Clone + Eq + Hash,
{
    let introduce = |extensions: &mut ::http::Extensions| drop(extensions.insert(ConnectInfo(peer.clone())));
    http::serve(stream, TowerToHyperService::new(app), seat, introduce).await;
}

/// A guest that was killed says no goodbye. Its connections, which hold its network, are given up after a minute.
fn detect_silence(stream: &TcpStream) -> nix::Result<()> {
    setsockopt(stream, sockopt::KeepAlive, &true)?;
    setsockopt(stream, sockopt::TcpKeepIdle, &30)?;
    setsockopt(stream, sockopt::TcpKeepInterval, &10)?;
    setsockopt(stream, sockopt::TcpKeepCount, &3)
}
