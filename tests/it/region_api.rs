//! The region's endpoint against clients that know nothing of it: unmodified boto3, and the real AWS CLI with the
//! commands of lesson 01. The control plane is the real one, in memory; a thread plays the machines.
//!
//! Needs a Python with boto3 and the AWS CLI, named by `LAB_ORACLE_PYTHON`, and `openssl` and `ssh-keygen`.

use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::Timestamp;
use lab::region::api::{self, Core, Credential};
use lab::region::model::{self, Action, Caller, InstanceState, NatGatewayState, Observation, Seen, State};
use lab::wire::{self, Fault, Service};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::wire_oracle::python;

const SECRET: &str = "secret/of+the-test";

/// The control plane in memory, and whatever was answered in another shape than the service model's.
#[derive(Default)]
struct Memory {
    state: Mutex<State>,
    misshapen: Mutex<Vec<String>>,
}

impl Core for Memory {
    fn credential(&self, access_key_id: &str) -> Option<Credential> {
        let account = match access_key_id {
            "AKIAFIRST" => "123456789012",
            "AKIASECOND" => "210987654321",
            _ => return None,
        };
        Some(Credential { account: account.to_owned(), secret_access_key: SECRET.to_owned() })
    }

    async fn call(
        &self,
        caller: Caller,
        action: Action,
        encode: impl FnOnce(&Value) -> String + Send + 'static,
    ) -> Result<String, Fault> {
        let action = action.prepared()?;
        let answer = model::apply(&mut self.state.lock().unwrap(), &caller, &action, Timestamp::now())?;
        let operation =
            Service::all().into_iter().find_map(|service| service.operation(&action.operation)).unwrap();
        if let Err(where_) = wire::conforms(operation, &answer) {
            self.misshapen.lock().unwrap().push(where_);
        }
        Ok(encode(&answer))
    }
}

/// What the machines and gateways would report: each has arrived where it was going.
fn reports(state: &State) -> Vec<Seen> {
    let mut all = Vec::new();
    for (account, _, region) in state.regions() {
        let mut seen = Vec::new();
        for instance in &region.instances {
            let (instance_id, boot) = (instance.id.clone(), instance.boot);
            match instance.state {
                InstanceState::Pending => {
                    let text =
                        "-----BEGIN SSH HOST KEY KEYS-----\n-----END SSH HOST KEY KEYS-----\n".to_owned();
                    seen.push(Observation::Console { instance_id: instance_id.clone(), text });
                    seen.push(Observation::InstanceReady { instance_id, boot });
                }
                InstanceState::Stopping => seen.push(Observation::InstanceStopped { instance_id }),
                InstanceState::ShuttingDown => seen.push(Observation::InstanceTerminated { instance_id }),
                _ => {}
            }
        }
        for gateway in &region.nat_gateways {
            let nat_gateway_id = gateway.id.clone();
            match gateway.state {
                NatGatewayState::Pending => seen.push(Observation::NatGatewayUp { nat_gateway_id }),
                NatGatewayState::Deleting => seen.push(Observation::NatGatewayGone { nat_gateway_id }),
                _ => {}
            }
        }
        all.extend(seen.into_iter().map(|what| what.of(account)));
    }
    all
}

/// An endpoint on a port of its own, with machines that take half a second for everything.
struct Endpoint {
    core: Arc<Memory>,
    address: SocketAddr,
    over: Arc<AtomicBool>,
    machines: Option<JoinHandle<()>>,
    _runtime: Runtime,
}

impl Endpoint {
    fn start() -> Endpoint {
        let core = Arc::new(Memory::default());
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(api::serve(listener, core.clone()));
        let over = Arc::new(AtomicBool::new(false));
        let machines = thread::spawn({
            let (core, over) = (core.clone(), over.clone());
            move || {
                while !over.load(Ordering::Relaxed) {
                    let seen = reports(&core.state.lock().unwrap());
                    thread::sleep(Duration::from_millis(500));
                    for observation in seen {
                        model::observe(&mut core.state.lock().unwrap(), &observation, Timestamp::now());
                    }
                }
            }
        });
        Endpoint { core, address, over, machines: Some(machines), _runtime: runtime }
    }

