//! Takes away what a session created, in the order that EC2's dependencies ask for.
//!
//! What is deleted is the union of the journal and the `lab:session` tag, and nothing else. A pass asks what is still
//! there and deletes it; errors do not end it. Things that free themselves slowly (instances, NAT gateways) or that EC2
//! refuses for a while (`DependencyViolation`, `AuthFailure` on an address whose gateway is still going) are met by further
//! passes. Teardown ends after two passes in a row that found nothing, because EC2's answers are eventually consistent, or at its
//! deadline: then what is left is named with its price.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aws_sdk_ec2::Client;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::types::{Filter, InstanceStateName, IpPermission, NatGatewayState};

/// The tag that marks what a session created.
pub const SESSION_TAG: &str = "lab:session";

/// What is to be taken away.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Ids from the journal.
    pub ids: BTreeSet<String>,
    /// The value of the `lab:session` tag.
    pub session: String,
}

/// A resource that could not be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    pub id: String,
    /// The last error that EC2 gave for it.
    pub reason: String,
    /// What it costs a month, in US cents (us-east-1 list prices); 0 for what is free.
    pub cents_a_month: u32,
}

/// What teardown did.
#[derive(Debug, Clone, Default)]
pub struct TornDown {
    /// Ids that are gone now.
    pub deleted: Vec<String>,
    pub leftovers: Vec<Leftover>,
}

/// Tells what happens: one short line each.
pub trait Progress: Send + Sync {
    /// A resource was deleted, or is awaited.
    fn tell(&self, line: &str);
}

/// Why teardown could not even look.
#[derive(Debug, thiserror::Error)]
pub enum TeardownError {
    #[error("ask EC2 what is left: {code}")]
    Describe {
        code: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Deletes everything in `scope`. Returns after two empty passes, or when `deadline` is over.
pub async fn teardown(
    ec2: &Client,
    scope: &Scope,
    deadline: Duration,
    progress: &dyn Progress,
) -> Result<TornDown, TeardownError> {
    let started = Instant::now();
    let mut deleted = BTreeSet::new();
    let mut empty_passes = 0;
    let mut wait = Duration::from_millis(50);
    loop {
        let mut pass = Pass { ec2, scope, progress, deleted: &mut deleted, left: Vec::new() };
        pass.run().await?;
        let left = pass.left;
        if left.is_empty() {
            empty_passes += 1;
            if empty_passes == 2 {
                return Ok(TornDown { deleted: deleted.into_iter().collect(), leftovers: left });
            }
        } else {
            empty_passes = 0;
            if started.elapsed() > deadline {
                return Ok(TornDown { deleted: deleted.into_iter().collect(), leftovers: left });
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 3 / 2).min(Duration::from_secs(10));
    }
}

struct Pass<'a> {
    ec2: &'a Client,
    scope: &'a Scope,
    progress: &'a dyn Progress,
    deleted: &'a mut BTreeSet<String>,
    left: Vec<Leftover>,
}

/// Codes that say "it is gone".
fn is_gone(code: &str) -> bool {
    code.ends_with(".NotFound")
        || code.ends_with("NotFoundException")
        || code == "Gateway.NotAttached"
        || code == "NatGatewayNotFound"
}

fn code_of<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    match error.as_service_error() {
        Some(service) => service.code().unwrap_or("unknown").to_owned(),
        None => "request failed".to_owned(),
    }
}

fn described<E, R>(error: SdkError<E, R>) -> TeardownError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    TeardownError::Describe { code: code_of(&error), source: Box::new(error) }
}

