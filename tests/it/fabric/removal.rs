//! Rules that are taken away under conversations: at the caller, at an appliance on the way, at the server, in and out,
//! with groups whose flows are tracked and groups whose flows are not.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::channel::{Channel, at_once};
use super::oracle::{Allow, Leg, Model, PROTOCOLS};
use super::probe::{PATIENCE, SILENCE};
use super::site::{Kind, Path, Place, Site, back, rules, way};
use super::tree::in_tree;

/// Ordinary groups track what comes in, open ones nothing but ICMP.
const KINDS: [Kind; 2] = [Kind::Open, Kind::Ordinary];

/// Whose rules go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Caller,
    Relay,
    Server,
}

/// A conversation that was begun, and what the model knows of it.
struct Talk {
    name: String,
    model: Model,
    legs: Vec<Leg>,
    namespace: String,
    to: Ipv4Addr,
    protocol: super::oracle::Protocol,
    channel: Option<Channel>,
}

#[test]
fn a_removed_rule_cuts_what_its_interface_does_not_track() {
    in_tree("fabric::removal::a_removed_rule_cuts_what_its_interface_does_not_track", || {
        let mut site = Site::new();
        let clients = site.subnet(1);
        let other = site.subnet(2);
        let behind = [site.subnet(3), site.subnet(4)];
        let middle = site.subnet(5);
        let public = site.subnet(6);
        let nat_gateway = site.gateways(&public, &clients.1);
        let mut groups: BTreeMap<(Role, Kind), String> = BTreeMap::new();
        for role in [Role::Caller, Role::Relay, Role::Server] {
            for kind in KINDS {
                let group = site.group(&format!("{role:?} {kind:?}"));
                let [ingress, egress] = rules(kind, &[]);
                site.rules(&group, &ingress, false, true);
                site.rules(&group, &egress, true, true);
                groups.insert((role, kind), group);
            }
        }
        let mut both = |role: Role, subnet: &str, net: u8, public: bool| -> Vec<Place> {
            let numbers = (10..).zip(KINDS);
            numbers
                .map(|(last, kind)| {
                    let ip = Ipv4Addr::new(10, 0, net, last + if role == Role::Caller { 100 } else { 0 });
                    site.place(subnet, ip, (kind, &groups[&(role, kind)]), &rules(kind, &[]), public)
                })
                .collect()
        };
        let callers = both(Role::Caller, &clients.0, 1, false);
        let public_callers = both(Role::Caller, &public.0, 6, true);
        let relays = both(Role::Relay, &middle.0, 5, false);
        let near = both(Role::Server, &other.0, 2, false);
        let far = [both(Role::Server, &behind[0].0, 3, false), both(Role::Server, &behind[1].0, 4, false)];
        let outside = both(Role::Server, &public.0, 6, true);
        for ((relay, net), (_, table)) in relays.iter().zip([3, 4]).zip(&behind) {
            site.through(&clients.1, net, relay);
            site.through(table, 1, relay);
        }
        site.world.settle();
        for relay in &relays {
            site.relays(relay, false);
        }
        site.serve(near.iter().chain(far.iter().flatten()).chain(&outside));

        let mut ways: Vec<(Path, &Place, &Place, Option<&Place>)> = Vec::new();
        for caller in &callers {
            ways.extend(near.iter().map(|server| (Path::OtherSubnet, caller, server, None)));
            ways.extend(outside.iter().map(|server| (Path::NatGateway, caller, server, None)));
            for (relay, servers) in relays.iter().zip(&far) {
                ways.extend(servers.iter().map(|server| (Path::Middlebox, caller, server, Some(relay))));
            }
        }
        for caller in &public_callers {
            ways.extend(outside.iter().map(|server| (Path::Hairpin, caller, server, None)));
        }

        let (mut differences, mut cut, mut alive) = (Vec::new(), 0, 0);
        for role in [Role::Caller, Role::Relay, Role::Server] {
            for egress in [false, true] {
                let begin = |(path, caller, server, relay): (Path, &Place, &Place, Option<&Place>)| {
                    PROTOCOLS.map(|protocol| {
                        let (legs, to) = way(path, protocol, caller, server, relay, nat_gateway);
                        let through =
                            relay.map(|relay| format!(" through {:?}", relay.kind)).unwrap_or_default();
                        let (from, at) = (caller.kind, server.kind);
                        let name = format!("{path:?}: {protocol:?} {from:?} to {at:?}{through}");
                        let namespace = caller.host.namespace.clone();
                        Talk { name, model: site.model.clone(), legs, namespace, to, protocol, channel: None }
                    })
                };
                let mut talks: Vec<Talk> = ways.iter().copied().flat_map(begin).collect();
                // Open and ordinary groups let all of these through, but for ordinary servers called from outside.
                talks.retain_mut(|talk| talk.model.exchange(&talk.legs, &back(&talk.legs)));
                let begun = |mut talk: Talk| {
                    talk.channel = Channel::open(talk.protocol, &talk.namespace, talk.to, PATIENCE);
                    talk
                };
                let talks = at_once(talks, begun);
                let silent = talks.iter().filter(|talk| talk.channel.is_none());
                differences.extend(silent.map(|talk| format!("{}: does not begin", talk.name)));

                let gone = |kind: Kind| -> Vec<Allow> {
                    let [ingress, out] = rules(kind, &[]);
                    if egress { out } else { ingress }
                };
                for kind in KINDS {
                    site.rules(&groups[&(role, kind)], &gone(kind), egress, false);
                }
                site.world.settle();
                let asked = at_once(talks, |mut talk| {
                    for interface in &mut talk.model.interfaces {
                        if KINDS.iter().any(|kind| interface.groups.contains(&groups[&(role, *kind)])) {
                            if egress { interface.egress.clear() } else { interface.ingress.clear() }
                        }
                    }
                    let expected = talk.model.exchange(&talk.legs, &back(&talk.legs));
                    let wait = if expected { PATIENCE } else { SILENCE };
                    let lives = talk.channel.as_mut().is_some_and(|channel| channel.lives(wait));
                    (talk.name, expected, lives)
                });
                for (name, expected, lives) in asked {
                    *(if expected { &mut alive } else { &mut cut }) += 1;
                    if expected != lives {
                        let way = if egress { "outbound" } else { "inbound" };
                        let word =
                            if expected { "is cut, on AWS it goes on" } else { "goes on, on AWS it is cut" };
                        differences.push(format!("without {way} rules of the {role:?}: {name}: {word}"));
                    }
                }
                for kind in KINDS {
                    site.rules(&groups[&(role, kind)], &gone(kind), egress, true);
                }
                site.world.settle();
            }
        }
        println!("{alive} conversations go on, {cut} are cut");
        assert!(alive > 100 && cut > 30, "{alive} and {cut}");
        assert!(differences.is_empty(), "{}:\n{}", differences.len(), differences.join("\n"));
    });
}
