//! The operations, one file for each kind of resource. An operation is a function from the call in progress
//! to its answer; this module is the table of all of them.

mod account;
mod acl;
mod address;
mod attribute;
mod catalog;
mod dhcp;
mod gateway;
mod image;
mod instance;
mod instance_listing;
mod interface;
mod interface_change;
mod key;
mod launch;
mod launch_network;
mod launch_volume;
mod lifecycle;
mod metadata;
mod nat;
mod parameter;
mod permission;
mod placement;
mod route;
mod route_entry;
mod rule;
mod security;
mod status;
mod subnet;
mod tag;
mod volume;
mod vpc;

use serde_json::Value;

use super::context::Context;
use crate::wire::Fault;

/// Whether an operation can change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Reads,
    Changes,
}

/// One operation of EC2, STS or SSM.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) effect: Effect,
    pub(crate) run: fn(&mut Context<'_>) -> Result<Value, Fault>,
}

macro_rules! operations {
    ($($effect:ident { $($name:ident => $run:path,)+ })+) => {
        static OPERATIONS: &[Operation] = &[
            $($(Operation { name: stringify!($name), effect: Effect::$effect, run: $run },)+)+
        ];
    };
}

operations! {
    Reads {
        DescribeAccountAttributes => account::attributes,
        DescribeAddresses => address::describe,
        DescribeAvailabilityZones => placement::zones,
        DescribeDhcpOptions => dhcp::describe,
        DescribeImages => image::describe,
        DescribeInstanceAttribute => attribute::describe,
        DescribeInstanceStatus => status::describe,
        DescribeInstanceTypeOfferings => catalog::offerings,
        DescribeInstanceTypes => catalog::types,
        DescribeInstances => instance::describe,
        DescribeInternetGateways => gateway::describe,
        DescribeKeyPairs => key::describe,
        DescribeNatGateways => nat::describe,
        DescribeNetworkAcls => acl::describe,
        DescribeNetworkInterfaceAttribute => interface_change::describe_attribute,
        DescribeNetworkInterfaces => interface::describe,
        DescribeRegions => placement::regions,
        DescribeRouteTables => route::describe,
        DescribeSecurityGroupRules => rule::describe,
        DescribeSecurityGroups => security::describe,
        DescribeSubnets => subnet::describe,
        DescribeTags => tag::describe,
        DescribeVolumes => volume::describe,
        DescribeVpcAttribute => vpc::describe_attribute,
        DescribeVpcs => vpc::describe,
        GetCallerIdentity => account::caller_identity,
        GetConsoleOutput => status::console,
        GetParameter => parameter::get,
        GetParameters => parameter::get_several,
    }
    Changes {
        AllocateAddress => address::allocate,
        AssignPrivateIpAddresses => interface_change::assign_private,
        AssociateAddress => address::associate,
        AssociateRouteTable => route::associate,
        AttachInternetGateway => gateway::attach,
        AttachNetworkInterface => interface_change::attach,
        AuthorizeSecurityGroupEgress => rule::authorize_egress,
        AuthorizeSecurityGroupIngress => rule::authorize_ingress,
        CreateDefaultVpc => vpc::create_default,
        CreateInternetGateway => gateway::create,
        CreateKeyPair => key::create,
        CreateNatGateway => nat::create,
        CreateNetworkAcl => acl::create,
        CreateNetworkAclEntry => acl::create_entry,
        CreateNetworkInterface => interface::create,
        CreateRoute => route_entry::create,
        CreateRouteTable => route::create,
        CreateSecurityGroup => security::create,
        CreateSubnet => subnet::create,
        CreateTags => tag::create,
        CreateVpc => vpc::create,
        DeleteInternetGateway => gateway::delete,
        DeleteKeyPair => key::delete,
        DeleteNatGateway => nat::delete,
        DeleteNetworkAcl => acl::delete,
        DeleteNetworkAclEntry => acl::delete_entry,
        DeleteNetworkInterface => interface::delete,
        DeleteRoute => route_entry::delete,
        DeleteRouteTable => route::delete,
        DeleteSecurityGroup => security::delete,
        DeleteSubnet => subnet::delete,
        DeleteTags => tag::delete,
        DeleteVolume => volume::delete,
        DeleteVpc => vpc::delete,
        DetachInternetGateway => gateway::detach,
        DetachNetworkInterface => interface_change::detach,
        DisassociateAddress => address::disassociate,
        DisassociateRouteTable => route::disassociate,
        ImportKeyPair => key::import,
        ModifyInstanceAttribute => attribute::modify,
        ModifyInstanceMetadataOptions => metadata::modify,
        ModifyNetworkInterfaceAttribute => interface_change::modify_attribute,
        ModifySecurityGroupRules => rule::modify,
        ModifySubnetAttribute => subnet::modify_attribute,
        ModifyVpcAttribute => vpc::modify_attribute,
        MonitorInstances => lifecycle::monitor,
        RebootInstances => lifecycle::reboot,
        ReleaseAddress => address::release,
        ReplaceNetworkAclAssociation => acl::replace_association,
        ReplaceNetworkAclEntry => acl::replace_entry,
        ReplaceRoute => route_entry::replace,
        ReplaceRouteTableAssociation => route::replace_association,
        RevokeSecurityGroupEgress => rule::revoke_egress,
        RevokeSecurityGroupIngress => rule::revoke_ingress,
        RunInstances => launch::run,
        StartInstances => lifecycle::start,
        StopInstances => lifecycle::stop,
        TerminateInstances => lifecycle::terminate,
        UnassignPrivateIpAddresses => interface_change::unassign_private,
        UnmonitorInstances => lifecycle::unmonitor,
        UpdateSecurityGroupRuleDescriptionsEgress => rule::describe_in_egress,
        UpdateSecurityGroupRuleDescriptionsIngress => rule::describe_in_ingress,
    }
}

/// The operation of this name.
pub(crate) fn find(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}

/// The answer to a call that is repeated with its client token.
pub(crate) fn answer_again(context: &Context<'_>, answer: &Value) -> Result<Value, Fault> {
    Ok(match context.operation {
        "RunInstances" => launch::run_again(context, answer),
        _ => answer.clone(),
    })
}
