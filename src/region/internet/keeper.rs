//! Keeps open exactly the sockets that the state asks for.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use super::mirror::Mirror;
use super::stream::{self, Door};
use super::wanted::{Service, Socket, wanted};
use super::{Authority, TrustError, World, dns, metadata, web};
use crate::output::remark;
use crate::region::kernel::{self, KernelError};

/// A socket that could not be opened is tried again after so long.
const AGAIN: Duration = Duration::from_secs(1);

/// What answers, wherever it is asked.
pub(crate) struct Services<W> {
    world: Arc<W>,
    metadata: Door,
    sites: Door,
    certificates: HashMap<SocketAddrV4, TlsAcceptor>,
}

impl<W: World> Services<W> {
    /// Starts the servers; nothing reaches them before [`Services::keep`].
    pub(crate) fn start(
        world: Arc<W>,
        authority: &Authority,
        mirror: Mirror,
    ) -> Result<Services<W>, TrustError> {
        Ok(Services {
            metadata: stream::start(metadata::app(Arc::clone(&world))),
            sites: stream::start(web::app(mirror)),
            certificates: web::certificates(authority)?,
            world,
        })
    }

    /// Opens a socket and starts the task that serves it; the socket is closed when the task is aborted.
    fn open(&self, socket: &Socket) -> Result<AbortHandle, KernelError> {
        let Socket { namespace, at, service, place } = socket;
        let place = place.clone();
        let failed = |source| KernelError::Io {
            doing: format!("take over the socket at {at}"),
            namespace: namespace.clone(),
            source,
        };
        if *service == Service::DnsUdp {
            let socket = kernel::udp_bind(namespace, *at)?;
            let socket =
                socket.set_nonblocking(true).and_then(|()| UdpSocket::from_std(socket)).map_err(failed)?;
            return Ok(tokio::spawn(dns::datagrams(Arc::clone(&self.world), place, socket)).abort_handle());
        }
        let listener = kernel::tcp_listen(namespace, *at)?;
        let listener =
            listener.set_nonblocking(true).and_then(|()| TcpListener::from_std(listener)).map_err(failed)?;
        let task = match service {
            Service::DnsUdp | Service::DnsTcp => {
                tokio::spawn(dns::stream(Arc::clone(&self.world), place, listener))
            }
            Service::Metadata => tokio::spawn(stream::accept(listener, place, None, self.metadata.clone())),
            Service::Http => tokio::spawn(stream::accept(listener, place, None, self.sites.clone())),
            Service::Https => {
                let tls = self.certificates.get(at).cloned();
                tokio::spawn(stream::accept(listener, place, tls, self.sites.clone()))
            }
        };
        Ok(task.abort_handle())
    }

    /// Keep the sockets open that the state asks for, until the daemon ends. `reached` tells the generation of the
    /// state that the kernel has followed to: sockets can be opened when their namespaces are there.
    pub(crate) async fn keep(self, mut reached: watch::Receiver<u64>) {
        let mut open: HashMap<Socket, AbortHandle> = HashMap::new();
        let mut told: BTreeSet<Socket> = BTreeSet::new();
        // A state that was found on disk has no namespaces before the first pass.
        if reached.wait_for(|generation| *generation > 0).await.is_err() {
            return;
        }
        loop {
            let wanted = self.world.read(wanted);
            open.retain(|socket, task| {
                let keep = wanted.contains(socket);
                if !keep {
                    task.abort();
                }
                keep
            });
            told.retain(|socket| wanted.contains(socket));
            let mut missing = false;
            let fresh: Vec<&Socket> = wanted.iter().filter(|socket| !open.contains_key(*socket)).collect();
            // Entering a namespace takes a thread and a fraction of a millisecond.
            let opened = tokio::task::block_in_place(|| {
                fresh.into_iter().map(|socket| (socket.clone(), self.open(socket))).collect::<Vec<_>>()
            });
            for (socket, result) in opened {
                match result {
                    Ok(task) => {
                        told.remove(&socket);
                        open.insert(socket, task);
                    }
                    Err(error) => {
                        missing = true;
                        // Once: the network may take a moment, and is tried every second.
                        if told.insert(socket) {
                            remark!("internet: {}", chain(&error));
                        }
                    }
                }
            }
            let patience = if missing { AGAIN } else { Duration::MAX };
            // The reconciling thread has ended, and with it the region.
            if let Ok(Err(_)) = tokio::time::timeout(patience, reached.changed()).await {
                return;
            }
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
