//! From the control plane's state to the packet side: the only reader of the model here, but for the parts that
//! turn one resource into its own rules.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::desired::{Address, Cable, Desired, End, Namespace, Neighbour, RouteAction, RouteKey};
use super::interface::{Plugged, gateway};
use super::router::{self, GATEWAY_INSIDE_MAC, GATEWAY_OUTSIDE_MAC, L2_TABLE, ROUTER_MAC, VPC_TABLE};
use super::{acl, groups, internet, names, nat, tracking};
use crate::region::model::{
    InstanceState, InterfaceKind, Region, Route, RouteTable, RouteTarget, SecurityGroup, State, Vpc,
};

/// The internet gateway's link in a router.
const GATEWAY_LINK: &str = "igw";

/// What the kernel should hold for this state: for every account an Internet, for every VPC a router, for every
/// interface in use a cable.
pub fn desired(state: &State) -> Desired {
    let mut desired = Desired::default();
    for (account, content) in &state.accounts {
        internet::add(&mut desired, account);
        for region in content.regions.values() {
            for vpc in &region.vpcs {
                Building { account, region, vpc }.add(&mut desired);
            }
        }
    }
    desired
}

/// The resolver of a VPC: the base of its block plus two.
pub fn resolver(vpc: Ipv4Net) -> Ipv4Addr {
    Ipv4Addr::from_bits(vpc.network().to_bits().saturating_add(2))
}

/// Whether an instance in this state still has its place in the network: until its system has ended.
pub(super) fn holds_network(state: InstanceState) -> bool {
    match state {
        InstanceState::Pending
        | InstanceState::Running
        | InstanceState::Stopping
        | InstanceState::ShuttingDown => true,
        InstanceState::Stopped | InstanceState::Terminated => false,
    }
}

/// One VPC while its part is written.
struct Building<'a> {
    account: &'a str,
    region: &'a Region,
    vpc: &'a Vpc,
}

