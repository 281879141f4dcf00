//! Where commands run: a persistent `bash` on the laptop or on a host over SSH.
//!
//! [`Shell`] knows the protocol by which one long-lived bash evaluates block after block, and nothing of where that bash
//! runs; [`Machine`] is that place ([`LocalMachine`], [`ssh::Host`], or the laptop of the local region, which `cli`
//! supplies). [`Pool`] keeps one shell a host for the length of a lesson. Nothing here knows lessons, clouds or
//! snapshots; what a host's name means is asked of [`Resolve`].

mod assigned;
mod block;
mod console;
mod declare;
mod dial;
mod ending;
mod files;
mod live;
mod local;
mod login;
mod machine;
mod outcome;
mod output;
mod pool;
mod printed;
mod protocol;
mod reporter;
mod screen;
mod shell;
pub mod ssh;
mod state;
mod terminal;

pub use block::{BLOCK_VARIABLE, Block, Interrupt};
pub use console::{Console, Stalled};
pub use dial::{BoxFuture, Dial, DirectDial};
pub use files::write_file;
pub use local::LocalMachine;
pub use login::{interactive_bash, login};
pub use machine::{Child, Control, Exit, Machine, Program, WindowSize};
pub use outcome::{Ended, Outcome, Stray, Variable};
pub use output::Output;
pub use pool::{KeyFile, LAPTOP, Pool, Resolve, ResolveError, Target};
pub use shell::{Error, Setup, Shell};
pub use state::State;
pub use terminal::{Pty, RawMode, window_size};

/// Random hexadecimal digits, two for each byte.
fn random_hex(bytes: usize) -> String {
    (0..bytes).map(|_| format!("{:02x}", rand::random::<u8>())).collect()
}
