//! Changes on a device that fails at any step, and readers beside writers that wait for the disk.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::region::model::Observation;
use crate::region::supervisor::Failures;
use crate::region::tree::durable::System;
use crate::region::tree::durable::tests::Faulty;

/// So many steps it takes to replace a file.
const STEPS: i64 = 6;

struct Desk {
    plane: Plane,
    device: Faulty,
    failures: Failures,
    directory: tempfile::TempDir,
}

impl Desk {
    fn new() -> Desk {
        let directory = tempfile::tempdir().expect("a directory");
        let (supervisor, failures) = Supervisor::new();
        let device = Faulty::sound();
        let plane =
            Plane::open(place(directory.path()), Arc::new(device.clone()), supervisor).expect("opens");
        Desk { plane, device, failures, directory }
    }

    /// A lab with an account.
    fn lab(&self, name: &str) -> Lab {
        let lab = Lab::new("us-east-1", 1000, 1000);
        assert!(self.plane.add_lab(name, &lab, Account::default()).expect("saved"));
        lab
    }

    /// What a daemon would find that was started now.
    fn on_disk(&self) -> Saved {
        Store::open(place(self.directory.path()), Arc::new(System)).expect("readable").1
    }

    /// Memory and disk say the same.
    fn check(&self) {
        let (memory, disk) = (self.plane.snapshot(), self.on_disk());
        assert_eq!(memory.labs, disk.labs);
        assert_eq!(memory.state.accounts, disk.state.accounts);
    }
}

fn place(directory: &Path) -> Place {
    Place { directory: directory.to_owned(), shown: directory.to_owned() }
}

fn call(plane: &Plane, lab: &Lab, operation: &str, params: Value) -> Applied {
    let caller = Caller { account: lab.account.clone(), region: lab.region.clone() };
    plane.apply(&caller, &Action::new(operation, params))
}

fn text(applied: Applied, pointer: &str) -> String {
    let answer = applied.answer.expect("it is answered");
    answer.pointer(pointer).and_then(Value::as_str).expect(pointer).to_owned()
}

fn create_vpc(plane: &Plane, lab: &Lab) -> Applied {
    call(plane, lab, "CreateVpc", json!({"CidrBlock": "10.0.0.0/16"}))
}

#[test]
fn a_change_that_cannot_be_saved_has_not_happened() {
    let desk = Desk::new();
    let lab = desk.lab("one");
    let first = text(create_vpc(&desk.plane, &lab), "/Vpc/VpcId");
    let mut ids = BTreeSet::from([first.clone()]);
    let mut addresses = BTreeSet::new();
    for step in 0..STEPS {
        let address = text(call(&desk.plane, &lab, "AllocateAddress", json!({})), "/PublicIp");
        let release = call(&desk.plane, &lab, "ReleaseAddress", json!({"PublicIp": address}));
        release.answer.expect("released");
        assert!(addresses.insert(address), "an address was given twice");
        let before = desk.plane.snapshot();
        for (operation, params) in [
            ("CreateVpc", json!({"CidrBlock": "10.1.0.0/16"})),
            ("AllocateAddress", json!({})),
            ("DeleteVpc", json!({"VpcId": first})),
        ] {
            desk.device.fail(step, 1);
            let applied = call(&desk.plane, &lab, operation, params);
            let fault = applied.answer.expect_err("it could not be saved");
            assert_eq!((fault.code.as_str(), fault.status, applied.generation), ("InternalError", 500, None));
            let after = desk.plane.snapshot();
            assert_eq!(after.state.accounts, before.state.accounts, "{operation}, step {step}");
            assert_eq!(after.state.generation, before.state.generation);
            desk.check();
            desk.device.mend();
        }
        let id = text(create_vpc(&desk.plane, &lab), "/Vpc/VpcId");
        let delete = call(&desk.plane, &lab, "DeleteVpc", json!({"VpcId": id}));
        delete.answer.expect("deleted");
        assert!(ids.insert(id), "an id was given twice");
        desk.check();
    }
}

#[test]
fn labs_come_and_go_whole_or_not_at_all() {
    let desk = Desk::new();
    let old = desk.lab("old");
    create_vpc(&desk.plane, &old).answer.expect("made");
    for step in 0..2 * STEPS {
        let before = desk.plane.snapshot();
        let new = Lab::new("us-east-1", 1000, 1000);
        desk.device.fail(step, 1);
        desk.plane.add_lab("new", &new, Account::default()).expect_err("it cannot be saved");
        desk.device.mend();
        assert_eq!(desk.plane.snapshot().labs, before.labs);
        assert_eq!(desk.plane.snapshot().state.accounts, before.state.accounts);
        desk.check();
    }
    for step in 0..STEPS {
        let before = desk.plane.snapshot();
        desk.device.fail(step, 1);
        desk.plane.remove_lab("old", &old.account).expect_err("it cannot be saved");
        desk.device.mend();
        assert_eq!(desk.plane.snapshot().labs, before.labs);
        assert_eq!(desk.plane.snapshot().state.accounts, before.state.accounts);
        desk.check();
    }
    // The list is written; that the account's file cannot be removed then changes nothing.
    desk.device.fail(STEPS, 1);
    desk.plane.remove_lab("old", &old.account).expect("removed");
    desk.device.mend();
    assert!(desk.plane.snapshot().labs.is_empty());
    desk.check();
    let answer = create_vpc(&desk.plane, &old).answer;
    assert!(answer.expect_err("its lab is gone").message.contains("has been removed"));
    desk.check();
    assert!(!desk.plane.add_lab("x", &desk.lab("x"), Account::default()).expect("answers"), "there is one");
}

