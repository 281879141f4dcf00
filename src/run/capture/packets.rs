//! Packets in words, as JSON for the book, and as text to be compared.
//!
//! Sequence and acknowledgement numbers count from the first packet seen of their direction, as in Wireshark. Compared
//! is what hosts said to each other and in which order, not what the moment decides: times, lengths, how bytes are
//! divided into segments, bare acknowledgements, repetitions, and which of two sides closes first.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use etherparse::icmpv4::TimeExceededCode;
use etherparse::{
    ArpOperation, Icmpv4Slice, Icmpv4Type, LinkSlice, NetSlice, SlicedPacket, TcpSlice, TransportSlice,
};
use serde::{Deserialize, Serialize};

use super::{RECORDED, dns};
use crate::snapshot::Record;

/// A packet as a host saw it.
pub(super) struct Seen {
    pub host: String,
    /// Since 1970.
    pub at: Duration,
    /// On the wire.
    pub length: u32,
    pub bytes: Vec<u8>,
}

/// In the form in which the book reads it.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Packet {
    host: String,
    at: f64,
    from: String,
    to: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from_port: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to_port: Option<u16>,
    protocol: String,
    length: u32,
    info: String,
}

/// All packets as JSON on one line: those of each host in their order, hosts in theirs.
pub(super) fn json(seen: Vec<Seen>) -> String {
    let first = seen.iter().map(|packet| packet.at).min().unwrap_or_default();
    let mut flows = Flows::default();
    let packets: Vec<Packet> = seen.iter().map(|packet| describe(packet, first, &mut flows)).collect();
    serde_json::to_string(&packets).unwrap_or_default()
}

/// The first sequence number of each direction of a connection, as each host saw it.
type Flows = HashMap<(String, String, u16, String, u16), u32>;

fn describe(seen: &Seen, first: Duration, flows: &mut Flows) -> Packet {
    let mut packet = Packet {
        host: seen.host.clone(),
        // A double holds whole microseconds exactly enough to print six digits.
        at: (seen.at.saturating_sub(first)).as_micros() as f64 / 1e6,
        length: seen.length,
        protocol: "Ethernet".to_owned(),
        ..Packet::default()
    };
    let Ok(sliced) = SlicedPacket::from_ethernet(&seen.bytes) else {
        packet.info = "not understood".to_owned();
        return packet;
    };
    if let Some(LinkSlice::Ethernet2(frame)) = &sliced.link {
        (packet.from, packet.to) = (mac(&frame.source()), mac(&frame.destination()));
        packet.info = format!("type {:#06x}", frame.ether_type().0);
    }
    let (from, to) = match &sliced.net {
        Some(NetSlice::Ipv4(ip)) => {
            (IpAddr::from(ip.header().source_addr()), IpAddr::from(ip.header().destination_addr()))
        }
        Some(NetSlice::Ipv6(ip)) => {
            (IpAddr::from(ip.header().source_addr()), IpAddr::from(ip.header().destination_addr()))
        }
        Some(NetSlice::Arp(arp)) => {
            packet.protocol = "ARP".to_owned();
            let address = |bytes: &[u8]| {
                <[u8; 4]>::try_from(bytes).map_or("?".to_owned(), |a| IpAddr::from(a).to_string())
            };
            let (sender, target) = (address(arp.sender_protocol_addr()), address(arp.target_protocol_addr()));
            packet.info = match arp.operation() {
                ArpOperation::REQUEST => format!("who has {target}? tell {sender}"),
                ArpOperation::REPLY => format!("{sender} is at {}", mac(arp.sender_hw_addr())),
                other => format!("operation {}", other.0),
            };
            return packet;
        }
        None => return packet,
    };
    (packet.from, packet.to) = (from.to_string(), to.to_string());
    packet.protocol = "IP".to_owned();
    packet.info.clear();
    match &sliced.transport {
        Some(TransportSlice::Tcp(tcp)) => describe_tcp(&mut packet, tcp, flows),
        Some(TransportSlice::Udp(udp)) => {
            (packet.from_port, packet.to_port) = (Some(udp.source_port()), Some(udp.destination_port()));
            let is_dns = udp.source_port() == 53 || udp.destination_port() == 53;
            (packet.protocol, packet.info) = match dns::told(udp.payload()).filter(|_| is_dns) {
                Some(told) => ("DNS".to_owned(), told),
                None => ("UDP".to_owned(), format!("len={}", udp.payload().len())),
            };
        }
        Some(TransportSlice::Icmpv4(icmp)) => {
            packet.protocol = "ICMP".to_owned();
            packet.info = icmp_info(icmp);
        }
        Some(TransportSlice::Icmpv6(icmp)) => {
            packet.protocol = "ICMPv6".to_owned();
            packet.info = format!("type {}", icmp.type_u8());
        }
        Some(TransportSlice::Igmp(_)) => packet.protocol = "IGMP".to_owned(),
        None => packet.info = "not understood".to_owned(),
    }
    packet
}

