//! What each interface knows of a flow, so that its security groups are asked about the flow's first packet only.
//!
//! Groups belong to interfaces, and so does tracking: a flow between neighbours is tracked, or not, by each of the two
//! for itself, and one through an appliance by the appliance's interface twice more, on its way in and on its way out.
//! The kernel has one entry a flow in the whole router, found by addresses and ports whatever way a packet takes. All
//! interfaces keep what they know in that entry's mark, each in two bits of its own: so it ends with the flow, and
//! whoever forgets the flow forgets all of it.
//!
//! Whose bits they are follows from the part that an interface has in the flow: it is the initiator's, the responder's,
//! or one that relays for others (source/destination check off). Packets of a relay are marked where they arrive
//! ([`FROM_RELAY`]) and where it is known that they leave to one ([`TO_RELAY`]).
//!
//! The first packet that an interface's groups let through decides whether it tracks the flow. As on AWS it does not if
//! the flow is TCP or UDP, a rule for everybody lets it through, and another lets through everything the other way;
//! but always through a NAT gateway. The packets of an untracked flow meet the rules each time, in both directions, so
//! that a removed rule cuts it at once.

use std::collections::BTreeMap;

use super::ruleset::Table;

/// Packet marks, above those of subnets: an interface sends what is not its own, or gets what is not for itself.
pub(super) const FROM_RELAY: u32 = 1 << 29;
pub(super) const TO_RELAY: u32 = 1 << 30;
/// The part of a packet's mark that says which subnet it comes from.
pub(super) const SUBNET_MASK: u32 = FROM_RELAY - 1;

/// Sets of links whose groups let every TCP or UDP packet in or out.
const OPEN_IN: &str = "open_in";
const OPEN_OUT: &str = "open_out";

/// One interface's bits for one flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    tracked: u32,
    untracked: u32,
}

impl Part {
    const fn at(place: u32) -> Self {
        Self { tracked: 1 << (2 * place), untracked: 2 << (2 * place) }
    }
}

const INITIATOR: Part = Part::at(0);
const RESPONDER: Part = Part::at(1);
const BOTH_ENDS: u32 = INITIATOR.tracked | RESPONDER.tracked;

/// How many relays of a VPC have bits of their own; more have to share.
const RELAYS: u32 = 7;

/// A way through an interface: out of it into the router, or in from the router.
#[derive(Debug, Clone, Copy)]
struct Way {
    word: &'static str,
    /// How a rule names the interface's link, and the link at the router's other side.
    link: &'static str,
    other_link: &'static str,
    relayed: u32,
    /// Who has a direction wide open if its answers are to be let through without tracking.
    answers: &'static str,
}

const OUT: Way =
    Way { word: "out", link: "iifname", other_link: "oifname", relayed: FROM_RELAY, answers: OPEN_IN };
const IN: Way =
    Way { word: "in", link: "oifname", other_link: "iifname", relayed: TO_RELAY, answers: OPEN_OUT };

/// Declares the two chains that ask security groups, and all that they need.
pub(super) fn declare(table: &mut Table) {
    table.set(OPEN_IN, "type ifname . inet_proto").set(OPEN_OUT, "type ifname . inet_proto");
    table.set("natgw", "type ifname");
    for way in [OUT, IN] {
        for map in ["sg", "relay", "track_relay", "open_relay"] {
            table.map(&format!("{map}_{}", way.word), "type ifname : verdict");
        }
        let ends = if way.word == "out" { (INITIATOR, RESPONDER) } else { (RESPONDER, INITIATOR) };
        admit(table, way, ends);
    }
    table.map("report_out", "type ifname : verdict");
    table.base("sgout", "type filter hook forward priority -30; policy drop;", sender());
    table.base("sgin", "type filter hook forward priority 0; policy drop;", receiver());
    // An error message about a flow: only who has a part in the flow may send one without a rule.
    let owns = |direction: &str, address: &str, part: Part| {
        format!("ct direction {direction} iifname . ct {address} @own ct mark & {} != 0 accept", part.tracked)
    };
    table.chain(
        "report",
        [
            "iifgroup 1 accept".to_owned(),
            owns("original", "original ip saddr", INITIATOR),
            owns("reply", "reply ip saddr", RESPONDER),
            "iifname vmap @report_out".to_owned(),
            "iifname vmap @sg_out".to_owned(),
        ],
    );
}

