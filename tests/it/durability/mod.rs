//! What the region answers is on the disk, and what it refuses is nowhere: when it is killed at any moment, when the disk
//! is full or broken, when there are no descriptors left, and when its files make no sense.

mod kills;
mod ledger;
mod parts;
mod refusals;
mod unreadable;
