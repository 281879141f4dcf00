//! The measurements of RESULTS.md. Run by hand (`make bench`), as root or with sudo, on an idle machine.
//!
//! What is measured is what a person does: lessons that `lab run` runs. Each figure is the median with minimum and
//! maximum over several runs. How long something takes fails nothing; what does not work has no time, and ends the run.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const LAB: &str = env!("CARGO_BIN_EXE_lab");
const NAME: &str = "bench";

fn main() {
    // `cargo test` builds and calls benches too, with --test; there is nothing to test.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    println!(
        "Linux {}, {} cores",
        release.trim(),
        std::thread::available_parallelism().map_or(0, |n| n.get())
    );
    warm_up();
    start();
    blocks_and_instances();
    aws();
    course();
    checkpoints();
}

struct Figures(Vec<Duration>);

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut sorted = self.0.clone();
        sorted.sort();
        let ms = |d: &Duration| d.as_secs_f64() * 1000.0;
        match (sorted.first(), sorted.get(sorted.len() / 2), sorted.last()) {
            (Some(min), Some(median), Some(max)) => {
                write!(f, "{:.2} ms ({:.2} to {:.2}, {} runs)", ms(median), ms(min), ms(max), sorted.len())
            }
            _ => write!(f, "not measured"),
        }
    }
}

fn lab(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new(LAB)
        .current_dir(directory)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("lab starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "lab {arguments:?}: {}\n{text}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The image is built and the daemon runs: that is measured by nobody's patience.
fn warm_up() {
    lab(root(), &["region", "start"]);
}

fn start() {
    let runs = (0..20).map(|_| {
        let begun = Instant::now();
        lab(root(), &["--help"]);
        begun.elapsed()
    });
    println!("lab --help: {}", Figures(runs.collect()));
}

/// A course of one lesson; the times of its blocks come from the events.
fn run_lesson(text: &str) -> Vec<(String, Duration, String)> {
    let directory = tempfile::tempdir().expect("a directory");
    let lessons = directory.path().join("lessons");
    fs::create_dir_all(&lessons).expect("a directory");
    fs::write(lessons.join("SUMMARY.md"), "# Summary\n\n- [Bench](01-bench.md)\n").expect("written");
    fs::write(lessons.join("01-bench.md"), text).expect("written");
    let events = lab(directory.path(), &["run", "lessons/01-bench.md", "--lab", NAME, "--format", "json"]);
    let blocks = events
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|event| event["event"] == "block-finished")
        .map(|event| {
            let took = &event["took"];
            let took =
                Duration::new(took["secs"].as_u64().unwrap_or(0), took["nanos"].as_u64().unwrap_or(0) as u32);
            (
                event["block"].as_str().unwrap_or_default().to_owned(),
                took,
                event["output"].as_str().unwrap_or_default().to_owned(),
            )
        })
        .collect();
    lab(directory.path(), &["down", "--lab", NAME]);
    blocks
}

fn of<'a>(
    blocks: &'a [(String, Duration, String)],
    name: &'a str,
) -> impl Iterator<Item = &'a (String, Duration, String)> {
    blocks.iter().filter(move |(block, ..)| block.starts_with(name))
}

const NETWORK: &str = r#"
```sh {#network}
VPC=$(aws ec2 create-vpc --cidr-block 10.0.0.0/16 --query Vpc.VpcId --output text)
SUBNET=$(aws ec2 create-subnet --vpc-id $VPC --cidr-block 10.0.1.0/24 --query Subnet.SubnetId --output text)
IGW=$(aws ec2 create-internet-gateway --query InternetGateway.InternetGatewayId --output text)
aws ec2 attach-internet-gateway --internet-gateway-id $IGW --vpc-id $VPC
RT=$(aws ec2 describe-route-tables --filters Name=vpc-id,Values=$VPC --query 'RouteTables[0].RouteTableId' --output text)
aws ec2 create-route --route-table-id $RT --destination-cidr-block 0.0.0.0/0 --gateway-id $IGW > create-route
SG=$(aws ec2 create-security-group --group-name bench --description bench --vpc-id $VPC --query GroupId --output text)
aws ec2 authorize-security-group-ingress --group-id $SG --protocol tcp --port 22 --cidr 0.0.0.0/0 > authorize
aws ec2 create-key-pair --key-name bench --key-type ed25519 --query KeyMaterial --output text > bench.pem
```
"#;