fn describe_tcp(packet: &mut Packet, tcp: &TcpSlice<'_>, flows: &mut Flows) {
    let (from_port, to_port) = (tcp.source_port(), tcp.destination_port());
    (packet.from_port, packet.to_port) = (Some(from_port), Some(to_port));
    let there = (packet.host.clone(), packet.from.clone(), from_port, packet.to.clone(), to_port);
    let back = (packet.host.clone(), packet.to.clone(), to_port, packet.from.clone(), from_port);
    if tcp.syn() {
        // A port that is used again begins anew, and a SYN that is repeated is the same.
        flows.insert(there.clone(), tcp.sequence_number());
    }
    let begin = *flows.entry(there).or_insert(tcp.sequence_number());
    let mut flags = Vec::new();
    for (set, name) in [
        (tcp.syn(), "SYN"),
        (tcp.fin(), "FIN"),
        (tcp.rst(), "RST"),
        (tcp.psh(), "PSH"),
        (tcp.urg(), "URG"),
        (tcp.ack(), "ACK"),
    ] {
        if set {
            flags.push(name);
        }
    }
    let mut info = format!("{} seq={}", flags.join(" "), tcp.sequence_number().wrapping_sub(begin));
    if tcp.ack() {
        let begin = *flows.entry(back).or_insert(tcp.acknowledgment_number());
        let _ = write!(info, " ack={}", tcp.acknowledgment_number().wrapping_sub(begin));
    }
    if tcp.urg() {
        let _ = write!(info, " urgent={}", tcp.urgent_pointer());
    }
    if !tcp.payload().is_empty() {
        let _ = write!(info, " len={}", tcp.payload().len());
    }
    let line = tcp.payload().split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let is_http = line.starts_with("HTTP/1.") || line.ends_with(" HTTP/1.1") || line.ends_with(" HTTP/1.0");
    (packet.protocol, packet.info) = if is_http {
        ("HTTP".to_owned(), format!("{} ({info})", line.chars().take(120).collect::<String>()))
    } else {
        ("TCP".to_owned(), info)
    };
}

fn icmp_info(icmp: &Icmpv4Slice<'_>) -> String {
    use etherparse::icmpv4::DestUnreachableHeader as Unreachable;
    match icmp.icmp_type() {
        Icmpv4Type::EchoRequest(echo) => format!("echo request seq={}", echo.seq),
        Icmpv4Type::EchoReply(echo) => format!("echo reply seq={}", echo.seq),
        Icmpv4Type::TimeExceeded(TimeExceededCode::TtlExceededInTransit) => {
            "time to live exceeded".to_owned()
        }
        Icmpv4Type::DestinationUnreachable(why) => match why {
            Unreachable::Network => "network unreachable".to_owned(),
            Unreachable::Host => "host unreachable".to_owned(),
            Unreachable::Port => "port unreachable".to_owned(),
            Unreachable::FragmentationNeeded { next_hop_mtu } => {
                format!("fragmentation needed, next hop takes {next_hop_mtu}")
            }
            Unreachable::NetworkProhibited | Unreachable::HostProhibited | Unreachable::FilterProhibited => {
                "administratively prohibited".to_owned()
            }
            other => format!("unreachable, code {}", other.code_u8()),
        },
        _ => format!("type {} code {}", icmp.type_u8(), icmp.code_u8()),
    }
}