impl Building<'_> {
    fn add(&self, desired: &mut Desired) {
        let name = names::router(self.account, &self.vpc.id);
        let answers = self.vpc.enable_dns_support.then(|| resolver(self.vpc.cidr));
        let mut router = router::empty(self.vpc.cidr, answers);
        self.add_groups(&mut router);
        self.add_subnets(&mut router);
        desired.namespaces.insert(name.clone(), router);

        let attached = self.region.internet_gateway_of(&self.vpc.id).is_some();
        if attached {
            self.add_gateway(desired, &name);
        }
        let plugged = self.plugged();
        let relays = plugged.iter().filter(|place| place.is_relay()).map(|place| place.link.as_str());
        let relays = tracking::slots(relays);
        for place in &plugged {
            place.plug(desired, &name);
            place.configure(desired);
            if attached {
                self.publish(desired, &name, place);
            }
            if let Some(router) = desired.namespaces.get_mut(&name) {
                place.join_groups(router, self.region, &relays);
            }
            if place.interface.kind == InterfaceKind::NatGateway
                && let Some(gateway) = desired.namespaces.get_mut(&place.far.namespace)
            {
                gateway.ruleset = nat::ruleset(place.interface.private_ip(), self.vpc.cidr);
                gateway.sysctls = router::forwarding();
                gateway.sysctls.extend(nat::SYSCTLS.map(|(name, value)| router::setting(name, value)));
            }
        }
        if let Some(router) = desired.namespaces.get_mut(&name) {
            self.add_routes(router, &plugged, attached);
        }
    }

    fn plugged(&self) -> Vec<Plugged<'_>> {
        let interfaces = self.region.network_interfaces.iter().filter(|eni| eni.vpc_id == self.vpc.id);
        interfaces.filter_map(|eni| Plugged::find(self.account, self.region, eni)).collect()
    }

    fn add_groups(&self, router: &mut Namespace) {
        let Some(table) = router.ruleset.tables.get_mut(VPC_TABLE) else { return };
        let here = self.region.security_groups.iter().filter(|group| group.vpc_id == self.vpc.id);
        let all: BTreeMap<&str, &SecurityGroup> = here.map(|group| (group.id.as_str(), group)).collect();
        for group in all.values() {
            groups::add(table, group, &all);
        }
    }

    fn add_subnets(&self, router: &mut Namespace) {
        for subnet in self.region.subnets.iter().filter(|subnet| subnet.vpc_id == self.vpc.id) {
            let number = names::number(&subnet.id);
            if let Some(table) = self.region.route_table_of(&subnet.id) {
                router.marks.insert(number, names::number(&table.id));
            }
            if let Some(l2) = router.ruleset.tables.get_mut(L2_TABLE) {
                l2.entry("mac", gateway(subnet.cidr), ROUTER_MAC);
            }
            let Some(filters) = router.ruleset.tables.get_mut(VPC_TABLE) else { continue };
            filters.entry("subnet", number, number);
            let restricting = self.region.network_acl_of(&subnet.id).filter(|acl| !acl::is_open(acl));
            if let Some(acl) = restricting {
                acl::add(filters, acl);
                acl::guard(filters, &subnet.id, number, acl);
            }
        }
    }

    /// The cable between router and edge.
    fn add_gateway(&self, desired: &mut Desired, router_name: &str) {
        let outside = names::link("vpc", &self.vpc.id);
        let cable = Cable {
            mac: Some(GATEWAY_INSIDE_MAC.to_owned()),
            group: names::GROUP_GATEWAY,
            far: End::new(names::edge(self.account), &outside),
            far_mac: Some(GATEWAY_OUTSIDE_MAC.to_owned()),
        };
        desired.cables.insert(End::new(router_name, GATEWAY_LINK), cable);
        internet::add_gateway(desired, self.account, &outside, GATEWAY_INSIDE_MAC);
        let Some(router) = desired.namespaces.get_mut(router_name) else { return };
        router.up.insert(GATEWAY_LINK.to_owned());
        router.addresses.insert(Address::new(GATEWAY_LINK, format!("{}/31", internet::GATEWAY_INSIDE)));
        let neighbour = Neighbour { link: GATEWAY_LINK.to_owned(), ip: internet::GATEWAY_OUTSIDE };
        router.neighbours.insert(neighbour, GATEWAY_OUTSIDE_MAC.to_owned());
    }

    /// The translations of an interface's public addresses, and the way to them.
    fn publish(&self, desired: &mut Desired, router_name: &str, place: &Plugged<'_>) {
        let outside = names::link("vpc", &self.vpc.id);
        for (private, public) in place.interface.translations() {
            internet::add_public(desired, self.account, &outside, public);
            let Some(router) = desired.namespaces.get_mut(router_name) else { return };
            router.flows.insert(public, private.to_string());
            if let Some(table) = router.ruleset.tables.get_mut(VPC_TABLE) {
                table.entry("eip_out", private, public);
                table.entry("eip_in", public, private);
            }
        }
    }

    fn add_routes(&self, router: &mut Namespace, plugged: &[Plugged<'_>], attached: bool) {
        for table in self.region.route_tables.iter().filter(|table| table.vpc_id == self.vpc.id) {
            let number = names::number(&table.id);
            router.routes.insert(RouteKey::last(number), RouteAction::Blackhole);
            for route in &table.routes {
                let key = RouteKey { table: number, destination: route.destination, metric: 0 };
                router.routes.insert(key, self.action(table, route, plugged, attached));
            }
        }
    }

    fn action(
        &self,
        table: &RouteTable,
        route: &Route,
        plugged: &[Plugged<'_>],
        attached: bool,
    ) -> RouteAction {
        if !self.region.route_is_active(table, route) {
            return RouteAction::Blackhole;
        }
        let through = |interface_id: &str| {
            let place = plugged.iter().find(|place| place.interface.id == interface_id)?;
            Some(RouteAction::Via { gateway: place.interface.private_ip(), link: place.link.clone() })
        };
        let found = match &route.target {
            RouteTarget::Local => Some(RouteAction::Throw),
            RouteTarget::InternetGateway(_) => attached.then(|| RouteAction::Via {
                gateway: internet::GATEWAY_OUTSIDE,
                link: GATEWAY_LINK.to_owned(),
            }),
            RouteTarget::NatGateway(id) => {
                self.region.nat_gateways.get(id).and_then(|gateway| through(&gateway.network_interface_id))
            }
            RouteTarget::NetworkInterface(id) => through(id),
        };
        found.unwrap_or(RouteAction::Blackhole)
    }
}
