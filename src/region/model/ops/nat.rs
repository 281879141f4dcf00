//! NAT gateways. They come up and go away by observation.

use serde_json::{Value, json};

use crate::region::model::context::{Context, found, show_tags, show_time};
use crate::region::model::fault::{fault, invalid, missing};
use crate::region::model::kind;
use crate::region::model::listing::Listing;
use crate::region::model::plug::{self, NewInterface};
use crate::region::model::state::{InterfaceKind, NatGateway, NatGatewayState, Tags};
use crate::wire::Fault;

static LISTING: Listing = Listing {
    member: "NatGateways",
    ids: &[("NatGatewayIds", "NatGatewayId", &kind::NAT_GATEWAY)],
    filters: &[
        ("nat-gateway-id", "NatGatewayId"),
        ("state", "State"),
        ("subnet-id", "SubnetId"),
        ("vpc-id", "VpcId"),
        ("connectivity-type", "ConnectivityType"),
    ],
    tags: "Tags",
    page: (5, 1000),
};

fn show(gateway: &NatGateway) -> Value {
    let status = match gateway.state {
        NatGatewayState::Pending => None,
        NatGatewayState::Available => Some("succeeded"),
        NatGatewayState::Failed => Some("failed"),
        NatGatewayState::Deleting => Some("disassociating"),
        NatGatewayState::Deleted => Some("succeeded"),
    };
    json!({
        "CreateTime": show_time(gateway.created),
        "DeleteTime": gateway.deleted.map(show_time),
        "FailureCode": gateway.failure.as_ref().map(|(code, _)| code),
        "FailureMessage": gateway.failure.as_ref().map(|(_, message)| message),
        "NatGatewayAddresses": [{
            "AllocationId": gateway.allocation_id,
            "NetworkInterfaceId": gateway.network_interface_id,
            "PrivateIp": gateway.private_ip,
            "PublicIp": gateway.public_ip,
            "AssociationId": gateway.association_id,
            "IsPrimary": true,
            "Status": status,
        }],
        "NatGatewayId": gateway.id,
        "State": gateway.state.as_str(),
        "SubnetId": gateway.subnet_id,
        "VpcId": gateway.vpc_id,
        "Tags": show_tags(&gateway.tags),
        "ConnectivityType": if gateway.public { "public" } else { "private" },
        "AvailabilityMode": "zonal",
    })
}

pub(super) fn create(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    if params.str("AvailabilityMode") == Some("regional") || params.has("SecondaryAllocationIds") {
        let message = "Regional NAT gateways and secondary addresses are not available in this region.";
        return Err(fault("UnsupportedOperation", message));
    }
    let subnet = context.subnet(params.str("SubnetId").ok_or_else(|| missing("SubnetId"))?)?.clone();
    let public = match params.str("ConnectivityType").unwrap_or("public") {
        "public" => true,
        "private" => false,
        other => return Err(invalid(format!("Value ({other}) for parameter connectivityType is invalid."))),
    };
    let tags = context.new_tags(&kind::NAT_GATEWAY)?;
    let allocation = match (public, params.str("AllocationId")) {
        (true, None) => return Err(missing("AllocationId")),
        (false, Some(_)) => {
            return Err(invalid(
                "AllocationId cannot be specified for a NAT gateway with private connectivity type",
            ));
        }
        (false, None) => None,
        (true, Some(id)) => Some(context.address(id)?.clone()),
    };
    if let Some(address) = &allocation {
        if let Some(association) = &address.association {
            let message =
                format!("Elastic IP address [{}] is already associated ({})", address.id, association.id);
            return Err(fault("Resource.AlreadyAssociated", message));
        }
        if context.region.internet_gateway_of(&subnet.vpc_id).is_none() {
            let message = format!("Network {} has no Internet gateway attached", subnet.vpc_id);
            return Err(fault("Gateway.NotAttached", message));
        }
    }
    let id = context.id(&kind::NAT_GATEWAY);
    let new = NewInterface {
        description: format!("Interface for NAT Gateway {id}"),
        groups: Vec::new(),
        kind: InterfaceKind::NatGateway,
        private_ips: params.address("PrivateIpAddress")?.into_iter().collect(),
        more_private_ips: 0,
        tags: Tags::new(),
    };
    let interface_id = plug::make_interface(context, &subnet, new)?;
    let interface = found(&mut context.region.network_interfaces, &interface_id);
    interface.source_dest_check = false;
    let private_ip = interface.private_ip();
    plug::attach(context, &interface_id, None, 1, false);
    let association_id = allocation
        .as_ref()
        .map(|address| plug::give_elastic_ip(context, &address.id, &interface_id, private_ip));
    let gateway = NatGateway {
        id,
        vpc_id: subnet.vpc_id,
        subnet_id: subnet.id,
        state: NatGatewayState::Pending,
        failure: None,
        public,
        network_interface_id: interface_id,
        private_ip,
        public_ip: allocation.as_ref().map(|address| address.public_ip),
        allocation_id: allocation.map(|address| address.id),
        association_id,
        created: context.now,
        deleted: None,
        tags,
    };
    let shown = show(&gateway);
    context.region.nat_gateways.insert(gateway);
    Ok(json!({"ClientToken": params.str("ClientToken"), "NatGateway": shown}))
}

pub(super) fn describe(context: &mut Context<'_>) -> Result<Value, Fault> {
    LISTING.answer(context.params, context.region.nat_gateways.iter().map(show).collect())
}

pub(super) fn delete(context: &mut Context<'_>) -> Result<Value, Fault> {
    let id = context.params.need("NatGatewayId")?;
    let gateway = context.region.nat_gateways.get_mut(id).ok_or_else(|| kind::NAT_GATEWAY.not_found(id))?;
    match gateway.state {
        NatGatewayState::Deleted => return Err(kind::NAT_GATEWAY.not_found(id)),
        NatGatewayState::Deleting => {}
        // A failed gateway has nothing in the kernel that could go away later.
        NatGatewayState::Failed => {
            gateway.state = NatGatewayState::Deleted;
            gateway.deleted = Some(context.now);
        }
        NatGatewayState::Pending | NatGatewayState::Available => gateway.state = NatGatewayState::Deleting,
    }
    Ok(json!({"NatGatewayId": id}))
}
