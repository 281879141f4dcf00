//! Route tables: tables and their associations. Routes themselves are in `route_entry`.

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use crate::region::model::context::{Context, found, nothing, show_tags};
use crate::region::model::fault::{combination, fault, has_dependencies, invalid, missing};
use crate::region::model::kind;
use crate::region::model::listing::Listing;
use crate::region::model::state::{Route, RouteAssociation, RouteOrigin, RouteTable, RouteTarget, Tags};
use crate::wire::Fault;

static LISTING: Listing = Listing {
    member: "RouteTables",
    ids: &[("RouteTableIds", "RouteTableId", &kind::ROUTE_TABLE)],
    filters: &[
        ("association.gateway-id", "Associations[].GatewayId"),
        ("association.main", "Associations[].Main"),
        ("association.route-table-association-id", "Associations[].RouteTableAssociationId"),
        ("association.route-table-id", "Associations[].RouteTableId"),
        ("association.subnet-id", "Associations[].SubnetId"),
        ("owner-id", "OwnerId"),
        ("route-table-id", "RouteTableId"),
        ("route.destination-cidr-block", "Routes[].DestinationCidrBlock"),
        ("route.destination-ipv6-cidr-block", "Routes[].DestinationIpv6CidrBlock"),
        ("route.gateway-id", "Routes[].GatewayId"),
        ("route.instance-id", "Routes[].InstanceId"),
        ("route.nat-gateway-id", "Routes[].NatGatewayId"),
        ("route.origin", "Routes[].Origin"),
        ("route.state", "Routes[].State"),
        ("route.vpc-peering-connection-id", "Routes[].VpcPeeringConnectionId"),
        ("vpc-id", "VpcId"),
        ("route.destination-prefix-list-id", "Routes[].DestinationPrefixListId"),
        ("route.egress-only-internet-gateway-id", "Routes[].EgressOnlyInternetGatewayId"),
        ("route.transit-gateway-id", "Routes[].TransitGatewayId"),
    ],
    tags: "Tags",
    page: (5, 100),
};

fn show(context: &Context<'_>, table: &RouteTable) -> Value {
    let association = |association: &RouteAssociation| {
        json!({
            "Main": association.subnet_id.is_none(),
            "RouteTableAssociationId": association.id,
            "RouteTableId": table.id,
            "SubnetId": association.subnet_id,
            "AssociationState": {"State": "associated"},
        })
    };
    json!({
        "Associations": table.associations.iter().map(association).collect::<Value>(),
        "PropagatingVgws": [],
        "RouteTableId": table.id,
        "Routes": table.routes.iter().map(|route| show_route(context, table, route)).collect::<Value>(),
        "Tags": show_tags(&table.tags),
        "VpcId": table.vpc_id,
        "OwnerId": context.caller.account,
    })
}

fn show_route(context: &Context<'_>, table: &RouteTable, route: &Route) -> Value {
    let active = context.region.route_is_active(table, route);
    let origin = match route.origin {
        RouteOrigin::CreateRouteTable => "CreateRouteTable",
        RouteOrigin::CreateRoute => "CreateRoute",
    };
    let mut shown = json!({
        "DestinationCidrBlock": route.destination,
        "Origin": origin,
        "State": if active { "active" } else { "blackhole" },
    });
    match &route.target {
        RouteTarget::Local => shown["GatewayId"] = json!("local"),
        RouteTarget::InternetGateway(id) => shown["GatewayId"] = json!(id),
        RouteTarget::NatGateway(id) => shown["NatGatewayId"] = json!(id),
        RouteTarget::NetworkInterface(id) => {
            shown["NetworkInterfaceId"] = json!(id);
            let attachment =
                context.region.network_interfaces.get(id).and_then(|eni| eni.attachment.as_ref());
            if let Some(instance) = attachment.and_then(|attachment| attachment.instance_id.as_ref()) {
                shown["InstanceId"] = json!(instance);
                shown["InstanceOwnerId"] = json!(context.caller.account);
            }
        }
    }
    shown
}

pub(super) fn create(context: &mut Context<'_>) -> Result<Value, Fault> {
    let vpc = context.vpc(context.params.need("VpcId")?)?;
    let (vpc_id, cidr) = (vpc.id.clone(), vpc.cidr);
    let tags = context.new_tags(&kind::ROUTE_TABLE)?;
    let id = make_table(context, &vpc_id, cidr, false, tags);
    Ok(
        json!({"RouteTable": show(context, context.route_table(&id)?), "ClientToken": context.params.str("ClientToken")}),
    )
}

