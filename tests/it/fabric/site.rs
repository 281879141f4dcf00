//! A network with every kind of way between two interfaces, in the region and in the [model](super::oracle) at once.

use std::fs;
use std::net::Ipv4Addr;

use lab::region::kernel;
use serde_json::json;

use super::channel::serve;
use super::oracle::{Allow, Ends, Interface, Leg, Model, Peer, Protocol};
use super::probe::run_in;
use super::world::{Host, World};

/// How packets get from a client to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Path {
    SameSubnet,
    OtherSubnet,
    /// Through an interface without source/destination check, which passes on what it gets.
    Middlebox,
    /// Through one on the way there, and straight back.
    OneWay,
    /// Through an instance that puts its own address in the place of the client's.
    NatInstance,
    /// Through a NAT gateway, the internet gateway and back in by the server's public address.
    NatGateway,
    /// The same from a client with a public address of its own.
    Hairpin,
}

/// What a group of a test lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// All traffic, with everybody, both ways.
    Open,
    /// In from the VPC to what is served, out to everybody.
    Ordinary,
    /// Both ways, with members of the groups of the test only.
    Reference,
    /// Nothing.
    None,
}

/// An instance and its interface in the model.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) host: Host,
    pub(crate) public: Option<Ipv4Addr>,
    pub(crate) number: usize,
    pub(crate) kind: Kind,
}

/// One VPC: 10.0.0.0/16.
pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) model: Model,
    pub(crate) vpc: String,
}

impl Site {
    pub(crate) fn new() -> Self {
        let mut world = World::new();
        let vpc = world.id("CreateVpc", json!({"CidrBlock": "10.0.0.0/16"}), "/Vpc/VpcId");
        Self { world, model: Model::default(), vpc }
    }

    /// A subnet 10.0.`n`.0/24 with a route table of its own.
    pub(crate) fn subnet(&mut self, n: u8) -> (String, String) {
        let subnet = self.world.subnet(&self.vpc, &format!("10.0.{n}.0/24"));
        let table = self.world.id("CreateRouteTable", json!({"VpcId": self.vpc}), "/RouteTable/RouteTableId");
        self.world.change("AssociateRouteTable", json!({"RouteTableId": table, "SubnetId": subnet}));
        (subnet, table)
    }

    /// Leads the table of a public subnet to an internet gateway, and puts a NAT gateway into the subnet, which the
    /// other table leads to. The NAT gateway's public address.
    pub(crate) fn gateways(&mut self, public: &(String, String), private_table: &str) -> Ipv4Addr {
        let world = &mut self.world;
        let gateway = world.id("CreateInternetGateway", json!({}), "/InternetGateway/InternetGatewayId");
        world.change("AttachInternetGateway", json!({"VpcId": self.vpc, "InternetGatewayId": gateway}));
        world.default_route(&public.1, "GatewayId", &gateway);
        let (allocation, address) = world.elastic_ip();
        let create = json!({"SubnetId": public.0, "AllocationId": allocation});
        let nat = world.id("CreateNatGateway", create, "/NatGateway/NatGatewayId");
        world.settle();
        world.default_route(private_table, "NatGatewayId", &nat);
        address
    }

    /// A group without any rule.
    pub(crate) fn group(&mut self, name: &str) -> String {
        let group = self.world.group(&self.vpc, name, &[]);
        let all = json!({"GroupId": group, "IpPermissions": [Allow::everything().permission()]});
        self.world.change("RevokeSecurityGroupEgress", all);
        group
    }

    /// Adds rules to a group, or takes them away.
    pub(crate) fn rules(&mut self, group: &str, rules: &[Allow], egress: bool, there: bool) {
        if rules.is_empty() {
            return;
        }
        let verb = if there { "Authorize" } else { "Revoke" };
        let way = if egress { "Egress" } else { "Ingress" };
        let permissions: Vec<_> = rules.iter().map(Allow::permission).collect();
        let params = json!({"GroupId": group, "IpPermissions": permissions});
        self.world.change(&format!("{verb}SecurityGroup{way}"), params);
    }

    /// An instance in a group with these rules, which serves.
    pub(crate) fn place(
        &mut self,
        subnet: &str,
        ip: Ipv4Addr,
        (kind, group): (Kind, &str),
        rules: &[Vec<Allow>; 2],
        public: bool,
    ) -> Place {
        let host = self.world.host(subnet, &ip.to_string(), &[group], public);
        let interface = Interface::new(ip, group, rules.clone());
        self.model.interfaces.push(interface);
        let public = public.then(|| self.world.public_ip(&host));
        Place { host, public, number: self.model.interfaces.len() - 1, kind }
    }

