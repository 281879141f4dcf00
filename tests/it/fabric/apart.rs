//! What must not meet: networks, labs, forged addresses, the host.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::thread;
use std::time::Duration;

use lab::region::fabric;
use lab::region::kernel;
use serde_json::json;

use super::EVERYBODY;
use super::probe::{
    Outcome, answers, delivers, echoes, inbox, is_silent, names_of_namespaces, run_in, seen_as, tries,
};
use super::tree::{in_tree, is_inside, spawn};
use super::world::{Rule, World};

#[test]
fn networks_with_equal_addresses_do_not_meet() {
    in_tree("fabric::apart::networks_with_equal_addresses_do_not_meet", || {
        let mut world = World::new();
        let mut places = Vec::new();
        for _ in 0..2 {
            let network = world.network();
            let open = world.group(&network.vpc, "open", &[Rule::Tcp(80, EVERYBODY)]);
            let web = world.host(&network.public, "10.0.1.10", &[&open], true);
            let peer = world.host(&network.public, "10.0.1.20", &[&open], false);
            world.settle();
            places.push((network, web, peer));
        }
        let laptop = world.laptop();
        echoes(&laptop, fabric::LAPTOP_ADDRESS, 80);
        let mut publics = BTreeSet::new();
        for (network, web, peer) in &places {
            echoes(&web.namespace, web.ip, 80);
            let public = world.public_ip(web);
            assert_eq!(seen_as(&web.namespace, fabric::LAPTOP_ADDRESS, 80), public.to_string());
            publics.insert(public);
            assert_eq!(seen_as(&peer.namespace, web.ip, 80), "10.0.1.20");

            // The resolver listens in each router: it knows by its socket which VPC a question comes from.
            let resolver = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 53);
            let service = kernel::udp_bind(&world.router(&network.vpc), resolver).expect("a socket");
            service.set_read_timeout(Some(Duration::from_secs(5))).expect("a time");
            let client = kernel::udp_bind(&web.namespace, SocketAddrV4::new(web.ip, 0)).expect("a socket");
            client.send_to(network.vpc.as_bytes(), resolver).expect("sent");
            let mut buffer = [0; 64];
            let (length, from) = service.recv_from(&mut buffer).expect("a question");
            assert_eq!(&buffer[..length], network.vpc.as_bytes());
            assert_eq!(from.ip().to_string(), "10.0.1.10");
        }
        assert_eq!(publics.len(), 2);
        // No way leads from one to the other but by public addresses.
        let ((_, first, _), (_, second, stranger)) = (&places[0], &places[1]);
        let first_public = world.public_ip(first);
        assert_eq!(
            tries(&stranger.namespace, first_public, 80),
            Outcome::Silence,
            "it has no public address"
        );
        assert_eq!(seen_as(&second.namespace, first_public, 80), world.public_ip(second).to_string());
    });
}

#[test]
fn labs_are_apart() {
    in_tree("fabric::apart::labs_are_apart", || {
        let mut world = World::new();
        let mut labs = Vec::new();
        for account in ["111122223333", "444455556666"] {
            world.enter(account);
            let network = world.network();
            let open = world.group(&network.vpc, "open", &[Rule::Tcp(80, EVERYBODY), Rule::Icmp(EVERYBODY)]);
            let web = world.host(&network.public, "10.0.1.10", &[&open], true);
            world.settle();
            echoes(&web.namespace, web.ip, 80);
            echoes(&world.laptop(), fabric::LAPTOP_ADDRESS, 80);
            labs.push((world.laptop(), world.public_ip(&web), web));
        }
        let [(laptop, public, web), (other_laptop, other_public, other_web)] = &labs[..] else {
            panic!("two labs")
        };
        assert!(answers(laptop, *public) && answers(other_laptop, *other_public));
        if public != other_public {
            assert!(is_silent(laptop, *other_public), "the other lab's address leads nowhere");
            assert!(is_silent(other_laptop, *public));
            assert!(is_silent(&web.namespace, *other_public));
        }
        assert_eq!(seen_as(&web.namespace, fabric::LAPTOP_ADDRESS, 80), public.to_string());
        assert_eq!(seen_as(&other_web.namespace, fabric::LAPTOP_ADDRESS, 80), other_public.to_string());

        // One lab goes, the other stays.
        world.state.accounts.remove("444455556666");
        world.settle();
        assert!(answers(laptop, *public));
        let left = names_of_namespaces();
        assert!(left.iter().all(|name| name.starts_with("111122223333-")), "{left:?}");
    });
}

