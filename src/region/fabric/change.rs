//! One line of `ip -batch`, typed, so that the value of what is applied can follow what the kernel accepted.

use std::fmt;

use super::desired::{Address, Cable, Desired, End, Neighbour, RouteAction, RouteKey};
use super::tracking::SUBNET_MASK;

/// A change of links, addresses, routes or rules in one namespace. Displayed as `ip -batch` takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Make a cable whose near end is here.
    Connect(End, Cable),
    /// Remove the cable whose near end is here, with all that hangs on both links.
    Cut(End),
    AddAddress(Address),
    RemoveAddress(Address),
    /// Set a link up.
    Raise(String),
    SetNeighbour(Neighbour, String),
    RemoveNeighbour(Neighbour),
    SetRoute(RouteKey, RouteAction),
    RemoveRoute(RouteKey, RouteAction),
    /// Route packets with this mark by this table.
    AddMark(u32, u32),
    RemoveMark(u32, u32),
}

/// All rules of marks stand at one place: they exclude each other.
const PREFERENCE: u32 = 100;

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(near, cable) => {
                write!(out, "link add {} ", near.link)?;
                if cable.group != 0 {
                    write!(out, "group {} ", cable.group)?;
                }
                if let Some(mac) = &cable.mac {
                    write!(out, "address {mac} ")?;
                }
                write!(out, "type veth peer name {} netns {}", cable.far.link, cable.far.namespace)?;
                cable.far_mac.as_ref().map_or(Ok(()), |mac| write!(out, " address {mac}"))
            }
            Self::Cut(near) => write!(out, "link del {}", near.link),
            Self::AddAddress(address) => write!(out, "addr replace {} dev {}", address.text, address.link),
            Self::RemoveAddress(address) => write!(out, "addr del {} dev {}", address.text, address.link),
            Self::Raise(link) => write!(out, "link set {link} up"),
            Self::SetNeighbour(neighbour, mac) => {
                write!(
                    out,
                    "neigh replace {} lladdr {mac} dev {} nud permanent",
                    neighbour.ip, neighbour.link
                )
            }
            Self::RemoveNeighbour(neighbour) => {
                write!(out, "neigh del {} dev {}", neighbour.ip, neighbour.link)
            }
            Self::SetRoute(key, action) => write!(out, "route replace {}", Route(key, action)),
            Self::RemoveRoute(key, action) => write!(out, "route del {}", Route(key, action)),
            Self::AddMark(mark, table) => {
                write!(out, "rule add pref {PREFERENCE} fwmark {mark}/{SUBNET_MASK:#x} lookup {table}")
            }
            Self::RemoveMark(mark, table) => {
                write!(out, "rule del pref {PREFERENCE} fwmark {mark}/{SUBNET_MASK:#x} lookup {table}")
            }
        }
    }
}

struct Route<'a>(&'a RouteKey, &'a RouteAction);

impl fmt::Display for Route<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(key, action) = self;
        match action {
            RouteAction::Blackhole => out.write_str("blackhole ")?,
            RouteAction::Throw => out.write_str("throw ")?,
            RouteAction::Local => out.write_str("local ")?,
            RouteAction::Via { .. } | RouteAction::Link(_) => {}
        }
        write!(out, "{}", key.destination)?;
        match action {
            // A host's gateway is in its subnet; the word would puzzle who reads the host's own routes.
            RouteAction::Via { gateway, link } if link == "eth0" => write!(out, " via {gateway} dev {link}")?,
            RouteAction::Via { gateway, link } => write!(out, " via {gateway} dev {link} onlink")?,
            RouteAction::Link(link) => write!(out, " dev {link}")?,
            RouteAction::Local => out.write_str(" dev lo")?,
            RouteAction::Blackhole | RouteAction::Throw => {}
        }
        if key.metric != 0 {
            write!(out, " metric {}", key.metric)?;
        }
        match key.table {
            super::desired::MAIN => Ok(()),
            table => write!(out, " table {table}"),
        }
    }
}

impl Change {
    /// The link of the namespace that the change is about, if it needs one to be there.
    pub fn link(&self) -> Option<&str> {
        match self {
            Self::AddAddress(address) | Self::RemoveAddress(address) => Some(&address.link),
            Self::Raise(link) => Some(link),
            Self::SetNeighbour(neighbour, _) | Self::RemoveNeighbour(neighbour) => Some(&neighbour.link),
            Self::SetRoute(_, action) | Self::RemoveRoute(_, action) => action.link(),
            Self::Connect(..) | Self::Cut(_) | Self::AddMark(..) | Self::RemoveMark(..) => None,
        }
    }
}

impl Desired {
    /// Notes that the kernel has accepted a change.
    pub fn note(&mut self, namespace: &str, change: &Change) {
        match change {
            Change::Connect(near, cable) => {
                self.cables.insert(near.clone(), cable.clone());
                return;
            }
            Change::Cut(near) => return self.cut(near),
            _ => {}
        }
        let Some(here) = self.namespaces.get_mut(namespace) else { return };
        match change.clone() {
            Change::Connect(..) | Change::Cut(_) => {}
            Change::AddAddress(address) => drop(here.addresses.insert(address)),
            Change::RemoveAddress(address) => drop(here.addresses.remove(&address)),
            Change::Raise(link) => drop(here.up.insert(link)),
            Change::SetNeighbour(neighbour, mac) => drop(here.neighbours.insert(neighbour, mac)),
            Change::RemoveNeighbour(neighbour) => drop(here.neighbours.remove(&neighbour)),
            Change::SetRoute(key, action) => drop(here.routes.insert(key, action)),
            Change::RemoveRoute(key, _) => drop(here.routes.remove(&key)),
            Change::AddMark(mark, table) => drop(here.marks.insert(mark, table)),
            Change::RemoveMark(mark, table) => {
                // When a mark moves to another table the new rule is there first.
                if here.marks.get(&mark) == Some(&table) {
                    here.marks.remove(&mark);
                }
            }
        }
    }
}
