//! Tables of names, and what DNS says of a name that is there, half there, or not there.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// What a name leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Data {
    Address(Ipv4Addr),
    Pointer(String),
}

/// One record, without its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub data: Data,
    /// In seconds.
    pub ttl: u32,
}

/// Who is responsible for a zone, as its SOA record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Authority {
    pub apex: String,
    pub server: String,
    /// With a dot for the `@`.
    pub mailbox: String,
    pub serial: u32,
    pub refresh: u32,
    pub retry: u32,
    pub expire: u32,
    /// Also how long a "no" may be remembered.
    pub minimum: u32,
}

/// What there is to say of a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finding<'a> {
    /// It exists; these are its records of all types, perhaps none.
    Exists(&'a [Record]),
    /// There is no such name.
    Missing,
}

/// Every name that somebody can see. Names are in lower case, without a dot at the end.
#[derive(Debug, Default)]
pub(super) struct Zones {
    records: BTreeMap<String, Vec<Record>>,
    authorities: BTreeMap<String, Authority>,
}

impl Zones {
    /// Gives a name one record, in place of those of the same type.
    pub(super) fn set(&mut self, name: &str, ttl: u32, data: Data) {
        let records = self.records.entry(name.to_ascii_lowercase()).or_default();
        let same = |record: &Record| std::mem::discriminant(&record.data) == std::mem::discriminant(&data);
        records.retain(|record| !same(record));
        records.push(Record { data, ttl });
    }

    pub(super) fn add_authority(&mut self, authority: Authority) {
        self.authorities.insert(authority.apex.clone(), authority);
    }

    /// Looks up a name in lower case.
    pub(super) fn find(&self, name: &str) -> Finding<'_> {
        if let Some(records) = self.records.get(name) {
            return Finding::Exists(records);
        }
        // A name exists if there is one below it, or if it is a zone.
        let inside = |other: &String| name.is_empty() || is_below(other, name);
        if self.records.keys().any(inside) || self.authorities.keys().any(|apex| apex == name || inside(apex))
        {
            return Finding::Exists(&[]);
        }
        Finding::Missing
    }

    /// The authority of the innermost zone that a name is in.
    pub(super) fn authority(&self, name: &str) -> Option<&Authority> {
        let zones = self
            .authorities
            .values()
            .filter(|zone| zone.apex.is_empty() || zone.apex == name || is_below(name, &zone.apex));
        zones.max_by_key(|zone| zone.apex.len())
    }
}

fn is_below(name: &str, apex: &str) -> bool {
    name.strip_suffix(apex).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority(apex: &str) -> Authority {
        Authority {
            apex: apex.to_owned(),
            server: "ns".to_owned(),
            mailbox: "who".to_owned(),
            serial: 1,
            refresh: 1,
            retry: 1,
            expire: 1,
            minimum: 60,
        }
    }

    fn zones() -> Zones {
        let mut zones = Zones::default();
        zones.set("WWW.example.com", 300, Data::Address([192, 0, 2, 70].into()));
        zones.add_authority(authority(""));
        zones.add_authority(authority("example.com"));
        zones
    }

    #[test]
    fn a_name_above_a_name_exists_without_records() {
        let zones = zones();
        assert!(matches!(zones.find("www.example.com"), Finding::Exists([_])));
        for name in ["example.com", "com", ""] {
            assert_eq!(zones.find(name), Finding::Exists(&[]), "{name}");
        }
        for name in ["ww.example.com", "a.www.example.com", "le.com", "net"] {
            assert_eq!(zones.find(name), Finding::Missing, "{name}");
        }
    }

    #[test]
    fn the_innermost_zone_is_responsible() {
        let zones = zones();
        for (name, apex) in
            [("x.example.com", "example.com"), ("example.com", "example.com"), ("xexample.com", "")]
        {
            assert_eq!(zones.authority(name).map(|zone| zone.apex.as_str()), Some(apex), "{name}");
        }
    }

    #[test]
    fn a_later_record_replaces_one_of_its_type() {
        let mut zones = zones();
        zones.set("www.example.com", 60, Data::Address([10, 0, 0, 1].into()));
        let record = Record { data: Data::Address([10, 0, 0, 1].into()), ttl: 60 };
        assert_eq!(zones.find("www.example.com"), Finding::Exists(&[record]));
    }
}
