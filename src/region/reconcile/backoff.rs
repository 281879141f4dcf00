//! When to try again what failed, and since when it does.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::reconciler::Problem;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);
/// What has failed so often in a row, by then for eight seconds, is not expected to come about by itself.
const HOPELESS: u32 = 6;

/// Failures in a row, by namespace.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failing: BTreeMap<String, Failing>,
}

#[derive(Debug)]
struct Failing {
    times: u32,
    since: Instant,
    next: Instant,
    /// The last pass's first problem there.
    message: String,
}

/// A namespace that the kernel does not follow in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Where.
    pub namespace: String,
    /// Since when.
    pub since: Instant,
    /// What failed the last time, with its causes; fits "failed to ..".
    pub message: String,
}

impl Backoff {
    /// Notes what failed in a pass; everywhere else all is well. Returns how long to wait before the next.
    ///
    /// A pass that came before its time, because the state changed, does not count as another failure.
    pub(super) fn pass(&mut self, problems: &[Problem], now: Instant) -> Option<Duration> {
        let mut first: BTreeMap<&str, &str> = BTreeMap::new();
        for problem in problems {
            first.entry(&problem.namespace).or_insert(&problem.message);
        }
        self.failing.retain(|name, _| first.contains_key(name.as_str()));
        for (name, message) in first {
            let message = message.to_owned();
            let failing = self.failing.entry(name.to_owned()).or_insert(Failing {
                times: 0,
                since: now,
                next: now,
                message: String::new(),
            });
            failing.message = message;
            if failing.next <= now {
                failing.next = now + FIRST.saturating_mul(1 << failing.times.min(16)).min(LONGEST);
                failing.times += 1;
            }
        }
        self.failing.values().map(|failing| failing.next.saturating_duration_since(now)).min()
    }

    /// Why a namespace is given up, if it is. It is tried again all the same, as long as the state asks for it.
    pub(super) fn given_up(&self, namespace: &str) -> Option<&str> {
        let failing = self.failing.get(namespace).filter(|failing| failing.times >= HOPELESS)?;
        Some(&failing.message)
    }

    pub(super) fn troubles(&self) -> impl Iterator<Item = Trouble> {
        self.failing.iter().map(|(namespace, failing)| Trouble {
            namespace: namespace.clone(),
            since: failing.since,
            message: failing.message.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed() -> [Problem; 1] {
        [Problem { namespace: "r".to_owned(), message: "make it".to_owned() }]
    }

    #[test]
    fn the_wait_doubles_up_to_a_limit_and_success_forgets_it() {
        let mut backoff = Backoff::default();
        let mut now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..9 {
            let wait = backoff.pass(&failed(), now).unwrap();
            waits.push(wait.as_millis());
            now += wait;
        }
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        assert_eq!(backoff.pass(&[], now), None);
        assert_eq!(backoff.pass(&failed(), now).unwrap().as_millis(), 250);
    }

    #[test]
    fn an_early_pass_does_not_lengthen_the_wait() {
        let mut backoff = Backoff::default();
        let now = Instant::now();
        assert_eq!(backoff.pass(&failed(), now).unwrap().as_millis(), 250);
        assert_eq!(backoff.pass(&failed(), now + Duration::from_millis(100)).unwrap().as_millis(), 150);
    }

    #[test]
    fn what_fails_for_long_is_given_up_and_said_since_when() {
        let mut backoff = Backoff::default();
        let begun = Instant::now();
        let mut now = begun;
        while backoff.given_up("r").is_none() {
            now += backoff.pass(&failed(), now).unwrap();
        }
        assert_eq!(backoff.given_up("r"), Some("make it"));
        assert!(now - begun < Duration::from_secs(20), "{:?}", now - begun);
        let trouble = backoff.troubles().next().unwrap();
        assert_eq!((trouble.namespace.as_str(), trouble.since), ("r", begun));
        backoff.pass(&[], now);
        assert!(backoff.given_up("r").is_none() && backoff.troubles().next().is_none());
    }
}
