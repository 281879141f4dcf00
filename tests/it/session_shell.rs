//! The protocol of a persistent shell, on this machine.
