//! Labs as a person meets them on the command line: going on, starting over, looking around, and what is refused.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::blocks::{events, report, with_web};
use crate::course::{Course, Region, told};

const ONE: &str = "# One\n\n```sh {#a}\nA=1\necho $A >> log\n```\n\n```sh {#b}\necho b >> log\n```\n";
const TWO: &str = "# Two\n\n```sh {#c}\necho $A\ncat log\n```\n\n```sh {#d}\ntest -e go\n```\n";

/// A course of two lessons that need no instance. The second fails until the laptop has a file `go`.
fn small(region: &Arc<Region>) -> Course {
    let course = Course::of(region, "01-one", ONE);
    fs::write(course.lesson("02-two"), TWO).expect("written");
    fs::write(
        course.root().join("lessons/SUMMARY.md"),
        "# Summary\n\n- [One](01-one.md)\n- [Two](02-two.md)\n",
    )
    .expect("written");
    course
}

fn expect(output: &Output, code: i32, words: &[&str]) {
    let text = told(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is not in:\n{text}");
    }
}

/// `lab ARGUMENTS` with this typed.
fn fed(course: &Course, arguments: &[&str], typed: &str) -> Output {
    let mut child = course
        .command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("lab starts");
    child.stdin.take().expect("piped").write_all(typed.as_bytes()).expect("typed");
    child.wait_with_output().expect("ends")
}

fn go(course: &Course, lab: &str) {
    expect(&fed(course, &["shell", "--lab", lab], "touch go\n"), 0, &[]);
}

#[test]
fn a_lab_goes_on_where_it_was() {
    let region = Region::new();
    let course = small(&region);
    // The lesson before is run first, and named.
    let output = course.lab(&["run", "lessons/02-two.md"]);
    expect(&output, 1, &["not run in this lab yet, so first: 01-one", "exit status 1", "1 failed"]);
    expect(&course.lab(&["status"]), 0, &["01-one: 2 blocks done", "02-two: 1 block done"]);
    expect(&course.lab(&["run", "01-one"]), 0, &["done"]);

    go(&course, "default");
    let output = course.lab(&["run", "02-two", "--format", "json"]);
    expect(&output, 0, &[]);
    let found = events(&output);
    assert!(!found.iter().any(|event| event["block"] == "c"), "`c` has run: {found:#?}");
    assert_eq!(report(&found, "d")["outcome"], "unrecorded");
    expect(&course.lab(&["run", "02-two"]), 0, &["done"]);

    // A lesson whose text has changed cannot go on; prose may change.
    course.change(&course.lesson("01-one"), "# One", "# The first");
    expect(&course.lab(&["run", "02-two"]), 0, &["done"]);
    course.change(&course.lesson("01-one"), "echo b", "echo B");
    expect(&course.lab(&["run", "02-two"]), 2, &["`b` of 01-one has changed since it ran", "--again"]);

    // Starting over is from nothing, also for what came before, and in the same place.
    expect(&course.lab(&["run", "02-two", "--again"]), 1, &["first: 01-one", "exit status 1"]);
    expect(&fed(&course, &["shell"], "cat log; ls\n"), 0, &["1\nB\n"]);
    expect(&course.lab(&["run", "01-one", "--lab", "east", "--region", "ap-northeast-1"]), 0, &[]);
    expect(&course.lab(&["run", "01-one", "--lab", "east", "--again"]), 0, &["ap-northeast-1"]);
    expect(&course.lab(&["down", "--all"]), 0, &["`default` is down", "`east` is down"]);
    expect(&course.lab(&["down"]), 0, &["nothing to take away"]);
    expect(&course.lab(&["run", "02-two", "--quiet"]), 1, &["exit status 1"]);
}

