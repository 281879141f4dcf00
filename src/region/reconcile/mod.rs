//! Makes the kernel and the machines agree with the control plane's state.

mod machines;

pub use machines::{MachineError, MachineSpec, Machines};
