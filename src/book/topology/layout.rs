//! Where everything in a topology is drawn.
//!
//! The Internet is a bar at the top, each VPC a box below it with its gateway on its upper edge and its router as a bar
//! inside. Subnets hang from the router in a grid; security groups stand in the same grid below them. Boxes of one row
//! are equally high, so that everything is aligned.

use super::super::drawing::{Anchor, CHARACTER, Drawing, Shape, fit};
use super::cards::{self, Card};
use super::{Topology, Vpc};

/// The inner width of a column: room for 38 characters.
const COLUMN: f64 = 38.0 * CHARACTER + 2.0 * PAD;
const PAD: f64 = 12.0;
const GAP: f64 = 16.0;
const LINE: f64 = 17.0;
const BAR: f64 = 30.0;

/// The drawing with so many subnets side by side.
pub(super) fn draw(topology: &Topology, columns: usize) -> Drawing {
    let inner = across(columns, COLUMN + 2.0 * PAD);
    let width = inner + 2.0 * (PAD + 1.0);
    let mut drawing = Drawing { width, ..Drawing::default() };
    let mut y = 1.0;
    bar(&mut drawing, (1.0, y, width - 2.0), "lab-internet", "The Internet");
    y += BAR;
    for vpc in &topology.vpcs {
        y = draw_vpc(&mut drawing, topology, vpc, columns, y);
    }
    for gateway in topology.internet_gateways.iter().filter(|gateway| gateway.vpc_id.is_none()) {
        let text = format!("{} (not attached)", cards::named("Internet gateway", &gateway.name));
        y += GAP;
        bar(&mut drawing, (1.0, y, width - 2.0), "lab-gateway", &text);
        y += BAR;
    }
    drawing.height = y + 1.0;
    drawing
}

/// The width of so many columns and the gaps between them.
fn across(columns: usize, column: f64) -> f64 {
    count(columns) * column + (count(columns) - 1.0) * GAP
}

#[expect(clippy::cast_precision_loss, reason = "a few dozen lines or boxes")]
fn count(number: usize) -> f64 {
    number as f64
}

fn bar(drawing: &mut Drawing, (x, y, width): (f64, f64, f64), class: &'static str, text: &str) {
    drawing.shapes.push(Shape::Box { x, y, width, height: BAR, class });
    drawing.text(x + width / 2.0, y + 20.0, "lab-t lab-bold", Anchor::Middle, fit(text, width - PAD));
}

/// Draws a VPC whose top is a gap below `y`. Returns where its bottom is.
fn draw_vpc(drawing: &mut Drawing, topology: &Topology, vpc: &Vpc, columns: usize, y: f64) -> f64 {
    let width = drawing.width - 2.0;
    let gateway =
        topology.internet_gateways.iter().find(|gateway| gateway.vpc_id.as_deref() == Some(&vpc.vpc_id));
    // Half of the gateway stands above the edge.
    let top = y + if gateway.is_some() { 2.0 * GAP + BAR / 2.0 } else { GAP };
    let frame = drawing.shapes.len();
    let mut y = top + PAD;
    if gateway.is_some() {
        y += BAR / 2.0;
    }
    let title = format!("{}  {}", cards::named("VPC", &vpc.name), vpc.cidr_block);
    for (text, class) in [(&title, "lab-t lab-bold"), (&vpc.vpc_id, "lab-t lab-dim")] {
        drawing.text(1.0 + PAD, y + 12.0, class, Anchor::Start, fit(text, width - 2.0 * PAD));
        y += LINE;
    }
    y += PAD / 2.0;
    let router = y;
    if let Some(gateway) = gateway {
        let text = cards::named("Internet gateway", &gateway.name);
        let wide = length(&text) + 2.0 * PAD;
        // In the middle, unless the wire would run through the title there.
        let middle = (drawing.width / 2.0).max(1.0 + 2.0 * PAD + length(&title));
        let middle = middle.min(drawing.width - PAD - wide / 2.0);
        drawing.line((middle, top - BAR / 2.0 - 2.0 * GAP), (middle, router), "lab-wire");
        bar(drawing, (middle - wide / 2.0, top - BAR / 2.0, wide), "lab-gateway", &text);
    }
    bar(drawing, (1.0 + PAD, router, width - 2.0 * PAD), "lab-router", "Router");
    y = router + BAR;

    let subnets: Vec<_> = topology.subnets.iter().filter(|subnet| subnet.vpc_id == vpc.vpc_id).collect();
    for (number, row) in subnets.chunks(columns).enumerate() {
        let contents: Vec<_> =
            row.iter().map(|subnet| (cards::subnet(subnet), cards::in_subnet(topology, subnet))).collect();
        let height = contents.iter().map(|(head, cards)| subnet_height(head, cards)).fold(0.0, f64::max);
        y += GAP;
        for (column, (head, cards)) in contents.iter().enumerate() {
            let x = 1.0 + PAD + count(column) * (COLUMN + 2.0 * PAD + GAP);
            wire(drawing, router, (x, y), number == 0, column == 0);
            draw_subnet(drawing, (x, y, height), head, cards);
        }
        y += height;
    }

    let mut groups: Vec<_> =
        topology.security_groups.iter().filter(|group| group.vpc_id == vpc.vpc_id).collect();
    groups.sort_by_key(|group| group.group_name.clone());
    for row in groups.chunks(columns) {
        let row: Vec<Card> = row.iter().map(|group| cards::security_group(topology, group)).collect();
        let height = row.iter().map(card_height).fold(0.0, f64::max);
        y += GAP;
        for (column, card) in row.iter().enumerate() {
            let x = 1.0 + PAD + count(column) * (COLUMN + 2.0 * PAD + GAP);
            draw_card(drawing, (x, y, COLUMN + 2.0 * PAD, height), card);
        }
        y += height;
    }
    y += PAD;
    let outline = Shape::Box { x: 1.0, y: top, width, height: y - top, class: "lab-vpc" };
    drawing.shapes.insert(frame, outline);
    y
}

