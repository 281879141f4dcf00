//! A state that makes no sense: it is named, kept, and does not stand in the way of a reset.

use std::fs;
use std::process::Output;

use crate::course::{Region, told};

fn lab(region: &Region, arguments: &[&str]) -> Output {
    region.command(env!("CARGO_BIN_EXE_lab")).args(arguments).output().expect("lab starts")
}

fn expect(output: &Output, success: bool, words: &[&str]) {
    let text = told(output);
    assert_eq!(output.status.success(), success, "{text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is not in:\n{text}");
    }
}

#[test]
fn a_state_that_cannot_be_read_is_named_and_kept_and_a_reset_begins_anew() {
    let region = Region::new();
    let directory = region.state().join("region");
    let file = directory.join("labs.json");
    expect(&lab(&region, &["region", "env", "--lab", "one"]), true, &["AWS_SECRET_ACCESS_KEY"]);
    expect(&lab(&region, &["region", "stop"]), true, &[]);
    let good = fs::read(&file).expect("the list of labs");
    let named = file.display().to_string();
    for (content, said) in [("{ half", "is damaged"), ("{\"version\":99}", "has version 99 of its format")] {
        fs::write(&file, content).expect("written");
        for _ in 0..2 {
            let output = lab(&region, &["region", "start"]);
            expect(&output, false, &["failed to start the local region", &named, said, "`lab region reset`"]);
        }
        // The next command tells why there is no region.
        expect(&lab(&region, &["status"]), true, &["not running (the last one ended at", &named, said]);
        assert_eq!(fs::read_to_string(&file).expect("there"), content, "it is left as it is");
    }
    // What is mended is as it was.
    fs::write(&file, &good).expect("written");
    expect(&lab(&region, &["region", "status"]), false, &["not running"]);
    expect(&lab(&region, &["region", "start"]), true, &[]);
    expect(&lab(&region, &["region", "status"]), true, &["one (us-east-1"]);
    expect(&lab(&region, &["region", "stop"]), true, &[]);

    fs::write(&file, "{ half").expect("written");
    expect(&lab(&region, &["region", "reset", "--yes"]), true, &["what could not be read is kept in"]);
    let kept = fs::read_dir(&directory).expect("readable").flatten().map(|entry| entry.path());
    let kept: Vec<_> = kept
        .filter(|path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("unreadable-")))
        .collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(fs::read_to_string(kept[0].join("labs.json")).expect("kept"), "{ half");
    assert_eq!(fs::read_dir(kept[0].join("accounts")).expect("kept").count(), 1);
    expect(&lab(&region, &["region", "env", "--lab", "one"]), true, &["AWS_SECRET_ACCESS_KEY"]);
}
