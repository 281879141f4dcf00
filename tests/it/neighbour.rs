//! An unprivileged neighbour on the same machine, and an owner who means no good: what the first can read and reach, and
//! where the second can lead root.
//!
//! Nobody of them needs an account: to the kernel a user is a number, and belongs to a thread.

mod attempts;
mod home;
mod links;