/// What a packet meets on its way out of an interface.
fn sender() -> Vec<String> {
    let mut rules = vec![
        // The usual case first: both ends track the flow, and nobody stands between.
        format!(
            "ct state established ct mark & {BOTH_ENDS} == {BOTH_ENDS} meta mark & {FROM_RELAY} == 0 accept"
        ),
        "ct state invalid drop".to_owned(),
        format!("meta mark & {FROM_RELAY} != 0 iifname vmap @relay_out"),
        "ct state related goto report".to_owned(),
    ];
    rules.extend(known(INITIATOR, RESPONDER));
    // The Internet has no groups; noting it makes the usual case of its flows, too.
    rules.extend(["iifgroup 1 goto track_out".to_owned(), "iifname vmap @sg_out".to_owned()]);
    rules
}

/// What a packet meets on its way into an interface. An error message is for who has sent what it is about: the kernel
/// takes no other for related.
fn receiver() -> Vec<String> {
    let mut rules = vec![
        format!("ct mark & {BOTH_ENDS} == {BOTH_ENDS} meta mark & {TO_RELAY} == 0 accept"),
        format!("meta mark & {TO_RELAY} != 0 oifname vmap @relay_in"),
    ];
    rules.extend(known(RESPONDER, INITIATOR));
    rules.extend(["oifgroup 1 goto track_in".to_owned(), "oifname vmap @sg_in".to_owned()]);
    rules
}

/// The chains that rules of groups go to: `track_out` for what is tracked, `open_out` for what may be untracked.
fn admit(table: &mut Table, way: Way, (original, reply): (Part, Part)) {
    let Way { word, link, other_link, relayed, answers, .. } = way;
    let to_relay = |map: &str| format!("meta mark & {relayed} != 0 {link} vmap @{map}_relay_{word}");
    // An error message that a rule lets through says nothing about the flow that it reports of.
    let mut rules = vec!["ct state related accept".to_owned(), to_relay("track")];
    rules.extend(track(original, reply));
    table.chain(format!("track_{word}"), rules);

    // What was decided before needs no look into sets: untracked flows come here with every packet.
    let decided = [("original", original), ("reply", reply)].map(|(direction, part)| {
        let Part { untracked, .. } = part;
        format!("meta mark & {relayed} == 0 ct direction {direction} ct mark & {untracked} != 0 accept")
    });
    let mut rules = Vec::from(decided);
    rules.extend([
        format!("{other_link} @natgw goto track_{word}"),
        format!("{link} . meta l4proto != @{answers} goto track_{word}"),
        to_relay("open"),
    ]);
    rules.extend(leave(original, reply));
    table.chain(format!("open_{word}"), rules);
}

/// Accepts packets of a flow that is tracked here.
fn known(original: Part, reply: Part) -> [String; 2] {
    [("original", original), ("reply", reply)]
        .map(|(direction, part)| format!("ct direction {direction} ct mark & {} != 0 accept", part.tracked))
}

/// Tracks the flow, unless it was decided that it is not tracked.
fn track(original: Part, reply: Part) -> Vec<String> {
    let note = |(direction, part): (&str, Part)| {
        let Part { tracked, untracked } = part;
        format!("ct direction {direction} ct mark & {untracked} == 0 ct mark set ct mark or {tracked}")
    };
    [("original", original), ("reply", reply)].map(note).into_iter().chain(["accept".to_owned()]).collect()
}

/// Decides that the flow is not tracked.
fn leave(original: Part, reply: Part) -> Vec<String> {
    let note = |(direction, part): (&str, Part)| {
        format!("ct direction {direction} ct mark set ct mark or {}", part.untracked)
    };
    [("original", original), ("reply", reply)].map(note).into_iter().chain(["accept".to_owned()]).collect()
}