fn blocks_and_instances() {
    let mut text = format!("# Bench\n{NETWORK}");
    for round in 0..7 {
        // From the request to the first line of the SSH server, measured on the laptop.
        text.push_str(&format!(
            r#"
```sh {{#boot-{round} timeout=2m}}
BEGUN=$(date +%s%N)
I=$(aws ec2 run-instances --image-id resolve:ssm:/aws/service/debian/release/13/latest/amd64 --instance-type t3.micro --key-name bench \
  --security-group-ids $SG --subnet-id $SUBNET --associate-public-ip-address \
  --tag-specifications 'ResourceType=instance,Tags=[{{Key=Name,Value=web-{round}}}]' --query 'Instances[0].InstanceId' --output text)
until IP=$(aws ec2 describe-instances --instance-ids $I --query 'Reservations[0].Instances[0].PublicIpAddress' --output text); [ "$IP" != None ]; do :; done
until read -r -t 5 BANNER < /dev/tcp/$IP/22; do :; done 2> errors
echo $(( ($(date +%s%N) - BEGUN) / 1000 ))
```
"#
        ));
    }
    for round in 0..200 {
        text.push_str(&format!(
            "\n```sh {{#laptop-{round}}}\n:\n```\n\n```sh {{#ssh-{round} on=web-0}}\n:\n```\n"
        ));
    }
    let blocks = run_lesson(&text);
    let boots =
        of(&blocks, "boot-").filter_map(|(.., output)| output.trim().parse().ok()).map(Duration::from_micros);
    println!("RunInstances to SSH ready: {}", Figures(boots.collect()));
    println!("a trivial block on the laptop: {}", Figures(of(&blocks, "laptop-").map(|b| b.1).collect()));
    // The first opens the connection.
    println!("a trivial block over SSH: {}", Figures(of(&blocks, "ssh-").skip(1).map(|b| b.1).collect()));
}

fn aws() {
    let rounds: String = (0..20)
        .map(|round| {
            format!(
                "\n```sh {{#describe-{round}}}\nBEGUN=$(date +%s%N)\naws ec2 describe-vpcs > vpcs\necho $(( ($(date +%s%N) - BEGUN) / 1000 ))\n```\n"
            )
        })
        .collect();
    let blocks = run_lesson(&format!("# Bench\n{NETWORK}{rounds}"));
    let ours = of(&blocks, "describe-")
        .filter_map(|(.., output)| output.trim().parse().ok())
        .map(Duration::from_micros);
    println!("aws ec2 describe-vpcs by lab (with a fork of date): {}", Figures(ours.collect()));
    let Some(python) = std::env::var_os("LAB_ORACLE_PYTHON") else {
        println!("aws ec2 describe-vpcs by the AWS CLI: LAB_ORACLE_PYTHON is not set");
        return;
    };
    let cli = Path::new(&python).with_file_name("aws");
    let variables = lab(root(), &["region", "env", "--lab", NAME]);
    let variables: Vec<(String, String)> = variables
        .lines()
        .filter_map(|line| line.strip_prefix("export ")?.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let runs = (0..10).map(|_| {
        let begun = Instant::now();
        let status = Command::new(&cli)
            .args(["ec2", "describe-vpcs"])
            .envs(variables.iter().cloned())
            .stdout(Stdio::null())
            .status()
            .expect("the AWS CLI starts");
        assert!(status.success(), "the AWS CLI works against the region");
        begun.elapsed()
    });
    println!("aws ec2 describe-vpcs by the AWS CLI (PyPI): {}", Figures(runs.collect()));
}

/// After `course`, whose last run has left the states.
fn checkpoints() {
    let unchanged = (0..5).map(|_| {
        let begun = Instant::now();
        lab(root(), &["verify", "--quiet"]);
        begun.elapsed()
    });
    println!("lab verify, nothing changed: {}", Figures(unchanged.collect()));
    let restored = (0..5).map(|_| {
        let begun = Instant::now();
        let arguments = ["run", "07-wordpress", "--lab", NAME, "--format", "json"];
        let mut child = Command::new(LAB)
            .current_dir(root())
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("lab starts");
        let mut took = Duration::ZERO;
        for line in BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok) {
            let event: Value = serde_json::from_str(&line).expect("an event");
            // The first block has run: the instances answered before it began.
            if event["event"] == "block-finished" {
                took = begun.elapsed();
                break;
            }
        }
        let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("it runs");
        child.wait().expect("it ends");
        lab(root(), &["down", "--lab", NAME]);
        took
    });
    println!(
        "lab run of lesson 07 in a new lab to the end of its first block: {}",
        Figures(restored.collect())
    );
}

fn course() {
    let runs = (0..3).map(|_| {
        let begun = Instant::now();
        let told = lab(root(), &["verify", "--fresh", "--quiet"]);
        let took = begun.elapsed();
        println!("  {}", told.lines().last().unwrap_or_default());
        took
    });
    println!("the course from nothing, with teardown: {}", Figures(runs.collect()));
}
