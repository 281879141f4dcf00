//! Records falsified on purpose are told of by the command itself.

use crate::course::{Course, Region, told};

/// Records falsified on purpose, in several lessons at once: each must be told of, by the command itself. That every other
/// recorded fact is noticed too is shown beside `snapshot::compare`, where it takes no time.
const FALSIFIED: &[(&str, &str, &str)] = &[
    ("02-web-server__show-listeners", ":22 ", ":23 "),
    ("02-web-server__show-status", "\"ok\"\n}", "\"impaired\"\n}"),
    ("05-private-subnet__ping-db", "0% packet loss", "100% packet loss"),
    ("05-private-subnet__ping-in-vain", "100% packet loss", "0% packet loss"),
    ("05-private-subnet__jump-again", "ip-10-0-2-10", "ip-10-0-1-10"),
];

#[test]
fn falsified_records_are_noticed() {
    let region = Region::new();
    let course = Course::copy(&region);
    for (name, from, to) in FALSIFIED {
        course.change(&course.snapshot(name), from, to);
    }
    // The route to the gateway is recorded as one to another gateway: ids may be others, but only consistently.
    let table = course.snapshot("05-private-subnet__show-route-tables");
    let text = std::fs::read_to_string(&table).expect("recorded");
    let gateway =
        text.split("0.0.0.0/0 ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a route").to_owned();
    course.change(&table, &gateway, "igw-00000000000000001");
    // Two ids that are both known are swapped.
    let subnets = course.snapshot("05-private-subnet__show-subnets");
    let text = std::fs::read_to_string(&subnets).expect("recorded");
    let mut ids = text.split("\"Id\": \"").skip(1).filter_map(|rest| rest.split('"').next());
    let (one, two) = (ids.next().expect("an id").to_owned(), ids.next().expect("another").to_owned());
    let swapped = text.replace(&one, "?").replace(&two, &one).replace('?', &two);
    std::fs::write(&subnets, swapped).expect("written");

    let output = course.lab(&["verify", "--fresh", "--quiet"]);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let blocks = FALSIFIED.iter().map(|(name, ..)| name.split("__").nth(1).expect("a block"));
    for block in blocks.chain(["show-route-tables", "show-subnets"]) {
        assert!(told.contains(&format!("≠ {block} differs")), "`{block}` is not told of:\n{told}");
    }
    assert!(told.contains("igw-00000000000000001"), "the cause is not told of:\n{told}");
}
