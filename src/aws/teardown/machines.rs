//! What runs and what it holds: instances, NAT gateways, addresses, network interfaces, key pairs.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{InstanceStateName, NatGatewayState};

use super::Pass;
use super::error::{Unasked, described};

impl Pass<'_> {
    pub(super) async fn instances(&mut self) -> Result<(), Unasked> {
        let mut ids = BTreeSet::new();
        for filter in self.filters("instance-id", "i-") {
            let mut pages = self.ec2.describe_instances().filters(filter).into_paginator().items().send();
            while let Some(reservation) = pages.next().await {
                for instance in reservation.map_err(described)?.instances() {
                    let Some(id) = instance.instance_id() else { continue };
                    match instance.state().and_then(|s| s.name()) {
                        Some(InstanceStateName::Terminated) => {
                            if self.deleted.insert(id.to_owned()) {
                                self.progress.tell(&format!("deleted {id}"));
                            }
                        }
                        Some(InstanceStateName::ShuttingDown) => self.going(id, 850, "shutting-down"),
                        _ => drop(ids.insert(id.to_owned())),
                    }
                }
            }
        }
        for id in ids {
            match self.ec2.terminate_instances().instance_ids(&id).send().await {
                Ok(_) => self.going(&id, 850, "shutting-down"),
                other => self.settle(&id, 850, other),
            }
        }
        Ok(())
    }

    pub(super) async fn nat_gateways(&mut self) -> Result<(), Unasked> {
        let mut ids = BTreeSet::new();
        for filter in self.filters("nat-gateway-id", "nat-") {
            let mut pages = self.ec2.describe_nat_gateways().filter(filter).into_paginator().items().send();
            while let Some(gateway) = pages.next().await {
                let gateway = gateway.map_err(described)?;
                let Some(id) = gateway.nat_gateway_id() else { continue };
                match gateway.state() {
                    // A deleted gateway stays visible for about an hour.
                    Some(NatGatewayState::Deleted) => drop(self.deleted.insert(id.to_owned())),
                    Some(NatGatewayState::Deleting) => self.going(id, 3285, "deleting"),
                    _ => drop(ids.insert(id.to_owned())),
                }
            }
        }
        for id in ids {
            match self.ec2.delete_nat_gateway().nat_gateway_id(&id).send().await {
                Ok(_) => self.going(&id, 3285, "deleting"),
                other => self.settle(&id, 3285, other),
            }
        }
        Ok(())
    }

    pub(super) async fn addresses(&mut self) -> Result<(), Unasked> {
        let mut found = Vec::new();
        for filter in self.filters("allocation-id", "eipalloc-") {
            let answer = self.ec2.describe_addresses().filters(filter).send().await.map_err(described)?;
            found.extend(answer.addresses.unwrap_or_default());
        }
        let mut seen = BTreeSet::new();
        for address in found {
            let Some(id) = address.allocation_id().filter(|id| seen.insert((*id).to_owned())) else {
                continue;
            };
            if let Some(association) = address.association_id() {
                // Refused while it belongs to a NAT gateway; the next pass finds it free.
                let _ = self.ec2.disassociate_address().association_id(association).send().await;
            }
            let result = self.ec2.release_address().allocation_id(id).send().await;
            self.settle(id, 365, result);
        }
        Ok(())
    }

    pub(super) async fn network_interfaces(&mut self) -> Result<(), Unasked> {
        let mut found = Vec::new();
        for filter in self.filters("network-interface-id", "eni-") {
            let answer =
                self.ec2.describe_network_interfaces().filters(filter).send().await.map_err(described)?;
            found.extend(answer.network_interfaces.unwrap_or_default());
        }
        let mut seen = BTreeSet::new();
        for interface in found.into_iter().filter(|i| i.requester_managed() != Some(true)) {
            let Some(id) = interface.network_interface_id().filter(|id| seen.insert((*id).to_owned())) else {
                continue;
            };
            if let Some(attachment) = interface.attachment().and_then(|a| a.attachment_id()) {
                let _ =
                    self.ec2.detach_network_interface().attachment_id(attachment).force(true).send().await;
            }
            let result = self.ec2.delete_network_interface().network_interface_id(id).send().await;
            self.settle(id, 0, result);
        }
        Ok(())
    }

    pub(super) async fn key_pairs(&mut self) -> Result<(), Unasked> {
        let mut ids = BTreeSet::new();
        for filter in self.filters("key-pair-id", "key-") {
            let answer = self.ec2.describe_key_pairs().filters(filter).send().await.map_err(described)?;
            ids.extend(answer.key_pairs().iter().filter_map(|k| k.key_pair_id().map(str::to_owned)));
        }
        for id in ids {
            let result = self.ec2.delete_key_pair().key_pair_id(&id).send().await;
            self.settle(&id, 0, result);
        }
        Ok(())
    }
}
