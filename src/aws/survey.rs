//! Which resources live, asked by id or by the session's tag: one table, and calls by the service model.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::creation::{creation, ids_at, values_at};
use super::request::{Call, CallError, Request, Target};
use super::teardown::SESSION_TAG;
use crate::wire::Service;

/// Why it is not known what lives.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    #[error("ask EC2 by {operation}: {source}")]
    Call { operation: &'static str, source: CallError },
    #[error(transparent)]
    Journal(#[from] super::journal::JournalError),
}

/// How a kind of resource is asked about.
struct Kind {
    /// The type under which it is tagged.
    tagged: &'static str,
    prefix: &'static str,
    describe: &'static str,
    /// The filter by id.
    filter: &'static str,
    /// Where the answer has the resources, and each its id and state.
    items: &'static str,
    id: &'static str,
    state: &'static str,
}

const fn kind([tagged, prefix, describe, filter, items, id, state]: [&'static str; 7]) -> Kind {
    Kind { tagged, prefix, describe, filter, items, id, state }
}

#[rustfmt::skip]
const KINDS: [Kind; 16] = [
    kind(["instance", "i-", "DescribeInstances", "instance-id", "/Reservations/*/Instances/*", "InstanceId", "/State/Name"]),
    kind(["natgateway", "nat-", "DescribeNatGateways", "nat-gateway-id", "/NatGateways/*", "NatGatewayId", "/State"]),
    kind(["volume", "vol-", "DescribeVolumes", "volume-id", "/Volumes/*", "VolumeId", "/State"]),
    kind(["elastic-ip", "eipalloc-", "DescribeAddresses", "allocation-id", "/Addresses/*", "AllocationId", ""]),
    kind(["network-interface", "eni-", "DescribeNetworkInterfaces", "network-interface-id", "/NetworkInterfaces/*", "NetworkInterfaceId", ""]),
    kind(["vpc-peering-connection", "pcx-", "DescribeVpcPeeringConnections", "vpc-peering-connection-id", "/VpcPeeringConnections/*", "VpcPeeringConnectionId", "/Status/Code"]),
    kind(["vpc-flow-log", "fl-", "DescribeFlowLogs", "flow-log-id", "/FlowLogs/*", "FlowLogId", ""]),
    kind(["security-group", "sg-", "DescribeSecurityGroups", "group-id", "/SecurityGroups/*", "GroupId", ""]),
    kind(["subnet", "subnet-", "DescribeSubnets", "subnet-id", "/Subnets/*", "SubnetId", ""]),
    kind(["route-table", "rtb-", "DescribeRouteTables", "route-table-id", "/RouteTables/*", "RouteTableId", ""]),
    kind(["network-acl", "acl-", "DescribeNetworkAcls", "network-acl-id", "/NetworkAcls/*", "NetworkAclId", ""]),
    kind(["internet-gateway", "igw-", "DescribeInternetGateways", "internet-gateway-id", "/InternetGateways/*", "InternetGatewayId", ""]),
    kind(["dhcp-options", "dopt-", "DescribeDhcpOptions", "dhcp-options-id", "/DhcpOptions/*", "DhcpOptionsId", ""]),
    kind(["key-pair", "key-", "DescribeKeyPairs", "key-pair-id", "/KeyPairs/*", "KeyPairId", ""]),
    kind(["vpc", "vpc-", "DescribeVpcs", "vpc-id", "/Vpcs/*", "VpcId", ""]),
    // Never by its prefix, which is the one above: for what takes no tag.
    kind(["default-vpc", "vpc-", "DescribeVpcs", "vpc-id", "/Vpcs/*", "VpcId", ""]),
];

/// States of what is shown for a while after its end, or is on its way there and cannot come back.
const ENDED: [&str; 7] =
    ["shutting-down", "terminated", "deleting", "deleted", "rejected", "failed", "expired"];

/// Those of `ids` that live. An id of which nobody knows what it is counts as living.
pub(super) async fn living(
    call: &dyn Call,
    region: &str,
    ids: &[String],
) -> Result<BTreeSet<String>, SurveyError> {
    let known = |id: &String| KINDS.iter().find(|kind| id.starts_with(kind.prefix));
    let mut living: BTreeSet<String> = ids.iter().filter(|id| known(id).is_none()).cloned().collect();
    for kind in &KINDS[..KINDS.len() - 1] {
        let own: Vec<&String> = ids.iter().filter(|id| id.starts_with(kind.prefix)).collect();
        // EC2 takes at most 200 values a filter.
        for chunk in own.chunks(200) {
            living.extend(ask(call, region, kind, kind.filter, &json!(chunk)).await?);
        }
    }
    Ok(living)
}

/// What lives of the kind that `operation` makes, by the session's tag. Of what takes no tag: whatever there is.
pub(super) async fn tagged(
    call: &dyn Call,
    region: &str,
    session: &str,
    operation: &str,
) -> Result<BTreeSet<String>, SurveyError> {
    let Some(creation) = creation(operation) else { return Ok(BTreeSet::new()) };
    let wanted = creation.tagged.first().copied().unwrap_or("default-vpc");
    let Some(kind) = KINDS.iter().find(|kind| kind.tagged == wanted) else { return Ok(BTreeSet::new()) };
    match wanted {
        "default-vpc" => ask(call, region, kind, "is-default", &json!(["true"])).await,
        _ => ask(call, region, kind, &format!("tag:{SESSION_TAG}"), &json!([session])).await,
    }
}

/// The ids of a kind that pass a filter and live.
async fn ask(
    call: &dyn Call,
    region: &str,
    kind: &Kind,
    filter: &str,
    values: &Value,
) -> Result<BTreeSet<String>, SurveyError> {
    let mut found = BTreeSet::new();
    for answer in &answers(call, region, kind, filter, values).await? {
        for item in values_at(answer, kind.items) {
            let state = item.pointer(kind.state).and_then(Value::as_str).unwrap_or_default();
            if let Some(id) = item[kind.id].as_str()
                && !ENDED.contains(&state)
            {
                found.insert(id.to_owned());
            }
        }
    }
    Ok(found)
}

/// What EC2 answers about those of a kind that pass a filter, page by page.
async fn answers(
    call: &dyn Call,
    region: &str,
    kind: &Kind,
    filter: &str,
    values: &Value,
) -> Result<Vec<Value>, SurveyError> {
    let failed = |source| SurveyError::Call { operation: kind.describe, source };
    let operation = Service::ec2().operation(kind.describe);
    let operation = operation.ok_or_else(|| failed(CallError::Other("it is not in the model".to_owned())))?;
    // Two operations call it otherwise than all the others.
    let plural = operation.input().is_some_and(|input| input.member("Filters").is_some());
    let filters = json!([{"Name": filter, "Values": values}]);
    let mut params = json!({});
    params[if plural { "Filters" } else { "Filter" }] = filters;
    let mut pages = Vec::new();
    loop {
        let target = Target { region: Some(region.to_owned()), ..Target::default() };
        let request = Request { operation, params: params.clone(), target, origin: None };
        let answer = call.call(&request).await.map_err(failed)?;
        let next = answer["NextToken"].as_str().filter(|next| !next.is_empty()).map(str::to_owned);
        pages.push(answer);
        match next {
            Some(next) => params["NextToken"] = next.into(),
            None => return Ok(pages),
        }
    }
}

/// What `operation` answered when it made these, put together from what EC2 says of them now; `None` where it says too
/// little. Their states are those of now.
pub(super) async fn answer_anew(
    call: &dyn Call,
    region: &str,
    operation: &str,
    ids: &[String],
) -> Result<Option<Value>, SurveyError> {
    let (Some(creation), [first, ..]) = (creation(operation), ids) else { return Ok(None) };
    let Some(kind) = KINDS.iter().find(|kind| first.starts_with(kind.prefix)) else { return Ok(None) };
    let pages = answers(call, region, kind, kind.filter, &json!(ids)).await?;
    let of = |pointer: &str, has: &dyn Fn(&Value) -> bool| -> Option<Value> {
        pages.iter().flat_map(|page| values_at(page, pointer)).find(|item| has(item)).cloned()
    };
    let one = |item: &Value| item[kind.id].as_str() == Some(first);
    let mut answer = match *creation.ids.split('/').skip(1).collect::<Vec<_>>() {
        // The reservation is the answer.
        ["Instances", "*", _] => {
            of("/Reservations/*", &|reservation| ids_at(reservation, creation.ids).contains(first))
        }
        [list, "*"] => Some(json!({list: ids})),
        [member, _] => of(kind.items, &one).map(|item| json!({member: item})),
        [_] => of(kind.items, &one),
        _ => None,
    };
    if let (Some(Value::Object(members)), Some(operation)) =
        (&mut answer, Service::ec2().operation(operation))
    {
        members.retain(|name, _| operation.output().is_some_and(|output| output.member(name).is_some()));
    }
    // All of them, or it is not the answer to what was asked.
    Ok(answer.filter(|answer| ids_at(answer, creation.ids).len() == ids.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::request::Answer;
    use crate::wire::Shape;

    #[test]
    fn every_kind_that_can_be_made_can_be_asked_about() {
        for name in Service::ec2().operation_names() {
            let Some(creation) = creation(name) else { continue };
            let wanted = creation.tagged.first().copied().unwrap_or("default-vpc");
            assert!(KINDS.iter().any(|kind| kind.tagged == wanted), "{name}");
        }
    }

    /// One value of a shape, with `x` for every text.
    fn sample(shape: &'static Shape, depth: usize) -> Value {
        match &shape.kind {
            crate::wire::Kind::Structure(members) if depth > 0 => members
                .iter()
                .map(|member| (member.name.to_owned(), sample(member.shape(), depth - 1)))
                .collect(),
            crate::wire::Kind::List(element) if depth > 0 => json!([sample(element.shape(), depth - 1)]),
            _ => json!("x"),
        }
    }

    #[test]
    fn the_table_fits_the_model() {
        for kind in &KINDS {
            let operation = Service::ec2().operation(kind.describe).expect("in the model");
            let answer = sample(operation.output().expect("answers"), 6);
            assert_eq!(ids_at(&answer, &format!("{}/{}", kind.items, kind.id)), ["x"], "{}", kind.describe);
            if !kind.state.is_empty() {
                assert_eq!(
                    ids_at(&answer, &format!("{}{}", kind.items, kind.state)),
                    ["x"],
                    "{}",
                    kind.describe
                );
            }
        }
    }

    /// A cloud that shows one of everything, under the id `ID`.
    struct OneOfAll;

    impl Call for OneOfAll {
        fn call<'a>(&'a self, request: &'a Request) -> Answer<'a, Result<Value, CallError>> {
            let mut answer = sample(request.operation.output().expect("answers"), 6);
            answer["NextToken"] = Value::Null;
            let params = request.params.as_object().expect("parameters");
            let id = &params.values().next().expect("a filter")[0]["Values"][0];
            let text = answer.to_string().replace("\"x\"", &id.to_string());
            Box::pin(std::future::ready(Ok(text.parse().expect("JSON"))))
        }
    }

    #[tokio::test]
    async fn every_answer_that_makes_something_can_be_had_anew() {
        let mut seen = 0;
        for name in Service::ec2().operation_names() {
            let Some(creation) = creation(name) else { continue };
            let tagged = creation.tagged.first().copied().unwrap_or("default-vpc");
            let kind = KINDS.iter().find(|kind| kind.tagged == tagged).expect("it can be asked about");
            let id = format!("{}1", kind.prefix);
            let answer =
                answer_anew(&OneOfAll, "us-east-1", name, std::slice::from_ref(&id)).await.expect("answered");
            let answer = answer.unwrap_or_else(|| panic!("{name} has no answer"));
            assert_eq!(ids_at(&answer, creation.ids), [id], "{name}: {answer}");
            let output = Service::ec2().operation(name).and_then(|operation| operation.output());
            let names: Vec<&String> = answer.as_object().expect("a structure").keys().collect();
            let has = |name: &&String| output.is_some_and(|output| output.member(name.as_str()).is_some());
            assert!(names.iter().all(has), "{name}: {names:?}");
            seen += 1;
        }
        assert!(seen > 15, "{seen}");
        let two = ["vpc-1".to_owned(), "vpc-2".to_owned()];
        let answer = answer_anew(&OneOfAll, "us-east-1", "CreateVpc", &two).await.expect("answered");
        assert_eq!(answer, None, "one request does not make two");
    }
}
