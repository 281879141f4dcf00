//! Conversations over TCP, UDP or ICMP that are tried alike.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use lab::region::kernel;

use super::oracle::Protocol;
use super::probe::{Flow, SILENCE, echo, echoes, icmp};

/// The port that everybody serves, for TCP and UDP.
pub(crate) const PORT: u16 = 80;

/// A conversation that goes on.
pub(crate) enum Channel {
    Tcp(Flow),
    Udp { socket: UdpSocket, sent: u8 },
    Icmp { socket: UdpSocket, to: Ipv4Addr, sent: u16 },
}

impl Channel {
    /// Says something and waits for an answer; none if there is none in time.
    pub(crate) fn open(protocol: Protocol, namespace: &str, to: Ipv4Addr, wait: Duration) -> Option<Self> {
        let mut channel = match protocol {
            Protocol::Tcp => Self::Tcp(Flow::attempt(namespace, to, PORT, wait).ok()?),
            Protocol::Udp => {
                let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
                let socket = kernel::udp_bind(namespace, any).expect("a socket");
                socket.connect(SocketAddrV4::new(to, PORT)).ok()?;
                Self::Udp { socket, sent: 0 }
            }
            Protocol::Icmp => Self::Icmp { socket: icmp(namespace), to, sent: 0 },
        };
        channel.lives(wait).then_some(channel)
    }

    /// Whether an answer comes in time, if need be to a question that was asked again.
    pub(crate) fn lives(&mut self, wait: Duration) -> bool {
        let until = Instant::now() + wait;
        loop {
            let rest = until.saturating_duration_since(Instant::now());
            let answered = match self {
                // TCP repeats by itself.
                Self::Tcp(flow) => return flow.answers_within(wait),
                Self::Udp { socket, sent } => {
                    *sent = sent.wrapping_add(1);
                    socket.set_read_timeout(Some(SILENCE)).expect("a time");
                    let mut buffer = [0];
                    let asked = socket.send(&[*sent]).is_ok();
                    asked && socket.recv(&mut buffer).is_ok() && buffer[0] == *sent
                }
                Self::Icmp { socket, to, sent } => {
                    *sent += 1;
                    echo(socket, *to, *sent, SILENCE).is_ok()
                }
            };
            if answered || rest <= SILENCE {
                return answered;
            }
        }
    }
}

/// Answers TCP and UDP at [`PORT`] until the tree of the test ends.
pub(crate) fn serve(namespace: &str, ip: Ipv4Addr) {
    echoes(namespace, ip, PORT);
    let socket = kernel::udp_bind(namespace, SocketAddrV4::new(ip, PORT)).expect("a socket");
    thread::spawn(move || {
        let mut buffer = [0; 64];
        loop {
            if let Ok((length, SocketAddr::V4(from))) = socket.recv_from(&mut buffer) {
                let _ = socket.send_to(&buffer[..length], from);
            }
        }
    });
}

/// Does the same with each of many things, several at a time, as most of it is waiting.
pub(crate) fn at_once<T: Send, R: Send>(things: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let things = Mutex::new(things.into_iter().enumerate());
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                loop {
                    let next = things.lock().expect("a queue").next();
                    let Some((at, thing)) = next else { return };
                    let result = work(thing);
                    done.lock().expect("a list").push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("a list");
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
