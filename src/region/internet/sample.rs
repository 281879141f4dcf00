//! A lab for tests, made by the control plane itself: a web server with a public address and a database server
//! without one.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::wanted::Place;
use crate::region::model::{Action, Caller, NetworkInterface, Region, State, apply};

pub(super) const ACCOUNT: &str = "123456789012";
pub(super) const OTHER_ACCOUNT: &str = "210987654321";
const REGION: &str = "us-east-1";

pub(super) struct Lab {
    pub state: State,
    pub vpc: String,
    pub web: String,
    pub web_public: Ipv4Addr,
}

impl Lab {
    /// `web` is 10.0.1.10, `db` 10.0.2.10.
    pub(super) fn with_two_instances(dns_hostnames: bool) -> Lab {
        let mut state = State::seeded(7);
        state.accounts.entry(OTHER_ACCOUNT.to_owned()).or_default();
        let text =
            |value: &Value, pointer: &str| value.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        let vpc = call(&mut state, "CreateVpc", json!({"CidrBlock": "10.0.0.0/16"}));
        let vpc = text(&vpc, "/Vpc/VpcId");
        let attribute = json!({"VpcId": vpc, "EnableDnsHostnames": {"Value": dns_hostnames}});
        call(&mut state, "ModifyVpcAttribute", attribute);
        let gateway =
            text(&call(&mut state, "CreateInternetGateway", json!({})), "/InternetGateway/InternetGatewayId");
        let attach = json!({"VpcId": vpc, "InternetGatewayId": gateway});
        call(&mut state, "AttachInternetGateway", attach);
        call(&mut state, "CreateKeyPair", json!({"KeyName": "my-key", "KeyType": "ed25519"}));
        let mut launch = |block: &str, address: &str, public: bool| {
            let subnet = call(&mut state, "CreateSubnet", json!({"VpcId": vpc, "CidrBlock": block}));
            let run = json!({
                "ImageId": "resolve:ssm:/aws/service/debian/release/13/latest/amd64",
                "InstanceType": "t3.micro",
                "KeyName": "my-key",
                "MinCount": 1,
                "MaxCount": 1,
                "UserData": "IyEvYmluL3NoCmlkCg==",
                "NetworkInterfaces": [{
                    "DeviceIndex": 0,
                    "SubnetId": text(&subnet, "/Subnet/SubnetId"),
                    "PrivateIpAddress": address,
                    "AssociatePublicIpAddress": public,
                }],
            });
            text(&call(&mut state, "RunInstances", run), "/Instances/0/InstanceId")
        };
        let web = launch("10.0.1.0/24", "10.0.1.10", true);
        launch("10.0.2.0/24", "10.0.2.10", false);
        let web_public =
            state.region(ACCOUNT, REGION).unwrap().primary_interface(&web).unwrap().public_ip().unwrap();
        Lab { state, vpc, web, web_public }
    }

    pub(super) fn region(&self) -> &Region {
        self.state.region(ACCOUNT, REGION).unwrap()
    }

    pub(super) fn interface(&self) -> &NetworkInterface {
        self.region().primary_interface(&self.web).unwrap()
    }

    pub(super) fn vpc_place(&self) -> Place {
        Place::Vpc { account: ACCOUNT.to_owned(), region: REGION.to_owned(), vpc: self.vpc.clone() }
    }

    pub(super) fn internet_place(&self) -> Place {
        Place::Internet { account: ACCOUNT.to_owned() }
    }

    pub(super) fn call(&mut self, operation: &str, params: Value) -> Value {
        call(&mut self.state, operation, params)
    }
}

fn call(state: &mut State, operation: &str, params: Value) -> Value {
    let caller = Caller { account: ACCOUNT.to_owned(), region: REGION.to_owned() };
    let action = Action::new(operation, params).prepared().expect("can be prepared");
    let now: Timestamp = "2026-11-22T14:10:48Z".parse().unwrap();
    apply(state, &caller, &action, now).unwrap_or_else(|fault| panic!("{operation}: {fault}"))
}
