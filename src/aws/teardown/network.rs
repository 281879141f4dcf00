//! What instances are in: peerings, groups, subnets, tables, lists, gateways, VPCs.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::IpPermission;

use super::{Pass, TeardownError, code_of, described, is_gone};

impl Pass<'_> {
    pub(super) async fn peerings(&mut self) -> Result<(), TeardownError> {
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

    pub(super) async fn security_groups(&mut self) -> Result<(), TeardownError> {
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

    pub(super) async fn subnets(&mut self) -> Result<(), TeardownError> {
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

    pub(super) async fn route_tables(&mut self) -> Result<(), TeardownError> {
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

    pub(super) async fn network_acls(&mut self) -> Result<(), TeardownError> {
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

    pub(super) async fn internet_gateways(&mut self) -> Result<(), TeardownError> {
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

    pub(super) async fn vpcs(&mut self) -> Result<(), TeardownError> {
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
}
