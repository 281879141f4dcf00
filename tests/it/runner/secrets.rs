//! Secrets that are planted wherever a course can show one, and looked for in everything that is told or kept.
//!
//! What a lesson needs to go on keeps them, of course: the laptop's files, its variables (`laptop.state`), and the
//! region's own state. Everything else is searched.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Ran;
use crate::course::{Course, Region, told};

/// Forty characters by chance, as AWS makes them. No account has them.
const AWS: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzTESTTEST";
const AWS_IN_XML: &str = "Zx8Qw3Er5Ty7Ui9Op1As3Df5Gh7Jk9Lz1Xc3Vb5N";
const TYPED: &str = "Typ3d/pa&ss";
const VARIABLE: &str = "correct-h0rse battery";

/// Tokens of services, put together here so that no scanner of this repository takes them for real ones.
fn tokens() -> Vec<String> {
    let long = "aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789";
    vec![
        format!("ghp_{long}"),
        format!("github_pat_{long}"),
        format!("glpat-{}", &long[..20]),
        format!("xoxb-123456789012-{}", &long[..24]),
        format!("sk_live_{}", &long[..24]),
        format!("AIza{}", &long[..35]),
        format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.{long}"),
    ]
}

/// What the file `planted` holds on the laptop.
fn planted() -> String {
    let lines = [
        AWS.to_owned(),
        format!("<Credentials><secretAccessKey>{AWS_IN_XML}</secretAccessKey></Credentials>"),
        "the secret key: s3cr3t-of-words".to_owned(),
        "postgres://app:p0stgres-pw@db.example/app".to_owned(),
        "password=ini-pw-1".to_owned(),
        "Authorization: Basic YXBwOmJhc2ljLXB3LTE=".to_owned(),
        "HOME=/home/x\nMAIL_PASSWORD=open sesame street\nLANG=C".to_owned(),
        "this stays: 10.0.1.10 da39a3ee5e6b4b0d3255bfef95601890afd80709".to_owned(),
    ];
    lines.into_iter().chain(tokens()).map(|line| line + "\n").collect()
}

/// The text in which nobody sees what it is: letters and digits exchanged. `tr` undoes it.
fn exchanged(text: &str) -> String {
    let turn = |c: char, first: u8, count: u8| char::from(first + (c as u8 - first + count / 2) % count);
    text.chars()
        .map(|c| match c {
            'a'..='z' => turn(c, b'a', 26),
            'A'..='Z' => turn(c, b'A', 26),
            '0'..='9' => turn(c, b'0', 10),
            c => c,
        })
        .collect()
}

fn lesson() -> String {
    let coded = exchanged(&planted());
    let server = r#"
```perl {#server-program file=server.pl}
use strict; use IO::Socket::INET; $| = 1;
my $listener = IO::Socket::INET->new(LocalPort => 8080, Listen => 9, ReuseAddr => 1) or die "listen: $!";
open my $file, '<', 'planted'; my $planted = join '', <$file>; my ($aws) = $planted =~ /^(\S+)/;
print "ready\n";
while (my $c = $listener->accept) {
  while (<$c>) { print; last if /^\r?\n$/ }
  print $planted;
  print $c "HTTP/1.1 200 OK\r\nServer: $aws\r\nLocation: http://x/?token=$aws\r\nContent-Type: text/plain\r\n",
    "Content-Length: " . length($planted) . "\r\n\r\n$planted";
  close $c;
}
```
"#;
    format!(
        r#"# Secrets

```text {{#coded file=coded}}
{coded}```

```sh {{#print}}
tr 'A-Za-z0-9' 'N-ZA-Mn-za-m5-90-4' <coded >planted
cat planted
```

```sh {{#known}}
touch known
cat known; base64 known; printf 'x%s' "$(cat known)" | base64 -w 0; echo; xxd -p known | head -c 60; echo
```

```sh {{#key}}
aws ec2 create-key-pair --key-name k --key-type rsa --query KeyMaterial --output text >k.pem
cat k.pem
sed 1d k.pem
sed -n 5p k.pem
base64 k.pem | sed -n 3,6p
```

```sh {{#show-key}}
aws ec2 create-key-pair --key-name two --output json
```

```sh {{#assign}}
DB_PASSWORD='{VARIABLE_CODED}'
DB_PASSWORD=$(tr 'A-Za-z0-9' 'N-ZA-Mn-za-m5-90-4' <<<"$DB_PASSWORD")
A="$DB_PASSWORD"
PLANTED=$(cat planted)
```

```sh {{#dump}}
export DB_PASSWORD A
env | sort
declare -p DB_PASSWORD
echo "$A"
```

```sh {{#log-in-program file=log-in}}
read -r -s -p 'Password: ' password; echo
echo "it is $password"
printf %s "$password" | base64
printf 'user:%s@' "$password" | base64
url=${{password//\//%2F}}; echo "${{url//&/%26}}"
```

```console {{#log-in}}
$ bash log-in
Password: {TYPED}
$ cat planted
```

```sh {{#config file=config}}
GITHUB_TOKEN={token}
login: me {TYPED}
```
{server}
```sh {{#serve background ready="ready"}}
exec perl server.pl
```

```http {{#ask}}
GET http://127.0.0.1:8080/
Authorization: Bearer $PLANTED_TOKEN
X-Api-Key: {token}
```

```sh {{#log logs=serve eventually=10s until="this stays"}}
```

```sh {{#fail}}
cat planted
false
```
"#,
        VARIABLE_CODED = exchanged(VARIABLE),
        token = tokens()[0],
    )
    .replace("$PLANTED_TOKEN", "xyz")
}

