//! Checkpoints on real systems: who goes on from one finds what was there, whatever is in its way is told, and nothing
//! that was changed by hand is ever kept.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::blocks::{events, report, with_web};
use crate::course::{Course, Region, told};

/// What the instance has at the end of the first lesson, for the second to change: a disk is kept as what has changed.
const BEGIN: &str = r#"
```sh {#wait-for-web timeout=3m}
aws ec2 wait instance-status-ok --instance-ids $WEB
```

```sh {#begin on=web}
mkdir kept anew void && touch kept/same kept/gone kept/other anew/x void/x
ln kept/same kept/link
sudo rm -r /etc/logrotate.d && sudo mkdir /etc/logrotate.d && sudo touch /etc/logrotate.d/same /etc/logrotate.d/gone
sudo rm -r /etc/xdg
sync
```
"#;

/// What the instance has at the end of the second lesson: a new file, one that is gone, a directory made anew, links.
const WORK: &str = r#"# Two

```sh {#work on=web}
echo one | sudo tee /etc/mark
sudo rm /etc/issue.net
sudo rm -r /etc/skel && sudo mkdir /etc/skel && sudo touch /etc/skel/new
mkdir data && echo text > data/a && ln data/a data/b && ln -s a data/c && chmod 640 data/a
sudo chown 1234:1234 data/a
rm kept/gone && echo other > kept/other && touch kept/new && rm -r anew && mkdir anew && touch anew/y && rm -r void
sudo rm /etc/logrotate.d/gone && sudo touch /etc/logrotate.d/new && sudo mkdir /etc/xdg
```

```sh {#note}
NOTE="a note"
umask 077; echo secret > note
```
"#;

const LOOK: &str = r#"# Three

```sh {#look on=web}
cat /etc/mark
ls /etc/issue.net 2>&1 || true
ls /etc/skel
stat -c '%n %A %h %u %F' data/*
cat /proc/sys/kernel/hostname
```

```sh {#look-further on=web}
ls; ls kept anew /etc/logrotate.d; ls -A /etc/xdg | wc -l
cat kept/other; stat -c '%n %h' kept/same kept/link
```

```sh {#look-here}
echo "$NOTE"; stat -c '%a %U' note my-key.pem; pwd
```

```sh {#look-at-cloud}
aws ec2 describe-instances --instance-ids $WEB --output text \
  --query 'Reservations[0].[OwnerId,Instances[0].[InstanceId,PrivateIpAddress,State.Name]]'
aws sts get-caller-identity --query Account --output text
aws ec2 describe-instance-status --instance-ids $WEB --query InstanceStatuses[0].InstanceStatus.Status --output text
```
"#;

/// A course of three lessons with one instance.
fn course(region: &Arc<Region>) -> Course {
    let course = Course::of(region, "01-one", &with_web(BEGIN));
    fs::write(course.lesson("02-two"), WORK).expect("written");
    fs::write(course.lesson("03-three"), LOOK).expect("written");
    let summary = "# Summary\n\n- [One](01-one.md)\n- [Two](02-two.md)\n- [Three](03-three.md)\n";
    fs::write(course.root().join("lessons/SUMMARY.md"), summary).expect("written");
    course
}

/// A run that ends with this status, as events.
fn run(course: &Course, code: i32, arguments: &[&str]) -> Vec<Value> {
    let output = course.lab(&[arguments, &["--format", "json"]].concat());
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{}", told(&output));
    events(&output)
}

/// The lessons to which this happened.
fn lessons<'a>(events: &'a [Value], event: &str) -> Vec<&'a str> {
    let found = events.iter().filter(|e| e["event"] == event);
    let mut lessons: Vec<&str> = found.filter_map(|e| e["lesson"].as_str()).collect();
    lessons.dedup();
    lessons
}

/// The lessons of which a block ran.
fn ran(events: &[Value]) -> Vec<&str> {
    lessons(events, "block-started")
}

fn restored(events: &[Value]) -> Option<&str> {
    events.iter().find(|event| event["event"] == "state-restored")?["after"].as_str()
}

fn outputs(events: &[Value]) -> Vec<String> {
    let blocks = ["look", "look-further", "look-here", "look-at-cloud"];
    blocks.map(|block| report(events, block)["output"].as_str().expect("an output").to_owned()).to_vec()
}

fn expect(output: &Output, code: i32, words: &[&str]) {
    let text = told(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is not in:\n{text}");
    }
}

/// The directories of all checkpoints, by the lesson that they are after.
fn kept(region: &Region) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(region.cache().join("checkpoints")).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let text = fs::read(entry.path().join("checkpoint.json")).ok()?;
            let manifest: Value = serde_json::from_slice(&text).ok()?;
            Some((manifest["lesson"].as_str()?.to_owned(), entry.path()))
        })
        .collect();
    found.sort();
    found
}

