//! What somebody who is connected is doing, as far as it says how long he may stay.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// Who has connected has to ask something in this time.
const ARRIVAL: Duration = Duration::from_secs(10);
/// A request that has begun has to be there in this time: its body, and what makes it believed.
const REQUEST: Duration = Duration::from_secs(10);
/// Who has been answered may ask again in this time.
const REST: Duration = Duration::from_secs(60);
/// Of an answer something has to be taken in this time.
const ANSWER: Duration = Duration::from_secs(60);

/// Handlers find it among the extensions of each request. Copies are one.
#[derive(Clone, Debug)]
pub(crate) struct Presence(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    doing: Mutex<(Doing, Instant)>,
    leave: Notify,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    Arriving,
    Asking,
    /// Something is worked on for him; how long that takes is up to those who work.
    Waiting,
    Taking,
    Resting,
}

impl Presence {
    pub(super) fn new(now: Instant) -> Presence {
        Presence(Arc::new(Shared { doing: Mutex::new((Doing::Arriving, now)), leave: Notify::new() }))
    }

    /// His request is whole and makes sense: until it has been answered he need not leave.
    pub(crate) fn admit(&self) {
        self.set(Doing::Waiting);
    }

    pub(super) fn asks(&self) {
        self.set(Doing::Asking);
    }

    pub(super) fn takes(&self) {
        self.set(Doing::Taking);
    }

    /// He has been answered.
    pub(crate) fn rests(&self) {
        self.set(Doing::Resting);
    }

    /// Whether he can be asked to leave when others want to come in.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.doing().0, Doing::Arriving | Doing::Asking | Doing::Resting)
    }

    pub(super) fn overstays(&self, now: Instant) -> bool {
        let (doing, since) = *self.doing();
        let patience = match doing {
            Doing::Arriving => ARRIVAL,
            Doing::Asking => REQUEST,
            Doing::Waiting => return false,
            Doing::Taking => ANSWER,
            Doing::Resting => REST,
        };
        now.saturating_duration_since(since) > patience
    }

    pub(super) fn ask_to_leave(&self) {
        self.0.leave.notify_one();
    }

    pub(super) async fn asked_to_leave(&self) {
        self.0.leave.notified().await;
    }

    fn set(&self, doing: Doing) {
        *self.doing() = (doing, Instant::now());
    }

    fn doing(&self) -> MutexGuard<'_, (Doing, Instant)> {
        self.0.doing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_depends_on_what_is_waited_for() {
        let (presence, now) = (Presence::new(Instant::now()), Instant::now());
        let after = |seconds| presence.overstays(now + Duration::from_secs(seconds));
        assert!(!after(9) && after(11), "who has connected has to ask");
        presence.asks();
        assert!(!after(9) && after(11) && presence.is_idle(), "a request that trickles in is none");
        presence.admit();
        assert!(!after(3600) && !presence.is_idle(), "the work may take long");
        presence.takes();
        assert!(!after(59) && after(61) && !presence.is_idle(), "an answer has to be taken");
        presence.rests();
        assert!(!after(59) && after(61) && presence.is_idle(), "a connection that is kept has its time");
    }
}
