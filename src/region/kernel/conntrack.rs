//! Tracked flows, forgotten: the kernel's table of flows is read and pruned over netlink.
//!
//! The messages are those of `nf_conntrack_netlink.h`; only addresses are read of them. A flow is deleted by its
//! original tuple, given back as the kernel wrote it.

use std::collections::BTreeSet;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};

use super::{KernelError, namespace};

/// Types of messages: the subsystem of connection tracking, and its commands.
const GET: u16 = 0x0101;
const DELETE: u16 = 0x0102;
/// Types that every subsystem knows.
const ERROR: u16 = 2;
const DONE: u16 = 3;
/// Flags of requests.
const REQUEST: u16 = 0x001;
const ACKNOWLEDGE: u16 = 0x004;
const DUMP: u16 = 0x300;
/// Attributes of a flow, of its tuples, and of a tuple's addresses.
const TUPLE_ORIGINAL: u16 = 1;
const TUPLE_REPLY: u16 = 2;
const TUPLE_IP: u16 = 1;
const IP_SOURCE: u16 = 1;
const IP_DESTINATION: u16 = 2;
/// Upper bits of an attribute's type are flags.
const TYPE_MASK: u16 = 0x3fff;

const HEADER: usize = 16;
/// Address family (`AF_INET`), version, resource.
const GENERIC: [u8; 4] = [2, 0, 0, 0];
/// New flows may arise while old ones are deleted; but not for ever, as their ways are gone.
const ROUNDS: usize = 4;

/// Forgets every flow that has one of the addresses at either end in either direction.
pub(super) fn forget(namespace: &str, addresses: &[Ipv4Addr]) -> Result<(), KernelError> {
    if addresses.is_empty() {
        return Ok(());
    }
    let wanted: BTreeSet<Ipv4Addr> = addresses.iter().copied().collect();
    namespace::enter(namespace, || {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkNetFilter,
        )?;
        for _ in 0..ROUNDS {
            let mut flows = dump(&socket)?;
            flows.retain(|flow| flow.addresses.iter().any(|address| wanted.contains(address)));
            if flows.is_empty() {
                break;
            }
            for flow in &flows {
                delete(&socket, flow)?;
            }
        }
        Ok(())
    })?
    .map_err(|source: io::Error| KernelError::io("forget tracked flows", namespace, source))
}

/// What is needed of a flow.
#[derive(Debug, PartialEq, Eq)]
struct Flow {
    /// The attribute of the original tuple, with its header.
    original: Vec<u8>,
    /// Both ends of both tuples.
    addresses: Vec<Ipv4Addr>,
}

fn dump(socket: &OwnedFd) -> io::Result<Vec<Flow>> {
    send(socket, GET, REQUEST | DUMP, &[])?;
    let mut flows = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
        for (kind, body) in messages(&buffer[..length]) {
            match kind {
                DONE => return Ok(flows),
                ERROR => return Err(failure(body).unwrap_or_else(|| io::Error::other("an empty answer"))),
                _ => flows.extend(body.get(GENERIC.len()..).and_then(flow)),
            }
        }
    }
}

