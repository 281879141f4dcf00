//! A sequence diagram: one vertical line for each address, one arrow for each packet, time downwards.

use std::collections::BTreeSet;

use super::super::drawing::{Anchor, CHARACTER, Drawing, Shape, fit};
use super::super::names::Names;
use super::{Packet, endpoint};

/// How much room there is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Of the whole drawing, when there are not too many addresses for it.
    width: f64,
    /// For the time at the left; none leaves it to the table.
    gutter: f64,
}

/// A page of a screen or of paper.
pub(super) const WIDE: Room = Room { width: 760.0, gutter: 76.0 };
/// A telephone.
pub(super) const NARROW: Room = Room { width: 336.0, gutter: 0.0 };

/// The least distance between two addresses; what does not fit then is cut, and is whole in the table.
const APART: f64 = 196.0;
const TOP: f64 = 58.0;
const ROW: f64 = 34.0;
/// From one line above a lifeline to the next.
const HEAD: f64 = 15.0;
/// For what stands below an arrow.
const BELOW: f64 = 12.0;
/// More packets than this are left to the table.
const MOST: usize = 60;

/// The diagram of what one host saw.
pub(super) fn draw(packets: &[&Packet], room: Room, names: &Names) -> Drawing {
    let packets_shown = &packets[..packets.len().min(MOST)];
    let addresses = addresses(packets_shown);
    let heads: Vec<Vec<String>> =
        addresses.iter().map(|address| head(address, packets_shown, room.gutter > 0.0)).collect();
    let longest = heads.iter().flatten().map(|line| count(line.chars().count())).fold(9.0, f64::max);
    let side = longest * CHARACTER / 2.0 + 4.0;
    let gaps = count(addresses.len().saturating_sub(1));
    let first = room.gutter + side;
    let apart = ((room.width - first - side) / gaps.max(1.0)).max(APART).max(2.0 * side);
    let place = |index: usize| first + apart * count(index);
    let lifeline =
        |address: &str| place(addresses.iter().position(|known| *known == address).unwrap_or_default());

    let mut drawing =
        Drawing { width: place(addresses.len().max(1) - 1) + side, height: 0.0, shapes: Vec::new() };
    let mut arrows = Drawing::default();
    let lines = heads.iter().map(Vec::len).max().unwrap_or(1);
    let top = TOP + HEAD * (count(lines) - 1.0);
    let mut bottom = top;
    for packet in packets_shown {
        let (from, to) = (lifeline(&packet.from), lifeline(&packet.to));
        let width = (to - from).abs().max(apart) - 2.0 * CHARACTER;
        let (above, below) = label(packet, width);
        let y = bottom + ROW - 10.0;
        bottom += ROW;
        if room.gutter > 0.0 {
            let time = format!("{:.4} s", packet.at);
            arrows.text(room.gutter - 8.0, y + 4.0, "lab-t lab-dim", Anchor::End, time);
        }
        let middle = (from + to) / 2.0;
        arrows.text(middle, y - 6.0, "lab-t", Anchor::Middle, fit(&above, width));
        if !below.is_empty() {
            arrows.text(middle, y + 14.0, "lab-t lab-dim", Anchor::Middle, fit(&below, width));
            bottom += BELOW;
        }
        arrows.shapes.push(Shape::Arrow { from, to, y, class: "lab-arrow" });
    }
    for (address, head) in addresses.iter().zip(heads) {
        let x = lifeline(address);
        drawing.line((x, top - 14.0), (x, bottom), "lab-life");
        if let Some(name) = names.name_of(address) {
            drawing.text(x, 18.0, "lab-t lab-bold", Anchor::Middle, fit(name, 2.0 * side));
        }
        for (index, line) in head.into_iter().enumerate() {
            drawing.text(x, 36.0 + HEAD * count(index), "lab-t", Anchor::Middle, line);
        }
    }
    drawing.shapes.append(&mut arrows.shapes);
    drawing.height = bottom + 4.0;
    if packets.len() > packets_shown.len() {
        let more = format!("{} more in the table", packets.len() - packets_shown.len());
        drawing.text(room.gutter, bottom + 14.0, "lab-t lab-dim", Anchor::Start, more);
        drawing.height += 16.0;
    }
    drawing
}

