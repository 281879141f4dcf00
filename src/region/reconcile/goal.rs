//! What a state asks of kernel and machines: read in one go, so that the state need not be locked while they work.

use std::collections::BTreeMap;

use super::MachineSpec;
use crate::region::fabric::{self, Desired};
use crate::region::model::{Instance, InstanceState, NatGatewayState, Region, State};

/// What there should be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Goal {
    /// The packet side.
    pub packets: Desired,
    /// What each instance's machine should do, by the machine's name ([`fabric::guest`]).
    pub machines: BTreeMap<String, Wish>,
    /// Namespaces of NAT gateways that wait for being seen (true) or being gone (false).
    pub gateways: BTreeMap<String, bool>,
}

/// What a machine should do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Run, with at least this many boots behind it.
    Run { boot: u64, spec: Box<MachineSpec> },
    /// End in order, and keep the disk.
    Stop,
    /// Rest: it has ended, and its disk is kept.
    Rest,
    /// End, and lose the disk.
    Destroy,
}

impl Goal {
    /// Reads a state.
    pub fn of(state: &State) -> Self {
        let mut goal = Self { packets: fabric::desired(state), ..Self::default() };
        for (account, name, region) in state.regions() {
            for instance in &region.instances {
                if let Some(wish) = wish(account, name, region, instance) {
                    goal.machines.insert(fabric::guest(account, &instance.id), wish);
                }
            }
            for gateway in &region.nat_gateways {
                let wanted = match gateway.state {
                    NatGatewayState::Pending => true,
                    NatGatewayState::Deleting => false,
                    _ => continue,
                };
                goal.gateways.insert(fabric::nat_gateway(account, &gateway.id), wanted);
            }
        }
        goal
    }
}

fn wish(account: &str, region_name: &str, region: &Region, instance: &Instance) -> Option<Wish> {
    Some(match instance.state {
        InstanceState::Pending | InstanceState::Running => {
            Wish::Run { boot: instance.boot, spec: Box::new(spec(account, region_name, region, instance)?) }
        }
        InstanceState::Stopping => Wish::Stop,
        InstanceState::Stopped => Wish::Rest,
        InstanceState::ShuttingDown => Wish::Destroy,
        InstanceState::Terminated => return None,
    })
}

/// None while the control plane's tables do not fit together, which its rules exclude.
fn spec(account: &str, region_name: &str, region: &Region, instance: &Instance) -> Option<MachineSpec> {
    let interface = region.primary_interface(&instance.id)?;
    let subnet = region.subnets.get(&interface.subnet_id)?;
    let vpc = region.vpcs.get(&interface.vpc_id)?;
    let (hostname, domain) =
        instance.private_dns_name.split_once('.').unwrap_or((instance.private_dns_name.as_str(), ""));
    Some(MachineSpec {
        account: account.to_owned(),
        region: region_name.to_owned(),
        instance_id: instance.id.clone(),
        hostname: hostname.to_owned(),
        domain: domain.to_owned(),
        namespace: fabric::guest(account, &instance.id),
        image_id: instance.image_id.clone(),
        instance_type: instance.instance_type.clone(),
        authorized_keys: instance.public_key.iter().cloned().collect(),
        user_data: instance.user_data.clone(),
        nameserver: fabric::resolver(vpc.cidr),
        mac: interface.mac.clone(),
        address: ipnet::Ipv4Net::new(interface.private_ip(), subnet.cidr.prefix_len()).ok()?,
    })
}
