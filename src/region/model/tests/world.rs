//! A region to call, whose machines do what they are told when asked to.

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::region::model::{
    Action, Caller, InstanceState, NatGatewayState, Observation, Region, State, apply, observe,
};
use crate::wire::{self, Fault, Service};

pub(super) struct World {
    pub(super) state: State,
    pub(super) caller: Caller,
    pub(super) now: Timestamp,
}

impl World {
    pub(super) fn new() -> World {
        World::seeded(42)
    }

    pub(super) fn seeded(seed: u64) -> World {
        World {
            state: State::seeded(seed),
            caller: Caller { account: "123456789012".to_owned(), region: "us-east-1".to_owned() },
            now: "2026-11-22T14:10:48Z".parse().unwrap(),
        }
    }

    pub(super) fn call(&mut self, operation: &str, params: Value) -> Result<Value, Fault> {
        let action = Action::new(operation, params).prepared()?;
        let answer = apply(&mut self.state, &self.caller, &action, self.now)?;
        // Whatever is answered has the shape that the service model gives it.
        let described = Service::all().into_iter().find_map(|service| service.operation(operation));
        wire::conforms(described.expect("in the service model"), &answer).unwrap();
        Ok(answer)
    }

    #[track_caller]
    pub(super) fn ok(&mut self, operation: &str, params: Value) -> Value {
        match self.call(operation, params) {
            Ok(answer) => answer,
            Err(fault) => panic!("{operation}: {fault}"),
        }
    }

    /// The code of the error that the call must end in. An error leaves no trace.
    #[track_caller]
    pub(super) fn fails(&mut self, operation: &str, params: Value) -> String {
        let before = self.state.clone();
        let fault = self.call(operation, params).expect_err(operation);
        assert_eq!(self.state.accounts, before.accounts, "{operation} failed and left a trace");
        assert_eq!(self.state.generation, before.generation);
        fault.code
    }

    /// A member of an answer, by a path such as `Vpc.VpcId`.
    #[track_caller]
    pub(super) fn get(&mut self, operation: &str, params: Value, path: &str) -> String {
        let answer = self.ok(operation, params);
        text(&answer, path)
    }

    pub(super) fn region(&self) -> &Region {
        static EMPTY: LazyLock<Region> = LazyLock::new(Region::default);
        self.state.region(&self.caller.account, &self.caller.region).unwrap_or(&EMPTY)
    }

    pub(super) fn pass(&mut self, time: SignedDuration) {
        self.now += time;
    }

    /// Lets every machine and gateway arrive where it is going.
    pub(super) fn settle(&mut self) {
        let mut seen = Vec::new();
        for instance in &self.region().instances {
            let (instance_id, boot) = (instance.id.clone(), instance.boot);
            match instance.state {
                InstanceState::Pending => seen.push(Observation::InstanceReady { instance_id, boot }),
                InstanceState::Running if instance.guest.booted < boot => {
                    seen.push(Observation::InstanceBooted { instance_id: instance_id.clone(), boot });
                    seen.push(Observation::InstanceReady { instance_id, boot });
                }
                InstanceState::Stopping => seen.push(Observation::InstanceStopped { instance_id }),
                InstanceState::ShuttingDown => seen.push(Observation::InstanceTerminated { instance_id }),
                _ => {}
            }
        }
        for gateway in &self.region().nat_gateways {
            let nat_gateway_id = gateway.id.clone();
            match gateway.state {
                NatGatewayState::Pending => seen.push(Observation::NatGatewayUp { nat_gateway_id }),
                NatGatewayState::Deleting => seen.push(Observation::NatGatewayGone { nat_gateway_id }),
                _ => {}
            }
        }
        for observation in seen {
            self.see(observation);
        }
    }

    /// A report of the kernel side about this account.
    pub(super) fn see(&mut self, observation: Observation) {
        observe(&mut self.state, &observation.of(&self.caller.account), self.now);
    }

    pub(super) fn vpc(&mut self) -> String {
        self.get("CreateVpc", json!({"CidrBlock": "10.0.0.0/16"}), "Vpc.VpcId")
    }

    pub(super) fn subnet(&mut self, vpc: &str, cidr: &str) -> String {
        self.get("CreateSubnet", json!({"VpcId": vpc, "CidrBlock": cidr}), "Subnet.SubnetId")
    }

    pub(super) fn gateway(&mut self, vpc: &str) -> String {
        let id = self.get("CreateInternetGateway", json!({}), "InternetGateway.InternetGatewayId");
        self.ok("AttachInternetGateway", json!({"InternetGatewayId": id, "VpcId": vpc}));
        id
    }

    pub(super) fn image(&self) -> String {
        crate::region::model::catalog::images(&self.caller.region)[0].id.clone()
    }

    /// A running instance in a subnet.
    pub(super) fn instance(&mut self, subnet: &str) -> String {
        let params = json!({"ImageId": self.image(), "MinCount": 1, "MaxCount": 1, "SubnetId": subnet});
        let id = self.get("RunInstances", params, "Instances.0.InstanceId");
        self.settle();
        id
    }

    pub(super) fn route_state(&self, table: &str, destination: &str) -> bool {
        let table = self.region().route_tables.get(table).expect("the table");
        let route = table
            .routes
            .iter()
            .find(|route| route.destination.to_string() == destination)
            .expect("the route");
        self.region().route_is_active(table, route)
    }
}

/// The text at a path such as `Instances.0.State.Name`.
#[track_caller]
pub(super) fn text(answer: &Value, path: &str) -> String {
    let found = answer.pointer(&format!("/{}", path.replace('.', "/")));
    match found.unwrap_or_else(|| panic!("no {path} in {answer}")) {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
