//! Packets as they are compared: what hosts said to each other, not what the moment decides.

use super::Packet;
use crate::run::capture::RECORDED;
use crate::snapshot::Record;

/// The record with its packets as lines at the end of its output, so that they are compared like everything else.
pub(in crate::run) fn appended(record: &Record) -> Record {
    let mut whole = record.clone();
    let recorded = record.origin.extra.iter().find(|(name, _)| name == RECORDED);
    let Some((_, json)) = recorded else { return whole };
    if !whole.output.is_empty() && !whole.output.ends_with('\n') {
        whole.output.push('\n');
    }
    match serde_json::from_str::<Vec<Packet>>(json) {
        Ok(packets) => compared(&packets).iter().for_each(|line| whole.output.push_str(line)),
        // Edited by hand: not the same as anything.
        Err(error) => whole.output.push_str(&format!("packets cannot be read: {error}\n")),
    }
    whole
}

/// What is compared of packets, line by line.
pub(super) fn compared(packets: &[Packet]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    // Sides that have closed, in an order that does not depend on who was first.
    let mut closed: Vec<(String, String)> = Vec::new();
    for packet in packets {
        let said = match packet.protocol.as_str() {
            "TCP" | "HTTP" => {
                let Some(said) = segment(packet) else { continue };
                said
            }
            _ => packet.info.clone(),
        };
        let line = line(packet, &said);
        if said == "FIN" {
            if !closed.iter().any(|(_, known)| *known == line) {
                closed.push((side(packet), line));
            }
        } else if lines.last() != Some(&line) {
            lines.push(line);
        }
    }
    // Stable: connections to the same port stay in their order.
    closed.sort_by(|(a, _), (b, _)| a.cmp(b));
    lines.extend(closed.into_iter().map(|(_, line)| line));
    lines
}

/// What a segment says: how a connection begins or breaks off, that one side closes, data. None for bare
/// acknowledgements.
fn segment(packet: &Packet) -> Option<String> {
    if packet.protocol == "HTTP" {
        let end = packet.info.rfind(" (").unwrap_or(packet.info.len());
        return Some(packet.info[..end].to_owned());
    }
    let (flags, numbers) = packet.info.split_once(" seq=").unwrap_or((&packet.info, ""));
    let has = |flag: &str| flags.split(' ').any(|own| own == flag);
    if has("SYN") {
        Some(packet.info.clone())
    } else if has("RST") {
        Some("RST".to_owned())
    } else if has("FIN") {
        Some("FIN".to_owned())
    } else if has("URG") {
        Some("URG".to_owned())
    } else {
        numbers.contains(" len=").then(|| "data".to_owned())
    }
}

/// By what closing sides are put in order: the host that saw it, the connection's server, then its client.
fn side(packet: &Packet) -> String {
    let server = packet.from_port.min(packet.to_port).unwrap_or_default();
    let side = if packet.from_port > packet.to_port { "client" } else { "server" };
    format!("{} {server} {side}", packet.host)
}

fn line(packet: &Packet, said: &str) -> String {
    let end = |address: &str, port: Option<u16>| {
        port.map_or(address.to_owned(), |port| format!("{address}:{port}"))
    };
    format!(
        "packet on {}: {} > {} {}: {said}\n",
        packet.host,
        end(&packet.from, packet.from_port),
        end(&packet.to, packet.to_port),
        packet.protocol,
    )
}

/// Puts packets into the vocabulary of the recording.
pub(in crate::run) fn translate(record: &mut Record, translate: impl Fn(&str) -> String) {
    for (name, json) in &mut record.origin.extra {
        let Ok(mut packets) = serde_json::from_str::<Vec<Packet>>(json) else { continue };
        if name != RECORDED {
            continue;
        }
        for packet in &mut packets {
            for text in [&mut packet.from, &mut packet.to, &mut packet.info] {
                *text = translate(text);
            }
        }
        *json = serde_json::to_string(&packets).unwrap_or_default();
    }
}