#[test]
fn one_lab_that_cannot_be_taken_away_does_not_keep_the_others() {
    let region = Region::new();
    let course = small(&region);
    expect(&course.lab(&["run", "01-one"]), 0, &[]);
    for name in ["a-broken", "Another one"] {
        let lab = course.state().join("labs").join(name);
        fs::create_dir_all(&lab).expect("a directory");
        fs::write(lab.join("lab.json"), "{").expect("written");
    }
    expect(&course.lab(&["down", "--all"]), 3, &["a-broken", "Another one", "`default` is down"]);
    assert!(!course.state().join("labs/default").exists());
}

#[test]
fn wrong_inputs_are_refused_before_anything_happens() {
    let region = Region::new();
    let course = small(&region);
    let refused = |arguments: &[&str], code: i32, words: &[&str]| expect(&course.lab(arguments), code, words);
    refused(&["run", "02-tow"], 2, &["did you mean `02-two`?"]);
    refused(&["verify", "02-tow"], 2, &["did you mean `02-two`?"]);
    refused(&["lint", "02-tow"], 2, &["did you mean `02-two`?"]);
    refused(&["run", "one"], 2, &["did you mean `01-one`?"]);
    refused(&["run", "lessons/nothing.md"], 2, &["`nothing`"]);
    refused(&["run"], 2, &["LESSON"]);
    refused(&["rnu"], 2, &["Usage"]);
    refused(&["run", "01-one", "--lab", "../up"], 2, &["`../up`"]);
    refused(&["run", "01-one", "--region", "mars"], 2, &["`mars`", "us-east-1"]);
    refused(&["verify", "01-one", "--region", "mars"], 2, &["`mars`", "us-east-1"]);
    refused(&["region", "env", "--region", "mars"], 2, &["`mars`", "us-east-1"]);
    refused(&["ssh", "web"], 2, &["failed to find a lab named `default`"]);
    refused(&["shell", "--lab", "nope"], 2, &["`nope`"]);
    refused(&["status", "--lab", "nope"], 2, &["`nope`"]);
    refused(&["-C", "/", "lint"], 2, &["lessons/SUMMARY.md"]);
    // Nothing came into being by all this.
    expect(&course.lab(&["status"]), 0, &["no labs"]);

    // A lesson of another course, or of none, is not mistaken for this course's of the same name.
    let elsewhere = tempfile::tempdir().expect("a directory");
    let stray = elsewhere.path().join("01-one.md");
    fs::write(&stray, "# Stray\n\n```sh {#a}\nfalse\n```\n").expect("written");
    let stray = stray.to_str().expect("UTF-8");
    refused(&["run", stray], 2, &["is no file of"]);
    let mut outside = course.command(&["run", stray]);
    expect(&outside.current_dir(elsewhere.path()).output().expect("runs"), 2, &["no directory", "-C DIR"]);

    // What there is stays as it is, also with --again.
    expect(&course.lab(&["run", "01-one"]), 0, &[]);
    refused(&["run", "02-tow", "--again"], 2, &["did you mean"]);
    refused(&["run", "01-one", "--cloud", "aws"], 2, &["it is on cloud local", "--lab NAME"]);
    refused(&["run", "01-one", "--region", "eu-west-1"], 2, &["it is in region us-east-1"]);
    refused(&["run", "01-one", "--os", "al2023"], 2, &["its instances run debian"]);
    refused(&["status", "--lab", "defualt"], 2, &["did you mean `default`?"]);
    refused(&["ssh", "web"], 3, &["`web`", "no instance exists"]);
    refused(&["ssh", "laptop"], 2, &["lab shell"]);
    expect(&course.lab(&["run", "01-one"]), 0, &["done"]);
    expect(&course.lab(&["down"]), 0, &["is down"]);
}

