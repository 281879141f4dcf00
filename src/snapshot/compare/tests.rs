//! The recogniser and the comparison against a directory of realistic outputs, each with what must and what must not
//! compare equal. The format of these files: `tests/fixtures/snapshots/README.md`.

use std::sync::Arc;

use super::*;
use crate::snapshot::Chosen;

mod case;
mod course;
mod generated;
mod mutations;
mod vocabulary;

/// Rules for a block on `web` after a lesson that chose these literals.
fn rules(chosen: &str) -> Rules {
    Rules { chosen: Arc::new(Chosen::in_texts([chosen])), ..Rules::new("this-block", "web") }
}

fn record(output: &str) -> Record {
    Record { output: output.to_owned(), ..Record::default() }
}

/// Compares two outputs with nothing known before.
fn alone(expected: &str, actual: &str, rules: &Rules) -> Verdict {
    compare(&record(expected), &record(actual), rules, &mut Renaming::default())
}

fn reasons(verdict: &Verdict) -> Vec<String> {
    let difference = verdict.difference().into_iter();
    difference.flat_map(|difference| &difference.reasons).map(|reason| reason.message.clone()).collect()
}

#[test]
fn status_and_variables_are_part_of_a_result() {
    let result = |exit, variables: &[(&str, &str)]| Record {
        exit,
        variables: variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..Record::default()
    };
    let (a, b) = ("subnet-0000000000000000a", "subnet-0000000000000000b");
    let (c, d) = ("subnet-0000000000000000c", "subnet-0000000000000000d");
    let expected = result(0, &[("WEB", a), ("DB", b), ("N", "2")]);
    let check = |actual: &Record| {
        reasons(&compare(&expected, actual, &rules(""), &mut Renaming::default())).join("; ")
    };
    assert_eq!(check(&result(0, &[("WEB", c), ("DB", d), ("N", "2")])), "");
    assert_eq!(
        check(&result(0, &[("DB", d), ("WEB", c), ("N", "2")])),
        "",
        "names tell variables, not their order"
    );
    assert_eq!(check(&result(1, &[("WEB", c), ("DB", d), ("N", "2")])), "expected exit status 0, got 1");
    assert_eq!(check(&result(0, &[("WEB", c), ("DB", d), ("N", "3")])), "expected `N=2`, got `N=3`");
    assert_eq!(check(&result(0, &[("WEB", c), ("N", "2")])), "the variable DB is not set");
    assert!(
        check(&result(0, &[("WEB", c), ("DB", c), ("N", "2")]))
            .contains("which stands for subnet-0000000000000000a")
    );
    assert!(
        check(&result(0, &[("WEB", c), ("DB", d), ("N", "2"), ("X", "")])).contains("the variable X is set")
    );
}

#[test]
fn with_match_exit_only_the_status_counts_and_nothing_is_learned() {
    let rules = Rules { matching: Matching::Exit, ..rules("") };
    let mut renaming = Renaming::default();
    let (mut old, new) = (record("vpc-0000000000000000a"), record("completely different"));
    assert!(compare(&old, &new, &rules, &mut renaming).matches());
    assert!(renaming.is_empty());
    old.exit = 2;
    assert!(!compare(&old, &new, &rules, &mut renaming).matches());
}

#[test]
fn the_renaming_grows_only_when_a_block_matches() {
    let mut renaming = Renaming::default();
    let rules = rules("");
    let (old, wrong) = (record("vpc-0000000000000000a\n1"), record("vpc-0000000000000000b\n2"));
    assert!(!compare(&old, &wrong, &rules, &mut renaming).matches());
    assert!(renaming.is_empty());
    let right = record("vpc-0000000000000000c\n1");
    assert!(compare(&old, &right, &rules, &mut renaming).matches());
    assert_eq!(renaming.now("vpc-0000000000000000a"), Some("vpc-0000000000000000c"));
    let later =
        compare(&record("vpc-0000000000000000a"), &record("vpc-0000000000000000b"), &rules, &mut renaming);
    assert_eq!(
        reasons(&later),
        [
            "expected the VPC recorded as vpc-0000000000000000a (now vpc-0000000000000000c, since `this-block`), \
          got vpc-0000000000000000b, which is unknown"
        ]
    );
}

#[test]
fn a_route_to_the_wrong_gateway_points_at_the_cause() {
    let mut renaming = Renaming::default();
    let create = Rules::new("create-gateways", "laptop");
    let old = record("igw-0000000000000000a nat-0000000000000000a");
    let new = record("igw-0000000000000000b nat-0000000000000000b");
    assert!(compare(&old, &new, &create, &mut renaming).matches());
    let route = |target: &str| record(&format!("0.0.0.0/0\t{target}\nstate\tactive\n"));
    let show = Rules::new("show-routes", "laptop");
    let verdict =
        compare(&route("igw-0000000000000000a"), &route("nat-0000000000000000b"), &show, &mut renaming);
    assert_eq!(
        crate::snapshot::render(verdict.difference().unwrap(), false, 100),
        "line 1: expected the internet gateway recorded as igw-0000000000000000a (now igw-0000000000000000b), \
         got nat-0000000000000000b, the NAT gateway, which stands for nat-0000000000000000a (since `create-gateways`)\n\
         output (- recorded, + now):\n\
         - 0.0.0.0/0\tigw-0000000000000000a\n\
         + 0.0.0.0/0\tnat-0000000000000000a\n\
         \x20 state\tactive\n"
    );
}

