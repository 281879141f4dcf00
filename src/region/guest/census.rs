//! How many guests run, and whether the machine has room for another one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::region::limits::{Sight, room_here};

/// Counts the guests of a daemon.
#[derive(Debug, Clone)]
pub(super) struct Census {
    running: Arc<AtomicU64>,
    sight: Arc<Sight>,
}

/// A guest that is counted; until it is dropped.
#[derive(Debug)]
pub(super) struct Counted(Arc<AtomicU64>);

impl Census {
    pub(super) fn new(sight: Sight) -> Census {
        Census { running: Arc::default(), sight: Arc::new(sight) }
    }

    /// Counts one more, if there is room for it.
    ///
    /// # Errors
    /// The limit that leaves no room, in words for the instance's state reason.
    pub(super) fn enter(&self) -> Result<Counted, String> {
        let counted = Counted(Arc::clone(&self.running));
        let before = self.running.fetch_add(1, Ordering::SeqCst);
        let room = room_here(&self.sight, before);
        if room.instances > 0 {
            return Ok(counted);
        }
        let hint = room.hint.map(|hint| format!("; hint: {hint}")).unwrap_or_default();
        Err(format!("this machine has no room for another instance beside {before}: {}{hint}", room.by))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_guest_without_room_is_refused_by_name_and_not_counted() {
        // Neighbours for two.
        let fixed = BTreeMap::from([("net.ipv4.neigh.default.gc_thresh3".to_owned(), 16)]);
        let census = Census::new(Sight::of_server(fixed));
        let first = census.enter().expect("there is room");
        let _second = census.enter().expect("there is room");
        let refused = census.enter().map(drop).expect_err("there is none");
        assert!(refused.contains("another instance beside 2"), "{refused}");
        assert!(refused.contains("net.ipv4.neigh.default.gc_thresh3 = 16"), "{refused}");
        assert!(refused.contains("hint: sysctl -w"), "{refused}");
        drop(first);
        drop(census.enter().expect("one has gone"));
    }
}
