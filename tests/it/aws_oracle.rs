//! The `aws` command against the AWS CLI itself: what is sent and what is printed, for several hundred command lines.
//!
//! `tests/oracle/cli-v2.json` was recorded from the AWS CLI, version 2, by `tests/oracle/cli.py`; comparing with it needs
//! nothing installed. With `LAB_ORACLE_PYTHON` the same cases also run by the AWS CLI that is there (version 1 from PyPI),
//! compared in what both versions have in common.

use std::collections::VecDeque;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use lab::aws::wait::Clock;
use lab::aws::{Answer, Call, CallError, Outcome, Request, Typed, execute};
use lab::wire::{self, Fault};
use serde_json::{Value, json};

use super::wire_oracle::python;

/// Where `lab` differs on purpose: the case, and why.
const DIVERGENCES: &[(&str, &str)] = &[
    ("ec2 describe-vpcs --filters '[{\"Name\":'", "the words of another JSON parser"),
    ("a long text in yaml", "long texts are not folded: the same YAML"),
    ("an empty message", "`None` where EC2 gives no message helps nobody"),
];

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/cli-v2.json");
const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/cli-cases.json");
const ORACLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/cli.py");

#[test]
fn version_two_sends_and_prints_the_same() {
    let recorded: Value = std::fs::read_to_string(RECORDED).expect("recorded").parse().expect("JSON");
    assert!(recorded["version"].as_str().is_some_and(|version| version.starts_with("2.")));
    compare(&recorded, |key, _| matches!(key, "requests" | "exit" | "stdout" | "stderr"));
}

#[test]
fn version_one_sends_and_prints_the_same() {
    // Paging by hand and the rest of what version 2 changed is compared above.
    let output =
        Command::new(python()).arg(ORACLE).arg(CASES).arg("--sample=13").output().expect("run the oracle");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let recorded: Value = String::from_utf8_lossy(&output.stdout).parse().expect("JSON");
    compare(&recorded, |key, case| match key {
        "requests" => case["exit"] == 0,
        "stdout" => case["exit"] == 0 && !has_times(case),
        _ => false,
    });
}

/// Version 1 prints times as they came.
fn has_times(case: &Value) -> bool {
    case["answers"].to_string().contains("Time>") || case["answers"].to_string().contains("<timestamp>")
}

fn compare(recorded: &Value, wanted: impl Fn(&str, &Value) -> bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let cases = recorded["cases"].as_array().expect("cases");
    assert!(cases.len() > 30, "only {} cases", cases.len());
    let mut differences = Vec::new();
    for case in cases {
        let name = case["name"].as_str().unwrap_or_default();
        let played = runtime.block_on(play(case));
        let differs = ["requests", "exit", "stdout", "stderr"]
            .into_iter()
            .find(|key| wanted(key, case) && pick(case, key) != played[*key]);
        match (differs, DIVERGENCES.iter().any(|(known, _)| *known == name)) {
            (Some(key), false) => differences.push(format!(
                "== {name}: {key}\n-- AWS CLI:\n{}\n-- lab:\n{}\n-- lab's stderr: {}",
                show(&pick(case, key)),
                show(&played[key]),
                played["stderr"]
            )),
            (None, true) => {
                differences.push(format!("== {name}: is listed as a divergence and does not differ"))
            }
            _ => {}
        }
    }
    assert!(
        differences.is_empty(),
        "{} of {} cases differ\n{}",
        differences.len(),
        cases.len(),
        differences.join("\n")
    );
}

fn show(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A recorded part, without what is random in it; of calls that were tried again only one.
fn pick(case: &Value, key: &str) -> Value {
    let part = case[key].clone();
    match part {
        Value::Array(mut requests) => {
            for request in &mut requests {
                if let Some(pairs) = request.get_mut("pairs").and_then(Value::as_array_mut) {
                    pairs.retain(|pair| pair[0] != "ClientToken");
                }
            }
            let retried = case["answers"].as_array().into_iter().flatten();
            if retried.filter_map(|answer| answer["status"].as_u64()).any(|status| status >= 500) {
                requests.dedup();
            }
            requests.into()
        }
        part => part,
    }
}

/// Runs a case by `lab`, with the answers that the AWS CLI got.
async fn play(case: &Value) -> Value {
    let cloud = Recorded {
        answers: Mutex::new(case["answers"].as_array().into_iter().flatten().cloned().collect()),
        requests: Mutex::new(Vec::new()),
    };
    let Outcome { exit, stdout, stderr } = execute::run_with(&typed(case), &cloud, &NoTime, None).await;
    let requests = cloud.requests.into_inner().expect("unpoisoned");
    json!({"requests": requests, "exit": exit, "stdout": stdout, "stderr": stderr})
}

fn typed(case: &Value) -> Typed {
    let argv: Vec<String> = case["argv"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|word| word.as_str().map(str::to_owned))
        .collect();
    let mut typed = Typed { argv, ..Typed::default() };
    typed.env.insert("AWS_DEFAULT_REGION".to_owned(), "us-east-1".to_owned());
    let strings = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for (name, value) in case["env"].as_object().into_iter().flatten() {
        typed.env.insert(name.clone(), strings(value));
    }
    for word in &typed.argv {
        if let Some(path) = word.strip_prefix("file://").or_else(|| word.strip_prefix("fileb://")) {
            let content = match &case["files"][path] {
                Value::String(text) => Ok(text.clone().into_bytes()),
                _ => Err(format!("[Errno 2] No such file or directory: '{path}'")),
            };
            typed.files.insert(word.clone(), content);
        }
    }
    typed
}

/// A cloud that answers what it was told to, the last answer for ever.
struct Recorded {
    answers: Mutex<VecDeque<Value>>,
    requests: Mutex<Vec<Value>>,
}

impl Call for Recorded {
    fn call<'a>(&'a self, request: &'a Request) -> Answer<'a, Result<Value, CallError>> {
        Box::pin(async move {
            let body = wire::encode_body(request.operation, &request.params).expect("a valid request");
            self.requests.lock().expect("unpoisoned").push(match body.target {
                Some(target) => json!({"target": target, "body": body.text.parse::<Value>().expect("JSON")}),
                None => {
                    let mut pairs = wire::form_decode(&body.text);
                    pairs.retain(|(name, _)| name != "ClientToken");
                    pairs.sort();
                    json!({"pairs": pairs})
                }
            });
            let mut answers = self.answers.lock().expect("unpoisoned");
            let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
            let Some(answer) = answer else {
                return Err(CallError::Other("the AWS CLI made no call here".to_owned()));
            };
            let (status, text) =
                (answer["status"].as_u64().unwrap_or_default(), answer["body"].as_str().unwrap_or_default());
            if status < 300 {
                return Ok(wire::decode_response(request.operation, text).expect("a response"));
            }
            let fault = wire::decode_error(text).expect("an error");
            Err(CallError::Service(Fault { status: u16::try_from(status).expect("a status"), ..fault }))
        })
    }
}

struct NoTime;

impl Clock for NoTime {
    fn sleep(&self, _: Duration) -> Answer<'_, ()> {
        Box::pin(async {})
    }
}
