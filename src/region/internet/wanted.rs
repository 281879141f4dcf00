//! Which sockets a state asks for.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4};

use super::places::{NAME_SERVER, SITES};
use crate::region::fabric;
use crate::region::model::State;

/// Where a socket is, as far as answers depend on it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Place {
    /// On the Internet of an account.
    Internet { account: String },
    /// In the router of a VPC.
    Vpc { account: String, region: String, vpc: String },
}

impl Place {
    pub(super) fn account(&self) -> &str {
        match self {
            Place::Internet { account } | Place::Vpc { account, .. } => account,
        }
    }
}

/// What is spoken on a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Service {
    /// DNS in datagrams.
    DnsUdp,
    /// DNS in streams.
    DnsTcp,
    Metadata,
    Http,
    Https,
}

/// One socket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Socket {
    pub namespace: String,
    pub at: SocketAddrV4,
    pub service: Service,
    pub place: Place,
}

/// All sockets that should be open.
pub(super) fn wanted(state: &State) -> BTreeSet<Socket> {
    let mut sockets = BTreeSet::new();
    for account in state.accounts.keys() {
        let place = Place::Internet { account: account.clone() };
        let namespace = fabric::sites(account);
        let mut open = |address, port, service| {
            let at = SocketAddrV4::new(address, port);
            sockets.insert(Socket { namespace: namespace.clone(), at, service, place: place.clone() });
        };
        open(NAME_SERVER, 53, Service::DnsUdp);
        open(NAME_SERVER, 53, Service::DnsTcp);
        for site in SITES {
            open(site.address, 80, Service::Http);
            if site.https {
                open(site.address, 443, Service::Https);
            }
        }
    }
    for (account, region, content) in state.regions() {
        for vpc in &content.vpcs {
            let place =
                Place::Vpc { account: account.to_owned(), region: region.to_owned(), vpc: vpc.id.clone() };
            let namespace = fabric::router(account, &vpc.id);
            let mut open = |address: Ipv4Addr, port, service| {
                let at = SocketAddrV4::new(address, port);
                sockets.insert(Socket { namespace: namespace.clone(), at, service, place: place.clone() });
            };
            open(fabric::METADATA_ADDRESS, 80, Service::Metadata);
            if vpc.enable_dns_support {
                for resolver in [fabric::resolver(vpc.cidr), fabric::LINK_LOCAL_RESOLVER] {
                    open(resolver, 53, Service::DnsUdp);
                    open(resolver, 53, Service::DnsTcp);
                }
            }
        }
    }
    sockets
}
