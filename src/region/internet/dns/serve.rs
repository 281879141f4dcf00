//! DNS over sockets: each datagram an answer, each stream one question after the other.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::answer;
use super::message::Transport;
use crate::region::http::{Crowd, Presence};
use crate::region::internet::World;
use crate::region::internet::stream::Source;
use crate::region::internet::wanted::Place;

/// An idle stream is closed after so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answer datagrams for ever.
pub(in crate::region::internet) async fn datagrams<W: World>(world: Arc<W>, place: Place, socket: UdpSocket) {
    // Questions are short; what is longer is cut and then not understood.
    let mut buffer = [0; 4096];
    loop {
        let (length, asker) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            // An earlier answer could not be delivered, which is not this socket's fault.
            Err(_) => continue,
        };
        let reply = world.read(|state| answer(state, &place, &buffer[..length], Transport::Datagram));
        if let Some(reply) = reply {
            // Whoever does not get it asks again.
            let _ = socket.send_to(&reply, asker).await;
        }
    }
}

/// Answer streams for ever.
pub(in crate::region::internet) async fn stream<W: World>(
    world: Arc<W>,
    place: Place,
    listener: TcpListener,
    crowd: Arc<Crowd<Source>>,
) {
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                let SocketAddr::V4(from) = from else { continue };
                let Some(seat) = crowd.enter((place.clone(), *from.ip())) else { continue };
                let (world, place) = (Arc::clone(&world), place.clone());
                tokio::spawn(async move {
                    // A stream that breaks or goes quiet has nobody to tell.
                    tokio::select! {
                        _ = converse(world, place, stream, seat.presence()) => {}
                        () = seat.is_over() => {}
                    }
                });
            }
            // Out of descriptors, or the asker has gone.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn converse<W: World>(
    world: Arc<W>,
    place: Place,
    mut stream: TcpStream,
    presence: &Presence,
) -> std::io::Result<()> {
    loop {
        let question = tokio::time::timeout(PATIENCE, async {
            let length = stream.read_u16().await?;
            let mut question = vec![0; usize::from(length)];
            stream.read_exact(&mut question).await?;
            std::io::Result::Ok(question)
        })
        .await??;
        let reply = world.read(|state| answer(state, &place, &question, Transport::Stream));
        let Some(reply) = reply else { return Ok(()) };
        let length = u16::try_from(reply.len()).map_err(std::io::Error::other)?;
        let mut framed = length.to_be_bytes().to_vec();
        framed.extend(reply);
        tokio::time::timeout(PATIENCE, stream.write_all(&framed)).await??;
        presence.rests();
    }
}
