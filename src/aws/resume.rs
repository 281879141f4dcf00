//! Before a block that did not come to its end runs again: which of what it had made is still there.
//!
//! The journal sees what the laptop's `aws` deletes at once. Instances and NAT gateways go slowly, others by other ways,
//! and a request whose answer never came may have made something: EC2 is asked, and the answer written down.

use std::time::Duration;

use jiff::Timestamp;

use super::journal::{Entry, Journal, Made, NOTHING_FOUND, Origin};
use super::request::Call;
use super::survey::{living, tagged};

pub use super::survey::SurveyError;

/// After this time EC2 shows what a request has made: its answers are eventually consistent.
const SHOWN_AFTER: Duration = Duration::from_secs(5);

/// What `origin` has made that still exists, in words; the journal learns what is gone, and what became of requests
/// without an answer.
///
/// # Errors
/// EC2 did not answer, or the journal cannot be written. What was learned before is kept.
pub async fn settle(
    call: &dyn Call,
    journal: &Journal,
    session: &str,
    origin: &Origin,
) -> Result<Vec<String>, SurveyError> {
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
            false => Entry::Created { at, token, ids },
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
    Ok(journal.created_by(origin))
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
            let intent =
                Entry::Intended { at, token: token.clone(), operation, region, origin: Some(origin()) };
            journal.write(intent).expect("written");
            if let Some(id) = id {
                journal.write(Entry::Created { at, token, ids: vec![(*id).to_owned()] }).expect("written");
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
        assert_eq!(settle(&cloud, &journal, "s", &origin()).await.expect("answered"), ["vpc-1"]);
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
        let left = settle(&cloud, &journal, "s-1", &origin()).await.expect("answered");
        assert_eq!(left, ["i-1", "i-3", "vpc-7"]);
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
}
