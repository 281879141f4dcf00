//! `check` blocks: tests of what the learner has built, run by `lab check` and no part of the story.

use std::fs;

use super::Ran;
use crate::course::{Course, Region, told};

const LESSON: &str = r#"# Checked

```sh {#build}
WORD=blue
echo one >file
```

```sh {#file-is-there check hint="write the file"}
test -e file && test "$WORD" = blue
```

```sh {#two-lines check hint="add a line to the file with echo two >>file"}
test $(wc -l <file) = 2
```

```sh {#nothing-listens check exit=7 timeout=20s}
curl -s -m 5 http://127.0.0.1:9/
```

```sh {#comes-late check eventually=20s}
echo x >>tries; test $(wc -l <tries) -ge 3
```
"#;

#[test]
fn a_lessons_tests_say_what_is_missing_and_change_nothing() {
    let region = Region::new();
    let course = Course::of(&region, "checked", LESSON);
    let before = course.lab(&["check", "checked", "--lab", "one"]);
    assert_eq!(before.status.code(), Some(2), "there is no lab yet: {}", told(&before));

    // A run of the lesson leaves them out.
    let ran = Ran::recording(&course, "checked");
    assert_eq!(ran.code, Some(0), "{}", ran.told);
    assert!(!ran.told.contains("two-lines"), "{}", ran.told);
    let state = course.state().join("labs/one/lab.json");
    let progress = || {
        let state: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&state).expect("readable")).expect("JSON");
        state["progress"].clone()
    };
    let done = progress();

    let checked = Ran::new(&course, "always", &["check", "--lab", "one"]);
    assert_eq!(checked.code, Some(1), "{}", checked.told);
    let two = checked.report("two-lines");
    assert_eq!(two["outcome"], "failed");
    assert_eq!(two["reason"], "exit status 1, expected 0");
    assert_eq!(two["hint"], "add a line to the file with echo two >>file");
    // One that fails keeps no other from being tried.
    for block in ["file-is-there", "nothing-listens", "comes-late"] {
        assert_eq!(checked.report(block)["outcome"], "passed", "{}", checked.told);
    }
    assert_eq!(checked.report("comes-late")["attempts"], 3);
    let person = course.lab(&["check", "--lab", "one"]);
    assert!(told(&person).contains("add a line to the file"), "{}", told(&person));

    // The learner does as the hint says.
    course.change(
        &course.lesson("checked"),
        "```sh {#file-is-there",
        "```sh {#add}\necho two >>file\n```\n\n```sh {#file-is-there",
    );
    assert_eq!(Ran::new(&course, "no", &["run", "checked", "--lab", "one"]).code, Some(0));
    let checked = Ran::new(&course, "always", &["check", "checked", "--lab", "one"]);
    assert_eq!(checked.code, Some(0), "{}", checked.told);
    assert_eq!(progress()["done"].as_array().map(Vec::len), Some(2), "{done:#}");
    let records: Vec<_> = fs::read_dir(course.root().join("snapshots")).expect("readable").collect();
    assert_eq!(records.len(), 1, "tests are not recorded: {records:?}");

    // A lesson without tests has nothing to check.
    fs::write(course.lesson("checked"), "# Checked\n\n```sh {#build}\ntrue\n```\n").expect("written");
    let none = course.lab(&["check", "checked", "--lab", "one"]);
    assert_eq!(none.status.code(), Some(2), "{}", told(&none));
    assert!(told(&none).contains("nothing") || told(&none).contains("anything to check"), "{}", told(&none));
}
