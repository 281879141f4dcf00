//! Every kind of group against every other, on every way between two instances, with every protocol: what really
//! arrives is what AWS's documentation says. Peerings are missing, as the region has none.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::json;

use super::channel::{Channel, at_once};
use super::oracle::{Model, PROTOCOLS, Protocol};
use super::probe::{PATIENCE, SILENCE};
use super::site::{Kind, Path, Place, Site, back, rules, straight_back, way};
use super::tree::in_tree;

const KINDS: [Kind; 4] = [Kind::Open, Kind::Ordinary, Kind::Reference, Kind::None];

/// One question: whether a client gets an answer.
#[derive(Debug)]
struct Case {
    path: Path,
    protocol: Protocol,
    kinds: (Kind, Kind, Option<Kind>),
    namespace: String,
    to: Ipv4Addr,
    expected: bool,
}

impl Case {
    #[expect(clippy::too_many_arguments, reason = "a row of a table")]
    fn new(
        model: &Model,
        path: Path,
        protocol: Protocol,
        client: &Place,
        server: &Place,
        relay: Option<&Place>,
        relay_kind: Option<Kind>,
        nat_gateway: Ipv4Addr,
    ) -> Self {
        let (request, to) = way(path, protocol, client, server, relay, nat_gateway);
        let answer = if path == Path::OneWay { straight_back(&request) } else { back(&request) };
        let expected = model.clone().exchange(&request, &answer);
        let kinds = (client.kind, server.kind, relay_kind);
        Self { path, protocol, kinds, namespace: client.host.namespace.clone(), to, expected }
    }

    /// What came of it, if it is not as expected.
    fn differs(&self) -> Option<String> {
        let wait = if self.expected { PATIENCE } else { SILENCE };
        let open = || Channel::open(self.protocol, &self.namespace, self.to, wait).is_some();
        let Self { path, protocol, kinds: (client, server, relay), .. } = self;
        let through = relay.map(|kind| format!(" through {kind:?}")).unwrap_or_default();
        let word = if self.expected { "AWS lets it through, here nothing comes" } else { "AWS drops it" };
        (open() != self.expected)
            .then(|| format!("{path:?}: {protocol:?} {client:?} to {server:?}{through}: {word}"))
    }
}

#[test]
fn groups_let_through_what_they_do_on_aws_on_every_way() {
    in_tree("fabric::pairs::groups_let_through_what_they_do_on_aws_on_every_way", || {
        let mut site = Site::new();
        let clients = site.subnet(1);
        let other = site.subnet(2);
        let behind_middlebox = site.subnet(3);
        let behind_nat = site.subnet(4);
        let middle = site.subnet(5);
        let public = site.subnet(6);
        let one_way = site.subnet(7);
        let nat_gateway = site.gateways(&public, &clients.1);
        let groups: Vec<String> = KINDS.iter().map(|kind| site.group(&format!("{kind:?}"))).collect();
        let allows = KINDS.map(|kind| rules(kind, &groups));
        for (group, [ingress, egress]) in groups.iter().zip(&allows) {
            site.rules(group, ingress, false, true);
            site.rules(group, egress, true, true);
        }
        let mut places = |count: usize, subnet: &str, net: u8, first: u8, public: bool| -> Vec<Place> {
            let numbers = (first..).zip(KINDS).zip(groups.iter().zip(&allows));
            numbers
                .take(count)
                .map(|((last, kind), (group, rules))| {
                    site.place(subnet, Ipv4Addr::new(10, 0, net, last), (kind, group), rules, public)
                })
                .collect()
        };
        let callers = places(4, &clients.0, 1, 10, false);
        let public_callers = places(4, &public.0, 6, 10, true);
        let servers: BTreeMap<Path, Vec<Place>> = [
            (Path::SameSubnet, places(4, &clients.0, 1, 20, false)),
            (Path::OtherSubnet, places(4, &other.0, 2, 20, false)),
            (Path::Middlebox, places(4, &behind_middlebox.0, 3, 20, false)),
            (Path::OneWay, places(2, &one_way.0, 7, 20, false)),
            (Path::NatInstance, places(4, &behind_nat.0, 4, 20, false)),
            (Path::NatGateway, places(4, &public.0, 6, 20, true)),
        ]
        .into();
        let [middlebox, nat] = [10, 20].map(|last| {
            let ip = Ipv4Addr::new(10, 0, 5, last);
            site.place(&middle.0, ip, (Kind::Open, &groups[0]), &allows[0], false)
        });
        site.through(&clients.1, 3, &middlebox);
        site.through(&behind_middlebox.1, 1, &middlebox);
        site.through(&clients.1, 7, &middlebox);
        site.through(&clients.1, 4, &nat);
        site.world.settle();
        site.relays(&middlebox, false);
        site.relays(&nat, true);
        site.serve(servers.values().flatten());

        let cases = |model: &Model,
                     path: Path,
                     clients: &[Place],
                     servers: &[Place],
                     relay: Option<(&Place, Kind)>| {
            let mut cases = Vec::new();
            for client in clients {
                for server in servers {
                    for protocol in PROTOCOLS {
                        let (place, kind) = relay.unzip();
                        cases.push(Case::new(
                            model,
                            path,
                            protocol,
                            client,
                            server,
                            place,
                            kind,
                            nat_gateway,
                        ));
                    }
                }
            }
            cases
        };
        let mut differences = Vec::new();
        let mut counts: BTreeMap<(Path, bool), usize> = BTreeMap::new();
        let mut ask = |cases: Vec<Case>| {
            for case in &cases {
                *counts.entry((case.path, case.expected)).or_default() += 1;
            }
            differences.extend(at_once(cases, |case| case.differs()).into_iter().flatten());
        };
        for path in [Path::SameSubnet, Path::OtherSubnet, Path::NatGateway] {
            ask(cases(&site.model, path, &callers, &servers[&path], None));
        }
        ask(cases(&site.model, Path::Hairpin, &public_callers, &servers[&Path::NatGateway], None));
        for ((kind, group), [ingress, egress]) in KINDS.into_iter().zip(&groups).zip(&allows) {
            let through =
                [(Path::Middlebox, &middlebox), (Path::OneWay, &middlebox), (Path::NatInstance, &nat)];
            for (path, relay) in through {
                let change = json!({"NetworkInterfaceId": relay.host.interface, "Groups": [group]});
                site.world.call("ModifyNetworkInterfaceAttribute", change);
                let interface = &mut site.model.interfaces[relay.number];
                interface.groups = vec![group.clone()];
                (interface.ingress, interface.egress) = (ingress.clone(), egress.clone());
                ask(cases(&site.model, path, &callers, &servers[&path], Some((relay, kind))));
            }
        }
        println!("asked, by way and whether AWS lets it through: {counts:?}");
        for path in servers.keys().chain([&Path::Hairpin]) {
            for expected in [false, true] {
                assert!(counts.contains_key(&(*path, expected)), "no case of {path:?} has {expected}");
            }
        }
        let asked: usize = counts.values().sum();
        assert!(differences.is_empty(), "{} of {asked}:\n{}", differences.len(), differences.join("\n"));
    });
}
