//! `lab verify` notices: whatever the lessons make, left out or made wrong, one thing at a time, in real runs; and each
//! recorded fact falsified, held against the results of a real run.
//!
//! For whoever writes mutations: `LAB_MUTATIONS=TEXT,TEXT` chooses those whose lesson, block or description has one of these
//! texts, and `LAB_MUTATIONS_REGION=DIRECTORY` keeps the region with its checkpoints, so that the next run begins at once.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use crate::course::{Course, Region, told};

mod apache;
mod change;
mod coverage;
mod falsified;
mod group;
mod http;
mod nat;
mod network;
mod packets;
mod private;
mod run;
mod wordpress;

use change::Mutation;
use group::{Group, groups};

/// What is mutated in each lesson.
const MUTATIONS: &[(&str, &[Mutation])] = &[
    ("01-vpc-and-subnets", network::NETWORK),
    ("02-web-server", network::WEB),
    ("03-apache", apache::APACHE),
    ("04-http-by-hand", http::HTTP),
    ("05-private-subnet", private::PRIVATE),
    ("06-nat", nat::NAT),
    ("07-wordpress", wordpress::WORDPRESS),
    ("08-tcp-ip", packets::PACKETS),
];

/// How many runs go on beside each other: they wait more than they work.
const WORKERS: usize = 4;

/// The text of a lesson as it is.
fn lesson(id: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("lessons").join(format!("{id}.md"));
    fs::read_to_string(path).expect("the lesson is there")
}

/// All runs: every anchor is found, and every block that must notice is there.
fn all(chosen: impl Fn(&str, &Mutation) -> bool) -> Result<Vec<Group>, String> {
    let (mut all, mut wrong) = (Vec::new(), String::new());
    for (lesson, mutations) in MUTATIONS {
        let text = self::lesson(lesson);
        match groups(lesson, &text, mutations.iter().filter(|mutation| chosen(lesson, mutation))) {
            Ok(groups) => all.extend(groups),
            Err(why) => wrong += &why,
        }
    }
    if wrong.is_empty() { Ok(all) } else { Err(wrong) }
}

#[test]
fn every_mutation_has_its_place() {
    let groups = all(|_, _| true).unwrap_or_else(|why| panic!("{why}"));
    assert!(groups.len() > 100);
}

#[test]
fn mutations_of_the_lessons_and_falsified_records_are_noticed() {
    // The others take too long for every run: `make mutations` has them.
    let groups = all(|_, mutation| !mutation.further).unwrap_or_else(|why| panic!("{why}"));
    all_noticed(groups, true);
}

#[test]
#[ignore = "takes half an hour: `make mutations`"]
fn every_mutation_of_the_lessons_is_noticed() {
    let texts = std::env::var("LAB_MUTATIONS").unwrap_or_default();
    let chosen = |lesson: &str, mutation: &Mutation| {
        let words = [lesson, mutation.edit.block, mutation.block, mutation.what];
        texts.split(',').any(|text| words.iter().any(|word| word.contains(text)))
    };
    all_noticed(all(chosen).unwrap_or_else(|why| panic!("{why}")), false);
}

fn all_noticed(mut groups: Vec<Group>, falsified: bool) {
    // What takes long first.
    groups.sort_by_key(|group| std::cmp::Reverse((group.lesson, group.last)));
    let kept = std::env::var_os("LAB_MUTATIONS_REGION");
    let region = kept.map_or_else(Region::new, |kept| Region::kept(Path::new(&kept)));
    let mut failures = String::new();
    // The course as it is: what a mutated lesson builds on is as recorded, and kept.
    let course = Course::copy(&region);
    let mut arguments = vec!["verify", "--quiet"];
    arguments.extend(groups.iter().map(|group| group.lesson).take(1));
    let output = course.lab(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    if falsified && let Err(why) = falsified::noticed(&region) {
        println!("{why}");
        failures += &why;
    }
    let failures = Mutex::new(failures);
    let queue = Mutex::new(VecDeque::from(groups));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("no panic").pop_front();
                    let Some(group) = next else { break };
                    if let Err(why) = tell(&group, || run::noticed(&region, &group)) {
                        *failures.lock().expect("no panic") += &why;
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no panic");
    assert!(failures.is_empty(), "{failures}");
}

/// Runs, and prints which block noticed what; `--nocapture` shows it.
fn tell(group: &Group, run: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let began = Instant::now();
    let result = run();
    let mut table = String::new();
    for Mutation { edit, what, block, .. } in &group.mutations {
        let _ = writeln!(table, "  {}#{}: {what} -> {block}", group.lesson, edit.block);
    }
    println!("{:.0?}{}\n{table}", began.elapsed(), result.as_ref().map_or(", NOT AS EXPECTED", |()| ""));
    result.map_err(|why| {
        println!("{why}");
        format!("{table}{why}\n")
    })
}
