//! When to try again what failed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);

/// Failures in a row, by namespace.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failing: BTreeMap<String, Failing>,
}

#[derive(Debug)]
struct Failing {
    times: u32,
    next: Instant,
}

impl Backoff {
    /// Notes which namespaces failed in a pass; all others are well. Returns how long to wait before the next.
    ///
    /// A pass that came before its time, because the state changed, does not count as another failure.
    pub(super) fn pass(&mut self, failed: &BTreeSet<String>, now: Instant) -> Option<Duration> {
        self.failing.retain(|name, _| failed.contains(name));
        for name in failed {
            let failing = self.failing.entry(name.clone()).or_insert(Failing { times: 0, next: now });
            if failing.next <= now {
                failing.next = now + FIRST.saturating_mul(1 << failing.times.min(16)).min(LONGEST);
                failing.times += 1;
            }
        }
        self.failing.values().map(|failing| failing.next.saturating_duration_since(now)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_limit_and_success_forgets_it() {
        let mut backoff = Backoff::default();
        let failed: BTreeSet<String> = ["r".to_owned()].into();
        let mut now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..9 {
            let wait = backoff.pass(&failed, now).unwrap();
            waits.push(wait.as_millis());
            now += wait;
        }
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        assert_eq!(backoff.pass(&BTreeSet::new(), now), None);
        assert_eq!(backoff.pass(&failed, now).unwrap().as_millis(), 250);
    }

    #[test]
    fn an_early_pass_does_not_lengthen_the_wait() {
        let mut backoff = Backoff::default();
        let failed: BTreeSet<String> = ["r".to_owned()].into();
        let now = Instant::now();
        assert_eq!(backoff.pass(&failed, now).unwrap().as_millis(), 250);
        assert_eq!(backoff.pass(&failed, now + Duration::from_millis(100)).unwrap().as_millis(), 150);
    }
}
