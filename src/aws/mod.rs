//! The cloud as `lab` uses it.
//!
//! The `aws` command of the laptop is data: [`client`] hands what was typed to the runner, [`serve`](serve()) takes it
//! there, [`run`] understands it ([`command`]), makes the calls ([`request`], [`call`]), pages and waits, and prints as
//! the AWS CLI version 2 prints ([`query`], [`output`]). The model of [`crate::wire`] says which operations and
//! parameters exist. What `lab` does on its own behalf (journal, inventory, teardown) is beside it.

pub mod call;
pub mod client;
pub mod command;
mod configure;
pub mod creation;
mod done;
pub mod execute;
pub mod frame;
mod held;
pub mod inventory;
pub mod journal;
pub mod journaling;
pub mod output;
mod overhear;
pub mod page;
pub mod price;
pub mod query;
pub mod replay;
pub mod request;
pub mod resume;
mod secret;
mod serve;
mod survey;
pub mod teardown;
pub mod topology;
pub mod wait;

pub use call::Caller;
pub use execute::{Outcome, run};
pub use frame::Typed;
pub use overhear::Overheard;
pub use request::{Answer, Call, CallError, Intercepted, Interceptor, Request, Target};
pub use serve::serve;
