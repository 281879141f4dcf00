//! The laptops of all labs, one each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use tokio::sync::Mutex;

use crate::region::laptop::Laptop;

/// A lab's laptop, if one was started. Locked while one is started or taken away, so that no lab gets two; other labs
/// do not wait for that.
pub(super) type Slot = Arc<Mutex<Option<Laptop>>>;

/// By the labs' names.
#[derive(Debug, Default)]
pub(super) struct Laptops(StdMutex<HashMap<String, Slot>>);

impl Laptops {
    /// The place of this lab's laptop.
    pub(super) fn slot(&self, lab: &str) -> Slot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(lab.to_owned()).or_default())
    }

    /// The lab is gone. Its place stays while somebody else holds it: two who hold two places of one lab would not
    /// wait for each other.
    pub(super) fn forget(&self, lab: &str, slot: Slot) {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(slot);
        if slots.get(lab).is_some_and(|slot| Arc::strong_count(slot) == 1) {
            slots.remove(lab);
        }
    }
}
