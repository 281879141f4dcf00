//! What is compared, in runs: values that a lesson makes up, the end of an output, and outputs of any length.

use super::{Ran, recorded, verifies};
use crate::course::{Course, Region};

const LESSON: &str = r#"# Compared

```sh {#make vary="(?<suffix>[0-9a-f]{8})"}
SUFFIX=$(openssl rand -hex 4)
```

```sh {#use}
echo "bucket lab-$SUFFIX"
```

```sh {#keep}
mkdir "lab-$SUFFIX"; ls -d lab-*
```

```sh {#long}
awk 'BEGIN { srand(); for (i = 0; i < 6000; i++) printf "%06d took %d ms %040d\n", i, rand() < 0.5 ? 7 : 123456, i }'
```

```sh {#ending}
printf 'a\n\n\n'
```
"#;

fn suffix(course: &Course) -> String {
    let text = recorded(course, "compared__make");
    text.split("SUFFIX: ")
        .nth(1)
        .and_then(|rest| rest.lines().next())
        .expect("recorded")
        .trim_matches('"')
        .to_owned()
}

#[test]
fn a_value_that_a_lesson_makes_up_is_one_thing_in_the_whole_lab() {
    let region = Region::new();
    let course = Course::of(&region, "compared", LESSON);
    assert_eq!(Ran::recording(&course, "compared").code, Some(0));
    let suffix = suffix(&course);
    assert!(recorded(&course, "compared__use").contains(&format!("bucket lab-{suffix}")));
    assert!(recorded(&course, "compared__long").contains(" bytes ...]\n"));
    assert!(recorded(&course, "compared__ending").contains("\n  line_breaks: 3\n"));
    let ran = verifies(&course);
    assert!(!ran.output("use").contains(&suffix), "by chance the same: {suffix}");

    // Another value where that one is expected, and another end of an output, are differences. What waits for review
    // speaks of the value as it was recorded.
    let lesson = course.lesson("compared");
    course.change(&lesson, "echo \"bucket lab-$SUFFIX\"", "echo \"bucket lab-$(openssl rand -hex 4)\"");
    course.change(&lesson, "ls -d lab-*", "ls -d lab-*; echo more");
    course.change(&lesson, "printf 'a\\n\\n\\n'", "printf 'a'");
    let ran = Ran::new(&course, "new", &["verify", "--fresh"]);
    assert_eq!(ran.code, Some(1), "{}", ran.told);
    let differs =
        |block: &str| ran.report(block)["diff"].as_str().unwrap_or_else(|| panic!("{block}: {}", ran.told));
    assert!(differs("use").contains("bucket lab-"), "{}", differs("use"));
    assert!(
        differs("ending").contains("expected 3 line breaks at the end of the output, got none"),
        "{}",
        differs("ending")
    );
    assert_eq!(ran.report("make")["outcome"], "passed");
    assert_eq!(ran.report("long")["outcome"], "passed");
    let pending = recorded_pending(&course, "compared__keep");
    assert!(pending.contains(&format!("lab-{suffix}\nmore\n")), "{pending}");

    // A record of before line breaks were counted stays as it is.
    let file = course.snapshot("compared__ending");
    course.change(&file, "  line_breaks: 3\n", "");
    course.change(&lesson, "echo \"bucket lab-$(openssl rand -hex 4)\"", "echo \"bucket lab-$SUFFIX\"");
    course.change(&lesson, "ls -d lab-*; echo more", "ls -d lab-*");
    verifies(&course);
}

fn recorded_pending(course: &Course, name: &str) -> String {
    let path = course.snapshot(name).with_extension("snap.new");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
