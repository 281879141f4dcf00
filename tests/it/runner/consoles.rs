//! `console`: conversations with programs on a terminal, and what of them must never be written down.

use std::fs;

use super::{Ran, recorded, verifies};
use crate::course::{Course, Region, told};

const SECRET: &str = "tr0ub4dor";

/// A program that asks questions, and one that asks for a password and does with it what it should not.
const PROGRAMS: &str = r#"
```sh {#ask-program file=ask}
read -r -p 'Name: ' name
read -r -p 'Really? [y/N] ' sure
echo "$name says $sure"
while read -r line; do echo "<$line>"; done
echo bye
```

```sh {#log-in-program file=log-in}
read -r -s -p 'Password: ' password; echo
printf 'password=%s\n' "$password" >config
printf %s "${password:0:4}"; sleep 0.2; echo "${password:4}"
```
"#;

const TALK: &str = r#"
```console {#talk}
$ bash ask
Name: Ann
Really? [y/N] y
> one two
>
> three
^D
$ cat
> typed
^C
$ cat -v
^]
> after
^D
$ echo $((40 + 2))
```

```console {#own-prompt prompt="=> "}
$ read -p '=> ' x; echo "it is $x"
=> 7
```
"#;

#[test]
fn a_conversation_is_recorded_as_the_terminal_showed_it() {
    let region = Region::new();
    let course = Course::of(&region, "talk", &format!("# Talk\n{PROGRAMS}{TALK}"));
    let ran = Ran::recording(&course, "talk");
    assert_eq!(ran.code, Some(0), "{}", ran.told);
    assert_eq!(
        ran.output("talk"),
        "$ bash ask\nName: Ann\nReally? [y/N] y\nAnn says y\none two\n<one two>\n\n<>\nthree\n<three>\nbye\n\
         $ cat\ntyped\ntyped\n^C\n$ cat -v\n^]after\n^]after\n$ echo $((40 + 2))\n42\n"
    );
    assert_eq!(ran.output("own-prompt"), "$ read -p '=> ' x; echo \"it is $x\"\n=> 7\nit is 7\n");
    let live: String = ran
        .events
        .iter()
        .filter(|event| event["block"] == "talk")
        .filter_map(|event| event["text"].as_str())
        .collect();
    assert!(live.contains("Ann says y"), "it is told as it happens: {live}");
    verifies(&course);
}

#[test]
fn a_conversation_that_stalls_names_its_prompt_and_shows_the_screen() {
    let region = Region::new();
    let course = Course::of(&region, "stall", "# Stall\n");
    let cases = [
        (
            "timeout=3s}\n$ bash ask\nName: Ann\nContinue: x\n",
            "it took longer than 3 s, while it waited for the prompt `Continue:` of line 3; the screen:\n  \
             | $ bash ask\n  | Name: Ann\n  | Really? [y/N]",
        ),
        (
            "timeout=3s}\n$ bash log-in\nPassword: tr0ub4dor\nmysql> quit\n",
            "the prompt `mysql>` of line 3; the screen:\n  | $ bash log-in\n  | Password: \n  | ********\n  | $",
        ),
        (
            "timeout=3s}\n$ cat\n> x\n",
            "the console's own prompt `$ ` at the end; the screen:\n  | $ cat\n  | x\n  | x",
        ),
        ("}\n$ exit\n", "the console's shell ended, while it waited for the console's own prompt"),
    ];
    for (block, words) in cases {
        let text =
            format!("# Stall\n{PROGRAMS}\n```console {{#bad {block}```\n\n```sh {{#never}}\ntrue\n```\n");
        fs::write(course.lesson("stall"), text).expect("written");
        let ran = Ran::new(&course, "no", &["run", "stall", "--again"]);
        let reason = ran.failure("bad");
        assert!(reason.contains(words), "{block}: {reason}");
        assert_eq!(ran.report("never")["outcome"], "skipped");
        assert!(!ran.told.contains(SECRET), "{}", ran.told);
    }
}

/// What comes after the password was typed: each prints it in another way.
const LATER: &str = r#"
```console {#log-in}
$ bash log-in
Password: tr0ub4dor
$ echo "no prompt: tr0ub4dor"
```

```sh {#show}
cat config; VALUE=$(cut -d = -f 2 config)
for piece in $(echo $VALUE | fold -w 3); do printf %s $piece; sleep 0.1; done; echo
```

```sh {#create}
aws ec2 create-vpc --cidr-block 10.0.0.0/16 --query Vpc.Tags --output text \
  --tag-specifications "ResourceType=vpc,Tags=[{Key=Name,Value=$VALUE}]"
```

```console {#far-screen}
$ cat config
```

```sh {#fails}
cat config; exit 5
```
"#;

#[test]
fn what_is_typed_at_a_password_prompt_is_written_down_nowhere() {
    let region = Region::new();
    let course = Course::of(&region, "secret", &format!("# Secret\n{PROGRAMS}{LATER}"));
    let junit = course.root().join("junit.xml");
    let junit = junit.to_str().expect("UTF-8");
    let arguments = ["run", "secret", "--lab", "one", "--record", "--junit", junit];
    let ran = Ran::new(&course, "always", &arguments);
    assert!(ran.failure("fails").contains("exit status 5"));
    assert_eq!(
        ran.output("log-in"),
        "$ bash log-in\nPassword:\n********\n$ echo \"no prompt: ********\"\nno prompt: ********\n"
    );
    assert_eq!(ran.output("show"), "password=********\n********\n");
    assert_eq!(ran.output("create"), "Name\t********\n");
    assert_eq!(ran.report("fails")["output"], "password=********\n");

    let mut written = vec![("events".to_owned(), ran.told.clone())];
    let mut read = |path: &std::path::Path| {
        written.push((path.display().to_string(), fs::read_to_string(path).expect("readable")));
    };
    read(std::path::Path::new(junit));
    read(&course.state().join("labs/one/journal.jsonl"));
    read(&course.state().join("labs/one/lab.json"));
    let mut records = 0;
    for entry in fs::read_dir(course.root().join("snapshots")).expect("readable") {
        read(&entry.expect("readable").path());
        records += 1;
    }
    assert!(records >= 5, "{records}");
    assert!(recorded(&course, "secret__show").contains("password=********"));
    for (place, text) in written {
        assert!(!text.contains(SECRET), "{place}: {text}");
    }

    // Another process goes on in the lab: it has not seen the password being typed.
    course.change(&course.lesson("secret"), "cat config; exit 5", "cat config");
    let ran = Ran::new(&course, "always", &arguments);
    assert_eq!(ran.output("fails"), "password=********\n");
    let verbose = course.lab(&["run", "secret", "--verbose", "--again"]);
    assert!(told(&verbose).contains("no prompt: ********"), "{}", told(&verbose));
    assert!(!told(&verbose).contains(SECRET), "{}", told(&verbose));
}