#[test]
fn a_lab_is_one_commands_at_a_time() {
    let region = Region::new();
    let course = Course::of(
        &region,
        "slow",
        "# Slow\n\n```sh {#wait}\ntouch began\nuntil test -e go; do sleep 0.1; done\n```\n",
    );
    let mut running = course.command(&["run", "slow"]).stdout(Stdio::null()).spawn().expect("lab starts");
    let home = course.state().join("labs/default/home");
    until(|| home.join("began").exists());
    for arguments in
        [&["run", "slow"][..], &["run", "slow", "--again"], &["down"], &["shell"], &["ssh", "web"]]
    {
        expect(&course.lab(arguments), 3, &["another `lab` command is using it"]);
    }
    expect(&course.lab(&["status"]), 0, &["in use by another command"]);
    // Other labs are free.
    expect(&course.lab(&["down", "--lab", "other"]), 0, &["nothing to take away"]);
    fs::write(home.join("go"), "").expect("written");
    assert!(running.wait().expect("ends").success());
    expect(&course.lab(&["down"]), 0, &["is down"]);
}

/// The region's labs, each with its account.
fn on_region(course: &Course) -> Vec<(String, String)> {
    let status: Value = serde_json::from_slice(&course.lab(&["status", "--json"]).stdout).expect("JSON");
    let labs = status["region"]["labs"].as_array().expect("a list");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    labs.iter().map(|lab| (text(&lab["name"]), text(&lab["account_id"]))).collect()
}

#[test]
fn a_lab_that_cannot_be_opened_loses_nothing_that_was_there() {
    let region = Region::new();
    let course = small(&region);
    // No socket can be where a directory is.
    let in_the_way = |lab: &str| {
        let place = course.state().join("labs").join(lab).join("run/aws.sock");
        fs::create_dir_all(&place).expect("a directory");
        place
    };
    let failing = |lab: &str| expect(&course.lab(&["run", "01-one", "--lab", lab]), 3, &["failed to listen"]);
    expect(&course.lab(&["region", "env", "--lab", "made"]), 0, &["AWS_ACCESS_KEY_ID"]);
    let before = on_region(&course);
    let place = in_the_way("made");
    fs::write(course.state().join("labs/made/home/mine"), "").expect("written");
    failing("made");
    assert_eq!(on_region(&course), before, "with its account");
    expect(&course.lab(&["status"]), 0, &["no labs"]);
    // The region need not run when the command begins.
    expect(&course.lab(&["region", "stop"]), 0, &[]);
    failing("made");
    assert_eq!(on_region(&course), before);
    fs::remove_dir(&place).expect("removed");
    expect(&course.lab(&["run", "01-one", "--lab", "made"]), 0, &[]);
    assert_eq!(on_region(&course), before);
    assert!(course.state().join("labs/made/home/mine").exists());
    // What the command itself has made goes.
    in_the_way("new");
    failing("new");
    assert_eq!(on_region(&course), before);
    assert!(!course.state().join("labs/new/lab.json").exists());
}

#[test]
fn a_lab_whose_region_was_reset_never_goes_on() {
    let region = Region::new();
    let course = small(&region);
    expect(&course.lab(&["run", "01-one"]), 0, &[]);
    expect(&course.lab(&["region", "reset", "--yes"]), 0, &[]);
    for _ in 0..2 {
        expect(&course.lab(&["run", "02-two"]), 3, &["it was reset", "lab down --lab default"]);
    }
    expect(&course.lab(&["down"]), 0, &["is down"]);
    assert_eq!(on_region(&course), []);
}