#[test]
fn vary_makes_its_matches_volatile_where_both_sides_match() {
    let vary = |pattern: &str| Rules { vary: vec![Rules::vary(pattern).unwrap()], ..rules("") };
    assert!(alone("used 12%\nrest", "used 47%\nrest", &vary(r"\d+%")).matches());
    assert!(!alone("used 12%\nrest", "used much\nrest", &vary(r"\d+%")).matches());
    assert!(!alone("used 12%\nrest 1", "used 47%\nrest 2", &vary(r"\d+%")).matches());
    assert!(alone("a\nb 1\nb 2\nc", "a\nb 3\nc", &vary(r"(?:b \d\n)+")).matches(), "over several lines");
    assert!(!alone("a\nb 1\nc", "a\nc", &vary(r"b \d\n")).matches(), "nothing matches it on the other side");
    assert!(Rules::vary("x*").is_err() && Rules::vary("(").is_err());
}

#[test]
fn lines_in_any_order_need_one_renaming() {
    let rules = Rules { matching: Matching::Lines, ..rules("") };
    let id = |n: u32| format!("i-0000000000000000{n:x}");
    let old = format!("{} {}\n{} {}\n{} {}", id(1), id(2), id(2), id(3), id(3), id(1));
    let ring = |a, b, c| format!("{} {}\n{} {}\n{} {}", id(a), id(b), id(c), id(a), id(b), id(c));
    assert!(
        alone(&old, &ring(7, 8, 9), &rules).matches(),
        "a ring is a ring from wherever it is written down"
    );
    let two_ways = format!("{} {}\n{} {}\n{} {}", id(7), id(8), id(7), id(9), id(8), id(9));
    let verdict = alone(&old, &two_ways, &rules);
    assert!(!verdict.matches() && !reasons(&verdict).is_empty());
    assert!(!alone("a\na\nb", "a\nb\nb", &rules).matches(), "lines are counted");
    assert!(alone("a\nb", "b\na", &rules).matches() && !alone("a\nb", "a\nb\nb", &rules).matches());
}

#[test]
fn many_lines_that_are_alike_are_assigned_in_time() {
    let rules = Rules { matching: Matching::Lines, ..rules("") };
    let line = |n: u32| format!("eni-{n:017x} in subnet-{:017x}\n", n % 7);
    let old: String = (0..60).map(line).collect();
    let new: String = (0..60).rev().map(|n| line(n + 1000 * 7)).collect();
    assert!(alone(&old, &new, &rules).matches());
    let line = |n: u32| format!("i-{n:017x} running\n");
    let old: String = (0..2000).map(line).collect();
    let new: String = (0..2000).rev().map(|n| line(n + 7000)).collect();
    assert!(alone(&old, &new, &rules).matches());
    assert!(!alone(&old, &new.replacen("running", "stopped", 1), &rules).matches());
}

#[test]
fn blanks_are_exact_unless_a_width_explains_them() {
    let rules = rules("");
    assert!(!alone("a  b", "a   b", &rules).matches());
    assert!(!alone("{\n    \"a\": 1", "{\n  \"a\": 1", &rules).matches());
    let (old, new) = ("i-0000000000000000a  x", "i-0000000000000000b   x");
    assert!(!alone(old, new, &rules).matches(), "ids have one width");
    assert!(alone("203.0.113.7    x", "203.0.113.70   x", &rules).matches());
    assert!(!alone("203.0.113.7\n  x", "203.0.113.70\n x", &rules).matches(), "indentation is structure");
}

#[test]
fn a_lab_has_one_region_and_the_others_are_themselves() {
    let result = |region: &str, output: &str| {
        let mut record = record(output);
        record.origin.region = region.to_owned();
        record
    };
    let check = |now: &str| {
        let list = "ap-northeast-1\neu-west-1\nus-east-1\nin us-east-1a";
        let (old, new) = (result("us-east-1", list), result("ap-northeast-1", now));
        compare(&old, &new, &rules(""), &mut Renaming::default()).matches()
    };
    assert!(check("ap-northeast-1\neu-west-1\nus-east-1\nin ap-northeast-1a"));
    assert!(!check("ap-northeast-1\neu-west-2\nus-east-1\nin ap-northeast-1a"));
    assert!(!check("ap-northeast-1\neu-west-1\nus-east-1\nin eu-west-1a"));
    assert!(!check("ap-northeast-1\neu-west-1\nus-east-1\nin ap-northeast-1b"));
}
