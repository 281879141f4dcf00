use std::path::Path;

use super::*;
use crate::lesson::{Course, NoShell};
use crate::source::SourceText;

fn lesson(text: &str) -> Lesson {
    let text = format!("# A lesson\n\n{text}");
    let loaded = Course::check(vec![SourceText::new("lessons/01-a.md", text)], &[], &NoShell);
    loaded.course.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics)).lessons.remove(0)
}

fn recorder() -> Recorder {
    Recorder::new(
        Store::new(Path::new("/nowhere")),
        Arc::default(),
        CloudKind::Local,
        "us-east-1",
        Os::Debian,
        Secrets::default(),
    )
}

fn printed(text: &str) -> session::Outcome {
    session::Outcome {
        strays: Vec::new(),
        status: Some(0),
        ended: session::Ended::Normally,
        output: session::Output::from_bytes(text.as_bytes()),
        variables: Vec::new(),
        took: std::time::Duration::ZERO,
    }
}

#[test]
fn what_is_typed_at_a_password_prompt_is_masked_everywhere() {
    let lesson = lesson(
        "```console {#log-in}\n$ mysql -p # not hunter22\nEnter password: hunter22\nNew passphrase: ab\nmysql> ab\n```\n\n\
         ```sh {#look}\ncat config\n```\n",
    );
    let blocks: Vec<&Block> = lesson.blocks().collect();
    let recorder = recorder();
    recorder.keep_secrets_of(blocks[0]);
    assert_eq!(
        recorder.text_of(blocks[0]),
        "$ mysql -p # not ********\nEnter password: ********\nNew passphrase: ********\nmysql> ab\n"
    );
    assert_eq!(
        recorder.record(&lesson, blocks[0], &printed("")).origin.description,
        "$ mysql -p # not ********"
    );
    let mut outcome = printed("password = hunter22\n");
    outcome.variables = vec![session::Variable { name: "P".into(), value: "xhunter22".into() }];
    let record = recorder.record(&lesson, blocks[1], &outcome);
    assert_eq!(record.output, "password = ********\n");
    assert_eq!(record.variables, [("P".to_owned(), "x********".to_owned())]);
}

#[test]
fn a_variable_whose_name_says_that_it_is_a_secret_is_masked() {
    let lesson = lesson("```sh {#keys}\ntrue\n```\n");
    let block = lesson.blocks().next().expect("one");
    let mut outcome = printed("");
    let value = "wJalrXUtnFEMIK7MDENGbPxRfiCYzzEXAMPLEKEY";
    let variables = [
        ("AWS_SECRET_ACCESS_KEY", value),
        ("SESSION_TOKEN", "two words"),
        ("A", value),
        ("OTHER", "two words"),
    ];
    outcome.variables =
        variables.map(|(name, value)| session::Variable { name: name.into(), value: value.into() }).to_vec();
    let record = recorder().record(&lesson, block, &outcome);
    let values: Vec<&str> = record.variables.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(
        values,
        ["********", "********", "********", "two words"],
        "by name, and what a name has taught"
    );
}

#[test]
fn a_result_of_before_is_masked_with_the_passwords_of_today() {
    let lesson = lesson(
        "```sh {#look}\nmysql -phunter22\n```\n\n```console {#log-in}\n$ mysql\nEnter password: hunter22\n```\n",
    );
    let blocks: Vec<&Block> = lesson.blocks().collect();
    let recorder = recorder();
    let mut outcome = printed("it is hunter22\n");
    outcome.variables = vec![session::Variable { name: "P".into(), value: "hunter22".into() }];
    let mut record = recorder.record(&lesson, blocks[0], &outcome);
    record.origin.extra.push(("packets".into(), "PASS hunter22".into()));
    recorder.keep_secrets_of(blocks[1]);
    let record = recorder.here(&lesson, blocks[0], record);
    assert!(!format!("{record:?}").contains("hunter22"), "{record:?}");
}

#[test]
fn process_ids_are_compared_within_one_boot_of_a_host() {
    let lesson = lesson("```sh {#look on=web}\nsystemctl status x\n```\n");
    let block = lesson.blocks().next().expect("one");
    let mut recorder = recorder();
    let mut renaming = Renaming::default();
    let mut compared = |recorder: &Recorder, was: &str, is: &str| {
        let [was, is] = [was, is].map(|pid| format!("Main PID: {pid} (x)\n"));
        let recorded = Snapshot {
            name: String::new(),
            path: "x".into(),
            record: recorder.record(&lesson, block, &printed(&was)),
        };
        let is = recorder.record(&lesson, block, &printed(&is));
        matches!(recorder.compare(Some(&recorded), &is, block, &mut renaming), Compared::Same)
    };
    recorder.note_boot("web", 0);
    assert!(compared(&recorder, "345", "400"));
    assert!(!compared(&recorder, "345", "401"), "one process cannot be two in one boot");
    recorder.note_boot("db", 1);
    assert!(!compared(&recorder, "345", "401"), "another host has rebooted");
    recorder.note_boot("web", 1);
    assert!(compared(&recorder, "345", "401"), "after a reboot it is another process");
    assert!(!compared(&recorder, "345", "400"));
}

#[test]
fn a_block_is_described_by_its_first_command() {
    assert_eq!(
        describe("# why\n\nVPC=$(aws ec2 create-vpc \\\n  --cidr-block x)\n"),
        "VPC=$(aws ec2 create-vpc"
    );
    assert_eq!(describe(&"x".repeat(200)).chars().count(), 100);
    assert_eq!(describe(""), "");
}
