//! `lab verify` notices: each rule, route, association and gateway of the lessons left out or pointed elsewhere, one at a
//! time, in real runs; and each recorded fact falsified, held against the results of a real run.

use std::fmt::Write as _;
use std::sync::Mutex;

use crate::course::{Course, told};

/// A change to a lesson that `lab verify` must notice.
struct Mutation {
    lesson: &'static str,
    /// What stands in the lesson, once.
    from: &'static str,
    to: &'static str,
    /// What the report must say: the block that notices.
    block: &'static str,
    /// And a word of the cause.
    cause: &'static str,
}

const fn mutation(
    lesson: &'static str,
    from: &'static str,
    to: &'static str,
    block: &'static str,
    cause: &'static str,
) -> Mutation {
    Mutation { lesson, from, to, block, cause }
}

const NETWORK: &str = "01-vpc-and-subnets";
const WEB: &str = "02-web-server";
const PRIVATE: &str = "05-private-subnet";

const MUTATIONS: &[Mutation] = &[
    mutation(NETWORK, "create-vpc --cidr-block 10.0.0.0/16", "create-vpc --cidr-block 10.0.0.0/17", "show-vpc", "10.0.0.0/17"),
    mutation(
        NETWORK,
        "aws ec2 attach-internet-gateway --internet-gateway-id $IGW --vpc-id $VPC",
        "true",
        "add-default-route",
        "",
    ),
];

#[test]
fn every_mutation_of_the_lessons_is_noticed() {
    let failures = Mutex::new(String::new());
    let next = std::sync::atomic::AtomicUsize::new(0);
    // Waiting for machines to boot takes most of the time, so several run beside each other.
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(mutation) = MUTATIONS.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    if let Err(why) = noticed(mutation) {
                        let mut failures = failures.lock().expect("no panic");
                        let _ = writeln!(failures, "{} `{}` -> `{}`: {why}", mutation.lesson, mutation.from, mutation.to);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no panic");
    assert!(failures.is_empty(), "{failures}");
}

fn noticed(mutation: &Mutation) -> Result<(), String> {
    let course = Course::copy();
    course.change(&course.lesson(mutation.lesson), mutation.from, mutation.to);
    let output = course.lab(&["verify", "--fresh", "--fail-fast", "--quiet", mutation.lesson]);
    let told = told(&output);
    match output.status.code() {
        Some(1) if told.contains(mutation.block) && told.contains(mutation.cause) => Ok(()),
        code => Err(format!("ended with {code:?}, and should tell of `{}`, {}:\n{told}", mutation.block, mutation.cause)),
    }
}
