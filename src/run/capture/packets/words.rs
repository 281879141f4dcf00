//! Packets in words: what the book's table says of each.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use etherparse::icmpv4::TimeExceededCode;
use etherparse::{
    ArpOperation, Icmpv4Slice, Icmpv4Type, LinkSlice, NetSlice, SlicedPacket, TcpSlice, TransportSlice,
};

use super::{Packet, Seen};
use crate::run::capture::dns;

/// All packets as JSON on one line: those of each host in their order, hosts in theirs.
pub(in crate::run::capture) fn json(seen: Vec<Seen>) -> String {
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