fn delete(socket: &OwnedFd, flow: &Flow) -> io::Result<()> {
    send(socket, DELETE, REQUEST | ACKNOWLEDGE, &flow.original)?;
    let mut buffer = vec![0; 1 << 12];
    let length = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
    let answer = messages(&buffer[..length]).into_iter().find(|(kind, _)| *kind == ERROR);
    match answer.and_then(|(_, body)| failure(body)) {
        // It has ended in the meantime.
        Some(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Some(error) => Err(error),
        None => Ok(()),
    }
}

fn send(socket: &OwnedFd, kind: u16, flags: u16, attributes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(HEADER + GENERIC.len() + attributes.len()).map_err(io::Error::other)?;
    let mut message = Vec::new();
    message.extend(length.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    // Sequence and sender: there is one question at a time on this socket.
    message.extend([0; 8]);
    message.extend(GENERIC);
    message.extend(attributes);
    sendto(socket.as_raw_fd(), &message, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
    Ok(())
}

/// Splits what was received into messages: type and body.
fn messages(mut bytes: &[u8]) -> Vec<(u16, &[u8])> {
    let mut found = Vec::new();
    while let (Some(length), Some(kind)) = (number(bytes, 0, 4), number(bytes, 4, 2)) {
        let Some(body) = bytes.get(HEADER..length) else { break };
        found.push((kind as u16, body));
        bytes = bytes.get(aligned(length)..).unwrap_or_default();
    }
    found
}

/// Splits a run of attributes: type, content, and the whole with its header.
fn attributes(mut bytes: &[u8]) -> Vec<(u16, &[u8], &[u8])> {
    let mut found = Vec::new();
    while let (Some(length), Some(kind)) = (number(bytes, 0, 2), number(bytes, 2, 2)) {
        let (Some(content), Some(whole)) = (bytes.get(4..length), bytes.get(..length)) else { break };
        found.push((kind as u16 & TYPE_MASK, content, whole));
        bytes = bytes.get(aligned(length)..).unwrap_or_default();
    }
    found
}

fn flow(bytes: &[u8]) -> Option<Flow> {
    let mut original = None;
    let mut addresses = Vec::new();
    for (kind, tuple, whole) in attributes(bytes) {
        if kind != TUPLE_ORIGINAL && kind != TUPLE_REPLY {
            continue;
        }
        if kind == TUPLE_ORIGINAL {
            let mut whole = whole.to_vec();
            whole.resize(aligned(whole.len()), 0);
            original = Some(whole);
        }
        let ip = attributes(tuple).into_iter().filter(|(kind, ..)| *kind == TUPLE_IP);
        for (kind, address, _) in ip.flat_map(|(_, content, _)| attributes(content)) {
            if let (IP_SOURCE | IP_DESTINATION, Ok(octets)) = (kind, <[u8; 4]>::try_from(address)) {
                addresses.push(Ipv4Addr::from(octets));
            }
        }
    }
    Some(Flow { original: original?, addresses })
}

/// The error in the body of an answer; none if it acknowledges.
fn failure(body: &[u8]) -> Option<io::Error> {
    let code = i32::from_ne_bytes(body.get(..4)?.try_into().ok()?);
    (code != 0).then(|| io::Error::from_raw_os_error(-code))
}

fn number(bytes: &[u8], at: usize, width: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + width)?;
    Some(match *bytes {
        [a, b] => usize::from(u16::from_ne_bytes([a, b])),
        [a, b, c, d] => u32::from_ne_bytes([a, b, c, d]) as usize,
        _ => return None,
    })
}

fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: u16, content: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend((content.len() as u16 + 4).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(content);
        bytes.resize(aligned(bytes.len()), 0);
        bytes
    }

    fn tuple(kind: u16, source: [u8; 4], destination: [u8; 4]) -> Vec<u8> {
        let ip = [attribute(IP_SOURCE, &source), attribute(IP_DESTINATION, &destination)].concat();
        // The protocol's part: one odd byte, so that padding matters.
        let parts = [attribute(0x8000 | TUPLE_IP, &ip), attribute(0x8000 | 2, &attribute(1, &[6]))].concat();
        attribute(0x8000 | kind, &parts)
    }

    #[test]
    fn a_flow_has_four_ends_and_is_named_by_its_original_tuple() {
        let original = tuple(TUPLE_ORIGINAL, [198, 51, 100, 10], [203, 0, 113, 10]);
        let reply = tuple(TUPLE_REPLY, [10, 0, 1, 10], [198, 51, 100, 10]);
        let status = attribute(3, &[0, 0, 0, 14]);
        let flow = flow(&[original.clone(), reply, status].concat()).unwrap();
        assert_eq!(flow.original, original);
        let texts: Vec<String> = flow.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["198.51.100.10", "203.0.113.10", "10.0.1.10", "198.51.100.10"]);
    }

    #[test]
    fn cut_messages_end_the_reading() {
        assert_eq!(messages(&[20, 0, 0]), Vec::<(u16, &[u8])>::new());
        let mut long = 100_u32.to_ne_bytes().to_vec();
        long.resize(40, 0);
        assert!(messages(&long).is_empty());
        assert!(attributes(&[3, 0, 1, 0]).is_empty());
        assert!(attributes(&[0, 0, 0, 0]).is_empty());
        assert_eq!(flow(&[]), None);
    }

    #[test]
    fn an_answer_of_zero_acknowledges() {
        assert!(failure(&[0; 20]).is_none());
        assert_eq!(failure(&(-2_i32).to_ne_bytes()).unwrap().kind(), io::ErrorKind::NotFound);
    }
}