#[expect(clippy::cast_precision_loss, reason = "a few dozen packets and characters")]
fn count(number: usize) -> f64 {
    number as f64
}

/// All addresses in the order in which they appear.
fn addresses<'p>(packets: &[&'p Packet]) -> Vec<&'p str> {
    let mut known = BTreeSet::new();
    let both = packets.iter().flat_map(|packet| [packet.from.as_str(), packet.to.as_str()]);
    both.filter(|address| known.insert(*address)).collect()
}

/// What stands above a line: the address, with its port when it uses only one; on a line of its own where there is
/// little room.
fn head(address: &str, packets: &[&Packet], on_one_line: bool) -> Vec<String> {
    let from = packets.iter().filter(|packet| packet.from == address).map(|packet| packet.from_port);
    let to = packets.iter().filter(|packet| packet.to == address).map(|packet| packet.to_port);
    let ports: BTreeSet<Option<u16>> = from.chain(to).collect();
    match ports.first().copied().flatten().filter(|_| ports.len() == 1) {
        Some(port) if !on_one_line => vec![address.to_owned(), format!("port {port}")],
        port => vec![endpoint(address, port)],
    }
}

/// What stands above an arrow, and what below it where one line is too short for both.
fn label(packet: &Packet, width: f64) -> (String, String) {
    // What these say shows which protocol it is.
    let text = match packet.protocol.as_str() {
        "TCP" | "HTTP" | "ARP" => packet.info.clone(),
        protocol => format!("{protocol} {}", packet.info),
    };
    let fits = |text: &str| fit(text, width) == text;
    match text.rsplit_once(" (") {
        Some((said, how)) if !fits(&text) => (said.to_owned(), how.trim_end_matches(')').to_owned()),
        _ => (text, String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrows(drawing: &Drawing) -> Vec<(f64, f64, f64)> {
        let arrows = drawing.shapes.iter().filter_map(|shape| match shape {
            Shape::Arrow { from, to, y, .. } => Some((*from, *to, *y)),
            _ => None,
        });
        arrows.collect()
    }

    fn texts(drawing: &Drawing) -> Vec<&str> {
        let texts = drawing.shapes.iter().filter_map(|shape| match shape {
            Shape::Text { text, .. } => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    #[test]
    fn arrows_go_from_address_to_address_and_downwards() {
        let packet = |from: &str, to: &str| Packet { from: from.into(), to: to.into(), ..Packet::default() };
        let packets = [packet("a", "b"), packet("b", "a"), packet("a", "c")];
        let drawing = draw(&packets.iter().collect::<Vec<_>>(), NARROW, &Names::default());
        let arrows = arrows(&drawing);
        let ((a, b, _), (_, c, _)) = (arrows[0], arrows[2]);
        assert_eq!((arrows[1].0, arrows[1].1, arrows[2].0), (b, a, a));
        assert!(a < b && b < c && (b - a) - (c - b) < 0.1);
        assert!(arrows.windows(2).all(|pair| pair[0].2 < pair[1].2));
        assert!(drawing.width > c && drawing.height > arrows[2].2);
    }

    #[test]
    fn a_port_stands_with_its_address_and_a_long_label_on_two_lines() {
        let packet = Packet {
            from: "10.0.1.10".into(),
            to: "10.0.2.10".into(),
            from_port: Some(40_001),
            to_port: Some(80),
            protocol: "HTTP".into(),
            info: "HEAD / HTTP/1.1 (PSH ACK seq=1 ack=1 len=78)".into(),
            ..Packet::default()
        };
        let other = Packet { from_port: Some(40_002), ..packet.clone() };
        let wide = draw(&[&packet], WIDE, &Names::default());
        assert_eq!(texts(&wide)[..2], ["10.0.1.10:40001", "10.0.2.10:80"]);
        assert!(texts(&wide).contains(&"HEAD / HTTP/1.1 (PSH ACK seq=1 ack=1 len=78)"), "{wide:?}");
        let narrow = draw(&[&packet, &other], NARROW, &Names::default());
        assert_eq!(texts(&narrow)[..3], ["10.0.1.10", "10.0.2.10", "port 80"]);
        assert_eq!(texts(&narrow)[3..5], ["HEAD / HTTP/1.1", "PSH ACK seq=1 ack=1 len=78"]);
    }
}
