//! The packets of the course's records: everything that is compared of them counts.

use std::path::Path;

use super::Packet;
use super::compared::{appended, compared};
use crate::name::{BlockName, LessonId, Os};
use crate::run::capture::RECORDED;
use crate::snapshot::{Key, Record, Renaming, Rules, Store, compare};

/// Every packet of every record: left out, turned round, at another port or host, or saying something else. What is
/// not compared of a packet is tested above: bare acknowledgements, repetitions, times and lengths.
#[test]
fn every_packet_of_the_course_counts() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut checked = 0;
    for (record, packets) in recorded(root) {
        let rules = Rules::new("a-block", record.origin.host.clone());
        let noticed = |packets: &[Packet]| {
            let mut now = record.clone();
            let json = serde_json::to_string(packets).expect("serialises");
            now.origin.extra = vec![(RECORDED.to_owned(), json)];
            let (was, is) = (appended(&record), appended(&now));
            !compare(&was, &is, &rules, &mut Renaming::default()).matches()
        };
        assert!(!noticed(&packets));
        for (at, packet) in packets.iter().enumerate() {
            if compared(std::slice::from_ref(packet)).is_empty() {
                continue;
            }
            let mut fewer = packets.clone();
            fewer.remove(at);
            let repeated = compared(&fewer) == compared(&packets);
            assert!(repeated || noticed(&fewer), "{packet:?} left out went unnoticed");
            for change in [turned, at_another_port, at_another_host, saying_something_else] {
                let mut other = packets.clone();
                change(&mut other[at]);
                assert!(noticed(&other), "{packet:?} made {:?} went unnoticed", other[at]);
                checked += 1;
            }
        }
    }
    assert!(checked > 80, "only {checked} packets");
}

fn turned(packet: &mut Packet) {
    std::mem::swap(&mut packet.from, &mut packet.to);
    std::mem::swap(&mut packet.from_port, &mut packet.to_port);
}

fn at_another_port(packet: &mut Packet) {
    match (&mut packet.from_port, &mut packet.to_port) {
        (Some(from), Some(to)) => *if *from < *to { from } else { to } += 1,
        _ => packet.protocol.push('6'),
    }
}

fn at_another_host(packet: &mut Packet) {
    packet.host.push('2');
}

fn saying_something_else(packet: &mut Packet) {
    let word = packet.info.split(' ').next().unwrap_or_default().to_owned();
    let other = if word == "RST" { "SYN" } else { "RST" };
    packet.info = packet.info.replacen(&word, other, 1);
}

/// The records that hold packets.
fn recorded(root: &Path) -> Vec<(Record, Vec<Packet>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root.join("snapshots")).expect("the records are there") {
        let name = entry.expect("readable").file_name().to_string_lossy().into_owned();
        let Some((lesson, block)) = name.strip_suffix(".snap").and_then(|stem| stem.split_once("__")) else {
            continue;
        };
        let key = Key {
            lesson: LessonId::new(lesson).expect("a lesson"),
            block: BlockName::new(block).expect("a block"),
            os: Os::Debian,
            cloud: "local".to_owned(),
        };
        let snapshot = Store::new(root).find(&key).expect("readable").expect("there");
        let json = snapshot.record.origin.extra.iter().find(|(name, _)| name == RECORDED);
        if let Some((_, json)) = json {
            let packets = serde_json::from_str(json).expect("packets");
            found.push((snapshot.record.clone(), packets));
        }
    }
    found
}
