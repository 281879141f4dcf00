//! Blocks that do what no lesson should: each ends in a clear result, the next one finds a shell with what was set before,
//! and nothing of them outlives the lab.

use std::process::Output;

use serde_json::Value;

use crate::course::{Course, Region, told};
use crate::daemon_world::host_view;

/// A lesson with the first steps, up to an instance `web` that is reached from anywhere, and then these blocks.
pub fn with_web(blocks: &str) -> String {
    let web = r#"# A lesson

```sh {#make-network}
VPC=$(aws ec2 create-vpc --cidr-block 10.0.0.0/16 --query Vpc.VpcId --output text)
SUBNET=$(aws ec2 create-subnet --vpc-id $VPC --cidr-block 10.0.1.0/24 --query Subnet.SubnetId --output text)
IGW=$(aws ec2 create-internet-gateway --query InternetGateway.InternetGatewayId --output text)
aws ec2 attach-internet-gateway --internet-gateway-id $IGW --vpc-id $VPC
RT=$(aws ec2 create-route-table --vpc-id $VPC --query RouteTable.RouteTableId --output text)
aws ec2 create-route --route-table-id $RT --destination-cidr-block 0.0.0.0/0 --gateway-id $IGW
aws ec2 associate-route-table --route-table-id $RT --subnet-id $SUBNET
SG=$(aws ec2 create-security-group --group-name web --description web --vpc-id $VPC --query GroupId --output text)
aws ec2 authorize-security-group-ingress --group-id $SG --protocol tcp --port 22 --cidr 0.0.0.0/0
```

```sh {#launch-web timeout=2m}
aws ec2 create-key-pair --key-name my-key --query KeyMaterial --output text > my-key.pem
chmod 400 my-key.pem
WEB=$(aws ec2 run-instances --image-id resolve:ssm:/aws/service/debian/release/13/latest/amd64 --subnet-id $SUBNET \
  --instance-type t3.micro --key-name my-key --security-group-ids $SG --associate-public-ip-address \
  --tag-specifications 'ResourceType=instance,Tags=[{Key=Name,Value=web}]' --query Instances[0].InstanceId --output text)
aws ec2 wait instance-running --instance-ids $WEB
```
"#;
    format!("{web}\n{blocks}")
}

/// The events of a run told as JSON: every line is one.
pub fn events(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).expect("JSON is UTF-8");
    text.lines().map(|line| line.parse().unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// How a block ended.
pub fn report<'a>(events: &'a [Value], block: &str) -> &'a Value {
    let ended = events.iter().find(|event| event["event"] == "block-finished" && event["block"] == block);
    ended.unwrap_or_else(|| panic!("`{block}` never ended: {events:#?}"))
}

/// Runs the course's lesson in the lab `one`, with events.
fn run(course: &Course) -> (Option<i32>, Vec<Value>) {
    let output = course.lab(&["run", "odd", "--lab", "one", "--format", "json"]);
    let events = events(&output);
    assert!(!events.is_empty(), "{}", told(&output));
    (output.status.code(), events)
}

/// Blocks that end well, though they do what ends a shell, and what the next block must find.
const GOOD: &str = r#"
```sh {#set-before}
BEFORE=kept
cd /tmp
```

```sh {#read-input}
read line || echo "nothing to read"
cat
```

```sh {#leave exit=3}
LATE=also
exit 3
```

```sh {#after-leave}
echo $BEFORE $LATE $PWD
```

```sh {#replace}
exec echo replaced
```

```sh {#print-much timeout=50s}
head -c 50000000 /dev/zero | tr '\0' x | fold -w 100
echo the end
```

```sh {#print-binary}
printf '\033[31mred\033[0m \033]0;title\007\x00end\n'
head -c 20000 /dev/urandom | tr -d '\033'
```

```sh {#leave-child}
sleep 1001 &
echo left
```

```sh {#third-time eventually=30s}
echo try >> /tmp/tries
test $(wc -l < /tmp/tries) = 3
```

```sh {#expected exit=1}
false
echo never
```

```sh {#close-output}
exec >&- 2>&-
```

```sh {#close-everything}
for fd in {3..30}; do eval "exec $fd>&-"; done
AFTER=closed
```

```sh {#odd-variables}
BIG=$(head -c 300000 /dev/zero | tr '\0' y)
LINES_IN=$'one\ntwo\'s "three" \\ $(false) `false`'
f() { echo "f says $1"; }
set -u
shopt -s nullglob
trap 'echo trapped' EXIT
```

```sh {#after-odd-variables}
echo ${#BIG} "$LINES_IN" $(f hello) $-
```

```sh {#after-all}
echo $BEFORE $AFTER
```

```sh {#far-much on=web timeout=50s}
head -c 5000000 /dev/zero | tr '\0' x | fold -w 100
echo the end
```

```sh {#far-child on=web}
FAR=kept
sleep 1002 &
sudo sleep 1003 &
echo left
```

```sh {#far-leave on=web exit=7}
cat
exit 7
```

```sh {#far-replace on=web}
exec echo replaced $FAR
```

```sh {#far-after on=web}
echo $FAR
```
"#;

