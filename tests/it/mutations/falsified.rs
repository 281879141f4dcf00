//! Records falsified on purpose, in all lessons at once: each is told of by the command itself, and nothing else is. That
//! every other recorded fact is noticed too is shown beside `snapshot::compare`, where it takes no time.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::course::{Course, Region, told};

use super::run::of_events;

/// A record, what stands in it once, and what is written in its place.
const FALSIFIED: &[(&str, &str, &str)] = &[
    ("02-web-server__show-listeners", ":22 ", ":23 "),
    ("02-web-server__show-status", "\"ok\"\n}", "\"impaired\"\n}"),
    ("03-apache__show-package", " installed", " config-files"),
    ("03-apache__see-welcome-page", "It works", "It fails"),
    // A conversation, and the length of an answer in it.
    ("04-http-by-hand__get", "Content-Length: 73", "Content-Length: 74"),
    ("04-http-by-hand__get-without-host", "400 Bad Request", "200 OK"),
    ("05-private-subnet__ping-db", "0% packet loss", "100% packet loss"),
    ("05-private-subnet__ping-in-vain", "100% packet loss", "0% packet loss"),
    ("05-private-subnet__jump-again", "ip-10-0-2-10", "ip-10-0-1-10"),
    // A status, the state of a route, and a status of a block of which nothing else is compared.
    ("06-nat__fetch-into-blackhole", "  exit: 28", "  exit: 7"),
    ("06-nat__show-blackhole", "blackhole", "active   "),
    ("07-wordpress__install-php", "  exit: 0", "  exit: 100"),
    // A variable: the id of another table.
    ("07-wordpress__find-network", "MAIN_RT: rtb-0", "MAIN_RT: rtb-1"),
    // A page's status, a page's title, and a part of the picture of the network.
    ("07-wordpress__see-blog", "200 OK", "500 Internal Server Error"),
    ("08-tcp-ip__see-broken-blog", "データベースエラー", "はじめてのブログ"),
    ("07-wordpress__topology", "\"State\": \"available\"", "\"State\": \"deleted\""),
    // Packets: a flag, an acknowledgement number, who answers, what is asked.
    ("08-tcp-ip__get-refused", "RST ACK seq=0 ack=1", "ACK seq=0 ack=1"),
    ("08-tcp-ip__fetch-small-page", "SYN ACK seq=0 ack=1", "SYN ACK seq=0 ack=2"),
    ("08-tcp-ip__ask-with-arp", "10.0.1.20 is at", "10.0.1.30 is at"),
    ("08-tcp-ip__look-up-on-record", "query A example.com", "query AAAA example.com"),
];

/// Holds the falsified records against the results of the run that this region has kept. `Err`: what went unnoticed.
pub fn noticed(region: &Arc<Region>) -> Result<(), String> {
    let course = Course::copy(region);
    for (name, from, to) in FALSIFIED {
        course.change(&course.snapshot(name), from, to);
    }
    // The route to the gateway is recorded as one to another gateway: ids may be others, but only consistently.
    let table = course.snapshot("05-private-subnet__show-route-tables");
    let text = std::fs::read_to_string(&table).expect("recorded");
    let gateway =
        text.split("0.0.0.0/0 ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a route").to_owned();
    course.change(&table, &gateway, "igw-00000000000000001");
    // Two ids that are both known are swapped.
    let subnets = course.snapshot("05-private-subnet__show-subnets");
    let text = std::fs::read_to_string(&subnets).expect("recorded");
    let mut ids = text.split("\"Id\": \"").skip(1).filter_map(|rest| rest.split('"').next());
    let (one, two) = (ids.next().expect("an id").to_owned(), ids.next().expect("another").to_owned());
    let swapped = text.replace(&one, "?").replace(&two, &one).replace('?', &two);
    std::fs::write(&subnets, swapped).expect("written");

    let output = course.lab(&["verify", "--format", "json"]);
    if output.status.code() != Some(1) {
        return Err(format!(
            "falsified records: it ended with {:?}:\n{}",
            output.status.code(),
            told(&output)
        ));
    }
    let noticed = of_events(&String::from_utf8_lossy(&output.stdout), None);
    let ids = ["05-private-subnet__show-route-tables", "05-private-subnet__show-subnets"];
    let expected: BTreeSet<&str> = FALSIFIED.iter().map(|(name, ..)| *name).chain(ids).collect();
    let noticed_blocks: BTreeSet<&str> = noticed.keys().map(String::as_str).collect();
    if noticed_blocks != expected {
        return Err(format!(
            "falsified records: of {:?} too much or too little was told",
            noticed_blocks.symmetric_difference(&expected)
        ));
    }
    if !noticed[ids[0]].contains("igw-00000000000000001") {
        return Err(format!("the cause is not told of: {}", noticed[ids[0]]));
    }
    Ok(())
}
