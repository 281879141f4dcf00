//! The journal's writer between the laptop's `aws` and EC2.
//!
//! Before a request that creates something it adds a client token and the `lab:session` tag and writes the intent;
//! after the answer it writes what came of it. Other changes are written down when they are answered. Out of every answer
//! it takes the tag again, so that lessons do not see it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::creation::{creation, deleted_by, ids_at};
use super::journal::{self, Current, Entry, Journal, Origin};
use super::replay::{digest, is_change};
use super::request::{Answer, CallError, Interceptor, Request};
use super::secret::{public, tells_secrets};
use super::teardown::SESSION_TAG;
use crate::secret::Secrets;
use crate::wire::Operation;

/// Writes a lab's journal.
#[derive(Debug)]
pub struct Journaling {
    journal: Arc<Journal>,
    current: Current,
    session: String,
    region: String,
    secrets: Secrets,
    /// Tokens of calls under way, by what was sent: not every operation takes a client token that could come back.
    under_way: Mutex<HashMap<String, Vec<String>>>,
}

impl Journaling {
    /// For a lab whose `lab:session` is `session`; `current` says for which block a call is made that does not say it
    /// itself. `region` is that of calls which name none. What has one of `secrets` in it is not written down.
    pub fn new(
        journal: Arc<Journal>,
        current: Current,
        session: &str,
        region: &str,
        secrets: Secrets,
    ) -> Self {
        Self {
            journal,
            current,
            secrets,
            session: session.to_owned(),
            region: region.to_owned(),
            under_way: Mutex::default(),
        }
    }

    fn write(&self, entry: Entry) -> Result<(), CallError> {
        self.journal.write(entry).map_err(|error| {
            CallError::Other(format!("{error} (nothing is created that is not written down first)"))
        })
    }

    /// Whether an answer, as the journal would have it, holds a secret: a typed password in a tag, for example.
    fn is_secret(&self, answer: &Value) -> bool {
        let text = answer.to_string();
        self.secrets.mask(&text) != text
    }

    /// Holds an answer with a secret for a block, which may have to have it again. Whoever types by hand has it now.
    fn hold(&self, origin: Option<&Origin>, key: &str, answer: &Value) -> Result<(), CallError> {
        if origin.is_none() {
            return Ok(());
        }
        self.journal.hold(key, answer).map_err(|error| CallError::Other(error.to_string()))
    }

    /// The block that asks. What an earlier block has left running is not the running block's.
    fn origin_of(&self, request: &Request) -> Option<Origin> {
        request.origin.clone().or_else(|| self.current.get())
    }

    fn take_token(&self, key: &str) -> Option<String> {
        self.under_way.lock().expect("nothing panics while it holds the lock").get_mut(key)?.pop()
    }
}

fn key(operation: &str, params: &Value) -> String {
    format!("{operation} {params}")
}

fn takes_token(operation: &Operation) -> bool {
    operation.input().is_some_and(|input| input.members().iter().any(|member| member.name == "ClientToken"))
}

fn is_dry_run(params: &Value) -> bool {
    params.get("DryRun").and_then(Value::as_bool) == Some(true)
}

impl Interceptor for Journaling {
    fn before<'a>(&'a self, request: &'a mut Request) -> Answer<'a, Result<(), CallError>> {
        Box::pin(async move {
            let origin = self.origin_of(request);
            let Request { operation, params, target, .. } = request;
            let name = operation.name;
            let Some(creation) = creation(name) else { return Ok(()) };
            let region = target.region.as_deref().unwrap_or(&self.region);
            // Of what was asked for, before anything is added to it.
            let asked = digest(name, params, region);
            for resource in creation.tagged {
                add_tag(params, resource, &self.session);
            }
            if is_dry_run(params) {
                return Ok(());
            }
            let token = match params.get("ClientToken").and_then(Value::as_str) {
                Some(own) => own.to_owned(),
                None => uuid::Uuid::new_v4().to_string(),
            };
            if takes_token(operation) {
                params["ClientToken"] = token.as_str().into();
            }
            self.write(Entry::Intended {
                at: Timestamp::now(),
                token: token.clone(),
                operation: name.to_owned(),
                region: region.to_owned(),
                origin,
                request: Some(asked),
            })?;
            let mut under_way = self.under_way.lock().expect("nothing panics while it holds the lock");
            under_way.entry(key(name, params)).or_default().push(token);
            Ok(())
        })
    }

