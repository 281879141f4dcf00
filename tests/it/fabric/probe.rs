//! Real packets: sockets opened in namespaces, which say what got through.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use lab::region::kernel;
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};

/// How long to wait for what must not come. What does come takes well under a millisecond.
pub(crate) const SILENCE: Duration = Duration::from_millis(300);

/// How long to wait for what must come, on a machine that is busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// A socket for echo requests. Datagrams are ICMP messages; the kernel fills in identifier and checksum.
pub(crate) fn icmp(namespace: &str) -> UdpSocket {
    let open = || socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, SockProtocol::Icmp);
    let fd: OwnedFd = kernel::enter(namespace, open).expect("a namespace").expect("an ICMP socket");
    UdpSocket::from(fd)
}

/// One echo request; an error says why there is no reply.
pub(crate) fn echo(socket: &UdpSocket, to: Ipv4Addr, number: u16, wait: Duration) -> io::Result<()> {
    let [high, low] = number.to_be_bytes();
    let request = [8, 0, 0, 0, 0, 0, high, low, b'l', b'a', b'b'];
    socket.set_read_timeout(Some(wait))?;
    socket.send_to(&request, SocketAddrV4::new(to, 0))?;
    let until = Instant::now() + wait;
    let mut buffer = [0; 64];
    while Instant::now() < until {
        let (length, _) = socket.recv_from(&mut buffer)?;
        // The reply to an earlier request may come late.
        if length >= 8 && buffer[0] == 0 && buffer[6..8] == [high, low] {
            return Ok(());
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}

/// Whether `to` answers pings from `namespace`. The very first may be lost: a fresh link takes packets some moments
/// after it was set up.
pub(crate) fn answers(namespace: &str, to: Ipv4Addr) -> bool {
    let socket = icmp(namespace);
    let until = Instant::now() + PATIENCE;
    (0_u16..).take_while(|_| Instant::now() < until).any(|number| echo(&socket, to, number, SILENCE).is_ok())
}

/// Whether no answer to a ping comes from `to`.
pub(crate) fn is_silent(namespace: &str, to: Ipv4Addr) -> bool {
    echo(&icmp(namespace), to, 1, SILENCE).is_err()
}

/// The number of routers on the way to `to`: how many time-to-live steps a request needs, less one.
pub(crate) fn hops(namespace: &str, to: Ipv4Addr) -> Option<u32> {
    let socket = icmp(namespace);
    (1..16)
        .find(|ttl| {
            socket.set_ttl(*ttl).expect("a time to live");
            echo(&socket, to, u16::try_from(*ttl).expect("small"), SILENCE).is_ok()
        })
        .map(|ttl| ttl - 1)
}

/// Whether somebody listens, and nothing stands between.
pub(crate) fn connects(namespace: &str, to: Ipv4Addr, port: u16) -> bool {
    connect(namespace, to, port, PATIENCE).is_ok()
}

/// How a short attempt to connect ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Connected,
    /// The packets arrive, and nobody listens.
    Refused,
    /// Nothing came back.
    Silence,
    /// Somebody on the way said that it cannot be reached.
    Unreachable,
}

/// Tries to connect.
pub(crate) fn tries(namespace: &str, to: Ipv4Addr, port: u16) -> Outcome {
    match connect(namespace, to, port, SILENCE) {
        Ok(_) => Outcome::Connected,
        Err(kind) => match kind {
            io::ErrorKind::ConnectionRefused => Outcome::Refused,
            io::ErrorKind::TimedOut => Outcome::Silence,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Outcome::Unreachable,
            other => panic!("connecting to {to}:{port} failed in an unknown way: {other}"),
        },
    }
}

fn connect(namespace: &str, to: Ipv4Addr, port: u16, wait: Duration) -> Result<TcpStream, io::ErrorKind> {
    kernel::tcp_connect(namespace, SocketAddrV4::new(to, port), wait).map_err(|error| {
        let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<io::Error>());
        cause.unwrap_or_else(|| panic!("{error}")).kind()
    })
}

/// An open connection to a server of [`echoes`].
pub(crate) struct Flow {
    stream: TcpStream,
    sent: u8,
}

impl Flow {
    pub(crate) fn open(namespace: &str, to: Ipv4Addr, port: u16) -> Self {
        let flow = Self::attempt(namespace, to, port, PATIENCE);
        flow.unwrap_or_else(|kind| panic!("connecting to {to}:{port} failed: {kind}"))
    }

    /// The same where it may not succeed.
    pub(crate) fn attempt(
        namespace: &str,
        to: Ipv4Addr,
        port: u16,
        wait: Duration,
    ) -> Result<Self, io::ErrorKind> {
        let mut flow = Self { stream: connect(namespace, to, port, wait)?, sent: b'A' };
        assert!(!flow.greeting().is_empty(), "{to}:{port} does not greet");
        Ok(flow)
    }

    /// Whether what is sent comes back.
    pub(crate) fn lives(&mut self) -> bool {
        self.answers_within(SILENCE)
    }

    /// Whether it comes back even if lost packets have to be sent again first.
    pub(crate) fn recovers(&mut self) -> bool {
        self.answers_within(PATIENCE)
    }