/// The wire from the router to the subnet at this place. Below the first row it goes round what is above.
fn wire(drawing: &mut Drawing, router: f64, (x, y): (f64, f64), first_row: bool, first_column: bool) {
    if first_row {
        let middle = x + (COLUMN + 2.0 * PAD) / 2.0;
        return drawing.line((middle, router + BAR), (middle, y), "lab-wire");
    }
    let beside = if first_column { x - PAD / 2.0 } else { x - GAP / 2.0 };
    // Beside the first column there is only the router's side.
    let start = if first_column { router + BAR / 2.0 } else { router + BAR };
    if first_column {
        drawing.line((x, start), (beside, start), "lab-wire");
    }
    drawing.line((beside, start), (beside, y + LINE), "lab-wire");
    drawing.line((beside, y + LINE), (x, y + LINE), "lab-wire");
}

fn length(text: &str) -> f64 {
    count(text.chars().count()) * CHARACTER
}

fn card_height(card: &Card) -> f64 {
    count(card.lines.len()) * LINE + PAD + 3.0
}

fn subnet_height(head: &[(String, &'static str)], cards: &[Card]) -> f64 {
    let cards: f64 = cards.iter().map(|card| card_height(card) + PAD).sum();
    count(head.len()) * LINE + 1.5 * PAD + cards
}

fn draw_subnet(
    drawing: &mut Drawing,
    (x, y, height): (f64, f64, f64),
    head: &[(String, &'static str)],
    cards: &[Card],
) {
    let width = COLUMN + 2.0 * PAD;
    drawing.shapes.push(Shape::Box { x, y, width, height, class: "lab-subnet" });
    let mut at = y + PAD / 2.0;
    for (text, class) in head {
        drawing.text(x + PAD, at + 13.0, class, Anchor::Start, fit(text, COLUMN));
        at += LINE;
    }
    at += PAD;
    for card in cards {
        // What a subnet's routes are stands at its bottom, next to its neighbour's.
        let height_left = y + height - at;
        let last = card.class == "lab-table";
        let own = card_height(card);
        let place = if last { at + (height_left - own - PAD).max(0.0) } else { at };
        draw_card(drawing, (x + PAD, place, COLUMN, own), card);
        at = place + own + PAD;
    }
}

fn draw_card(drawing: &mut Drawing, (x, y, width, height): (f64, f64, f64, f64), card: &Card) {
    drawing.shapes.push(Shape::Box { x, y, width, height, class: card.class });
    for (index, (text, class)) in card.lines.iter().enumerate() {
        let baseline = y + PAD / 2.0 + 14.0 + count(index) * LINE;
        drawing.text(x + PAD, baseline, class, Anchor::Start, fit(text, width - 2.0 * PAD));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxes(drawing: &Drawing, wanted: &str) -> Vec<(f64, f64, f64, f64)> {
        let boxes = drawing.shapes.iter().filter_map(|shape| match shape {
            Shape::Box { x, y, width, height, class } if *class == wanted => Some((*x, *y, *width, *height)),
            _ => None,
        });
        boxes.collect()
    }

    #[test]
    fn subnets_are_aligned_and_everything_is_inside_its_box() {
        let topology: Topology = serde_json::from_str(super::super::sample::JSON).unwrap();
        for columns in [1, 2] {
            let drawing = draw(&topology, columns);
            let vpc = boxes(&drawing, "lab-vpc")[0];
            let subnets = boxes(&drawing, "lab-subnet");
            let inside = |inner: (f64, f64, f64, f64), outer: (f64, f64, f64, f64)| {
                inner.0 >= outer.0
                    && inner.1 >= outer.1
                    && inner.0 + inner.2 <= outer.0 + outer.2
                    && inner.1 + inner.3 <= outer.1 + outer.3
            };
            assert!(subnets.iter().all(|subnet| inside(*subnet, vpc)), "{columns}: {vpc:?} {subnets:?}");
            for class in ["lab-machine", "lab-table"] {
                for card in boxes(&drawing, class) {
                    assert!(
                        subnets.iter().any(|subnet| inside(card, *subnet)),
                        "{class} {card:?} {subnets:?}"
                    );
                }
            }
            assert!(vpc.1 + vpc.3 <= drawing.height && vpc.0 + vpc.2 <= drawing.width);
            if columns == 2 {
                assert_eq!((subnets[0].1, subnets[0].3), (subnets[1].1, subnets[1].3));
            } else {
                assert!(subnets[1].1 > subnets[0].1 + subnets[0].3);
            }
        }
    }

    #[test]
    fn nothing_is_a_picture_too() {
        let drawing = draw(&Topology::default(), 2);
        assert_eq!(drawing.shapes.len(), 2);
    }
}
