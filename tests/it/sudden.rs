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

#[test]
fn a_block_that_had_created_something_is_not_run_twice() {
    let region = Region::new();
    let course = Course::of(&region, "makes", MAKES);
    let home = course.state().join("labs/default/home");
    for signal in [Signal::SIGKILL, Signal::SIGINT] {
        let running = begin(&course, "default", &["run", "makes"]);
        send(&running, signal);
        running.wait_with_output().expect("ends");
        fs::write(home.join("go"), "").expect("written");
        let refused = course.lab(&["run", "makes"]);
        expect(&refused, 2, &["`make`", "did not come to its end, and had created vpc-", "--again"]);
        expect(&course.lab(&["status"]), 0, &["interrupted in `make`", "1 resource in its journal"]);
        // By hand, as the message says.
        let text = told(&refused);
        let id: String = text[text.find("vpc-").expect("an id")..].chars().take(21).collect();
        let mut shell = course.command(&["shell"]);
        let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("lab starts");
        use std::io::Write as _;
        let line = format!("rm go; aws ec2 delete-vpc --vpc-id {id}\n");
        shell.stdin.take().expect("piped").write_all(line.as_bytes()).expect("typed");
        assert!(shell.wait().expect("ends").success());
    }
    let mut running = begin(&course, "default", &["run", "makes"]);
    fs::write(home.join("go"), "").expect("written");
    assert!(running.wait().expect("ends").success());

    // Or from before the lesson.
    expect(&course.lab(&["down"]), 0, &["1 resource deleted"]);
    let running = begin(&course, "default", &["run", "makes"]);
    send(&running, Signal::SIGKILL);
    running.wait_with_output().expect("ends");
    let mut running = begin(&course, "default", &["run", "makes", "--again"]);
    fs::write(home.join("go"), "").expect("written");
    assert!(running.wait().expect("ends").success());
    expect(&course.lab(&["down"]), 0, &["1 resource deleted"]);
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

    let refused = course.lab(&["run", "slow"]);
    expect(&refused, 2, &["`make`", "had created key-", ", nat-"]);
    assert!(!told(&refused).contains("RunInstances"), "{}", told(&refused));
    let text = told(&refused);
    let id: String = text[text.find("nat-").expect("an id")..].chars().take(21).collect();
    let mut shell = course.command(&["shell"]);
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("lab starts");
    use std::io::Write as _;
    let line =
        format!("aws ec2 delete-key-pair --key-name lab; aws ec2 delete-nat-gateway --nat-gateway-id {id}\n");
    shell.stdin.take().expect("piped").write_all(line.as_bytes()).expect("typed");
    assert!(shell.wait().expect("ends").success());
    expect(&course.lab(&["run", "slow"]), 0, &["going on from there", "1 not recorded yet"]);
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