fn until(done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "it does not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A second instance that only the first reaches.
const DB: &str = r#"
```sh {#launch-db timeout=2m}
DB_SG=$(aws ec2 create-security-group --group-name db --description db --vpc-id $VPC --query GroupId --output text)
aws ec2 authorize-security-group-ingress --group-id $DB_SG --protocol tcp --port 22 --source-group $SG
DB=$(aws ec2 run-instances --image-id resolve:ssm:/aws/service/debian/release/13/latest/amd64 --subnet-id $SUBNET \
  --instance-type t3.micro --key-name my-key --security-group-ids $DB_SG --private-ip-address 10.0.1.20 \
  --no-associate-public-ip-address \
  --tag-specifications 'ResourceType=instance,Tags=[{Key=Name,Value=db}]' --query Instances[0].InstanceId --output text)
aws ec2 wait instance-running --instance-ids $DB
```

```sh {#look on=web}
hostname > /tmp/name; echo $LAB_NUMBER
```
"#;

#[test]
fn labs_do_not_meet_and_can_be_looked_at() {
    let region = Region::new();
    let course = Course::of(&region, "net", &with_web(DB));
    let (one, two) = std::thread::scope(|scope| {
        let run = |lab: &'static str| {
            let course = &course;
            scope.spawn(move || course.lab(&["run", "net", "--lab", lab, "--quiet"]))
        };
        let (one, two) = (run("one"), run("two"));
        (one.join().expect("runs"), two.join().expect("runs"))
    });
    expect(&one, 0, &[]);
    expect(&two, 0, &[]);

    let ssh = |lab: &str, arguments: &[&str]| course.lab(&[&["ssh", "--lab", lab], arguments].concat());
    let output = ssh("one", &["web", "--", "echo one | tee mark; exit 5"]);
    assert_eq!((output.status.code(), &*output.stdout), (Some(5), &b"one\n"[..]), "{}", told(&output));
    // The same address in the other lab is another machine.
    expect(&ssh("two", &["web", "--", "cat mark"]), 1, &["No such file"]);
    expect(&ssh("two", &["web", "--", "hostname -I"]), 0, &["10.0.1."]);
    let output = ssh("one", &["db", "--via", "web", "--", "hostname -I"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "10.0.1.20", "{}", told(&output));
    expect(&ssh("one", &["db", "--", "true"]), 3, &["db"]);
    expect(&ssh("one", &["bd", "--", "true"]), 3, &["there are: db, web"]);
    // Standard input goes there.
    expect(&fed(&course, &["ssh", "web", "--lab", "one"], "echo $((40 + 2)); exit 4\n"), 4, &["42"]);
    expect(&fed(&course, &["ssh", "web", "--lab", "one", "--", "cat"], "through\n"), 0, &["through"]);
    expect(&fed(&course, &["shell", "--lab", "one"], "echo $VPC; exit 6\n"), 6, &["vpc-"]);
    expect(&course.lab(&["status"]), 0, &["one", "two", "web", "db", "running"]);

    // A verification has a lab of its own and takes it away, also when it fails.
    course.change(&course.lesson("net"), "hostname > /tmp/name; echo $LAB_NUMBER", "false");
    expect(&course.lab(&["verify", "net", "--quiet"]), 1, &["exit status 1"]);
    let status: Value = serde_json::from_slice(&course.lab(&["status", "--json"]).stdout).expect("JSON");
    let names = |list: &Value| -> Vec<String> {
        let mut names: Vec<String> = list
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|lab| lab["name"].as_str().map(str::to_owned))
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(&status["region"]["labs"]), ["one", "two"], "{status:#}");
    assert_eq!(status["labs"].as_array().map(Vec::len), Some(2), "{status:#}");

    // One goes, the other stays.
    expect(&course.lab(&["down", "--lab", "two"]), 0, &["`two` is down"]);
    expect(&ssh("one", &["web", "--", "cat mark"]), 0, &["one"]);
    expect(&course.lab(&["down", "--lab", "one"]), 0, &["`one` is down"]);
}

