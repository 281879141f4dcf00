//! What the host allows, and many instances need more of.
//!
//! One [`TABLE`] says what an instance takes of each. Before one is started the table is looked at: what does not suffice is
//! raised while a daemon runs, and put back when the last one has ended (`Ledger`); what the region does not raise (it
//! changes nothing in the host's network namespace) is named, by the API, `lab region status` and `lab doctor`.
//!
//! Not in the table, because an instance takes none of it, or its namespaces have their own: loop devices (disks are
//! overlays), connection tracking (each network namespace counts its own entries), mounts (each mount namespace its own).

mod ledger;
mod room;
mod sight;
mod table;

pub use ledger::Raised;
pub(crate) use ledger::{Holder, Ledger};
pub(crate) use room::blame;
pub use room::{Report, Room, room, room_here};
pub use sight::Sight;
pub(crate) use sight::host_only;
pub use table::{CAPACITY, Limit, Mend, TABLE};