    fn after<'a>(&'a self, request: &'a Request, result: &'a mut Result<Value, CallError>) -> Answer<'a, ()> {
        Box::pin(async move {
            let origin = self.origin_of(request);
            let Request { operation, params, target, .. } = request;
            let name = operation.name;
            let at = Timestamp::now();
            let token = self.take_token(&key(name, params));
            if let Ok(answer) = result {
                strip(answer);
            }
            let mut entries = Vec::new();
            let mut written = Ok(());
            match (&*result, token, creation(name)) {
                (Ok(answer), Some(token), Some(creation)) => {
                    let ids = ids_at(answer, creation.ids);
                    let told = Some(public(operation, answer)).filter(|told| !self.is_secret(told));
                    if tells_secrets(operation) || told.is_none() {
                        written = self.hold(origin.as_ref(), &token, answer);
                    }
                    entries.push(Entry::Created { at, token, ids, answer: told });
                }
                (Err(CallError::Service(fault)), Some(token), _) => {
                    entries.push(Entry::Refused { at, token, code: fault.code.clone() });
                }
                // No answer: it may have been created, so the intent stays open.
                (Err(_), Some(_), _) => {}
                (Ok(answer), None, _) if is_change(name) && !is_dry_run(params) => {
                    let region = target.region.clone().unwrap_or_else(|| self.region.clone());
                    let request = digest(name, params, &region);
                    let told = Some(public(operation, answer)).filter(|told| !self.is_secret(told));
                    if told.is_none() {
                        written = self.hold(origin.as_ref(), &request, answer);
                    }
                    let operation = name.to_owned();
                    entries.push(Entry::Changed { at, operation, request, region, origin, answer: told });
                    // After what was answered: EC2 can be asked what is gone, but not what it has said.
                    let ids = deleted_by(name, params, answer);
                    if !ids.is_empty() {
                        entries.push(Entry::Deleted { at, ids });
                    }
                }
                _ => {}
            }
            for entry in entries {
                written = written.and(self.write(entry));
            }
            if let (Ok(_), Err(error)) = (&*result, written) {
                *result = Err(error);
            }
        })
    }
}

/// Adds the session's tag to the tags that are given at creation.
fn add_tag(params: &mut Value, resource: &str, session: &str) {
    let tag = json!({"Key": SESSION_TAG, "Value": session});
    let Some(object) = params.as_object_mut() else { return };
    let specifications = object.entry("TagSpecifications").or_insert_with(|| json!([]));
    let Some(list) = specifications.as_array_mut() else { return };
    let own = list.iter_mut().find(|s| s.get("ResourceType").and_then(Value::as_str) == Some(resource));
    match own.and_then(Value::as_object_mut) {
        Some(specification) => {
            if let Some(tags) = specification.entry("Tags").or_insert_with(|| json!([])).as_array_mut() {
                tags.push(tag);
            }
        }
        None => list.push(json!({"ResourceType": resource, "Tags": [tag]})),
    }
}

/// Takes the session's tag out of an answer, wherever it stands.
pub(super) fn strip(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.retain(|item| item.get("Key").and_then(Value::as_str) != Some(SESSION_TAG));
            items.iter_mut().for_each(strip);
        }
        Value::Object(members) => {
            members.values_mut().for_each(strip);
            // EC2 shows no list at all on a volume that has no tags.
            let volumes = members.get_mut("Volumes").and_then(Value::as_array_mut);
            for volume in volumes.into_iter().flatten().filter_map(Value::as_object_mut) {
                if volume.get("Tags") == Some(&json!([])) {
                    volume.shift_remove("Tags");
                }
            }
        }
        _ => {}
    }
}

