//! Sockets opened inside a namespace.
//!
//! A socket stays in the namespace in which it was made, whichever thread uses it later: a service of the region
//! listens in many namespaces without a process in any of them.

use std::io;
use std::net::{SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use super::{KernelError, namespace};

/// A listening TCP socket at `address` of a namespace.
pub fn tcp_listen(namespace: &str, address: SocketAddrV4) -> Result<TcpListener, KernelError> {
    // The standard library sets SO_REUSEADDR and a backlog of its own.
    make(namespace, format!("listen at tcp {address}"), || TcpListener::bind(address))
}

/// A bound UDP socket at `address` of a namespace.
pub fn udp_bind(namespace: &str, address: SocketAddrV4) -> Result<UdpSocket, KernelError> {
    make(namespace, format!("bind udp {address}"), || UdpSocket::bind(address))
}

/// A TCP connection from a namespace to `address`, given up after `timeout`. The stream blocks.
pub fn tcp_connect(
    namespace: &str,
    address: SocketAddrV4,
    timeout: Duration,
) -> Result<TcpStream, KernelError> {
    make(namespace, format!("connect to tcp {address}"), || {
        TcpStream::connect_timeout(&SocketAddr::V4(address), timeout)
    })
}

fn make<T: Send>(
    namespace: &str,
    doing: String,
    open: impl FnOnce() -> io::Result<T> + Send,
) -> Result<T, KernelError> {
    namespace::enter(namespace, open)?.map_err(|e| KernelError::io(doing, namespace, e))
}