    /// Lets an instance pass on what is not for itself, as itself or not.
    pub(crate) fn relays(&mut self, place: &Place, as_itself: bool) {
        let id = &place.host.interface;
        let check = json!({"NetworkInterfaceId": id, "SourceDestCheck": {"Value": false}});
        self.world.call("ModifyNetworkInterfaceAttribute", check);
        let settings = || {
            for (name, value) in
                [("ip_forward", "1"), ("conf/all/send_redirects", "0"), ("conf/eth0/send_redirects", "0")]
            {
                fs::write(format!("/proc/sys/net/ipv4/{name}"), value).expect("a setting that is there");
            }
        };
        kernel::enter(&place.host.namespace, settings).expect("a namespace");
        if as_itself {
            let rules = "add table ip nat; add chain ip nat out { type nat hook postrouting priority 100; }; \
                         add rule ip nat out masquerade";
            run_in(&place.host.namespace, &["nft", rules]);
        }
    }

    /// Leads one subnet's packets for 10.0.`n`.0/24 to an instance.
    pub(crate) fn through(&mut self, table: &str, n: u8, relay: &Place) {
        let params = json!({
            "RouteTableId": table,
            "DestinationCidrBlock": format!("10.0.{n}.0/24"),
            "NetworkInterfaceId": relay.host.interface,
        });
        self.world.change("CreateRoute", params);
    }

    /// Starts what answers at places.
    pub(crate) fn serve<'a>(&self, places: impl IntoIterator<Item = &'a Place>) {
        for place in places {
            serve(&place.host.namespace, place.host.ip);
        }
    }
}

/// The rules of a group of some kind, in and out; `members` are the groups that it may name.
pub(crate) fn rules(kind: Kind, members: &[String]) -> [Vec<Allow>; 2] {
    let from = |peer: &Peer| Allow { protocol: None, port: None, peer: peer.clone() };
    match kind {
        Kind::Open => [vec![Allow::everything()], vec![Allow::everything()]],
        Kind::Ordinary => {
            let vpc = || Peer::Network("10.0.0.0/16".parse().expect("a network"));
            let port =
                |protocol| Allow { protocol: Some(protocol), port: Some(super::channel::PORT), peer: vpc() };
            let ping = Allow { protocol: Some(Protocol::Icmp), port: None, peer: vpc() };
            [vec![port(Protocol::Tcp), port(Protocol::Udp), ping], vec![Allow::everything()]]
        }
        Kind::Reference => {
            let all: Vec<Allow> = members.iter().map(|group| from(&Peer::Group(group.clone()))).collect();
            [all.clone(), all]
        }
        Kind::None => [Vec::new(), Vec::new()],
    }
}

/// The legs from a client to a server, and the address that the client calls.
pub(crate) fn way(
    path: Path,
    protocol: Protocol,
    client: &Place,
    server: &Place,
    relay: Option<&Place>,
    nat_gateway: Ipv4Addr,
) -> (Vec<Leg>, Ipv4Addr) {
    let (from, to) = if protocol == Protocol::Icmp { (0, 0) } else { (40000, super::channel::PORT) };
    let ends = |source: Ipv4Addr, target: Ipv4Addr| Ends { protocol, from: (source, from), to: (target, to) };
    let leg = |ends, sender: Option<&Place>, receiver: Option<&Place>, nat_gateway| Leg {
        ends,
        sender: sender.map(|place| place.number),
        receiver: receiver.map(|place| place.number),
        nat_gateway,
    };
    let direct = ends(client.host.ip, server.host.ip);
    let (one, other) = (Some(client), Some(server));
    match path {
        Path::SameSubnet | Path::OtherSubnet => (vec![leg(direct, one, other, false)], server.host.ip),
        Path::Middlebox | Path::OneWay => {
            (vec![leg(direct, one, relay, false), leg(direct, relay, other, false)], server.host.ip)
        }
        Path::NatInstance => {
            let as_relay = ends(relay.expect("an instance").host.ip, server.host.ip);
            (vec![leg(direct, one, relay, false), leg(as_relay, relay, other, false)], server.host.ip)
        }
        Path::NatGateway | Path::Hairpin => {
            let public = server.public.expect("a public address");
            let source = if path == Path::Hairpin { client.public.expect("one, too") } else { nat_gateway };
            let called = ends(client.host.ip, public);
            let arriving = ends(source, server.host.ip);
            let nat = path == Path::NatGateway;
            (vec![leg(called, one, None, nat), leg(arriving, None, other, false)], public)
        }
    }
}

/// The way back of an answer that leaves out who stood between.
pub(crate) fn straight_back(legs: &[Leg]) -> Vec<Leg> {
    let (first, last) = (legs[0], legs[legs.len() - 1]);
    vec![Leg { receiver: last.receiver, ..first }.back()]
}

/// The way back of an answer.
pub(crate) fn back(legs: &[Leg]) -> Vec<Leg> {
    legs.iter().rev().map(|leg| leg.back()).collect()
}
