//! `capture` on one host and on two, and `diagram`.

use std::fs;

use serde_json::Value;

use super::{Ran, recorded, verifies};
use crate::blocks::with_web;
use crate::course::{Course, Region};

/// A second instance beside `web`, which `web` may ask on every port.
const TWO: &str = r#"
```sh {#launch-db timeout=2m}
aws ec2 authorize-security-group-ingress --group-id $SG --protocol -1 --cidr 10.0.0.0/16
DB=$(aws ec2 run-instances --image-id resolve:ssm:/aws/service/debian/release/13/latest/amd64 --subnet-id $SUBNET \
  --instance-type t3.micro --key-name my-key --security-group-ids $SG --private-ip-address 10.0.1.20 \
  --tag-specifications 'ResourceType=instance,Tags=[{Key=Name,Value=db}]' --query Instances[0].InstanceId --output text)
aws ec2 wait instance-running --instance-ids $DB
```

```perl {#answer-program file=answer.pl on=db via=web}
use strict; use IO::Socket::INET; $| = 1;
my $listener = IO::Socket::INET->new(LocalPort => 7000, Listen => 9, ReuseAddr => 1) or die "listen: $!";
print "ready\n";
while (my $c = $listener->accept) { my $line = <$c>; print $c "hello $line"; close $c }
```

```sh {#answer background ready="ready" on=db via=web}
exec perl answer.pl
```

```sh {#ask-one on=web capture="tcp port 7000"}
exec 3<>/dev/tcp/10.0.1.20/7000; echo ann >&3; cat <&3
```

```sh {#ask-two on=web capture="tcp port 7000" capture-on=web,db}
exec 3<>/dev/tcp/10.0.1.20/7000; echo bob >&3; cat <&3
```

```sh {#quiet on=web capture="udp port 9999"}
echo nothing is sent
```

```diagram {#map}
```
"#;

/// The packets in a record: host, from, to, information.
fn packets(course: &Course, name: &str) -> Vec<Value> {
    let text = recorded(course, name);
    let line = text.lines().find_map(|line| line.trim().strip_prefix("packets: "));
    let line = line.unwrap_or_else(|| panic!("no packets in {text}"));
    // A YAML string; JSON's own strings are YAML too.
    let json = match line.strip_prefix('\'').and_then(|line| line.strip_suffix('\'')) {
        Some(quoted) => quoted.replace("''", "'"),
        None => serde_json::from_str::<String>(line).unwrap_or_else(|_| line.to_owned()),
    };
    serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

#[test]
fn packets_are_recorded_on_each_host_and_compared_up_to_their_ports() {
    let region = Region::new();
    let course = Course::of(&region, "net", &with_web(TWO));
    let ran = Ran::recording(&course, "net");
    assert_eq!(ran.code, Some(0), "{}", ran.told);
    assert_eq!(ran.output("ask-one"), "hello ann\n");

    let one = packets(&course, "net__ask-one");
    assert!(one.iter().all(|packet| packet["host"] == "web" && packet["protocol"] == "TCP"), "{one:#?}");
    let said = |packets: &[Value], host: &str, word: &str| {
        packets.iter().any(|packet| {
            packet["host"] == host && packet["info"].as_str().is_some_and(|info| info.contains(word))
        })
    };
    for word in ["SYN", "FIN", "PSH"] {
        assert!(said(&one, "web", word), "{word}: {one:#?}");
    }
    assert_eq!(one[0]["to"], "10.0.1.20");
    assert_eq!(one[0]["to-port"], 7000);
    let two = packets(&course, "net__ask-two");
    for host in ["web", "db"] {
        assert!(said(&two, host, "SYN") && said(&two, host, "FIN"), "{host}: {two:#?}");
    }
    assert_eq!(packets(&course, "net__quiet"), Vec::<Value>::new());
    let map: Value = serde_json::from_str(ran.output("map")).expect("the state is JSON");
    let map = map.to_string();
    for word in ["10.0.0.0/16", "10.0.1.0/24", "10.0.1.20", "igw-", "web", "db"] {
        assert!(map.contains(word), "{word}: {map}");
    }

    // In another lab, with other ids, ports and hardware addresses.
    verifies(&course);

    // What a host said to another is compared: a port that the lesson chose, an address, a flag.
    let path = course.snapshot("net__ask-one");
    let was = fs::read_to_string(&path).expect("readable");
    for (block, from, to) in [
        ("ask-one", "7000", "7001"),
        ("ask-one", "TCP", "UDP"),
        ("ask-one", "SYN ACK", "RST"),
        ("map", "10.0.1.20", "10.0.1.21"),
    ] {
        let path = course.snapshot(&format!("net__{block}"));
        let was = fs::read_to_string(&path).expect("readable");
        assert!(was.contains(from), "{from}: {was}");
        fs::write(&path, was.replace(from, to)).expect("written");
        let ran = Ran::new(&course, "no", &["run", "net", "--lab", "again", "--again"]);
        assert_eq!(ran.report(block)["outcome"], "differed", "{from} became {to}");
        fs::write(&path, was).expect("written");
        if block == "ask-one" {
            assert_eq!(ran.report("ask-two")["outcome"], "passed", "the others are as they were");
        }
    }
    assert_eq!(fs::read_to_string(&path).expect("readable"), was);
}

#[test]
fn a_capture_that_cannot_be_made_says_why() {
    let region = Region::new();
    let blocks = "```sh {#before on=web capture=\"icmp\"}\ntrue\n```\n\n\
                  ```sh {#hide on=web}\nsudo mv $(sudo sh -c 'command -v tcpdump') /root/\n```\n\n\
                  ```sh {#bad on=web capture=\"icmp\"}\necho never\n```\n";
    let course = Course::of(&region, "hide", &with_web(blocks));
    let ran = Ran::new(&course, "no", &["run", "hide"]);
    assert_eq!(ran.output("before"), "");
    let reason = ran.failure("bad");
    assert!(reason.contains("capture packets on web: ") && reason.contains("tcpdump"), "{reason}");
    assert!(reason.contains("not found"), "{reason}");
    assert_eq!(ran.report("bad")["output"], "", "without the capture the block is not run");
    // A filter that is none is tcpdump's to explain.
    let text = fs::read_to_string(course.lesson("hide")).expect("readable");
    let text = text
        .replace("sudo mv", "true")
        .replace("{#bad on=web capture=\"icmp\"}", "{#bad on=web capture=\"tcp prot 80\"}");
    fs::write(course.lesson("hide"), text).expect("written");
    let ran = Ran::new(&course, "no", &["run", "hide", "--again"]);
    let reason = ran.failure("bad");
    assert!(reason.contains("capture packets on web: ") && reason.contains("syntax error"), "{reason}");
}
