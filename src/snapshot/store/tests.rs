use super::*;
use crate::snapshot::ReviewItem;

fn key(block: &str, os: Os, cloud: &str) -> Key {
    Key {
        lesson: LessonId::new("05-private-subnet").unwrap(),
        block: BlockName::new(block).unwrap(),
        os,
        cloud: cloud.to_owned(),
    }
}

fn record(output: &str) -> Record {
    Record { output: output.to_owned(), ..Record::default() }
}

/// All files below a directory, relative to it.
fn tree(root: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                names.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    names.sort();
    names
}

fn put(store: &Store, name: &str, output: &str) {
    file::write(&store.target(name), &record(output), file::Kind::Accepted).unwrap();
}

#[test]
fn the_most_specific_record_wins() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::with_pending_dir(root.path(), None);
    let found = |os, cloud| store.find(&key("ping-db", os, cloud)).unwrap().map(|found| found.record.output);
    assert_eq!(found(Os::Debian, "local"), None);
    put(&store, "05-private-subnet__ping-db", "base");
    put(&store, "05-private-subnet__ping-db@aws", "aws");
    assert_eq!(found(Os::Al2023, "aws").as_deref(), Some("aws"));
    assert_eq!(found(Os::Al2023, "local").as_deref(), Some("base"));
    put(&store, "05-private-subnet__ping-db@al2023", "al");
    assert_eq!(found(Os::Al2023, "aws").as_deref(), Some("al"));
    put(&store, "05-private-subnet__ping-db@al2023@aws", "al on aws");
    assert_eq!(found(Os::Al2023, "aws").as_deref(), Some("al on aws"));
    assert_eq!(found(Os::Al2023, "local").as_deref(), Some("al"));
    assert_eq!(found(Os::Debian, "aws").as_deref(), Some("aws"));
    assert_eq!(found(Os::Debian, "local").as_deref(), Some("base"));
}

#[test]
fn a_record_of_one_system_is_not_replaced_by_another_systems() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::with_pending_dir(root.path(), None);
    let of = |os: &str, output: &str| {
        let mut record = record(output);
        record.origin.os = os.to_owned();
        record
    };
    let (debian, al2023) = (key("install", Os::Debian, "local"), key("install", Os::Al2023, "local"));
    store.record(&debian, &of("debian", "apt"), Update::Always).unwrap();
    store.record(&al2023, &of("al2023", "dnf"), Update::Always).unwrap();
    assert_eq!(store.find(&debian).unwrap().unwrap().record.output, "apt");
    assert_eq!(store.find(&al2023).unwrap().unwrap().record.output, "dnf");
    store.record(&al2023, &of("al2023", "dnf5"), Update::Always).unwrap();
    store.record(&debian, &of("debian", "apt-get"), Update::Always).unwrap();
    assert_eq!(store.find(&debian).unwrap().unwrap().record.output, "apt-get");
    assert_eq!(store.find(&al2023).unwrap().unwrap().record.output, "dnf5");
    assert_eq!(store.names().unwrap().len(), 2);
}

#[test]
fn a_pending_result_is_accepted_or_rejected() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::with_pending_dir(root.path(), None);
    let ping = key("ping-db", Os::Debian, "local");
    let written = store.record(&ping, &record("one"), Update::New).unwrap();
    let path = root.path().join("snapshots/05-private-subnet__ping-db.snap.new");
    assert_eq!(written, Written::Pending(path));
    let pending = store.pending().unwrap();
    assert_eq!(pending.len(), 1);
    store.accept(&pending[0]).unwrap();
    assert_eq!(tree(root.path()), ["snapshots/05-private-subnet__ping-db.snap"]);
    assert_eq!(store.find(&ping).unwrap().unwrap().record.output, "one");

    store.record(&ping, &record("two"), Update::New).unwrap();
    let items = ReviewItem::all(&store).unwrap();
    assert_eq!(items[0].old.as_ref().unwrap().output, "one");
    assert_eq!(items[0].new.output, "two");
    store.reject(&items[0].pending).unwrap();
    assert_eq!(tree(root.path()), ["snapshots/05-private-subnet__ping-db.snap"]);
    assert_eq!(store.find(&ping).unwrap().unwrap().record.output, "one");
}

