use super::*;

fn fresh() -> LabState {
    LabState::new("default", CloudKind::Local, "us-east-1", Os::Debian, Path::new("lessons"))
}

#[test]
fn a_lab_is_one_commands_at_a_time_and_survives_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("default");
    let mut lab = Lab::open(&path, fresh).expect("opens");
    assert!(matches!(Lab::open(&path, fresh), Err(LabError::Busy(name)) if name == "default"));
    assert!(is_busy(&path));
    lab.state.by_hand = true;
    lab.save().expect("saves");
    let session = lab.state.session.clone();
    drop(lab);
    assert!(!is_busy(&path));
    let mut lab = Lab::open(&path, || panic!("there is a state")).expect("opens again");
    assert!(lab.state.by_hand);
    assert_eq!(lab.state.session, session);
    lab.remove().expect("removes");
    assert!(read_state(&path).expect("reads").is_none());
}

#[test]
fn a_later_or_damaged_state_is_refused_and_kept() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("default");
    drop(Lab::open(&path, fresh).expect("opens"));
    let file = path.join(STATE);
    let text = fs::read_to_string(&file).expect("reads");
    assert!(text.contains("\"version\""), "{text}");
    for (state, words) in
        [(r#"{"version": 2, "all": "new"}"#, "a later `lab`"), ("{", "read the state of the lab")]
    {
        fs::write(&file, state).expect("writes");
        let error = Lab::open(&path, fresh).expect_err("refused").to_string();
        assert!(error.contains(words) && error.contains("lab.json"), "{error}");
        assert_eq!(fs::read_to_string(&file).expect("reads"), state);
    }
    // Of before there were versions.
    let mut old: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    old.as_object_mut().expect("an object").remove("version");
    fs::write(&file, old.to_string()).expect("writes");
    Lab::open(&path, || panic!("there is a state")).expect("opens");
}

#[test]
fn a_directory_whose_journal_names_something_is_not_removed_by_guess() {
    use crate::aws::journal::{Entry, Journal};
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("default");
    drop(Lab::open(&path, fresh).expect("opens"));
    fs::remove_file(path.join(STATE)).expect("removed");
    let journal = Journal::open(&path.join(Lab::JOURNAL)).expect("opens");
    let ids = vec!["vpc-1".to_owned()];
    let (at, token, answer) = (Timestamp::UNIX_EPOCH, "t".to_owned(), None);
    journal.write(Entry::Created { at, token, ids: ids.clone(), answer }).expect("writes");
    let error = remove_stateless(&path, false).expect_err("refused").to_string();
    assert!(error.contains("journal.jsonl") && path.exists(), "{error}");
    journal.write(Entry::Deleted { at, ids }).expect("writes");
    assert!(remove_stateless(&path, false).expect("removed"));
    assert!(!path.exists());
}

#[test]
fn names_that_cannot_be_paths_are_refused() {
    for name in ["", "../x", "A", "-x", "x y", &"x".repeat(33)] {
        assert!(check_name(name).is_err(), "{name}");
    }
    check_name("seat-07").expect("a good name");
}