/// Blocks that fail: what stands in the place of `bad`, a word of the reason, and the status if there is one.
const BAD: &[(&str, &str, &str, Option<i32>)] = &[
    ("on=nohost", "true", "`nohost`: none exists; there are: web", None),
    ("on=weeb", "true", "`weeb`", None),
    ("timeout=2s", "sleep 1004 & trap '' TERM INT HUP; sleep 1004", "did not end within 2", None),
    (
        "timeout=3s on=web",
        "sleep 1005 & sudo sleep 1006 & sudo setsid sleep 1007",
        "did not end within 3",
        None,
    ),
    ("with=UNSET on=web", "echo $UNSET", "`with=UNSET`", None),
    ("", "exit 3", "exit status 3, expected 0", Some(3)),
    ("exit=2", "true", "exit status 0, expected 2", Some(0)),
    ("eventually=2s", "false", "exit status 1", Some(1)),
    ("eventually=2s until=\"ready\"", "echo not yet", "`ready` did not appear", Some(0)),
    ("", "kill -9 $$", "killed by signal 9", None),
    ("", "no-such-command", "exit status 127", Some(127)),
    ("on=web", "kill -9 $$", "", None),
    ("on=web timeout=20s", "sudo systemctl stop ssh; sudo pkill -9 sshd; sleep 5", "", None),
];

#[test]
fn odd_blocks_end_in_clear_results_and_leave_nothing() {
    let region = Region::new();
    let before = host_view(&region.state());
    let bad = "\n```sh {#bad on=nohost}\ntrue\n```\n";
    let course = Course::of(&region, "odd", &with_web(&format!("{GOOD}{bad}")));
    let (code, events) = run(&course);
    assert_eq!(code, Some(1), "{events:#?}");

    let ended = |block: &str| {
        let report = report(&events, block);
        assert_eq!(report["outcome"], "unrecorded", "{report:#}");
        report["output"].as_str().expect("text").to_owned()
    };
    assert_eq!(ended("read-input"), "nothing to read\n");
    ended("leave");
    assert_eq!(ended("after-leave"), "kept also /tmp\n");
    assert_eq!(ended("replace"), "replaced\n");
    for block in ["print-much", "far-much"] {
        let much = ended(block);
        assert!(much.len() < 300_000, "{block}: {} bytes are kept", much.len());
        assert!(much.contains("bytes ...]") && much.ends_with("the end\n"), "{block}");
    }
    let binary = ended("print-binary");
    assert!(binary.starts_with("red \\x00end\n"), "{binary:?}");
    assert_eq!(ended("leave-child"), "left\n");
    ended("third-time");
    assert_eq!(report(&events, "third-time")["attempts"], 3);
    assert_eq!(ended("expected"), "");
    ended("close-output");
    ended("close-everything");
    ended("odd-variables");
    let odd = ended("after-odd-variables");
    assert!(odd.starts_with("300000 one\ntwo's \"three\" \\ $(false) `false` f says hello"), "{odd}");
    assert_eq!(ended("after-all"), "kept closed\n");
    assert_eq!(ended("far-child"), "left\n");
    ended("far-leave");
    assert_eq!(ended("far-replace"), "replaced kept\n");
    assert_eq!(ended("far-after"), "kept\n");
    let reason = report(&events, "bad")["reason"].as_str().expect("a reason").to_owned();
    assert!(reason.contains("`nohost`: none exists; there are: web"), "{reason}");
    // Each of these takes the place of the last block, which never passed.
    let failures: Vec<String> = BAD.iter().filter_map(|case| fails_clearly(&course, case).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));

    // And what comes right in the end is done.
    let text = with_web(&format!("{GOOD}\n```sh {{#bad}}\necho $BEFORE $AFTER\n```\n"));
    std::fs::write(course.lesson("odd"), text).expect("written");
    let (code, events) = run(&course);
    assert_eq!((code, &report(&events, "bad")["output"]), (Some(0), &"kept closed\n".into()), "{events:#?}");

    let down = course.lab(&["down", "--lab", "one"]);
    assert!(down.status.success(), "{}", told(&down));
    let status = course.lab(&["status"]);
    assert!(told(&status).contains("no labs"), "{}", told(&status));
    let left: Vec<String> = host_view(&region.state())
        .into_iter()
        .filter(|line| line.contains("sleep") || line.contains("nspawn"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
    let stopped = course.lab(&["region", "stop"]);
    assert!(stopped.status.success(), "{}", told(&stopped));
    let after: Vec<String> = host_view(&region.state())
        .into_iter()
        .filter(|line| line.contains("region-") && line.contains(&*region.state().to_string_lossy()))
        .filter(|line| !before.contains(line))
        .collect();
    assert_eq!(after, Vec::<String>::new());
}

fn fails_clearly(course: &Course, case: &(&str, &str, &str, Option<i32>)) -> Result<(), String> {
    let (attributes, script, word, exit) = case;
    let bad = format!("\n```sh {{#bad {attributes}}}\n{script}\n```\n\n```sh {{#never}}\necho never\n```\n");
    std::fs::write(course.lesson("odd"), with_web(&format!("{GOOD}{bad}"))).expect("written");
    let (code, events) = run(course);
    let wrong =
        |what: &str| Err(format!("`{attributes}` `{script}`: {what} (ended with {code:?}): {events:#?}"));
    let report = report(&events, "bad");
    if code != Some(1) || report["outcome"] != "failed" {
        return wrong("should fail");
    }
    if !report["reason"].as_str().is_some_and(|reason| reason.contains(word)) {
        return wrong("another reason");
    }
    if exit.is_some_and(|exit| report["exit"] != exit) {
        return wrong("another status");
    }
    let skipped = events.iter().find(|event| event["event"] == "block-finished" && event["block"] == "never");
    if skipped.is_none_or(|event| event["outcome"] != "skipped") {
        return wrong("the next block should be skipped");
    }
    let processes = host_view(&course.state()).join("\n");
    match (1004..=1007).find(|seconds| processes.contains(&format!("sleep {seconds}"))) {
        Some(seconds) => wrong(&format!("`sleep {seconds}` is left")),
        None => Ok(()),
    }
}
