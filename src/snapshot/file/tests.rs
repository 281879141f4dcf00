use proptest::prelude::*;

use super::*;

fn record() -> Record {
    Record {
        exit: 1,
        output: "PING 10.0.2.10\n\n---\nsecond: part\n".to_owned(),
        line_breaks: Some(1),
        variables: vec![
            ("SUBNET".to_owned(), "subnet-0123456789abcdef0".to_owned()),
            ("N".to_owned(), "12".to_owned()),
            ("EMPTY".to_owned(), String::new()),
            ("yes".to_owned(), "no".to_owned()),
            ("TWO".to_owned(), "a: 'b'\n\"c\" \\ #d".to_owned()),
        ],
        origin: Origin {
            source: "lessons/05-private-subnet.md".to_owned(),
            line: Some(41),
            description: "ping -c 3 10.0.2.10 # no answer".to_owned(),
            host: "web".to_owned(),
            cloud: "local".to_owned(),
            region: "us-east-1".to_owned(),
            os: "debian".to_owned(),
            date: "2026-11-22".to_owned(),
            attempts: 3,
            extra: vec![("picture".to_owned(), "05-private-subnet__home.png".to_owned())],
        },
    }
}

/// What `cargo insta accept` makes of a pending file.
fn accepted_by_insta(text: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let (new, old) = (dir.path().join("a__b.snap.new"), dir.path().join("a__b.snap"));
    fs::write(&new, text).unwrap();
    insta::Snapshot::from_file(&new).unwrap().save(&old).unwrap();
    fs::read_to_string(old).unwrap()
}

#[test]
fn insta_accepts_a_pending_file_without_changing_a_byte_but_the_line() {
    let pending = to_text(&record(), Kind::Pending);
    assert!(pending.contains("\nassertion_line: 41\n"), "{pending}");
    let accepted = accepted_by_insta(&pending);
    assert_eq!(accepted, pending.replace("assertion_line: 41\n", ""));
    assert_eq!(accepted, to_text(&record(), Kind::Accepted));
}

#[test]
fn insta_reads_what_we_mean() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("05-private-subnet__ping-db.snap.new");
    write(&path, &record(), Kind::Pending).unwrap();
    let snapshot = insta::Snapshot::from_file(&path).unwrap();
    let meta = snapshot.metadata();
    assert_eq!(meta.source(), Some("lessons/05-private-subnet.md"));
    assert_eq!(meta.assertion_line(), Some(41));
    assert_eq!(meta.description(), Some("ping -c 3 10.0.2.10 # no answer"));
    assert_eq!(snapshot.as_text().unwrap().to_string(), "PING 10.0.2.10\n\n---\nsecond: part");
}

#[test]
fn a_record_comes_back_from_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/a__b.snap.new");
    write(&path, &record(), Kind::Pending).unwrap();
    let mut expected = record();
    expected.output = normalise(&expected.output);
    assert_eq!(read(&path).unwrap(), Some(expected));
    assert_eq!(read(&dir.path().join("none.snap")).unwrap(), None);
    let left: Vec<_> =
        fs::read_dir(path.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["a__b.snap.new"], "nothing else is left behind");
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o600, 0o600);
}

#[test]
fn a_record_without_output_has_a_body_that_insta_keeps() {
    let text = to_text(&Record::default(), Kind::Accepted);
    assert_eq!(text, "---\ninfo:\n  exit: 0\n---\n\n");
    assert_eq!(accepted_by_insta(&text), text);
    assert_eq!(from_text(&text, Path::new("x")).unwrap(), Record::default());
}

#[test]
fn what_is_not_a_record_is_refused_with_its_reason() {
    for (text, reason) in [
        ("PING", "does not begin"),
        ("---\ninfo:\n  exit: 0\n", "must end the header"),
        ("---\nsource: x\n---\n", "no `info`"),
        ("---\ninfo:\n  host: x\n---\n", "no `exit`"),
        ("---\n\t: [\n---\n", "the header of"),
        ("---\nextension: png\nsnapshot_kind: binary\n---\n", "binary"),
    ] {
        let error = from_text(text, Path::new("x.snap")).unwrap_err().to_string();
        assert!(error.contains(reason), "{text:?}: {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a program prints and assigns: insta keeps our bytes, and we get back what we wrote.
    #[test]
    fn any_text_survives(output in "(?s).{0,60}", value in "(?s).{0,30}", word in "[ -~]{0,12}") {
        // Output is clean before it is recorded; what `clean` leaves is what files must carry.
        let output = ansi::clean(output.as_bytes());
        let value = ansi::clean(value.as_bytes());
        let record = Record {
            output,
            variables: vec![("A".to_owned(), value), ("B".to_owned(), word.clone())],
            origin: Origin { description: word, ..Origin::default() },
            ..Record::default()
        };
        let text = to_text(&record, Kind::Accepted);
        prop_assert_eq!(&accepted_by_insta(&text), &text);
        let back = from_text(&text, Path::new("x")).unwrap();
        prop_assert_eq!(back.output, normalise(&record.output));
        prop_assert_eq!(back.variables, record.variables);
        prop_assert_eq!(back.origin.description, record.origin.description);
    }
}
