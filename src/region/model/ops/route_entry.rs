//! The routes in a route table.

use ipnet::Ipv4Net;
use serde_json::Value;

use crate::region::model::context::{Context, done, found, nothing};
use crate::region::model::fault::{combination, fault, invalid, missing};
use crate::region::model::kind;
use crate::region::model::params::parse_cidr;
use crate::region::model::state::{Route, RouteOrigin, RouteTable, RouteTarget};
use crate::wire::Fault;

fn destination(context: &Context<'_>) -> Result<Ipv4Net, Fault> {
    let params = context.params;
    if params.has("DestinationIpv6CidrBlock") || params.has("DestinationPrefixListId") {
        return Err(fault("UnsupportedOperation", "IPv6 and prefix lists are not available in this region."));
    }
    let text = params.str("DestinationCidrBlock").ok_or_else(|| missing("DestinationCidrBlock"))?;
    parse_cidr("destinationCidrBlock", text)
}

/// The one target that the request names, checked to be in the table's VPC.
fn target(context: &Context<'_>, table: &RouteTable) -> Result<RouteTarget, Fault> {
    const MEMBERS: [&str; 4] = ["GatewayId", "NatGatewayId", "NetworkInterfaceId", "InstanceId"];
    let params = context.params;
    let unsupported = [
        "VpcEndpointId",
        "EgressOnlyInternetGatewayId",
        "TransitGatewayId",
        "LocalGatewayId",
        "CarrierGatewayId",
        "VpcPeeringConnectionId",
        "CoreNetworkArn",
    ];
    if let Some(member) = unsupported.iter().find(|member| params.has(member)) {
        return Err(fault(
            "UnsupportedOperation",
            format!("Routes to a {member} are not available in this region."),
        ));
    }
    let given: Vec<(&str, &str)> =
        MEMBERS.iter().filter_map(|member| Some((*member, params.str(member)?))).collect();
    let different = |what: &str, id: &str| {
        invalid(format!("route table {} and {what} {id} belong to different networks", table.id))
    };
    match given.as_slice() {
        [] => Err(fault(
            "MissingParameter",
            "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, vpcPeeringConnectionId, \
             egressOnlyInternetGatewayId, transitGatewayId, localGatewayId, carrierGatewayId, vpcEndpointId, \
             coreNetworkArn or instanceId",
        )),
        [("GatewayId", "local")] => Ok(RouteTarget::Local),
        [("GatewayId", id)] if id.starts_with("igw-") => {
            let not_found =
                || fault("InvalidGatewayID.NotFound", format!("The gateway ID '{id}' does not exist"));
            let gateway = context.region.internet_gateways.get(id).ok_or_else(not_found)?;
            match gateway.vpc_id.as_deref() == Some(table.vpc_id.as_str()) {
                true => Ok(RouteTarget::InternetGateway((*id).to_owned())),
                false => Err(different("network gateway", id)),
            }
        }
        [("GatewayId", id)] => {
            Err(fault("InvalidGatewayID.NotFound", format!("The gateway ID '{id}' does not exist")))
        }
        [("NatGatewayId", id)] => {
            let gone =
                || fault("InvalidNatGatewayID.NotFound", format!("The natGateway ID '{id}' does not exist"));
            let gateway = context.region.nat_gateways.get(id).ok_or_else(gone)?;
            if gateway.vpc_id != table.vpc_id {
                return Err(different("NAT gateway", id));
            }
            if !gateway.state.wants_to_run() {
                return Err(gone());
            }
            Ok(RouteTarget::NatGateway((*id).to_owned()))
        }
        [("NetworkInterfaceId", id)] => {
            let interface = context.interface(id)?;
            match interface.vpc_id == table.vpc_id {
                true => Ok(RouteTarget::NetworkInterface((*id).to_owned())),
                false => Err(different("interface", id)),
            }
        }
        [("InstanceId", id)] => {
            let instance = context.instance(id)?;
            if instance.vpc_id != table.vpc_id {
                return Err(different("instance", id));
            }
            let mut interfaces = context.region.interfaces_of(id);
            match (interfaces.next(), interfaces.next()) {
                (Some(only), None) => Ok(RouteTarget::NetworkInterface(only.id.clone())),
                (None, _) => Err(kind::INSTANCE.not_found(id)),
                _ => {
                    let message = format!(
                        "There are multiple interfaces attached to instance '{id}'. \
                         Please specify an interface ID for the operation instead."
                    );
                    Err(fault("InvalidInstanceID", message))
                }
            }
        }
        _ => Err(combination("Only one route target may be specified.")),
    }
}

