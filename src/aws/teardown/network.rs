//! What instances are in: peerings, groups, subnets, tables, lists, gateways, VPCs, their flow logs and DHCP options.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{Filter, IpPermission, VpcPeeringConnectionStateReasonCode as Code};

use super::error::{Unasked, described};
use super::{Pass, code_of, is_gone};

impl Pass<'_> {
    pub(super) async fn peerings(&mut self) -> Result<(), Unasked> {
        let mut found = Vec::new();
        for filter in self.filters("vpc-peering-connection-id", "pcx-") {
            let pages = self.ec2.describe_vpc_peering_connections().filters(filter).into_paginator().items();
            found.extend(pages.send().collect::<Result<Vec<_>, _>>().await.map_err(described)?);
        }
        let mut seen = BTreeSet::new();
        for peering in found {
            let Some(id) = peering.vpc_peering_connection_id().filter(|id| seen.insert((*id).to_owned()))
            else {
                continue;
            };
            match peering.status().and_then(|status| status.code()) {
                // Such stay visible for hours.
                Some(Code::Deleted | Code::Expired | Code::Failed | Code::Rejected) => {}
                Some(Code::Deleting) => self.going(id, 0, "deleting"),
                _ => {
                    let request = self.ec2.delete_vpc_peering_connection().vpc_peering_connection_id(id);
                    self.settle(id, 0, request.send().await);
                }
            }
        }
        Ok(())
    }

    pub(super) async fn security_groups(&mut self) -> Result<(), Unasked> {
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

    pub(super) async fn subnets(&mut self) -> Result<(), Unasked> {
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

    pub(super) async fn route_tables(&mut self) -> Result<(), Unasked> {
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
                let vpc = table.vpc_id().unwrap_or("its VPC");
                self.kept(id, format!("it is the main route table of {vpc}, which stays"));
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

    pub(super) async fn network_acls(&mut self) -> Result<(), Unasked> {
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

    pub(super) async fn internet_gateways(&mut self) -> Result<(), Unasked> {
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

    pub(super) async fn vpcs(&mut self) -> Result<(), Unasked> {
        let mut ids = BTreeSet::new();
        for filter in self.filters("vpc-id", "vpc-") {
            let answer = self.ec2.describe_vpcs().filters(filter).send().await.map_err(described)?;
            for vpc in answer.vpcs() {
                let Some(id) = vpc.vpc_id() else { continue };
                // What a lesson has not asked for by `create-default-vpc` is not the lab's, whatever its tags say.
                if vpc.is_default() == Some(true) && self.scope.ids.contains(id) {
                    self.empty_default_vpc(id).await?;
                }
                ids.insert(id.to_owned());
            }
        }
        for id in ids {
            let result = self.ec2.delete_vpc().vpc_id(&id).send().await;
            self.settle(&id, 0, result);
        }
        Ok(())
    }
    /// Takes away what EC2 has made with a default VPC: a subnet in each zone and, after them, the gateway.
    async fn empty_default_vpc(&mut self, vpc: &str) -> Result<(), Unasked> {
        let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
        let request = self.ec2.describe_subnets().filters(filter("vpc-id", vpc));
        let answer = request.filters(filter("default-for-az", "true")).send().await.map_err(described)?;
        let mut stays = false;
        for id in answer.subnets().iter().filter_map(|subnet| subnet.subnet_id()) {
            let result = self.ec2.delete_subnet().subnet_id(id).send().await;
            stays |= result.is_err();
            self.settle(id, 0, result);
        }
        let filter = filter("attachment.vpc-id", vpc);
        let request = self.ec2.describe_internet_gateways().filters(filter);
        let answer = request.send().await.map_err(described)?;
        for id in answer.internet_gateways().iter().filter_map(|gateway| gateway.internet_gateway_id()) {
            // While something is in a subnet, the gateway is in use; deleting the VPC says so.
            if stays {
                continue;
            }
            let _ = self.ec2.detach_internet_gateway().internet_gateway_id(id).vpc_id(vpc).send().await;
            let result = self.ec2.delete_internet_gateway().internet_gateway_id(id).send().await;
            self.settle(id, 0, result);
        }
        Ok(())
    }

    pub(super) async fn flow_logs(&mut self) -> Result<(), Unasked> {
        let mut ids = BTreeSet::new();
        for filter in self.filters("flow-log-id", "fl-") {
            let pages = self.ec2.describe_flow_logs().filter(filter).into_paginator().items();
            let found = pages.send().collect::<Result<Vec<_>, _>>().await.map_err(described)?;
            ids.extend(found.into_iter().filter_map(|log| log.flow_log_id));
        }
        for id in ids {
            match self.ec2.delete_flow_logs().flow_log_ids(&id).send().await {
                // A refusal is in an answer that says all is well.
                Ok(answer) if !answer.unsuccessful().is_empty() => {
                    let error = answer.unsuccessful().iter().find_map(|item| item.error());
                    let code = error.and_then(|error| error.code()).unwrap_or("unknown");
                    let message = error.and_then(|error| error.message()).unwrap_or("it was not deleted");
                    self.refused(&id, 0, code, Some(message));
                }
                result => self.settle(&id, 0, result),
            }
        }
        Ok(())
    }

    pub(super) async fn dhcp_options(&mut self) -> Result<(), Unasked> {
        let mut ids = BTreeSet::new();
        for filter in self.filters("dhcp-options-id", "dopt-") {
            let pages = self.ec2.describe_dhcp_options().filters(filter).into_paginator().items();
            let found = pages.send().collect::<Result<Vec<_>, _>>().await.map_err(described)?;
            ids.extend(found.into_iter().filter_map(|options| options.dhcp_options_id));
        }
        for id in ids {
            let result = self.ec2.delete_dhcp_options().dhcp_options_id(&id).send().await;
            self.settle(&id, 0, result);
        }
        Ok(())
    }
}
