//! The way that leads to AWS, walked against the local region's endpoint: other programs with `lab region env`, lessons with
//! `--cloud aws`, and a teardown that finds by the journal or by the tag what the lab has made, and nothing else.
//!
//! Needs a Python with boto3 and the AWS CLI, named by `LAB_ORACLE_PYTHON`.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};
use std::sync::Arc;

use crate::course::{Course, Region, told};
use crate::region_api::blocks;
use crate::wire_oracle::python;

const LESSON: &str = "01-vpc-and-subnets";

/// A network as the lessons make it, but somebody else's: VPC, subnet, gateway, route table, group, key pair, address.
const FOREIGN: &str = r#"
import boto3
ec2 = boto3.client("ec2")
name = [{"Key": "Name", "Value": "lab-foreign"}]
vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
group = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
key = ec2.create_key_pair(KeyName="foreign")["KeyPairId"]
ec2.allocate_address()
# Near misses of the tag that marks a lab's own.
ec2.create_tags(Resources=[vpc, subnet], Tags=[{"Key": "lab:session", "Value": "another-0123456789ab"}])
ec2.create_tags(Resources=[group, key], Tags=[{"Key": "lab:sessions", "Value": "x"}])
"#;

/// Every id that there is, one a line.
const EVERYTHING: &str = r#"
import boto3
ec2 = boto3.client("ec2")
for vpc in ec2.describe_vpcs()["Vpcs"]: print(vpc["VpcId"])
for subnet in ec2.describe_subnets()["Subnets"]: print(subnet["SubnetId"])
for gateway in ec2.describe_internet_gateways()["InternetGateways"]: print(gateway["InternetGatewayId"])
for table in ec2.describe_route_tables()["RouteTables"]: print(table["RouteTableId"], len(table["Routes"]), len(table["Associations"]))
for group in ec2.describe_security_groups()["SecurityGroups"]: print(group["GroupId"], len(group["IpPermissions"]))
for key in ec2.describe_key_pairs()["KeyPairs"]: print(key["KeyPairId"])
for address in ec2.describe_addresses()["Addresses"]: print(address["AllocationId"])
for volume in ec2.describe_volumes()["Volumes"]: print(volume["VolumeId"])
for reservation in ec2.describe_instances()["Reservations"]:
    for instance in reservation["Instances"]:
        if instance["State"]["Name"] != "terminated": print(instance["InstanceId"])
"#;

/// Lesson 01's commands as boto3 calls.
const BOTO3_LESSON: &str = r#"
import boto3
from botocore.exceptions import ClientError
ec2 = boto3.client("ec2")
tags = lambda kind, name: [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}]}]
zones = ec2.describe_availability_zones(Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}])
zone = sorted(zone["ZoneName"] for zone in zones["AvailabilityZones"])[0]
vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags("vpc", "lab-vpc"))["Vpc"]["VpcId"]
ec2.get_waiter("vpc_available").wait(VpcIds=[vpc])
def subnet(block):
    return ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone, TagSpecifications=tags("subnet", "public"))
try:
    subnet("10.1.1.0/24")
    raise SystemExit("a subnet outside of its VPC")
except ClientError as error:
    assert error.response["Error"]["Code"] == "InvalidSubnet.Range", error
public = subnet("10.0.1.0/24")["Subnet"]["SubnetId"]
ec2.get_waiter("subnet_available").wait(SubnetIds=[public])
assert ec2.describe_subnets(SubnetIds=[public])["Subnets"][0]["AvailableIpAddressCount"] == 251
gateway = ec2.create_internet_gateway(TagSpecifications=tags("internet-gateway", "lab-igw"))["InternetGateway"]["InternetGatewayId"]
table = ec2.create_route_table(VpcId=vpc, TagSpecifications=tags("route-table", "public-rt"))["RouteTable"]["RouteTableId"]
route = dict(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
try:
    ec2.create_route(**route)
    raise SystemExit("a route to a gateway that is not attached")
except ClientError as error:
    assert error.response["Error"]["Code"] == "InvalidParameterValue", error
ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
assert ec2.create_route(**route)["Return"]
ec2.associate_route_table(RouteTableId=table, SubnetId=public)
found = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [public]}])["RouteTables"]
routes = {route["DestinationCidrBlock"]: route["GatewayId"] for route in found[0]["Routes"]}
assert routes == {"10.0.0.0/16": "local", "0.0.0.0/0": gateway}, routes
"#;

