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

/// Blocks of one lab, one after another: each recorded text and what is printed now.
fn lab(blocks: &[(&str, &str, &str)]) -> Vec<Verdict> {
    let mut renaming = Renaming::default();
    let compared = blocks.iter().map(|(vary, old, new)| {
        let vary = if vary.is_empty() { Vec::new() } else { vec![Rules::vary(vary).unwrap()] };
        compare(&record(old), &record(new), &Rules { vary, ..rules("") }, &mut renaming)
    });
    compared.collect()
}

#[test]
fn a_named_group_is_an_identity_of_the_whole_lab() {
    const SUFFIX: &str = "(?<suffix>[0-9a-f]{8}) in [0-9]+ tries";
    let first = (SUFFIX, "made a1b2c3d4 in 3 tries", "made 0f0f0f0f in 5 tries");
    let all = |blocks: &[(&str, &str, &str)]| lab(blocks).iter().map(Verdict::matches).collect::<Vec<_>>();
    // Later blocks know it, with the expression and without.
    let shown = ("", "bucket lab-a1b2c3d4", "bucket lab-0f0f0f0f");
    assert_eq!(all(&[first, shown, (SUFFIX, "a1b2c3d4 in 1 tries", "0f0f0f0f in 2 tries")]), [true; 3]);
    // One that was swapped for another is a difference, in the same block and in any later one.
    let other = (SUFFIX, "a1b2c3d4 in 1 tries", "99999999 in 1 tries");
    assert_eq!(all(&[first, other]), [true, false]);
    assert_eq!(all(&[first, ("", "lab-a1b2c3d4", "lab-99999999")]), [true, false]);
    let two =
        ("x-(?<suffix>[0-9a-f]{8})", "x-a1b2c3d4 x-b1b2c3d4 x-a1b2c3d4", "x-00000001 x-00000002 x-00000002");
    assert_eq!(all(&[two]), [false]);
    let swapped = ("", "one a1b2c3d4, two b1b2c3d4", "one 00000002, two 00000001");
    let two = ("x-(?<suffix>[0-9a-f]{8})", "x-a1b2c3d4 x-b1b2c3d4", "x-00000001 x-00000002");
    assert_eq!(all(&[two, swapped]), [true, false]);
    // Without a name it stays a quantity.
    let unnamed = ("x-([0-9a-f]{8})", "x-a1b2c3d4 x-a1b2c3d4", "x-00000001 x-00000002");
    assert_eq!(all(&[unnamed]), [true]);
    let verdicts = lab(&[first, other]);
    let reason = &reasons(&verdicts[1])[0];
    assert!(reason.contains("the `suffix` recorded as a1b2c3d4 (now 0f0f0f0f"), "{reason}");
}

#[test]
fn a_variable_with_a_name_is_known_in_the_output_of_its_own_block() {
    let vary = vec![Rules::vary("(?<suffix>[0-9a-f]{8})$").unwrap()];
    let rules = Rules { vary, ..rules("") };
    let result = |value: &str, output: &str| Record {
        variables: vec![("SUFFIX".to_owned(), value.to_owned())],
        ..record(output)
    };
    let old = result("a1b2c3d4", "made lab-a1b2c3d4 (new)");
    let mut renaming = Renaming::default();
    assert!(!compare(&old, &result("0f0f0f0f", "made lab-a1b2c3d4 (new)"), &rules, &mut renaming).matches());
    assert!(compare(&old, &result("0f0f0f0f", "made lab-0f0f0f0f (new)"), &rules, &mut renaming).matches());
    // What waits for review speaks of it as what is recorded does.
    let later = Rules::new("later", "laptop");
    let waiting = renaming.translate_record_back(&result("0f0f0f0f", "lab-0f0f0f0f is 7 GB"), &later);
    assert_eq!(
        (waiting.output.as_str(), waiting.variables[0].1.as_str()),
        ("lab-a1b2c3d4 is 7 GB", "a1b2c3d4")
    );
    let stored = serde_json::to_string(&renaming).unwrap();
    assert_eq!(serde_json::from_str::<Renaming>(&stored).unwrap(), renaming, "kept with the lab");
}

