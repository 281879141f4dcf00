//! Rules of the control plane, seen from outside: calls and what they answer.

mod groups;
mod instances;
mod network;
mod random;
mod unread;
mod world;
