//! The region under load and hostility: one account's calls, thousands of connections that say nothing, and a kernel
//! that does not do what it is told must not stand in anybody's way.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::{Value, json};

use crate::daemon_world::{World, call, eventually};

/// Half requests. The daemon takes far fewer at a time, and this program has to have as many descriptors.
const HALF: usize = 3000;
/// What a call may take on a busy machine while others do their worst.
const SOON: Duration = Duration::from_secs(5);

/// The longest that one of these calls took.
fn longest(times: usize, mut ask: impl FnMut()) -> Duration {
    let mut longest = Duration::ZERO;
    for _ in 0..times {
        let asked = Instant::now();
        ask();
        longest = longest.max(asked.elapsed());
    }
    longest
}

#[tokio::test]
async fn a_hostile_filter_of_one_account_does_not_delay_another() {
    let world = World::new().await;
    let (ours, theirs) = (world.lab("ours").await, world.lab("theirs").await);
    let tags = json!([{"Key": "Name", "Value": "a".repeat(60)}]);
    let tags = json!([{"ResourceType": "vpc", "Tags": tags}]);
    theirs.ec2("CreateVpc", json!({"CidrBlock": "10.0.0.0/16", "TagSpecifications": tags}));
    let filtered = |pattern: &str| json!({"Filters": [{"Name": "tag:Name", "Values": [pattern]}]});

    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let pattern = format!("{}b", "*a".repeat(30));
                while !over.load(Ordering::Relaxed) {
                    let answer =
                        call(&theirs.access, "DescribeVpcs", &filtered(&pattern)).expect("an answer");
                    assert!(answer["Vpcs"].as_array().is_none_or(Vec::is_empty), "{answer}");
                }
            });
        }
        std::thread::sleep(Duration::from_millis(300));
        let took = longest(20, || drop(call(&ours.access, "DescribeVpcs", &json!({})).expect("an answer")));
        // Also a key, which is long arithmetic, keeps nobody waiting.
        let keys = scope.spawn(|| {
            for n in 0..3 {
                let key = json!({"KeyName": format!("key-{n}")});
                call(&theirs.access, "CreateKeyPair", &key).expect("a key");
            }
        });
        let beside = longest(20, || drop(call(&ours.access, "DescribeVpcs", &json!({})).expect("an answer")));
        keys.join().expect("keys are made");
        over.store(true, Ordering::Relaxed);
        assert!(took < SOON && beside < SOON, "{took:?}, beside keys {beside:?}");
    });

    // More than eight stars match what they should; another escape than EC2's is refused.
    let found = theirs.ec2("DescribeVpcs", filtered(&"*a".repeat(12)));
    assert_eq!(found["Vpcs"].as_array().map(Vec::len), Some(1));
    let images = json!({"Filters": [{"Name": "name", "Values": ["debian-\\d+"]}]});
    let fault = theirs.call("DescribeImages", &images).expect_err("refused");
    assert_eq!(fault.code, "InvalidParameterValue");
    assert_eq!(fault.message, "Invalid filter value: The escape sequence '\\d' is invalid");
}

#[tokio::test]
async fn thousands_of_half_requests_stop_nobody_and_are_closed() {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    assert!(hard > 2 * HALF as u64, "this test opens {HALF} connections; {hard} descriptors are too few");
    setrlimit(Resource::RLIMIT_NOFILE, hard.max(soft), hard).expect("raise our limit");
    let world = World::new().await;
    let lab = world.lab("ours").await;
    let host = lab.access.endpoint_url.strip_prefix("http://").expect("plain HTTP");
    let mut half: Vec<TcpStream> = (0..HALF)
        .map(|_| {
            let mut stream = TcpStream::connect(host).expect("connect");
            // The daemon may have closed it already for those who came later.
            let _ = stream.write_all(b"POST / HTTP/1.1\r\nhost: here\r\ncontent-le");
            stream
        })
        .collect();
    // And some that never say what they want at the control socket.
    let silent: Vec<UnixStream> =
        (0..600).map(|_| UnixStream::connect(world.paths.control_socket()).expect("connect")).collect();

    let took = longest(20, || drop(lab.ec2("DescribeVpcs", json!({}))));
    assert!(took < SOON, "{took:?}");
    world.client.status().await.expect("the control socket answers");
    let another = world.lab("another").await;
    another.ec2("CreateVpc", json!({"CidrBlock": "10.0.0.0/16"}));
    let descriptors =
        std::fs::read_dir(format!("/proc/{}/fd", world.processes()[2])).expect("its files").count();
    assert!(descriptors < 2000, "the daemon has {descriptors} descriptors");

    for stream in &half {
        stream.set_nonblocking(true).expect("an option");
    }
    eventually("all half requests are closed", async || {
        half.retain_mut(
            |stream| matches!(stream.read(&mut [0; 64]), Err(error) if error.kind() == ErrorKind::WouldBlock),
        );
        half.is_empty().then_some(())
    })
    .await;
    drop(silent);
}

#[tokio::test]
async fn a_nat_gateway_that_cannot_be_built_fails_with_a_reason_and_the_next_one_works() {
    let world = World::new().await;
    let lab = world.lab("ours").await;
    let network = lab.network();
    let make = || {
        let address = lab.ec2("AllocateAddress", json!({}));
        let gateway = json!({"SubnetId": network.subnet, "AllocationId": address["AllocationId"]});
        let answer = lab.ec2("CreateNatGateway", gateway);
        answer["NatGateway"]["NatGatewayId"].as_str().expect("an id").to_owned()
    };
    let shown = |id: &str| {
        let answer = lab.ec2("DescribeNatGateways", json!({"NatGatewayIds": [id]}));
        answer["NatGateways"][0].clone()
    };
    let reached = async |id: &str, state: &str| -> Value {
        eventually(&format!("{id} is {state}"), async || {
            let gateway = shown(id);
            (gateway["State"] == state).then_some(gateway)
        })
        .await
    };
    let remount = |how: &str| {
        // In the region's own mounts: no namespace can get a name any more.
        let tree = world.processes()[1].to_string();
        let options = format!("remount,bind,{how}");
        let arguments = ["-t", &tree, "-m", "-p", "mount", "-o", &options, "/run"];
        let output = Command::new("nsenter").args(arguments).output().expect("nsenter");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };

    remount("ro");
    let id = make();
    let trouble = eventually("the status says what the kernel does not do", async || {
        let troubles = world.client.status().await.expect("a status").troubles;
        troubles.into_iter().find(|trouble| trouble.namespace.contains(&id))
    })
    .await;
    assert_eq!(trouble.lab.as_deref(), Some("ours"));
    assert!(trouble.reason.contains("Read-only"), "{trouble:?}");
    let failed = reached(&id, "failed").await;
    assert_eq!(failed["FailureCode"], "InternalError");
    let message = failed["FailureMessage"].as_str().expect("a message");
    assert!(message.contains("make the namespace's handle") && message.contains("Read-only"), "{message}");
    eventually("nothing of it is left to be done", async || {
        world.client.status().await.expect("a status").troubles.is_empty().then_some(())
    })
    .await;

    remount("rw");
    reached(&make(), "available").await;
    let log = std::fs::read_to_string(world.paths.region().join("daemon.log")).expect("the log");
    let told = log.lines().filter(|line| line.contains("make the namespace's handle")).count();
    assert_eq!(told, 1, "what fails is told once, however often it is tried:\n{log}");
}
