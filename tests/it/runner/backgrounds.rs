//! `background`, `logs` and `stop`: what is left running, what it printed, and its end.

use std::fs;

use super::{Ran, verifies};
use crate::blocks::with_web;
use crate::course::{Course, Region, told};
use crate::daemon_world::host_view;

/// A service that tells each line that is sent to it. It counts them, so that the log shows what is told only once.
const SERVICE: &str = r#"
```sh {#serve background ready="ready" on=web}
mkfifo calls
exec 3<>calls
sleep 1010 3>&- &
echo "ready"
n=0
while read -r line <&3; do n=$((n + 1)); echo "call $n: $line"; done
```

```sh {#call-one on=web}
echo one >calls
```

```sh {#log-one logs=serve eventually=20s until="call 1"}
```

```sh {#call-more on=web}
echo two >calls; sleep 0.2; echo three >calls
```

```sh {#log-more logs=serve eventually=20s until="call 3"}
```

```sh {#log-nothing logs=serve}
```
"#;

const STOPPED: &str = r#"
```sh {#stop-it stop=serve}
```

```sh {#after-stop on=web exit=1}
pgrep -fx 'sleep 1010'
```

```sh {#left background ready="on its way"}
echo on its way; exec sleep 1011
```

```sh {#left-far background on=web}
sudo sleep 1012
```

```sh {#both-run on=web eventually=20s}
pgrep -fx 'sleep 1012' >/dev/null
```
"#;

#[test]
fn a_service_is_left_running_read_and_stopped() {
    let region = Region::new();
    let course = Course::of(&region, "01-serve", &with_web(&format!("{SERVICE}{STOPPED}")));
    fs::write(course.lesson("02-after"), "# After\n\n```sh {#gone on=web exit=1}\npgrep -x sleep\n```\n\n```sh {#gone-here}\n[[ $(cat /proc/[0-9]*/cmdline | tr '\\0' ' ') != *'sleep 1011'* ]]\n```\n")
        .expect("written");
    let summary = "# Summary\n\n- [Serve](01-serve.md)\n- [After](02-after.md)\n";
    fs::write(course.root().join("lessons/SUMMARY.md"), summary).expect("written");
    let ran = Ran::recording(&course, "01-serve");
    assert_eq!(ran.output("serve"), "ready\n", "{}", ran.told);
    assert_eq!(ran.output("log-one"), "call 1: one\n");
    assert_eq!(ran.output("log-more"), "call 2: two\ncall 3: three\n");
    assert_eq!(ran.output("log-nothing"), "");
    assert_eq!(ran.output("after-stop"), "");
    assert_eq!(ran.output("left"), "on its way\n");
    assert_eq!(ran.code, Some(0), "{}", ran.told);
    // The lesson's end has ended the rest, while the lab lives on.
    let left: Vec<String> =
        host_view(&region.state()).into_iter().filter(|line| line.contains("sleep 101")).collect();
    assert_eq!(left, Vec::<String>::new());
    let ran = Ran::recording(&course, "02-after");
    assert_eq!(ran.code, Some(0), "{}", ran.told);
    let down = course.lab(&["down", "--lab", "one"]);
    assert!(down.status.success(), "{}", told(&down));
    verifies(&course);
}

#[test]
fn a_background_block_that_is_not_there_any_more_is_told_with_its_reason() {
    let region = Region::new();
    // What the last block is, what it fails with, and what the failed one had printed.
    let cases = [
        (
            "```sh {#bad background ready=\"listening\"}\necho trying; sleep 0.3; echo port taken; exit 3\n```\n",
            "it ended with exit status 3 before `listening` appeared",
            "trying\nport taken\n",
        ),
        (
            "```sh {#bad background ready=\"listening\"}\necho all done\n```\n",
            "it ended with exit status 0 before `listening` appeared",
            "all done\n",
        ),
        (
            "```sh {#bad background ready=\"listening\" timeout=2s}\necho slow; exec sleep 1013\n```\n",
            "`listening` did not appear within 2 s",
            "slow\n",
        ),
        (
            "```sh {#short background ready=\"up\"}\necho up; exit 4\n```\n\n```sh {#wait}\nsleep 1\n```\n\n```sh {#bad stop=short}\n```\n",
            "`short` had ended before: it ended with exit status 4",
            "",
        ),
        (
            "```sh {#once background ready=\"up\"}\necho up; exec sleep 1014\n```\n\n```sh {#end stop=once}\n```\n\n\
             ```sh {#bad logs=once}\n```\n",
            "`once`",
            "",
        ),
    ];
    let course = Course::of(&region, "odd", "# Odd\n");
    for (block, words, printed) in cases {
        fs::write(course.lesson("odd"), format!("# Odd\n\n{block}\n```sh {{#never}}\ntrue\n```\n"))
            .expect("written");
        let ran = Ran::new(&course, "no", &["run", "odd", "--again"]);
        let reason = ran.failure("bad");
        assert!(reason.contains(words), "{block}: {reason}");
        assert_eq!(ran.report("bad")["output"], printed, "{block}");
        assert_eq!(ran.report("never")["outcome"], "skipped", "{block}");
        let left: Vec<String> =
            host_view(&region.state()).into_iter().filter(|line| line.contains("sleep 101")).collect();
        assert_eq!(left, Vec::<String>::new(), "{block}");
    }
}
