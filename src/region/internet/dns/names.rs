//! Which names are seen from where.
//!
//! Everybody sees the Internet's sites and, of instances whose VPC gives out public host names, these names with their
//! public addresses. Inside a VPC its own public names lead to private addresses, and every interface has a private
//! name, with reverses for both. All as in "DNS attributes for your VPC" of the VPC user guide.

use std::net::Ipv4Addr;

use super::zones::{Authority, Data, Zones};
use crate::region::internet::places::SITES;
use crate::region::internet::wanted::Place;
use crate::region::model::{Region, State, Vpc, private_dns_name, private_domain, public_dns_name};

/// How long answers about instances may be remembered, in seconds.
const CLOUD_TTL: u32 = 60;
/// The same for web sites.
const SITE_TTL: u32 = 300;

/// The names that a server at `place` knows.
pub(super) fn seen_from(state: &State, place: &Place) -> Zones {
    let mut zones = Zones::default();
    internet(&mut zones);
    let regions = state.accounts.get(place.account()).map(|account| &account.regions);
    for (name, region) in regions.into_iter().flatten() {
        public(&mut zones, name, region);
    }
    if let Place::Vpc { account, region: name, vpc } = place
        && let Some(region) = state.region(account, name)
        && let Some(vpc) = region.vpcs.get(vpc)
    {
        private(&mut zones, name, region, vpc);
    }
    zones
}

fn internet(zones: &mut Zones) {
    let site_apexes = ["example.com", "example.org", "example.net", "region.internal", "wordpress.org"];
    zones.add_authority(Authority {
        apex: String::new(),
        server: "a.root-servers.net".to_owned(),
        mailbox: "nstld.verisign-grs.com".to_owned(),
        serial: 2_026_010_100,
        refresh: 1800,
        retry: 900,
        expire: 604_800,
        minimum: 86_400,
    });
    for apex in site_apexes {
        zones.add_authority(Authority {
            apex: apex.to_owned(),
            server: format!("ns.{apex}"),
            mailbox: format!("hostmaster.{apex}"),
            serial: 2_026_010_100,
            refresh: 7200,
            retry: 3600,
            expire: 1_209_600,
            minimum: 300,
        });
    }
    for apex in ["amazonaws.com", "in-addr.arpa"] {
        zones.add_authority(cloud_authority(apex));
    }
    for site in SITES {
        for name in site.names {
            zones.set(name, SITE_TTL, Data::Address(site.address));
        }
        zones.set(&reverse(site.address), SITE_TTL, Data::Pointer(site.names[0].to_owned()));
    }
}

/// As Amazon's name servers sign for their zones.
fn cloud_authority(apex: &str) -> Authority {
    Authority {
        apex: apex.to_owned(),
        server: format!("ns0.{apex}"),
        mailbox: "hostmaster.amazon.com".to_owned(),
        serial: 2_012_103_100,
        refresh: 3600,
        retry: 3600,
        expire: 3600,
        minimum: CLOUD_TTL,
    }
}

/// Public host names of one region.
fn public(zones: &mut Zones, name: &str, region: &Region) {
    if let Some((_, apex)) = public_dns_name(name, Ipv4Addr::UNSPECIFIED).split_once('.') {
        zones.add_authority(cloud_authority(apex));
    }
    for interface in &region.network_interfaces {
        let named = region.vpcs.get(&interface.vpc_id).is_some_and(gives_public_names);
        for (_, public) in interface.translations().filter(|_| named) {
            let host = public_dns_name(name, public);
            zones.set(&host, CLOUD_TTL, Data::Address(public));
            zones.set(&reverse(public), CLOUD_TTL, Data::Pointer(host));
        }
    }
}

/// Both attributes have to be on.
fn gives_public_names(vpc: &Vpc) -> bool {
    vpc.enable_dns_support && vpc.enable_dns_hostnames
}