/// A table with nothing but the local route.
pub(super) fn make_table(
    context: &mut Context<'_>,
    vpc_id: &str,
    cidr: Ipv4Net,
    main: bool,
    tags: Tags,
) -> String {
    let id = context.id(&kind::ROUTE_TABLE);
    let associations = match main {
        true => vec![RouteAssociation { id: context.id(&kind::ROUTE_ASSOCIATION), subnet_id: None }],
        false => Vec::new(),
    };
    context.region.route_tables.insert(RouteTable {
        id: id.clone(),
        vpc_id: vpc_id.to_owned(),
        routes: vec![Route {
            destination: cidr,
            target: RouteTarget::Local,
            origin: RouteOrigin::CreateRouteTable,
        }],
        associations,
        tags,
    });
    id
}

pub(super) fn describe(context: &mut Context<'_>) -> Result<Value, Fault> {
    let items = context.region.route_tables.iter().map(|table| show(context, table)).collect();
    LISTING.answer(context.params, items)
}

pub(super) fn delete(context: &mut Context<'_>) -> Result<Value, Fault> {
    let id = context.params.need("RouteTableId")?;
    if !context.route_table(id)?.associations.is_empty() {
        return Err(has_dependencies("routeTable", id));
    }
    context.region.route_tables.remove(id);
    nothing()
}

pub(super) fn associate(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    let id = params.need("RouteTableId")?;
    let table = context.route_table(id)?;
    if params.has("GatewayId") {
        return Err(fault("UnsupportedOperation", "Gateway route tables are not available in this region."));
    }
    let subnet = context.subnet(params.str("SubnetId").ok_or_else(|| missing("SubnetId"))?)?;
    if subnet.vpc_id != table.vpc_id {
        let message = format!("Route table {id} and subnet {} belong to different networks", subnet.id);
        return Err(invalid(message));
    }
    let subnet_id = subnet.id.clone();
    let of_subnet =
        |association: &RouteAssociation| association.subnet_id.as_deref() == Some(subnet_id.as_str());
    let present = context.region.route_tables.iter().find_map(|table| {
        Some((table.id.clone(), table.associations.iter().find(|a| of_subnet(a))?.id.clone()))
    });
    let association_id = match present {
        // EC2 answers the existing association when nothing would change.
        Some((table_id, association_id)) if table_id == id => association_id,
        Some((_, _)) => {
            let message = format!(
                "the specified association for route table {id} conflicts with an existing association"
            );
            return Err(fault("Resource.AlreadyAssociated", message));
        }
        None => {
            let association_id = context.id(&kind::ROUTE_ASSOCIATION);
            let association = RouteAssociation { id: association_id.clone(), subnet_id: Some(subnet_id) };
            found(&mut context.region.route_tables, id).associations.push(association);
            association_id
        }
    };
    Ok(json!({"AssociationId": association_id, "AssociationState": {"State": "associated"}}))
}

/// The table that has an association, and whether it is the mark of a main table.
fn owner_of(context: &Context<'_>, association_id: &str) -> Result<(String, Option<String>), Fault> {
    let owner = context.region.route_tables.iter().find_map(|table| {
        let association = table.associations.iter().find(|association| association.id == association_id)?;
        Some((table.id.clone(), association.subnet_id.clone()))
    });
    owner.ok_or_else(|| kind::ROUTE_ASSOCIATION.not_found(association_id))
}

pub(super) fn disassociate(context: &mut Context<'_>) -> Result<Value, Fault> {
    let id = context.params.need("AssociationId")?;
    let (table_id, subnet_id) = owner_of(context, id)?;
    if subnet_id.is_none() {
        return Err(invalid(format!("cannot disassociate the main route table association {id}")));
    }
    found(&mut context.region.route_tables, &table_id)
        .associations
        .retain(|association| association.id != id);
    nothing()
}

pub(super) fn replace_association(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    let id = params.need("AssociationId")?;
    let new_table = context.route_table(params.need("RouteTableId")?)?.clone();
    let (old_table, subnet_id) = owner_of(context, id)?;
    if context.route_table(&old_table)?.vpc_id != new_table.vpc_id {
        return Err(invalid(format!(
            "Route table {} and association {id} belong to different networks",
            new_table.id
        )));
    }
    if old_table == new_table.id {
        return Err(combination(format!("The association {id} already uses the route table {old_table}.")));
    }
    found(&mut context.region.route_tables, &old_table)
        .associations
        .retain(|association| association.id != id);
    let new_id = context.id(&kind::ROUTE_ASSOCIATION);
    let association = RouteAssociation { id: new_id.clone(), subnet_id };
    found(&mut context.region.route_tables, &new_table.id).associations.push(association);
    Ok(json!({"NewAssociationId": new_id, "AssociationState": {"State": "associated"}}))
}