/// Everything that must be found nowhere.
fn needles(own: &str, keys: &[String]) -> Vec<String> {
    let mut all: Vec<String> = [AWS, AWS_IN_XML, TYPED, VARIABLE, "h0rse", "s3cr3t-of-words", "p0stgres-pw"]
        .map(str::to_owned)
        .to_vec();
    all.extend(["ini-pw-1", "YXBwOmJhc2ljLXB3LTE", "sesame", "Typ3d%2Fpa%26ss"].map(str::to_owned));
    all.extend(tokens());
    all.push(STANDARD.encode(TYPED));
    all.push(STANDARD.encode(format!("user:{TYPED}@"))[8..].to_owned());
    all.push(own.to_owned());
    all.push(STANDARD.encode(own)[..40].to_owned());
    all.push(STANDARD.encode(format!("x{own}"))[2..40].to_owned());
    all.push(own.bytes().take(20).map(|byte| format!("{byte:02x}")).collect());
    for key in keys {
        let body: Vec<&str> = key.lines().filter(|line| !line.contains("-----")).collect();
        assert!(body.len() > 4, "{key}");
        all.extend(body.iter().filter(|line| line.len() >= 30).map(|line| line[..30].to_owned()));
        let coded = STANDARD.encode(key);
        let lines = coded.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line).into_owned());
        all.extend(lines.filter(|line| line.len() == 76));
    }
    all
}

