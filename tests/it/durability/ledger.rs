//! A client that creates and deletes, and writes down what it was answered.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use lab::region::client::LabAccess;
use lab::wire::Fault;
use rand::RngExt;
use serde_json::{Value, json};

use crate::daemon_world::{Connection, Lab};

/// What a client has made and not deleted, by id, with the name that it gave.
pub type Things = BTreeMap<String, String>;

/// One client with its book.
pub struct Client {
    name: &'static str,
    access: LabAccess,
    vpc: String,
    connection: Option<Connection>,
    /// Acknowledged, and not deleted.
    made: Things,
    /// The deletion was not answered: nobody knows.
    unsure: Things,
    /// The name of what was being made when the connection broke.
    pending: BTreeSet<String>,
    /// Every public address that it ever got.
    addresses: BTreeSet<String>,
    count: u32,
    /// Answers.
    pub acknowledged: u32,
    pub refused: u32,
}

impl Client {
    pub fn new(name: &'static str, lab: &Lab<'_>, vpc: &str) -> Client {
        Client {
            name,
            access: lab.access.clone(),
            vpc: vpc.to_owned(),
            connection: None,
            made: Things::new(),
            unsure: Things::new(),
            pending: BTreeSet::new(),
            addresses: BTreeSet::new(),
            count: 0,
            acknowledged: 0,
            refused: 0,
        }
    }

    /// Connects, unless it is connected.
    pub fn connect(&mut self) -> io::Result<&mut Connection> {
        if self.connection.is_none() {
            self.connection = Some(Connection::open(&self.access)?);
        }
        Ok(self.connection.as_mut().expect("made above"))
    }

    /// Creates and deletes until nobody answers any more.
    pub fn work(&mut self) {
        while self.step().is_ok() {}
        self.disconnect();
    }

    /// Forgets the connection: the daemon at its other end is gone.
    pub fn disconnect(&mut self) {
        self.connection = None;
    }

    /// Creates or deletes one thing. An error is the connection's.
    pub fn step(&mut self) -> io::Result<()> {
        let mut random = rand::rng();
        let delete = self.made.len() > 4 && random.random_bool(0.6);
        match self.made.keys().nth(random.random_range(0..self.made.len().max(1))).cloned().filter(|_| delete)
        {
            Some(id) => self.delete(&id),
            None if random.random_bool(0.3) && self.has_room() => self.allocate(),
            None => self.create(),
        }
    }

    /// An account has five addresses at most, two clients share it, and one more may be there than is known.
    fn has_room(&self) -> bool {
        let all = self.made.keys().chain(self.unsure.keys());
        all.filter(|id| id.starts_with("eipalloc-")).count() < 2
    }

    fn create(&mut self) -> io::Result<()> {
        let name = self.next_name();
        let group = json!({"GroupName": name, "Description": "a test", "VpcId": self.vpc});
        if let Some(answer) = self.make(&name, "CreateSecurityGroup", &group)? {
            self.made.insert(text(&answer, "GroupId"), name);
        }
        Ok(())
    }

    fn allocate(&mut self) -> io::Result<()> {
        let name = self.next_name();
        let tags = json!([{"ResourceType": "elastic-ip", "Tags": [{"Key": "Name", "Value": name}]}]);
        if let Some(answer) = self.make(&name, "AllocateAddress", &json!({"TagSpecifications": tags}))? {
            let address = text(&answer, "PublicIp");
            assert!(self.addresses.insert(address.clone()), "{address} was given before");
            self.made.insert(text(&answer, "AllocationId"), name);
        }
        Ok(())
    }

    fn make(&mut self, name: &str, operation: &str, parameters: &Value) -> io::Result<Option<Value>> {
        match self.connect().and_then(|connection| connection.call(operation, parameters)) {
            Ok(answer) => Ok(self.count(answer)),
            Err(error) => {
                self.pending.insert(name.to_owned());
                Err(error)
            }
        }
    }

    fn delete(&mut self, id: &str) -> io::Result<()> {
        let (operation, parameters) = match id.starts_with("sg-") {
            true => ("DeleteSecurityGroup", json!({"GroupId": id})),
            false => ("ReleaseAddress", json!({"AllocationId": id})),
        };
        match self.connect().and_then(|connection| connection.call(operation, &parameters)) {
            Ok(answer) => {
                if self.count(answer).is_some() {
                    self.made.remove(id);
                }
                Ok(())
            }
            Err(error) => {
                self.unsure.extend(self.made.remove_entry(id));
                Err(error)
            }
        }
    }

    fn count(&mut self, answer: Result<Value, Fault>) -> Option<Value> {
        match answer {
            Ok(answer) => {
                self.acknowledged += 1;
                Some(answer)
            }
            Err(fault) => {
                assert_eq!(fault.code, "InternalError", "{}", fault.message);
                self.refused += 1;
                None
            }
        }
    }

    fn next_name(&mut self) -> String {
        self.count += 1;
        format!("{}-{}", self.name, self.count)
    }
}

/// Everything of these kinds in the lab is what the clients were told, nothing more and nothing less. What nobody knew
/// is known afterwards.
pub fn check(lab: &Lab<'_>, clients: &mut [Client]) {
    let there = things(lab);
    let mut explained = BTreeSet::new();
    for client in clients {
        for (id, name) in &client.made {
            assert_eq!(there.get(id), Some(name), "{id} ({name}) was acknowledged and is missing");
        }
        let settled = std::mem::take(&mut client.unsure).into_iter().filter(|(id, _)| there.contains_key(id));
        client.made.extend(settled);
        let pending = std::mem::take(&mut client.pending);
        let new = there.iter().filter(|(_, name)| pending.contains(*name));
        client.made.extend(new.map(|(id, name)| (id.clone(), name.clone())));
        explained.extend(client.made.keys().cloned());
    }
    for (id, name) in there {
        assert!(explained.contains(&id), "{id} ({name}) is there and was refused or deleted");
    }
}

/// Groups and addresses of a lab, with their names.
fn things(lab: &Lab<'_>) -> Things {
    let list = |answer: Value, member: &str| answer[member].as_array().cloned().unwrap_or_default();
    let groups = list(lab.ec2("DescribeSecurityGroups", json!({})), "SecurityGroups");
    let groups = groups.iter().map(|group| (text(group, "GroupId"), text(group, "GroupName")));
    let addresses = list(lab.ec2("DescribeAddresses", json!({})), "Addresses");
    let name = |address: &Value| address["Tags"][0]["Value"].as_str().unwrap_or_default().to_owned();
    let addresses = addresses.iter().map(|address| (text(address, "AllocationId"), name(address)));
    groups.filter(|(_, name)| name != "default").chain(addresses).collect()
}

fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_else(|| panic!("no {member} in {value}")).to_owned()
}

/// A VPC for the groups.
pub fn vpc(lab: &Lab<'_>) -> String {
    let answer = lab.ec2("CreateVpc", json!({"CidrBlock": "10.0.0.0/16"}));
    text(&answer["Vpc"], "VpcId")
}