#[test]
fn what_was_seen_and_cannot_be_saved_comes_back_but_for_text() {
    let desk = Desk::new();
    let lab = desk.lab("one");
    let vpc = text(create_vpc(&desk.plane, &lab), "/Vpc/VpcId");
    let subnet = json!({"VpcId": vpc, "CidrBlock": "10.0.0.0/24"});
    let subnet = text(call(&desk.plane, &lab, "CreateSubnet", subnet), "/Subnet/SubnetId");
    let image = model::catalog::images("us-east-1")[0].id.clone();
    let launch = json!({"ImageId": image, "MinCount": 1, "MaxCount": 1, "SubnetId": subnet});
    let id = text(call(&desk.plane, &lab, "RunInstances", launch), "/Instances/0/InstanceId");
    let instance =
        || desk.plane.read(|saved| saved.state.instance(&lab.account, &id).expect("there").clone());
    let booted =
        Observation::InstanceBooted { instance_id: id.clone(), boot: instance().boot }.of(&lab.account);
    let words = Observation::Console { instance_id: id.clone(), text: "hello".to_owned() }.of(&lab.account);

    desk.device.fail(3, 1);
    let (left, error) = desk.plane.observe(vec![words, booted.clone()]).expect_err("it cannot be saved");
    assert!(error.to_string().contains("the device fails to sync"), "{error}");
    assert_eq!(left, [booted]);
    assert_eq!((instance().state.as_str(), instance().guest.console.as_str()), ("pending", "hello"));
    desk.device.mend();
    desk.plane.observe(left).expect("saved");
    assert_eq!(instance().state.as_str(), "running");
    desk.check();
}

#[tokio::test]
async fn when_nobody_knows_what_is_on_the_disk_the_daemon_ends() {
    let mut desk = Desk::new();
    let lab = desk.lab("one");
    // The directory cannot be synced, and the old file not put back.
    desk.device.fail(STEPS - 1, 2);
    create_vpc(&desk.plane, &lab).answer.expect_err("it is not known to be saved");
    let told =
        tokio::time::timeout(Duration::from_secs(10), desk.failures.first()).await.expect("it is told");
    assert!(told.contains("not known any more"), "{told}");
}

/// A device whose first sync takes as long as somebody wants it to.
#[derive(Debug)]
struct Slow {
    begun: Mutex<mpsc::Sender<()>>,
    go_on: Mutex<Option<mpsc::Receiver<()>>>,
}

impl Steps for Slow {
    fn sync(&self, file: &File) -> io::Result<()> {
        let first = lock(&self.go_on).take();
        if let Some(go_on) = first {
            lock(&self.begun).send(()).expect("heard");
            go_on.recv().expect("told");
        }
        System.sync(file)
    }
}

#[test]
fn readers_and_other_accounts_do_not_wait_for_a_write() {
    let Desk { plane, directory, .. } = Desk::new();
    let (one, two) = (Lab::new("us-east-1", 0, 0), Lab::new("us-east-1", 0, 0));
    for (name, lab) in [("one", &one), ("two", &two)] {
        plane.add_lab(name, lab, Account::default()).expect("saved");
    }
    drop(plane);
    let ((begun, has_begun), (go_on, told)) = (mpsc::channel(), mpsc::channel());
    let slow = Slow { begun: Mutex::new(begun), go_on: Mutex::new(Some(told)) };
    let plane = Plane::open(place(directory.path()), Arc::new(slow), Supervisor::new().0).expect("opens");
    thread::scope(|scope| {
        let writing = scope.spawn(|| create_vpc(&plane, &one));
        has_begun.recv_timeout(Duration::from_secs(20)).expect("it writes");
        // On the very thread that lets the write go on: were one of these to wait, nothing would ever go on.
        let vpcs = |lab| call(&plane, lab, "DescribeVpcs", json!({})).answer.expect("answered");
        assert_eq!(vpcs(&one)["Vpcs"], json!([]), "what is not on the disk is not there");
        create_vpc(&plane, &two).answer.expect("made");
        assert_eq!(vpcs(&two)["Vpcs"].as_array().map(Vec::len), Some(1));
        assert!(!writing.is_finished());
        go_on.send(()).expect("heard");
        assert!(writing.join().expect("no panic").answer.is_ok());
        assert_eq!(vpcs(&one)["Vpcs"].as_array().map(Vec::len), Some(1));
    });
}

#[test]
fn many_at_once_lose_nothing_and_get_no_id_twice() {
    let desk = Desk::new();
    let labs: Vec<Lab> = ["one", "two", "three"].into_iter().map(|name| desk.lab(name)).collect();
    let made = Mutex::new(BTreeSet::new());
    let vpcs: Vec<String> = labs.iter().map(|lab| text(create_vpc(&desk.plane, lab), "/Vpc/VpcId")).collect();
    thread::scope(|scope| {
        for (writer, (lab, vpc)) in labs.iter().zip(&vpcs).chain(labs.iter().zip(&vpcs)).enumerate() {
            let (plane, made) = (&desk.plane, &made);
            scope.spawn(move || {
                for n in 0..15 {
                    let group =
                        json!({"GroupName": format!("{writer}-{n}"), "Description": "x", "VpcId": vpc});
                    let applied = call(plane, lab, "CreateSecurityGroup", group);
                    assert!(applied.generation.is_some());
                    assert!(lock(made).insert(text(applied, "/GroupId")), "an id was given twice");
                }
            });
        }
    });
    let there: BTreeSet<String> = desk.plane.read(|saved| {
        let groups = saved.state.regions().flat_map(|(_, _, region)| &region.security_groups);
        groups.filter(|group| group.name != "default").map(|group| group.id.clone()).collect()
    });
    assert_eq!(there, *lock(&made));
    assert_eq!(*desk.plane.generations().borrow(), desk.plane.read(|saved| saved.state.generation));
    desk.check();
}
