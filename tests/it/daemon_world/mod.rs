//! What the tests of the daemon share: a region of their own in a temporary state directory, a plain EC2 client, and
//! a look at everything that the host could see of a region.

mod ec2;
mod host;

use std::fs;
use std::io::Read;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub use ec2::{Connection, call};
pub use host::host_view;
use lab::region::client::{Client, Exited, LabAccess, Paths, SpawnSpec};
use lab::wire::Fault;
use serde_json::{Value, json};

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon with a state directory of its own. The image is the one in the user's cache, built there if need be.
pub struct World {
    pub paths: Paths,
    pub client: Client,
    _directory: Option<tempfile::TempDir>,
}

impl World {
    pub async fn new() -> World {
        let directory =
            tempfile::Builder::new().prefix("lab-test-").tempdir().expect("a temporary directory");
        let mut world = World::at(directory.path().join("state")).await;
        world._directory = Some(directory);
        world
    }

    /// A daemon with this state directory, which somebody else removes.
    pub async fn at(state: PathBuf) -> World {
        assert!(
            nix::unistd::Uid::effective().is_root(),
            "these tests start the region, which takes root: run them by sudo"
        );
        let cache = Paths::from_environment().expect("a home directory").cache;
        let paths = Paths { state, cache };
        fs::create_dir_all(&paths.state).expect("create the state directory");
        start(&paths);
        let client = reach(&paths).await;
        World { paths, client, _directory: None }
    }

    /// A lab, made with its directories as the command line does it.
    pub async fn lab(&self, name: &str) -> Lab<'_> {
        let access = self.client.ensure_lab(name, "us-east-1").await.expect("make a lab");
        Lab { world: self, name: name.to_owned(), access }
    }

    /// Start the daemon again, after its end.
    pub async fn restart(&mut self) {
        start(&self.paths);
        self.client = reach(&self.paths).await;
    }

    /// The daemon's front process.
    pub fn front(&self) -> i32 {
        let pid = fs::read_to_string(self.paths.region().join("pid")).expect("the pid file");
        pid.trim().parse().expect("a number")
    }

    /// The front, the tree and the server.
    pub fn processes(&self) -> [i32; 3] {
        let front = self.front();
        let tree = child(front, "region-tree");
        [front, tree, child(tree, "region-tree")]
    }

    /// Wait until the host sees no daemon any more.
    pub async fn gone(&self) {
        let socket = self.paths.control_socket();
        eventually("the control socket goes away", async || (!socket.exists()).then_some(())).await;
    }
}

/// The child of a process whose command line names this verb.
pub fn child(parent: i32, verb: &str) -> i32 {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).expect("children");
    let is =
        |pid: &str| fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains(verb));
    children.split_whitespace().find(|pid| is(pid)).and_then(|pid| pid.parse().ok()).expect(verb)
}

impl Drop for World {
    fn drop(&mut self) {
        // Also when an assertion has failed: the front's number is in the file of this state directory alone.
        let pid = fs::read_to_string(self.paths.region().join("pid")).unwrap_or_default();
        if let Ok(pid) = pid.trim().parse() {
            let _ =
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGTERM);
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.paths.control_socket().exists() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The test's program is not the daemon's, so the two builds are not compared.
async fn reach(paths: &Paths) -> Client {
    let client = Client::unchecked(paths);
    client.ping().await.expect("the daemon says that it is ready, and answers");
    client
}

/// Start a daemon and wait until it answers.
pub fn start(paths: &Paths) {
    try_start(paths).unwrap_or_else(|reason| panic!("the daemon does not start: {reason}"));
}

/// Start a daemon; what it says if it does not start.
pub fn try_start(paths: &Paths) -> Result<(), String> {
    let output = Command::new(env!("CARGO_BIN_EXE_lab"))
        .arg("region-daemon")
        .arg("--state")
        .arg(&paths.state)
        .arg("--cache")
        .arg(&paths.cache)
        .args(["--owner", "0:0"])
        .stdin(Stdio::null())
        .output()
        .expect("run the program");
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout);
    Err(said.lines().last().unwrap_or_default().to_owned())
}

/// One lab of a world.
pub struct Lab<'a> {
    world: &'a World,
    pub name: String,
    pub access: LabAccess,
}

