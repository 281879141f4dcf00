use etherparse::PacketBuilder;

use std::time::Duration;

use super::*;
use crate::run::capture::RECORDED;
use crate::snapshot::Record;

const CLIENT: ([u8; 4], u16) = ([10, 0, 1, 10], 40_001);
const SERVER: ([u8; 4], u16) = ([10, 0, 2, 10], 80);

fn seen(bytes: Vec<u8>) -> Seen {
    let length = u32::try_from(bytes.len()).expect("short");
    Seen { host: "web".to_owned(), at: Duration::from_millis(7), length, bytes }
}

fn segment(
    from: ([u8; 4], u16),
    to: ([u8; 4], u16),
    seq: u32,
    flags: impl FnOnce(
        etherparse::PacketBuilderStep<etherparse::TcpHeader>,
    ) -> etherparse::PacketBuilderStep<etherparse::TcpHeader>,
    payload: &[u8],
) -> Seen {
    let builder =
        PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(from.0, to.0, 64).tcp(from.1, to.1, seq, 1000);
    let mut bytes = Vec::new();
    flags(builder).write(&mut bytes, payload).expect("writes");
    seen(bytes)
}

fn infos(json: &str) -> Vec<(String, String)> {
    let packets: Vec<Packet> = serde_json::from_str(json).expect("packets");
    packets.into_iter().map(|packet| (packet.protocol, packet.info)).collect()
}

fn handshake(client: u32, server: u32) -> String {
    json(vec![
        segment(CLIENT, SERVER, client, |tcp| tcp.syn(), b""),
        segment(SERVER, CLIENT, server, |tcp| tcp.syn().ack(client.wrapping_add(1)), b""),
        segment(CLIENT, SERVER, client.wrapping_add(1), |tcp| tcp.ack(server.wrapping_add(1)), b""),
        segment(
            CLIENT,
            SERVER,
            client.wrapping_add(1),
            |tcp| tcp.psh().ack(server.wrapping_add(1)),
            b"GET / HTTP/1.1\r\n\r\n",
        ),
    ])
}

#[test]
fn numbers_count_from_the_beginning_of_a_connection_even_around_the_end() {
    let json = handshake(u32::MAX, 77);
    let expected = [
        ("TCP", "SYN seq=0"),
        ("TCP", "SYN ACK seq=0 ack=1"),
        ("TCP", "ACK seq=1 ack=1"),
        ("HTTP", "GET / HTTP/1.1 (PSH ACK seq=1 ack=1 len=18)"),
    ];
    let infos = infos(&json);
    let infos: Vec<(&str, &str)> = infos.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(infos, expected);
    assert_eq!(json, handshake(5, 6), "the same whatever the numbers are");
    assert!(json.starts_with(r#"[{"host":"web","at":0.0,"from":"10.0.1.10","to":"10.0.2.10","from-port":40001,"to-port":80,"protocol":"TCP","length":54,"#), "{json}");
}

#[test]
fn what_the_moment_decides_is_not_compared_and_what_hosts_say_is() {
    let fin = |from, to| segment(from, to, 9, |tcp| tcp.fin().ack(1), b"");
    let data = |text: &[u8]| segment(SERVER, CLIENT, 5, |tcp| tcp.psh().ack(1), text);
    let ack = || segment(CLIENT, SERVER, 5, |tcp| tcp.ack(1), b"");
    let reset = || segment(SERVER, CLIENT, 5, |tcp| tcp.rst(), b"");
    let compared = |packets| {
        super::compared::compared(&serde_json::from_str::<Vec<Packet>>(&json(packets)).expect("packets"))
    };
    let one = compared(vec![data(b"ab"), ack(), data(b"c"), fin(CLIENT, SERVER), fin(SERVER, CLIENT)]);
    let other =
        compared(vec![data(b"abc"), fin(SERVER, CLIENT), ack(), fin(CLIENT, SERVER), fin(CLIENT, SERVER)]);
    assert_eq!(one, other);
    assert_eq!(one.len(), 3);
    assert_ne!(one, compared(vec![data(b"abc"), reset()]));
    assert_ne!(one, compared(vec![data(b"abc"), fin(SERVER, CLIENT)]));
}

#[test]
fn pings_and_what_is_no_packet() {
    let mut bytes = Vec::new();
    let ping = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([10, 0, 1, 10], [10, 0, 2, 10], 64);
    ping.icmpv4_echo_request(99, 3).write(&mut bytes, b"x").expect("writes");
    let infos = infos(&json(vec![seen(bytes), seen(vec![1, 2, 3])]));
    assert_eq!(infos[0], ("ICMP".to_owned(), "echo request seq=3".to_owned()));
    assert_eq!(infos[1].1, "not understood");
}

#[test]
fn packets_are_compared_as_lines_of_the_output() {
    let mut record = Record { output: "hello".to_owned(), ..Record::default() };
    assert_eq!(appended(&record).output, "hello");
    record.origin.extra.push((RECORDED.to_owned(), handshake(1, 2)));
    let lines = appended(&record).output;
    assert_eq!(
        lines,
        "hello\npacket on web: 10.0.1.10:40001 > 10.0.2.10:80 TCP: SYN seq=0\n\
         packet on web: 10.0.2.10:80 > 10.0.1.10:40001 TCP: SYN ACK seq=0 ack=1\n\
         packet on web: 10.0.1.10:40001 > 10.0.2.10:80 HTTP: GET / HTTP/1.1\n"
    );
    translate(&mut record, |text| text.replace("10.0.1.10", "10.9.9.9"));
    assert!(appended(&record).output.contains("10.9.9.9:40001"));
}
