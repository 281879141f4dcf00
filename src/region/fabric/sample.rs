//! States for tests, made by hand: the rules of the control plane are not needed to say what packets should do.

use std::net::Ipv4Addr;

use jiff::Timestamp;

use crate::region::model::{
    AclAssociation, AclEntry, Attachment, InstanceState, InterfaceKind, InternetGateway, NatGateway,
    NatGatewayState, NetworkAcl, NetworkInterface, Peer, PortRange, PrivateAddress, Protocol, PublicAddress,
    Region, Route, RouteAssociation, RouteOrigin, RouteTable, RouteTarget, SecurityGroup, SecurityGroupRule,
    State, Subnet, Tags, Vpc,
};

pub(crate) const ACCOUNT: &str = "111122223333";

/// `vpc-…1`, `subnet-…a`: an id from its prefix and last digits.
pub(crate) fn id(prefix: &str, digits: &str) -> String {
    format!("{prefix}-{digits:0>17}")
}

/// An empty lab.
pub(crate) fn lab() -> State {
    let mut state = State::seeded(1);
    state.accounts.entry(ACCOUNT.to_owned()).or_default();
    state
}

pub(crate) fn region(state: &mut State) -> &mut Region {
    let account = state.accounts.get_mut(ACCOUNT).unwrap();
    account.regions.entry("us-east-1".to_owned()).or_default()
}

pub(crate) fn add_vpc(region: &mut Region, vpc: &str, cidr: &str) {
    region.vpcs.insert(Vpc {
        id: id("vpc", vpc),
        cidr: cidr.parse().unwrap(),
        cidr_association_id: id("vpc-cidr-assoc", vpc),
        dhcp_options_id: "default".to_owned(),
        instance_tenancy: "default".to_owned(),
        is_default: false,
        enable_dns_support: true,
        enable_dns_hostnames: false,
        enable_network_address_usage_metrics: false,
        tags: Tags::new(),
    });
    add_table(region, vpc, vpc, None);
}

/// A table with its local route; the main one if it has no subnet.
pub(crate) fn add_table(region: &mut Region, table: &str, vpc: &str, subnet: Option<&str>) {
    let destination = region.vpcs.get(&id("vpc", vpc)).unwrap().cidr;
    region.route_tables.insert(RouteTable {
        id: id("rtb", table),
        vpc_id: id("vpc", vpc),
        routes: vec![Route {
            destination,
            target: RouteTarget::Local,
            origin: RouteOrigin::CreateRouteTable,
        }],
        associations: vec![RouteAssociation {
            id: id("rtbassoc", table),
            subnet_id: subnet.map(|subnet| id("subnet", subnet)),
        }],
        tags: Tags::new(),
    });
}

pub(crate) fn add_route(region: &mut Region, table: &str, destination: &str, target: RouteTarget) {
    let table = region.route_tables.get_mut(&id("rtb", table)).unwrap();
    let destination = destination.parse().unwrap();
    table.routes.push(Route { destination, target, origin: RouteOrigin::CreateRoute });
}

pub(crate) fn add_subnet(region: &mut Region, subnet: &str, vpc: &str, cidr: &str) {
    region.subnets.insert(Subnet {
        id: id("subnet", subnet),
        vpc_id: id("vpc", vpc),
        cidr: cidr.parse().unwrap(),
        zone: "us-east-1a".to_owned(),
        zone_id: "use1-az1".to_owned(),
        default_for_zone: false,
        map_public_ip_on_launch: false,
        hostname_type: "ip-name".to_owned(),
        resource_name_dns_a: false,
        resource_name_dns_aaaa: false,
        tags: Tags::new(),
    });
}

pub(crate) fn add_gateway(region: &mut Region, gateway: &str, vpc: &str) {
    let vpc_id = Some(id("vpc", vpc));
    region.internet_gateways.insert(InternetGateway { id: id("igw", gateway), vpc_id, tags: Tags::new() });
}

pub(crate) fn add_group(region: &mut Region, group: &str, vpc: &str, rules: Vec<SecurityGroupRule>) {
    region.security_groups.insert(SecurityGroup {
        id: id("sg", group),
        vpc_id: id("vpc", vpc),
        name: group.to_owned(),
        description: String::new(),
        rules,
        tags: Tags::new(),
    });
}

pub(crate) fn rule(
    egress: bool,
    protocol: Protocol,
    ports: Option<(i32, i32)>,
    peer: Peer,
) -> SecurityGroupRule {
    SecurityGroupRule {
        id: id("sgr", "1"),
        egress,
        protocol,
        ports: ports.map(|(from, to)| PortRange { from, to }),
        peer,
        description: None,
        tags: Tags::new(),
    }
}

pub(crate) fn cidr(text: &str) -> Peer {
    Peer::Cidr(text.parse().unwrap())
}

/// An interface of an instance (running) or, without one, of nothing yet.
pub(crate) fn add_interface(region: &mut Region, eni: &str, subnet: &str, ip: Ipv4Addr, groups: &[&str]) {
    let subnet = region.subnets.get(&id("subnet", subnet)).unwrap();
    let octets = ip.octets();
    region.network_interfaces.insert(NetworkInterface {
        id: id("eni", eni),
        vpc_id: subnet.vpc_id.clone(),
        subnet_id: subnet.id.clone(),
        zone: subnet.zone.clone(),
        description: String::new(),
        mac: format!("0a:00:{:02x}:{:02x}:{:02x}:{:02x}", octets[0], octets[1], octets[2], octets[3]),
        private_addresses: vec![PrivateAddress { ip, primary: true, public: None }],
        groups: groups.iter().map(|group| id("sg", group)).collect(),
        source_dest_check: true,
        assigns_public_ip: false,
        kind: InterfaceKind::Interface,
        attachment: None,
        tags: Tags::new(),
    });
}

