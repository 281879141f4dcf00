//! What packets do in the region's network, with the real control plane and the real kernel: every sentence about
//! security groups, routes and gateways that the lessons teach, tried with sockets and pings.
//!
//! Each test has a namespace tree of its own (see [`tree`]) and needs root.

mod apart;
mod channel;
mod groups;
mod internet;
mod life;
mod look;
mod oracle;
mod pairs;
mod parts;
mod probe;
mod removal;
mod site;
mod speed;
mod tree;
mod world;

const EVERYBODY: &str = "0.0.0.0/0";
