//! Everybody who is connected to a server. When there is no room left, whoever has waited longest without having asked
//! anything leaves for whoever comes: thousands who only hold their places keep nobody out.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit};

use super::presence::Presence;

/// How often it is looked whether somebody has stayed too long.
const LOOK: Duration = Duration::from_secs(2);
/// No server takes more than this part of the descriptors that the process may have.
const SHARE: u64 = 8;

/// Everybody who is connected, by whom they come from.
#[derive(Debug)]
pub(crate) struct Crowd<F> {
    most: usize,
    most_from_one: usize,
    members: Mutex<Members<F>>,
}

#[derive(Debug)]
struct Members<F> {
    next: u64,
    /// In the order of their coming.
    all: BTreeMap<u64, (F, Presence)>,
    from: HashMap<F, usize>,
}

/// A seat in the crowd, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Seat<F: Clone + Eq + Hash> {
    crowd: Arc<Crowd<F>>,
    number: u64,
    presence: Presence,
}

impl<F: Clone + Eq + Hash> Crowd<F> {
    /// A crowd of at most so many, and so many of them from one place; less where the process may have few descriptors.
    pub(crate) fn new(most: usize, most_from_one: usize) -> Arc<Crowd<F>> {
        let descriptors = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft);
        let share = usize::try_from(descriptors / SHARE).unwrap_or(usize::MAX).max(16);
        let members = Members { next: 0, all: BTreeMap::new(), from: HashMap::new() };
        let most = most.min(share);
        Arc::new(Crowd { most, most_from_one: most_from_one.min(most), members: Mutex::new(members) })
    }

    /// Lets somebody in. None when it is full of those who are being served.
    pub(crate) fn enter(self: &Arc<Self>, from: F) -> Option<Seat<F>> {
        let mut members = self.members();
        if members.from.get(&from).is_some_and(|count| *count >= self.most_from_one) {
            members.make_room(Some(&from))?;
        } else if members.all.len() >= self.most {
            members.make_room(None)?;
        }
        let number = members.next;
        members.next += 1;
        let presence = Presence::new(Instant::now());
        *members.from.entry(from.clone()).or_default() += 1;
        members.all.insert(number, (from, presence.clone()));
        Some(Seat { crowd: Arc::clone(self), number, presence })
    }

    fn members(&self) -> MutexGuard<'_, Members<F>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: Clone + Eq + Hash> Members<F> {
    fn make_room(&mut self, from: Option<&F>) -> Option<()> {
        let idle = |(_, (own, presence)): &(&u64, &(F, Presence))| {
            from.is_none_or(|from| own == from) && presence.is_idle()
        };
        let number = *self.all.iter().find(idle)?.0;
        if let Some(presence) = self.remove(number) {
            presence.ask_to_leave();
        }
        Some(())
    }

    fn remove(&mut self, number: u64) -> Option<Presence> {
        let (from, presence) = self.all.remove(&number)?;
        if let Some(count) = self.from.get_mut(&from) {
            *count -= 1;
            if *count == 0 {
                self.from.remove(&from);
            }
        }
        Some(presence)
    }
}

impl<F: Clone + Eq + Hash> Seat<F> {
    /// What he is doing.
    pub(crate) fn presence(&self) -> &Presence {
        &self.presence
    }

    /// Waits until he has to leave: because he has stayed too long, or others want in.
    pub(crate) async fn is_over(&self) {
        loop {
            tokio::select! {
                () = self.presence.asked_to_leave() => return,
                () = tokio::time::sleep(LOOK) => if self.presence.overstays(Instant::now()) { return },
            }
        }
    }
}

impl<F: Clone + Eq + Hash> Drop for Seat<F> {
    fn drop(&mut self) {
        self.crowd.members().remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn has_to_leave(seat: &Seat<u8>) -> bool {
        tokio::time::timeout(Duration::from_millis(50), seat.is_over()).await.is_ok()
    }

    #[tokio::test]
    async fn who_has_waited_longest_leaves_when_it_is_full() {
        let crowd = Crowd::new(3, 2);
        let first = crowd.enter(1).unwrap();
        let second = crowd.enter(1).unwrap();
        let other = crowd.enter(2).unwrap();
        // One place has its share, and that alone.
        let third = crowd.enter(1).unwrap();
        assert!(has_to_leave(&first).await && !has_to_leave(&second).await && !has_to_leave(&other).await);
        // All have theirs: whoever waits longest leaves, wherever he comes from.
        let fourth = crowd.enter(3).unwrap();
        assert!(has_to_leave(&second).await && !has_to_leave(&other).await);
        drop((first, second));
        // Who is being served stays, and then there is no room.
        for seat in [&other, &third, &fourth] {
            seat.presence().admit();
        }
        assert!(crowd.enter(4).is_none() && crowd.enter(1).is_none());
        drop(other);
        assert!(crowd.enter(4).is_some());
    }

    #[test]
    fn seats_are_given_back() {
        let crowd = Crowd::new(100, 100);
        for _ in 0..1000 {
            drop(crowd.enter(1));
        }
        let members = crowd.members();
        assert!(members.all.is_empty() && members.from.is_empty());
    }
}
