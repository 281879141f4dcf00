//! A region without systems: the real control plane, the real kernel, and machines that only say that they run.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use lab::region::fabric;
use lab::region::guest::{GuestEvent, GuestExit};
use lab::region::kernel::Linux;
use lab::region::model::{Action, Caller, State, apply, observe};
use lab::region::reconcile::{MachineError, MachineSpec, Machines, Reconciler};
use serde_json::{Value, json};

/// Machines that are up as soon as they are started.
#[derive(Debug, Default)]
pub(crate) struct Puppets {
    events: Vec<GuestEvent>,
    pub(crate) started: Vec<MachineSpec>,
}

impl Machines for Puppets {
    fn start(&mut self, spec: MachineSpec) -> Result<(), MachineError> {
        let id = spec.namespace.clone();
        self.events.extend([GuestEvent::Booted { id: id.clone() }, GuestEvent::StatusOk { id }]);
        self.started.push(spec);
        Ok(())
    }

    fn stop(&mut self, machine: &str) -> Result<(), MachineError> {
        self.events.push(GuestEvent::Stopped { id: machine.to_owned(), exit: GuestExit::PoweredOff });
        Ok(())
    }

    fn reboot(&mut self, machine: &str) -> Result<(), MachineError> {
        self.events.push(GuestEvent::Booted { id: machine.to_owned() });
        Ok(())
    }

    fn destroy(&mut self, machine: &str) -> Result<(), MachineError> {
        self.events.push(GuestEvent::Stopped { id: machine.to_owned(), exit: GuestExit::Killed });
        Ok(())
    }
}

/// The region of a test.
pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) reconciler: Reconciler<Linux, Puppets>,
    caller: Caller,
}

/// An instance as tests speak of it.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    pub(crate) id: String,
    pub(crate) namespace: String,
    pub(crate) ip: Ipv4Addr,
    pub(crate) interface: String,
}

/// A VPC with a public subnet 10.0.1.0/24 and a private one 10.0.2.0/24, as in the lessons, and one open group.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    pub(crate) vpc: String,
    pub(crate) public: String,
    pub(crate) private: String,
    pub(crate) gateway: String,
    /// The table of the public subnet.
    pub(crate) table: String,
}

pub(crate) const LAB: &str = "111122223333";

impl World {
    pub(crate) fn new() -> Self {
        Self {
            state: State::new(),
            reconciler: Reconciler::new(Linux, Puppets::default()),
            caller: caller(LAB),
        }
    }

    /// The next calls come from this account.
    pub(crate) fn enter(&mut self, account: &str) {
        self.caller = caller(account);
    }

    pub(crate) fn account(&self) -> &str {
        &self.caller.account
    }

    /// A call that has to succeed, and all that follows from it.
    pub(crate) fn call(&mut self, operation: &str, params: Value) -> Value {
        let answer = self.change(operation, params);
        self.settle();
        answer
    }

    /// A call that has to succeed, which the kernel does not hear of yet.
    pub(crate) fn change(&mut self, operation: &str, params: Value) -> Value {
        let action = Action::new(operation, params.clone()).prepared().expect("can be prepared");
        apply(&mut self.state, &self.caller, &action, Timestamp::now())
            .unwrap_or_else(|fault| panic!("{operation} {params}: {fault:?}"))
    }

    /// Passes until nothing more happens. Anything that fails fails the test.
    pub(crate) fn settle(&mut self) {
        loop {
            let pass = self.reconciler.pass(&self.state);
            assert!(pass.problems.is_empty(), "failed to {}", pass.problems[0]);
            let mut observations = pass.observations;
            for event in std::mem::take(&mut self.reconciler.machines().events) {
                observations.extend(self.reconciler.heard(&event));
            }
            if observations.is_empty() {
                return;
            }
            for observation in observations {
                observe(&mut self.state, &observation, Timestamp::now());
            }
        }
    }

    /// Passes until one reports no problem, at most so many.
    pub(crate) fn settle_in_passes(&mut self, limit: usize) {
        let fails = |world: &mut Self| !world.reconciler.pass(&world.state).problems.is_empty();
        let failed = (0..limit).take_while(|_| fails(self)).count();
        assert!(failed < limit, "each of {limit} passes failed");
    }

    /// The network of the lessons.
    pub(crate) fn network(&mut self) -> Network {
        let vpc = self.id("CreateVpc", json!({"CidrBlock": "10.0.0.0/16"}), "/Vpc/VpcId");
        let public = self.subnet(&vpc, "10.0.1.0/24");
        let private = self.subnet(&vpc, "10.0.2.0/24");
        let gateway = self.id("CreateInternetGateway", json!({}), "/InternetGateway/InternetGatewayId");
        self.change("AttachInternetGateway", json!({"VpcId": vpc, "InternetGatewayId": gateway}));
        let table = self.id("CreateRouteTable", json!({"VpcId": vpc}), "/RouteTable/RouteTableId");
        self.change("AssociateRouteTable", json!({"RouteTableId": table, "SubnetId": public}));
        self.default_route(&table, "GatewayId", &gateway);
        self.settle();
        Network { vpc, public, private, gateway, table }
    }

