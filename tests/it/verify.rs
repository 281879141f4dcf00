//! The committed lessons do what is recorded: from nothing, twice, in two regions, with other ids each time.

use std::collections::BTreeMap;
use std::fs;

use crate::course::{Course, Region, told};

/// Every file of the course's snapshots with its contents.
fn snapshots(course: &Course) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(course.root().join("snapshots")).expect("readable");
    entries
        .map(|entry| {
            let path = entry.expect("readable").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read(path).expect("readable"))
        })
        .collect()
}

/// The id of the VPC that a run made, from its events.
fn vpc(events: &str) -> String {
    let event = events
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find(|event| event["event"] == "block-finished" && event["block"] == "create-vpc")
        .expect("the course makes a VPC");
    event["variables"][0][1].as_str().expect("its id").to_owned()
}

#[test]
fn the_course_verifies_from_nothing_in_two_regions() {
    let region = Region::new();
    let course = Course::copy(&region);
    let before = snapshots(&course);
    assert!(before.len() > 250, "only {} results are recorded", before.len());
    let mut vpcs = Vec::new();
    for place in ["us-east-1", "ap-northeast-1"] {
        let mut command = course.command(&["verify", "--fresh", "--format", "json", "--region", place]);
        // What differs would be written, and seen below.
        let output = command.env("INSTA_UPDATE", "new").output().expect("lab starts");
        assert_eq!(output.status.code(), Some(0), "in {place}:\n{}", told(&output));
        vpcs.push(vpc(&String::from_utf8_lossy(&output.stdout)));
        assert!(snapshots(&course) == before, "verifying in {place} has touched the records");
    }
    assert_ne!(vpcs[0], vpcs[1]);
    for recorded in before.values() {
        let recorded = String::from_utf8_lossy(recorded);
        assert!(vpcs.iter().all(|id| !recorded.contains(id)), "a fresh run cannot have recorded ids");
    }
    checks_tell_what_is_built(&course);
}

/// A lesson's checks fail before it and pass after it. Goes on from the states that a verified course has left.
fn checks_tell_what_is_built(course: &Course) {
    let lab = |arguments: &[&str], status: i32| {
        let output = course.lab(arguments);
        assert_eq!(output.status.code(), Some(status), "lab {arguments:?}:\n{}", told(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let lessons = [
        "00-the-finished-network",
        "01-vpc-and-subnets",
        "02-web-server",
        "03-apache",
        "04-http-by-hand",
        "05-private-subnet",
        "06-nat",
        "07-wordpress",
        "08-tcp-ip",
    ];
    for pair in lessons.windows(2) {
        let [before, lesson] = pair else { unreachable!("two each") };
        // That nothing is left to pay for is true before something was bought, too.
        if *lesson == "06-nat" {
            continue;
        }
        lab(&["run", before, "--lab", "learner", "--quiet"], 0);
        let told = lab(&["check", lesson, "--lab", "learner"], 1);
        assert!(told.contains("hint: "), "{told}");
        lab(&["down", "--lab", "learner"], 0);
    }
    let last = lessons[lessons.len() - 1];
    lab(&["run", last, "--lab", "learner", "--quiet"], 0);
    lab(&["check", "--lab", "learner"], 0);
    lab(&["down", "--lab", "learner"], 0);
    // What costs money and was forgotten is told.
    let path = course.lesson("06-nat");
    course.change(&path, "aws ec2 release-address --allocation-id $NAT_EIP", "true");
    course.lab(&["run", "06-nat", "--lab", "learner", "--quiet"]);
    let told = lab(&["check", "06-nat", "--lab", "learner"], 1);
    assert!(told.contains("release-address"), "{told}");
    lab(&["down", "--lab", "learner"], 0);
}
