//! Before a block that did not come to its end runs again: which of what it had made is still there, and what it may be
//! answered without asking EC2 once more.
//!
//! The journal sees what the laptop's `aws` deletes at once. Instances and NAT gateways go slowly, others by other ways,
//! and a request whose answer never came may have made something: EC2 is asked, and the answer written down.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::creation::ids_at;
use super::journal::{Entry, Journal, Made, NOTHING_FOUND, Origin, answer_to};
use super::replay::Answered;
use super::request::{Call, Request, Target};
use super::secret::tells_secrets;
use super::survey::{answer_anew, living, tagged};
use crate::wire::Service;

pub use super::survey::SurveyError;

/// After this time EC2 shows what a request has made: its answers are eventually consistent.
const SHOWN_AFTER: Duration = Duration::from_secs(5);

/// How a block can run again that did not come to its end.
#[derive(Debug, PartialEq)]
pub enum Resumption {
    /// From its beginning; these requests have been answered before.
    GoOn { answered: Vec<Answered> },
    /// Not by itself: these are there, and would be made twice.
    Stop { made: Vec<String>, why: String },
}

/// Finds out how the block `origin` can run again. The journal learns what is gone, and what became of requests without an
/// answer. A key pair whose private half was told the earlier attempt, and is not held, is deleted.
///
/// # Errors
/// EC2 did not answer, or the journal cannot be written. What was learned before is kept.
pub async fn resume(
    call: &dyn Call,
    journal: &Journal,
    session: &str,
    origin: &Origin,
) -> Result<Resumption, SurveyError> {
    settle(call, journal, session, origin).await?;
    let living: BTreeSet<String> = journal.living().into_iter().collect();
    let past = history(journal, origin);
    let there = |past: &Past| past.made.iter().filter(|id| living.contains(*id)).count();
    let made: Vec<String> =
        past.iter().flat_map(|past| &past.made).filter(|id| living.contains(*id)).cloned().collect();
    let stop = |why: String| Ok(Resumption::Stop { made: made.clone(), why });
    let mut answered = Vec::new();
    let mut lost = Vec::new();
    // Whether all that was made before is there.
    let mut whole = true;
    for one in &past {
        let Past { operation, region, request, made, answer, alone, .. } = one;
        match there(one) {
            // What it made is gone: it is made anew, and what was changed after it may not hold.
            0 if one.token.is_some() => {
                whole = false;
                continue;
            }
            count if count < made.len() => {
                return stop(format!("{operation} had made {}, of which some are gone", made.join(", ")));
            }
            _ => {}
        }
        let Some(request) = request else {
            return stop(format!("the journal does not say what was asked of {operation}"));
        };
        let key = one.token.as_ref().or(one.request.as_ref());
        let held = key.and_then(|key| journal.held(key));
        if one.token.is_some() && is_secret(operation) && held.is_none() {
            let name = answer.as_ref().and_then(|answer| answer["KeyName"].as_str()).unwrap_or_default();
            if let Some(user) = past.iter().find(|other| there(other) > 0 && other.uses_key(name)) {
                return stop(format!(
                    "{} has the key pair `{name}`, whose private half was told once and may be lost",
                    user.made.join(", ")
                ));
            }
            lost.push(one);
            whole = false;
            continue;
        }
        let answer = match held.as_ref().or(answer.as_ref()) {
            Some(answer) => Some(answer.clone()),
            None => answer_anew(call, region, operation, made).await?,
        };
        let Some(answer) = answer else {
            return stop(format!("what {operation} had answered is not known"));
        };
        let (operation, request) = (operation.clone(), request.clone());
        answered.push(Answered { operation, request, answer, made: made.clone(), sure: whole && *alone });
    }
    for one in lost {
        delete_key_pair(call, journal, one).await?;
    }
    Ok(Resumption::GoOn { answered })
}

