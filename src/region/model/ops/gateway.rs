//! Internet gateways.

use serde_json::{Value, json};

use crate::region::model::context::{Context, found, nothing, show_tags};
use crate::region::model::fault::{fault, has_dependencies, invalid};
use crate::region::model::kind;
use crate::region::model::listing::Listing;
use crate::region::model::state::{InternetGateway, Region, Route, RouteOrigin, RouteTarget, Tags};
use crate::wire::Fault;

static LISTING: Listing = Listing {
    member: "InternetGateways",
    ids: &[("InternetGatewayIds", "InternetGatewayId", &kind::INTERNET_GATEWAY)],
    filters: &[
        ("attachment.state", "Attachments[].State"),
        ("attachment.vpc-id", "Attachments[].VpcId"),
        ("internet-gateway-id", "InternetGatewayId"),
        ("owner-id", "OwnerId"),
    ],
    tags: "Tags",
    page: (5, 1000),
};

fn show(context: &Context<'_>, gateway: &InternetGateway) -> Value {
    let attachments: Vec<Value> =
        gateway.vpc_id.iter().map(|vpc_id| json!({"State": "available", "VpcId": vpc_id})).collect();
    json!({
        "Attachments": attachments,
        "InternetGatewayId": gateway.id,
        "OwnerId": context.caller.account,
        "Tags": show_tags(&gateway.tags),
    })
}

pub(super) fn create(context: &mut Context<'_>) -> Result<Value, Fault> {
    let tags = context.new_tags(&kind::INTERNET_GATEWAY)?;
    let id = context.id(&kind::INTERNET_GATEWAY);
    context.region.internet_gateways.insert(InternetGateway { id: id.clone(), vpc_id: None, tags });
    Ok(json!({"InternetGateway": show(context, context.internet_gateway(&id)?)}))
}

/// The gateway of a default VPC, attached and with a default route to it.
pub(super) fn make_for_default_vpc(context: &mut Context<'_>, vpc_id: &str) {
    let id = context.id(&kind::INTERNET_GATEWAY);
    let gateway = InternetGateway { id: id.clone(), vpc_id: Some(vpc_id.to_owned()), tags: Tags::new() };
    context.region.internet_gateways.insert(gateway);
    let main = context.region.route_tables.iter_mut().find(|table| table.vpc_id == vpc_id && table.is_main());
    main.expect("every VPC has a main table").routes.push(Route {
        destination: "0.0.0.0/0".parse().expect("a constant"),
        target: RouteTarget::InternetGateway(id),
        origin: RouteOrigin::CreateRoute,
    });
}

pub(super) fn describe(context: &mut Context<'_>) -> Result<Value, Fault> {
    let items = context.region.internet_gateways.iter().map(|gateway| show(context, gateway)).collect();
    LISTING.answer(context.params, items)
}

pub(super) fn attach(context: &mut Context<'_>) -> Result<Value, Fault> {
    let id = context.params.need("InternetGatewayId")?;
    let vpc_id = context.params.need("VpcId")?;
    let gateway = context.internet_gateway(id)?;
    context.vpc(vpc_id)?;
    if let Some(attached) = &gateway.vpc_id {
        let message = format!("resource {id} is already attached to network {attached}");
        return Err(fault("Resource.AlreadyAssociated", message));
    }
    if context.region.internet_gateway_of(vpc_id).is_some() {
        return Err(invalid(format!("Network {vpc_id} already has an internet gateway attached")));
    }
    found(&mut context.region.internet_gateways, id).vpc_id = Some(vpc_id.to_owned());
    nothing()
}

/// Whether an interface of the VPC has a public address.
fn has_mapped_addresses(region: &Region, vpc_id: &str) -> bool {
    region.network_interfaces.iter().any(|eni| eni.vpc_id == vpc_id && eni.translations().next().is_some())
}

pub(super) fn detach(context: &mut Context<'_>) -> Result<Value, Fault> {
    let id = context.params.need("InternetGatewayId")?;
    let vpc_id = context.params.need("VpcId")?;
    let gateway = context.internet_gateway(id)?;
    context.vpc(vpc_id)?;
    if gateway.vpc_id.as_deref() != Some(vpc_id) {
        let message = format!("resource {id} is not attached to network {vpc_id}");
        return Err(fault("Gateway.NotAttached", message));
    }
    if has_mapped_addresses(context.region, vpc_id) {
        let message = format!(
            "Network {vpc_id} has some mapped public address(es). \
             Please unmap those public address(es) before detaching the gateway."
        );
        return Err(fault("DependencyViolation", message));
    }
    found(&mut context.region.internet_gateways, id).vpc_id = None;
    nothing()
}

pub(super) fn delete(context: &mut Context<'_>) -> Result<Value, Fault> {
    let id = context.params.need("InternetGatewayId")?;
    if context.internet_gateway(id)?.vpc_id.is_some() {
        return Err(has_dependencies("internetGateway", id));
    }
    context.region.internet_gateways.remove(id);
    nothing()
}
