//! A block that was cut short runs again from its beginning, and what EC2 had answered it before is answered by the
//! journal: nothing is made twice, and the block goes on where it had been.
//!
//! Only what changes something is answered so; what is looked at is looked at anew. The answers come from
//! [`super::resume`], which has asked EC2 that what they speak of is still there.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::creation::creation;
use super::done;
use super::journal::Origin;
use super::request::{Answer, Call, CallError, Request};
use crate::name::LessonId;
use crate::wire::Fault;

/// One request that an earlier attempt has made, and its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    pub operation: String,
    /// The [`digest`] of what was asked.
    pub request: String,
    pub answer: Value,
    /// The ids of what it has made, which is still there.
    pub made: Vec<String>,
    /// Whether nothing has come between: then a change need not be made again to be so.
    pub sure: bool,
}

/// What is left to be answered.
#[derive(Debug)]
struct Left {
    /// The block that asks again.
    origin: Origin,
    answered: Vec<Answered>,
    /// Whether the next request without an answer may be the one that was under way when the block was cut short.
    was_under_way: bool,
}

/// The answers that the running block may have again; shared by the engine, which knows when, and [`Replayed`].
#[derive(Debug, Clone, Default)]
pub struct Replay(Arc<Mutex<Option<Left>>>);

/// What to do about a request.
#[derive(Debug, PartialEq)]
enum Known {
    /// Nothing is known of it.
    Not,
    /// This was its answer.
    Answer(Value),
    /// This was its answer, but whether it holds is not certain: send it again, and believe a refusal to mean that it does.
    Doubtful(Value),
    /// Whether this was made before is not known: send it, and understand a refusal because it was.
    Perhaps,
    /// The earlier attempt had made these by the same operation, otherwise: another one of them would be one too many.
    Otherwise(LessonId, Vec<String>),
}

impl Replay {
    /// From now on requests are answered as they were before, in an attempt to run the block `origin`.
    pub fn begin(&self, origin: &Origin, answered: Vec<Answered>) {
        *self.left() = Some(Left { origin: origin.clone(), answered, was_under_way: true });
    }

    /// From now on all requests are EC2's.
    pub fn end(&self) {
        *self.left() = None;
    }

    fn left(&self) -> std::sync::MutexGuard<'_, Option<Left>> {
        self.0.lock().expect("nothing panics while it holds the lock")
    }

    /// `by` is the block that asks, where it says so: what others have left running is answered by EC2.
    fn take(&self, operation: &str, request: &str, by: Option<&Origin>) -> Known {
        let mut left = self.left();
        let theirs = |left: &&mut Left| is_change(operation) && by.is_none_or(|by| *by == left.origin);
        let Some(left) = left.as_mut().filter(theirs) else { return Known::Not };
        let same = |answered: &Answered| answered.operation == operation && answered.request == request;
        if let Some(at) = left.answered.iter().position(same) {
            let Answered { answer, made, sure, .. } = left.answered.remove(at);
            return if sure || !made.is_empty() { Known::Answer(answer) } else { Known::Doubtful(answer) };
        }
        // What creates is found by its tag, and answered.
        let perhaps = std::mem::take(&mut left.was_under_way) && creation(operation).is_none();
        let new = if perhaps { Known::Perhaps } else { Known::Not };
        if left.answered.is_empty() {
            return new;
        }
        let others = left.answered.iter().filter(|answered| answered.operation == operation);
        let others: Vec<String> = others.flat_map(|answered| answered.made.iter().cloned()).collect();
        if !others.is_empty() {
            return Known::Otherwise(left.origin.lesson.clone(), others);
        }
        // The block does something else than before.
        left.answered.iter_mut().for_each(|answered| answered.sure = false);
        new
    }
}

/// Whether an operation changes something.
pub fn is_change(operation: &str) -> bool {
    !["Describe", "Get", "List", "Search"].iter().any(|word| operation.starts_with(word))
}

