use std::sync::Mutex;

use serde_json::{Value, json};

use super::*;
use crate::aws::request::{Answer, CallError, Request};
use crate::name::{BlockName, LessonId};

/// A cloud that gives these answers, and what it was asked.
struct Cloud(fn(&str) -> Result<Value, CallError>, Mutex<Vec<String>>);

impl Call for Cloud {
    fn call<'a>(&'a self, request: &'a Request) -> Answer<'a, Result<Value, CallError>> {
        let Request { operation, params, target, .. } = request;
        let region = target.region.as_deref().unwrap_or_default();
        let asked = format!("{region} {} {params}", operation.name);
        self.1.lock().expect("unpoisoned").push(asked);
        Box::pin(std::future::ready(self.0(operation.name)))
    }
}

fn cloud(answers: fn(&str) -> Result<Value, CallError>) -> Cloud {
    Cloud(answers, Mutex::default())
}

fn origin() -> Origin {
    Origin { lesson: LessonId::new("01-a").expect("valid"), block: BlockName::new("make").expect("valid") }
}

/// A journal in which one block has made these; `None`: the answer never came.
fn journal(dir: &tempfile::TempDir, made: &[(&str, Option<&str>)]) -> Journal {
    let journal = Journal::open(&dir.path().join("j")).expect("opens");
    for (index, (operation, id)) in made.iter().enumerate() {
        let (at, token, region) = (Timestamp::UNIX_EPOCH, format!("t{index}"), "eu-west-1".to_owned());
        let operation = (*operation).to_owned();
        let (origin, request) = (Some(origin()), Some(format!("asked-{index}")));
        let intent = Entry::Intended { at, token: token.clone(), operation, region, origin, request };
        journal.write(intent).expect("written");
        if let Some(id) = id {
            let (ids, answer) = (vec![(*id).to_owned()], Some(json!({"Of": id})));
            journal.write(Entry::Created { at, token, ids, answer }).expect("written");
        }
    }
    journal
}

