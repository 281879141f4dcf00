//! Names in the kernel: namespaces, links, tables. All follow from ids, so that nothing has to be remembered.

/// The edge of a lab's Internet: the internet gateways' other side.
pub fn edge(account: &str) -> String {
    format!("{account}-edge")
}

/// The `n`-th provider hop between edge and laptop, from 1 to 3.
pub fn isp(account: &str, n: u8) -> String {
    format!("{account}-isp{n}")
}

/// The namespace whose addresses ([`super::SITES`]) the simulated Internet's services listen on.
pub fn sites(account: &str) -> String {
    format!("{account}-sites")
}

/// The learner's machine.
pub fn laptop(account: &str) -> String {
    format!("{account}-laptop")
}

/// The router of a VPC. The VPC's resolver and the metadata service listen in it.
pub fn router(account: &str, vpc_id: &str) -> String {
    format!("{account}-{vpc_id}")
}

/// The namespace of an instance, and the name of its machine: ids are unique in one account only.
pub fn guest(account: &str, instance_id: &str) -> String {
    format!("{account}-{instance_id}")
}

/// The account and the id that one of the two names above and below was made of.
pub fn owner(namespace: &str) -> (&str, &str) {
    namespace.split_once('-').unwrap_or(("", namespace))
}

/// The namespace of a NAT gateway.
pub fn nat_gateway(account: &str, nat_gateway_id: &str) -> String {
    format!("{account}-{nat_gateway_id}")
}

/// A link's name: three letters and the last twelve digits of an id, as links' names have at most 15 characters.
pub(super) fn link(kind: &str, id: &str) -> String {
    debug_assert!(kind.len() <= 3);
    let digits = id.rsplit('-').next().unwrap_or(id);
    let tail = digits.len().saturating_sub(12);
    format!("{kind}{}", &digits[tail..])
}

/// The number of a subnet or a route table: link group, mark, kernel table. It leaves room for the kernel's own
/// tables (253 to 255) and for [`GROUP_GATEWAY`] and its like. Twenty-eight random bits do not meet in one VPC.
pub(super) fn number(id: &str) -> u32 {
    let digits = id.rsplit('-').next().unwrap_or(id);
    let tail = digits.len().saturating_sub(7);
    1024 + u32::from_str_radix(&digits[tail..], 16).unwrap_or_else(|_| digits.bytes().fold(0, hash))
}

fn hash(sum: u32, byte: u8) -> u32 {
    (sum.wrapping_mul(31).wrapping_add(u32::from(byte))) & 0x0fff_ffff
}

/// Link group of the internet gateway's link in a router; the rules name it as `1`.
pub(super) const GROUP_GATEWAY: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_fit_into_fifteen_characters() {
        assert_eq!(link("eni", "eni-0123456789abcdef0"), "eni56789abcdef0");
        assert_eq!(link("vpc", "vpc-0123456789abcdef0").len(), 15);
        assert_eq!(link("eni", "eni-1"), "eni1");
    }

    #[test]
    fn numbers_follow_from_ids() {
        assert_eq!(number("subnet-00000000000000001"), 1025);
        assert_eq!(number("rtb-0123456789abcdef0"), 1024 + 0x0abc_def0);
    }
}