/// Lets the journal learn what of `origin` is gone, and what became of its requests without an answer.
///
/// # Errors
/// EC2 did not answer, or the journal cannot be written. What was learned before is kept.
pub async fn settle(
    call: &dyn Call,
    journal: &Journal,
    session: &str,
    origin: &Origin,
) -> Result<(), SurveyError> {
    for made in journal.made_by(origin) {
        let Made::Unanswered { at, token, operation, region } = made else { continue };
        let age = Duration::try_from(Timestamp::now().duration_since(at)).unwrap_or_default();
        tokio::time::sleep(SHOWN_AFTER.saturating_sub(age)).await;
        let known = journal.known();
        let found = tagged(call, &region, session, &operation).await?;
        let ids: Vec<String> = found.into_iter().filter(|id| !known.contains(id)).collect();
        let at = Timestamp::now();
        journal.write(match ids.is_empty() {
            true => Entry::Refused { at, token, code: NOTHING_FOUND.to_owned() },
            false => Entry::Created { at, token, ids, answer: None },
        })?;
    }
    for region in journal.regions() {
        let here = |made| match made {
            Made::Resource { id, region: own } if own == region => Some(id),
            _ => None,
        };
        let ids: Vec<String> = journal.made_by(origin).into_iter().filter_map(here).collect();
        let living = living(call, &region, &ids).await?;
        let gone: Vec<String> = ids.into_iter().filter(|id| !living.contains(id)).collect();
        if !gone.is_empty() {
            journal.write(Entry::Deleted { at: Timestamp::now(), ids: gone })?;
        }
    }
    Ok(())
}

/// A request of a block that was answered, as far as the journal says.
#[derive(Debug)]
struct Past {
    operation: String,
    region: String,
    request: Option<String>,
    /// Of what creates.
    token: Option<String>,
    made: Vec<String>,
    /// Without secrets.
    answer: Option<Value>,
    /// Whether nobody else has changed anything since.
    alone: bool,
}

impl Past {
    /// Whether it has started instances with this key pair.
    fn uses_key(&self, name: &str) -> bool {
        self.answer
            .as_ref()
            .is_some_and(|answer| ids_at(answer, "/Instances/*/KeyName").iter().any(|own| own == name))
    }
}

/// What a block has asked and was answered, in order.
fn history(journal: &Journal, origin: &Origin) -> Vec<Past> {
    let entries = journal.entries();
    let mut history: Vec<Past> = Vec::new();
    for entry in &entries {
        let (by, past) = match entry.clone() {
            Entry::Intended { token, operation, region, origin, request, .. } => {
                let Some(Entry::Created { ids, answer, .. }) = answer_to(&entries, &token).cloned() else {
                    continue;
                };
                (
                    origin,
                    Past { operation, region, request, token: Some(token), made: ids, answer, alone: true },
                )
            }
            Entry::Changed { operation, region, origin, request, answer, .. } => {
                let request = Some(request);
                (
                    origin,
                    Past { operation, region, request, token: None, made: Vec::new(), answer, alone: true },
                )
            }
            Entry::Created { .. } | Entry::Refused { .. } | Entry::Deleted { .. } => continue,
        };
        if by.as_ref() == Some(origin) {
            history.push(past);
        } else {
            history.iter_mut().for_each(|past| past.alone = false);
        }
    }
    history
}

fn is_secret(operation: &str) -> bool {
    Service::ec2().operation(operation).is_some_and(tells_secrets)
}

async fn delete_key_pair(call: &dyn Call, journal: &Journal, past: &Past) -> Result<(), SurveyError> {
    const OPERATION: &str = "DeleteKeyPair";
    let Some(operation) = Service::ec2().operation(OPERATION) else { return Ok(()) };
    for id in &past.made {
        let target = Target { region: Some(past.region.clone()), ..Target::default() };
        let request = Request { operation, params: json!({"KeyPairId": id}), target, origin: None };
        call.call(&request).await.map_err(|source| SurveyError::Call { operation: OPERATION, source })?;
    }
    journal.write(Entry::Deleted { at: Timestamp::now(), ids: past.made.clone() })?;
    Ok(())
}

#[cfg(test)]
mod tests {
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
        Origin {
            lesson: LessonId::new("01-a").expect("valid"),
            block: BlockName::new("make").expect("valid"),
        }
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
        journal
            .write(Entry::Created { at: Timestamp::UNIX_EPOCH, token, ids, answer: None })
            .expect("written");
        let (made, why) = stopped(&whole(), &journal).await;
        assert_eq!(made, ["i-1"]);
        assert!(why.contains("i-1, i-2, of which some are gone"), "{why}");
    }
}