impl Pass<'_> {
    /// Two looks at a kind, by tag and by journal; `filter` is the name of the id's filter.
    fn filters(&self, filter: &str, prefix: &str) -> Vec<Filter> {
        let mut filters =
            vec![Filter::builder().name(format!("tag:{SESSION_TAG}")).values(&self.scope.session).build()];
        let ids: Vec<String> = self.scope.ids.iter().filter(|id| id.starts_with(prefix)).cloned().collect();
        // EC2 takes at most 200 values a filter.
        for chunk in ids.chunks(200) {
            filters.push(Filter::builder().name(filter).set_values(Some(chunk.to_vec())).build());
        }
        filters
    }

    /// Notes how a deletion ended.
    fn settle<E: ProvideErrorMetadata, R, T>(
        &mut self,
        id: &str,
        cents: u32,
        result: Result<T, SdkError<E, R>>,
    ) {
        match result {
            Ok(_) => {
                self.deleted.insert(id.to_owned());
                self.progress.tell(&format!("deleted {id}"));
            }
            Err(error) => {
                let code = code_of(&error);
                if is_gone(&code) {
                    self.deleted.insert(id.to_owned());
                } else {
                    let reason = error
                        .as_service_error()
                        .and_then(|e| e.message())
                        .map_or(code.clone(), |m| format!("{code}: {m}"));
                    self.left.push(Leftover { id: id.to_owned(), reason, cents_a_month: cents });
                }
            }
        }
    }

    /// Notes something that is going but not gone.
    fn going(&mut self, id: &str, cents: u32, state: &str) {
        self.left.push(Leftover {
            id: id.to_owned(),
            reason: format!("still {state}"),
            cents_a_month: cents,
        });
    }

    async fn run(&mut self) -> Result<(), TeardownError> {
        // What is slow goes first, so that the rest happens while it is going.
        self.instances().await?;
        self.nat_gateways().await?;
        self.addresses().await?;
        self.network_interfaces().await?;
        self.peerings().await?;
        self.security_groups().await?;
        self.subnets().await?;
        self.route_tables().await?;
        self.network_acls().await?;
        self.internet_gateways().await?;
        self.vpcs().await?;
        self.key_pairs().await
    }

    async fn instances(&mut self) -> Result<(), TeardownError> {
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

    async fn nat_gateways(&mut self) -> Result<(), TeardownError> {
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

    async fn addresses(&mut self) -> Result<(), TeardownError> {
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

    async fn network_interfaces(&mut self) -> Result<(), TeardownError> {
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

    async fn peerings(&mut self) -> Result<(), TeardownError> {
        if !self.scope.ids.iter().any(|id| id.starts_with("pcx-")) {
            return Ok(());
        }
        for id in self
            .scope
            .ids
            .iter()
            .filter(|id| id.starts_with("pcx-") && !self.deleted.contains(*id))
            .cloned()
            .collect::<Vec<_>>()
        {
            let result = self.ec2.delete_vpc_peering_connection().vpc_peering_connection_id(&id).send().await;
            self.settle(&id, 0, result);
        }
        Ok(())
    }

    async fn security_groups(&mut self) -> Result<(), TeardownError> {
        let mut found = Vec::new();
        for filter in self.filters("group-id", "sg-") {
            let answer =
                self.ec2.describe_security_groups().filters(filter).send().await.map_err(described)?;
            found.extend(answer.security_groups.unwrap_or_default());
        }
        let mut seen = BTreeSet::new();
        found.retain(|group| group.group_id().is_some_and(|id| seen.insert(id.to_owned())));
        // Two groups that name each other hold each other: first the rules that name groups, then the groups.
        for group in &found {
            let naming = |rules: &[IpPermission]| -> Vec<IpPermission> {
                rules.iter().filter(|rule| !rule.user_id_group_pairs().is_empty()).cloned().collect()
            };
            let inbound = naming(group.ip_permissions());
            if !inbound.is_empty() {
                let _ = self
                    .ec2
                    .revoke_security_group_ingress()
                    .set_group_id(group.group_id.clone())
                    .set_ip_permissions(Some(inbound))
                    .send()
                    .await;
            }
            let outbound = naming(group.ip_permissions_egress());
            if !outbound.is_empty() {
                let _ = self
                    .ec2
                    .revoke_security_group_egress()
                    .set_group_id(group.group_id.clone())
                    .set_ip_permissions(Some(outbound))
                    .send()
                    .await;
            }
        }
        for id in found.iter().filter_map(|group| group.group_id()) {
            let result = self.ec2.delete_security_group().group_id(id).send().await;
            self.settle(id, 0, result);
        }
        Ok(())
    }

    async fn subnets(&mut self) -> Result<(), TeardownError> {
        let mut ids = BTreeSet::new();
        for filter in self.filters("subnet-id", "subnet-") {
            let answer = self.ec2.describe_subnets().filters(filter).send().await.map_err(described)?;
            ids.extend(answer.subnets().iter().filter_map(|s| s.subnet_id().map(str::to_owned)));
        }
        for id in ids {
            let result = self.ec2.delete_subnet().subnet_id(&id).send().await;
            self.settle(&id, 0, result);
        }
        Ok(())
    }

    async fn route_tables(&mut self) -> Result<(), TeardownError> {
        let mut found = Vec::new();
        for filter in self.filters("route-table-id", "rtb-") {
            let answer = self.ec2.describe_route_tables().filters(filter).send().await.map_err(described)?;
            found.extend(answer.route_tables.unwrap_or_default());
        }
        let mut seen = BTreeSet::new();
        for table in found {
            let Some(id) = table.route_table_id().filter(|id| seen.insert((*id).to_owned())) else {
                continue;
            };
            if table.associations().iter().any(|a| a.main() == Some(true)) {
                continue;
            }
            for association in table.associations().iter().filter_map(|a| a.route_table_association_id()) {
                let _ = self.ec2.disassociate_route_table().association_id(association).send().await;
            }
            let result = self.ec2.delete_route_table().route_table_id(id).send().await;
            self.settle(id, 0, result);
        }
        Ok(())
    }

    async fn network_acls(&mut self) -> Result<(), TeardownError> {
        let mut ids = BTreeSet::new();
        for filter in self.filters("network-acl-id", "acl-") {
            let answer = self.ec2.describe_network_acls().filters(filter).send().await.map_err(described)?;
            let mine = answer.network_acls().iter().filter(|acl| acl.is_default() != Some(true));
            ids.extend(mine.filter_map(|acl| acl.network_acl_id().map(str::to_owned)));
        }
        for id in ids {
            let result = self.ec2.delete_network_acl().network_acl_id(&id).send().await;
            self.settle(&id, 0, result);
        }
        Ok(())
    }

    async fn internet_gateways(&mut self) -> Result<(), TeardownError> {
        let mut found = Vec::new();
        for filter in self.filters("internet-gateway-id", "igw-") {
            let answer =
                self.ec2.describe_internet_gateways().filters(filter).send().await.map_err(described)?;
            found.extend(answer.internet_gateways.unwrap_or_default());
        }
        let mut seen = BTreeSet::new();
        for gateway in found {
            let Some(id) = gateway.internet_gateway_id().filter(|id| seen.insert((*id).to_owned())) else {
                continue;
            };
            let mut attached = false;
            for vpc in gateway.attachments().iter().filter_map(|a| a.vpc_id()) {
                let result =
                    self.ec2.detach_internet_gateway().internet_gateway_id(id).vpc_id(vpc).send().await;
                if let Err(error) = result
                    && !is_gone(&code_of(&error))
                {
                    attached = true;
                    self.settle::<_, _, ()>(id, 0, Err(error));
                }
            }
            if !attached {
                let result = self.ec2.delete_internet_gateway().internet_gateway_id(id).send().await;
                self.settle(id, 0, result);
            }
        }
        Ok(())
    }

    async fn vpcs(&mut self) -> Result<(), TeardownError> {
        let mut ids = BTreeSet::new();
        for filter in self.filters("vpc-id", "vpc-") {
            let answer = self.ec2.describe_vpcs().filters(filter).send().await.map_err(described)?;
            ids.extend(answer.vpcs().iter().filter_map(|v| v.vpc_id().map(str::to_owned)));
        }
        for id in ids {
            let result = self.ec2.delete_vpc().vpc_id(&id).send().await;
            self.settle(&id, 0, result);
        }
        Ok(())
    }

    async fn key_pairs(&mut self) -> Result<(), TeardownError> {
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
