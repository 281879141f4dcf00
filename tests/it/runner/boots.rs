//! Process ids mean a process within one boot of a host: after a reboot the same number may be another one.

use std::fs;

use super::{Ran, recorded, verifies};
use crate::blocks::with_web;
use crate::course::{Course, Region};

const BLOCKS: &str = r#"
```sh {#first on=web}
systemctl show --property MainPID ssh >/dev/null; echo "pid: $$"
```

```sh {#same on=web}
echo "pid: $$"
```

```sh {#reboot timeout=2m}
aws ec2 reboot-instances --instance-ids $WEB
aws ec2 wait instance-status-ok --instance-ids $WEB
```

```sh {#second on=web eventually=1m until="pid"}
uptime -s >/dev/null; echo "pid: $$"
```
"#;

/// The process id in a record.
fn pid(course: &Course, name: &str) -> String {
    let text = recorded(course, name);
    let line = text.lines().find_map(|line| line.strip_prefix("pid: "));
    line.unwrap_or_else(|| panic!("no pid in {text}")).to_owned()
}

#[test]
fn a_process_id_is_one_process_until_the_host_reboots() {
    let region = Region::new();
    let course = Course::of(&region, "boot", &with_web(BLOCKS));
    let ran = Ran::recording(&course, "boot");
    assert_eq!(ran.code, Some(0), "{}", ran.told);
    let first = pid(&course, "boot__first");
    assert_eq!(pid(&course, "boot__same"), first);
    let boots = fs::read_to_string(course.state().join("labs/one/lab.json")).expect("readable");
    let boots: serde_json::Value = serde_json::from_str(&boots).expect("JSON");
    assert_eq!(boots["boots"]["web"]["number"], 1, "{boots:#}");

    // As if chance had given both shells one number when this was recorded.
    let second = pid(&course, "boot__second");
    let path = course.snapshot("boot__second");
    let text = recorded(&course, "boot__second");
    fs::write(&path, text.replace(&format!("pid: {second}\n"), &format!("pid: {first}\n"))).expect("written");
    verifies(&course);
    // Within one boot it would be a difference.
    let path = course.snapshot("boot__same");
    let text = recorded(&course, "boot__same");
    fs::write(&path, text.replace(&format!("pid: {first}\n"), "pid: 65432\n")).expect("written");
    let ran = Ran::new(&course, "no", &["verify", "--fresh"]);
    assert_eq!(ran.report("same")["outcome"], "differed", "{}", ran.told);
    assert_eq!(ran.report("second")["outcome"], "passed", "{}", ran.told);
}