#[test]
fn a_new_result_goes_where_the_update_says() {
    let cases = [
        (
            Update::New,
            "a",
            &["snapshots/05-private-subnet__old.snap.new", "snapshots/05-private-subnet__new.snap.new"][..],
        ),
        (Update::Always, "b", &["snapshots/05-private-subnet__new.snap"]),
        (Update::Force, "b", &["snapshots/05-private-subnet__new.snap"]),
        (
            Update::Unseen,
            "a",
            &["snapshots/05-private-subnet__new.snap", "snapshots/05-private-subnet__old.snap.new"],
        ),
        (Update::No, "a", &[]),
    ];
    for (update, old, added) in cases {
        let root = tempfile::tempdir().unwrap();
        let store = Store::with_pending_dir(root.path(), None);
        put(&store, "05-private-subnet__old", "a");
        for block in ["old", "new"] {
            store.record(&key(block, Os::Debian, "local"), &record("b"), update).unwrap();
        }
        let mut expected: Vec<&str> = added.to_vec();
        expected.push("snapshots/05-private-subnet__old.snap");
        expected.sort_unstable();
        assert_eq!(tree(root.path()), expected, "{update:?}");
        let now = store.find(&key("old", Os::Debian, "local")).unwrap().unwrap();
        assert_eq!(now.record.output, old, "{update:?}");
    }
}

#[test]
fn a_result_for_another_system_is_not_taken_for_the_default_one() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::with_pending_dir(root.path(), None);
    store.record(&key("install", Os::Al2023, "aws"), &record("dnf"), Update::Always).unwrap();
    assert_eq!(store.names().unwrap(), ["05-private-subnet__install@al2023"]);
    assert_eq!(store.find(&key("install", Os::Debian, "local")).unwrap(), None);
    store.record(&key("install", Os::Debian, "aws"), &record("apt"), Update::Always).unwrap();
    assert_eq!(store.names().unwrap(), ["05-private-subnet__install", "05-private-subnet__install@al2023"]);
}

#[test]
fn what_matches_leaves_nothing_pending() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::with_pending_dir(root.path(), None);
    let ping = key("ping-db", Os::Debian, "local");
    store.settle(&ping).unwrap();
    store.record(&ping, &record("x"), Update::New).unwrap();
    store.settle(&ping).unwrap();
    assert!(tree(root.path()).is_empty());
}

#[test]
fn pending_files_go_where_insta_looks_for_them() {
    let (root, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Store::with_pending_dir(root.path(), Some(elsewhere.path()));
    store.record(&key("ping-db", Os::Debian, "local"), &record("x"), Update::New).unwrap();
    assert!(tree(root.path()).is_empty());
    assert_eq!(tree(elsewhere.path()), ["snapshots/05-private-subnet__ping-db.snap.new"]);
    store.accept(&store.pending().unwrap()[0]).unwrap();
    assert_eq!(tree(root.path()), ["snapshots/05-private-subnet__ping-db.snap"]);
    assert!(tree(elsewhere.path()).is_empty());
}

#[test]
fn orphans_are_records_without_a_block() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::with_pending_dir(root.path(), None);
    for name in [
        "05-private-subnet__ping-db",
        "05-private-subnet__ping-db@al2023@aws",
        "05-private-subnet__gone",
        "04-x__ping-db",
    ] {
        put(&store, name, "x");
    }
    store.record(&key("gone", Os::Debian, "local"), &record("y"), Update::New).unwrap();
    let known = key("ping-db", Os::Debian, "local");
    let orphans = store.orphans([(&known.lesson, &known.block)]).unwrap();
    assert_eq!(orphans, ["04-x__ping-db", "05-private-subnet__gone"]);
    store.prune(&orphans).unwrap();
    assert_eq!(
        tree(root.path()),
        ["snapshots/05-private-subnet__ping-db.snap", "snapshots/05-private-subnet__ping-db@al2023@aws.snap"]
    );
}

#[test]
fn a_broken_file_is_named() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::with_pending_dir(root.path(), None);
    fs::create_dir_all(store.directory()).unwrap();
    fs::write(store.target("05-private-subnet__ping-db"), "nonsense").unwrap();
    let error = store.find(&key("ping-db", Os::Debian, "local")).unwrap_err().to_string();
    assert!(error.contains("05-private-subnet__ping-db.snap") && error.contains("does not begin"), "{error}");
}
