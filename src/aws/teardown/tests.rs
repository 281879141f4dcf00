use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, error::CredentialsError, future};
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::config::{BehaviorVersion, Region};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::error::described;
use super::*;
use crate::aws::creation::creation;
use crate::wire::{self, Fault, Service};

/// Answers a call: an operation's name and its parameters.
type Answers = Box<dyn FnMut(&str, &Value) -> Result<Value, Fault> + Send>;

/// An EC2 endpoint, and the operations that were called.
struct Cloud {
    ec2: Client,
    called: Arc<Mutex<Vec<String>>>,
}

impl Cloud {
    async fn new(answers: impl FnMut(&str, &Value) -> Result<Value, Fault> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (called, mut answers) = (Arc::new(Mutex::new(Vec::new())), Box::new(answers) as Answers);
        let kept = Arc::clone(&called);
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        let ec2 = client(&url, credentials);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                answer(stream, &mut answers, &kept).await;
            }
        });
        Self { ec2, called }
    }

    async fn teardown(&self, ids: &[&str], deadline: Duration) -> TornDown {
        let ids = ids.iter().map(ToString::to_string).collect();
        let scope = Scope { ids, session: Some("s".to_owned()), region: "us-east-1".to_owned() };
        teardown(&self.ec2, &scope, deadline, &Silent).await
    }

    fn count(&self, operation: &str) -> usize {
        self.called.lock().expect("unpoisoned").iter().filter(|called| *called == operation).count()
    }
}

async fn answer(mut stream: TcpStream, answers: &mut Answers, called: &Mutex<Vec<String>>) {
    let (mut request, mut part) = (Vec::new(), [0; 4096]);
    let body = loop {
        let count = stream.read(&mut part).await.expect("a request");
        request.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
        if body.len() >= length.unwrap_or(0) {
            break body.to_owned();
        }
    };
    let pairs = wire::form_decode(&body);
    let name = pairs.iter().find(|(name, _)| name == "Action").expect("an action").1.clone();
    let operation = Service::ec2().operation(&name).expect("in the model");
    let params = wire::decode_body(operation, &body).expect("fits the model");
    let (status, body) = match answers(&name, &params) {
        Ok(value) => (200, wire::encode_response(operation, &value, "r")),
        Err(fault) => (fault.status, wire::encode_error(&fault, "r")),
    };
    called.lock().expect("unpoisoned").push(name);
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all((head + &body).as_bytes()).await.expect("answered");
}

fn client(url: &str, credentials: impl ProvideCredentials + 'static) -> Client {
    let config = aws_sdk_ec2::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(credentials)
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Client::from_conf(config.build())
}

struct Silent;

impl Progress for Silent {
    fn tell(&self, _line: &str) {}
}

fn fault(code: &str, status: u16) -> Fault {
    Fault { status, ..Fault::new(code, "in words") }
}

/// The value of a filter that a call asks by, after its name.
fn asked(params: &Value) -> String {
    let filter = params.pointer("/Filters/0").or(params.pointer("/Filter/0"));
    let text = |name| filter.and_then(|filter| filter[name].as_str()).unwrap_or_default();
    let values = filter.map(|filter| filter["Values"].to_string()).unwrap_or_default();
    format!("{}={values}", text("Name"))
}

