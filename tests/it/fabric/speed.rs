//! How fast packets are: a measurement to be run by hand, on an idle machine.
//!
//! `cargo test --test it -- --ignored --nocapture fabric::speed` prints, for a bare veth pair and for ways through a
//! router, one stream's throughput, what it costs in processor time (which another load disturbs less), and new
//! connections a second. Ways take turns, so that a load meets all of them.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::thread;
use std::time::{Duration, Instant};

use lab::region::kernel::{self, Kernel as _, Linux};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use serde_json::json;

use super::EVERYBODY;
use super::tree::in_tree;
use super::world::{Rule, World};

const ROUNDS: usize = 7;
const SPAN: Duration = Duration::from_millis(1500);

struct Route {
    name: &'static str,
    from: String,
    to: (String, Ipv4Addr, u16),
}

/// Gigabits a second, and seconds of processor time for a gigabyte.
fn stream(route: &Route) -> (f64, f64) {
    let (namespace, ip, port) = &route.to;
    let address = SocketAddrV4::new(*ip, *port);
    let listener = kernel::tcp_listen(namespace, address).expect("a listening socket");
    let sink = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut buffer = vec![0; 1 << 17];
        let mut total = 0;
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            total += length;
        }
        total
    });
    let mut source = kernel::tcp_connect(&route.from, address, Duration::from_secs(5)).expect("connected");
    let buffer = vec![0; 1 << 17];
    let busy = || {
        let usage = getrusage(UsageWho::RUSAGE_SELF).expect("usage");
        (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6
    };
    let (began, before) = (Instant::now(), busy());
    while began.elapsed() < SPAN {
        source.write_all(&buffer).expect("sent");
    }
    drop(source);
    let total = sink.join().expect("a thread that counts") as f64;
    (total * 8.0 / 1e9 / began.elapsed().as_secs_f64(), (busy() - before) / (total / 1e9))
}

/// Nanoseconds of processor time for a small datagram of an established flow, from the sender to the receiver's queue.
fn datagram(route: &Route) -> f64 {
    const COUNT: u32 = 100_000;
    let (namespace, ip, port) = &route.to;
    let receiver = kernel::udp_bind(namespace, SocketAddrV4::new(*ip, *port)).expect("a socket");
    let sender =
        kernel::udp_bind(&route.from, SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)).expect("a socket");
    sender.connect(SocketAddrV4::new(*ip, *port)).expect("an address");
    for socket in [&sender, &receiver] {
        socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a time");
    }
    sender.send(b"x").expect("sent");
    let (_, back) = receiver.recv_from(&mut [0; 8]).expect("a datagram");
    receiver.send_to(b"x", back).expect("sent");
    sender.recv(&mut [0; 8]).expect("an answer");
    let busy = || {
        let usage = getrusage(UsageWho::RUSAGE_THREAD).expect("usage");
        (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 * 1e3
    };
    let before = busy();
    for _ in 0..COUNT {
        sender.send(b"x").expect("sent");
    }
    (busy() - before) / f64::from(COUNT)
}

/// Connections a second, one after the other.
fn connections(route: &Route) -> f64 {
    const COUNT: usize = 500;
    let (namespace, ip, port) = &route.to;
    let address = SocketAddrV4::new(*ip, *port);
    let listener = kernel::tcp_listen(namespace, address).expect("a listening socket");
    thread::spawn(move || listener.incoming().take(COUNT).for_each(drop));
    kernel::enter(&route.from, || {
        let began = Instant::now();
        for _ in 0..COUNT {
            let mut stream = std::net::TcpStream::connect(address).expect("connected");
            let _ = stream.read(&mut [0]);
        }
        COUNT as f64 / began.elapsed().as_secs_f64()
    })
    .expect("a namespace")
}

fn median(mut values: Vec<f64>) -> String {
    values.sort_by(f64::total_cmp);
    format!("{:.2} ({:.2} to {:.2})", values[values.len() / 2], values[0], values[values.len() - 1])
}

#[test]
#[ignore = "a measurement"]
fn packets_through_a_router() {
    in_tree("fabric::speed::packets_through_a_router", || {
        let mut world = World::new();
        let network = world.network();
        let narrow = world.group(
            &network.vpc,
            "narrow",
            &[Rule::Tcp(80, "10.0.0.0/16"), Rule::Udp(80, "10.0.0.0/16")],
        );
        let wide = world.group(&network.vpc, "wide", &[]);
        let all = json!([{"IpProtocol": "-1", "IpRanges": [{"CidrIp": EVERYBODY}]}]);
        world.change("AuthorizeSecurityGroupIngress", json!({"GroupId": wide, "IpPermissions": all}));
        for port in 1000..1040 {
            world.allow(&narrow, Rule::Tcp(port, "10.0.0.0/8"));
        }
        let one = world.host(&network.public, "10.0.1.10", &[&narrow], false);
        let two = world.host(&network.public, "10.0.1.20", &[&narrow], false);
        let far = world.host(&network.private, "10.0.2.10", &[&narrow], false);
        let open = [("10.0.1.30", &network.public), ("10.0.2.30", &network.private)]
            .map(|(ip, subnet)| world.host(subnet, ip, &[&wide], false));
        world.settle();
        let mut linux = Linux;
        for name in ["bare1", "bare2"] {
            linux.create_namespace(name, &[]).expect("a namespace");
        }
        let near = [
            "link add eth0 type veth peer name eth0 netns bare2",
            "addr add 10.9.0.1/24 dev eth0",
            "link set eth0 up",
        ];
        let away = ["addr add 10.9.0.2/24 dev eth0", "link set eth0 up"];
        for (name, lines) in [("bare1", &near[..]), ("bare2", &away[..])] {
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            assert!(linux.ip(name, &lines).expect("ip").is_empty());
        }
        let way = |name, from: &str, to: &str, ip| Route {
            name,
            from: from.to_owned(),
            to: (to.to_owned(), ip, 80),
        };
        let ways = [
            way("bare veth pair", "bare1", "bare2", Ipv4Addr::new(10, 9, 0, 2)),
            way("one subnet, tracked", &one.namespace, &two.namespace, two.ip),
            way("two subnets, tracked", &one.namespace, &far.namespace, far.ip),
            way("two subnets, untracked", &open[0].namespace, &open[1].namespace, open[1].ip),
        ];
        let mut rates = vec![Vec::new(); ways.len()];
        let mut costs = rates.clone();
        let mut datagrams = rates.clone();
        let mut beginnings = rates.clone();
        for _ in 0..ROUNDS {
            for (at, route) in ways.iter().enumerate() {
                let (rate, cost) = stream(route);
                rates[at].push(rate);
                costs[at].push(cost);
                datagrams[at].push(datagram(route));
                beginnings[at].push(connections(route));
            }
        }
        println!(
            "| way | Gbit/s | s of processor a GB | ns of processor a datagram | connections a second |"
        );
        for (at, route) in ways.iter().enumerate() {
            let row = [&rates, &costs, &datagrams, &beginnings].map(|table| median(table[at].clone()));
            println!("| {} | {} |", route.name, row.join(" | "));
        }
    });
}
