//! The limits of a new account that a course can meet, checked after each change.

use super::context::Context;
use super::fault::fault;
use crate::wire::Fault;

/// Refuses a change that went beyond a limit (the caller takes it back).
pub(crate) fn check(context: &Context<'_>) -> Result<(), Fault> {
    let region = &context.region;
    let over = |operation: &str, count: usize, limit: usize, code: &str, what: &str| {
        if context.operation == operation && count > limit {
            return Err(fault(code, format!("The maximum number of {what} has been reached.")));
        }
        Ok(())
    };
    over("CreateVpc", region.vpcs.len(), 5, "VpcLimitExceeded", "VPCs")?;
    over("CreateDefaultVpc", region.vpcs.len(), 5, "VpcLimitExceeded", "VPCs")?;
    let gateways = region.internet_gateways.len();
    over("CreateInternetGateway", gateways, 5, "InternetGatewayLimitExceeded", "internet gateways")?;
    over("AllocateAddress", region.addresses.len(), 5, "AddressLimitExceeded", "addresses")?;
    let rules = region
        .security_groups
        .iter()
        .flat_map(|group| {
            [true, false].map(|egress| group.rules.iter().filter(|r| r.egress == egress).count())
        })
        .max();
    if rules.is_some_and(|rules| rules > 60) {
        return Err(fault(
            "RulesPerSecurityGroupLimitExceeded",
            "The maximum number of rules per security group has been reached.",
        ));
    }
    Ok(())
}