fn states(region: &Region) -> usize {
    // Those that are on their way out are out of sight.
    let entries = fs::read_dir(region.cache().join("checkpoints/states")).into_iter().flatten().flatten();
    entries.filter(|entry| !entry.file_name().to_string_lossy().starts_with('.')).count()
}

fn shell(course: &Course, lab: &str, typed: &str) -> Output {
    let mut child = course
        .command(&["shell", "--lab", lab])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("lab starts");
    child.stdin.take().expect("piped").write_all(typed.as_bytes()).expect("typed");
    child.wait_with_output().expect("ends")
}

#[test]
fn labs_that_go_on_from_one_checkpoint_find_the_same_and_do_not_meet() {
    let region = Region::new();
    let course = course(&region);
    let first = run(&course, 0, &["run", "03-three", "--lab", "first"]);
    assert_eq!(ran(&first), ["01-one", "02-two", "03-three"]);
    assert_eq!(lessons(&first, "state-kept"), ["01-one", "02-two", "03-three"]);
    assert_eq!(restored(&first), None);

    // The lab that made the checkpoint still runs: all three have the same ids.
    let (second, third) = std::thread::scope(|scope| {
        let go = |lab| {
            let course = &course;
            scope.spawn(move || run(course, 0, &["run", "03-three", "--lab", lab]))
        };
        let (second, third) = (go("second"), go("third"));
        (second.join().expect("runs"), third.join().expect("runs"))
    });
    for events in [&second, &third] {
        assert_eq!(restored(events), Some("02-two"));
        assert_eq!(ran(events), ["03-three"]);
        assert_eq!(outputs(events), outputs(&first));
        assert!(lessons(events, "state-kept").is_empty(), "it is there already");
    }
    assert!(
        outputs(&first)[0].starts_with("one\nls: cannot access '/etc/issue.net'"),
        "{:?}",
        outputs(&first)
    );

    let ssh = |lab: &str, command: &str| course.lab(&["ssh", "web", "--lab", lab, "--", command]);
    expect(&ssh("second", "echo two | sudo tee /etc/mark; mv data/a data/d; sync"), 0, &["two"]);
    for lab in ["first", "third"] {
        expect(&ssh(lab, "cat /etc/mark; ls data"), 0, &["one\na\nb\nc\n"]);
    }
    // What one takes away is the others' still.
    expect(&course.lab(&["down", "--lab", "first"]), 0, &["is down"]);
    expect(&ssh("third", "cat /etc/mark"), 0, &["one"]);
    let created = shell(&course, "third", "aws ec2 create-vpc --cidr-block 10.9.0.0/16 --query Vpc.VpcId\n");
    let other = shell(&course, "second", "aws ec2 create-vpc --cidr-block 10.9.0.0/16 --query Vpc.VpcId\n");
    assert_ne!(created.stdout, other.stdout, "new ids are each lab's own");

    // All checkpoints go, but not what is under a disk; and the daemon may die.
    expect(&course.lab(&["region", "reset", "--yes", "--checkpoints"]), 0, &["3 checkpoints are removed"]);
    assert_eq!((kept(&region).len(), states(&region)), (0, 0));
}

