//! Hosts that are not as quiet or as generous as they could be.

use std::fs;

use super::{Ran, verifies};
use crate::blocks::with_web;
use crate::course::{Course, Region};

const QUIET_NO_MORE: &str = r#"
```sh {#print-at-login on=web}
for file in ~/.bashrc ~/.profile; do echo 'echo "Welcome to $HOSTNAME"; echo mind the step >&2' | cat - $file >new; cp new $file; done
echo 'echo Hello from profile.d' | sudo tee /etc/profile.d/hello.sh
```
"#;

const NOISY: &str = r#"# Noisy

```text {#write file=b.txt on=web}
text
```

```sh {#shell on=web}
A=1; cat b.txt
```

```console {#console on=web}
$ echo $A typed
```

```sh {#captured on=web capture="icmp" capture-on=web}
ping -c 1 -W 1 127.0.0.1 >/dev/null; exit 0
```

```sh {#left background ready=:8080 on=web}
exec perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 5, LocalPort => 8080) or die; sleep 1021'
```

```sh {#again on=web}
echo $A
```
"#;

#[test]
fn a_host_that_prints_at_each_login_runs_lessons_as_any_other() {
    let region = Region::new();
    let course = Course::of(&region, "01-quiet", &with_web(QUIET_NO_MORE));
    fs::write(course.lesson("02-noisy"), NOISY).expect("written");
    let summary = "# Summary\n\n- [Quiet](01-quiet.md)\n- [Noisy](02-noisy.md)\n";
    fs::write(course.root().join("lessons/SUMMARY.md"), summary).expect("written");
    let ran = Ran::recording(&course, "01-quiet");
    assert_eq!(ran.code, Some(0), "{}", ran.told);
    let ran = Ran::recording(&course, "02-noisy");
    assert_eq!(ran.output("shell"), "text\n", "{}", ran.told);
    assert_eq!(ran.output("console"), "$ echo $A typed\n1 typed\n");
    assert_eq!((ran.output("captured"), ran.output("left"), ran.output("again")), ("", "", "1\n"));
    assert_eq!(ran.code, Some(0), "{}", ran.told);
    verifies(&course);
}

#[test]
fn a_dozen_blocks_left_running_on_one_host_leave_room_for_the_next() {
    let region = Region::new();
    let left: String = (0..12)
        .map(|n| {
            format!("\n```sh {{#left-{n} background ready=\"on\" on=web}}\necho on; exec sleep 1022\n```\n")
        })
        .collect();
    let after = "\n```sh {#after on=web}\npgrep -fxc 'sleep 1022'\n```\n\n```text {#file file=x.txt on=web}\nx\n```\n";
    let course = Course::of(&region, "many", &with_web(&format!("{left}{after}")));
    let ran = Ran::recording(&course, "many");
    assert_eq!(ran.output("after"), "12\n", "{}", ran.told);
    assert_eq!(ran.code, Some(0), "{}", ran.told);
}
