//! Sudden ends, of the daemon and of `lab` itself, in the middle of a lesson: nothing of it stays on the host, what
//! happened is told, and the lab can go on or be taken away.

use std::fs;
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::blocks::{events, report, with_web};
use crate::course::{Course, Region, told};
use crate::daemon_world::host_view;

/// A block that waits for a file on the laptop, with a child of its own.
const WAIT: &str = "
```sh {#wait timeout=5m}
touch began
sleep 2001 &
until test -e go; do sleep 0.1; done
kill %1
```

```sh {#look on=web}
test -e mark || echo first > mark
cat mark
```
";

fn expect(output: &Output, code: i32, words: &[&str]) {
    let text = told(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is not in:\n{text}");
    }
}

fn until<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(value) = done() {
            return value;
        }
        assert!(Instant::now() < deadline, "it never came to this: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Starts `lab` with these arguments and waits until its block on the laptop runs.
fn begin(course: &Course, lab: &str, arguments: &[&str]) -> Child {
    let home = course.state().join("labs").join(lab).join("home");
    let _ = fs::remove_file(home.join("began"));
    let child =
        course.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("lab starts");
    until("the block begins", || home.join("began").exists().then_some(()));
    child
}

fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id().cast_signed()), signal).expect("a signal");
}

/// The daemon's front process, and those below it: the tree and its server.
fn daemon(course: &Course) -> [i32; 3] {
    let pid = fs::read_to_string(course.state().join("region/pid")).expect("the pid file");
    let front = pid.trim().parse().expect("a number");
    let below = |parent: i32| {
        let children =
            fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).expect("children");
        let is = |pid: &str| {
            fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|l| l.contains("region-tree"))
        };
        children.split_whitespace().find(|pid| is(pid)).and_then(|pid| pid.parse().ok()).expect("a child")
    };
    let tree = below(front);
    [front, tree, below(tree)]
}

/// What the host sees now and did not see before.
fn left(course: &Course, before: &[String]) -> Vec<String> {
    host_view(&course.state()).into_iter().filter(|line| !before.contains(line)).collect()
}

#[test]
fn a_killed_daemon_leaves_nothing_and_the_lesson_goes_on() {
    let region = Region::new();
    let course = Course::of(&region, "net", &with_web(WAIT));
    let before = host_view(&region.state());
    let victims: [(&str, &[usize]); 4] =
        [("front", &[0]), ("tree", &[1]), ("server", &[2]), ("front and tree", &[0, 1])];
    for (name, which) in victims {
        let running = begin(&course, "default", &["run", "net"]);
        until(&format!("an instance and the block's child run, before {name} is killed"), || {
            let seen = left(&course, &before).join("\n");
            (seen.contains("nspawn") && seen.contains("sleep 2001")).then_some(())
        });
        let pids = daemon(&course);
        for index in which {
            kill(Pid::from_raw(pids[*index]), Signal::SIGKILL).expect("kill");
        }
        let output = running.wait_with_output().expect("ends");
        expect(
            &output,
            3,
            &["wait interrupted", "does not run any more (the last one ended at", "`lab run` goes on"],
        );
        until("nothing of it is left", || left(&course, &before).is_empty().then_some(()));
        let output = course.lab(&["status"]);
        expect(
            &output,
            0,
            &[
                "not running (the last one ended at",
                "net: 2 blocks done",
                "`wait` failed",
                "`lab run net` goes on",
            ],
        );
    }
    let home = course.state().join("labs/default/home");
    fs::write(home.join("go"), "").expect("written");
    let output = course.lab(&["run", "net", "--format", "json"]);
    expect(&output, 0, &[]);
    assert_eq!(report(&events(&output), "look")["output"], "first\n");
    expect(&course.lab(&["down"]), 0, &["is down"]);

    // Taken away right after a sudden end, and begun anew.
    let running = begin(&course, "default", &["run", "net"]);
    kill(Pid::from_raw(daemon(&course)[0]), Signal::SIGKILL).expect("kill");
    expect(&running.wait_with_output().expect("ends"), 3, &[]);
    expect(&course.lab(&["down"]), 0, &["is down"]);
    let mut running = begin(&course, "default", &["run", "net"]);
    fs::write(home.join("go"), "").expect("written");
    assert!(running.wait().expect("ends").success());
    expect(&course.lab(&["down"]), 0, &["is down"]);
    expect(&course.lab(&["region", "stop"]), 0, &[]);
    until("nothing of it is left", || left(&course, &before).is_empty().then_some(()));
}

const SMALL: &str = "# Small

```sh {#set}
A=1
```