/// Gives a private address a public one.
pub(crate) fn publish(region: &mut Region, eni: &str, public: Option<Ipv4Addr>) {
    let interface = region.network_interfaces.get_mut(&id("eni", eni)).unwrap();
    interface.private_addresses[0].public =
        public.map(|ip| PublicAddress { ip, allocation_id: None, association_id: None });
}

/// A NAT gateway with an interface of its own.
pub(crate) fn add_nat_gateway(region: &mut Region, nat: &str, subnet: &str, ip: Ipv4Addr, public: Ipv4Addr) {
    add_interface(region, nat, subnet, ip, &[]);
    publish(region, nat, Some(public));
    let interface = region.network_interfaces.get_mut(&id("eni", nat)).unwrap();
    interface.kind = InterfaceKind::NatGateway;
    interface.source_dest_check = false;
    interface.attachment = Some(Attachment { device_index: 1, ..attachment(nat, None) });
    let (vpc_id, subnet_id) = (interface.vpc_id.clone(), interface.subnet_id.clone());
    region.nat_gateways.insert(NatGateway {
        id: id("nat", nat),
        vpc_id,
        subnet_id,
        state: NatGatewayState::Pending,
        failure: None,
        public: true,
        network_interface_id: id("eni", nat),
        private_ip: ip,
        allocation_id: None,
        public_ip: Some(public),
        association_id: None,
        created: Timestamp::UNIX_EPOCH,
        deleted: None,
        tags: Tags::new(),
    });
}

/// The ACL of a subnet, with one inbound and one outbound rule before the final denial.
pub(crate) fn add_acl(region: &mut Region, acl: &str, vpc: &str, subnet: &str, entries: Vec<AclEntry>) {
    region.network_acls.insert(NetworkAcl {
        id: id("acl", acl),
        vpc_id: id("vpc", vpc),
        is_default: false,
        entries,
        associations: vec![AclAssociation { id: id("aclassoc", acl), subnet_id: id("subnet", subnet) }],
        tags: Tags::new(),
    });
}

/// Plugs an interface into an instance, which is made if it is not there.
pub(crate) fn plug(region: &mut Region, eni: &str, instance: &str) {
    let interface = region.network_interfaces.get_mut(&id("eni", eni)).unwrap();
    interface.attachment = Some(attachment(eni, Some(id("i", instance))));
    let (vpc_id, subnet_id) = (interface.vpc_id.clone(), interface.subnet_id.clone());
    let dashed = interface.private_ip().to_string().replace('.', "-");
    region.instances.insert(crate::region::model::Instance {
        id: id("i", instance),
        reservation_id: id("r", instance),
        image_id: id("ami", "1"),
        instance_type: "t3.micro".to_owned(),
        key_name: None,
        public_key: Some("ssh-ed25519 AAAA web".to_owned()),
        user_data: None,
        state: InstanceState::Running,
        boot: 1,
        state_reason: None,
        transition_reason: String::new(),
        launch_time: Timestamp::UNIX_EPOCH,
        launch_index: 0,
        vpc_id,
        subnet_id,
        zone: "us-east-1a".to_owned(),
        source_dest_check: true,
        ebs_optimized: false,
        monitoring: false,
        disable_api_termination: false,
        disable_api_stop: false,
        terminate_on_shutdown: false,
        metadata_options: crate::region::model::MetadataOptions {
            tokens_required: true,
            hop_limit: 2,
            enabled: true,
            ipv6: false,
            tags: false,
        },
        root_device: "/dev/xvda".to_owned(),
        iam_profile: None,
        client_token: String::new(),
        private_dns_name: format!("ip-{dashed}.ec2.internal"),
        guest: crate::region::model::Guest::default(),
        terminated: None,
        tags: Tags::new(),
    });
}

pub(crate) fn set_state(region: &mut Region, instance: &str, state: InstanceState) {
    region.instances.get_mut(&id("i", instance)).unwrap().state = state;
}

fn attachment(eni: &str, instance_id: Option<String>) -> Attachment {
    Attachment {
        id: id("eni-attach", eni),
        instance_id,
        device_index: 0,
        delete_on_termination: true,
        at: Timestamp::UNIX_EPOCH,
    }
}

/// The lab of the lessons: a public subnet with `web` (10.0.1.10, 203.0.113.10) and a private one with `db`.
pub(crate) fn two_subnets() -> State {
    let mut state = lab();
    let region = region(&mut state);
    add_vpc(region, "1", "10.0.0.0/16");
    add_subnet(region, "a", "1", "10.0.1.0/24");
    add_subnet(region, "b", "1", "10.0.2.0/24");
    add_gateway(region, "1", "1");
    add_table(region, "2", "1", Some("a"));
    add_route(region, "2", "0.0.0.0/0", RouteTarget::InternetGateway(id("igw", "1")));
    let everything = || rule(true, Protocol::All, None, cidr("0.0.0.0/0"));
    let ssh = |peer| rule(false, Protocol::Tcp, Some((22, 22)), peer);
    add_group(region, "e", "1", vec![everything(), ssh(cidr("0.0.0.0/0"))]);
    add_group(region, "d", "1", vec![everything(), ssh(Peer::Group(id("sg", "e")))]);
    add_interface(region, "a10", "a", Ipv4Addr::new(10, 0, 1, 10), &["e"]);
    add_interface(region, "b10", "b", Ipv4Addr::new(10, 0, 2, 10), &["d"]);
    publish(region, "a10", Some(Ipv4Addr::new(203, 0, 113, 10)));
    plug(region, "a10", "eb");
    plug(region, "b10", "db");
    state
}
