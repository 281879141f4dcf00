//! What a person reads.

use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::name::HostName;

fn tell(terminal: &Terminal<Vec<u8>>, kind: EventKind) {
    terminal.take(&Event { at: Timestamp::UNIX_EPOCH, lesson: None, block: None, kind });
}

fn skipped(reason: &str) -> EventKind {
    EventKind::BlockFinished(BlockReport {
        outcome: Outcome::Skipped { reason: reason.to_owned() },
        exit: None,
        expected_exit: 0,
        output: String::new(),
        variables: Vec::new(),
        attempts: 0,
        took: Duration::ZERO,
        notes: Vec::new(),
    })
}

#[test]
fn skipped_blocks_are_counted_for_each_reason() {
    let terminal = Terminal::new(Vec::new(), Detail::Quiet, false);
    for reason in ["there is no Chromium", "`a` failed", "`a` failed"] {
        tell(&terminal, skipped(reason));
    }
    tell(&terminal, EventKind::RunInterrupted);
    let told = String::from_utf8(terminal.inner.into_inner().expect("nothing panics").out).expect("text");
    let told = ansi::clean(told.as_bytes());
    assert!(
        told.starts_with("  - 1 block skipped: there is no Chromium\n  - 2 blocks skipped: `a` failed\n"),
        "{told}"
    );
}

fn tried(terminal: &Terminal<Vec<u8>>, printed: &str, attempt: u32) {
    tell(terminal, EventKind::OutputArrived { text: printed.to_owned() });
    let reason = "exit status 7, expected 0".to_owned();
    tell(terminal, EventKind::AttemptMissed { attempt, reason, next_in: Duration::from_secs(1) });
}

fn ended(terminal: &Terminal<Vec<u8>>, printed: &str, attempts: u32, outcome: Outcome) {
    tell(terminal, EventKind::OutputArrived { text: printed.to_owned() });
    tell(
        terminal,
        EventKind::BlockFinished(BlockReport {
            outcome,
            exit: Some(0),
            expected_exit: 0,
            output: printed.to_owned(),
            variables: Vec::new(),
            attempts,
            took: Duration::from_secs(30),
            notes: Vec::new(),
        }),
    );
}

fn begun() -> Terminal<Vec<u8>> {
    let terminal = Terminal::new(Vec::new(), Detail::Verbose, false);
    let started = EventKind::BlockStarted {
        host: HostName::laptop(),
        via: None,
        text: "curl web".to_owned(),
        hidden: false,
    };
    tell(&terminal, started);
    terminal
}

fn told(terminal: Terminal<Vec<u8>>) -> String {
    let told = String::from_utf8(terminal.inner.into_inner().expect("nothing panics").out).expect("text");
    let told = ansi::clean(told.as_bytes());
    told.lines()
        .filter(|line| line.starts_with("    ") || line.contains(" tries)"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn tries_that_print_the_same_are_counted_in_one_line() {
    let terminal = begun();
    for attempt in 1..=18 {
        tried(&terminal, &format!("curl: no answer after {attempt} ms\n"), attempt);
    }
    tried(&terminal, "half of it\n", 19);
    tried(&terminal, "half of it\n", 20);
    ended(&terminal, "all of it\n", 21, Outcome::Passed);
    assert_eq!(
        told(terminal),
        "    curl: no answer after 1 ms\n    try 1: exit status 7, expected 0; again in 1.0 s\n\
         \x20   tries 2 to 18: the same\n    half of it\n    try 19: exit status 7, expected 0; again in 1.0 s\n\
         \x20   try 20: the same\n    all of it\n  \u{2713}  (30.0 s, 21 tries)"
    );
}

#[test]
fn a_last_try_that_prints_the_same_is_counted_too() {
    let terminal = begun();
    tried(&terminal, "no\n", 1);
    tried(&terminal, "no\n", 2);
    let outcome = Outcome::Failed { reason: "exit status 7, expected 0".to_owned(), hint: None };
    ended(&terminal, "no\n", 3, outcome);
    let told = told(terminal);
    assert!(told.contains("again in 1.0 s\n    tries 2 to 3: the same\n  \u{2717}"), "{told}");
    assert_eq!(told.matches("    no\n").count(), 1, "{told}");
}