    /// Whether somebody ends the connection with RST when it goes on.
    pub(crate) fn is_reset(&mut self) -> bool {
        self.stream.set_read_timeout(Some(PATIENCE)).expect("a time");
        let mut byte = [0];
        let said = self.stream.write_all(b"?").and_then(|()| self.stream.read_exact(&mut byte));
        said.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset)
    }

    /// Whether what is sent comes back in time.
    pub(crate) fn answers_within(&mut self, wait: Duration) -> bool {
        self.stream.set_read_timeout(Some(wait)).expect("a time");
        // What an earlier attempt sent may come first, late.
        self.sent = self.sent.wrapping_add(1);
        let mut byte = [0];
        if self.stream.write_all(&[self.sent]).is_err() {
            return false;
        }
        while self.stream.read_exact(&mut byte).is_ok() {
            if byte[0] == self.sent {
                return true;
            }
        }
        false
    }

    /// The line with which the server begins: who the client is to it.
    fn greeting(&mut self) -> String {
        self.stream.set_read_timeout(Some(PATIENCE)).expect("a time");
        let mut text = String::new();
        let mut byte = [0];
        while self.stream.read_exact(&mut byte).is_ok() && byte != *b"\n" {
            text.push(char::from(byte[0]));
        }
        text
    }
}

/// A server that greets each client with the address that it sees, then sends back what it gets. It ends with the
/// tree of its test.
pub(crate) fn echoes(namespace: &str, ip: Ipv4Addr, port: u16) {
    let listener = kernel::tcp_listen(namespace, SocketAddrV4::new(ip, port)).expect("a listening socket");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || serve(stream));
        }
    });
}

fn serve(mut stream: TcpStream) -> Option<()> {
    let SocketAddr::V4(peer) = stream.peer_addr().ok()? else { return None };
    writeln!(stream, "{}", peer.ip()).ok()?;
    let mut buffer = [0; 4096];
    loop {
        let length = stream.read(&mut buffer).ok().filter(|length| *length > 0)?;
        stream.write_all(&buffer[..length]).ok()?;
    }
}

/// As whom a server of [`echoes`] sees who connects from `namespace`.
pub(crate) fn seen_as(namespace: &str, to: Ipv4Addr, port: u16) -> String {
    let stream = connect(namespace, to, port, PATIENCE);
    let stream = stream.unwrap_or_else(|kind| panic!("connecting to {to}:{port} failed: {kind}"));
    Flow { stream, sent: 0 }.greeting()
}

/// Pings without a pause until it is stopped, and counts.
pub(crate) struct Stream {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
    thread: JoinHandle<Vec<String>>,
}

impl Stream {
    pub(crate) fn start(namespace: &str, to: Ipv4Addr) -> Self {
        let socket = icmp(namespace);
        let stop = Arc::new(AtomicBool::new(false));
        let sent = Arc::new(AtomicUsize::new(0));
        let (stopped, count) = (Arc::clone(&stop), Arc::clone(&sent));
        let thread = thread::spawn(move || {
            let mut lost = Vec::new();
            for number in 0_u16.. {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                if let Err(error) = echo(&socket, to, number, PATIENCE) {
                    lost.push(format!("request {number} to {to}: {error}"));
                }
                count.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(1));
            }
            lost
        });
        Self { stop, sent, thread }
    }

    /// Waits until so many more requests were answered or lost.
    pub(crate) fn go_on_for(&self, requests: usize) {
        let goal = self.sent.load(Ordering::Relaxed) + requests;
        while self.sent.load(Ordering::Relaxed) < goal {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends it: how many requests were made, and which of them had no reply.
    pub(crate) fn end(self) -> (usize, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let lost = self.thread.join().expect("a thread that counts");
        (self.sent.load(Ordering::Relaxed), lost)
    }
}

/// The hardware address by which a namespace knows a neighbour.
pub(crate) fn neighbour(namespace: &str, ip: Ipv4Addr) -> Option<String> {
    let table = kernel::enter(namespace, || std::fs::read_to_string("/proc/thread-self/net/arp"));
    let table = table.expect("a namespace").expect("the kernel's ARP table");
    let line = table.lines().find(|line| line.split_whitespace().next() == Some(&ip.to_string()))?;
    let mac = line.split_whitespace().nth(3)?;
    (mac != "00:00:00:00:00:00").then(|| mac.to_owned())
}

/// Sends datagrams from an address of a namespace to a place, until one arrives at a socket there or several have
/// not; as whom the sender arrives.
pub(crate) fn delivers(
    source: Ipv4Addr,
    namespace: &str,
    to: Ipv4Addr,
    inbox: &UdpSocket,
) -> Option<Ipv4Addr> {
    let outbox = kernel::udp_bind(namespace, SocketAddrV4::new(source, 0)).expect("a socket");
    inbox.set_read_timeout(Some(SILENCE)).expect("a time");
    (0..3).find_map(|_| {
        outbox.send_to(b"x", (to, 9)).expect("sent");
        match inbox.recv_from(&mut [0; 8]).ok()?.1 {
            SocketAddr::V4(from) => Some(*from.ip()),
            SocketAddr::V6(_) => None,
        }
    })
}

/// A socket at port 9 that [`delivers`] can send to.
pub(crate) fn inbox(namespace: &str, ip: Ipv4Addr) -> UdpSocket {
    kernel::udp_bind(namespace, SocketAddrV4::new(ip, 9)).expect("a socket")
}

/// The namespaces that there are.
pub(crate) fn names_of_namespaces() -> BTreeSet<String> {
    let entries = fs::read_dir("/run/netns").expect("the directory of namespaces").flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Runs a program in a namespace and returns what it says; it has to succeed.
pub(crate) fn run_in(namespace: &str, command: &[&str]) -> String {
    let output = kernel::enter(namespace, || Command::new(command[0]).args(&command[1..]).output());
    let output = output.expect("a namespace").expect("a program");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
