//! Names that follow from a region's name: zones, zone ids, DNS names.

use std::net::Ipv4Addr;

/// The regions that `DescribeRegions` knows. Any other well-formed name works too.
pub(crate) const REGIONS: &[&str] = &[
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Whether a name has the form of a region's: `us-east-1`, `ap-northeast-1`.
pub fn is_region_name(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let words = parts
        .iter()
        .take(parts.len() - 1)
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    let number =
        parts.last().is_some_and(|last| !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()));
    parts.len() >= 3 && name.len() <= 32 && words && number
}

/// The letters of a region's zones.
fn letters(region: &str) -> &'static [char] {
    match region {
        "us-east-1" => &['a', 'b', 'c', 'd', 'e', 'f'],
        "us-west-2" | "ap-northeast-2" => &['a', 'b', 'c', 'd'],
        "us-west-1" => &['a', 'b'],
        "ap-northeast-1" => &['a', 'c', 'd'],
        "ca-central-1" => &['a', 'b', 'd'],
        _ => &['a', 'b', 'c'],
    }
}

/// The zones of a region: name and id, for example `us-east-1a` and `use1-az1`.
pub fn zones(region: &str) -> Vec<(String, String)> {
    let short = short_region(region);
    let zone = |(n, letter): (usize, &char)| (format!("{region}{letter}"), format!("{short}-az{}", n + 1));
    letters(region).iter().enumerate().map(zone).collect()
}

/// `ap-northeast-1` as zone ids write it: `apne1`.
fn short_region(region: &str) -> String {
    let direction = |part: &str| {
        let mut short = part.to_owned();
        for (long, letter) in [("north", "n"), ("south", "s"), ("east", "e"), ("west", "w"), ("central", "c")]
        {
            short = short.replace(long, letter);
        }
        short
    };
    let parts: Vec<&str> = region.split('-').collect();
    match parts.as_slice() {
        [area, middle @ .., number] => {
            format!("{area}{}{number}", middle.iter().map(|part| direction(part)).collect::<String>())
        }
        _ => region.to_owned(),
    }
}

/// The domain of private DNS names in a region.
pub fn private_domain(region: &str) -> String {
    if region == "us-east-1" { "ec2.internal".to_owned() } else { format!("{region}.compute.internal") }
}

/// `ip-10-0-1-10.ec2.internal`
pub fn private_dns_name(region: &str, ip: Ipv4Addr) -> String {
    format!("ip-{}.{}", dashed(ip), private_domain(region))
}

/// `ec2-203-0-113-7.compute-1.amazonaws.com`
pub fn public_dns_name(region: &str, ip: Ipv4Addr) -> String {
    let domain = if region == "us-east-1" { "compute-1".to_owned() } else { format!("{region}.compute") };
    format!("ec2-{}.{domain}.amazonaws.com", dashed(ip))
}

fn dashed(ip: Ipv4Addr) -> String {
    ip.to_string().replace('.', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_region() {
        assert_eq!(zones("us-east-1")[0], ("us-east-1a".to_owned(), "use1-az1".to_owned()));
        assert_eq!(zones("ap-northeast-1")[1], ("ap-northeast-1c".to_owned(), "apne1-az2".to_owned()));
        assert_eq!(zones("eu-central-1")[0].1, "euc1-az1");
        let ip = Ipv4Addr::new(10, 0, 1, 10);
        assert_eq!(private_dns_name("us-east-1", ip), "ip-10-0-1-10.ec2.internal");
        assert_eq!(private_dns_name("eu-west-1", ip), "ip-10-0-1-10.eu-west-1.compute.internal");
        let ip = Ipv4Addr::new(203, 0, 113, 7);
        assert_eq!(public_dns_name("us-east-1", ip), "ec2-203-0-113-7.compute-1.amazonaws.com");
        assert_eq!(public_dns_name("eu-west-1", ip), "ec2-203-0-113-7.eu-west-1.compute.amazonaws.com");
    }

    #[test]
    fn names_of_regions() {
        assert!(is_region_name("us-east-1") && is_region_name("us-gov-west-1"));
        for name in ["", "us-east", "us--1", "../x-y-1", "US-EAST-1", "us-east-"] {
            assert!(!is_region_name(name), "{name}");
        }
    }
}