/// Every text below a directory, but for what holds the secrets so that the lab works.
fn texts(directory: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let works = [
            "home",
            "laptop.state",
            "labs.json",
            "accounts",
            "lessons",
            "disks",
            "images",
            "packages",
            "run",
        ];
        if works.contains(&name.as_str()) || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            texts(&path, found);
        } else if let Ok(bytes) = fs::read(&path) {
            found.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

#[test]
fn planted_secrets_are_found_nowhere() {
    let region = Region::new();
    let course = Course::of(&region, "secrets", &lesson());
    fs::write(
        course.root().join("book.toml"),
        "[book]\nsrc = \"lessons\"\n[preprocessor.lab]\ncommand = \"none\"\n",
    )
    .expect("written");
    // The account's own key, as a person has it who asked for it.
    let env = course.lab(&["region", "env", "--lab", "one"]);
    let own = told(&env).split("AWS_SECRET_ACCESS_KEY=").nth(1).expect("a key").to_owned();
    let own: String = own
        .trim_start_matches(['\'', '"'])
        .chars()
        .take_while(|c| !c.is_whitespace() && !"'\"".contains(*c))
        .collect();
    assert!(own.len() >= 30, "{own}");
    let home = course.state().join("labs/one/home");
    fs::create_dir_all(&home).expect("a directory");
    fs::write(home.join("known"), format!("{own}\n")).expect("written");

    let junit = course.root().join("junit.xml");
    let run = |update: &str, more: &[&str]| {
        let mut command = course.command(&["run", "secrets", "--lab", "one", "--record"]);
        command.args(more).arg("--junit").arg(&junit).env("INSTA_UPDATE", update);
        let output = command.output().expect("lab starts");
        let text = told(&output);
        assert_eq!(output.status.code(), Some(1), "its last block fails: {text}");
        text
    };
    let key = || fs::read_to_string(home.join("k.pem")).expect("the key");
    let mut found = vec![("events".to_owned(), run("new", &["--format", "json"]))];
    let mut keys = vec![key()];
    found.push(("first junit".to_owned(), fs::read_to_string(&junit).expect("JUnit")));
    texts(course.root(), &mut found);
    let pending = |text: &[(String, String)]| text.iter().any(|(name, _)| name.ends_with("__print.snap.new"));
    assert!(pending(&found), "{:?}", found.iter().map(|(name, _)| name).collect::<Vec<_>>());
    found.push(("review".to_owned(), told(&course.lab(&["review", "--list"]))));
    assert!(course.lab(&["review", "--accept"]).status.success());
    texts(&course.state(), &mut found);

    // Once more, with a result that differs, as a person and as GitHub see it.
    course.change(&course.snapshot("secrets__print"), "this stays", "this was");
    found.push(("terminal".to_owned(), run("no", &["--again", "--format", "github", "--verbose"])));
    keys.push(key());
    found.push(("terminal, in short".to_owned(), run("always", &["--again", "--quiet"])));
    keys.push(key());
    found.push(("status".to_owned(), told(&course.lab(&["status"]))));
    let out = course.root().join("book");
    lab::book::build(course.root(), Some(&out)).expect("the book is built");
    texts(course.root(), &mut found);
    texts(&course.state(), &mut found);
    for place in [
        "events",
        "terminal",
        "junit.xml",
        "secrets__print.snap",
        "results.jsonl",
        "secrets.html",
        "daemon.log",
    ] {
        assert!(found.iter().any(|(name, _)| name.ends_with(place)), "`{place}` was not looked at");
    }
    let events = &found[0].1;
    assert!(events.contains("this stays: 10.0.1.10 da39a3ee5e6b4b0d3255bfef95601890afd80709"), "{events}");
    for block in ["print", "known", "key", "dump", "log-in", "ask", "log", "fail"] {
        let event = events
            .lines()
            .find(|line| line.contains("block-finished") && line.contains(&format!("\"{block}\"")));
        assert!(event.is_some_and(|line| line.contains("********")), "{block}: {event:?}");
    }

    let mut leaks = Vec::new();
    for needle in needles(&own, &keys) {
        for (place, _) in found.iter().filter(|(_, text)| text.contains(&needle)) {
            leaks.push(format!("`{needle}` in {place}"));
        }
    }
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

#[test]
fn a_run_that_goes_on_in_another_process_still_knows_its_secrets() {
    let region = Region::new();
    let blocks = "```sh {#make}\nexport DB_PASSWORD=$(rev <<<'222esroh-yrettab'); ssh-keygen -q -t ed25519 -N '' -f own.key\n```\n\n\
                  ```sh {#wait}\ntest -e go\n```\n\n\
                  ```sh {#show}\necho \"<$DB_PASSWORD>\"; sed -n 2,3p own.key; cat own.key.pub\n```\n";
    let course = Course::of(&region, "two", &format!("# Two\n\n{blocks}"));
    let first = Ran::recording(&course, "two");
    assert_eq!(first.code, Some(1), "{}", first.told);
    let home = course.state().join("labs/one/home");
    fs::write(home.join("go"), "").expect("written");
    let second = Ran::recording(&course, "two");
    assert_eq!(second.code, Some(0), "{}", second.told);
    let shown = second.output("show");
    let key = fs::read_to_string(home.join("own.key")).expect("the key");
    let public = fs::read_to_string(home.join("own.key.pub")).expect("its public half");
    assert!(shown.starts_with("<********>\n********\nssh-ed25519 ") && shown.contains(&public), "{shown}");
    for line in key.lines().skip(1).take(2) {
        assert!(!second.told.contains(&line[..40]) && !first.told.contains(&line[..40]), "{}", second.told);
    }
    assert!(!format!("{}{}", first.told, second.told).contains("battery-horse222"));
}
