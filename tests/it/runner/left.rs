//! What blocks leave running: told apart from what later blocks print and create, and waited for in more than one way.

use std::fs;

use serde_json::Value;

use super::{Ran, recorded, verifies};
use crate::course::{Course, Region};

const TICKS: &str = r#"# Ticks

```sh {#tick}
(while :; do echo tick; sleep 0.2; done) &
```

```sh {#next}
sleep 1; echo next
```

```sh {#progress}
printf 'downloading 10%%\r\033[Kdone\n'; printf 'x\033[3Dyz\n'; printf 'a 1%%\nb 1%%\n\033[2Aa 100%%\nb 100%%\n'
```
"#;

#[test]
fn what_an_earlier_block_prints_is_kept_out_of_the_record_and_named() {
    let region = Region::new();
    let course = Course::of(&region, "ticks", TICKS);
    let ran = Ran::recording(&course, "ticks");
    assert_eq!(ran.output("next"), "next\n", "{}", ran.told);
    let notes = ran.report("next")["notes"].to_string();
    assert!(
        notes.contains("what `tick` has left running printed") && notes.contains("the last: tick"),
        "{notes}"
    );
    let record = recorded(&course, "ticks__next");
    assert!(record.contains("beside: tick") && !record.contains("tick\ntick"), "{record}");
    assert_eq!(ran.output("progress"), "done\nyz\na 100%\nb 100%\n");
    verifies(&course);
}

const MAKERS: &str = r#"# Makers

```sh {#maker background ready="waiting"}
echo waiting; until [ -e go ]; do sleep 0.05; done; aws ec2 create-vpc --cidr-block 10.9.0.0/16; exec sleep 1017
```

```sh {#job}
(until [ -e go ]; do sleep 0.05; done; aws ec2 create-internet-gateway >job.txt) &
```

```sh {#other}
touch go; aws ec2 create-key-pair --key-name other --query KeyName --output text; until [ -s job.txt ]; do sleep 0.05; done
```

```sh {#seen logs=maker eventually=20s until="10.9.0.0/16"}
```
"#;

#[test]
fn what_is_left_running_creates_in_the_name_of_its_own_block() {
    let region = Region::new();
    let course = Course::of(&region, "makers", MAKERS);
    let ran = Ran::recording(&course, "makers");
    assert_eq!(ran.code, Some(0), "{}", ran.told);
    let journal = fs::read_to_string(course.state().join("labs/one/journal.jsonl")).expect("readable");
    let mut made: Vec<(String, String)> = journal
        .lines()
        .map(|line| line.parse::<Value>().expect("JSON"))
        .filter(|entry| entry["entry"] == "intended")
        .map(|entry| {
            let word = |value: &Value| value.as_str().expect("a word").to_owned();
            (word(&entry["operation"]), word(&entry["origin"]["block"]))
        })
        .collect();
    made.sort_unstable();
    let expected = [("CreateInternetGateway", "job"), ("CreateKeyPair", "other"), ("CreateVpc", "maker")];
    assert_eq!(made, expected.map(|(operation, block)| (operation.to_owned(), block.to_owned())));
}

/// A server that listens after a while, and prints into a pipe what nobody sees.
const SERVER: &str = "perl -MIO::Socket::INET -e 'print \"up\\n\"; sleep 1; $s = IO::Socket::INET->new(Listen => 5, LocalPort => 8080) or die; sleep 1018'";

#[test]
fn a_port_that_answers_says_that_a_block_is_ready_and_colours_hide_no_text() {
    let region = Region::new();
    let blocks = format!(
        "# Ready\n\n```sh {{#serve background ready=:8080}}\n{SERVER}\n```\n\n\
         ```sh {{#ask}}\n(exec 3<>/dev/tcp/127.0.0.1/8080) && echo open\n```\n\n\
         ```sh {{#colours background ready=\"listening\"}}\nprintf '\\033[1;32mlis\\033[0mtening on \\033[K8081\\n'; exec sleep 1019\n```\n"
    );
    let course = Course::of(&region, "ready", &blocks);
    let ran = Ran::recording(&course, "ready");
    assert_eq!(ran.code, Some(0), "{}", ran.told);
    assert_eq!((ran.output("serve"), ran.output("ask")), ("", "open\n"));
    assert_eq!(ran.output("colours"), "listening on 8081\n");
    // What does not get ready: the block, and what is told.
    let cases = [
        (
            format!("```sh {{#bad background ready=\"up\" timeout=2s}}\n{SERVER}\n```\n"),
            "`up` did not appear within 2 s",
            "stdbuf -oL",
        ),
        (
            format!(
                "```sh {{#one background ready=:8080}}\n{SERVER}\n```\n\n```sh {{#bad background ready=:8080}}\n{SERVER}\n```\n"
            ),
            "another program listens on port 8080 already",
            "",
        ),
        (
            "```sh {#bad background ready=:8081 timeout=2s}\nexec sleep 1020\n```\n".to_owned(),
            "nothing listened on port 8081 within 2 s",
            "",
        ),
        (
            "```sh {#bad background ready=:8081}\necho no; exit 3\n```\n".to_owned(),
            "it ended with exit status 3 before something listened on port 8081",
            "",
        ),
    ];
    for (blocks, reason, hint) in cases {
        fs::write(course.lesson("ready"), format!("# Ready\n\n{blocks}")).expect("written");
        let ran = Ran::new(&course, "no", &["run", "ready", "--again"]);
        assert_eq!(ran.failure("bad"), reason, "{blocks}");
        assert!(
            ran.report("bad")["hint"].as_str().unwrap_or_default().contains(hint),
            "{blocks}: {}",
            ran.told
        );
    }
}
