//! Many instances at once: what they take of the host is raised while the daemon runs, and put back however it ends.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::blocks::{events, report};
use crate::course::{Course, Region, told};

const INSTANCES: &str = "/proc/sys/fs/inotify/max_user_instances";
/// Where it is written down what was raised on this machine, and for whom.
const NOTE: &str = "/run/lab-limits/note.json";
/// What a machine has that nobody has configured.
const USUAL: u64 = 128;

fn limit() -> u64 {
    fs::read_to_string(INSTANCES).expect("this is Linux").trim().parse().expect("a number")
}

/// The process of the daemon that the note knows limits for, by the numbers of the processes.
fn holders() -> Vec<u64> {
    let text = fs::read(NOTE).unwrap_or_default();
    let note: Value = serde_json::from_slice(&text).unwrap_or_default();
    let holders = note["holders"].as_array().cloned().unwrap_or_default();
    holders.iter().filter_map(|holder| holder["pid"].as_u64()).collect()
}

fn until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "it never came to this: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The front of a region's daemon.
fn front(region: &Region) -> u64 {
    fs::read_to_string(region.state().join("region/pid")).expect("it runs").trim().parse().expect("a number")
}

fn killed(pid: u64) {
    kill(Pid::from_raw(i32::try_from(pid).expect("a pid")), Signal::SIGKILL).expect("it runs");
}

/// The child of a process that has this word in its command line.
fn child(of: u64, word: &str) -> u64 {
    let children = fs::read_to_string(format!("/proc/{of}/task/{of}/children")).expect("children");
    let is =
        |pid: &&str| fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains(word));
    children.split_whitespace().find(is).and_then(|pid| pid.parse().ok()).expect("a child")
}

#[test]
fn limits_are_raised_while_a_daemon_runs_and_put_back_however_it_ends() {
    let region = Region::new();
    let course = Course::of(&region, "none", "# Nothing\n");
    type End = fn(u64, &Course);
    let ends: [(&str, End); 3] = [
        ("stopped", |_, course| {
            assert!(course.lab(&["region", "stop"]).status.success());
        }),
        ("killed", |front, _| killed(front)),
        ("killed with its janitor", |front, _| {
            killed(child(front, "region-janitor"));
            killed(front);
        }),
    ];
    for (how, end) in ends {
        assert!(course.lab(&["region", "start"]).status.success());
        let daemon = front(&region);
        assert!(holders().contains(&daemon), "{how}");
        assert!(limit() >= USUAL + 1000, "{how}: {}", limit());
        let status = course.lab(&["region", "status", "--json"]);
        let status: Value = serde_json::from_slice(&status.stdout).expect("JSON");
        assert!(status["room"]["instances"].as_u64().is_some_and(|room| room > 60), "{how}: {status}");
        let before = status["raised"].as_array().expect("a list").iter().find_map(|raised| {
            assert_eq!(raised["failed"], Value::Null, "{raised}");
            (raised["name"] == "fs.inotify.max_user_instances").then(|| raised["before"].as_u64())?
        });
        end(daemon, &course);
        let another = Region::new();
        if how == "killed with its janitor" {
            // Nobody is left to do it: whoever ends next does.
            let course = Course::of(&another, "none", "# Nothing\n");
            assert!(course.lab(&["region", "start"]).status.success());
            assert!(course.lab(&["region", "stop"]).status.success());
        }
        until(&format!("the daemon that was {how} is out of the note"), || !holders().contains(&daemon));
        // Other tests have daemons, too: only the last one puts back what it was.
        if let Some(before) = before {
            until("it is as it was, or others need it", || limit() == before || !holders().is_empty());
        }
    }
}

/// Sets the limit for as long as a test needs that.
struct Usual(u64);

impl Usual {
    fn set(value: u64) -> Self {
        let before = limit();
        fs::write(INSTANCES, value.to_string()).expect("only root can do this test");
        Self(before)
    }
}

impl Drop for Usual {
    fn drop(&mut self) {
        let _ = fs::write(INSTANCES, self.0.to_string());
    }
}

