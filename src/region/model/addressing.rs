//! Which addresses are free: private ones in a subnet, public ones of the simulated Internet.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::context::Context;
use super::fault::{fault, invalid};
use super::state::{Region, Subnet};
use crate::wire::Fault;

/// The addresses in a subnet that interfaces have.
fn used(region: &Region, subnet_id: &str) -> BTreeSet<Ipv4Addr> {
    let interfaces = region.network_interfaces.iter().filter(|eni| eni.subnet_id == subnet_id);
    interfaces.flat_map(|eni| eni.private_addresses.iter().map(|address| address.ip)).collect()
}

/// The first and the last address of a subnet that an interface can have: the first four and the last of all
/// are reserved (network, router, resolver, future use, broadcast).
pub fn usable(cidr: Ipv4Net) -> (u32, u32) {
    (u32::from(cidr.network()) + 4, u32::from(cidr.broadcast()) - 1)
}

/// `AvailableIpAddressCount`
pub(crate) fn available(region: &Region, subnet: &Subnet) -> usize {
    let (first, last) = usable(subnet.cidr);
    (last - first + 1) as usize - used(region, &subnet.id).len()
}

/// Takes the private address that was asked for.
pub(crate) fn check_private(region: &Region, subnet: &Subnet, wanted: Ipv4Addr) -> Result<(), Fault> {
    if !subnet.cidr.contains(&wanted) {
        return Err(invalid(format!("Address {wanted} does not fall within the subnet's address range")));
    }
    let (first, last) = usable(subnet.cidr);
    if !(first..=last).contains(&u32::from(wanted)) {
        return Err(invalid(format!("Address {wanted} is in subnet's reserved address range")));
    }
    if used(region, &subnet.id).contains(&wanted) {
        return Err(fault("InvalidIPAddress.InUse", format!("Address {wanted} is in use.")));
    }
    Ok(())
}

/// A free private address of the subnet, chosen at random as EC2 does.
pub(crate) fn free_private(context: &mut Context<'_>, subnet: &Subnet) -> Result<Ipv4Addr, Fault> {
    let used = used(context.region, &subnet.id);
    let (first, last) = usable(subnet.cidr);
    let count = u64::from(last - first) + 1;
    if used.len() as u64 >= count {
        let message = "The specified subnet does not have enough free addresses to satisfy the request.";
        return Err(fault("InsufficientFreeAddressesInSubnet", message));
    }
    let start = context.entropy.below(count);
    let candidates = (0..count).map(|n| Ipv4Addr::from(first + ((start + n) % count) as u32));
    Ok(candidates.into_iter().find(|ip| !used.contains(ip)).expect("fewer are used than there are"))
}

/// The blocks that public addresses come from, in order: each is used up before the next.
const PUBLIC: [(Ipv4Addr, u32); 2] =
    [(Ipv4Addr::new(203, 0, 113, 0), 256), (Ipv4Addr::new(198, 18, 0, 0), 131_072)];

/// The addresses at the start of each public block that belong to the simulated Internet itself.
const PUBLIC_RESERVED: u32 = 4;

/// A public address that this account never had before, chosen at random.
pub(crate) fn issue_public(context: &mut Context<'_>) -> Result<Ipv4Addr, Fault> {
    for (base, size) in PUBLIC {
        let first = u32::from(base) + PUBLIC_RESERVED;
        let count = size - PUBLIC_RESERVED - 1;
        let start = context.entropy.below(u64::from(count)) as u32;
        let mut candidates = (0..count).map(|n| Ipv4Addr::from(first + (start + n) % count));
        if let Some(ip) = candidates.find(|ip| !context.issued.contains(ip)) {
            context.issued.insert(ip);
            return Ok(ip);
        }
    }
    Err(fault("InsufficientAddressCapacity", "Not enough addresses are available to satisfy this request."))
}
