//! `lab verify` notices: whatever the lessons make, left out or made wrong, one thing at a time, in real runs; and each
//! recorded fact falsified, held against the results of a real run.
//!
//! `LAB_MUTATIONS=TEXT` chooses the mutations whose lesson, block or description has this text.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

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
fn all(chosen: &str) -> Result<Vec<Group>, String> {
    let (mut all, mut wrong) = (Vec::new(), String::new());
    for (lesson, mutations) in MUTATIONS {
        let text = self::lesson(lesson);
        let chosen = mutations.iter().filter(|mutation| {
            let words = [lesson, mutation.edit.block, mutation.block, mutation.what];
            words.iter().any(|word| word.contains(chosen))
        });
        match groups(lesson, &text, chosen) {
            Ok(groups) => all.extend(groups),
            Err(why) => wrong += &why,
        }
    }
    if wrong.is_empty() { Ok(all) } else { Err(wrong) }
}

#[test]
fn every_mutation_has_its_place() {
    let groups = all("").unwrap_or_else(|why| panic!("{why}"));
    assert!(!groups.is_empty());
}

#[test]
fn every_mutation_of_the_lessons_is_noticed() {
    let chosen = std::env::var("LAB_MUTATIONS").unwrap_or_default();
    let mut groups = all(&chosen).unwrap_or_else(|why| panic!("{why}"));
    // What takes long first.
    groups.sort_by_key(|group| std::cmp::Reverse((group.lesson, group.last)));
    let region = Region::new();
    let failures = Mutex::new(String::new());
    // The course as it is: what a mutated lesson builds on is as recorded.
    let course = Course::copy(&region);
    let mut arguments = vec!["verify", "--quiet"];
    arguments.extend(groups.iter().map(|group| group.lesson).take(1));
    let output = course.lab(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let queue = Mutex::new(VecDeque::from(groups));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("no panic").pop_front();
                    let Some(group) = next else { break };
                    let began = std::time::Instant::now();
                    let result = run::noticed(&region, &group);
                    println!("{} in {:.0?}", group.lesson, began.elapsed());
                    for mutation in &group.mutations {
                        println!(
                            "  {}#{}: {} -> {}",
                            group.lesson, mutation.edit.block, mutation.what, mutation.block
                        );
                    }
                    if let Err(why) = result {
                        println!("{why}");
                        let mut failures = failures.lock().expect("no panic");
                        let whats: Vec<&str> = group.mutations.iter().map(|mutation| mutation.what).collect();
                        let _ = writeln!(failures, "{}: {}:\n{why}", group.lesson, whats.join("; "));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no panic");
    assert!(failures.is_empty(), "{failures}");
}