/// What `lab region env` says for a lab, as a person uses it: `eval`, and then these commands.
fn with_env(course: &Course, lab: &str, commands: &str) -> Output {
    let line = format!("eval \"$('{}' region env --lab {lab})\"\n{commands}", env!("CARGO_BIN_EXE_lab"));
    let mut command = course.command(&[]);
    let mut bash = Command::new("bash");
    bash.args(["-c", &line]).current_dir(course.root());
    // A configuration of this machine's user would be heard too.
    bash.env("AWS_CONFIG_FILE", "/nowhere")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
        .env("PYTHON", python());
    bash.env("AWS_PROFILE", "nobody").env("AWS_SESSION_TOKEN", "stale").env("LAB", env!("CARGO_BIN_EXE_lab"));
    for (name, value) in command.env("AWS_EC2_METADATA_DISABLED", "true").get_envs() {
        if let Some(value) = value {
            bash.env(name, value);
        }
    }
    bash.output().expect("bash runs")
}

fn good(output: &Output) -> String {
    assert!(output.status.success(), "{}", told(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn boto3(course: &Course, lab: &str, script: &str) -> String {
    let path = course.root().join("script.py");
    fs::write(&path, script).expect("written");
    good(&with_env(course, lab, "exec \"$PYTHON\" script.py"))
}

/// Everything that is in a lab's account: a line each, ids first.
fn everything(course: &Course, lab: &str) -> BTreeSet<String> {
    boto3(course, lab, EVERYTHING).lines().map(str::to_owned).collect()
}

#[test]
fn boto3_and_the_aws_cli_use_the_running_region() {
    let region = Region::new();
    let course = Course::copy(&region);
    boto3(&course, "boto", BOTO3_LESSON);
    assert_eq!(everything(&course, "boto").iter().filter(|line| line.starts_with("vpc-")).count(), 1);

    let bin = course.root().join("bin");
    fs::create_dir(&bin).expect("a directory");
    fs::write(bin.join("aws"), "#!/bin/sh\nexec \"$PYTHON\" -m awscli \"$@\"\n").expect("written");
    fs::set_permissions(bin.join("aws"), fs::Permissions::from_mode(0o755)).expect("executable");
    let blocks = blocks(&fs::read_to_string(course.lesson(LESSON)).expect("readable"));
    assert!(blocks.len() > 10);
    let script: String =
        blocks.iter().map(|(name, _, body)| format!("{body}\necho \"@@ {name} $?\"\n")).collect();
    let printed = good(&with_env(&course, "cli", &format!("PATH=$PWD/bin:$PATH\n{script}")));
    for (name, status, _) in &blocks {
        let ended =
            printed.lines().find_map(|line| line.strip_prefix(&format!("@@ {name} "))?.parse::<i32>().ok());
        // Version 1 of the AWS CLI, which is the one on PyPI, says 255 where version 2 (and the lesson) says 254.
        assert_eq!(ended, Some(if *status == 254 { 255 } else { *status }), "{name}:\n{printed}");
    }
    assert!(printed.contains("|  0.0.0.0/0   |  active |  igw-"), "{printed}");
    // The two are accounts of their own, and seen.
    assert!(everything(&course, "boto").is_disjoint(&everything(&course, "cli")));
    // Such a lab has nothing on disk that `lab` knows of; it can be taken away all the same.
    for lab in ["boto", "cli"] {
        let down = good(&course.lab(&["down", "--lab", lab]));
        assert!(down.contains(&format!("`{lab}` is removed")), "{down}");
    }
}

/// `lab ARGUMENTS --cloud aws`-like: with the credentials of the account `away`.
fn away(course: &Course, arguments: &str) -> Output {
    with_env(course, "away", &format!("exec \"$LAB\" {arguments}"))
}

fn prepared(region: &Arc<Region>) -> (Course, BTreeSet<String>) {
    let course = Course::copy(region);
    boto3(&course, "away", FOREIGN);
    let before = everything(&course, "away");
    assert!(before.len() >= 9, "{before:?}");
    (course, before)
}

#[test]
fn lesson_01_passes_with_cloud_aws_and_is_taken_away_alone() {
    let region = Region::new();
    let (course, before) = prepared(&region);
    // Nobody agrees: nothing is created, and no lab is left that would stand in the way.
    let refused = away(&course, &format!("run {LESSON} --cloud aws"));
    assert_eq!(refused.status.code(), Some(2), "{}", told(&refused));
    assert!(
        told(&refused).contains("--yes") && told(&refused).contains("resources on AWS"),
        "{}",
        told(&refused)
    );
    let refused = with_env(
        &course,
        "away",
        &format!("AWS_SECRET_ACCESS_KEY=wrong exec \"$LAB\" verify {LESSON} --cloud aws --yes"),
    );
    assert_eq!(refused.status.code(), Some(3), "{}", told(&refused));
    assert!(told(&refused).contains("failed to use your AWS credentials"), "{}", told(&refused));
    assert!(told(&away(&course, "status")).contains("no labs"), "{}", told(&away(&course, "status")));

    let run = away(&course, &format!("run {LESSON} --cloud aws --yes"));
    let text = good(&run);
    assert!(text.contains("18 passed, 0 failed"), "{}", told(&run));
    let made = everything(&course, "away");
    assert_eq!(made.difference(&before).filter(|line| line.starts_with("vpc-")).count(), 1);
    assert!(told(&away(&course, "status")).contains("default on aws"));
    // The lab stays on AWS without saying so again.
    assert!(good(&away(&course, &format!("run {LESSON}"))).contains("done"));
    let down = good(&away(&course, "down"));
    assert!(down.contains("is down: 4 resources deleted"), "{down}");
    assert_eq!(everything(&course, "away"), before);

    // A verification takes its own away as well.
    let verify = away(&course, &format!("verify {LESSON} --cloud aws --yes"));
    good(&verify);
    assert_eq!(everything(&course, "away"), before, "{}", told(&verify));
}

#[test]
fn tags_alone_and_the_journal_alone_find_everything() {
    let region = Region::new();
    let (course, before) = prepared(&region);
    let run = || good(&away(&course, &format!("run {LESSON} --cloud aws --yes --quiet")));
    let journal = course.state().join("labs/default/journal.jsonl");

    run();
    fs::remove_file(&journal).expect("there is a journal");
    assert!(good(&away(&course, "down")).contains("4 resources deleted"));
    assert_eq!(everything(&course, "away"), before);

    run();
    let untag = "
import boto3
ec2 = boto3.client('ec2')
session = [tag for tag in ec2.describe_tags(Filters=[{'Name': 'key', 'Values': ['lab:session']}])['Tags'] if tag['Value'].startswith('default-')]
assert len(session) == 4, session
ec2.delete_tags(Resources=[tag['ResourceId'] for tag in session], Tags=[{'Key': 'lab:session'}])
";
    boto3(&course, "away", untag);
    assert!(good(&away(&course, "down")).contains("4 resources deleted"));
    assert_eq!(everything(&course, "away"), before);

    // A torn last line, as a power cut leaves it, is no obstacle.
    run();
    let mut text = fs::read_to_string(&journal).expect("readable");
    text.truncate(text.trim_end().len() - 10);
    fs::write(&journal, text).expect("written");
    assert!(good(&away(&course, "down")).contains("4 resources deleted"));
    assert_eq!(everything(&course, "away"), before);

    // What others have put into the lab's VPC stands in the way: it is left, named, and nothing of theirs is deleted.
    run();
    let guest = "
import boto3
ec2 = boto3.client('ec2')
vpc = ec2.describe_vpcs(Filters=[{'Name': 'tag:Name', 'Values': ['lab-vpc']}])['Vpcs'][0]['VpcId']
print(ec2.create_subnet(VpcId=vpc, CidrBlock='10.0.9.0/24')['Subnet']['SubnetId'], vpc)
";
    let ids = boto3(&course, "away", guest);
    let (subnet, vpc) = ids.trim().split_once(' ').expect("two ids");
    let down = away(&course, "down --within 0");
    assert_eq!(down.status.code(), Some(4), "{}", told(&down));
    assert!(told(&down).contains(vpc) && told(&down).contains("DependencyViolation"), "{}", told(&down));
    assert!(everything(&course, "away").contains(subnet));
    boto3(
        &course,
        "away",
        &format!("import boto3\nboto3.client('ec2').delete_subnet(SubnetId='{subnet}')\n"),
    );
    good(&away(&course, "down"));
    assert_eq!(everything(&course, "away"), before);
}

/// Makes what no tag or no answer names: a default VPC with all that EC2 puts into it, and a volume that its instance
/// leaves behind.
const OUTLIVING: &str = "# Outliving

```sh {#outlive timeout=5m}
aws ec2 create-default-vpc --query Vpc.IsDefault
IMAGE=$(aws ec2 describe-images --owners 136693071363 --query 'Images[0].ImageId' --output text)
WEB=$(aws ec2 run-instances --image-id $IMAGE --instance-type t3.micro \\
  --block-device-mappings 'DeviceName=/dev/xvda,Ebs={DeleteOnTermination=false}' \\
  --query 'Instances[0].InstanceId' --output text)
aws ec2 terminate-instances --instance-ids $WEB --query 'TerminatingInstances[0].InstanceId' > /dev/null
aws ec2 wait instance-terminated --instance-ids $WEB
aws ec2 describe-volumes --query 'Volumes[].[State, Tags]' --output json | tr -d ' \\n'
```
";

#[test]
fn a_default_vpc_and_a_volume_without_an_instance_are_taken_away() {
    let region = Region::new();
    let course = Course::of(&region, "outliving", OUTLIVING);
    boto3(&course, "away", FOREIGN);
    let before = everything(&course, "away");
    let text = good(&away(&course, "run outliving --cloud aws --yes"));
    // The lab's tag is not shown, and no empty list in its place, as there is none on EC2.
    assert!(text.contains(r#"["available",null]"#), "{text}");
    let made: BTreeSet<String> = everything(&course, "away").difference(&before).cloned().collect();
    for (prefix, least) in [("vpc-", 1), ("subnet-", 3), ("igw-", 1), ("vol-", 1)] {
        assert!(made.iter().filter(|line| line.starts_with(prefix)).count() >= least, "{prefix}: {made:?}");
    }
    good(&away(&course, "down"));
    assert_eq!(everything(&course, "away"), before);
}

/// Reads one HTTP message with a body of a stated length.
fn message(stream: &mut TcpStream) -> String {
    let (mut read, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut part).expect("readable");
        read.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return text;
        }
    }
}

/// An endpoint that throttles every call of a region and hands all others on.
fn throttled_in(region: &'static str, upstream: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let request = message(&mut stream);
            let answer = if request.contains(&format!("/{region}/ec2/")) {
                let body = "<Response><Errors><Error><Code>RequestLimitExceeded</Code>\
                    <Message>Request limit exceeded.</Message></Error></Errors><RequestID>r</RequestID></Response>";
                format!("HTTP/1.1 503 X\r\ncontent-length: {}\r\n\r\n{body}", body.len())
            } else {
                let mut upstream = TcpStream::connect(&upstream).expect("the region");
                upstream.write_all(request.as_bytes()).expect("sent");
                message(&mut upstream)
            };
            let answer = answer.replacen("\r\n", "\r\nconnection: close\r\n", 1);
            stream.write_all(answer.as_bytes()).expect("answered");
        }
    });
    url
}