/// Starts so many instances, and waits for their SSH servers.
fn lesson(count: usize) -> String {
    format!(
        r#"# Many

```sh {{#net}}
VPC=$(aws ec2 create-vpc --cidr-block 10.0.0.0/16 --query Vpc.VpcId --output text)
SUBNET=$(aws ec2 create-subnet --vpc-id $VPC --cidr-block 10.0.1.0/24 --query Subnet.SubnetId --output text)
```

```sh {{#launch timeout=10m}}
IDS=$(aws ec2 run-instances --image-id resolve:ssm:/aws/service/debian/release/13/latest/amd64 --subnet-id $SUBNET \
  --instance-type t3.micro --count {count} --query 'Instances[].InstanceId' --output text)
aws ec2 wait instance-running --instance-ids $IDS
aws ec2 wait instance-status-ok --instance-ids $IDS
aws ec2 describe-instances --query 'Reservations[].Instances[].[State.Name,StateReason.Message]' --output text | sort | uniq -c
```
"#
    )
}

/// Runs such a lesson in so many labs at once; how long it took.
fn launch(courses: &[Course], labs: &[&str], count: usize) -> Duration {
    let started = Instant::now();
    thread::scope(|scope| {
        for (course, lab) in courses.iter().zip(labs) {
            scope.spawn(move || {
                let output = course.lab(&["run", "many", "--lab", lab, "--format", "json"]);
                assert!(output.status.success(), "{}", told(&output));
                let events = events(&output);
                let seen = report(&events, "launch")["output"].as_str().unwrap_or_default().trim().to_owned();
                assert_eq!(seen, format!("{count} running\tNone"));
            });
        }
    });
    started.elapsed()
}

/// What `lab region status` says.
fn status(course: &Course) -> Value {
    serde_json::from_slice(&course.lab(&["region", "status", "--json"]).stdout).expect("JSON")
}

/// 60 in four labs and 40 in four others, on a host with the usual limit. It sets the host's limit, so nothing else of
/// `lab` may run meanwhile.
#[test]
#[ignore = "needs the machine for itself: `make many`"]
fn a_hundred_instances_run_on_a_host_with_the_usual_limit() {
    assert!(holders().is_empty(), "stop every local region of this machine first: {:?}", holders());
    let _usual = Usual::set(USUAL);
    let region = Region::new();
    let courses = |count: usize| -> Vec<Course> {
        (0..4).map(|_| Course::of(&region, "many", &lesson(count))).collect()
    };
    let (fifteen, ten) = (courses(15), courses(10));
    let lead = &fifteen[0];
    assert!(lead.lab(&["region", "start"]).status.success());
    let text = told(&lead.lab(&["region", "status"]));
    assert!(
        text.contains("raised on this machine: fs.inotify.max_user_instances from 128 to 1128"),
        "{text}"
    );
    assert!(told(&lead.lab(&["doctor"])).contains("fs.inotify.max_user_instances from 128 to 1128"));
    let empty = status(lead)["memory_mib"].as_u64().expect("the kernel tells");

    let mut seen = String::new();
    let mut tell = |count: usize, took: Duration| {
        let now = status(lead);
        let running = now["labs"].as_array().expect("labs").iter();
        let running = running.flat_map(|lab| lab["instances"].as_array().expect("instances"));
        assert_eq!(running.filter(|instance| instance["state"] == "running").count(), count);
        let each = (now["memory_mib"].as_u64().expect("the kernel tells") - empty) as f64 / count as f64;
        assert!(each < 25.0, "{each} MiB for an instance");
        let room = &now["room"];
        seen += &format!(
            "{count} instances: {:.1} s, {each:.1} MiB each; room for {} more, because of {}\n",
            took.as_secs_f64(),
            room["instances"],
            room["by"]
        );
    };
    let took = launch(&fifteen, &["a", "b", "c", "d"], 15);
    tell(60, took);
    let more = launch(&ten, &["e", "f", "g", "h"], 10);
    tell(100, took + more);
    eprintln!("{seen}");

    let down = lead.lab(&["down", "--all"]);
    assert!(down.status.success(), "{}", told(&down));

    // Somebody sets it while the daemon runs: what there is no room for is refused, by name.
    fs::write(INSTANCES, USUAL.to_string()).expect("written");
    let forty = Course::of(&region, "many", &lesson(40));
    let refused = told(&forty.lab(&["run", "many", "--lab", "i"]));
    for word in
        ["InsufficientInstanceCapacity", "room for 28 more instances, not for 40", "max_user_instances = 128"]
    {
        assert!(refused.contains(word), "{refused}");
    }
    // What somebody has set stays.
    assert!(lead.lab(&["region", "stop"]).status.success());
    assert_eq!(limit(), USUAL);
}
