//! The control socket: who may ask what, and the answers.

use std::net::SocketAddrV4;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};

use super::capacity::{Capacity, count};
use super::region::{Region, refusal};
use super::{Console, Exited, Link, PROTOCOL, Pong, Refusal, RefusalCode, Request, Spawned, Status, status};
use crate::output::remark;
use crate::region::http::{Crowd, Presence, Seat};
use crate::region::internet::mirror::Mirror;
use crate::region::laptop::Running;
use crate::region::reconcile::Trouble;

/// What all connections know.
#[derive(Debug)]
pub(super) struct Desk {
    pub region: Region,
    pub started: Instant,
    /// The front's number on the host.
    pub pid: u32,
    /// Who may end the daemon, besides root.
    pub starter: u32,
    pub stop: mpsc::Sender<()>,
    pub mirror: Mirror,
    /// Where the kernel does not follow.
    pub troubles: watch::Receiver<Vec<Trouble>>,
    pub capacity: Arc<Capacity>,
}

/// So many may be connected at the same time, and so many of one user.
const CONNECTIONS: usize = 1024;
const OF_ONE: usize = 256;

/// Accept connections for ever.
pub(super) async fn serve(listener: UnixListener, desk: Arc<Desk>) {
    let crowd = Crowd::new(CONNECTIONS, OF_ONE);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let Ok(peer) = stream.peer_cred() else { continue };
                let Some(seat) = crowd.enter(peer.uid()) else { continue };
                tokio::spawn(connection(stream, (peer.uid(), peer.gid()), seat, Arc::clone(&desk)));
            }
            Err(error) => {
                remark!("control socket: {error}");
                // Out of descriptors, most likely: some will be closed.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// An answer, and the descriptors that go with it.
type Answer = Result<(Value, Vec<OwnedFd>), Refusal>;

async fn connection(stream: UnixStream, owner: (u32, u32), seat: Seat<u32>, desk: Arc<Desk>) {
    tokio::select! {
        // A caller who goes away is not worth a line in the log.
        _ = converse(stream, owner, seat.presence(), &desk) => {}
        () = seat.is_over() => {}
    }
}

async fn converse(
    stream: UnixStream,
    (uid, gid): (u32, u32),
    presence: &Presence,
    desk: &Desk,
) -> std::io::Result<()> {
    let mut link = Link::new(stream);
    // Ends with the connection, however that ends.
    let mut offline = None;
    while let Some((request, descriptors)) = link.receive::<Value>().await? {
        let request = match serde_json::from_value(request) {
            Ok(request) => request,
            Err(error) => {
                // The caller may be of another build, and know more than this one.
                let message = format!("understand the request: {error}");
                respond(&link, Err(refusal(RefusalCode::BadRequest, message))).await?;
                continue;
            }
        };
        presence.admit();
        if let Request::Spawn { lab, command } = request {
            let started = match <[OwnedFd; 3]>::try_from(descriptors) {
                Ok(stdio) => desk.region.spawn(&lab, uid, command, stdio).await,
                Err(_) => Err(refusal(
                    RefusalCode::BadRequest,
                    "start a program without three descriptors".to_owned(),
                )),
            };
            match started {
                Ok(running) => return accompany(&mut link, running).await,
                Err(refusal) => respond(&link, Err(refusal)).await?,
            }
            presence.rests();
            continue;
        }
        if matches!(request, Request::Offline) && (uid == 0 || uid == desk.starter) {
            offline.get_or_insert_with(|| desk.mirror.offline());
            respond(&link, ok(&())).await?;
            continue;
        }
        let stops = matches!(request, Request::Stop);
        let answer = answer(desk, request, uid, gid).await;
        let stops = stops && answer.is_ok();
        respond(&link, answer).await?;
        if offline.is_none() {
            presence.rests();
        }
        if stops {
            let _ = desk.stop.send(()).await;
        }
    }
    Ok(())
}

/// Stay with a program until it ends. Whoever goes away before that wants it to end: it does when it is dropped.
async fn accompany(link: &mut Link, mut running: Running) -> std::io::Result<()> {
    respond(link, ok(&Spawned { pid: running.pid })).await?;
    loop {
        tokio::select! {
            exited = running.wait() => {
                // The laptop itself has ended, and took it along.
                let killed = Exited { code: None, signal: Some(nix::libc::SIGKILL) };
                return link.send(&exited.unwrap_or(killed), &[]).await;
            }
            request = link.receive::<Request>() => match request? {
                Some((Request::Signal { signal, scope }, _)) => running.signal(signal, scope),
                Some(_) => {}
                None => return Ok(()),
            },
        }
    }
}

async fn respond(link: &Link, answer: Answer) -> std::io::Result<()> {
    match answer {
        Ok((value, descriptors)) => {
            let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
            link.send(&json!({ "ok": value }), &descriptors).await
        }
        Err(refusal) => link.send(&json!({ "error": refusal }), &[]).await,
    }
}

async fn answer(desk: &Desk, request: Request, uid: u32, gid: u32) -> Answer {
    let region = &desk.region;
    match request {
        Request::Ping => {
            ok(&Pong { version: crate::region::build::id().to_owned(), protocol: PROTOCOL, pid: desk.pid })
        }
        Request::Status => ok(&Status {
            version: crate::region::build::id().to_owned(),
            pid: desk.pid,
            uptime_s: desk.started.elapsed().as_secs(),
            memory_mib: status::memory_mib(&region.cgroup),
            endpoint_url: region.endpoint_url.clone(),
            labs: region.plane.read(|saved| status::labs(saved, uid)),
            troubles: region.plane.read(|saved| status::troubles(saved, uid, &desk.troubles.borrow())),
            room: Some(desk.capacity.room(region.plane.read(count))),
            raised: desk.capacity.raised.clone(),
        }),
        Request::EnsureLab { lab, region: name } => ok(&region.ensure_lab(&lab, &name, uid, gid).await?),
        Request::RemoveLab { lab } => ok(&region.remove_lab(&lab, uid).await?),
        Request::Dial { lab, address, port, timeout_ms } => {
            let timeout = Duration::from_millis(timeout_ms.clamp(1, 600_000));
            let socket = region.dial(&lab, uid, SocketAddrV4::new(address, port), timeout).await?;
            Ok((Value::Null, vec![socket]))
        }
        Request::Console { lab, instance } => ok(&Console { output: region.console(&lab, uid, &instance)? }),
        Request::Keep { lab } => ok(&region.keep(&lab, uid).await?),
        Request::Restore { .. } | Request::Sweep if uid != 0 && uid != desk.starter => {
            Err(refusal(RefusalCode::NotYours, "use the checkpoints: they are another user's".to_owned()))
        }
        Request::Restore { lab, state } => ok(&region.restore(&lab, &state, uid, gid).await?),
        Request::Sweep => ok(&region.sweep().await?),
        Request::Stop if uid == 0 || uid == desk.starter => ok(&()),
        Request::Stop => {
            Err(refusal(RefusalCode::NotYours, "stop the region: another user started it".to_owned()))
        }
        Request::Offline => {
            Err(refusal(RefusalCode::NotYours, "fetch nothing: another user started the region".to_owned()))
        }
        Request::Reset => {
            let labs = region.plane.read(|saved| status::labs(saved, uid));
            for lab in labs {
                region.remove_lab(&lab.name, uid).await?;
            }
            ok(&())
        }
        Request::Spawn { .. } | Request::Signal { .. } => Err(refusal(
            RefusalCode::BadRequest,
            "signal a program that this connection did not start".to_owned(),
        )),
    }
}

fn ok(value: &impl Serialize) -> Answer {
    let value = serde_json::to_value(value);
    let value = value.map_err(|error| refusal(RefusalCode::Failed, format!("write the answer: {error}")))?;
    Ok((value, Vec::new()))
}
