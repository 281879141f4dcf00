//! Who is where on the simulated Internet: addresses out of [`fabric::SITES`](crate::region::fabric::SITES) and names.
//!
//! `example.*` and `region.internal` are reserved for such uses. The other names are those of the real services that
//! lessons use on AWS, so that the same command works in both worlds; here they lead to this machine.

use std::net::Ipv4Addr;

/// Name server of everybody outside the cloud; in the laptop's `resolv.conf`.
pub(crate) const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 65);

/// The name under which guests know the package archive.
pub(crate) const PACKAGES: &str = "deb.debian.region.internal";

/// What a site is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// One page about documentation domains.
    Example,
    /// Tells its visitor what it sees of him, as JSON.
    Echo,
    /// Tells its visitor his address, as one line.
    Address,
    /// Debian's archive.
    Packages,
    /// WordPress, Japanese edition.
    WordPress,
}

/// A web site: one address, some names, one certificate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site {
    pub address: Ipv4Addr,
    /// The first is what its address resolves to.
    pub names: &'static [&'static str],
    pub content: Content,
    /// Whether it answers at 443, too.
    pub https: bool,
}

const fn at(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, last)
}

/// All web sites there are.
pub(super) const SITES: &[Site] = &[
    Site { address: at(66), names: &[PACKAGES], content: Content::Packages, https: false },
    Site {
        address: at(70),
        names: &["example.com", "www.example.com"],
        content: Content::Example,
        https: true,
    },
    Site {
        address: at(71),
        names: &["example.org", "www.example.org"],
        content: Content::Example,
        https: true,
    },
    Site { address: at(72), names: &["echo.example.net"], content: Content::Echo, https: true },
    Site { address: at(73), names: &["checkip.amazonaws.com"], content: Content::Address, https: true },
    Site { address: at(74), names: &["ja.wordpress.org"], content: Content::WordPress, https: true },
];

/// The site at an address.
pub(super) fn site(address: Ipv4Addr) -> Option<&'static Site> {
    SITES.iter().find(|site| site.address == address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::fabric;

    #[test]
    fn every_place_is_on_the_sites_network_and_used_once() {
        let mut places: Vec<Ipv4Addr> = SITES.iter().map(|site| site.address).collect();
        places.push(NAME_SERVER);
        let count = places.len();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), count);
        assert!(places.iter().all(|place| fabric::SITES.contains(place)));
    }

    #[test]
    fn names_are_used_once_and_lower_case() {
        let mut names: Vec<&str> = SITES.iter().flat_map(|site| site.names).copied().collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(names.iter().all(|name| *name == name.to_ascii_lowercase()));
    }
}
