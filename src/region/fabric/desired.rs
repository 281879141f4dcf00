//! The packet side as a value: what should be there, in words close to the kernel's own.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::ruleset::Ruleset;

/// Everything that the kernel should hold for all labs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desired {
    /// By name under `/run/netns`.
    pub namespaces: BTreeMap<String, Namespace>,
    /// Pairs of links, by their first end.
    pub cables: BTreeMap<End, Cable>,
}

/// One network namespace. Links are in [`Desired::cables`], as each is in two namespaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespace {
    /// Written once, when the namespace is made, in this order.
    pub sysctls: Vec<(String, String)>,
    /// Links that are up, `lo` among them.
    pub up: BTreeSet<String>,
    pub addresses: BTreeSet<Address>,
    pub neighbours: BTreeMap<Neighbour, String>,
    pub routes: BTreeMap<RouteKey, RouteAction>,
    /// Marked packets (fwmark) and the kernel table that they are routed by.
    pub marks: BTreeMap<u32, u32>,
    pub ruleset: Ruleset,
    /// Addresses whose tracked flows are cut when the entry goes or changes, and what each belongs to.
    pub flows: BTreeMap<Ipv4Addr, String>,
}

/// One end of a cable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    pub namespace: String,
    pub link: String,
}

/// A veth pair: the first end is its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cable {
    pub mac: Option<String>,
    /// Link group of the first end; 0 is the kernel's default.
    pub group: u32,
    pub far: End,
    pub far_mac: Option<String>,
}

/// An address of a link, as `ip address add` takes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    pub link: String,
    /// `10.0.1.10/24`, or `10.0.1.1 peer 10.0.1.10/32`.
    pub text: String,
}

/// Whose hardware address a permanent neighbour entry gives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Neighbour {
    pub link: String,
    pub ip: Ipv4Addr,
}

/// What tells a route from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteKey {
    pub table: u32,
    pub destination: Ipv4Net,
    pub metric: u32,
}

/// What a route does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteAction {
    /// To a neighbour behind a link; the neighbour need not be in a connected network.
    Via { gateway: Ipv4Addr, link: String },
    /// Straight onto a link: the destination is one of its neighbours.
    Link(String),
    /// Silently dropped.
    Blackhole,
    /// Not in this table: look in the next one.
    Throw,
    /// Addresses of this namespace's own.
    Local,
}

/// The kernel's table for everything that has no mark.
pub(super) const MAIN: u32 = 254;

impl RouteKey {
    pub(super) fn main(destination: Ipv4Net) -> Self {
        Self { table: MAIN, destination, metric: 0 }
    }

    /// The last route of a table: what no other route takes.
    pub(super) fn last(table: u32) -> Self {
        Self { table, destination: Ipv4Net::default(), metric: u32::MAX }
    }
}

impl RouteAction {
    /// The link that the route needs.
    pub(super) fn link(&self) -> Option<&str> {
        match self {
            Self::Via { link, .. } | Self::Link(link) => Some(link),
            Self::Blackhole | Self::Throw | Self::Local => None,
        }
    }
}

impl End {
    pub(super) fn new(namespace: impl Into<String>, link: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), link: link.into() }
    }
}

impl Address {
    pub(super) fn new(link: &str, text: impl ToString) -> Self {
        Self { link: link.to_owned(), text: text.to_string() }
    }
}

impl Desired {
    /// Takes away a cable and all that hangs on its links, as the kernel does.
    pub(super) fn cut(&mut self, near: &End) {
        let Some(cable) = self.cables.remove(near) else { return };
        for end in [near, &cable.far] {
            if let Some(namespace) = self.namespaces.get_mut(&end.namespace) {
                namespace.detach(&end.link);
            }
        }
    }

    /// Knows no more how the links of a namespace are configured: its system may have changed them.
    pub fn doubt(&mut self, namespace: &str) {
        if let Some(namespace) = self.namespaces.get_mut(namespace) {
            namespace.up.clear();
            namespace.addresses.clear();
            namespace.routes.clear();
        }
    }

    /// The near end of the cable that a link belongs to.
    pub fn near_end(&self, namespace: &str, link: &str) -> Option<&End> {
        let is = |end: &End| end.namespace == namespace && end.link == link;
        self.cables.iter().find(|(near, cable)| is(near) || is(&cable.far)).map(|(near, _)| near)
    }

    /// Takes away a namespace with every cable that ends in it.
    pub(super) fn drop_namespace(&mut self, name: &str) {
        let ends: Vec<End> = self
            .cables
            .iter()
            .filter(|(near, cable)| near.namespace == name || cable.far.namespace == name)
            .map(|(near, _)| near.clone())
            .collect();
        for end in &ends {
            self.cut(end);
        }
        self.namespaces.remove(name);
    }
}

impl Namespace {
    /// Takes away what hangs on a link.
    pub(super) fn detach(&mut self, link: &str) {
        self.up.remove(link);
        self.addresses.retain(|address| address.link != link);
        self.neighbours.retain(|neighbour, _| neighbour.link != link);
        self.routes.retain(|_, action| action.link() != Some(link));
    }
}