#[test]
fn a_disk_over_a_checkpoint_outlives_the_checkpoint_and_the_daemon() {
    let region = Region::new();
    let course = course(&region);
    run(&course, 0, &["run", "02-two", "--lab", "first"]);
    let events = run(&course, 0, &["run", "03-three"]);
    assert_eq!(restored(&events), Some("02-two"));
    expect(&course.lab(&["ssh", "web", "--", "echo more | sudo tee -a data/c; sync"]), 0, &[]);
    for (_, checkpoint) in kept(&region) {
        fs::remove_dir_all(checkpoint).expect("removed");
    }
    let pid = fs::read_to_string(course.state().join("region/pid")).expect("a daemon runs");
    let pid = nix::unistd::Pid::from_raw(pid.trim().parse().expect("a number"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("killed");
    // Another lab's checkpoint makes the new daemon sweep.
    run(&course, 0, &["run", "01-one", "--lab", "other"]);
    assert!(states(&region) >= 2, "the one under the disk, and the new one");
    let output = course.lab(&["ssh", "web", "--", "sudo cat data/a /etc/mark; ls /etc/skel"]);
    expect(&output, 0, &["text\nmore\none\nnew\n"]);
    // When the disk goes, so does what was under it.
    expect(&course.lab(&["down"]), 0, &["is down"]);
    let disks = || fs::read_dir(course.state().join("region/guests")).expect("disks").count();
    let begun = Instant::now();
    while disks() > 2 && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(disks(), 2, "those of the two labs that are left");
    run(&course, 0, &["run", "02-two", "--lab", "other"]);
    let named = kept(&region).len();
    assert_eq!((named, states(&region)), (2, 2));
}

#[test]
fn a_verification_runs_what_a_change_affects_and_compares_all() {
    let region = Region::new();
    let course = course(&region);
    let mut command = course.command(&["run", "03-three", "--record"]);
    let recorded = command.env("INSTA_UPDATE", "always").output().expect("lab starts");
    expect(&recorded, 0, &[]);
    expect(&course.lab(&["down"]), 0, &[]);
    let all = ["01-one", "02-two", "03-three"];

    let nothing = run(&course, 0, &["verify"]);
    assert_eq!((lessons(&nothing, "lesson-taken"), ran(&nothing)), (all.to_vec(), vec![]));
    expect(&course.lab(&["verify"]), 0, &["nothing has to run", "results of the checkpoint of"]);
    let fresh = run(&course, 0, &["verify", "--fresh"]);
    assert_eq!((lessons(&fresh, "lesson-taken"), ran(&fresh)), (vec![], all.to_vec()));
    assert_eq!(lessons(&fresh, "state-kept"), all, "they are kept anew");
    let count = |events: &[Value]| {
        let last = events.iter().find(|event| event["event"] == "run-finished").expect("an end");
        (last["tally"]["passed"].clone(), last["complete"].clone())
    };
    assert_eq!(count(&nothing), count(&fresh));

    // Neither prose nor how a result is shown makes anything run; a changed record is noticed all the same.
    course.change(&course.lesson("02-two"), "# Two", "# Another title\n\nProse.");
    course.change(&course.lesson("03-three"), "{#look-here}", "{#look-here show=none}");
    let snapshot = course.snapshot("02-two__work");
    course.change(&snapshot, "\none", "\nother");
    let events = run(&course, 1, &["verify"]);
    assert_eq!((lessons(&events, "lesson-taken"), ran(&events)), (all.to_vec(), vec![]));
    assert_eq!(report(&events, "work")["outcome"], "differed");
    course.change(&snapshot, "\nother", "\none");

    // A changed block runs with all that follows, and nothing before it does.
    course.change(&course.lesson("02-two"), "NOTE=\"a note\"", "NOTE=\"another note\"");
    let events = run(&course, 1, &["verify"]);
    assert_eq!(restored(&events), Some("01-one"));
    assert_eq!(
        (lessons(&events, "lesson-taken"), ran(&events)),
        (vec!["01-one"], vec!["02-two", "03-three"])
    );
    for (block, outcome) in [("make-network", "passed"), ("work", "passed"), ("look-here", "differed")] {
        assert_eq!(report(&events, block)["outcome"], outcome, "{block}");
    }
    // Right by its status, it was kept; and it differs still.
    let events = run(&course, 1, &["verify"]);
    assert_eq!((ran(&events), &report(&events, "look-here")["outcome"]), (vec![], &Value::from("differed")));
    let status = course.lab(&["status"]);
    expect(&status, 0, &["no labs", "checkpoints: 5"]);
}

#[test]
fn again_goes_back_to_the_state_before() {
    let region = Region::new();
    let course = course(&region);
    let first = run(&course, 0, &["run", "03-three"]);
    expect(&course.lab(&["ssh", "web", "--", "echo by hand | sudo tee /etc/mark"]), 0, &[]);
    let again = run(&course, 0, &["run", "03-three", "--again"]);
    assert_eq!((restored(&again), ran(&again)), (Some("02-two"), vec!["03-three"]));
    assert_eq!(outputs(&again), outputs(&first));
    let again = run(&course, 0, &["run", "02-two", "--again"]);
    assert_eq!((restored(&again), ran(&again)), (Some("01-one"), vec!["02-two"]));
    run(&course, 0, &["run", "03-three"]);
}

#[test]
fn what_was_changed_by_hand_or_has_failed_is_not_kept() {
    let region = Region::new();
    let course = course(&region);
    run(&course, 0, &["run", "01-one"]);
    expect(&course.lab(&["ssh", "web", "--", "true"]), 0, &[]);
    let events = run(&course, 0, &["run", "02-two"]);
    assert!(lessons(&events, "state-kept").is_empty());
    expect(&course.lab(&["down"]), 0, &[]);

    run(&course, 0, &["run", "01-one"]);
    shell(&course, "default", "true\n");
    run(&course, 0, &["run", "02-two"]);
    expect(&course.lab(&["down"]), 0, &[]);

    // Keys were given out while nothing was done with them that could be seen.
    expect(&course.lab(&["region", "env", "--lab", "made"]), 0, &["AWS_ACCESS_KEY_ID"]);
    run(&course, 0, &["run", "02-two", "--lab", "made"]);
    run(&course, 0, &["run", "01-one"]);
    expect(&course.lab(&["region", "env"]), 0, &["AWS_ACCESS_KEY_ID"]);
    run(&course, 0, &["run", "02-two"]);
    expect(&course.lab(&["down"]), 0, &[]);

    // It ends well in the end, but not by the lessons alone.
    course.change(&course.lesson("02-two"), "NOTE=\"a note\"", "NOTE=\"a note\"; false");
    run(&course, 1, &["run", "02-two"]);
    course.change(&course.lesson("02-two"), "NOTE=\"a note\"; false", "NOTE=\"a note\"");
    run(&course, 0, &["run", "02-two"]);
    let after: Vec<_> = kept(&region).into_iter().map(|(lesson, _)| lesson).collect();
    assert_eq!(after, ["01-one"]);
}

#[test]
fn a_checkpoint_that_is_not_whole_is_told_and_replayed() {
    let region = Region::new();
    let course = course(&region);
    run(&course, 0, &["run", "03-three", "--lab", "first"]);
    let states = region.cache().join("checkpoints/states");
    let state = |lesson: &str| {
        let (_, checkpoint) = kept(&region).into_iter().find(|(after, _)| after == lesson).expect("is kept");
        let manifest = fs::read(checkpoint.join("checkpoint.json")).expect("readable");
        let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
        states.join(manifest["state"].as_str().expect("a name"))
    };
    // Without its disks it is passed over for the one before.
    fs::remove_dir_all(state("02-two").join("disks")).expect("removed");
    let events = run(&course, 0, &["run", "03-three", "--lab", "second"]);
    let warned = |events: &[Value]| {
        let warning = events.iter().find(|event| event["event"] == "warned").expect("a warning");
        warning["message"].as_str().expect("a message").to_owned()
    };
    assert!(warned(&events).contains("the checkpoint after 02-two is not used"), "{}", warned(&events));
    assert_eq!((restored(&events), ran(&events)), (Some("01-one"), vec!["02-two", "03-three"]));

    for (_, checkpoint) in kept(&region) {
        fs::write(checkpoint.join("checkpoint.json"), "{\"lesson\": \"01-").expect("written");
    }
    let events = run(&course, 0, &["run", "02-two", "--lab", "third"]);
    assert!(warned(&events).contains("cannot be read"), "{}", warned(&events));
    assert_eq!((restored(&events), ran(&events)), (None, vec!["01-one", "02-two"]));
    assert_eq!(lessons(&events, "state-kept"), ["01-one", "02-two"], "good ones take their places");
}

/// A course of two lessons that need no instance; the first has a test that leaves a file on the laptop.
fn small(region: &Arc<Region>) -> Course {
    let one = "# One\n\n```sh {#make}\nA=1\n```\n\n```sh {#test check}\ntouch tested\n```\n";
    let course = Course::of(region, "01-one", one);
    fs::write(course.lesson("02-two"), "# Two\n\n```sh {#look}\nls; echo $A\n```\n").expect("written");
    let summary = "# Summary\n\n- [One](01-one.md)\n- [Two](02-two.md)\n";
    fs::write(course.root().join("lessons/SUMMARY.md"), summary).expect("written");
    course
}

#[test]
fn what_tests_may_have_changed_is_not_kept() {
    let region = Region::new();
    let course = small(&region);
    run(&course, 0, &["run", "01-one"]);
    run(&course, 0, &["check"]);
    let events = run(&course, 0, &["run", "02-two"]);
    assert!(report(&events, "look")["output"].as_str().expect("an output").contains("tested"));
    assert!(lessons(&events, "state-kept").is_empty(), "{events:#?}");
    let after: Vec<_> = kept(&region).into_iter().map(|(lesson, _)| lesson).collect();
    assert_eq!(after, ["01-one"]);
}

#[test]
fn what_a_killed_command_has_half_written_goes_with_its_state() {
    let region = Region::new();
    let course = small(&region);
    run(&course, 0, &["run", "01-one", "--lab", "first"]);
    let half = region.cache().join("checkpoints/.new-x7Kq2a");
    // As it is just before the last step of writing one.
    let cut_short = || {
        let (_, checkpoint) = kept(&region).pop().expect("is kept");
        fs::rename(checkpoint, &half).expect("renamed");
    };
    cut_short();
    run(&course, 0, &["run", "01-one", "--lab", "second"]);
    assert_eq!((half.exists(), kept(&region).len(), states(&region)), (false, 1, 1));
    cut_short();
    expect(&course.lab(&["region", "reset", "--yes", "--checkpoints"]), 0, &["0 checkpoints are removed"]);
    assert_eq!((half.exists(), states(&region)), (false, 0));
}