fn mac(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

/// The record with its packets as lines at the end of its output, so that they are compared like everything else.
pub(in crate::run) fn appended(record: &Record) -> Record {
    let mut whole = record.clone();
    let recorded = record.origin.extra.iter().find(|(name, _)| name == RECORDED);
    let Some((_, json)) = recorded else { return whole };
    if !whole.output.is_empty() && !whole.output.ends_with('\n') {
        whole.output.push('\n');
    }
    match serde_json::from_str::<Vec<Packet>>(json) {
        Ok(packets) => compared(&packets).iter().for_each(|line| whole.output.push_str(line)),
        // Edited by hand: not the same as anything.
        Err(error) => whole.output.push_str(&format!("packets cannot be read: {error}\n")),
    }
    whole
}

/// What is compared of packets, line by line.
fn compared(packets: &[Packet]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    // Sides that have closed, in an order that does not depend on who was first.
    let mut closed: Vec<(String, String)> = Vec::new();
    for packet in packets {
        let said = match packet.protocol.as_str() {
            "TCP" | "HTTP" => {
                let Some(said) = segment(packet) else { continue };
                said
            }
            _ => packet.info.clone(),
        };
        let line = line(packet, &said);
        if said == "FIN" {
            if !closed.iter().any(|(_, known)| *known == line) {
                closed.push((side(packet), line));
            }
        } else if lines.last() != Some(&line) {
            lines.push(line);
        }
    }
    // Stable: connections to the same port stay in their order.
    closed.sort_by(|(a, _), (b, _)| a.cmp(b));
    lines.extend(closed.into_iter().map(|(_, line)| line));
    lines
}

/// What a segment says: how a connection begins or breaks off, that one side closes, data. None for bare
/// acknowledgements.
fn segment(packet: &Packet) -> Option<String> {
    if packet.protocol == "HTTP" {
        let end = packet.info.rfind(" (").unwrap_or(packet.info.len());
        return Some(packet.info[..end].to_owned());
    }
    let (flags, numbers) = packet.info.split_once(" seq=").unwrap_or((&packet.info, ""));
    let has = |flag: &str| flags.split(' ').any(|own| own == flag);
    if has("SYN") {
        Some(packet.info.clone())
    } else if has("RST") {
        Some("RST".to_owned())
    } else if has("FIN") {
        Some("FIN".to_owned())
    } else if has("URG") {
        Some("URG".to_owned())
    } else {
        numbers.contains(" len=").then(|| "data".to_owned())
    }
}

/// By what closing sides are put in order: the host that saw it, the connection's server, then its client.
fn side(packet: &Packet) -> String {
    let server = packet.from_port.min(packet.to_port).unwrap_or_default();
    let side = if packet.from_port > packet.to_port { "client" } else { "server" };
    format!("{} {server} {side}", packet.host)
}

fn line(packet: &Packet, said: &str) -> String {
    let end = |address: &str, port: Option<u16>| {
        port.map_or(address.to_owned(), |port| format!("{address}:{port}"))
    };
    format!(
        "packet on {}: {} > {} {}: {said}\n",
        packet.host,
        end(&packet.from, packet.from_port),
        end(&packet.to, packet.to_port),
        packet.protocol,
    )
}

/// Puts packets into the vocabulary of the recording.
pub(in crate::run) fn translate(record: &mut Record, translate: impl Fn(&str) -> String) {
    for (name, json) in &mut record.origin.extra {
        let Ok(mut packets) = serde_json::from_str::<Vec<Packet>>(json) else { continue };
        if name != RECORDED {
            continue;
        }
        for packet in &mut packets {
            for text in [&mut packet.from, &mut packet.to, &mut packet.info] {
                *text = translate(text);
            }
        }
        *json = serde_json::to_string(&packets).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;

    use super::*;

    const CLIENT: ([u8; 4], u16) = ([10, 0, 1, 10], 40_001);
    const SERVER: ([u8; 4], u16) = ([10, 0, 2, 10], 80);

    fn seen(bytes: Vec<u8>) -> Seen {
        let length = u32::try_from(bytes.len()).expect("short");
        Seen { host: "web".to_owned(), at: Duration::from_millis(7), length, bytes }
    }

    fn segment(
        from: ([u8; 4], u16),
        to: ([u8; 4], u16),
        seq: u32,
        flags: impl FnOnce(
            etherparse::PacketBuilderStep<etherparse::TcpHeader>,
        ) -> etherparse::PacketBuilderStep<etherparse::TcpHeader>,
        payload: &[u8],
    ) -> Seen {
        let builder =
            PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(from.0, to.0, 64).tcp(from.1, to.1, seq, 1000);
        let mut bytes = Vec::new();
        flags(builder).write(&mut bytes, payload).expect("writes");
        seen(bytes)
    }

    fn infos(json: &str) -> Vec<(String, String)> {
        let packets: Vec<Packet> = serde_json::from_str(json).expect("packets");
        packets.into_iter().map(|packet| (packet.protocol, packet.info)).collect()
    }

    fn handshake(client: u32, server: u32) -> String {
        json(vec![
            segment(CLIENT, SERVER, client, |tcp| tcp.syn(), b""),
            segment(SERVER, CLIENT, server, |tcp| tcp.syn().ack(client.wrapping_add(1)), b""),
            segment(CLIENT, SERVER, client.wrapping_add(1), |tcp| tcp.ack(server.wrapping_add(1)), b""),
            segment(
                CLIENT,
                SERVER,
                client.wrapping_add(1),
                |tcp| tcp.psh().ack(server.wrapping_add(1)),
                b"GET / HTTP/1.1\r\n\r\n",
            ),
        ])
    }

    #[test]
    fn numbers_count_from_the_beginning_of_a_connection_even_around_the_end() {
        let json = handshake(u32::MAX, 77);
        let expected = [
            ("TCP", "SYN seq=0"),
            ("TCP", "SYN ACK seq=0 ack=1"),
            ("TCP", "ACK seq=1 ack=1"),
            ("HTTP", "GET / HTTP/1.1 (PSH ACK seq=1 ack=1 len=18)"),
        ];
        let infos = infos(&json);
        let infos: Vec<(&str, &str)> = infos.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(infos, expected);
        assert_eq!(json, handshake(5, 6), "the same whatever the numbers are");
        assert!(json.starts_with(r#"[{"host":"web","at":0.0,"from":"10.0.1.10","to":"10.0.2.10","from-port":40001,"to-port":80,"protocol":"TCP","length":54,"#), "{json}");
    }

    #[test]
    fn what_the_moment_decides_is_not_compared_and_what_hosts_say_is() {
        let fin = |from, to| segment(from, to, 9, |tcp| tcp.fin().ack(1), b"");
        let data = |text: &[u8]| segment(SERVER, CLIENT, 5, |tcp| tcp.psh().ack(1), text);
        let ack = || segment(CLIENT, SERVER, 5, |tcp| tcp.ack(1), b"");
        let reset = || segment(SERVER, CLIENT, 5, |tcp| tcp.rst(), b"");
        let compared =
            |packets| super::compared(&serde_json::from_str::<Vec<Packet>>(&json(packets)).expect("packets"));
        let one = compared(vec![data(b"ab"), ack(), data(b"c"), fin(CLIENT, SERVER), fin(SERVER, CLIENT)]);
        let other = compared(vec![
            data(b"abc"),
            fin(SERVER, CLIENT),
            ack(),
            fin(CLIENT, SERVER),
            fin(CLIENT, SERVER),
        ]);
        assert_eq!(one, other);
        assert_eq!(one.len(), 3);
        assert_ne!(one, compared(vec![data(b"abc"), reset()]));
        assert_ne!(one, compared(vec![data(b"abc"), fin(SERVER, CLIENT)]));
    }

    #[test]
    fn pings_and_what_is_no_packet() {
        let mut bytes = Vec::new();
        let ping = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([10, 0, 1, 10], [10, 0, 2, 10], 64);
        ping.icmpv4_echo_request(99, 3).write(&mut bytes, b"x").expect("writes");
        let infos = infos(&json(vec![seen(bytes), seen(vec![1, 2, 3])]));
        assert_eq!(infos[0], ("ICMP".to_owned(), "echo request seq=3".to_owned()));
        assert_eq!(infos[1].1, "not understood");
    }

    #[test]
    fn packets_are_compared_as_lines_of_the_output() {
        let mut record = Record { output: "hello".to_owned(), ..Record::default() };
        assert_eq!(appended(&record).output, "hello");
        record.origin.extra.push((RECORDED.to_owned(), handshake(1, 2)));
        let lines = appended(&record).output;
        assert_eq!(
            lines,
            "hello\npacket on web: 10.0.1.10:40001 > 10.0.2.10:80 TCP: SYN seq=0\n\
             packet on web: 10.0.2.10:80 > 10.0.1.10:40001 TCP: SYN ACK seq=0 ack=1\n\
             packet on web: 10.0.1.10:40001 > 10.0.2.10:80 HTTP: GET / HTTP/1.1\n"
        );
        translate(&mut record, |text| text.replace("10.0.1.10", "10.9.9.9"));
        assert!(appended(&record).output.contains("10.9.9.9:40001"));
    }
}