#[test]
fn reports_are_what_they_say() {
    let region = Region::new();
    let odd = "# Odd\n\n```sh {#print}\nprintf '\\033[31mred\\033[0m <&\"]]> \\x01 \\n'\n```\n\n```sh {#fail}\necho '<failed>'\nexit 9\n```\n\n```sh {#never}\ntrue\n```\n";
    let course = Course::of(&region, "odd", odd);
    let plain = |output: &Output| assert!(!told(output).contains('\u{1b}'), "{:?}", told(output));

    // Without NO_COLOR a pipe gets no colours either.
    let output = course.command(&["run", "odd", "--verbose"]).env_remove("NO_COLOR").output().expect("runs");
    expect(&output, 1, &["red", "exit status 9"]);
    plain(&output);
    plain(&course.command(&["lint"]).env_remove("NO_COLOR").output().expect("runs"));
    plain(&course.command(&["run", "nothing"]).env_remove("NO_COLOR").output().expect("runs"));
    plain(&course.command(&["status"]).env_remove("NO_COLOR").output().expect("runs"));
    // `--color always` gives them, and NO_COLOR on a terminal does not.
    let colored =
        course.command(&["run", "odd", "--color", "always"]).env_remove("NO_COLOR").output().expect("runs");
    assert!(told(&colored).contains('\u{1b}'));

    let junit = course.root().join("report.xml");
    let path = junit.to_str().expect("UTF-8");
    let output = course.lab(&["run", "odd", "--again", "--format", "json", "--junit", path]);
    expect(&output, 1, &[]);
    let told = events(&output);
    assert_eq!(told.last().map(|event| event["event"].clone()), Some("run-finished".into()));
    assert_eq!(report(&told, "never")["outcome"], "skipped");
    let check = "import sys, xml.etree.ElementTree as tree; root = tree.parse(sys.argv[1]).getroot(); \
                 print(len(root.findall('.//testcase')), len(root.findall('.//failure')), len(root.findall('.//skipped')))";
    let parsed = Command::new("python3").args(["-c", check, path]).output().expect("python3 runs");
    assert_eq!(
        String::from_utf8_lossy(&parsed.stdout),
        "3 1 1\n",
        "{}",
        String::from_utf8_lossy(&parsed.stderr)
    );

    let output = course.lab(&["run", "odd", "--again", "--format", "github"]);
    expect(&output, 1, &["::error file=lessons/odd.md,line="]);
    // A report that cannot be written is no silence.
    let output = course.lab(&["run", "odd", "--again", "--quiet", "--junit", "/nowhere/report.xml"]);
    expect(&output, 1, &["/nowhere/report.xml"]);
}

/// Drives `lab run --step` on a terminal; the answers are given one by one, each at its question.
const STEPPER: &str = r#"
import os, pty, sys, select, time
answers = sys.argv[1].split(",")
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
seen, asked, deadline = b"", 0, time.monotonic() + 60
while time.monotonic() < deadline:
    ready, _, _ = select.select([fd], [], [], 1)
    if not ready:
        continue
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data:
        break
    seen += data
    if seen.count(b"[q]uit: ") > asked:
        os.write(fd, b"\x03" if answers[asked] == "^C" else answers[asked].encode() + b"\n")
        asked += 1
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(seen)
print("asked", asked, "status", os.waitstatus_to_exitcode(status))
"#;

#[test]
fn stepping_asks_before_each_block() {
    let region = Region::new();
    let course = small(&region);
    go_first(&course);
    let lab = env!("CARGO_BIN_EXE_lab");
    let step = |answers: &str, arguments: &[&str]| {
        let mut command = course.command(&[]);
        let mut python = Command::new("python3");
        python.args(["-c", STEPPER, answers, lab]).args(arguments).current_dir(course.root());
        for (name, value) in command.env("TERM", "xterm").get_envs() {
            if let Some(value) = value {
                python.env(name, value);
            }
        }
        let output = python.output().expect("python3 runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let text = step(",q", &["run", "01-one", "--step"]);
    assert!(text.contains("asked 2 status 130"), "{text}");
    expect(&course.lab(&["status"]), 0, &["01-one: 1 block done"]);
    // Ctrl-C is an answer too.
    let text = step("^C", &["run", "01-one", "--step"]);
    assert!(text.contains("asked 1 status 130"), "{text}");
    let text = step("a", &["run", "02-two", "--step"]);
    assert!(text.contains("asked 1 status 0"), "{text}");
    expect(&course.lab(&["status"]), 0, &["02-two: 2 blocks done"]);
    // NO_COLOR is heeded on a terminal too.
    let text = step("", &["run", "02-two", "--again", "--quiet"]);
    assert!(!text.contains("\u{1b}[3") && !text.contains("\u{1b}[1m"), "{text:?}");
}

fn go_first(course: &Course) {
    course.change(&course.lesson("02-two"), "test -e go", "true");
}