impl Lab<'_> {
    /// Run a line of shell on the laptop; its output (both streams) and its end.
    pub async fn try_shell(&self, line: &str) -> (String, Exited) {
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let command =
            SpawnSpec { argv: vec!["bash".into(), "-c".into(), line.into()], ..SpawnSpec::default() };
        let null = OwnedFd::from(fs::File::open("/dev/null").expect("/dev/null"));
        let output = OwnedFd::from(writer);
        let stdio = [null, output.try_clone().expect("a copy"), output];
        let mut process = self.world.client.spawn(&self.name, command, stdio).await.expect("start a shell");
        let text = tokio::task::spawn_blocking(move || {
            let mut text = Vec::new();
            reader.read_to_end(&mut text).map(|_| String::from_utf8_lossy(&text).into_owned())
        });
        let exited = tokio::time::timeout(PATIENCE, process.wait())
            .await
            .expect("the shell ends")
            .expect("its status");
        (text.await.expect("no panic").expect("the output"), exited)
    }

    /// Run a line of shell that succeeds; its output without the last line end.
    pub async fn shell(&self, line: &str) -> String {
        let (output, exited) = self.try_shell(line).await;
        assert_eq!(exited.code, Some(0), "`{line}` said: {output}");
        output.trim_end().to_owned()
    }

    /// The laptop's home directory, seen from the host.
    pub fn home(&self) -> PathBuf {
        self.world.paths.lab_home(&self.name)
    }

    /// One EC2 call.
    pub fn call(&self, operation: &str, parameters: &Value) -> Result<Value, Fault> {
        ec2::call(&self.access, operation, parameters)
    }

    /// A call that succeeds.
    pub fn ec2(&self, operation: &str, parameters: Value) -> Value {
        self.call(operation, &parameters).unwrap_or_else(|fault| panic!("{operation}: {fault:?}"))
    }

    /// A VPC with one public subnet, a group that lets SSH and ping in, and a key whose file is `key.pem` at home.
    pub fn network(&self) -> Network<'_> {
        let id = |value: &Value, pointer: &str| {
            value.pointer(pointer).and_then(Value::as_str).expect(pointer).to_owned()
        };
        let vpc = id(&self.ec2("CreateVpc", json!({"CidrBlock": "10.0.0.0/16"})), "/Vpc/VpcId");
        let subnet = self.ec2("CreateSubnet", json!({"VpcId": vpc, "CidrBlock": "10.0.1.0/24"}));
        let subnet = id(&subnet, "/Subnet/SubnetId");
        let gateway = self.ec2("CreateInternetGateway", json!({}));
        let gateway = id(&gateway, "/InternetGateway/InternetGatewayId");
        self.ec2("AttachInternetGateway", json!({"InternetGatewayId": gateway, "VpcId": vpc}));
        let table = id(&self.ec2("CreateRouteTable", json!({"VpcId": vpc})), "/RouteTable/RouteTableId");
        self.ec2("AssociateRouteTable", json!({"RouteTableId": table, "SubnetId": subnet}));
        let default =
            json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway});
        self.ec2("CreateRoute", default);
        let group = json!({"GroupName": "web", "Description": "web", "VpcId": vpc});
        let group = id(&self.ec2("CreateSecurityGroup", group), "/GroupId");
        let anywhere = json!([{"CidrIp": "0.0.0.0/0"}]);
        let rules = json!([
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": anywhere},
            {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": anywhere},
        ]);
        self.ec2("AuthorizeSecurityGroupIngress", json!({"GroupId": group, "IpPermissions": rules}));
        let key = self.ec2("CreateKeyPair", json!({"KeyName": "key", "KeyType": "ed25519"}));
        let file = self.home().join("key.pem");
        fs::write(&file, id(&key, "/KeyMaterial")).expect("write the key");
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o400))
            .expect("protect the key");
        Network { lab: self, subnet, group }
    }

    /// What `DescribeInstances` says of one instance.
    pub fn instance(&self, id: &str) -> Value {
        let answer = self.ec2("DescribeInstances", json!({"InstanceIds": [id]}));
        answer.pointer("/Reservations/0/Instances/0").cloned().expect("the instance")
    }

    /// Wait until an instance is in this state.
    pub async fn reaches(&self, id: &str, state: &str) -> Value {
        eventually(&format!("{id} is {state}"), async || {
            let instance = self.instance(id);
            (instance.pointer("/State/Name")? == state).then_some(instance)
        })
        .await
    }

    /// Wait until both status checks of an instance have passed.
    pub async fn passes(&self, id: &str) {
        eventually(&format!("{id} passes its checks"), async || {
            let answer = self.ec2("DescribeInstanceStatus", json!({"InstanceIds": [id]}));
            let status = answer.pointer("/InstanceStatuses/0")?;
            let ok = |check: &str| status.pointer(check).is_some_and(|status| status == "ok");
            (ok("/InstanceStatus/Status") && ok("/SystemStatus/Status")).then_some(())
        })
        .await;
    }

    /// Run a command on an instance over SSH, from the laptop, with the host key unchecked.
    pub async fn ssh(&self, address: Ipv4Addr, command: &str) -> String {
        assert!(!command.contains('\''), "no quoting here");
        self.shell(&format!(
            "ssh -q -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=10 -i key.pem admin@{address} '{command}'"
        ))
        .await
    }
}

/// What instances are launched into.
pub struct Network<'a> {
    lab: &'a Lab<'a>,
    pub subnet: String,
    pub group: String,
}

impl Network<'_> {
    /// Launch an instance; its id.
    pub fn launch(&self, address: &str, user_data: &str) -> String {
        use base64::Engine as _;
        let images = self.lab.ec2("DescribeImages", json!({"Owners": ["136693071363"]}));
        let image = images.pointer("/Images/0/ImageId").cloned().expect("an image");
        let answer = self.lab.ec2(
            "RunInstances",
            json!({
                "ImageId": image, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1, "KeyName": "key",
                "UserData": base64::engine::general_purpose::STANDARD.encode(user_data),
                "NetworkInterfaces": [{
                    "DeviceIndex": 0, "SubnetId": self.subnet, "PrivateIpAddress": address,
                    "AssociatePublicIpAddress": true, "Groups": [self.group],
                }],
            }),
        );
        answer.pointer("/Instances/0/InstanceId").and_then(Value::as_str).expect("an instance").to_owned()
    }
}

/// The public address in what `DescribeInstances` says.
pub fn public_address(instance: &Value) -> Ipv4Addr {
    let address = instance.get("PublicIpAddress").and_then(Value::as_str).expect("a public address");
    address.parse().expect("an address")
}

/// Ask until there is an answer; fail with what was waited for.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain until {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