    pub(crate) fn subnet(&mut self, vpc: &str, cidr: &str) -> String {
        self.id("CreateSubnet", json!({"VpcId": vpc, "CidrBlock": cidr}), "/Subnet/SubnetId")
    }

    pub(crate) fn default_route(&mut self, table: &str, kind: &str, target: &str) {
        let params = json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", kind: target});
        self.change("CreateRoute", params);
    }

    /// A group that lets in what the rules say, and everything out.
    pub(crate) fn group(&mut self, vpc: &str, name: &str, rules: &[Rule<'_>]) -> String {
        let params = json!({"VpcId": vpc, "GroupName": name, "Description": name});
        let group = self.id("CreateSecurityGroup", params, "/GroupId");
        for rule in rules {
            self.allow(&group, *rule);
        }
        group
    }

    pub(crate) fn allow(&mut self, group: &str, rule: Rule<'_>) {
        let params = json!({"GroupId": group, "IpPermissions": [rule.permission()]});
        self.change("AuthorizeSecurityGroupIngress", params);
    }

    pub(crate) fn revoke(&mut self, group: &str, rule: Rule<'_>) {
        let params = json!({"GroupId": group, "IpPermissions": [rule.permission()]});
        self.change("RevokeSecurityGroupIngress", params);
    }

    /// An instance at a fixed address; with `public`, one that gets a public address.
    pub(crate) fn host(&mut self, subnet: &str, ip: &str, groups: &[&str], public: bool) -> Host {
        let params = json!({
            "ImageId": "resolve:ssm:/aws/service/debian/release/13/latest/amd64",
            // One processor: an account's limit is 32.
            "InstanceType": "t2.micro",
            "MinCount": 1,
            "MaxCount": 1,
            "NetworkInterfaces": [{
                "DeviceIndex": 0,
                "SubnetId": subnet,
                "PrivateIpAddress": ip,
                "Groups": groups,
                "AssociatePublicIpAddress": public,
            }],
        });
        let answer = self.change("RunInstances", params);
        let instance = &answer["Instances"][0];
        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        let id = text(&instance["InstanceId"]);
        let interface = text(&instance["NetworkInterfaces"][0]["NetworkInterfaceId"]);
        let namespace = fabric::guest(self.account(), &id);
        Host { id, namespace, ip: ip.parse().expect("an address"), interface }
    }

    /// The public address that an instance has now.
    pub(crate) fn public_ip(&self, host: &Host) -> Ipv4Addr {
        let region = self.state.region(&self.caller.account, &self.caller.region).expect("a region in use");
        let interface = region.network_interfaces.get(&host.interface).expect("an interface");
        interface.public_ip().expect("a public address")
    }

    /// A new Elastic IP: its allocation and address.
    pub(crate) fn elastic_ip(&mut self) -> (String, Ipv4Addr) {
        let answer = self.change("AllocateAddress", json!({"Domain": "vpc"}));
        let ip = answer["PublicIp"].as_str().and_then(|ip| ip.parse().ok()).expect("an address");
        (answer["AllocationId"].as_str().expect("an id").to_owned(), ip)
    }

    pub(crate) fn router(&self, vpc: &str) -> String {
        fabric::router(self.account(), vpc)
    }

    pub(crate) fn laptop(&self) -> String {
        fabric::laptop(self.account())
    }

    pub(crate) fn id(&mut self, operation: &str, params: Value, pointer: &str) -> String {
        let answer = self.change(operation, params);
        let id = answer.pointer(pointer).and_then(Value::as_str);
        id.unwrap_or_else(|| panic!("{operation} answered without {pointer}: {answer}")).to_owned()
    }
}

/// A rule of a security group.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rule<'a> {
    /// One TCP port, from a network.
    Tcp(u16, &'a str),
    /// One TCP port, from a group.
    TcpFrom(u16, &'a str),
    /// One UDP port, from a network.
    Udp(u16, &'a str),
    /// Every kind of ICMP, from a network.
    Icmp(&'a str),
}

impl Rule<'_> {
    pub(crate) fn permission(self) -> Value {
        let from = |cidr: &str| json!([{"CidrIp": cidr}]);
        match self {
            Self::Tcp(port, cidr) => {
                json!({"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": from(cidr)})
            }
            Self::TcpFrom(port, group) => json!({
                "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "UserIdGroupPairs": [{"GroupId": group}]
            }),
            Self::Udp(port, cidr) => {
                json!({"IpProtocol": "udp", "FromPort": port, "ToPort": port, "IpRanges": from(cidr)})
            }
            Self::Icmp(cidr) => {
                json!({"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": from(cidr)})
            }
        }
    }
}

fn caller(account: &str) -> Caller {
    Caller { account: account.to_owned(), region: "us-east-1".to_owned() }
}