/// Refuses to lead the VPC's own block, or a part of it, anywhere but to an interface.
fn check_local(table: &RouteTable, destination: Ipv4Net, target: &RouteTarget) -> Result<(), Fault> {
    let local = table.routes[0].destination;
    if matches!(target, RouteTarget::Local) {
        return match local == destination {
            true => Ok(()),
            false => Err(invalid(format!(
                "The destination CIDR block {destination} does not match a CIDR block of the VPC."
            ))),
        };
    }
    if local.contains(&destination) && !matches!(target, RouteTarget::NetworkInterface(_)) {
        let message = format!(
            "The destination CIDR block {destination} is equal to or more specific than one of this VPC's CIDR \
             blocks. This route can target only an interface or an instance."
        );
        return Err(invalid(message));
    }
    Ok(())
}

pub(super) fn create(context: &mut Context<'_>) -> Result<Value, Fault> {
    let destination = destination(context)?;
    let table = context.route_table(context.params.need("RouteTableId")?)?;
    let target = target(context, table)?;
    check_local(table, destination, &target)?;
    if let Some(present) = table.routes.iter().find(|route| route.destination == destination) {
        // The same route again is a success in EC2.
        if present.target == target {
            return done();
        }
        let message = format!("The route identified by {destination} already exists.");
        return Err(fault("RouteAlreadyExists", message));
    }
    if table.routes.len() >= 500 {
        return Err(fault("RouteLimitExceeded", "The maximum number of routes has been reached."));
    }
    let id = table.id.clone();
    let route = Route { destination, target, origin: RouteOrigin::CreateRoute };
    found(&mut context.region.route_tables, &id).routes.push(route);
    done()
}

/// Finds a route that may be changed.
fn position(table: &RouteTable, destination: Ipv4Net) -> Result<usize, Fault> {
    table.routes.iter().position(|route| route.destination == destination).ok_or_else(|| {
        let message =
            format!("no route with destination-cidr-block {destination} in route table {}", table.id);
        fault("InvalidRoute.NotFound", message)
    })
}

pub(super) fn replace(context: &mut Context<'_>) -> Result<Value, Fault> {
    let destination = destination(context)?;
    let table = context.route_table(context.params.need("RouteTableId")?)?;
    let position = match position(table, destination) {
        Ok(position) => position,
        Err(_) => {
            let message = format!(
                "There is no route defined for '{destination}' in the route table. Use CreateRoute instead."
            );
            return Err(invalid(message));
        }
    };
    let target = match context.params.flag("LocalTarget") {
        true => RouteTarget::Local,
        false => target(context, table)?,
    };
    check_local(table, destination, &target)?;
    let id = table.id.clone();
    let route = &mut found(&mut context.region.route_tables, &id).routes[position];
    route.target = target;
    nothing()
}

pub(super) fn delete(context: &mut Context<'_>) -> Result<Value, Fault> {
    let destination = destination(context)?;
    let table = context.route_table(context.params.need("RouteTableId")?)?;
    let position = position(table, destination)?;
    if table.routes[position].origin == RouteOrigin::CreateRouteTable {
        return Err(invalid(format!("cannot remove local route {destination} in route table {}", table.id)));
    }
    let id = table.id.clone();
    found(&mut context.region.route_tables, &id).routes.remove(position);
    nothing()
}
