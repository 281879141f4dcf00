//! A network interface: a cable from the router to the guest, and its place in every filter.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::desired::{Address, Cable, Desired, End, Namespace, Neighbour, RouteAction, RouteKey};
use super::groups::{self, quoted};
use super::names;
use super::router::{L2_TABLE, ROUTER_MAC, VPC_TABLE, setting};
use super::tracking;
use crate::region::model::{InterfaceKind, NetworkInterface, Region, SecurityGroup, Subnet};

/// An interface whose cable is plugged in at both ends.
pub(super) struct Plugged<'a> {
    pub interface: &'a NetworkInterface,
    pub subnet: &'a Subnet,
    /// Its link's name in the router.
    pub link: String,
    /// Its other end.
    pub far: End,
}

impl<'a> Plugged<'a> {
    /// The interface, if a system or a gateway is there to hold it: none when it is free, or its instance stopped.
    pub(super) fn find(account: &str, region: &'a Region, interface: &'a NetworkInterface) -> Option<Self> {
        let attachment = interface.attachment.as_ref()?;
        let (namespace, index) = match (&attachment.instance_id, interface.kind) {
            (Some(id), _) => {
                let instance = region.instances.get(id)?;
                if !super::region::holds_network(instance.state) {
                    return None;
                }
                (names::guest(account, id), attachment.device_index)
            }
            (None, InterfaceKind::NatGateway) => {
                let holder = |gateway: &&crate::region::model::NatGateway| {
                    gateway.network_interface_id == interface.id && gateway.state.wants_to_run()
                };
                // EC2 says that it is the second device of something; nothing of that shows.
                (names::nat_gateway(account, &region.nat_gateways.iter().find(holder)?.id), 0)
            }
            (None, InterfaceKind::Interface) => return None,
        };
        Some(Self {
            interface,
            subnet: region.subnets.get(&interface.subnet_id)?,
            link: names::link("eni", &interface.id),
            far: End::new(namespace, format!("eth{index}")),
        })
    }

    /// Whether its system may send and get what is not its own: the source/destination check is off.
    pub(super) fn is_relay(&self) -> bool {
        !self.interface.source_dest_check && self.interface.kind == InterfaceKind::Interface
    }

    fn addresses(&self) -> Vec<String> {
        self.interface.private_addresses.iter().map(|address| address.ip.to_string()).collect()
    }

    /// The cable, and the interface's entries in its router.
    pub(super) fn plug(&self, desired: &mut Desired, router_name: &str) {
        let interface = self.interface;
        let cable = Cable {
            mac: Some(ROUTER_MAC.to_owned()),
            group: names::number(&self.subnet.id),
            far: self.far.clone(),
            far_mac: Some(interface.mac.clone()),
        };
        desired.cables.insert(End::new(router_name, &self.link), cable);
        let router = desired.namespaces.entry(router_name.to_owned()).or_default();
        let primary = interface.private_ip();
        router.up.insert(self.link.clone());
        let address = format!("{} peer {primary}/32", gateway(self.subnet.cidr));
        router.addresses.insert(Address::new(&self.link, address));
        for private in &interface.private_addresses {
            let neighbour = Neighbour { link: self.link.clone(), ip: private.ip };
            router.neighbours.insert(neighbour, interface.mac.clone());
            router.flows.insert(private.ip, interface.id.clone());
            if private.ip != primary {
                let route = RouteAction::Link(self.link.clone());
                router.routes.insert(RouteKey::main(Ipv4Net::from(private.ip)), route);
            }
        }
        self.filter(router);
    }

    fn filter(&self, router: &mut Namespace) {
        let link = quoted(&self.link);
        if let Some(table) = router.ruleset.tables.get_mut(L2_TABLE) {
            for ip in self.addresses() {
                table.entry("mac", &ip, &self.interface.mac);
                table.element("own", format!("{link} . {ip}"));
            }
            let hook = format!("type filter hook ingress device {link} priority -500;");
            table.base(&self.link, &hook, ["jump common"]);
        }
        if let Some(table) = router.ruleset.tables.get_mut(VPC_TABLE) {
            for ip in self.addresses() {
                table.element("bind", format!("{link} . {} . {ip}", self.interface.mac));
                table.element("own", format!("{link} . {ip}"));
            }
            if self.is_relay() {
                table.element("nocheck", &link);
            }
        }
    }

    /// Membership in security groups. `relays` has the slots of those that are relays.
    pub(super) fn join_groups(&self, router: &mut Namespace, region: &Region, relays: &BTreeMap<&str, u32>) {
        let Some(table) = router.ruleset.tables.get_mut(VPC_TABLE) else { return };
        if self.interface.kind == InterfaceKind::NatGateway {
            return tracking::add_nat_gateway(table, &quoted(&self.link));
        }
        let ids = self.interface.groups.iter();
        let groups: Vec<&SecurityGroup> = ids.filter_map(|id| region.security_groups.get(id)).collect();
        groups::join(table, &self.link, &self.addresses(), &groups);
        if let Some(slot) = relays.get(self.link.as_str()) {
            groups::relay(table, &self.link, *slot);
        }
    }

    /// The far end: a link that is configured before any system starts on it.
    pub(super) fn configure(&self, desired: &mut Desired) {
        let namespace = desired.namespaces.entry(self.far.namespace.clone()).or_default();
        let link = &self.far.link;
        let primary = self.interface.private_ip();
        let prefix = self.subnet.cidr.prefix_len();
        namespace.up.extend(["lo".to_owned(), link.clone()]);
        namespace.addresses.insert(Address::new(link, format!("{primary}/{prefix} brd +")));
        for other in self.interface.private_addresses.iter().filter(|other| other.ip != primary) {
            namespace.addresses.insert(Address::new(link, format!("{}/{prefix} brd +", other.ip)));
        }
        if link == "eth0" {
            let gateway = gateway(self.subnet.cidr);
            let route = RouteAction::Via { gateway, link: link.clone() };
            namespace.routes.insert(RouteKey::main(Ipv4Net::default()), route);
        }
        if namespace.sysctls.is_empty() {
            namespace.sysctls = vec![setting("net.ipv4.ping_group_range", "0 2147483647")];
        }
    }
}

/// The router's address in a subnet: the first.
pub(super) fn gateway(subnet: Ipv4Net) -> Ipv4Addr {
    Ipv4Addr::from_bits(subnet.network().to_bits().saturating_add(1))
}
