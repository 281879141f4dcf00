//! The packet side of the region as a value.
//!
//! [`desired()`] reads the control plane's state and says which namespaces, links, addresses, routes and filters there
//! should be; [`plan()`] says how to get there from what is. Both are pure: nothing here touches the kernel.
//!
//! ```text
//! laptop - isp3 - isp2 - isp1 - edge -+- igw [router of a VPC] eni - eth0 [guest]
//!                  |                  |                        eni - eth0 [guest]
//!                sites                +- igw [router of a VPC] eni - eth0 [NAT gateway]
//! ```
//!
//! Each VPC is a namespace that routes between veth links, one a network interface: there is no bridge, so that every
//! filter sees which interface a packet comes from and goes to. What a packet meets in a router, in this order:
//!
//! 1. `netdev l2`: ARP is answered here, with true hardware addresses; frames to neighbours are taken in.
//! 2. `spoof`: a source that is not the interface's own is dropped. The subnet (link group) becomes the mark that
//!    chooses the route table; from the gateway: no mark, only the VPC's own addresses. `ttl`: the router does not
//!    count as a hop.
//! 3. `gate`: only translated sources leave by the internet gateway, only own destinations reach an interface.
//! 4. `sgout`, `naclout`, `naclin`, `sgin`: security groups of the sender, ACLs of both subnets, security groups of
//!    the receiver. Each chain's `accept` only goes on to the next. Which flows an interface tracks: `tracking`.
//! 5. `input`: what is for the router itself, the resolver and the metadata service, meets no group and no ACL.
//!
//! Limits: IPv4 only; what an interface lets out and the receiver's side drops leaves no trace at the sender's side; no
//! peerings (one would be a cable between two routers with a link group of its own, treated as the gateway's is).

mod acl;
mod change;
mod desired;
mod groups;
mod interface;
mod internet;
mod names;
mod nat;
mod plan;
mod protocol;
mod region;
mod router;
mod ruleset;
#[cfg(test)]
pub(crate) mod sample;
mod script;
#[cfg(test)]
mod tests;
mod tracking;

pub use change::Change;
pub use desired::{Address, Cable, Desired, End, Namespace, Neighbour, RouteAction, RouteKey};
pub use internet::{API_ADDRESS, LAPTOP_ADDRESS, PUBLIC_POOLS, SITES};
pub use names::{edge, guest, isp, laptop, nat_gateway, owner, router, sites};
pub use plan::{Action, Plan, Step, plan};
pub use region::{desired, resolver};
pub use router::{LINK_LOCAL_RESOLVER, METADATA_ADDRESS};
pub use ruleset::{Chain, Collection, Kind, Ruleset, Table};