const TWO_REGIONS: &str = "# Two regions

```sh {#here}
aws ec2 create-vpc --cidr-block 10.0.0.0/16 --query Vpc.State
aws ec2 create-vpc --cidr-block 10.0.0.0/16 --query Vpc.State --region eu-west-1
```
";

#[test]
fn a_region_that_does_not_answer_does_not_keep_the_others() {
    let region = Region::new();
    let course = Course::of(&region, "two", TWO_REGIONS);
    good(&away(&course, "run two --cloud aws --yes"));
    assert!(everything(&course, "away").iter().any(|line| line.starts_with("vpc-")));
    let url = good(&with_env(&course, "away", "echo $AWS_ENDPOINT_URL"));
    let upstream = url.trim().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let url = throttled_in("eu-west-1", upstream);
    // One try a call: the SDK's own pauses would be waited out for each kind.
    let down = format!("AWS_MAX_ATTEMPTS=1 AWS_ENDPOINT_URL={url} exec \"$LAB\" down --within 0");
    let down = with_env(&course, "away", &down);
    assert_eq!(down.status.code(), Some(4), "{}", told(&down));
    assert!(told(&down).contains("everything in eu-west-1"), "{}", told(&down));
    assert!(told(&down).contains("RequestLimitExceeded"), "{}", told(&down));
    assert_eq!(everything(&course, "away"), BTreeSet::new());
    // What is left is known, and goes when the region answers again.
    assert!(told(&away(&course, "status")).contains("1 resource in its journal"));
    assert!(good(&away(&course, "down")).contains("1 resource deleted"));
}