#[test]
fn lines_with_named_values_may_come_in_any_order_too() {
    let vary = vec![Rules::vary("x-(?<suffix>[0-9a-f]{8})").unwrap()];
    let rules = Rules { matching: Matching::Lines, vary, ..rules("") };
    let old = "a x-a1b2c3d4\nb x-b1b2c3d4\nc x-a1b2c3d4";
    assert!(alone(old, "b x-00000002\nc x-00000001\na x-00000001", &rules).matches());
    assert!(!alone(old, "b x-00000002\nc x-00000002\na x-00000001", &rules).matches());
}

#[test]
fn line_breaks_at_the_end_are_counted_where_both_are_known() {
    let printed =
        |text: &str| Record { line_breaks: Some(crate::snapshot::line_breaks(text)), ..record(text) };
    let same = |old: &Record, new: &str| compare(old, &printed(new), &rules(""), &mut Renaming::default());
    assert!(same(&printed("a\n"), "a\n").matches());
    for other in ["a", "a\n\n", "a\n\n\n"] {
        let verdict = same(&printed("a\n"), other);
        assert!(reasons(&verdict)[0].contains("expected one line break at the end"), "{verdict:?}");
    }
    let verdict = same(&printed("a"), "a\n\n\n");
    assert_eq!(reasons(&verdict), ["expected no line break at the end of the output, got 3"]);
    assert!(!same(&printed(""), "\n\n").matches(), "nothing, and empty lines");
    assert!(same(&record("a"), "a\n\n\n").matches(), "a record of before they were counted");
    let exit = Rules { matching: Matching::Exit, ..rules("") };
    assert!(compare(&printed("a"), &printed("a\n\n"), &exit, &mut Renaming::default()).matches());
}

#[test]
fn the_middle_of_a_long_output_may_have_any_length() {
    let long = |width: usize, lines: usize, last: &str| {
        let line = |n: usize| format!("{n:06} took {} ms {}\n", "7".repeat(width), "x".repeat(40));
        let all: String = (0..lines).map(line).collect::<String>() + last;
        // As a session keeps it.
        let (head, tail) = (192 * 1024, 64 * 1024 - 64);
        let dropped = all.len().saturating_sub(head + tail);
        let (head, rest) = all.as_bytes().split_at(head.min(all.len()));
        let kept = crate::snapshot::gap::joined(head, dropped as u64, &rest[dropped..]);
        record(&crate::snapshot::ansi::clean(&kept))
    };
    // As many lines at the end, of other lengths: durations decide how many lines are kept.
    let old = long(3, 5000, "end\n");
    assert!(old.output.contains(" bytes ...]\n"));
    let matches = |new: &Record| compare(&old, new, &rules(""), &mut Renaming::default()).matches();
    assert!(matches(&old) && matches(&long(1, 5000, "end\n")) && matches(&long(6, 5000, "end\n")));
    assert!(!matches(&long(3, 5000, "other\n")) && !matches(&long(3, 1000, "end\n")));
    let elsewhere = record(&old.output.replacen("000100 took", "000100 lost", 1));
    assert!(!matches(&elsewhere));
    let elsewhere = record(&old.output.replacen("004990 took", "004990 lost", 1));
    assert!(!matches(&elsewhere), "also behind the gap");
    // One that just fits, and one that just does not.
    let (fits, not) = (long(3, 4160, "end\n"), long(7, 4160, "end\n"));
    assert!(!fits.output.contains(" bytes ...]") && not.output.contains(" bytes ...]"));
    for (old, new) in [(&fits, &not), (&not, &fits)] {
        let verdict = compare(old, new, &rules(""), &mut Renaming::default());
        assert!(verdict.matches(), "{:?}", &reasons(&verdict)[..1]);
    }
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
