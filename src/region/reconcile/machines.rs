//! The seam between reconciling and the systems that run as instances.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// Everything that an instance's system has to know before it can boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineSpec {
    /// The account (12 digits) of the lab that the instance belongs to.
    pub account: String,
    /// Region name: `us-east-1`.
    pub region: String,
    /// `i-0…`, unique in its account.
    pub instance_id: String,
    /// Host name without domain: `ip-10-0-1-10`.
    pub hostname: String,
    /// `ec2.internal`, `ap-northeast-1.compute.internal`.
    pub domain: String,
    /// The machine's name, the key of every other call; and, under `/run/netns`, the name of the namespace that holds
    /// the instance's `eth0`, which is up and has its address
    /// and default route. Nothing in the system may configure it.
    pub namespace: String,
    /// Image id as the control plane knows it: `ami-0…`.
    pub image_id: String,
    /// For example `t3.micro`.
    pub instance_type: String,
    /// Lines for the login user's `authorized_keys`.
    pub authorized_keys: Vec<String>,
    /// User data as given to the API: base64.
    pub user_data: Option<String>,
    /// The resolver that the system shall ask: the VPC's address plus two.
    pub nameserver: Ipv4Addr,
    /// MAC address of `eth0`, lower case with colons.
    pub mac: String,
    /// Address and prefix of `eth0`; the gateway is the first address of the subnet.
    pub address: Ipv4Net,
}

/// Runs instances' systems.
///
/// No call waits for a system: each returns as soon as the work is under way, so that several instances boot at the
/// same time, and what became of it is told as [`crate::region::guest::GuestEvent`]s. Calls are idempotent: starting
/// what runs, stopping what is stopped and destroying what is gone do nothing but repeat the closing event.
pub trait Machines {
    /// Begins to boot a system, with the disk that the instance already has, or else a fresh one of its image.
    fn start(&mut self, spec: MachineSpec) -> Result<(), MachineError>;

    /// Begins an orderly shutdown; the disk stays.
    fn stop(&mut self, machine: &str) -> Result<(), MachineError>;

    /// Begins an orderly reboot; namespace and disk stay.
    fn reboot(&mut self, machine: &str) -> Result<(), MachineError>;

    /// Begins to end the system and to remove its disk.
    fn destroy(&mut self, machine: &str) -> Result<(), MachineError>;
}

/// A machine could not be started, stopped, rebooted or destroyed. Carries the chain of causes in one line.
#[derive(Debug, thiserror::Error)]
#[error("{doing} {instance_id}: {reason}")]
pub struct MachineError {
    /// A verb that fits "failed to ..": `start`, `stop`.
    pub doing: &'static str,
    /// The instance.
    pub instance_id: String,
    /// Why.
    pub reason: String,
}