const TAG: &str = r#"tag:lab:session=["s"]"#;
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn volumes_flow_logs_peerings_and_dhcp_options_are_found_by_tag_and_by_journal() {
    let mut gone = std::collections::BTreeSet::new();
    let cloud = Cloud::new(move |operation, params| {
        // Held by their VPC.
        if operation == "DeleteDhcpOptions" && !gone.contains("vpc-1") {
            return Err(fault("DependencyViolation", 400));
        }
        let mut delete = |id: &Value| {
            gone.insert(id.as_str().expect("an id").to_owned());
            Ok(json!({}))
        };
        match operation {
            "DeleteVolume" => return delete(&params["VolumeId"]),
            "DeleteFlowLogs" => return delete(&params["FlowLogIds"][0]),
            "DeleteVpcPeeringConnection" => return delete(&params["VpcPeeringConnectionId"]),
            "DeleteDhcpOptions" => return delete(&params["DhcpOptionsId"]),
            "DeleteVpc" => return delete(&params["VpcId"]),
            _ => {}
        }
        let found = |tagged: &str, filter: &str, journaled: &str| {
            let by_id = format!(r#"{filter}=["{journaled}"]"#);
            let id = match asked(params) {
                asked if asked == TAG => tagged.to_owned(),
                asked if asked == by_id => journaled.to_owned(),
                _ => return None,
            };
            (!gone.contains(&id)).then_some(id)
        };
        let list = |id: Option<String>, show: fn(String) -> Value| id.map(show).into_iter().collect::<Value>();
        Ok(match operation {
            "DescribeVolumes" => json!({"Volumes": list(found("vol-1", "volume-id", "vol-2"),
                |id| json!({"VolumeId": id, "Size": 8, "VolumeType": "gp3", "State": "available"}))}),
            "DescribeFlowLogs" => json!({"FlowLogs": list(found("fl-1", "flow-log-id", "fl-2"), |id| json!({"FlowLogId": id}))}),
            "DescribeVpcPeeringConnections" => json!({"VpcPeeringConnections":
                list(found("pcx-1", "vpc-peering-connection-id", "pcx-2"), |id| json!({"VpcPeeringConnectionId": id}))}),
            "DescribeDhcpOptions" => json!({"DhcpOptions":
                list(found("dopt-1", "dhcp-options-id", "dopt-2"), |id| json!({"DhcpOptionsId": id}))}),
            "DescribeVpcs" => json!({"Vpcs": list(found("vpc-1", "vpc-id", "vpc-2"), |id| json!({"VpcId": id}))}),
            _ => json!({}),
        })
    })
    .await;
    let torn = cloud.teardown(&["vol-2", "fl-2", "pcx-2", "dopt-2", "vpc-2"], MINUTE).await;
    assert_eq!(torn.leftovers, []);
    let kinds = ["dopt", "fl", "pcx", "vol", "vpc"];
    let all: Vec<String> = kinds.iter().flat_map(|kind| [format!("{kind}-1"), format!("{kind}-2")]).collect();
    assert_eq!(torn.deleted, all);
    // After the VPC: not once was it tried in vain.
    assert_eq!(cloud.count("DeleteDhcpOptions"), 2);
}

#[tokio::test]
async fn a_refusal_inside_of_an_answer_is_one() {
    let cloud = Cloud::new(|operation, _| {
        let refusal = json!({"ResourceId": "fl-1", "Error": {"Code": "InternalError", "Message": "no"}});
        Ok(match operation {
            "DescribeFlowLogs" => json!({"FlowLogs": [{"FlowLogId": "fl-1"}]}),
            "DeleteFlowLogs" => json!({"Unsuccessful": [refusal]}),
            _ => json!({}),
        })
    })
    .await;
    let torn = cloud.teardown(&["fl-1"], Duration::ZERO).await;
    assert_eq!(torn.leftovers[0].reason, "InternalError: no");
    assert_eq!((torn.deleted, torn.gone), (vec![], vec![]));
}

#[tokio::test]
async fn an_attached_volume_is_awaited_and_its_price_told() {
    let cloud = Cloud::new(|operation, _| {
        let volume = json!({"VolumeId": "vol-1", "Size": 8, "VolumeType": "gp3", "State": "in-use"});
        Ok(if operation == "DescribeVolumes" { json!({"Volumes": [volume]}) } else { json!({}) })
    })
    .await;
    let torn = cloud.teardown(&[], Duration::ZERO).await;
    let left = Leftover { id: "vol-1".into(), reason: "still attached".into(), cents_a_month: 64 };
    assert_eq!((torn.leftovers, cloud.count("DeleteVolume")), (vec![left], 0));
}

#[tokio::test]
async fn what_no_pass_looks_for_is_not_gone() {
    let cloud = Cloud::new(|_, _| Ok(json!({}))).await;
    let torn = cloud.teardown(&["vpc-1", "thing-1"], MINUTE).await;
    let left: Vec<_> = torn.leftovers.iter().map(|left| (&*left.id, &*left.reason)).collect();
    assert_eq!(left, [("thing-1", "never seen gone")]);
    assert_eq!(torn.gone, ["vpc-1"]);
}

#[tokio::test]
async fn every_kind_that_the_journal_may_name_is_looked_for() {
    let mut prefixes = BTreeSet::new();
    for name in Service::ec2().operation_names().filter(|name| creation(name).is_some()) {
        let what =
            creation(name).expect("kept above").ids.rsplit('/').find(|step| *step != "*").expect("a step");
        let prefix = match what {
            "VpcId" => "vpc-",
            "SubnetId" => "subnet-",
            "InternetGatewayId" => "igw-",
            "RouteTableId" => "rtb-",
            "GroupId" => "sg-",
            "KeyPairId" => "key-",
            "AllocationId" => "eipalloc-",
            "InstanceId" => "i-",
            "NatGatewayId" => "nat-",
            "NetworkInterfaceId" => "eni-",
            "NetworkAclId" => "acl-",
            "VpcPeeringConnectionId" => "pcx-",
            "FlowLogIds" => "fl-",
            "VolumeId" => "vol-",
            "DhcpOptionsId" => "dopt-",
            other => panic!("{name} makes an unknown {other}"),
        };
        prefixes.insert(format!("{prefix}1"));
    }
    let cloud = Cloud::new(|_, _| Ok(json!({}))).await;
    let ids: Vec<&str> = prefixes.iter().map(String::as_str).collect();
    let torn = cloud.teardown(&ids, MINUTE).await;
    assert_eq!((torn.leftovers, torn.gone.len()), (vec![], 15));
}

#[tokio::test]
async fn a_throttle_or_a_fault_of_ec2s_own_is_waited_out() {
    for (code, status) in [("RequestLimitExceeded", 503), ("InternalError", 500)] {
        let (mut refusals, mut lives) = (3, true);
        let cloud = Cloud::new(move |operation, params| {
            match operation {
                "DescribeNatGateways" if refusals > 0 => {
                    refusals -= 1;
                    return Err(fault(code, status));
                }
                "DeleteVpc" => lives = false,
                "DescribeVpcs" if lives && asked(params) == TAG => {
                    return Ok(json!({"Vpcs": [{"VpcId": "vpc-1"}]}));
                }
                _ => {}
            }
            Ok(json!({}))
        })
        .await;
        let torn = cloud.teardown(&["vpc-1", "nat-1"], MINUTE).await;
        assert_eq!(torn.leftovers, []);
        // Also while another kind could not be asked about.
        assert_eq!(torn.deleted, ["vpc-1"]);
        assert_eq!(torn.gone, ["nat-1", "vpc-1"]);
    }
}

#[tokio::test]
async fn what_could_not_be_asked_until_the_deadline_is_told() {
    let cloud = Cloud::new(|operation, _| match operation {
        "DescribeVolumes" => Err(fault("RequestLimitExceeded", 503)),
        _ => Ok(json!({})),
    })
    .await;
    let torn = cloud.teardown(&["vol-1", "vpc-1"], Duration::ZERO).await;
    let left: Vec<_> = torn.leftovers.iter().map(|left| (&*left.id, &*left.reason)).collect();
    let reason = "EC2 does not say what is there: RequestLimitExceeded: in words";
    assert_eq!(left, [("volumes in us-east-1", reason), ("vol-1", "never seen gone")]);
    assert_eq!(torn.gone, ["vpc-1"]);
}

#[tokio::test]
async fn credentials_that_do_not_work_end_it_at_once_and_are_told_once() {
    let cloud = Cloud::new(|_, _| Err(fault("AuthFailure", 401))).await;
    let torn = cloud.teardown(&["vol-1", "vpc-1"], MINUTE).await;
    let left: Vec<_> = torn.leftovers.iter().map(|left| (&*left.id, &*left.reason)).collect();
    assert_eq!(left, [("everything in us-east-1", "EC2 does not say what is there: AuthFailure: in words")]);
    assert_eq!(cloud.count("DescribeVpcs"), 2);
}

#[tokio::test]
async fn kinds_that_may_not_be_asked_about_matter_where_the_journal_names_one() {
    let answers = |operation: &str, _: &Value| match operation {
        "DescribeFlowLogs" => Err(fault("UnauthorizedOperation", 403)),
        _ => Ok(json!({})),
    };
    assert_eq!(Cloud::new(answers).await.teardown(&["vpc-1"], MINUTE).await.leftovers, []);
    let torn = Cloud::new(answers).await.teardown(&["fl-1"], MINUTE).await;
    assert_eq!(torn.leftovers[0].id, "flow logs in us-east-1");
}

#[tokio::test]
async fn a_main_route_table_is_left_where_its_vpc_stays() {
    let cloud = Cloud::new(|operation, _| {
        let table = json!({"RouteTableId": "rtb-1", "VpcId": "vpc-9", "Associations": [{"Main": true}]});
        Ok(if operation == "DescribeRouteTables" { json!({"RouteTables": [table]}) } else { json!({}) })
    })
    .await;
    let torn = cloud.teardown(&["rtb-1"], MINUTE).await;
    assert_eq!(torn.leftovers[0].reason, "it is the main route table of vpc-9, which stays");
    assert_eq!(torn.gone, Vec::<String>::new());
}

/// Such as those of a session that has expired.
#[derive(Debug)]
struct NoCredentials;

impl ProvideCredentials for NoCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("the session has expired")))
    }
}

#[tokio::test]
async fn without_credentials_nothing_is_waited_for() {
    let url = "http://127.0.0.1:9";
    let error =
        client(url, NoCredentials).describe_vpcs().send().await.map_err(described).expect_err("fails");
    assert!(!error.passes && error.reason.contains("the session has expired"), "{error:?}");
    // An endpoint that does not answer may do so later.
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    let error = client(url, credentials).describe_vpcs().send().await.map_err(described).expect_err("fails");
    assert!(error.passes && error.reason.contains("refused"), "{error:?}");
}