```sh {#wait timeout=5m}
trap '' INT TERM HUP
touch began
sleep 2002 &
until test -e go; do sleep 0.1; done
```
";

const MAKES: &str = "# Makes

```sh {#set}
A=1
```

```sh {#make timeout=5m}
VPC=$(aws ec2 create-vpc --cidr-block 10.0.0.0/16 --query Vpc.VpcId --output text)
touch began
until test -e go; do sleep 0.1; done
echo $A
```
";

#[test]
fn a_killed_or_interrupted_run_goes_on() {
    let region = Region::new();
    let course = Course::of(&region, "small", SMALL);
    let no_child = || {
        until("the block's child ends", || {
            (!host_view(&region.state()).iter().any(|line| line.contains("sleep 2002"))).then_some(())
        });
    };
    for (signal, code) in [(Signal::SIGKILL, None), (Signal::SIGINT, Some(130)), (Signal::SIGTERM, Some(130))]
    {
        let running = begin(&course, "default", &["run", "small"]);
        expect(&course.lab(&["status"]), 0, &["in use by another command"]);
        send(&running, signal);
        let output = running.wait_with_output().expect("ends");
        assert_eq!(output.status.code(), code, "{}", told(&output));
        no_child();
        let output = course.lab(&["status"]);
        expect(&output, 0, &["small: 1 block done", "interrupted in `wait`", "`lab run small` goes on"]);
    }
    // A second Ctrl-C ends it at once.
    let running = begin(&course, "default", &["run", "small"]);
    send(&running, Signal::SIGINT);
    std::thread::sleep(Duration::from_millis(100));
    send(&running, Signal::SIGINT);
    assert_eq!(running.wait_with_output().expect("ends").status.code(), Some(130));
    no_child();

    fs::write(course.state().join("labs/default/home/go"), "").expect("written");
    let output = course.lab(&["run", "small", "--format", "json"]);
    expect(&output, 0, &[]);
    assert!(!events(&output).iter().any(|event| event["block"] == "set"), "{}", told(&output));
    expect(&course.lab(&["down"]), 0, &["is down"]);
}

/// A block of twelve requests that change something, each followed by a place at which it may be stopped.
const STEPS: &str = r#"# Steps

```sh {#set}
at() { touch at-$1; until test -e go || test -e go-$1; do sleep 0.02; done; }
```

```sh {#make timeout=5m}
VPC=$(aws ec2 create-vpc --cidr-block 10.0.0.0/16 --query Vpc.VpcId --output text); at 1
SUBNET=$(aws ec2 create-subnet --vpc-id $VPC --cidr-block 10.0.1.0/24 --query Subnet.SubnetId --output text); at 2
IGW=$(aws ec2 create-internet-gateway --query InternetGateway.InternetGatewayId --output text); at 3
aws ec2 attach-internet-gateway --internet-gateway-id $IGW --vpc-id $VPC; at 4
RT=$(aws ec2 create-route-table --vpc-id $VPC --query RouteTable.RouteTableId --output text); at 5
aws ec2 create-route --route-table-id $RT --destination-cidr-block 0.0.0.0/0 --gateway-id $IGW; at 6
aws ec2 associate-route-table --route-table-id $RT --subnet-id $SUBNET; at 7
SG=$(aws ec2 create-security-group --group-name web --description web --vpc-id $VPC --query GroupId --output text); at 8
aws ec2 authorize-security-group-ingress --group-id $SG --protocol tcp --port 22 --cidr 0.0.0.0/0; at 9
aws ec2 create-key-pair --key-name k --query KeyMaterial --output text > k.pem; chmod 600 k.pem; at 10
WEB=$(aws ec2 run-instances --image-id resolve:ssm:/aws/service/debian/release/13/latest/amd64 --subnet-id $SUBNET \
  --instance-type t3.micro --key-name k --query Instances[0].InstanceId --output text); at 11
aws ec2 create-tags --resources $VPC --tags Key=Name,Value=mine; at 12
ssh-keygen -y -f k.pem | cut -d' ' -f1
```

```sh {#count}
aws ec2 describe-vpcs --query 'length(Vpcs[?!IsDefault])'
aws ec2 describe-subnets --filters Name=vpc-id,Values=$VPC --query 'length(Subnets)'
aws ec2 describe-internet-gateways --query 'length(InternetGateways)'
aws ec2 describe-route-tables --route-table-ids $RT --query 'length(RouteTables[0].Routes)'
aws ec2 describe-security-groups --filters Name=group-name,Values=web --query 'length(SecurityGroups[].IpPermissions[])'
aws ec2 describe-key-pairs --query 'length(KeyPairs)'
aws ec2 describe-instances --query 'length(Reservations[].Instances[])'
```
"#;

