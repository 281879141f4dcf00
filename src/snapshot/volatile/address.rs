//! Addresses in their forms.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use ipnet::Ipv4Net;

use super::rule::Claim;
use super::{Class, Finder, Form, Identity, Kind};

/// Addresses that mean the same everywhere: nobody assigns them.
pub(in crate::snapshot) fn is_exact(address: Ipv4Addr) -> bool {
    address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || matches!(address.octets(), [0 | 240..=255, ..])
}

pub(super) fn dotted(finder: &Finder<'_>, span: Range<usize>) -> Option<Kind> {
    let text = &finder.text[span.clone()];
    let reversed = finder.text[span.end..].starts_with(".in-addr.arpa");
    if reversed || matches!(finder.byte_before(span.start), b'.' | b'-' | b'+' | b'~') {
        return None;
    }
    let address: Ipv4Addr = text.parse().ok()?;
    // `10.0.1.0/24` names a network, and networks are made by people; `10.0.1.57/24` is an address in one.
    if finder.byte_after(span.end) == b'/' {
        let digits = &finder.text[span.end + 1..];
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        if let Some(net) = digits[..end].parse().ok().and_then(|length| Ipv4Net::new(address, length).ok())
            && net.prefix_len() < 32
            && (finder.chosen.has_network(net) || net.addr() == net.network() && address.is_private())
        {
            return None;
        }
    }
    finder.address(address, Form::Plain)
}

pub(super) fn dashed(finder: &Finder<'_>, span: Range<usize>) -> Option<Kind> {
    finder.address(finder.text[span].replace('-', ".").parse().ok()?, Form::Dashed)
}

pub(super) fn reversed(finder: &Finder<'_>, span: Range<usize>) -> Option<Kind> {
    let forward = finder.text[span].rsplit('.').collect::<Vec<_>>().join(".");
    finder.address(forward.parse().ok()?, Form::Reversed)
}

/// An IPv6 address; of one that is made from a MAC address, the part that is.
pub(super) fn ipv6(finder: &Finder<'_>, span: Range<usize>) -> Option<Claim> {
    if finder.byte_before(span.start).is_ascii_alphanumeric()
        || finder.byte_after(span.end).is_ascii_alphanumeric()
    {
        return None;
    }
    let text = &finder.text[span.clone()];
    let address: Ipv6Addr = text.parse().ok()?;
    if address.is_loopback() || address.is_unspecified() || address.is_multicast() {
        return None;
    }
    let octets = address.octets();
    if octets[11..13] == [0xff, 0xfe] {
        let mac = [octets[8] ^ 2, octets[9], octets[10], octets[13], octets[14], octets[15]];
        let value = mac.map(|byte| format!("{byte:02x}")).join(":");
        let tail = eui64(&value);
        if text.ends_with(&tail) {
            let identity = Identity { class: Class::Mac, value, form: Form::Eui64, network: None };
            return Some((span.end - tail.len()..span.end, Kind::Identity(identity)));
        }
    }
    Some((span, Kind::identity(Class::Ipv6, address.to_string())))
}

/// The lower half of an IPv6 address that is made from this MAC address, as it is usually written.
pub(super) fn eui64(mac: &str) -> String {
    let bytes: Vec<u16> = mac.split(':').filter_map(|byte| u16::from_str_radix(byte, 16).ok()).collect();
    let [a, b, c, d, e, f] = bytes[..] else { return mac.to_owned() };
    format!("{:x}:{:x}:{:x}:{:x}", (a ^ 2) << 8 | b, c << 8 | 0xff, 0xfe00 | d, e << 8 | f)
}

pub(super) fn mac(finder: &Finder<'_>, span: Range<usize>) -> Option<Kind> {
    let text = &finder.text[span.clone()];
    let part_of_more = finder.byte_before(span.start) == b':' || finder.byte_after(span.end) == b':';
    if part_of_more || matches!(text, "00:00:00:00:00:00" | "ff:ff:ff:ff:ff:ff") {
        return None;
    }
    Some(Kind::identity(Class::Mac, text.to_ascii_lowercase()))
}