#[test]
fn a_forged_source_is_dropped_unless_the_check_is_off() {
    in_tree("fabric::apart::a_forged_source_is_dropped_unless_the_check_is_off", || {
        let mut world = World::new();
        let network = world.network();
        let open = world.group(&network.vpc, "open", &[Rule::Udp(9, EVERYBODY)]);
        let sender = world.host(&network.public, "10.0.1.10", &[&open], false);
        let receiver = world.host(&network.private, "10.0.2.10", &[&open], false);
        world.settle();
        let forged = Ipv4Addr::new(10, 0, 1, 99);
        run_in(&sender.namespace, &["ip", "addr", "add", "10.0.1.99/32", "dev", "eth0"]);
        let received = inbox(&receiver.namespace, receiver.ip);
        let arrives = |source| delivers(source, &sender.namespace, receiver.ip, &received) == Some(source);
        assert!(arrives(sender.ip));
        assert!(!arrives(forged));

        let check =
            |on: bool| json!({"NetworkInterfaceId": sender.interface, "SourceDestCheck": {"Value": on}});
        world.call("ModifyNetworkInterfaceAttribute", check(false));
        assert!(arrives(forged));
        world.call("ModifyNetworkInterfaceAttribute", check(true));
        assert!(!arrives(forged));
    });
}

#[test]
fn an_appliance_gets_foreign_packets_only_with_its_check_off() {
    in_tree("fabric::apart::an_appliance_gets_foreign_packets_only_with_its_check_off", || {
        let mut world = World::new();
        let network = world.network();
        let open = world.group(&network.vpc, "open", &[Rule::Udp(9, EVERYBODY)]);
        let sender = world.host(&network.private, "10.0.2.10", &[&open], false);
        let appliance = world.host(&network.public, "10.0.1.10", &[&open], false);
        world.settle();
        let behind = Ipv4Addr::new(172, 20, 0, 1);
        run_in(&appliance.namespace, &["ip", "addr", "add", "172.20.0.1/32", "dev", "lo"]);
        let table = world.id("CreateRouteTable", json!({"VpcId": network.vpc}), "/RouteTable/RouteTableId");
        world.change("AssociateRouteTable", json!({"RouteTableId": table, "SubnetId": network.private}));
        let route = json!({
            "RouteTableId": table,
            "DestinationCidrBlock": "172.20.0.0/16",
            "NetworkInterfaceId": appliance.interface,
        });
        world.call("CreateRoute", route);
        let received = inbox(&appliance.namespace, behind);
        let arrives = || delivers(sender.ip, &sender.namespace, behind, &received);
        assert_eq!(arrives(), None);
        let check = json!({"NetworkInterfaceId": appliance.interface, "SourceDestCheck": {"Value": false}});
        world.call("ModifyNetworkInterfaceAttribute", check);
        assert_eq!(arrives(), Some(sender.ip));

        world.call("StopInstances", json!({"InstanceIds": [appliance.id]}));
        let others = Ipv4Addr::new(172, 20, 0, 2);
        assert_eq!(tries(&sender.namespace, others, 80), Outcome::Silence, "the route is a blackhole now");
    });
}

#[test]
fn nothing_is_left_when_a_tree_is_killed() {
    const NAME: &str = "fabric::apart::nothing_is_left_when_a_tree_is_killed";
    if is_inside(NAME) {
        return in_tree(NAME, || {
            let mut world = World::new();
            let network = world.network();
            let open = world.group(&network.vpc, "open", &[Rule::Icmp(EVERYBODY)]);
            let web = world.host(&network.public, "10.0.1.10", &[&open], true);
            world.settle();
            assert!(answers(&world.laptop(), world.public_ip(&web)));
            let inode = fs::read_link("/proc/self/ns/mnt").expect("a mount namespace");
            println!("\nready {}", inode.display());
            thread::sleep(Duration::from_secs(600));
        });
    }
    let before = Host::look();
    let mut child = spawn(NAME);
    let output = BufReader::new(child.stdout.take().expect("a pipe"));
    let ready = output.lines().map_while(Result::ok).find(|line| line.starts_with("ready "));
    let tree =
        ready.and_then(|line| line.strip_prefix("ready ").map(str::to_owned)).expect("the tree is built");
    assert!(processes_in(&tree) > 0, "the tree's processes can be seen from here");
    assert_eq!(Host::look(), before, "a living tree shows nothing to the host");
    child.kill().expect("the tree's parent can be killed");
    child.wait().expect("it ends");
    let gone = (0..200).any(|_| {
        thread::sleep(Duration::from_millis(10));
        processes_in(&tree) == 0
    });
    assert!(gone, "processes are left in {tree}");
    assert_eq!(Host::look(), before);
}

/// What the host shows of networks.
#[derive(Debug, PartialEq, Eq)]
struct Host {
    links: Vec<String>,
    handles: Vec<String>,
    mounts: usize,
}

impl Host {
    fn look() -> Self {
        let list = |path: &str| {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            let mut names: Vec<String> =
                entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            names
        };
        let mounts = fs::read_to_string("/proc/self/mounts").expect("the list of mounts");
        Self {
            links: list("/sys/class/net"),
            handles: list("/run/netns"),
            mounts: mounts
                .lines()
                .filter(|line| line.contains("nsfs") || line.contains("/run/netns"))
                .count(),
        }
    }
}

/// How many processes are in a mount namespace.
fn processes_in(mount_namespace: &str) -> usize {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    entries
        .filter(|entry| {
            fs::read_link(entry.path().join("ns/mnt"))
                .is_ok_and(|link| link.to_string_lossy() == mount_namespace)
        })
        .count()
}
