//! What a person reads.

use std::time::Duration;

use jiff::Timestamp;

use super::*;

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
