use super::*;

fn intended(token: &str, operation: &str, block: &str) -> Entry {
    Entry::Intended {
        at: Timestamp::UNIX_EPOCH,
        token: token.into(),
        operation: operation.into(),
        region: "us-east-1".into(),
        origin: Some(origin(block)),
        request: None,
    }
}

fn origin(block: &str) -> Origin {
    Origin { lesson: LessonId::new("01-a").expect("valid"), block: BlockName::new(block).expect("valid") }
}

#[test]
fn a_block_is_named_in_one_word() {
    assert_eq!(Origin::from_word(&origin("a").to_word()), Some(origin("a")));
    assert_eq!(origin("a").to_word(), "01-a/a");
    for word in ["", "/", "01-a", "01-a/", "a b/c", "01-a/a/b"] {
        assert_eq!(Origin::from_word(word), None, "{word}");
    }
}

fn created(token: &str, id: &str) -> Entry {
    Entry::Created { at: Timestamp::UNIX_EPOCH, token: token.into(), ids: vec![id.into()], answer: None }
}

#[test]
fn what_was_created_and_not_deleted_lives_also_after_reopening() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal.jsonl");
    let journal = Journal::open(&path).expect("opens");
    journal.write(intended("t1", "CreateVpc", "a")).expect("writes");
    journal.write(created("t1", "vpc-1")).expect("writes");
    journal.write(intended("t2", "CreateSubnet", "b")).expect("writes");
    journal.write(created("t2", "subnet-1")).expect("writes");
    journal
        .write(Entry::Deleted { at: Timestamp::UNIX_EPOCH, ids: vec!["subnet-1".into()] })
        .expect("writes");
    drop(journal);
    let journal = Journal::open(&path).expect("opens again");
    assert_eq!(journal.living(), ["vpc-1"]);
    assert_eq!(journal.created_by(&origin("a")), ["vpc-1"]);
    assert!(journal.created_by(&origin("b")).is_empty());
}

#[test]
fn an_intent_without_an_answer_is_not_forgotten() {
    let dir = tempfile::tempdir().expect("a directory");
    let journal = Journal::open(&dir.path().join("j")).expect("opens");
    journal.write(intended("t1", "RunInstances", "a")).expect("writes");
    assert_eq!(journal.unanswered(), [("t1".to_owned(), "RunInstances".to_owned())]);
    assert_eq!(journal.created_by(&origin("a")).len(), 1);
    journal
        .write(Entry::Refused { at: Timestamp::UNIX_EPOCH, token: "t1".into(), code: "X".into() })
        .expect("writes");
    assert!(journal.unanswered().is_empty());
    assert!(journal.created_by(&origin("a")).is_empty());
}

#[test]
fn each_region_has_what_was_created_there() {
    let dir = tempfile::tempdir().expect("a directory");
    let journal = Journal::open(&dir.path().join("j")).expect("opens");
    assert!(journal.regions().is_empty());
    journal.write(intended("t1", "CreateVpc", "a")).expect("writes");
    journal.write(created("t1", "vpc-1")).expect("writes");
    let mut elsewhere = intended("t2", "CreateVpc", "a");
    let Entry::Intended { region, .. } = &mut elsewhere else { panic!("it is one") };
    *region = "eu-west-1".to_owned();
    journal.write(elsewhere).expect("writes");
    assert_eq!(journal.living_in("eu-west-1"), Vec::<String>::new());
    journal.write(created("t2", "vpc-2")).expect("writes");
    assert_eq!(journal.living_in("us-east-1"), ["vpc-1"]);
    assert_eq!(journal.living_in("eu-west-1"), ["vpc-2"]);
    assert_eq!(journal.regions().into_iter().collect::<Vec<_>>(), ["eu-west-1", "us-east-1"]);
}

#[test]
fn a_torn_last_line_is_dropped() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("j");
    let journal = Journal::open(&path).expect("opens");
    journal.write(created("t1", "vpc-1")).expect("writes");
    drop(journal);
    let mut file = File::options().append(true).open(&path).expect("opens");
    file.write_all(b"{\"entry\":\"crea").expect("writes");
    drop(file);
    let journal = Journal::open(&path).expect("opens in spite of it");
    journal.write(created("t2", "vpc-2")).expect("writes");
    assert_eq!(Journal::open(&path).expect("opens").living(), ["vpc-1", "vpc-2"]);
}

#[test]
fn a_line_that_could_not_be_written_spoils_no_other() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("j");
    let journal = Journal::open(&path).expect("opens");
    journal.write(created("t1", "vpc-1")).expect("writes");
    // As after a write that a full disk has cut short.
    let mut half = File::options().append(true).open(&path).expect("opens");
    half.write_all(b"{\"entry\":\"crea").expect("writes");
    journal.inner.lock().expect("not poisoned").torn = true;
    journal.write(created("t2", "vpc-2")).expect("writes");
    journal.write(created("t3", "vpc-3")).expect("writes");
    assert_eq!(read_living(&path).expect("reads"), ["vpc-1", "vpc-2", "vpc-3"]);
}

#[test]
fn who_only_looks_writes_nothing_and_makes_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("j");
    assert_eq!(read_living(&path).expect("reads"), Vec::<String>::new());
    assert!(!path.exists());
    let mut text = serde_json::to_vec(&created("t1", "vpc-1")).expect("serialises");
    text.extend_from_slice(b"\n{\"entry\":\"crea");
    std::fs::write(&path, &text).expect("written");
    assert_eq!(read_living(&path).expect("reads in spite of it"), ["vpc-1"]);
    assert_eq!(std::fs::read(&path).expect("reads"), text, "the half line may be on its way");
    // What cannot be understood is told with its line, and stays.
    std::fs::write(&path, "{}\n").expect("written");
    assert!(matches!(read_living(&path), Err(JournalError::Parse { line: 1, .. })));
}

#[test]
fn no_line_is_lost_under_those_who_look() {
    const LINES: usize = 400;
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("j");
    let journal = Journal::open(&path).expect("opens");
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    read_living(&path).expect("reads");
                }
            });
        }
        for n in 0..LINES {
            journal.write(created(&format!("t{n}"), &format!("vpc-{n}"))).expect("writes");
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(read_living(&path).expect("reads").len(), LINES);
    assert_eq!(Journal::open(&path).expect("opens").living().len(), LINES);
}
