//! The region's API under load: how many `DescribeInstances` a second, and how long one takes, alone and while another
//! account does its worst. Figures in RESULTS.md. Run by hand (`make bench`), as root, on an idle machine.
//!
//! The daemon is the real one, with its endpoint, its signatures and its state. Its 100 instances are `stopped`: they are
//! written into the state while the daemon is down, so that no guest has to boot for them. Requests are signed before the
//! clock runs; clients are threads of this program, each with one connection that is kept.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use jiff::Timestamp;
use lab::region::client::{Client, LabAccess, Paths};
use lab::region::model::{self, Account, Action, Caller, Observation, State};
use lab::wire::{Service, encode_request, form_encode};
use serde_json::{Value, json};

const INSTANCES: usize = 100;
const CALLS: usize = 2000;
const CLIENTS: usize = 8;
/// Connections of the hostile account.
const HOSTILE: usize = 4;
/// No measurement takes longer; a region that stands still is shown by the calls that did not end.
const LONGEST: Duration = Duration::from_secs(60);

fn main() {
    // `cargo test` builds and calls benches too, with --test; there is nothing to test.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let directory = tempfile::Builder::new().prefix("lab-bench-").tempdir().expect("a directory");
    let cache = Paths::from_environment().expect("a home directory").cache;
    let paths = Paths { state: directory.path().join("state"), cache };
    fs::create_dir_all(&paths.state).expect("a directory");
    start(&paths);
    let daemon = Client::unchecked(&paths);
    let lab = |name| runtime.block_on(daemon.ensure_lab(name, "us-east-1")).expect("a lab");
    let (ours, theirs) = (lab("ours"), lab("theirs"));
    runtime.block_on(daemon.stop()).expect("stops");
    let one = fill(&paths, &ours);
    fill(&paths, &theirs);
    start(&paths);
    let server = server(&paths);

    let all = request(&ours, "DescribeInstances", &json!({}));
    let by_id = request(&ours, "DescribeInstances", &json!({"InstanceIds": [one]}));
    let named = json!({"Filters": [{"Name": "tag:Name", "Values": ["web-7?"]}]});
    let named = request(&ours, "DescribeInstances", &named);
    let host = ours.endpoint_url.strip_prefix("http://").expect("plain HTTP");
    println!("{INSTANCES} instances, {CALLS} calls by {CLIENTS} clients:");
    for (what, request) in
        [("of one instance", &by_id), ("of ten by tag", &named), ("of all instances", &all)]
    {
        println!("  DescribeInstances {what}: {}", measure(server, host, request));
    }
    let stars = std::env::var("LAB_BENCH_STARS").ok().and_then(|stars| stars.parse().ok()).unwrap_or(30);
    let pattern = format!("{}b", "*a".repeat(stars));
    let hostile = json!({"Filters": [{"Name": "tag:Long", "Values": [pattern]}]});
    let hostile = request(&theirs, "DescribeInstances", &hostile);
    println!(
        "the same while another account's {HOSTILE} connections ask for a tag by a pattern of {stars} stars:"
    );
    let (over, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..HOSTILE {
            scope.spawn(|| {
                let mut stream = connect(host);
                while !over.load(Ordering::Relaxed) {
                    // A region that does not answer in time is asked anew, as a client would.
                    match exchange(&mut stream, &hostile) {
                        Some(_) => drop(asked.fetch_add(1, Ordering::Relaxed)),
                        None => stream = connect(host),
                    }
                }
            });
        }
        std::thread::sleep(Duration::from_secs(1));
        println!("  DescribeInstances of one instance: {}", measure(server, host, &by_id));
        over.store(true, Ordering::Relaxed);
    });
    println!("  ({} hostile calls were answered meanwhile)", asked.into_inner());
    // A daemon that stands still is ended with its directory's front.
    let pid = fs::read_to_string(paths.region().join("pid")).expect("the daemon's number");
    let pid = nix::unistd::Pid::from_raw(pid.trim().parse().expect("a number"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("it runs");
    let deadline = Instant::now() + Duration::from_secs(20);
    while paths.control_socket().exists() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The program under test: this build's, or another's for comparison.
fn start(paths: &Paths) {
    let program = std::env::var_os("LAB_BENCH_PROGRAM").unwrap_or(env!("CARGO_BIN_EXE_lab").into());
    let output = Command::new(program)
        .arg("region-daemon")
        .arg("--state")
        .arg(&paths.state)
        .arg("--cache")
        .arg(&paths.cache)
        .args(["--owner", "0:0"])
        .stdin(Stdio::null())
        .output()
        .expect("lab starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// The process that has the endpoint: the front's child is the first of the tree, and that one's the server.
fn server(paths: &Paths) -> i32 {
    let front = fs::read_to_string(paths.region().join("pid")).expect("the daemon's number");
    let below = |parent: i32| -> i32 {
        let children =
            fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).expect("children");
        let is = |pid: &&str| {
            fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("region-tree"))
        };
        children.split_whitespace().find(is).and_then(|pid| pid.parse().ok()).expect("a child")
    };
    below(below(front.trim().parse().expect("a number")))
}

/// What a process has spent, all its threads together.
fn spent(process: i32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let (_, fields) = stat.rsplit_once(')').expect("a name");
    let ticks: u64 =
        fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    // A tick is a hundredth of a second everywhere that this runs.
    Duration::from_millis(10 * ticks)
}

/// Gives a lab its instances, while the daemon is down. The id of one of them.
fn fill(paths: &Paths, access: &LabAccess) -> String {
    let file = paths.region().join("accounts").join(format!("{}.json", access.account_id));
    let mut saved: Value = fs::read_to_string(&file).expect("the account").parse().expect("JSON");
    let account: Account = serde_json::from_value(saved["account"].take()).expect("an account");
    let mut state = State::new();
    state.accounts.insert(access.account_id.clone(), account.into());
    let caller = Caller { account: access.account_id.clone(), region: access.region.clone() };
    let call = |state: &mut State, operation: &str, params: Value| {
        let action = Action::new(operation, params);
        model::apply(state, &caller, &action, Timestamp::now()).unwrap_or_else(|fault| panic!("{fault}"))
    };
    let vpc = call(&mut state, "CreateVpc", json!({"CidrBlock": "10.0.0.0/16"}))["Vpc"]["VpcId"].clone();
    let subnet = call(&mut state, "CreateSubnet", json!({"VpcId": vpc, "CidrBlock": "10.0.0.0/20"}));
    let images = call(&mut state, "DescribeImages", json!({"Owners": ["136693071363"]}));
    let mut last = String::new();
    for n in 0..INSTANCES {
        let tags =
            json!([{"Key": "Name", "Value": format!("web-{n}")}, {"Key": "Long", "Value": "a".repeat(60)}]);
        let launch = json!({
            "ImageId": images["Images"][0]["ImageId"], "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1,
            "SubnetId": subnet["Subnet"]["SubnetId"],
            "TagSpecifications": [{"ResourceType": "instance", "Tags": tags}],
        });
        let launched = call(&mut state, "RunInstances", launch);
        last = launched["Instances"][0]["InstanceId"].as_str().expect("an id").to_owned();
        // One after the other: stopped ones do not count for the limit of an account.
        let stopped = Observation::InstanceStopped { instance_id: last.clone() };
        model::observe(&mut state, &stopped.of(&access.account_id), Timestamp::now());
    }
    saved["account"] = serde_json::to_value(&state.accounts[&access.account_id]).expect("serialises");
    fs::write(file, saved.to_string()).expect("written");
    last
}

/// A signed request, ready to be sent again and again: its signature is good for five minutes.
fn request(access: &LabAccess, operation: &str, parameters: &Value) -> Vec<u8> {
    let operation = Service::ec2().operation(operation).expect("an operation");
    let body = form_encode(&encode_request(operation, parameters).expect("a request"));
    let host = access.endpoint_url.strip_prefix("http://").expect("plain HTTP");
    let credentials = Credentials::new(&access.access_key_id, &access.secret_access_key, None, None, "bench");
    let identity = credentials.into();
    let signing = v4::SigningParams::builder()
        .identity(&identity)
        .region(&access.region)
        .name("ec2")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .expect("complete")
        .into();
    let kind = "application/x-www-form-urlencoded";
    let headers = [("host", host), ("content-type", kind)];
    let url = format!("{}/", access.endpoint_url);
    let signable =
        SignableRequest::new("POST", &url, headers.into_iter(), SignableBody::Bytes(body.as_bytes()));
    let (instructions, _) = sign(signable.expect("can be signed"), &signing).expect("signs").into_parts();
    let mut text = format!("POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: {kind}\r\n");
    for (name, value) in instructions.headers() {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("content-length: {}\r\n\r\n{body}", body.len());
    text.into_bytes()
}

fn connect(host: &str) -> TcpStream {
    let stream = TcpStream::connect(host).expect("the endpoint");
    stream.set_nodelay(true).expect("an option");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("an option");
    stream
}

/// One request and its answer: how many bytes it has. None when there is none in time.
fn exchange(stream: &mut TcpStream, request: &[u8]) -> Option<usize> {
    stream.write_all(request).ok()?;
    let mut answer = vec![0; 1 << 20];
    let mut length = 0;
    let mut whole = None;
    while whole.is_none_or(|whole| length < whole) {
        if length == answer.len() {
            answer.resize(2 * length, 0);
        }
        length += Some(stream.read(&mut answer[length..]).ok()?).filter(|read| *read > 0)?;
        if whole.is_none()
            && let Some(end) = answer[..length].windows(4).position(|window| window == b"\r\n\r\n")
        {
            let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
            assert!(head.starts_with("http/1.1 200"), "{}", String::from_utf8_lossy(&answer[..length]));
            let body =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            whole = Some(end + 4 + body.expect("a length"));
        }
    }
    Some(length)
}

/// What many calls took.
struct Figures {
    took: Duration,
    bytes: usize,
    /// Sorted.
    each: Vec<Duration>,
    unanswered: usize,
    /// By the daemon's server.
    spent: Duration,
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = |share: f64| {
            let index = (self.each.len() as f64 * share) as usize;
            self.each.get(index.min(self.each.len().saturating_sub(1))).copied().unwrap_or_default()
        };
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        write!(
            f,
            "{:.0} a second, {:.2} ms of processor each, median {:.2} ms, 99th percentile {:.2} ms, longest {:.2} ms, {} bytes, {} calls, {} unanswered",
            self.each.len() as f64 / self.took.as_secs_f64(),
            ms(self.spent) / self.each.len() as f64,
            ms(at(0.5)),
            ms(at(0.99)),
            ms(at(1.0)),
            self.bytes,
            self.each.len(),
            self.unanswered
        )
    }
}

fn measure(server: i32, host: &str, request: &[u8]) -> Figures {
    let before = spent(server);
    let begun = Instant::now();
    let next = AtomicUsize::new(0);
    let parts: Vec<(Vec<Duration>, usize, usize)> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    let mut stream = connect(host);
                    let (mut each, mut bytes, mut unanswered) = (Vec::new(), 0, 0);
                    while begun.elapsed() < LONGEST && next.fetch_add(1, Ordering::Relaxed) < CALLS {
                        let asked = Instant::now();
                        match exchange(&mut stream, request) {
                            Some(length) => {
                                bytes = length;
                                each.push(asked.elapsed());
                            }
                            None => {
                                unanswered += 1;
                                stream = connect(host);
                            }
                        }
                    }
                    (each, bytes, unanswered)
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().expect("no panic")).collect()
    });
    let took = begun.elapsed();
    let mut each: Vec<Duration> = parts.iter().flat_map(|(each, ..)| each.clone()).collect();
    each.sort();
    let bytes = parts.iter().map(|(_, bytes, _)| *bytes).max().unwrap_or(0);
    Figures {
        took,
        bytes,
        each,
        unanswered: parts.iter().map(|(.., unanswered)| unanswered).sum(),
        spent: spent(server) - before,
    }
}