/// Notes that a link's groups let every packet of a protocol (`tcp`, `udp`) out, or in.
pub(super) fn open(table: &mut Table, link: &str, egress: bool, protocol: &str) {
    let set = if egress { OPEN_OUT } else { OPEN_IN };
    table.element(set, format!("{link} . {protocol}"));
}

/// Adds a NAT gateway's link: it has no groups, and flows through it are always tracked.
pub(super) fn add_nat_gateway(table: &mut Table, link: &str) {
    table.element("natgw", link);
    table.entry("sg_in", link, "goto track_in");
    table.entry("sg_out", link, "goto track_out");
}

/// Adds a link whose interface may send and get what is not its own. `groups` are the two chains that ask its groups,
/// out and in.
pub(super) fn add_relay(table: &mut Table, link: &str, quoted: &str, slot: u32, groups: [&str; 2]) {
    let (inwards, outwards) = (Part::at(2 + 2 * slot), Part::at(3 + 2 * slot));
    for (way, groups) in [OUT, IN].into_iter().zip(groups) {
        // What passes through has two states here: let in on its way to the interface, let out on its way from it. The
        // answers come the other way round.
        let (original, reply) = if way.word == "out" { (outwards, inwards) } else { (inwards, outwards) };
        let [mine, other] = known(original, reply);
        let contents = [
            ("relay", vec![mine, other, format!("goto {groups}")]),
            ("track_relay", track(original, reply)),
            ("open_relay", leave(original, reply)),
        ];
        for (map, rules) in contents {
            let chain = format!("{link}-{}-{}", map.replace('_', "-"), way.word);
            table.entry(&format!("{map}_{}", way.word), quoted, format!("goto {chain}"));
            table.chain(chain, rules);
        }
    }
    let report = format!("{link}-report-out");
    table.entry("report_out", quoted, format!("goto {report}"));
    let parts = inwards.tracked | outwards.tracked;
    table.chain(report, [format!("ct mark & {parts} != 0 accept"), format!("goto {}", groups[0])]);
}

/// The slots of a VPC's relays, by their links. A link keeps its slot when others come and go, unless they wanted the
/// same one.
pub(super) fn slots<'a>(links: impl IntoIterator<Item = &'a str>) -> BTreeMap<&'a str, u32> {
    let mut links: Vec<&str> = links.into_iter().collect();
    links.sort_unstable();
    let mut slots: BTreeMap<&str, u32> = BTreeMap::new();
    for link in links {
        let wanted = link.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
        let free = |slot: &u32| !slots.values().any(|taken| taken == slot);
        let slot = (0..RELAYS).map(|step| wanted.wrapping_add(step) % RELAYS).find(free);
        slots.insert(link, slot.unwrap_or(wanted % RELAYS));
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_bits_of_its_own() {
        let parts = [INITIATOR, RESPONDER].into_iter().chain((2..2 + 2 * RELAYS).map(Part::at));
        let bits: Vec<u32> = parts.flat_map(|part| [part.tracked, part.untracked]).collect();
        assert_eq!(bits.len(), 32);
        assert_eq!(bits.iter().fold(0, |all, bit| all | bit), u32::MAX);
        assert!(bits.iter().all(|bit| bit.count_ones() == 1));
    }

    #[test]
    fn relays_do_not_share_while_there_is_room() {
        let links: Vec<String> = (0..7).map(|n| format!("eni{n:012x}")).collect();
        let all = slots(links.iter().map(String::as_str));
        let mut taken: Vec<u32> = all.values().copied().collect();
        taken.sort_unstable();
        assert_eq!(taken, [0, 1, 2, 3, 4, 5, 6]);
        let more: Vec<String> = (0..20).map(|n| format!("eni{n:012x}")).collect();
        assert!(slots(more.iter().map(String::as_str)).values().all(|slot| *slot < RELAYS));
    }

    #[test]
    fn a_relay_keeps_its_slot_when_one_comes_that_wants_another() {
        let alone = slots(["eni000000000001"]);
        let both = slots(["eni000000000001", "eni000000000002"]);
        assert_eq!(alone["eni000000000001"], both["eni000000000001"]);
    }
}
