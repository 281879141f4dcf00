//! The wire codec against botocore itself: random requests and responses of every operation.
//!
//! Needs a Python with botocore, named by `LAB_ORACLE_PYTHON`.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use lab::wire::{self, Operation, Protocol, Service};
use serde_json::{Value, json};

/// Random cases of each operation and direction.
const SEEDS: u64 = 30;

/// The Python that has botocore and the AWS CLI.
pub fn python() -> String {
    std::env::var("LAB_ORACLE_PYTHON")
        .expect("LAB_ORACLE_PYTHON should name a Python that has botocore and awscli; `make test` makes one and sets it")
}

struct Oracle {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Oracle {
    fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/roundtrip.py");
        let mut command = Command::new(python());
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("start the oracle");
        let input = child.stdin.take().expect("piped");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, input, output }
    }

    fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.input, "{question}").expect("ask the oracle");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("hear the oracle");
        line.parse().unwrap_or_else(|error| panic!("the oracle failed at {question}: {error}"))
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn question(ask: &str, operation: &Operation, seed: u64) -> Value {
    json!({"ask": ask, "service": operation.service.name(), "operation": operation.name, "seed": seed})
}

fn for_every_operation(mut case: impl FnMut(&mut Oracle, &'static Operation, u64)) {
    let mut oracle = Oracle::start();
    for service in Service::all() {
        for name in service.operation_names() {
            let operation = service.operation(name).expect("listed");
            (0..SEEDS).for_each(|seed| case(&mut oracle, operation, seed));
        }
    }
}

#[test]
fn requests_agree_with_botocore() {
    for_every_operation(|oracle, operation, seed| {
        let answer = oracle.ask(&question("request", operation, seed));
        let (value, body) = (&answer["value"], answer["body"].as_str().expect("a body"));
        let case = format!("{} with seed {seed}: {body}", operation.name);
        assert_eq!(wire::decode_body(operation, body).as_ref(), Ok(value), "decode {case}");
        let encoded = wire::encode_body(operation, value).expect("encodes");
        if operation.service.protocol() == Protocol::Json {
            let parse = |text: &str| text.parse::<Value>().expect("JSON");
            assert_eq!(parse(&encoded.text), parse(body), "encode {case}");
        } else {
            let pairs =
                |text: &str| wire::form_decode(text).into_iter().map(short_fraction).collect::<BTreeSet<_>>();
            assert_eq!(pairs(&encoded.text), pairs(body), "encode {case}");
        }
    });
}

#[test]
fn responses_are_read_as_botocore_reads_them() {
    for_every_operation(|oracle, operation, seed| {
        let answer = oracle.ask(&question("response", operation, seed));
        let body = answer["body"].as_str().expect("a body");
        let read = wire::decode_response(operation, body).expect("decodes");
        assert_eq!(read, answer["value"], "{} with seed {seed}: {body}", operation.name);
        // Also the order: the command line prints members as the model lists them.
        assert_eq!(read.to_string(), answer["value"].to_string(), "{} with seed {seed}", operation.name);
    });
}

#[test]
fn botocore_reads_the_responses_that_are_written() {
    for_every_operation(|oracle, operation, seed| {
        let value = oracle.ask(&question("response", operation, seed))["value"].take();
        assert_eq!(wire::conforms(operation, &value), Ok(()));
        let body = wire::encode_response(operation, &value, "request-1");
        let mut ask = question("parse", operation, seed);
        ask["body"] = body.clone().into();
        let read = oracle.ask(&ask)["value"].take();
        assert_eq!(read, value, "{} with seed {seed}: {body}", operation.name);
    });
}

/// Fractions of seconds without the zeros at their end: botocore writes six digits or none.
fn short_fraction((name, value): (String, String)) -> (String, String) {
    let time = value.strip_suffix('Z').and_then(|rest| rest.split_once('.'));
    let short = time.map(|(whole, fraction)| format!("{whole}.{}Z", fraction.trim_end_matches('0')));
    (name, short.map_or(value, |short| short.replace(".Z", "Z")))
}
