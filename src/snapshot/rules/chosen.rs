//! What the course's text chose: addresses, networks and ports that stand in it literally.
//!
//! What a person chose must be exactly so in every run; what the cloud assigned may be renamed. The text of all
//! lessons up to the one that runs decides, so `10.0.1.10` in lesson 02 is still exact in lesson 05.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::LazyLock;

use ipnet::Ipv4Net;
use regex::Regex;

/// Literals that were chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    addresses: BTreeSet<Ipv4Addr>,
    networks: BTreeSet<Ipv4Net>,
    ports: BTreeSet<u16>,
}

static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?-u:\b)(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})(?:/(\d{1,2}))?(?-u:\b)")
        .expect("a valid expression")
});
static PORT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?-u:\b)(\d{5})(?-u:\b)").expect("a valid expression"));

impl Chosen {
    /// What these texts chose. Give the text of the blocks rather than of whole lessons: an address in prose may be
    /// an example.
    pub fn in_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut chosen = Self::default();
        for text in texts {
            chosen.add(text);
        }
        chosen
    }

    /// Adds what one more text chose.
    pub fn add(&mut self, text: &str) {
        for found in ADDRESS.captures_iter(text) {
            let Ok(address) = found[1].parse::<Ipv4Addr>() else { continue };
            let length = found.get(2).and_then(|length| length.as_str().parse::<u8>().ok());
            match length.and_then(|length| Ipv4Net::new(address, length).ok()) {
                // `10.0.1.10/24` chooses the address and, by it, the network.
                Some(net) => {
                    self.networks.insert(net.trunc());
                    if net.prefix_len() == 32 || net.addr() != net.network() {
                        self.insert_address(address);
                    }
                }
                None => self.insert_address(address),
            }
        }
        self.ports.extend(PORT.captures_iter(text).filter_map(|found| found[1].parse::<u16>().ok()));
    }

    fn insert_address(&mut self, address: Ipv4Addr) {
        // The local region assigns from these ranges: one that a text mentions may come up for something else.
        if !is_assigned(address) {
            self.addresses.insert(address);
        }
    }

    /// Whether the address was chosen, or follows from a chosen network: its first four and its last address have
    /// their meaning by definition (network, router, resolver, reserved, broadcast).
    pub fn has_address(&self, address: Ipv4Addr) -> bool {
        self.addresses.contains(&address)
            || self.networks.iter().any(|net| {
                let offset = u32::from(address).wrapping_sub(u32::from(net.network()));
                net.prefix_len() <= 28
                    && net.prefix_len() > 0
                    && net.contains(&address)
                    && (offset < 4 || address == net.broadcast())
            })
    }

    /// Whether the network was chosen.
    pub fn has_network(&self, net: Ipv4Net) -> bool {
        self.networks.contains(&net)
    }

    /// Whether the port was chosen (only ports of five digits can be taken for ephemeral ones).
    pub fn has_port(&self, port: u16) -> bool {
        self.ports.contains(&port)
    }

    /// The narrowest chosen network that the address is in: a renamed address must stay in its subnet.
    pub fn network_of(&self, address: Ipv4Addr) -> Option<Ipv4Net> {
        self.networks
            .iter()
            .filter(|net| net.prefix_len() > 0 && net.prefix_len() < 32 && net.contains(&address))
            .max_by_key(|net| net.prefix_len())
            .copied()
    }
}

/// The documentation and benchmark ranges from which the local region assigns public addresses, and laptops theirs.
fn is_assigned(address: Ipv4Addr) -> bool {
    matches!(address.octets(), [203, 0, 113, _] | [198, 51, 100, _] | [198, 18 | 19, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_choose_addresses_networks_and_ports() {
        let chosen = Chosen::in_texts([
            "aws ec2 create-subnet --cidr-block 10.0.1.0/24 --vpc-id $VPC",
            "aws ec2 run-instances --private-ip-address 10.0.1.10 --x 203.0.113.9 192.0.2.7 999.1.1.1",
            "ip addr add 10.7.0.5/16 dev eth0; nc -l 40000",
        ]);
        let has = |text: &str| chosen.has_address(text.parse().unwrap());
        assert!(has("10.0.1.10") && has("10.7.0.5"));
        assert!(!has("10.0.1.11"), "in a chosen network, but not chosen");
        assert!(!has("203.0.113.9"), "the cloud assigns from this range");
        assert!(has("192.0.2.7"), "nobody assigns from this one");
        assert!(has("10.0.1.1") && has("10.0.1.2") && has("10.0.1.255") && !has("10.0.1.254"));
        assert!(chosen.has_network("10.7.0.0/16".parse().unwrap()));
        assert!(chosen.has_port(40000) && !chosen.has_port(40001));
        assert_eq!(chosen.network_of("10.0.1.77".parse().unwrap()), Some("10.0.1.0/24".parse().unwrap()));
        assert_eq!(chosen.network_of("192.168.0.1".parse().unwrap()), None);
    }

    #[test]
    fn everything_is_no_network() {
        let chosen = Chosen::in_texts(["--destination-cidr-block 0.0.0.0/0"]);
        assert!(chosen.has_network("0.0.0.0/0".parse().unwrap()));
        assert!(!chosen.has_address("0.0.0.1".parse().unwrap()));
        assert_eq!(chosen.network_of("10.0.0.1".parse().unwrap()), None);
    }
}
