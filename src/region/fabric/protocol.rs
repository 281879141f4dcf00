//! Protocols and ports in nft's words.

use crate::region::model::{PortRange, Protocol};

/// The match of a protocol and its ports or ICMP type, with a space at its end; empty for every protocol. None if no
/// packet of the fabric can match: there is no IPv6.
pub(super) fn matching(protocol: Protocol, ports: Option<PortRange>) -> Option<String> {
    Some(match protocol {
        Protocol::All => String::new(),
        Protocol::Tcp => with_ports("tcp", ports),
        Protocol::Udp => with_ports("udp", ports),
        Protocol::Icmp => icmp(ports),
        Protocol::Icmp6 => return None,
        Protocol::Number(number) => format!("meta l4proto {number} "),
    })
}

fn with_ports(protocol: &str, ports: Option<PortRange>) -> String {
    match ports {
        Some(PortRange { from, to }) if from >= 0 && (from, to) != (0, 65535) => {
            if from == to {
                format!("{protocol} dport {from} ")
            } else {
                format!("{protocol} dport {from}-{to} ")
            }
        }
        _ => format!("meta l4proto {protocol} "),
    }
}

fn icmp(range: Option<PortRange>) -> String {
    match range {
        Some(PortRange { from, to: -1 }) if from >= 0 => format!("icmp type {from} "),
        Some(PortRange { from, to }) if from >= 0 => format!("icmp type {from} icmp code {to} "),
        _ => "meta l4proto icmp ".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(protocol: Protocol, from: i32, to: i32) -> Option<String> {
        matching(protocol, Some(PortRange { from, to }))
    }

    #[test]
    fn ports_and_types_have_the_shortest_match() {
        assert_eq!(text(Protocol::Tcp, 22, 22).unwrap(), "tcp dport 22 ");
        assert_eq!(text(Protocol::Udp, 33434, 33534).unwrap(), "udp dport 33434-33534 ");
        assert_eq!(text(Protocol::Tcp, 0, 65535).unwrap(), "meta l4proto tcp ");
        assert_eq!(matching(Protocol::Tcp, None).unwrap(), "meta l4proto tcp ");
        assert_eq!(text(Protocol::Icmp, -1, -1).unwrap(), "meta l4proto icmp ");
        assert_eq!(text(Protocol::Icmp, 8, -1).unwrap(), "icmp type 8 ");
        assert_eq!(text(Protocol::Icmp, 3, 4).unwrap(), "icmp type 3 icmp code 4 ");
        assert_eq!(matching(Protocol::All, None).unwrap(), "");
        assert_eq!(matching(Protocol::Number(47), None).unwrap(), "meta l4proto 47 ");
        assert_eq!(matching(Protocol::Icmp6, None), None);
    }
}
