//! What AWS documents of security groups and of the tracking of connections, as a model that shares nothing with the
//! program: interfaces with rules, what each of them remembers of flows, and packets that pass them one after the other.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde_json::{Value, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Protocol {
    Tcp,
    Udp,
    Icmp,
}

pub(crate) const PROTOCOLS: [Protocol; 3] = [Protocol::Tcp, Protocol::Udp, Protocol::Icmp];

/// Whom a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Peer {
    Network(Ipv4Net),
    /// Members of a group, by the group's id.
    Group(String),
}

/// A rule. Without a protocol it is for all traffic, without a port for every port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allow {
    pub(crate) protocol: Option<Protocol>,
    pub(crate) port: Option<u16>,
    pub(crate) peer: Peer,
}

/// The two ends of a packet: protocol, source, destination. Ports are 0 for ICMP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ends {
    pub(crate) protocol: Protocol,
    pub(crate) from: (Ipv4Addr, u16),
    pub(crate) to: (Ipv4Addr, u16),
}

/// One leg of a packet's way: from an interface to an interface, or from or to one that has no groups (none).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leg {
    pub(crate) ends: Ends,
    pub(crate) sender: Option<usize>,
    pub(crate) receiver: Option<usize>,
    /// To or from a NAT gateway.
    pub(crate) nat_gateway: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Out,
    In,
}

/// An interface and what it remembers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interface {
    pub(crate) addresses: Vec<Ipv4Addr>,
    pub(crate) groups: Vec<String>,
    pub(crate) ingress: Vec<Allow>,
    pub(crate) egress: Vec<Allow>,
    tracked: BTreeSet<(Ends, Way)>,
    untracked: BTreeSet<(Ends, Way)>,
}

/// All interfaces of a test.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) interfaces: Vec<Interface>,
}

impl Model {
    /// Whether a request and its answer arrive.
    pub(crate) fn exchange(&mut self, request: &[Leg], answer: &[Leg]) -> bool {
        self.arrives(request) && self.arrives(answer)
    }

    /// Whether a packet arrives that goes these legs.
    pub(crate) fn arrives(&mut self, legs: &[Leg]) -> bool {
        legs.iter().all(|leg| self.passes(leg, Way::Out) && self.passes(leg, Way::In))
    }

    fn passes(&mut self, leg: &Leg, way: Way) -> bool {
        let Some(place) = (if way == Way::Out { leg.sender } else { leg.receiver }) else { return true };
        let interface = &self.interfaces[place];
        let answered = (leg.ends.reversed(), way.other());
        if interface.tracked.contains(&(leg.ends, way)) || interface.tracked.contains(&answered) {
            return true;
        }
        let allowing: Vec<&Allow> =
            interface.rules(way).iter().filter(|rule| self.matches(rule, leg, way)).collect();
        if allowing.is_empty() {
            return false;
        }
        let decided =
            interface.untracked.contains(&(leg.ends, way)) || interface.untracked.contains(&answered);
        // "Permits TCP or UDP flows for all traffic, and there is a corresponding rule in the other direction that
        // permits all response traffic for any port", and not "automatically tracked".
        let everybody = allowing.iter().any(|rule| rule.is_for_everybody());
        let answers = interface
            .rules(way.other())
            .iter()
            .any(|rule| rule.is_for_everybody() && rule.port.is_none() && rule.is_about(leg.ends.protocol));
        let untracked = leg.ends.protocol != Protocol::Icmp && everybody && answers && !leg.nat_gateway;
        let interface = &mut self.interfaces[place];
        if decided {
            return true;
        }
        let states = if untracked { &mut interface.untracked } else { &mut interface.tracked };
        states.insert((leg.ends, way));
        true
    }

    fn matches(&self, rule: &Allow, leg: &Leg, way: Way) -> bool {
        let port = leg.ends.to.1;
        if !rule.is_about(leg.ends.protocol) || rule.port.is_some_and(|only| only != port) {
            return false;
        }
        let (address, peer) = match way {
            Way::Out => (leg.ends.to.0, leg.receiver),
            Way::In => (leg.ends.from.0, leg.sender),
        };
        match &rule.peer {
            Peer::Network(network) => network.contains(&address),
            // "If you configure routes to forward the traffic between two instances in different subnets through a
            // middlebox appliance ... if you reference the security group of the other instance as the source, this
            // does not allow traffic to flow between the instances."
            Peer::Group(group) => peer.is_some_and(|peer| {
                let peer = &self.interfaces[peer];
                peer.addresses.contains(&address) && peer.groups.contains(group)
            }),
        }
    }
}

impl Interface {
    /// An interface in one group with these rules, in and out.
    pub(crate) fn new(address: Ipv4Addr, group: &str, [ingress, egress]: [Vec<Allow>; 2]) -> Self {
        let (addresses, groups) = (vec![address], vec![group.to_owned()]);
        Self { addresses, groups, ingress, egress, ..Self::default() }
    }

    fn rules(&self, way: Way) -> &[Allow] {
        match way {
            Way::Out => &self.egress,
            Way::In => &self.ingress,
        }
    }
}

impl Way {
    fn other(self) -> Self {
        match self {
            Self::Out => Self::In,
            Self::In => Self::Out,
        }
    }
}

impl Ends {
    pub(crate) fn reversed(self) -> Self {
        Self { from: self.to, to: self.from, ..self }
    }
}

impl Leg {
    /// The same leg on the way back.
    pub(crate) fn back(self) -> Self {
        Self { ends: self.ends.reversed(), sender: self.receiver, receiver: self.sender, ..self }
    }
}

impl Allow {
    /// All traffic, with everybody.
    pub(crate) fn everything() -> Self {
        Self { protocol: None, port: None, peer: Peer::Network(Ipv4Net::default()) }
    }

    fn is_about(&self, protocol: Protocol) -> bool {
        self.protocol.is_none_or(|only| only == protocol)
    }

    fn is_for_everybody(&self) -> bool {
        matches!(&self.peer, Peer::Network(network) if network.prefix_len() == 0)
    }

    /// The rule as EC2 takes it.
    pub(crate) fn permission(&self) -> Value {
        let port = self.port.map_or(-1, i32::from);
        let (from, to) =
            if self.port.is_none() && self.protocol != Some(Protocol::Icmp) && self.protocol.is_some() {
                (0, 65535)
            } else {
                (port, port)
            };
        let protocol = match self.protocol {
            None => "-1",
            Some(Protocol::Tcp) => "tcp",
            Some(Protocol::Udp) => "udp",
            Some(Protocol::Icmp) => "icmp",
        };
        let mut permission = json!({"IpProtocol": protocol});
        if self.protocol.is_some() {
            permission["FromPort"] = json!(from);
            permission["ToPort"] = json!(to);
        }
        match &self.peer {
            Peer::Network(network) => permission["IpRanges"] = json!([{"CidrIp": network.to_string()}]),
            Peer::Group(group) => permission["UserIdGroupPairs"] = json!([{"GroupId": group}]),
        }
        permission
    }
}
