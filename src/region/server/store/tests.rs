//! Files of other versions, and files that make no sense.

use serde_json::{Value, json};

use super::*;
use crate::region::tree::durable::System;

fn open(directory: &Path) -> Result<Saved, StateError> {
    Store::open(place(directory), Arc::new(System)).map(|(_, saved)| saved)
}

/// Known by the same path to everybody.
fn place(directory: &Path) -> Place {
    Place { directory: directory.to_owned(), shown: directory.to_owned() }
}

fn labs() -> Value {
    json!({"one": {
        "account": "123456789012", "region": "us-east-1", "uid": 1000, "gid": 1000,
        "access_key_id": "AKIAEXAMPLE", "secret_access_key": "secret", "created": "2026-01-01T00:00:00Z",
    }})
}

fn account() -> Value {
    json!({"regions": {}, "issued_addresses": ["203.0.113.9"]})
}

/// A directory with a lab of this version.
fn sample() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |name: &str, content: Value| {
        fs::write(directory.path().join(name), content.to_string()).expect("written");
    };
    fs::create_dir(directory.path().join(ACCOUNTS)).expect("a directory");
    write(LABS, json!({"version": 1, "labs": labs()}));
    write("accounts/123456789012.json", json!({"version": 1, "account": account()}));
    directory
}

fn check(saved: &Saved) {
    assert_eq!(saved.labs.get("one").map(|lab| lab.account.as_str()), Some("123456789012"));
    let address = "203.0.113.9".parse().expect("an address");
    assert!(saved.state.accounts["123456789012"].issued_addresses.contains(&address));
}

#[test]
fn what_version_1_wrote_is_read() {
    check(&open(sample().path()).expect("readable"));
}

#[test]
fn the_one_file_of_before_is_taken_over() {
    let directory = tempfile::tempdir().expect("a directory");
    let state = json!({"generation": 7, "entropy": {"position": 1}, "accounts": {"123456789012": account()}});
    let former = directory.path().join(FORMER);
    fs::write(&former, json!({"labs": labs(), "state": state}).to_string()).expect("written");
    for _ in 0..2 {
        check(&open(directory.path()).expect("taken over"));
        assert!(!former.exists());
    }
    // What a daemon of before would write beside the new files is not taken for the state.
    fs::write(&former, json!({"labs": {}, "state": state}).to_string()).expect("written");
    check(&open(directory.path()).expect("readable"));
}

#[test]
fn what_cannot_be_read_is_named_kept_and_can_be_set_aside() {
    let newer = json!({"version": 2, "labs": "as only version 2 knows"}).to_string();
    let cases: [(&str, Option<&str>, &str); 6] = [
        (LABS, Some("{\"version\": 1, \"labs\": {"), "is damaged (EOF while parsing"),
        (LABS, Some(""), "is damaged"),
        (LABS, Some(&newer), "has version 2 of its format and this program knows 1"),
        ("accounts/123456789012.json", Some("\0\0\0\0"), "is damaged"),
        ("accounts/123456789012.json", None, "is missing, the account of the lab `one`"),
        (FORMER, Some("[]"), "is damaged"),
    ];
    for (name, content, said) in cases {
        let directory = sample();
        let file = directory.path().join(name);
        if name == FORMER {
            fs::remove_file(directory.path().join(LABS)).expect("removed");
        }
        match content {
            Some(content) => fs::write(&file, content).expect("written"),
            None => fs::remove_file(&file).expect("removed"),
        }
        for _ in 0..2 {
            let error = open(directory.path()).expect_err("it makes no sense").to_string();
            assert!(error.contains(said) && error.contains(&file.display().to_string()), "{error}");
            assert!(error.contains("`lab region reset`"), "{error}");
            assert_eq!(fs::read_to_string(&file).ok().as_deref(), content, "it is left as it is");
        }
        let aside = set_aside(place(directory.path())).expect("moved").expect("there was something");
        assert_eq!(fs::read_to_string(aside.join(name)).ok().as_deref(), content, "it is kept");
        assert!(open(directory.path()).expect("begun anew").labs.is_empty());
        assert_eq!(set_aside(place(directory.path())).expect("nothing to do"), None);
        assert_eq!(fs::read_to_string(aside.join(name)).ok().as_deref(), content, "it is still kept");
    }
}

#[test]
fn what_can_be_read_is_not_set_aside() {
    let directory = sample();
    assert_eq!(set_aside(place(directory.path())).expect("nothing to do"), None);
    check(&open(directory.path()).expect("readable"));
}

#[test]
fn accounts_without_a_lab_are_swept() {
    let directory = sample();
    let left = ["accounts/999999999999.json", "accounts/123456789012.json.new"];
    left.iter().for_each(|name| fs::write(directory.path().join(name), "{").expect("written"));
    check(&open(directory.path()).expect("readable"));
    assert!(left.iter().all(|name| !directory.path().join(name).exists()));
}