#[tokio::test]
async fn what_ec2_shows_as_ended_or_not_at_all_is_gone() {
    let dir = tempfile::tempdir().expect("a directory");
    let made = [
        ("RunInstances", Some("i-1")),
        ("RunInstances", Some("i-2")),
        ("CreateNatGateway", Some("nat-1")),
        ("ImportKeyPair", Some("key-1")),
        ("CreateVpc", Some("vpc-1")),
    ];
    let journal = journal(&dir, &made);
    let cloud = cloud(|operation| {
        Ok(match operation {
            "DescribeInstances" => json!({"Reservations": [{"Instances": [
                {"InstanceId": "i-1", "State": {"Name": "shutting-down"}},
                {"InstanceId": "i-2", "State": {"Name": "terminated"}},
            ]}]}),
            "DescribeNatGateways" => {
                json!({"NatGateways": [{"NatGatewayId": "nat-1", "State": "deleting"}]})
            }
            "DescribeVpcs" => json!({"Vpcs": [{"VpcId": "vpc-1", "State": "available"}]}),
            _ => json!({}),
        })
    });
    settle(&cloud, &journal, "s", &origin()).await.expect("answered");
    assert_eq!(journal.created_by(&origin()), ["vpc-1"]);
    assert_eq!(journal.living(), ["vpc-1"]);
    let asked = cloud.1.lock().expect("unpoisoned").concat();
    assert!(
        asked.contains(
            r#"eu-west-1 DescribeInstances {"Filters":[{"Name":"instance-id","Values":["i-1","i-2"]}]}"#
        ),
        "{asked}"
    );
    assert!(asked.contains(r#"DescribeNatGateways {"Filter":[{"Name":"nat-gateway-id""#), "{asked}");
}

#[tokio::test]
async fn a_request_without_an_answer_is_looked_up_by_the_tag() {
    let dir = tempfile::tempdir().expect("a directory");
    let made = [
        ("RunInstances", Some("i-1")),
        ("RunInstances", None),
        ("CreateSubnet", None),
        ("CreateDefaultVpc", None),
    ];
    let journal = journal(&dir, &made);
    let cloud = cloud(|operation| {
        Ok(match operation {
            "DescribeInstances" => json!({"Reservations": [{"Instances": [
                {"InstanceId": "i-1", "State": {"Name": "running"}},
                {"InstanceId": "i-3", "State": {"Name": "pending"}},
                {"InstanceId": "i-4", "State": {"Name": "terminated"}},
            ]}]}),
            "DescribeVpcs" => json!({"Vpcs": [{"VpcId": "vpc-7", "IsDefault": true}]}),
            _ => json!({}),
        })
    });
    settle(&cloud, &journal, "s-1", &origin()).await.expect("answered");
    assert_eq!(journal.created_by(&origin()), ["i-1", "i-3", "vpc-7"]);
    assert!(journal.unanswered().is_empty());
    let asked = cloud.1.lock().expect("unpoisoned").concat();
    assert!(
        asked.contains(r#"DescribeSubnets {"Filters":[{"Name":"tag:lab:session","Values":["s-1"]}]}"#),
        "{asked}"
    );
}

#[tokio::test]
async fn nothing_is_concluded_from_an_error() {
    let dir = tempfile::tempdir().expect("a directory");
    let journal = journal(&dir, &[("RunInstances", Some("i-1")), ("CreateVpc", None)]);
    let cloud = cloud(|_| Err(CallError::NoCredentials));
    let error = settle(&cloud, &journal, "s", &origin()).await.expect_err("no answer");
    assert_eq!(error.to_string(), "ask EC2 by DescribeVpcs: find credentials");
    assert_eq!(journal.created_by(&origin()).len(), 2);
}

/// A journal in which one block has made these, and a cloud in which all of it is there.
fn whole() -> Cloud {
    cloud(|operation| {
        Ok(match operation {
            "DescribeInstances" => json!({"Reservations": [{"ReservationId": "r-1", "Instances": [
                {"InstanceId": "i-1", "State": {"Name": "running"}}]}]}),
            "DescribeVpcs" => json!({"Vpcs": [{"VpcId": "vpc-1", "State": "available"}]}),
            "DescribeKeyPairs" => json!({"KeyPairs": [{"KeyPairId": "key-1", "KeyName": "k"}]}),
            _ => json!({}),
        })
    })
}

fn changed(by: Option<Origin>, operation: &str) -> Entry {
    let (region, request) = ("eu-west-1".to_owned(), "asked".to_owned());
    let (at, operation, answer) = (Timestamp::UNIX_EPOCH, operation.to_owned(), Some(json!({})));
    Entry::Changed { at, operation, region, origin: by, request, answer }
}

/// What is answered again, and whether all of it surely.
async fn gone_on(cloud: &Cloud, journal: &Journal) -> (Vec<(String, Value)>, bool) {
    match resume(cloud, journal, "s", &origin()).await.expect("answered") {
        Resumption::GoOn { answered } => {
            let sure = answered.iter().all(|answered| answered.sure);
            (answered.into_iter().map(|answered| (answered.operation, answered.answer)).collect(), sure)
        }
        stop @ Resumption::Stop { .. } => panic!("{stop:?}"),
    }
}

async fn stopped(cloud: &Cloud, journal: &Journal) -> (Vec<String>, String) {
    match resume(cloud, journal, "s", &origin()).await.expect("answered") {
        Resumption::Stop { made, why } => (made, why),
        on @ Resumption::GoOn { .. } => panic!("{on:?}"),
    }
}

#[tokio::test]
async fn what_is_there_is_answered_as_before_and_what_is_gone_is_not() {
    let dir = tempfile::tempdir().expect("a directory");
    let journal = journal(&dir, &[("CreateVpc", Some("vpc-1")), ("RunInstances", Some("i-1"))]);
    journal.write(changed(Some(origin()), "CreateRoute")).expect("written");
    let (answered, sure) = gone_on(&whole(), &journal).await;
    let expected = [
        ("CreateVpc".to_owned(), json!({"Of": "vpc-1"})),
        ("RunInstances".to_owned(), json!({"Of": "i-1"})),
        ("CreateRoute".to_owned(), json!({})),
    ];
    assert_eq!((answered.as_slice(), sure), (expected.as_slice(), true));
    // Somebody has worked by hand.
    journal.write(changed(None, "DeleteRoute")).expect("written");
    assert_eq!(gone_on(&whole(), &journal).await, (expected.to_vec(), false));
    // What is changed from now on is sure again.
    journal.write(changed(Some(origin()), "CreateTags")).expect("written");
    let resumed = resume(&whole(), &journal, "s", &origin()).await.expect("answered");
    let Resumption::GoOn { answered } = resumed else { panic!("it goes on") };
    let sure: Vec<bool> = answered.iter().map(|answered| answered.sure).collect();
    assert_eq!(sure, [false, false, false, true]);
    let empty = cloud(|_| Ok(json!({})));
    let changes = ["CreateRoute", "CreateTags"].map(|name| (name.to_owned(), json!({})));
    assert_eq!(gone_on(&empty, &journal).await, (changes.to_vec(), false));
}

#[tokio::test]
async fn what_was_made_without_an_answer_is_described() {
    let dir = tempfile::tempdir().expect("a directory");
    let journal = journal(&dir, &[("CreateVpc", None), ("RunInstances", None)]);
    let (answered, sure) = gone_on(&whole(), &journal).await;
    assert!(sure);
    assert_eq!(answered[0].1, json!({"Vpc": {"VpcId": "vpc-1", "State": "available"}}));
    assert_eq!(answered[1].1["ReservationId"], "r-1");
    assert_eq!(answered[1].1["Instances"][0]["InstanceId"], "i-1");
}

#[tokio::test]
async fn a_private_key_is_held_and_a_lost_one_made_anew_unless_an_instance_has_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let journal = journal(&dir, &[]);
    let write = |token: &str, operation: &str, id: &str, answer: Value| {
        let (at, operation, token) = (Timestamp::UNIX_EPOCH, operation.to_owned(), token.to_owned());
        let (region, origin, request) = ("eu-west-1".to_owned(), Some(origin()), Some(token.clone()));
        let intent = Entry::Intended { at, token: token.clone(), operation, region, origin, request };
        journal.write(intent).expect("written");
        let made = Entry::Created { at, token, ids: vec![id.to_owned()], answer: Some(answer) };
        journal.write(made).expect("written");
    };
    write("t0", "CreateKeyPair", "key-1", json!({"KeyName": "k"}));
    let told = json!({"KeyName": "k", "KeyMaterial": "secret"});
    journal.hold("t0", &told).expect("written");
    assert_eq!(gone_on(&whole(), &journal).await, (vec![("CreateKeyPair".to_owned(), told)], true));
    journal.release().expect("removed");
    let instances = json!({"Instances": [{"InstanceId": "i-1", "KeyName": "k"}]});
    write("t1", "RunInstances", "i-1", instances);
    let (made, why) = stopped(&whole(), &journal).await;
    assert_eq!(made, ["key-1", "i-1"]);
    assert!(why.contains("i-1 has the key pair `k`"), "{why}");
    journal
        .write(Entry::Deleted { at: Timestamp::UNIX_EPOCH, ids: vec!["i-1".to_owned()] })
        .expect("written");
    let cloud = whole();
    assert_eq!(gone_on(&cloud, &journal).await, (Vec::new(), true));
    let asked = cloud.1.lock().expect("unpoisoned").concat();
    assert!(asked.contains(r#"eu-west-1 DeleteKeyPair {"KeyPairId":"key-1"}"#), "{asked}");
    assert!(journal.living().is_empty());
}

#[tokio::test]
async fn what_cannot_be_told_stops_the_block() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("j");
    // As an earlier `lab` wrote it.
    let old = r#"{"entry":"intended","at":"1970-01-01T00:00:00Z","token":"t","operation":"CreateVpc",
        "region":"eu-west-1","origin":{"lesson":"01-a","block":"make"}}
        {"entry":"created","at":"1970-01-01T00:00:00Z","token":"t","ids":["vpc-1"]}"#;
    let lines: Vec<String> =
        old.replace(",\n", ",").lines().map(|line| format!("{}\n", line.trim())).collect();
    std::fs::write(&path, lines.concat()).expect("written");
    let journal = Journal::open(&path).expect("opens");
    let (made, why) = stopped(&whole(), &journal).await;
    assert_eq!(made, ["vpc-1"]);
    assert!(why.contains("does not say what was asked of CreateVpc"), "{why}");

    let dir = tempfile::tempdir().expect("a directory");
    let journal = self::journal(&dir, &[("RunInstances", None)]);
    let (token, ids) = ("t0".to_owned(), vec!["i-1".to_owned(), "i-2".to_owned()]);
    journal.write(Entry::Created { at: Timestamp::UNIX_EPOCH, token, ids, answer: None }).expect("written");
    let (made, why) = stopped(&whole(), &journal).await;
    assert_eq!(made, ["i-1"]);
    assert!(why.contains("i-1, i-2, of which some are gone"), "{why}");
}
