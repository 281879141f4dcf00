//! What the region knows: plain, serialisable data of all accounts. No rules live here (see `ops`), only
//! shapes and the questions that several readers ask of them. Fabric and guests read these types.

mod account;
mod acl;
mod address;
mod gateway;
mod instance;
mod interface;
mod key;
mod route;
mod security;
mod shared;
mod table;
mod volume;
mod vpc;

use std::collections::BTreeMap;

pub use account::{Account, IdempotentCall, Region};
pub use acl::{AclAssociation, AclEntry, NetworkAcl};
pub use address::{Address, AddressAssociation};
pub use gateway::{InternetGateway, NatGateway, NatGatewayState};
pub use instance::{CheckStatus, Guest, Instance, InstanceState, MetadataOptions, StateReason};
pub use interface::{Attachment, InterfaceKind, NetworkInterface, PrivateAddress, PublicAddress};
pub use key::{KeyKind, KeyPair};
pub use route::{Route, RouteAssociation, RouteOrigin, RouteTable, RouteTarget};
pub use security::{Peer, PortRange, Protocol, SecurityGroup, SecurityGroupRule};
use serde::{Deserialize, Serialize};
pub use shared::Shared;
pub use table::{Entry, Table};
pub use volume::{Volume, VolumeAttachment};
pub use vpc::{DhcpOptions, Subnet, Vpc};

use super::entropy::Entropy;

/// The tags of one resource, in the order in which `Describe` shows them (by key).
pub type Tags = BTreeMap<String, String>;

/// Everything the region's control plane knows. The accounts go to disk and into checkpoints. A copy costs next to nothing:
/// it shares everything with its original until one of them changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    /// Grows by one with each change (but for console text), so that whoever makes the kernel agree knows
    /// when to look again.
    pub generation: u64,
    pub(crate) entropy: Entropy,
    /// By key: 12 digits, and the account's number but for accounts with a [`Account::number`] of their own.
    pub accounts: BTreeMap<String, Shared<Account>>,
}

impl State {
    /// An empty region, its ids drawn from the operating system's randomness.
    pub fn new() -> State {
        State::with_entropy(Entropy::from_os())
    }

    /// An empty region whose ids follow from `seed`; for tests and reproductions.
    pub fn seeded(seed: u64) -> State {
        State::with_entropy(Entropy::from_seed(seed))
    }

    fn with_entropy(entropy: Entropy) -> State {
        State { generation: 0, entropy, accounts: BTreeMap::new() }
    }

    /// Makes later ids independent of the earlier ones: neither two labs restored from one checkpoint nor two copies that
    /// are changed at once may mint the same ids.
    pub fn reseed(&mut self) {
        self.entropy = Entropy::from_os();
    }

    /// One account's part of one region, when it has been used.
    pub fn region(&self, account: &str, region: &str) -> Option<&Region> {
        self.accounts.get(account)?.regions.get(region).map(|region| &**region)
    }

    /// All account regions with their account numbers and region names.
    pub fn regions(&self) -> impl Iterator<Item = (&str, &str, &Region)> {
        self.accounts.iter().flat_map(|(account, a)| {
            a.regions.iter().map(move |(name, region)| (account.as_str(), name.as_str(), &**region))
        })
    }

    /// The number that the account with this key shows.
    pub fn number<'a>(&'a self, account: &'a str) -> &'a str {
        self.accounts.get(account).and_then(|account| account.number.as_deref()).unwrap_or(account)
    }

    /// Finds an instance of an account by its id.
    pub fn instance(&self, account: &str, id: &str) -> Option<&Instance> {
        self.accounts.get(account)?.regions.values().find_map(|region| region.instances.get(id))
    }
}

impl Default for State {
    fn default() -> State {
        State::new()
    }
}