    /// A program whose SDK finds this endpoint and nothing of the user's own settings.
    fn command(&self, program: &str, home: &std::path::Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", format!("{}:{}", home.display(), std::env::var("PATH").unwrap_or_default()))
            .env("HOME", home)
            .env("AWS_ENDPOINT_URL", format!("http://{}", self.address))
            .env("AWS_ACCESS_KEY_ID", "AKIAFIRST")
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("AWS_DEFAULT_REGION", "ap-northeast-1")
            .env("AWS_PAGER", "")
            .current_dir(home);
        command
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(machines) = self.machines.take() {
            drop(machines.join());
        }
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn boto3_finds_every_rule_of_a_vpc() {
    let endpoint = Endpoint::start();
    let home = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/boto_region.py");
    let output = endpoint
        .command(&python(), home.path())
        .arg(script)
        .env("LAB_SECOND_ACCESS_KEY_ID", "AKIASECOND")
        .env("LAB_SECOND_SECRET_ACCESS_KEY", SECRET)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(*endpoint.core.misshapen.lock().unwrap(), Vec::<String>::new());
}

/// The laptop's shell blocks of a lesson: name, expected status, text.
pub fn blocks(lesson: &str) -> Vec<(String, i32, String)> {
    let mut blocks = Vec::new();
    let mut lines = lesson.lines();
    while let Some(line) = lines.next() {
        let Some(attributes) = line.strip_prefix("```sh {#").and_then(|rest| rest.strip_suffix('}')) else {
            continue;
        };
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let mut words = attributes.split_whitespace();
        let name = words.next().unwrap_or_default().to_owned();
        let words: Vec<&str> = words.collect();
        if words.iter().any(|word| word.starts_with("on=")) {
            continue;
        }
        let status = words.iter().find_map(|word| word.strip_prefix("exit=")?.parse().ok()).unwrap_or(0);
        blocks.push((name, status, body.join("\n")));
    }
    blocks
}

#[test]
fn the_aws_cli_runs_lesson_01() {
    let endpoint = Endpoint::start();
    let home = tempfile::tempdir().unwrap();
    let aws = home.path().join("aws");
    std::fs::write(&aws, format!("#!/bin/sh\nexec '{}' -m awscli \"$@\"\n", python())).unwrap();
    std::fs::set_permissions(&aws, std::fs::Permissions::from_mode(0o755)).unwrap();
    let lesson = concat!(env!("CARGO_MANIFEST_DIR"), "/lessons/01-vpc-and-subnets.md");
    let blocks = blocks(&std::fs::read_to_string(lesson).unwrap());
    assert!(blocks.len() > 10, "the lesson should have its blocks");
    let script: String =
        blocks.iter().map(|(name, _, body)| format!("{body}\necho \"@@ {name} $?\"\n")).collect();
    let mut bash = endpoint
        .command("bash", home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    bash.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = bash.wait_with_output().unwrap();
    let printed = text(&output);
    for (name, status, _) in &blocks {
        let ended =
            printed.lines().find_map(|line| line.strip_prefix(&format!("@@ {name} "))?.parse::<i32>().ok());
        // The AWS CLI of PyPI is version 1, which says 255 where version 2 (and the lesson) says 254.
        let expected = if *status == 254 { 255 } else { *status };
        assert_eq!(ended, Some(expected), "{name}:\n{printed}");
    }
    assert_eq!(*endpoint.core.misshapen.lock().unwrap(), Vec::<String>::new());
    // What the lesson promises is there.
    let state = endpoint.core.state.lock().unwrap();
    let region = state.region("123456789012", "ap-northeast-1").unwrap();
    let subnet = region.subnets.iter().next().expect("the lesson's subnet");
    let table = region.route_table_of(&subnet.id).unwrap();
    let default =
        table.routes.iter().find(|route| route.destination.prefix_len() == 0).expect("a default route");
    assert!(!table.is_main() && region.route_is_active(table, default));
}