/// What only the VPC's own resolver says.
fn private(zones: &mut Zones, name: &str, region: &Region, vpc: &Vpc) {
    zones.add_authority(cloud_authority(&private_domain(name)));
    for interface in region.network_interfaces.iter().filter(|interface| interface.vpc_id == vpc.id) {
        for address in &interface.private_addresses {
            let host = private_dns_name(name, address.ip);
            zones.set(&host, CLOUD_TTL, Data::Address(address.ip));
            zones.set(&reverse(address.ip), CLOUD_TTL, Data::Pointer(host));
        }
        for (private, public) in interface.translations().filter(|_| gives_public_names(vpc)) {
            zones.set(&public_dns_name(name, public), CLOUD_TTL, Data::Address(private));
        }
        let holder = interface.attachment.as_ref().filter(|attachment| attachment.device_index == 0);
        let instance = holder.and_then(|attachment| region.instances.get(attachment.instance_id.as_deref()?));
        if let Some(instance) = instance {
            // Differs from the first when the subnet names its instances by their ids.
            zones.set(&instance.private_dns_name, CLOUD_TTL, Data::Address(interface.private_ip()));
        }
    }
}

/// `7.113.0.203.in-addr.arpa`
pub(super) fn reverse(ip: Ipv4Addr) -> String {
    let [a, b, c, d] = ip.octets();
    format!("{d}.{c}.{b}.{a}.in-addr.arpa")
}

#[cfg(test)]
mod tests {
    use super::super::zones::Finding;
    use super::*;
    use crate::region::internet::sample::{self, Lab};

    fn lookup(zones: &Zones, name: &str) -> Option<String> {
        match zones.find(name) {
            Finding::Exists([record]) => Some(match &record.data {
                Data::Address(ip) => ip.to_string(),
                Data::Pointer(name) => name.clone(),
            }),
            _ => None,
        }
    }

    #[test]
    fn public_names_lead_inside_from_inside_and_outside_from_outside() {
        let lab = Lab::with_two_instances(true);
        let host = public_dns_name("us-east-1", lab.web_public);
        let inside = seen_from(&lab.state, &lab.vpc_place());
        let outside = seen_from(&lab.state, &lab.internet_place());
        assert_eq!(lookup(&inside, &host).as_deref(), Some("10.0.1.10"));
        assert_eq!(lookup(&outside, &host), Some(lab.web_public.to_string()));
        assert_eq!(lookup(&inside, &reverse(lab.web_public)), Some(host.clone()));
        assert_eq!(lookup(&outside, &reverse(lab.web_public)), Some(host));
    }

    #[test]
    fn private_names_are_seen_inside_alone() {
        let lab = Lab::with_two_instances(false);
        let inside = seen_from(&lab.state, &lab.vpc_place());
        let outside = seen_from(&lab.state, &lab.internet_place());
        assert_eq!(lookup(&inside, "ip-10-0-2-10.ec2.internal").as_deref(), Some("10.0.2.10"));
        assert_eq!(lookup(&inside, "10.2.0.10.in-addr.arpa").as_deref(), Some("ip-10-0-2-10.ec2.internal"));
        assert_eq!(lookup(&outside, "ip-10-0-2-10.ec2.internal"), None);
        assert_eq!(lookup(&outside, "10.2.0.10.in-addr.arpa"), None);
    }

    #[test]
    fn without_host_names_there_is_no_public_name() {
        let lab = Lab::with_two_instances(false);
        for place in [lab.vpc_place(), lab.internet_place()] {
            let zones = seen_from(&lab.state, &place);
            assert_eq!(zones.find(&public_dns_name("us-east-1", lab.web_public)), Finding::Missing);
            assert_eq!(zones.find(&reverse(lab.web_public)), Finding::Missing);
        }
    }

    #[test]
    fn accounts_do_not_see_each_other() {
        let lab = Lab::with_two_instances(true);
        let other = Place::Internet { account: sample::OTHER_ACCOUNT.to_owned() };
        let zones = seen_from(&lab.state, &other);
        assert_eq!(lookup(&zones, &public_dns_name("us-east-1", lab.web_public)), None);
        assert_eq!(lookup(&zones, "example.com").as_deref(), Some("192.0.2.70"));
    }
}