/// For teardown: everything that the journal says may exist in a region.
pub fn scope(journal: &journal::Journal, session: &str, region: &str) -> super::teardown::Scope {
    let ids = journal.living_in(region).into_iter().collect();
    super::teardown::Scope { ids, session: Some(session.to_owned()), region: region.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::request::{Call, Intercepted, Target};

    #[test]
    fn the_session_tag_goes_in_beside_others_and_comes_out_again() {
        let mut params =
            json!({"TagSpecifications": [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "a"}]}]});
        add_tag(&mut params, "vpc", "s-1");
        assert_eq!(params["TagSpecifications"][0]["Tags"][1], json!({"Key": "lab:session", "Value": "s-1"}));
        let mut without = json!({});
        add_tag(&mut without, "subnet", "s-1");
        assert_eq!(without["TagSpecifications"][0]["ResourceType"], "subnet");

        let mut answer = json!({"Vpcs": [{"Tags": [{"Key": "lab:session", "Value": "s-1"}, {"Key": "Name", "Value": "a"}]}]});
        strip(&mut answer);
        assert_eq!(answer, json!({"Vpcs": [{"Tags": [{"Key": "Name", "Value": "a"}]}]}));
        let mut answer = json!({"Volumes": [{"Size": 8, "Tags": [{"Key": "lab:session", "Value": "s"}]}]});
        strip(&mut answer);
        assert_eq!(answer, json!({"Volumes": [{"Size": 8}]}));
    }

    /// What reaches EC2, and what the journal has at that moment and afterwards.
    struct Seen<'a>(&'a Journal, Value, Mutex<Option<Sent>>);

    type Sent = (Value, Vec<(String, String)>);

    impl Call for Seen<'_> {
        fn call<'a>(&'a self, request: &'a Request) -> Answer<'a, Result<Value, CallError>> {
            *self.2.lock().expect("unpoisoned") = Some((request.params.clone(), self.0.unanswered()));
            Box::pin(std::future::ready(Ok(self.1.clone())))
        }
    }

    /// Types of what is tagged, the operations whose intents are on disk while the call is made, ids living afterwards.
    async fn called(
        journal: &Arc<Journal>,
        operation: &str,
        params: Value,
        answer: Value,
    ) -> (Vec<String>, Vec<String>, Vec<String>) {
        let journaling =
            Journaling::new(Arc::clone(journal), Current::default(), "s-1", "us-east-1", Secrets::default());
        let call = Intercepted::new(Seen(journal, answer, Mutex::default()), journaling);
        let operation = crate::wire::Service::ec2().operation(operation).expect("in the model");
        call.call(&Request { operation, params, target: Target::default(), origin: None })
            .await
            .expect("answered");
        let seen = call.inner().2.lock().expect("unpoisoned").take().expect("called");
        let specifications = seen.0["TagSpecifications"].as_array().cloned().unwrap_or_default();
        let tagged = specifications.iter().filter_map(|s| s["ResourceType"].as_str().map(str::to_owned));
        (tagged.collect(), seen.1.into_iter().map(|intent| intent.1).collect(), journal.living())
    }

    #[tokio::test]
    async fn everything_is_written_down_before_it_is_made_and_when_it_is_gone() {
        let dir = tempfile::tempdir().expect("a directory");
        let journal = Arc::new(Journal::open(&dir.path().join("j")).expect("opens"));
        let cases = [
            ("CreateVolume", json!({"VolumeId": "vol-1"}), vec!["volume"], "vol-1"),
            (
                "CreateDhcpOptions",
                json!({"DhcpOptions": {"DhcpOptionsId": "dopt-1"}}),
                vec!["dhcp-options"],
                "dopt-1",
            ),
            ("CreateDefaultVpc", json!({"Vpc": {"VpcId": "vpc-1"}}), vec![], "vpc-1"),
            ("CreateFlowLogs", json!({"FlowLogIds": ["fl-1"]}), vec!["vpc-flow-log"], "fl-1"),
            (
                "RunInstances",
                json!({"Instances": [{"InstanceId": "i-1"}]}),
                vec!["instance", "volume"],
                "i-1",
            ),
            ("CreateKeyPair", json!({"KeyPairId": "key-1"}), vec!["key-pair"], "key-1"),
        ];
        for (operation, answer, types, id) in cases {
            let (tagged, intended, living) = called(&journal, operation, json!({}), answer).await;
            assert_eq!(
                (tagged, intended),
                (types.iter().map(ToString::to_string).collect(), vec![operation.to_owned()])
            );
            assert!(living.contains(&id.to_owned()), "{operation}: {living:?}");
        }
        let cases = [
            ("DeleteVolume", json!({"VolumeId": "vol-1"}), json!({}), "vol-1"),
            ("DeleteDhcpOptions", json!({"DhcpOptionsId": "dopt-1"}), json!({}), "dopt-1"),
            ("DeleteFlowLogs", json!({"FlowLogIds": ["fl-1"]}), json!({}), "fl-1"),
            (
                "DeleteKeyPair",
                json!({"KeyName": "lab"}),
                json!({"Return": true, "KeyPairId": "key-1"}),
                "key-1",
            ),
        ];
        for (operation, params, answer, id) in cases {
            let (.., living) = called(&journal, operation, params, answer).await;
            assert!(!living.contains(&id.to_owned()), "{operation}: {living:?}");
        }
    }

    #[tokio::test]
    async fn an_answer_with_a_secret_is_held_and_not_written_down() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("journal.jsonl");
        let journal = Arc::new(Journal::open(&path).expect("opens"));
        let secrets = Secrets::default();
        secrets.add("tr0ub4dor");
        let answers = [
            (
                "CreateVpc",
                json!({"Vpc": {"VpcId": "vpc-1", "Tags": [{"Key": "Name", "Value": "tr0ub4dor"}]}}),
            ),
            ("ModifyVpcAttribute", json!({"Said": "tr0ub4dor"})),
        ];
        for (name, answer) in &answers {
            let writer = Journaling::new(
                Arc::clone(&journal),
                Current::default(),
                "s-1",
                "us-east-1",
                secrets.clone(),
            );
            let call = Intercepted::new(Seen(&journal, answer.clone(), Mutex::default()), writer);
            let operation = crate::wire::Service::ec2().operation(name).expect("in the model");
            let origin = Origin {
                lesson: crate::name::LessonId::new("01-a").expect("valid"),
                block: crate::name::BlockName::new("make").expect("valid"),
            };
            let (params, target) = (json!({}), Target::default());
            call.call(&Request { operation, params, target, origin: Some(origin) }).await.expect("answered");
        }
        let text = std::fs::read_to_string(&path).expect("reads");
        assert!(text.contains("vpc-1") && !text.contains("tr0ub4dor"), "{text}");
        let held = std::fs::read_to_string(dir.path().join("held.jsonl")).expect("reads");
        assert_eq!(held.lines().count(), 2, "{held}");
        journal.release().expect("released");
        assert!(!dir.path().join("held.jsonl").exists());
    }
}
