//! Numbers as words for people.

use std::time::Duration;

use crate::event::Tally;

/// `1 block`, `2 blocks`.
pub(super) fn blocks(count: usize) -> String {
    if count == 1 { "1 block".to_owned() } else { format!("{count} blocks") }
}

/// A duration with as many digits as matter.
pub(super) fn duration(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    if seconds < 0.1 {
        format!("{:.0} ms", seconds * 1000.0)
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {:02} s", took.as_secs() / 60, took.as_secs() % 60)
    }
}

/// `12 passed, 1 failed`: passed and failed always, the others where there are any.
pub(super) fn summary(tally: Tally) -> String {
    let mut parts = vec![format!("{} passed", tally.passed), format!("{} failed", tally.failed)];
    let others = [
        (tally.differed, "differ from what is recorded", "differs from what is recorded"),
        (tally.unrecorded, "not recorded yet", "not recorded yet"),
        (tally.skipped, "skipped", "skipped"),
    ];
    for (count, many, one) in others {
        if count > 0 {
            parts.push(format!("{count} {}", if count == 1 { one } else { many }));
        }
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_are_right() {
        assert_eq!(blocks(1), "1 block");
        assert_eq!(blocks(0), "0 blocks");
        let tally = Tally { passed: 3, differed: 1, ..Tally::default() };
        assert_eq!(summary(tally), "3 passed, 0 failed, 1 differs from what is recorded");
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(duration(Duration::from_micros(2400)), "2 ms");
        assert_eq!(duration(Duration::from_millis(1240)), "1.2 s");
        assert_eq!(duration(Duration::from_secs(125)), "2 min 05 s");
    }
}
