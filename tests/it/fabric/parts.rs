//! Who has a part in a flow, and who only says so: error messages about flows, and packets that look like another's.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::OwnedFd;

use lab::region::kernel;
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
use serde_json::json;

use super::EVERYBODY;
use super::probe::{SILENCE, inbox, run_in};
use super::tree::in_tree;
use super::world::{Rule, World};

/// Sends a datagram from a bound socket.
fn say(socket: &UdpSocket, to: Ipv4Addr) {
    socket.send_to(b"x", SocketAddrV4::new(to, 9)).expect("sent");
}

fn hears(socket: &UdpSocket) -> bool {
    socket.set_read_timeout(Some(SILENCE)).expect("a time");
    socket.recv_from(&mut [0; 8]).is_ok()
}

/// Whether an error message about what a connected socket has sent comes to it.
fn is_refused(socket: &UdpSocket) -> bool {
    socket.set_read_timeout(Some(SILENCE)).expect("a time");
    socket.recv(&mut [0; 8]).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// A "port unreachable" that quotes a datagram between two others.
fn report(namespace: &str, from: SocketAddrV4, to: SocketAddrV4) {
    let open = || socket(AddressFamily::Inet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::Icmp);
    let fd: OwnedFd = kernel::enter(namespace, open).expect("a namespace").expect("a raw socket");
    let mut message = vec![3, 3, 0, 0, 0, 0, 0, 0, 0x45, 0, 0, 29, 0, 0, 0x40, 0, 64, 17, 0, 0];
    message.extend(from.ip().octets());
    message.extend(to.ip().octets());
    for number in [from.port(), to.port(), 9, 0] {
        message.extend(number.to_be_bytes());
    }
    message.push(b'x');
    message.push(0);
    let quoted = checksum(&message[8..28]);
    message[18..20].copy_from_slice(&quoted);
    let whole = checksum(&message);
    message[2..4].copy_from_slice(&whole);
    UdpSocket::from(fd).send_to(&message, SocketAddrV4::new(*from.ip(), 0)).expect("sent");
}

fn checksum(bytes: &[u8]) -> [u8; 2] {
    let mut sum: u32 = bytes.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}

/// Takes a group's outbound rule away, or gives it one.
fn speech(world: &mut World, group: &str, allowed: bool) {
    let verb = if allowed { "AuthorizeSecurityGroupEgress" } else { "RevokeSecurityGroupEgress" };
    let all = json!([{"IpProtocol": "-1", "IpRanges": [{"CidrIp": EVERYBODY}]}]);
    world.call(verb, json!({"GroupId": group, "IpPermissions": all}));
}

#[test]
fn an_error_message_needs_no_rule_from_those_who_have_a_part_in_the_flow() {
    in_tree("fabric::parts::an_error_message_needs_no_rule_from_those_who_have_a_part_in_the_flow", || {
        let mut world = World::new();
        let network = world.network();
        let asking = world.group(&network.vpc, "asking", &[]);
        let serving = world.group(&network.vpc, "serving", &[Rule::Udp(9, "10.0.1.0/24")]);
        let third = world.group(&network.vpc, "third", &[]);
        let client = world.host(&network.public, "10.0.1.10", &[&asking], false);
        let server = world.host(&network.private, "10.0.2.10", &[&serving], false);
        let stranger = world.host(&network.private, "10.0.2.20", &[&third], false);
        world.settle();
        speech(&mut world, &serving, false);
        speech(&mut world, &third, false);

        let place = SocketAddrV4::new(server.ip, 9);
        let socket =
            kernel::udp_bind(&client.namespace, SocketAddrV4::new(client.ip, 4000)).expect("a socket");
        socket.connect(place).expect("an address");
        let refused = || {
            socket.send(b"x").expect("sent");
            is_refused(&socket)
        };
        assert!((0..3).any(|_| refused()), "nobody listens, and the server's system says so");

        // Somebody listens now; a stranger says the contrary.
        let received = inbox(&server.namespace, server.ip);
        while is_refused(&socket) {}
        let lie = || report(&stranger.namespace, SocketAddrV4::new(client.ip, 4000), place);
        socket.send(b"x").expect("sent");
        assert!(hears(&received));
        lie();
        assert!(!is_refused(&socket), "the stranger's group lets nothing out");
        speech(&mut world, &third, true);
        lie();
        assert!(is_refused(&socket), "now it does, and the client's interface knows the flow");
    });
}

#[test]
fn anothers_flow_is_no_way_past_ones_own_group() {
    in_tree("fabric::parts::anothers_flow_is_no_way_past_ones_own_group", || {
        let mut world = World::new();
        let network = world.network();
        let asking = world.group(&network.vpc, "asking", &[]);
        let serving = world.group(&network.vpc, "serving", &[Rule::Udp(9, "10.0.1.10/32")]);
        let third = world.group(&network.vpc, "third", &[]);
        let client = world.host(&network.public, "10.0.1.10", &[&asking], false);
        let server = world.host(&network.private, "10.0.2.10", &[&serving], false);
        let forger = world.host(&network.private, "10.0.2.20", &[&third], false);
        world.settle();
        speech(&mut world, &third, false);
        let check = json!({"NetworkInterfaceId": forger.interface, "SourceDestCheck": {"Value": false}});
        world.call("ModifyNetworkInterfaceAttribute", check);
        run_in(&forger.namespace, &["ip", "addr", "add", "10.0.1.10/32", "dev", "eth0"]);

        let received = inbox(&server.namespace, server.ip);
        let bind = |namespace: &str| {
            kernel::udp_bind(namespace, SocketAddrV4::new(client.ip, 4000)).expect("a socket")
        };
        let (socket, forged) = (bind(&client.namespace), bind(&forger.namespace));
        let arrives = (0..3).any(|_| {
            say(&socket, server.ip);
            hears(&received)
        });
        assert!(arrives);
        received.send_to(b"y", SocketAddrV4::new(client.ip, 4000)).expect("sent");
        assert!(hears(&socket), "the flow is established");

        say(&forged, server.ip);
        assert!(!hears(&received), "the forger's group lets nothing out, whatever the client's does");
        speech(&mut world, &third, true);
        say(&forged, server.ip);
        assert!(hears(&received), "now it does, and the server's interface cannot tell the two");
    });
}
