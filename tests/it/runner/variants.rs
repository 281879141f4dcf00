//! `os=`: blocks that are for one system's instances only.

use std::fs;

use super::{Ran, recorded};
use crate::course::{Course, Region};

const LESSON: &str = r#"# Variants

```sh {#install os=debian}
echo apt; DONE=apt
```

```sh {#install os=al2023}
echo dnf; DONE=dnf
```

```sh {#only-there os=al2023}
echo never here
```

```sh {#use}
echo "by $DONE"
```
"#;

#[test]
fn a_lab_runs_the_blocks_of_its_system() {
    let region = Region::new();
    let course = Course::of(&region, "variants", LESSON);
    let ran = Ran::recording(&course, "variants");
    assert_eq!(ran.code, Some(0), "{}", ran.told);
    assert_eq!((ran.output("install"), ran.output("use")), ("apt\n", "by apt\n"));
    assert!(!ran.events.iter().any(|event| event["block"] == "only-there"), "{}", ran.told);

    let ran =
        Ran::new(&course, "always", &["run", "variants", "--lab", "other", "--os", "al2023", "--record"]);
    assert_eq!(ran.code, Some(0), "{}", ran.told);
    assert_eq!((ran.output("install"), ran.output("only-there")), ("dnf\n", "never here\n"));
    assert_eq!(
        ran.report("install")["outcome"],
        "differed",
        "what has no record of its own is held against Debian's"
    );
    assert!(recorded(&course, "variants__install").contains("\napt"), "Debian's stays");
    let mut names: Vec<_> = fs::read_dir(course.root().join("snapshots"))
        .expect("readable")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    assert!(names.contains(&"variants__install@al2023.snap".to_owned()), "{names:?}");
    // A change to one system's block is no change for the other.
    course.change(&course.lesson("variants"), "echo dnf; DONE=dnf", "echo dnf5; DONE=dnf");
    assert_eq!(
        Ran::new(&course, "no", &["verify", "variants", "--fresh"]).report("install")["outcome"],
        "passed"
    );
}