/// How often the journal of the default lab says that a request was about to leave, or that a change was made.
fn asked(course: &Course) -> usize {
    let journal = course.state().join("labs/default/journal.jsonl");
    let text = fs::read_to_string(journal).expect("there is a journal");
    text.lines()
        .filter(|line| line.contains(r#""entry":"intended""#) || line.contains(r#""entry":"changed""#))
        .count()
}

/// Runs the lesson `steps` until its block `make` stands at this place, and kills it there.
fn kill_at(course: &Course, place: usize) {
    let home = course.state().join("labs/default/home");
    let mut running = course.command(&["run", "steps"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let running = running.as_mut().expect("lab starts");
    until(&format!("the block is at {place}"), || home.join(format!("at-{place}")).exists().then_some(()));
    send(running, Signal::SIGKILL);
    running.wait().expect("ends");
}

#[test]
#[ignore = "two dozen kills: `make kills`"]
fn a_block_that_is_killed_anywhere_goes_on_by_itself_and_makes_nothing_twice() {
    let region = Region::new();
    let course = Course::of(&region, "steps", STEPS);
    let home = course.state().join("labs/default/home");
    let go = |what: &str| {
        fs::create_dir_all(&home).expect("a directory");
        fs::write(home.join(what), "").expect("written");
    };
    // Undisturbed, for the record.
    go("go");
    let mut record = course.command(&["run", "steps", "--record"]);
    expect(&record.env_remove("INSTA_UPDATE").output().expect("lab starts"), 0, &["3 not recorded yet"]);
    expect(&course.lab(&["review", "--accept"]), 0, &[]);
    let count = fs::read_to_string(course.snapshot("steps__count")).expect("recorded");
    assert!(count.ends_with("1\n1\n1\n2\n1\n1\n1\n"), "{count}");
    assert_eq!(asked(&course), 12);
    expect(&course.lab(&["down"]), 0, &["is down"]);

    for place in 1..=12 {
        (1..place).for_each(|before| go(&format!("go-{before}")));
        kill_at(&course, place);
        let held = course.state().join("labs/default/held.jsonl");
        assert_eq!(held.exists(), place >= 10, "a private key is held while it may be needed");
        go("go");
        // As recorded: the ids of before, in every place.
        let output = course.lab(&["run", "steps"]);
        expect(&output, 0, &["`make` had been cut short", "2 passed"]);
        assert_eq!(asked(&course), 12, "killed at {place}, it asked for something twice");
        assert!(!held.exists(), "nothing is held when the block has ended");
        expect(&course.lab(&["down"]), 0, &["is down"]);
        assert!(!home.exists());
    }

    // Killed again and again, each time one request later.
    for place in 1..=12 {
        kill_at(&course, place);
        go(&format!("go-{place}"));
    }
    expect(&course.lab(&["status"]), 0, &["interrupted in `make`", "`lab run steps` goes on"]);
    expect(&course.lab(&["run", "steps"]), 0, &["`make` had been cut short", "2 passed"]);
    assert_eq!(asked(&course), 12);
    expect(&course.lab(&["down"]), 0, &["is down"]);
    expect(&course.lab(&["region", "status"]), 0, &["0 labs"]);
}

/// A block that asks for something else each time.
const OTHERWISE: &str = "# Otherwise

```sh {#net}
VPC=$(aws ec2 create-vpc --cidr-block 10.0.0.0/16 --query Vpc.VpcId --output text)
```

```sh {#make timeout=5m}
SG=$(aws ec2 create-security-group --group-name g-$RANDOM --description a --vpc-id $VPC --query GroupId --output text) || exit 9
touch began
until test -e go; do sleep 0.1; done
aws ec2 describe-security-groups --query 'length(SecurityGroups[?GroupName!=`default`])'
```
";

#[test]
fn a_block_that_asks_for_something_else_is_told_and_can_be_redone() {
    let region = Region::new();
    let course = Course::of(&region, "other", OTHERWISE);
    let home = course.state().join("labs/default/home");
    let running = begin(&course, "default", &["run", "other"]);
    send(&running, Signal::SIGKILL);
    running.wait_with_output().expect("ends");
    fs::write(home.join("go"), "").expect("written");
    let told = ["had made sg-", "by CreateSecurityGroup", "nothing was sent", "`lab run other --redo`"];
    expect(&course.lab(&["run", "other"]), 1, &told);
    // Just that: the VPC of the block before stays.
    let output = course.lab(&["run", "other", "--redo", "--format", "json"]);
    expect(&output, 0, &[]);
    assert_eq!(report(&events(&output), "make")["output"], "1\n");
    assert!(!events(&output).iter().any(|event| event["block"] == "net"), "{output:?}");
    expect(&course.lab(&["down"]), 0, &["2 resources deleted"]);

    // Or from before the lesson.
    let running = begin(&course, "default", &["run", "other"]);
    send(&running, Signal::SIGKILL);
    running.wait_with_output().expect("ends");
    let mut running = begin(&course, "default", &["run", "other", "--again"]);
    fs::write(home.join("go"), "").expect("written");
    assert!(running.wait().expect("ends").success());
    expect(&course.lab(&["down"]), 0, &["2 resources deleted"]);
}

/// A block whose parts can be lost one by one.
const PARTS: &str = "# Parts

```sh {#net}
VPC=$(aws ec2 create-vpc --cidr-block 10.0.0.0/16 --query Vpc.VpcId --output text)
SUBNET=$(aws ec2 create-subnet --vpc-id $VPC --cidr-block 10.0.0.0/24 --query Subnet.SubnetId --output text)
```

```sh {#make timeout=5m}
aws ec2 create-key-pair --key-name k --query KeyMaterial --output text > k.pem
IDS=$(aws ec2 run-instances --image-id resolve:ssm:/aws/service/debian/release/13/latest/amd64 --subnet-id $SUBNET \\
  --instance-type t3.micro --count 2 --query Instances[].InstanceId --output text)
touch began
until test -e go; do sleep 0.1; done
aws ec2 describe-key-pairs --query 'length(KeyPairs)'
aws ec2 describe-instances --filters Name=instance-state-name,Values=pending,running \\
  --query 'length(Reservations[].Instances[])'
```
";

#[test]
fn half_of_what_a_block_had_made_is_no_ground_to_go_on_from() {
    let region = Region::new();
    let course = Course::of(&region, "parts", PARTS);
    let lab = course.state().join("labs/default");
    let made = |operation: &str| {
        let text = fs::read_to_string(lab.join("journal.jsonl")).expect("readable");
        text.lines().filter(|line| line.contains("intended") && line.contains(operation)).count()
    };
    let cut_short = || {
        let running = begin(&course, "default", &["run", "parts"]);
        send(&running, Signal::SIGKILL);
        running.wait_with_output().expect("ends");
    };
    let whole = |arguments: &[&str]| {
        fs::write(lab.join("home/go"), "").expect("written");
        let output = course.lab(&[arguments, &["--format", "json"]].concat());
        expect(&output, 0, &[]);
        assert_eq!(report(&events(&output), "make")["output"], "1\n2\n");
    };
    cut_short();
    by_hand(
        &course,
        "id=$(aws ec2 describe-instances --query Reservations[0].Instances[0].InstanceId --output text); \
         aws ec2 terminate-instances --instance-ids $id; aws ec2 wait instance-terminated --instance-ids $id",
    );
    let words = ["`make` of parts", "had created key-", "of which some are gone", "--redo", "--again"];
    expect(&course.lab(&["run", "parts"]), 2, &words);
    whole(&["run", "parts", "--redo"]);
    assert_eq!((made("CreateVpc"), made("CreateKeyPair"), made("RunInstances")), (1, 2, 2));
    expect(&course.lab(&["down"]), 0, &["is down"]);

    // The private key is lost, which nobody is given again: another pair is made, and nothing else.
    cut_short();
    fs::remove_file(lab.join("held.jsonl")).expect("it is held");
    whole(&["run", "parts"]);
    assert_eq!((made("CreateVpc"), made("CreateKeyPair"), made("RunInstances")), (1, 2, 1));
    let text = fs::read_to_string(lab.join("journal.jsonl")).expect("readable");
    assert!(!text.contains("PRIVATE KEY"), "the journal has no secrets");
    expect(&course.lab(&["down"]), 0, &["is down"]);
}

#[test]
fn a_block_goes_on_after_work_by_hand() {
    let region = Region::new();
    let course = Course::of(&region, "makes", MAKES);
    let home = course.state().join("labs/default/home");
    for signal in [Signal::SIGKILL, Signal::SIGINT] {
        let running = begin(&course, "default", &["run", "makes"]);
        send(&running, signal);
        running.wait_with_output().expect("ends");
        expect(&course.lab(&["status"]), 0, &["interrupted in `make`", "1 resource in its journal"]);
        by_hand(
            &course,
            "aws ec2 delete-vpc --vpc-id $(aws ec2 describe-vpcs --query Vpcs[0].VpcId --output text)",
        );
    }
    // What is gone is made anew.
    let mut running = begin(&course, "default", &["run", "makes"]);
    fs::write(home.join("go"), "").expect("written");
    assert!(running.wait().expect("ends").success());
    expect(&course.lab(&["down"]), 0, &["1 resource deleted"]);
}

/// Types a line in the lab's shell.
fn by_hand(course: &Course, line: &str) {
    use std::io::Write as _;
    let mut shell = course.command(&["shell"]);
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("lab starts");
    shell.stdin.take().expect("piped").write_all(format!("{line}\n").as_bytes()).expect("typed");
    assert!(shell.wait().expect("ends").success());
}

/// What goes slowly, or is deleted by its name.
const SLOW: &str = "# Slow

```sh {#net}
VPC=$(aws ec2 create-vpc --cidr-block 10.0.0.0/16 --query Vpc.VpcId --output text)
SUBNET=$(aws ec2 create-subnet --vpc-id $VPC --cidr-block 10.0.0.0/24 --query Subnet.SubnetId --output text)
```

```sh {#make timeout=5m}
aws ec2 create-key-pair --key-name lab --query KeyFingerprint > /dev/null
NAT=$(aws ec2 create-nat-gateway --subnet-id $SUBNET --connectivity-type private \\
  --query NatGateway.NatGatewayId --output text)
touch began
until test -e go; do sleep 0.1; done
```
";

#[test]
fn a_block_runs_again_when_what_it_had_made_is_gone() {
    let region = Region::new();
    let course = Course::of(&region, "slow", SLOW);
    let home = course.state().join("labs/default/home");
    let running = begin(&course, "default", &["run", "slow"]);
    send(&running, Signal::SIGKILL);
    running.wait_with_output().expect("ends");
    fs::write(home.join("go"), "").expect("written");
    // A request whose answer never came, and that has made nothing.
    let journal = course.state().join("labs/default/journal.jsonl");
    let lost = r#"{"entry":"intended","at":"2026-01-01T00:00:00Z","token":"t-lost","operation":"RunInstances",
        "region":"us-east-1","origin":{"lesson":"slow","block":"make"}}"#;
    let lost = format!("{}\n", lost.replace('\n', ""));
    fs::write(&journal, fs::read_to_string(&journal).expect("readable") + &lost).expect("written");

    by_hand(
        &course,
        "aws ec2 delete-key-pair --key-name lab; aws ec2 delete-nat-gateway --nat-gateway-id \
         $(aws ec2 describe-nat-gateways --query NatGateways[0].NatGatewayId --output text)",
    );
    let output = course.lab(&["run", "slow"]);
    expect(&output, 0, &["going on from there", "1 not recorded yet"]);
    assert!(!told(&output).contains("RunInstances"), "{}", told(&output));
    let text = fs::read_to_string(&journal).expect("readable");
    assert_eq!(text.matches("CreateNatGateway").count(), 2, "what is gone is made anew");
    expect(&course.lab(&["down"]), 0, &["is down"]);
}

#[test]
fn an_interrupted_verification_takes_its_lab_away() {
    let region = Region::new();
    let course = Course::of(&region, "makes", MAKES);
    let labs = || -> Vec<String> {
        let entries = fs::read_dir(course.state().join("labs")).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    };
    let verify = || {
        let command =
            course.command(&["verify", "--fresh"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let running = command.expect("lab starts");
        let began = |lab: &String| course.state().join("labs").join(lab).join("home/began").exists();
        let lab = until("the block begins", || labs().into_iter().find(began));
        (running, lab)
    };
    let (running, _) = verify();
    send(&running, Signal::SIGINT);
    expect(&running.wait_with_output().expect("ends"), 130, &["taken away: 1 resource deleted"]);
    assert_eq!(labs(), Vec::<String>::new());
    expect(&course.lab(&["status"]), 0, &["no labs"]);

    // Killed, it cannot; then its lab is seen and can be taken away.
    let (mut running, lab) = verify();
    send(&running, Signal::SIGKILL);
    running.wait().expect("ends");
    expect(&course.lab(&["status"]), 0, &[&lab, "interrupted in `make`"]);
    expect(&course.lab(&["down", "--all"]), 0, &[&format!("`{lab}` is down: 1 resource")]);
    assert_eq!(labs(), Vec::<String>::new());

    // When the region ends under it, it comes back for the lab to be taken away.
    let (running, _) = verify();
    kill(Pid::from_raw(daemon(&course)[0]), Signal::SIGKILL).expect("kill");
    expect(
        &running.wait_with_output().expect("ends"),
        3,
        &["the local region does not run any more", "killed"],
    );
    assert_eq!(labs(), Vec::<String>::new());
    expect(&course.lab(&["status"]), 0, &["running for", "no labs"]);
}
