//! Which bytes of a text are what. What compares equal is tested in `compare`; here it is what stays literal.

use super::*;

/// The tokens of a text as `kind=text`.
fn tokens(text: &str, chosen: &str) -> Vec<String> {
    let chosen = Chosen::in_texts([chosen]);
    let tokens = find(text, &Hints::of(&chosen));
    let name = |kind: &Kind| match kind {
        Kind::Identity(identity) => identity.class.name(),
        Kind::Quantity(what, _) => format!("{what:?}").to_lowercase(),
        Kind::Vary(number) => format!("vary{number}"),
    };
    tokens.into_iter().map(|token| format!("{}={}", name(&token.kind), &text[token.span])).collect()
}

#[test]
fn what_is_exact_is_no_token() {
    for text in [
        "10.0.0.0/16 and 0.0.0.0/0, 172.31.0.0/16",
        "127.0.0.1 169.254.169.254 255.255.255.0 224.0.0.251",
        "HTTP/1.1 200 OK; TLSv1.3; TLS/1.3; SSH-2.0; HTTP/2",
        "0% packet loss, 3 received, ttl=64 icmp_seq=1",
        "56(84) bytes of data, 40 bytes",
        "tcp dport 22, port 80, port 33060 LISTEN, :443",
        "systemd[1]: hello",
        "exit status 28, HTTP 404, 1 user",
        "\"IpProtocol\": \"tcp\", \"FromPort\": 3306, \"ToPort\": 3306",
        "::1 and :: and [::]:22 and ff02::1",
        "-rw-r--r-- root",
        "1,024 of 65,536 addresses, 256 x 256",
        "feature-deadbeef i-am-here sg-web r-project",
        "owner 136693071363 (Debian)",
        "/usr/lib/python3/3.11/x.py https://httpd.apache.org/docs/2.4/",
        "max-age=3600; 0x1f; 3d and 7d in hexadecimal",
        "autonomous systems 64512, 65001",
        "00:00:00:00:00:00 ff:ff:ff:ff:ff:ff",
    ] {
        assert_eq!(tokens(text, "10.0.0.0/16"), [""; 0], "{text}");
    }
}

#[test]
fn what_is_chosen_is_exact_and_its_neighbours_are_not() {
    let chosen = "10.0.1.10 10.0.1.0/24 nc -l 40000";
    assert_eq!(tokens("10.0.1.10 ip-10-0-1-10 10.1.0.10.in-addr.arpa 10.0.1.1 10.0.1.255", chosen), [""; 0]);
    assert_eq!(tokens("10.0.1.11", chosen), ["private-address=10.0.1.11"]);
    assert_eq!(
        tokens("ip-10-0-1-11.ec2.internal", chosen),
        ["private-address=10-0-1-11", "region=ec2.internal"]
    );
    assert_eq!(
        tokens("1.2.3.4:40000 1.2.3.4:40001", chosen),
        ["publicaddress", "publicaddress", "port"].map(|sort| match sort {
            "port" => "port=40001".to_owned(),
            _ => "public-address=1.2.3.4".to_owned(),
        })
    );
}

#[test]
fn the_same_thing_in_another_form_is_the_same_identity() {
    let value = |text: &str| match &find(text, &Hints::of(&Chosen::default()))[0].kind {
        Kind::Identity(identity) => (identity.class.clone(), identity.value.clone()),
        other => panic!("{text}: {other:?}"),
    };
    let same = |texts: &[&str]| {
        for text in texts {
            assert_eq!(value(text), value(texts[0]), "{text}");
        }
    };
    same(&[
        "203.0.113.7",
        "ec2-203-0-113-7.x",
        "7.113.0.203.in-addr.arpa",
        "203.0.113.7/32",
        "http://203.0.113.7/",
    ]);
    same(&["10.9.8.7", "ip-10-9-8-7", "7.8.9.10.in-addr.arpa", "10.9.8.7/24", "10.9.8.7.43210 >"]);
    same(&["us-east-1", "us-east-1c", "ec2.internal", "compute-1.amazonaws.com"]);
    same(&["eu-west-3", "eu-west-3b", "eu-west-3.compute.internal", "eu-west-3.compute.amazonaws.com"]);
    same(&["0e:49:61:0f:c3:11", "0E:49:61:0F:C3:11", "fe80::c49:61ff:fe0f:c311"]);
    let hash = "uNiVztksCsDhcc0u9e8BgrJXVGDPJZs5rSmdNRqlhSk";
    same(&[&format!("SHA256:{hash}"), &format!("\"{hash}=\""), &format!(" {hash}= ")]);
}

#[test]
fn quantities_are_known_by_what_is_around_them() {
    for (text, expected) in [
        ("64 bytes: time=0.045 ms", "duration=0.045 ms"),
        ("rtt min/avg/max/mdev = 1/2/3/4 ms, pipe 2", "duration=1/2/3/4 ms, pipe 2"),
        ("Server: Apache/2.4.68 (Debian)", "version=2.4.68"),
        ("Python 3.13.5.", "version=3.13.5"),
        ("6.12.48+deb13-cloud-amd64", "version=6.12.48+deb13-cloud-amd64"),
        ("\"Name\": \"debian-13-amd64-20260914-2601\"", "version=20260914-2601"),
        ("Main PID: 612 (x)", "process=612"),
        ("at 2026-11-22T14:10:48.000Z", "time=2026-11-22T14:10:48.000Z"),
        ("[1] 4711", "process=4711"),
        (
            "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519",
            "opaque=F1E1KeoE/eEWhi10WpGv4OdiO6Y= opaque=3988QV0VE8wmZL7suNrYQLITLCg=",
        ),
        ("14:10:48 up 2 days,  3:04,  2 users,", "time=14:10:48 duration=2 days,  3:04"),
        ("real\t0m1.234s", "duration=0m1.234s"),
        ("ETag: \"29cd-63e1\"", "etag=\"29cd-63e1\""),
        ("from 198.51.100.1 port 51000 ssh2", "public-address=198.51.100.1 port=51000"),
    ] {
        assert_eq!(tokens(text, "").join(" "), expected, "{text}");
    }
}

#[test]
fn tables_of_processes_are_known_by_their_heading() {
    let text = "    PID TTY      STAT   TIME COMMAND\n    318 ?        Ss     0:01 /usr/sbin/sshd -D\n\n    318 apples\n";
    assert_eq!(tokens(text, ""), ["process=318", "processstate=S", "duration=0:01"]);
}
