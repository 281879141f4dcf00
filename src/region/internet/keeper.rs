//! Keeps open exactly the sockets that the state asks for.

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddrV4;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::mirror::Mirror;
use super::stream::{self, Door, Source};
use super::wanted::{Service, Socket, wanted};
use super::{Authority, TrustError, World, dns, metadata, web};
use crate::region::http::Crowd;
use crate::region::kernel::{self, KernelError};
use crate::region::supervisor::panic_message;

/// A socket that could not be opened is tried again after so long.
const AGAIN: Duration = Duration::from_secs(1);
/// Look again after so long even if nothing seems to have happened.
const IDLE: Duration = Duration::from_secs(3600);

/// Serves one socket.
type Serving = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What answers, wherever it is asked.
pub(crate) struct Services<W> {
    world: Arc<W>,
    metadata: Door,
    sites: Door,
    /// Who asks for names over TCP.
    askers: Arc<Crowd<Source>>,
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
            metadata: stream::door(metadata::app(Arc::clone(&world))),
            sites: stream::door(web::app(mirror)),
            askers: stream::crowd(),
            certificates: web::certificates(authority)?,
            world,
        })
    }

    /// Opens a socket; what this gives serves it until it is dropped, and the socket is closed then.
    fn open(&self, socket: &Socket) -> Result<Serving, KernelError> {
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
            return Ok(Box::pin(dns::datagrams(Arc::clone(&self.world), place, socket)));
        }
        let listener = kernel::tcp_listen(namespace, *at)?;
        let listener =
            listener.set_nonblocking(true).and_then(|()| TcpListener::from_std(listener)).map_err(failed)?;
        Ok(match service {
            Service::DnsUdp | Service::DnsTcp => {
                Box::pin(dns::stream(Arc::clone(&self.world), place, listener, Arc::clone(&self.askers)))
            }
            Service::Metadata => Box::pin(stream::accept(listener, place, None, self.metadata.clone())),
            Service::Http => Box::pin(stream::accept(listener, place, None, self.sites.clone())),
            Service::Https => {
                let tls = self.certificates.get(at).cloned();
                Box::pin(stream::accept(listener, place, tls, self.sites.clone()))
            }
        })
    }

    /// Keep the sockets open that the state asks for, until the daemon ends. `reached` tells the generation of the
    /// state that the kernel has followed to: sockets can be opened when their namespaces are there.
    pub(crate) async fn keep(self, mut reached: watch::Receiver<u64>) {
        let mut tasks: JoinSet<()> = JoinSet::new();
        let mut open: HashMap<Socket, AbortHandle> = HashMap::new();
        let mut failed: HashMap<Socket, u32> = HashMap::new();
        // A state that was found on disk has no namespaces before the first pass.
        if reached.wait_for(|generation| *generation > 0).await.is_err() {
            return;
        }
        let mut patience = Duration::ZERO;
        loop {
            tokio::select! {
                () = tokio::time::sleep(patience) => {}
                // The reconciling thread has ended, and with it the region.
                news = reached.changed() => if news.is_err() { return },
                Some(end) = tasks.join_next() => {
                    let Some(panic) = end.err().and_then(|error| error.try_into_panic().ok()) else { continue };
                    // One question that cannot be answered is no reason to leave all others without answers.
                    eprintln!("internet: a socket's task has failed and is started anew: {}", panic_message(&*panic));
                    open.retain(|_, task| !task.is_finished());
                    // Not at once: it may fail again and again.
                    patience = AGAIN;
                    continue;
                }
            }
            let wanted = self.world.read(wanted);
            open.retain(|socket, task| {
                let keep = wanted.contains(socket);
                if !keep {
                    task.abort();
                }
                keep
            });
            failed.retain(|socket, _| wanted.contains(socket));
            let fresh: Vec<&Socket> = wanted.iter().filter(|socket| !open.contains_key(*socket)).collect();
            // Entering a namespace takes a thread and a fraction of a millisecond.
            let opened = tokio::task::block_in_place(|| {
                // One that is not there yet is on its way, or its making has failed and that is told.
                let there = fresh.into_iter().filter(|socket| kernel::exists(&socket.namespace));
                there.map(|socket| (socket.clone(), self.open(socket))).collect::<Vec<_>>()
            });
            for (socket, result) in opened {
                match result {
                    Ok(serving) => {
                        failed.remove(&socket);
                        open.insert(socket, tasks.spawn(serving));
                    }
                    Err(error) => {
                        // Once, and not at first: the namespace may be just coming, or just going.
                        let times = failed.entry(socket).or_default();
                        *times += 1;
                        if *times == 2 {
                            eprintln!("internet: {}", chain(&error));
                        }
                    }
                }
            }
            patience = if open.len() < wanted.len() { AGAIN } else { IDLE };
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