/// What names a request: the same for the same parameters in the same region, whatever its client token.
pub fn digest(operation: &str, params: &Value, region: &str) -> String {
    let mut params = params.clone();
    if let Some(params) = params.as_object_mut() {
        params.shift_remove("ClientToken");
    }
    let digest = Sha256::digest(format!("{operation} {region} {params}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Calls, of which some are answered as they were before.
#[derive(Debug)]
pub struct Replayed<C> {
    call: C,
    replay: Replay,
    region: String,
}

impl<C: Call> Replayed<C> {
    /// Calls by `call`, but for what `replay` knows. `region` is that of calls which name none.
    pub fn new(call: C, replay: Replay, region: &str) -> Self {
        Self { call, replay, region: region.to_owned() }
    }
}

impl<C: Call> Call for Replayed<C> {
    fn call<'a>(&'a self, request: &'a Request) -> Answer<'a, Result<Value, CallError>> {
        Box::pin(async move {
            let Request { operation, params, target, origin } = request;
            if params.get("DryRun").and_then(Value::as_bool) == Some(true) {
                return self.call.call(request).await;
            }
            let region = target.region.as_deref().unwrap_or(&self.region);
            match self.replay.take(operation.name, &digest(operation.name, params, region), origin.as_ref()) {
                Known::Not => self.call.call(request).await,
                Known::Answer(answer) => Ok(answer),
                Known::Doubtful(answer) => match self.call.call(request).await {
                    Err(CallError::Service(fault)) if says_it_holds(&fault) => Ok(answer),
                    result => result,
                },
                Known::Perhaps => match self.call.call(request).await {
                    Err(CallError::Service(fault)) => match done::answer(&self.call, request, &fault).await {
                        Some(answer) => Ok(answer),
                        None => Err(CallError::Service(fault)),
                    },
                    result => result,
                },
                Known::Otherwise(lesson, made) => {
                    Err(CallError::Other(otherwise(operation.name, &lesson, &made)))
                }
            }
        })
    }
}

/// Whether a refusal of what was done before is about what it speaks of, and not about who asks, how often or when.
fn says_it_holds(fault: &Fault) -> bool {
    let of_the_caller = ["Throttl", "LimitExceeded", "Expired", "Credential", "Token"];
    fault.status == 400 && !of_the_caller.iter().any(|word| fault.code.contains(word))
}

fn otherwise(operation: &str, lesson: &LessonId, made: &[String]) -> String {
    format!(
        "aws: failed to go on with this block: before it was cut short it had made {} by {operation}, and now it asks \
         for something else; nothing was sent\n\
         hint: `lab run {lesson} --redo` deletes what the block had made, and runs it anew",
        made.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::request::Target;
    use crate::name::BlockName;
    use crate::wire::Service;

    fn origin(block: &str) -> Origin {
        Origin { lesson: LessonId::new("01-a").expect("valid"), block: BlockName::new(block).expect("valid") }
    }

    fn answered(operation: &str, params: &Value, answer: Value, made: &[&str]) -> Answered {
        Answered {
            operation: operation.to_owned(),
            request: digest(operation, params, "us-east-1"),
            answer,
            made: made.iter().map(|id| (*id).to_owned()).collect(),
            sure: true,
        }
    }

    /// EC2, which has seen these.
    #[derive(Debug, Default)]
    struct Ec2 {
        seen: Mutex<Vec<String>>,
        refuses: Option<&'static str>,
    }

    impl Call for Ec2 {
        fn call<'a>(&'a self, request: &'a Request) -> Answer<'a, Result<Value, CallError>> {
            self.seen.lock().expect("unpoisoned").push(request.operation.name.to_owned());
            let result = match self.refuses {
                Some(code) => Err(CallError::Service(Fault::new(code, "no"))),
                None => Ok(json!({"From": "EC2"})),
            };
            Box::pin(std::future::ready(result))
        }
    }

    fn calls(replay: &Replay, refuses: Option<&'static str>) -> Replayed<Ec2> {
        Replayed::new(Ec2 { refuses, ..Ec2::default() }, replay.clone(), "us-east-1")
    }

    async fn ask(calls: &Replayed<Ec2>, operation: &str, params: Value) -> Result<Value, CallError> {
        let operation = Service::ec2().operation(operation).expect("in the model");
        calls.call(&Request { operation, params, target: Target::default(), origin: None }).await
    }

    #[tokio::test]
    async fn what_another_block_left_running_is_answered_by_ec2() {
        let replay = Replay::default();
        let vpc = json!({"CidrBlock": "10.0.0.0/16"});
        let calls = calls(&replay, None);
        let before = answered("CreateVpc", &vpc, json!({"From": "journal"}), &["vpc-1"]);
        replay.begin(&origin("make"), vec![before]);
        for (block, from) in [("loop", "EC2"), ("make", "journal"), ("make", "EC2")] {
            let operation = Service::ec2().operation("CreateVpc").expect("in the model");
            let (params, target) = (vpc.clone(), Target::default());
            let request = Request { operation, params, target, origin: Some(origin(block)) };
            assert_eq!(calls.call(&request).await.expect("answered"), json!({"From": from}), "{block}");
        }
    }

    fn seen(calls: &Replayed<Ec2>) -> Vec<String> {
        std::mem::take(&mut *calls.call.seen.lock().expect("unpoisoned"))
    }

    #[tokio::test]
    async fn what_was_answered_is_answered_once_more_and_no_more() {
        let replay = Replay::default();
        let vpc = json!({"CidrBlock": "10.0.0.0/16"});
        let calls = calls(&replay, None);
        let before = || {
            vec![
                answered("CreateVpc", &vpc, json!({"Vpc": {"VpcId": "vpc-1"}}), &["vpc-1"]),
                answered("CreateTags", &json!({"Resources": ["vpc-1"]}), json!({}), &[]),
            ]
        };
        replay.begin(&origin("make"), before());
        assert_eq!(ask(&calls, "CreateVpc", vpc.clone()).await.expect("answered")["Vpc"]["VpcId"], "vpc-1");
        // Looking is not answered from before.
        ask(&calls, "DescribeVpcs", json!({})).await.expect("answered");
        ask(&calls, "CreateTags", json!({"Resources": ["vpc-1"]})).await.expect("answered");
        assert_eq!(seen(&calls), ["DescribeVpcs"]);
        // The second VPC of the block is a new one.
        assert_eq!(ask(&calls, "CreateVpc", vpc.clone()).await.expect("answered"), json!({"From": "EC2"}));
        assert_eq!(seen(&calls), ["CreateVpc"]);

        // The next block has nothing of it.
        replay.begin(&origin("make"), before());
        replay.end();
        assert_eq!(ask(&calls, "CreateVpc", vpc).await.expect("answered"), json!({"From": "EC2"}));
    }

    #[tokio::test]
    async fn another_token_is_the_same_request_and_another_region_is_not() {
        let of = |params: Value| digest("CreateVolume", &params, "us-east-1");
        assert_eq!(of(json!({"Size": 1, "ClientToken": "a"})), of(json!({"Size": 1})));
        assert_ne!(of(json!({"Size": 1})), of(json!({"Size": 2})));
        assert_ne!(of(json!({"Size": 1})), digest("CreateVolume", &json!({"Size": 1}), "eu-west-1"));
    }

    #[tokio::test]
    async fn a_block_that_asks_for_something_else_makes_nothing_twice() {
        let replay = Replay::default();
        let group = |name: &str| json!({"GroupName": name});
        let before =
            vec![answered("CreateSecurityGroup", &group("a-17"), json!({"GroupId": "sg-1"}), &["sg-1"])];
        replay.begin(&origin("make"), before);
        let calls = calls(&replay, None);
        let error = ask(&calls, "CreateSecurityGroup", group("a-99")).await.expect_err("refused").to_string();
        for word in ["sg-1", "CreateSecurityGroup", "lab run 01-a --redo"] {
            assert!(error.contains(word), "{error}");
        }
        // What had made nothing, or something else, is no such case.
        ask(&calls, "CreateVpc", json!({})).await.expect("answered");
        assert_eq!(seen(&calls), ["CreateVpc"]);
    }

    #[tokio::test]
    async fn a_change_that_may_not_hold_any_more_is_made_again() {
        let rule = json!({"GroupId": "sg-1"});
        let duplicate = Some("InvalidPermission.Duplicate");
        for (sure, refuses, sent, answer) in [
            (true, duplicate, false, Some("journal")),
            (false, None, true, Some("EC2")),
            // It holds: that is what EC2's refusal means.
            (false, duplicate, true, Some("journal")),
            // This says nothing of the rule.
            (false, Some("RequestLimitExceeded"), true, None),
            (false, Some("AuthFailure"), true, None),
        ] {
            let replay = Replay::default();
            let mut before =
                answered("AuthorizeSecurityGroupIngress", &rule, json!({"From": "journal"}), &[]);
            before.sure = sure;
            replay.begin(&origin("make"), vec![before]);
            let calls = calls(&replay, refuses);
            let answered = ask(&calls, "AuthorizeSecurityGroupIngress", rule.clone()).await.ok();
            let from = answered.as_ref().and_then(|answer| answer["From"].as_str());
            assert_eq!((from, !seen(&calls).is_empty()), (answer, sent), "{sure} {refuses:?}");
        }
    }

    #[tokio::test]
    async fn a_change_that_was_under_way_is_so_when_ec2_says_that_it_is() {
        let replay = Replay::default();
        let vpc = json!({"CidrBlock": "10.0.0.0/16"});
        let before = answered("CreateVpc", &vpc, json!({"Vpc": {"VpcId": "vpc-1"}}), &["vpc-1"]);
        replay.begin(&origin("make"), vec![before]);
        let calls = calls(&replay, Some("RouteAlreadyExists"));
        ask(&calls, "CreateVpc", vpc).await.expect("answered");
        let route = |to: &str| json!({"RouteTableId": "rtb-1", "DestinationCidrBlock": to});
        assert_eq!(
            ask(&calls, "CreateRoute", route("0.0.0.0/0")).await.expect("so"),
            json!({"Return": true})
        );
        // One was under way, and no more.
        assert!(ask(&calls, "CreateRoute", route("10.9.0.0/16")).await.is_err());
    }
}
