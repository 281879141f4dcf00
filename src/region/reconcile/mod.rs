//! Makes the kernel and the machines agree with the control plane's state.
//!
//! [`Reconciler::pass`] gets no instruction: it reads what there should be, compares it with what it has made, and
//! makes the difference, in place. What fails is reported, the rest is done, and the next pass tries again. What
//! happened comes back as [`Observation`](super::model::Observation)s; transitional states end by those alone.
//!
//! A thread of the daemon's own runs passes, whenever the state's generation has grown or a wait is over:
//!
//! ```text
//! goal = Goal::of(&state)            state locked
//! pass = reconciler.reach(&goal, ..)  not locked, some milliseconds
//! observe(&mut state, ..) for each    locked; if any: again
//! ```

mod backoff;
mod goal;
mod machinery;
mod machines;
mod reconciler;
#[cfg(test)]
mod tests;

pub use backoff::Trouble;
pub use goal::{Goal, Wish};
pub use machines::{MachineError, MachineSpec, Machines};
pub use reconciler::{Pass, Problem, Reconciler};
