//! A sequence diagram: one vertical line for each address, one arrow for each packet, time downwards.

use super::super::drawing::{Anchor, CHARACTER, Drawing, Shape, fit};
use super::super::names::Names;
use super::Packet;

/// How much room there is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// For the time at the left; none leaves it to the table.
    gutter: f64,
    /// Between two addresses.
    apart: f64,
    /// For half an address at each side.
    side: f64,
}

/// A page of a screen or of paper.
pub(super) const WIDE: Room = Room { gutter: 76.0, apart: 310.0, side: 66.0 };
/// A telephone.
pub(super) const NARROW: Room = Room { gutter: 0.0, apart: 236.0, side: 52.0 };

const TOP: f64 = 58.0;
const ROW: f64 = 34.0;
/// More packets than this are left to the table.
const MOST: usize = 60;

/// The diagram of what one host saw.
pub(super) fn draw(packets: &[&Packet], room: Room, names: &Names) -> Drawing {
    let Room { gutter, apart, side } = room;
    let mut addresses: Vec<&str> = Vec::new();
    for packet in packets.iter().take(MOST) {
        for address in [packet.from.as_str(), packet.to.as_str()] {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
    }
    let shown = packets.len().min(MOST);
    #[expect(clippy::cast_precision_loss, reason = "a few dozen packets")]
    let place = |index: usize, first: f64, step: f64| first + step * index as f64;
    let lifeline = |address: &str| {
        place(addresses.iter().position(|known| *known == address).unwrap_or(0), gutter + side, apart)
    };
    let bottom = place(shown, TOP, ROW);
    let right = place(addresses.len().saturating_sub(1), gutter + side, apart) + side;
    let mut drawing = Drawing { width: right, height: bottom + 16.0, shapes: Vec::new() };
    for address in &addresses {
        let x = lifeline(address);
        drawing.line((x, TOP - 14.0), (x, bottom), "lab-life");
        if let Some(name) = names.name_of(address) {
            drawing.text(x, 18.0, "lab-t lab-bold", Anchor::Middle, fit(name, 2.0 * side));
        }
        drawing.text(x, 36.0, "lab-t", Anchor::Middle, *address);
    }
    for (index, packet) in packets.iter().take(MOST).enumerate() {
        let y = place(index, TOP + 24.0, ROW);
        if gutter > 0.0 {
            drawing.text(gutter - 8.0, y + 4.0, "lab-t lab-dim", Anchor::End, format!("{:.4} s", packet.at));
        }
        let (from, to) = (lifeline(&packet.from), lifeline(&packet.to));
        let label = format!("{} {}", packet.protocol, packet.info);
        let room = (to - from).abs().max(apart) - 2.0 * CHARACTER;
        drawing.text((from + to) / 2.0, y - 6.0, "lab-t", Anchor::Middle, fit(&label, room));
        drawing.shapes.push(Shape::Arrow { from, to, y, class: "lab-arrow" });
    }
    if packets.len() > shown {
        let more = format!("{} more in the table", packets.len() - shown);
        drawing.text(gutter, bottom + 10.0, "lab-t lab-dim", Anchor::Start, more);
    }
    drawing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_go_from_address_to_address_and_downwards() {
        let packet = |from: &str, to: &str| Packet { from: from.into(), to: to.into(), ..Packet::default() };
        let packets = [packet("a", "b"), packet("b", "a"), packet("a", "c")];
        let drawing = draw(&packets.iter().collect::<Vec<_>>(), NARROW, &Names::default());
        let arrows: Vec<_> = drawing
            .shapes
            .iter()
            .filter_map(|shape| match shape {
                Shape::Arrow { from, to, y, .. } => Some((*from, *to, *y)),
                _ => None,
            })
            .collect();
        let [a, b, c] = [0.0, 1.0, 2.0].map(|column| NARROW.side + column * NARROW.apart);
        assert_eq!(
            arrows.iter().map(|(from, to, _)| (*from, *to)).collect::<Vec<_>>(),
            [(a, b), (b, a), (a, c)]
        );
        assert!(arrows.windows(2).all(|pair| pair[0].2 < pair[1].2));
        assert!(drawing.width > c && drawing.height > arrows[2].2);
    }
}
